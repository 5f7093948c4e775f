import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { type Fault, type Kept, keeper, lose, Members as SharedMembers } from '../members.ts'

export { type Fault, given, type Kept, lose, merge } from '../members.ts'

export const NAME: DialectName = 'openai-responses'

export const { sealed, ours, restore } = keeper(NAME)

export class Members extends SharedMembers {
  constructor(value: Json | undefined, path: string, fault: Fault) {
    super(value, path, fault, NAME)
  }
}

/** Another dialect's seal: nothing we can write, something to name. */
export function isForeign(seal: Seal | undefined): boolean {
  return seal !== undefined && seal.maker !== NAME
}

/** One member of what we kept of the spelling. */
export function spelt(kept: Kept, name: string): Json | undefined {
  return ours(kept.spelling)[name]
}

/** A seal around these members, unless there are none. */
export function sealedIf(members: JsonObject): Seal | undefined {
  return Object.keys(members).length > 0 ? sealed(members) : undefined
}

export function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** Names what another dialect kept of an element, below `path`. */
export function loseForeign(rest: Seal | undefined, path: string, losses: Losses): void {
  if (isForeign(rest)) for (const name of Object.keys(objectOf(rest?.value))) lose(losses, `${path}.${name}`)
}
