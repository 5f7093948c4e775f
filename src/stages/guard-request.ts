import { hash } from 'node:crypto'
import type { Caller } from '../access/caller.ts'
import { Failure } from '../errors.ts'
import { type Guard, Guarding } from '../guards/attached.ts'
import { type Guarded, guardBody } from '../guards/body.ts'
import type { Tools } from '../guards/guard.ts'
import type { GuardThreads } from '../guards/threads.ts'
import { type Call, copyOf } from './call.ts'
import { factsFor } from './guard-facts.ts'
import { guardHeavy, isHeavyBody } from './guard-heavy.ts'

export interface GuardRooms {
  /** Those of this call, in their order: of the gateway, its routes, its key and its team. */
  guardsOf(call: Call, caller: Caller): readonly Guard[]
  /** On the monotonic clock, in milliseconds. */
  nowMs(): number
  /** What checks may use, for this call. */
  tools(call: Call, caller: Caller): Tools
  /** For bodies that would hold the event loop for too long. */
  threads: GuardThreads
}

/**
 * The call as its guards let it go on: with everything that they mask replaced, in a body of its own, so that nothing
 * after this sees it (D1). The same call where nothing is replaced. Throws the Failure that stops it.
 */
export function guardRequest(call: Call, caller: Caller, rooms: GuardRooms): Call | Promise<Call> {
  const guards = rooms.guardsOf(call, caller)
  if (guards.length === 0) return call
  const guarding = new Guarding(guards, rooms.nowMs, numbersBefore(call))
  call.guarding = guarding
  if (call.stream) refuseStream(guarding)
  if (call.object || guarding.of('request').length === 0) return call
  const reading = {
    side: 'request',
    guarding,
    tools: rooms.tools(call, caller),
    signal: call.signal,
    facts: () => factsFor(call, call.body.object(), 'request')
  } as const
  const guarded = isHeavyBody(call.body, guarding.of('request'))
    ? guardHeavy(call.body, call, reading, rooms.threads)
    : guardBody(call.body, call, reading)
  return guarded instanceof Promise ? guarded.then(done => edited(call, done)) : edited(call, guarded)
}

/**
 * Of a conversation that its provider keeps, this call has but the last turn: placeholders of the others must not be
 * taken for its own, so that each call has numbers far from those of any other. A replay has those of its execution.
 */
function numbersBefore({ id, headers, stream, body }: Call): number {
  const seed = (!stream && headers['idempotency-key']) || id
  const isKept = body.has('previous_response_id') || body.has('conversation')
  return isKept ? 100 * (1 + (Number.parseInt(hash('sha256', seed).slice(0, 8), 16) % 9_999_999)) : 0
}

function refuseStream(guarding: Guarding): void {
  const cannot = guarding.of('response').find(({ check, onStream }) => {
    return onStream === 'refuse' && (check.reach === 'whole' || check.judge !== undefined)
  })
  if (!cannot) return
  const message = `The guard "${cannot.name}" judges whole answers alone; ask without streaming.`
  throw new Failure('guard_cannot_stream', message, { param: 'stream', details: { guard: cannot.name } })
}

function edited(call: Call, { body, paths }: Guarded): Call {
  if (paths.length === 0) return call
  call.guarding?.touches.push(...paths)
  // The size of the request is not what it was.
  if (call.account) call.account.size = undefined
  return copyOf(call, { body })
}
