import type { Caller } from '../access/caller.ts'
import type { CacheFront } from '../cache/front.ts'
import type { CachePolicy } from '../cache/policy.ts'
import type { Compared } from '../cache/semantic.ts'
import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import type { Nano } from '../nano.ts'
import type { Random } from '../random.ts'
import type { CachedAnswer, CacheStore } from '../stores/cache.ts'
import type { CacheResult, Caching } from './caching.ts'
import type { Call, Reply } from './call.ts'
import type { Flight, Flights } from './flights.ts'
import { asksUsage } from './prepare.ts'
import { cacheHeaders, serve } from './serve.ts'

export interface LookupRooms {
  clock: Clock
  random: Random
  /** Undefined: nobody has turned the cache on for this call. */
  policyOf(call: Call, caller: Caller): CachePolicy | 'bypass' | undefined
  /** All that the answer follows from; or why it can be neither found nor kept. */
  keyOf(call: Call, caller: Caller, of: { namespace: string; variant: number }): { key: string } | { bypass: string }
  front: CacheFront
  /** Undefined: answers are in memory alone. */
  store: CacheStore | undefined
  flights: Flights
  pace: 'immediate' | 'natural'
  /** Looks for a question like this call's; undefined: it is none that is compared. */
  likeness(call: Call, caller: Caller, policy: CachePolicy, variant: number): Promise<Compared | undefined>
  /** Has a stale answer made anew, beside the call. */
  refresh(call: Call): void
  /** The store did not answer: the cache goes on without it. */
  storeFailed(thrown: unknown): void
}

/**
 * The kept answer to a call, or the answer of an identical one in flight (D1, D28); undefined where the call must be
 * made. Failures: `not_cached`, where it wants nothing else; what all identical calls in flight meet; `client_closed`.
 */
export function lookup(call: Call, caller: Caller, rooms: LookupRooms): Reply | undefined | Promise<Reply | undefined> {
  const policy = rooms.policyOf(call, caller)
  if (!policy) return undefined
  const begunMs = rooms.clock.monotonicMs() - call.startedMs
  const askedMs = [begunMs, begunMs] as const
  const { purges } = rooms.front
  if (policy === 'bypass') {
    call.caching = { policy: NO_POLICY, result: 'bypass', bypassed: 'asked', key: undefined, askedMs, purges }
    return undefined
  }
  const variant = policy.bucket > 1 ? Math.floor(rooms.random.chance() * policy.bucket) : 0
  const keyed = rooms.keyOf(call, caller, { namespace: policy.namespace, variant })
  const caching: Caching = { policy, result: 'miss', key: undefined, askedMs, purges }
  call.caching = caching
  if ('bypass' in keyed) {
    caching.result = 'bypass'
    caching.bypassed = keyed.bypass
    return missed(policy)
  }
  caching.key = keyed.key
  if (!policy.reads) return missed(policy)
  return new Lookup(call, caching, rooms).find(caller, keyed.key, variant)
}

const NO_POLICY: CachePolicy = Object.freeze({
  mode: 'exact',
  ttlMs: 0,
  staleMs: 0,
  threshold: 1,
  namespace: '',
  tags: [],
  bucket: 1,
  coalesce: false,
  reads: false,
  only: false,
  maxAgeMs: 0
})

function missed({ only }: CachePolicy): undefined {
  if (only) throw new Failure('not_cached', 'There is no kept answer to this call, and it wants no other.')
  return undefined
}

/** An answer to a question like the one that was asked. */
interface Like {
  answer: CachedAnswer
  reply: Reply
  score: number
}

class Lookup {
  readonly #call: Call
  readonly #caching: Caching
  readonly #rooms: LookupRooms

  constructor(call: Call, caching: Caching, rooms: LookupRooms) {
    this.#call = call
    this.#caching = caching
    this.#rooms = rooms
  }

  find(caller: Caller, key: string, variant: number): Reply | undefined | Promise<Reply | undefined> {
    const { policy } = this.#caching
    const kept = this.#rooms.front.get(key)
    const reply = kept && this.#give(kept)
    if (reply) return reply
    if (policy.coalesce && !policy.only) {
      // Before anything is waited for: who comes now with the same words must find this call.
      const place = this.#place(key)
      const flight = this.#rooms.flights.find(place)
      if (flight) return this.#join(flight)
      this.#caching.flight = this.#rooms.flights.open(place, this.#call)
    }
    if (!this.#rooms.store && policy.mode === 'exact') return missed(policy)
    return this.#search(caller, key, variant)
  }

  /** Only calls that want the same form share a flight. */
  #place(key: string): string {
    const { stream, framing } = this.#call
    return stream ? `${key} ${framing} ${asksUsage(this.#call)}` : key
  }

  async #search(caller: Caller, key: string, variant: number): Promise<Reply | undefined> {
    const { policy } = this.#caching
    const stored = await this.#stored(key)
    const exact = stored && this.#give(stored)
    if (exact) {
      this.#rooms.front.put(stored)
      return this.#found(stored, exact)
    }
    if (policy.mode === 'semantic') {
      const similar = await this.#similar(caller, variant)
      if (similar) return this.#found(similar.answer, similar.reply, similar.score)
    }
    this.#asked()
    return missed(policy)
  }

  /** An answer that was found beyond this process's memory is that of all who wait for this call. */
  #found(answer: CachedAnswer, reply: Reply, score?: number): Reply {
    this.#caching.flight?.found(answer, score)
    delete this.#caching.flight
    return reply
  }

  async #stored(key: string): Promise<CachedAnswer | undefined> {
    try {
      return await this.#rooms.store?.get(key)
    } catch (thrown) {
      this.#rooms.storeFailed(thrown)
      return undefined
    }
  }

  async #similar(caller: Caller, variant: number): Promise<Like | undefined> {
    const { policy } = this.#caching
    const fromMs = this.#rooms.clock.monotonicMs()
    // A request that cannot be read is for its provider to refuse.
    const likeness = await this.#rooms.likeness(this.#call, caller, policy, variant).catch(() => undefined)
    this.#call.waitedMs += this.#rooms.clock.monotonicMs() - fromMs
    if (!likeness) return undefined
    this.#caching.question = likeness.question
    const { found } = likeness
    if (!found) return undefined
    const answer = this.#rooms.front.get(found.key) ?? (await this.#stored(found.key))
    const reply = answer && this.#give(answer, found.score)
    return reply && { answer, reply, score: found.score }
  }

  /** The answer as this call's reply; undefined where it is too old for it, or cannot be said in its form. */
  #give(answer: CachedAnswer, score?: number): Reply | undefined {
    const result: CacheResult = score === undefined ? 'hit' : 'semantic'
    const { clock, store, pace, refresh } = this.#rooms
    const { policy } = this.#caching
    const wallMs = clock.wallMs()
    const ageMs = wallMs - answer.storedAtMs
    const staleMs = wallMs - answer.freshUntilMs
    const isStale = staleMs >= 0
    if (ageMs > policy.maxAgeMs || answer.keptUntilMs <= wallMs || (isStale && staleMs > policy.staleMs))
      return undefined
    const reply = served(this.#call, answer, { result, wallMs, pace })
    if (!reply) return undefined
    store?.used(answer.key)
    this.#caching.result = result
    this.#caching.given = {
      requestId: answer.requestId,
      ageMs,
      savedNano: () => answer.costNano as Nano | null,
      savedMs: answer.tookMs,
      stored: { atMs: answer.storedAtMs, freshUntilMs: answer.freshUntilMs },
      ...(score !== undefined && { score }),
      ...(isStale && { isStale })
    }
    if (isStale) refresh(this.#call)
    this.#asked()
    return reply
  }

  async #join(flight: Flight): Promise<Reply | undefined> {
    const fromMs = this.#rooms.clock.monotonicMs()
    try {
      const landing = await flight.join(this.#call)
      if (landing.how === 'lead') {
        flight.leads(this.#call)
        this.#caching.flight = flight
        return undefined
      }
      if (landing.how === 'found') return this.#give(landing.answer, landing.score)
      return this.#shared(landing.reply, landing.leader)
    } finally {
      this.#call.waitedMs += this.#rooms.clock.monotonicMs() - fromMs
      this.#asked()
    }
  }

  #shared(reply: Reply, leader: Call): Reply {
    this.#caching.result = 'coalesced'
    this.#caching.given = {
      requestId: leader.id,
      ageMs: 0,
      savedMs: 0,
      // Known when it is over.
      savedNano: () => leader.account?.costNano ?? null
    }
    return {
      ...reply,
      headers: cacheHeaders('coalesced', this.#caching.key),
      answered: { ...reply.answered, attempts: 0, isKept: true }
    }
  }

  /** The cache has said what it had to say. */
  #asked(): void {
    const { askedMs } = this.#caching
    this.#caching.askedMs = [askedMs[0], this.#rooms.clock.monotonicMs() - this.#call.startedMs]
  }
}

/** An answer that cannot be read any more is none. */
function served(call: Call, answer: CachedAnswer, serving: Parameters<typeof serve>[2]): Reply | undefined {
  try {
    return serve(call, answer, serving)
  } catch {
    return undefined
  }
}
