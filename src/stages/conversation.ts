import { createHash } from 'node:crypto'
import { isObject, type Json } from '../json.ts'
import type { Call } from './call.ts'
import { sessionOf } from './payers.ts'

/**
 * What the calls of one conversation have in common, as 32 characters that say nothing of it: its session, where the
 * client names one, else how it begins. `owner` keeps those of different keys apart.
 */
export function conversationOf(call: Call, owner: string | undefined): string {
  const hash = createHash('sha256').update(`${owner ?? ''}\0`)
  const session = sessionOf(call)
  if (session !== undefined) hash.update(`session\0${session}`)
  else hash.update(`begins\0${JSON.stringify(beginning(call) ?? null)}`)
  return hash.digest('base64url').slice(0, 32)
}

/** The conversation to the end of the first turn of its user: every later call of it begins so. */
function beginning({ body, dialect }: Call): Json | undefined {
  const turns = body.get(dialect.members.conversation)
  if (!Array.isArray(turns)) return turns
  const first = turns.findIndex(turn => isObject(turn) && turn.role === 'user')
  return first < 0 ? turns.slice(0, 1) : turns.slice(0, first + 1)
}

/**
 * The order in which something is tried for a conversation, by rendezvous: each has a rank of its own for it, so that
 * where one is missing its conversations alone move, and those of the others stay. Shares are kept.
 */
export function ranked<Each extends { id: string; weight: number }>(of: readonly Each[], conversation: string): Each[] {
  const rank = ({ id, weight }: Each) => -weight / Math.log(fraction(`${conversation}\0${id}`))
  return [...of]
    .map(each => ({ each, rank: rank(each) }))
    .sort((one, other) => other.rank - one.rank)
    .map(({ each }) => each)
}

/** More than 0 and less than 1. */
function fraction(text: string): number {
  return (createHash('sha256').update(text).digest().readUInt32BE(0) + 0.5) / 2 ** 32
}
