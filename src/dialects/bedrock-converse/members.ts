import type { DialectName } from '../canonical.ts'
import { keeper } from '../members.ts'

export { type Fault, given, type Kept, lose, type Members } from '../members.ts'

export const NAME: DialectName = 'bedrock-converse'

export const { sealed, ours, restore, members } = keeper(NAME)
