import type { Json } from '../../json.ts'
import type { DialectName } from '../canonical.ts'
import { type Fault, keeper, Members as SharedMembers } from '../members.ts'

export { type Fault, given, type Kept, lose } from '../members.ts'

export const NAME: DialectName = 'anthropic-messages'

export const { sealed, ours, restore } = keeper(NAME)

export class Members extends SharedMembers {
  constructor(value: Json | undefined, path: string, fault: Fault) {
    super(value, path, fault, NAME)
  }
}
