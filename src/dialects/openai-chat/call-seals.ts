import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName, Seal } from '../canonical.ts'
import { type Kept, type Members, ours } from './members.ts'

/**
 * A tool call may bear what only its maker can read (Gemini signs calls, and refuses them back without). An OpenAI
 * client carries it where Google's own OpenAI-compatible endpoint has it, which clients know to send back
 * (ai.google.dev/gemini-api/docs/thought-signatures#openai); beside it stands whose it is:
 *
 *     extra_content: { google: { thought_signature: '…' }, gatehouse: { maker: 'gemini' } }
 *
 * A seal that is no text stands in `gatehouse.seal`. Without `gatehouse` it came from that endpoint itself.
 */
const MEMBER = 'extra_content'
const GOOGLES: DialectName = 'gemini'

/** What a call carries. From an endpoint of this dialect it is written back as it came. */
export function takeCallSeal(members: Members): { seal?: Seal } {
  const carried = members.peek(MEMBER)
  const seal = readCallSeal(carried)
  if (!seal) return {}
  members.take(MEMBER)
  if (!isCarried(carried)) members.verbatim(MEMBER, carried!)
  return { seal }
}

export function readCallSeal(carried: Json | undefined): Seal | undefined {
  if (!isObject(carried)) return undefined
  const { gatehouse, google, vertex } = carried
  const signature = [google, vertex].filter(isObject).map(each => each.thought_signature)[0]
  const maker = isObject(gatehouse) && typeof gatehouse.maker === 'string' ? (gatehouse.maker as DialectName) : GOOGLES
  const value = isObject(gatehouse) && gatehouse.seal !== undefined ? gatehouse.seal : signature
  return value === undefined || value === null ? undefined : { maker, value }
}

/** Whether we put it there, for another maker than OpenAI's kin. */
export function isCarried(carried: Json | undefined): boolean {
  return isObject(carried) && isObject(carried.gatehouse)
}

/** For a client: the member that carries the seal. */
export function carryCallSeal({ maker, value }: Seal): JsonObject {
  const isText = typeof value === 'string'
  return {
    [MEMBER]: {
      ...(isText && { google: { thought_signature: value } }),
      gatehouse: { maker, ...(!isText && { seal: value }) }
    }
  }
}

/** Whether the call is written back with what it carried, which an endpoint of this dialect gave it. */
export function keepsCallSeal(call: Kept): boolean {
  const members = ours(call.spelling)?.members
  return isObject(members) && members[MEMBER] !== undefined
}

/** Takes what we carried out of the calls of a message; whether there was any. Edits the message. */
export function dropCallSeals(message: JsonObject): boolean {
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.filter(isObject) : []
  const carrying = calls.filter(call => isCarried(call[MEMBER]))
  for (const call of carrying) delete call[MEMBER]
  return carrying.length > 0
}
