import type { Caller } from '../access/caller.ts'
import type { Guarding } from '../guards/attached.ts'
import { type Guarded, guardBody } from '../guards/body.ts'
import type { Reading } from '../guards/passages.ts'
import { GuardedStream } from '../guards/window.ts'
import { JsonBody } from '../json.ts'
import type { Call, Reply } from './call.ts'
import { factsFor } from './guard-facts.ts'
import { guardHeavy, isHeavyBody } from './guard-heavy.ts'
import type { GuardRooms } from './guard-request.ts'

type Whole = Extract<Reply, { how: 'whole' }>

/**
 * The reply as its guards let it go to the client, with what the request's placeholders stand for put back. A stream is
 * handed over when its first content may go out. Rejects with the Failure that the plan or the client is told.
 */
export function guardReply(call: Call, caller: Caller, reply: Reply, rooms: GuardRooms): Reply | Promise<Reply> {
  const { guarding } = call
  if (!guarding) return reply
  const readsNothing = guarding.of('response').length === 0 && !guarding.placeholders.restores
  const saysNothing = call.operation === 'count-tokens' || call.operation === 'embeddings'
  if (readsNothing || saysNothing) return noted(reply, guarding)
  const readingOf = (facts: Reading['facts']): Reading => ({
    side: 'response',
    guarding,
    tools: rooms.tools(call, caller),
    signal: call.signal,
    facts
  })
  if (reply.how === 'whole') return guardWhole(call, reply, readingOf, rooms)
  const { dialect, framing } = call
  const source = new GuardedStream(reply.source, {
    dialect,
    framing,
    reading: readingOf(() => factsFor(call, {}, 'response')),
    threads: rooms.threads
  })
  return source.ready().then(() => noted({ ...reply, source }, guarding))
}

function guardWhole(
  call: Call,
  reply: Whole,
  readingOf: (facts: Reading['facts']) => Reading,
  { threads }: GuardRooms
): Reply | Promise<Reply> {
  const body = JsonBody.of(reply.body)
  const reading = readingOf(() => factsFor(call, body.object(), 'response'))
  const isAside = isHeavyBody(body, reading.guarding.of('response'))
  const guarded = isAside ? guardHeavy(body, call, reading, threads) : guardBody(body, call, reading)
  const finished = ({ body: after, paths }: Guarded) =>
    noted(paths.length === 0 ? reply : { ...reply, body: after.bytes }, reading.guarding)
  return guarded instanceof Promise ? guarded.then(finished) : finished(guarded)
}

/** What was changed in the request is among the touches; what was only flagged is in a header. */
function noted(reply: Reply, { touches, verdicts }: Guarding): Reply {
  const flagged = new Set(verdicts.filter(({ action }) => action === 'flag').map(({ rule }) => rule))
  if (touches.length === 0 && flagged.size === 0) return reply
  const answered = { ...reply.answered, touches: [...reply.answered.touches, ...touches] }
  const headers = { ...reply.headers, ...(flagged.size > 0 && { 'x-gatehouse-flagged': [...flagged].join(', ') }) }
  return { ...reply, answered, headers }
}
