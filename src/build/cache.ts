import type { Caller } from '../access/caller.ts'
import type { Answers } from '../cache/answers.ts'
import { CACHE_HEADER, type CachePolicy, cachePolicy } from '../cache/policy.ts'
import type { RouteCache } from '../cache-rules.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config/index.ts'
import { handle, type Rooms } from '../gateway.ts'
import type { Random } from '../random.ts'
import { type Answered, attemptsIn, type Call, copyOf, type Reply } from '../stages/call.ts'
import type { CallRecord } from '../stages/call-record.ts'
import type { Flights } from '../stages/flights.ts'
import { type LookupRooms, lookup } from '../stages/lookup.ts'
import type { Names } from '../stages/resolve.ts'
import { routesAsked } from '../stages/route-call.ts'
import { cacheHeaders } from '../stages/serve.ts'
import { type Tapped, tapStream, tapWhole } from '../stages/tap.ts'
import type { CachedAnswer } from '../stores/cache.ts'

interface Planned {
  config: Config
  names: Names
}

/** What of the process the cache works with. */
export interface CachePlant {
  clock: Clock
  random: Random
  kept: { answers: Answers; flights: Flights }
}

export interface CacheTools extends Pick<LookupRooms, 'keyOf' | 'likeness'> {}

/**
 * The rooms with a cache: lookup before the plan is followed, and a tap under the guards of replies (D1). Attempts of a
 * call that leads others go on for as long as one of them wants the answer.
 */
export function withCache(rooms: Rooms, plan: Planned, plant: CachePlant, tools: CacheTools): Rooms {
  const { answers, flights } = plant.kept
  const { cache } = plan.config
  answers.front.limit(cache.memoryBytesMax)
  const isOn = isUsed(plan.config)
  if (isOn) answers.warm()
  // Where nobody has turned it on, no route need be looked for.
  const mayBeUsed = ({ headers }: Call, { scopes }: Caller) =>
    isOn || CACHE_HEADER in headers || scopes.some(scope => scope.cache !== undefined)
  const refreshing = new Set<string>()
  const lookupRooms: LookupRooms = {
    ...tools,
    clock: plant.clock,
    random: plant.random,
    front: answers.front,
    store: answers.store,
    flights,
    pace: cache.pace,
    policyOf: (call, caller) => (mayBeUsed(call, caller) ? policyOf(call, caller, plan) : undefined),
    storeFailed: thrown => answers.problem(thrown),
    refresh: call => void refreshed(call, refreshing, () => cached, plant)
  }
  const keeping = { answers, clock: plant.clock, bytesMax: cache.answerBytesMax }
  const cached: Rooms = {
    ...rooms,
    lookup: (call, caller) => {
      if (!isCacheable(call)) return undefined
      return lookup(call, caller, lookupRooms)
    },
    wait: (call, milliseconds) => rooms.wait(shared(call), milliseconds),
    attempt: (call, step, trail) => rooms.attempt(shared(call), step, trail),
    recover: (call, reply, trail, goOn) => tapped(call, rooms.recover(call, reply, trail, goOn), keeping),
    observe: (call, caller, trail, reply) => rooms.observe(call, caller, trail, withWord(call, reply)),
    failed: (call, caller, trail, failure) => {
      call.caching?.flight?.failed(failure, attemptsIn(trail) > 0)
      rooms.failed(call, caller, trail, failure)
    }
  }
  return cached
}

/** Whether the configuration turns it on for any call. */
export function isUsed({ cache, routes, keys }: Config): boolean {
  const modes = [cache.mode, ...Object.values(routes).map(route => route.cache?.mode), ...keys.map(key => key.cache)]
  return modes.some(mode => mode !== undefined && mode !== 'off')
}

/** What comes from below skips the cache (D25), and what is about a kept thing has no answer that could be given twice. */
function isCacheable({ operation, object, parent }: Call): boolean {
  return (operation === 'chat' || operation === 'embeddings') && !object && parent === undefined
}

function policyOf(call: Call, caller: Caller, { config, names }: Planned): CachePolicy | 'bypass' | undefined {
  const route = routesAsked(call, names).find((each): each is typeof each & { cache: RouteCache } => !!each.cache)
  const keys = caller.scopes.flatMap(({ cache }) => (cache === undefined ? [] : [cache]))
  return cachePolicy(call.headers, { gateway: config.cache, route: route?.cache, keys })
}

/** A call that leads others does not end with its own client. */
function shared(call: Call): Call {
  const { flight } = call.caching ?? {}
  return flight ? copyOf(call, { signal: flight.signal }) : call
}

interface Keeping {
  answers: Answers
  clock: Clock
  bytesMax: number
}

/** The reply, of which what may be given again is kept; and which all who wait for it get. */
function tapped(call: Call, reply: Reply, keeping: Keeping): Reply {
  const { caching } = call
  if (!caching?.key || caching.isTapped || reply.answered.isKept) return reply
  caching.isTapped = true
  const { bytesMax, clock } = keeping
  const done = (taken: Tapped | undefined) => {
    if (taken) keep(call, caching.key!, reply.answered, taken, keeping)
  }
  if (reply.how === 'whole') {
    done(tapWhole(call, reply, bytesMax))
    return caching.flight?.landed(reply) ?? reply
  }
  const source = tapStream(call, reply.source, { bytesMax, nowMs: () => clock.monotonicMs(), done })
  return caching.flight?.landed({ ...reply, source }) ?? { ...reply, source }
}

function keep(call: Call, key: string, answered: Answered, taken: Tapped, { answers, clock }: Keeping): void {
  const { policy, question, purges } = call.caching!
  // It may be of what somebody wanted gone meanwhile.
  if (purges !== answers.front.purges) return
  const { payers = {}, costNano = null } = call.account ?? {}
  const nowMs = clock.wallMs()
  const freshUntilMs = nowMs + policy.ttlMs
  const answer: CachedAnswer = {
    ...taken,
    key,
    framing: call.framing,
    provider: answered.provider,
    model: answered.model,
    losses: answered.losses,
    touches: answered.touches,
    simulated: answered.simulated,
    holder: answered.holder ?? null,
    usage: taken.usage ?? null,
    finish: taken.finish ?? null,
    costNano,
    tookMs: Math.round(clock.monotonicMs() - call.startedMs),
    storedAtMs: nowMs,
    freshUntilMs,
    keptUntilMs: freshUntilMs + policy.staleMs,
    namespace: policy.namespace,
    route: call.decision?.route ?? call.model,
    tags: policy.tags,
    requestId: call.id,
    org: payers.org ?? null,
    team: payers.team ?? null,
    user: payers.user ?? null,
    customer: payers.customer ?? null,
    keyName: payers.key ?? null
  }
  answers.keep(answer, question && { ...question, key, keptUntilMs: answer.keptUntilMs })
}

/** Every answer of a call that the cache was asked for says what it said. */
function withWord(call: Call, reply: Reply): Reply {
  const { caching } = call
  if (!caching || CACHE_HEADER in reply.headers) return reply
  return { ...reply, headers: { ...reply.headers, ...cacheHeaders(caching.result, caching.key) } }
}

/**
 * A stale answer was given; the same call is made once more, by nobody who waits, to make it fresh. It is a call of its
 * own: its caller pays for it, and it is in the log under the call that it was made for.
 */
async function refreshed(
  call: Call,
  under: Set<string>,
  rooms: () => Rooms,
  { clock, random }: CachePlant
): Promise<void> {
  const { key, policy } = call.caching!
  if (key === undefined || under.has(key)) return
  under.add(key)
  const { account: _, caching: __, guarding: ___, capture: ____, decision: _____, ...same } = call
  const mode = policy.mode === 'semantic' ? 'semantic, refresh' : 'refresh'
  const { 'cache-control': ______, ...headers } = call.headers
  const again: Call = {
    ...same,
    id: random.id(),
    headers: { ...headers, 'x-gatehouse-cache': mode, 'x-gatehouse-parent': call.id },
    signal: new AbortController().signal,
    startedMs: clock.monotonicMs(),
    waitedMs: 0
  }
  try {
    const reply = await handle(again, rooms())
    if (reply.how === 'stream') await heard(reply)
  } catch {
    // It is in the log like every other call; the next one may try again.
  } finally {
    under.delete(key)
  }
}

function heard(reply: Extract<Reply, { how: 'stream' }>): Promise<void> {
  return new Promise(resolve => reply.source.start({ frame: () => true, close: () => resolve() }))
}

/** What a call got of the cache, for who counts; and what a guard stopped is not kept for the next. */
export function countCache({ caching, failure }: CallRecord, answers: Answers, calls = 1): void {
  if (!caching) return
  const { given, result, key } = caching
  answers.count(result, { nano: given?.savedNano() ?? 0, ms: given?.savedMs ?? 0 }, calls)
  if (failure?.code === 'guardrail_blocked' && result === 'miss' && key !== undefined) answers.forget(key)
}
