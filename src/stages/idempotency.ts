import type { Caller } from '../access/caller.ts'
import { decodeKept, encodeKept, fingerprintOf, hasKey, idOf, type KeptReply, keyIn } from '../cache/idempotency.ts'
import type { Clock } from '../clock.ts'
import { type Code, Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Claimed, IdempotencyStore } from '../stores/idempotency.ts'
import { endedBy } from '../wire/exchange.ts'
import { type Call, copyOf, type Reply } from './call.ts'

type Whole = Extract<Reply, { how: 'whole' }>

interface IdempotencyRooms {
  store: IdempotencyStore
  clock: Clock
  log: Pick<Log, 'warn'>
}

/** How long an outcome is given again, in milliseconds: as long as payment services do, whose clients send such keys. */
const KEPT_MS = 86_400_000
/** A process that is killed holds its keys for no longer than this. */
const LEASE_MS = 45_000
const TEND_MS = 10_000
const SWEEP_MS = 3_600_000
const SWEEP_BATCH = 1_000
/** Official SDKs come back by themselves after a 409, at the time they are told. */
const RETRY_AFTER_MS = 1_000

const REPLAY_HEADER = 'x-gatehouse-idempotent-replay'

const OPERATIONS: ReadonlySet<string> = new Set(['chat', 'embeddings'])

/**
 * What a provider says of the request itself is what it would say again: it is the outcome. Every other failure lets go
 * of the key. Before anything was sent (our refusals, limits, budgets, overload) nothing was carried out; and what is
 * worth another try (5xx, 429, timeouts, connections, answers cut short) the client tries again with this very key: it
 * would wait a day for another outcome.
 */
const LASTING: ReadonlySet<Code> = new Set([
  'provider_bad_request',
  'context_too_long',
  'content_filtered',
  'provider_too_large'
])

/** What is known of one call with a key. */
type Held =
  /** It carries the key out. `isKept`: a provider's reply is in the store; the guards have not let it pass yet. */
  | { id: string; isKept: boolean }
  /** Another call has, or does: this is what the call is told. */
  | { replay: Whole }
  | { failure: Failure }

/**
 * One execution for all calls with one `Idempotency-Key`: who comes first carries it out, who comes meanwhile is told to
 * come back, who comes later gets the same outcome, for 24 hours. Kept are replies as they were below the guards of the
 * reply, so that every replay passes those of its own caller (D1).
 */
export class Idempotency {
  readonly #rooms: IdempotencyRooms
  /** Calls under way that have a key, by their id. */
  readonly #held = new Map<string, Held>()
  /** What is being written for a key: whoever comes back at once must not come too soon. */
  readonly #writing = new Map<string, Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #tending: Promise<void> | undefined
  #sweptMs = Number.NEGATIVE_INFINITY

  constructor(rooms: IdempotencyRooms) {
    this.#rooms = rooms
    this.#timer = setInterval(() => {
      this.#tending = this.tend()
    }, TEND_MS)
    this.#timer.unref()
  }

  /**
   * Looks up the key of a call, before limits and budgets: a replay needs no room in a budget that its own execution may
   * have filled. Undefined: it has no key, or that was looked up already. Failures: `invalid_header`, `store_unavailable`.
   */
  begin(call: Call, caller: Caller): Promise<void> | undefined {
    if (!hasKey(call.headers) || !isCovered(call) || this.#held.has(call.id)) return undefined
    const key = keyIn(call.headers)!
    return this.#claim(call, idOf({ key, caller: caller.key, door: call.door, operation: call.operation }))
  }

  async #claim(call: Call, id: string): Promise<void> {
    await this.#writing.get(id)
    const nowMs = this.#rooms.clock.wallMs()
    const times = { nowMs, leaseUntilMs: nowMs + LEASE_MS, keptUntilMs: nowMs + KEPT_MS }
    const claim = { id, fingerprint: fingerprint(call), requestId: call.id, ...times }
    const claimed = await this.#rooms.store.claim(claim).catch(unavailable)
    this.#held.set(call.id, claimed.how === 'claimed' ? { id, isKept: false } : toldBy(claimed))
  }

  /** Whether the call is told what another one came to, and nobody is asked. */
  isTold({ id }: Call): boolean {
    const held = this.#held.get(id)
    return held !== undefined && !('isKept' in held)
  }

  /** Whether what comes of the call is to be kept. */
  keeps({ id }: Call): boolean {
    const held = this.#held.get(id)
    return held !== undefined && 'isKept' in held
  }

  /** Throws where the call is told a failure: `idempotency_in_flight`, `_mismatch`, `_spent`, or what the outcome was. */
  refuse({ id }: Call): void {
    const held = this.#held.get(id)
    if (held && 'failure' in held) throw held.failure
  }

  /** The reply that another call with the key was given. */
  replayTo({ id }: Call): Whole | undefined {
    const held = this.#held.get(id)
    return held && 'replay' in held ? held.replay : undefined
  }

  /**
   * The call as it goes on to providers. One that carries its key out does not end when its client leaves: whoever sends
   * a key comes back for the answer, and it would cost twice if the first were given up.
   */
  onward(call: Call): Call {
    return this.keeps(call) ? copyOf(call, { signal: withoutLeaving(call.signal) }) : call
  }

  /**
   * Keeps a provider's reply to a call that carries its key out; the same reply comes back when it is kept, so that no
   * crash after the client has it can have it made twice. Where the store does not answer it goes to the client all the
   * same: its tokens are paid for.
   */
  async keep(call: Call, reply: Reply): Promise<Reply> {
    const held = this.#held.get(call.id)
    if (reply.how !== 'whole' || !held || !('isKept' in held)) return reply
    held.isKept = await this.#finish(held.id, call, encodeKept(keptOf(reply)))
    return reply
  }

  /** The call has its reply. Headers say of a replay that it is one, and of a key that nothing came of it. */
  answered(call: Call, reply: Reply): Reply {
    this.#held.delete(call.id)
    // A stream is nothing that could be given again in one piece. Official SDKs send no key by themselves, but there are
    // agents that send one with every call: refused, they would not work at all. They are told that it did nothing.
    const ignored = call.stream && call.operation === 'chat' && hasKey(call.headers)
    return ignored ? { ...reply, headers: { ...reply.headers, [REPLAY_HEADER]: 'unsupported' } } : reply
  }

  /** The call got no reply: what the provider said of the request is its outcome, and all else lets go of the key. */
  failed(call: Call, failure: Failure): void {
    const held = this.#held.get(call.id)
    this.#held.delete(call.id)
    if (!held || !('isKept' in held)) return
    const { id, isKept } = held
    // The provider was paid for a reply that a guard does not let pass: the guards of each replay judge it again.
    if (isKept && failure.kind === 'refused_here') return
    const write = LASTING.has(failure.code)
      ? this.#finish(id, call, encodeKept({ how: 'failure', failure }))
      : this.#rooms.store.release(id, call.id)
    const written = Promise.resolve(write)
      .then(() => {})
      .catch(thrown => this.#warn(thrown, 'the key of a failed call was not let go'))
      .finally(() => {
        if (this.#writing.get(id) === written) this.#writing.delete(id)
      })
    this.#writing.set(id, written)
  }

  /** Longer leases for what is under way; what is over is removed, every hour. Never rejects. */
  async tend(): Promise<void> {
    const { store, clock } = this.#rooms
    const underWay = [...this.#held].flatMap(([call, held]) => ('isKept' in held ? [call] : []))
    try {
      if (underWay.length > 0) await store.renew(underWay, clock.wallMs() + LEASE_MS)
      if (clock.monotonicMs() - this.#sweptMs < SWEEP_MS) return
      this.#sweptMs = clock.monotonicMs()
      while ((await store.dropExpired(clock.wallMs(), SWEEP_BATCH)) === SWEEP_BATCH);
    } catch (thrown) {
      this.#warn(thrown, 'idempotency keys were not tended')
    }
  }

  /** Resolves when what calls came to is written down. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await Promise.all([this.#tending, ...this.#writing.values()])
  }

  async #finish(id: string, { id: requestId }: Call, outcome: Buffer): Promise<boolean> {
    try {
      const keptUntilMs = this.#rooms.clock.wallMs() + KEPT_MS
      return await this.#rooms.store.finish({ id, requestId, outcome, keptUntilMs })
    } catch (thrown) {
      this.#warn(thrown, 'the outcome of a call with an idempotency key was not kept')
      return false
    }
  }

  #warn(thrown: unknown, what: string): void {
    this.#rooms.log.warn({ why: String(thrown) }, what)
  }
}

/** Whole answers of models alone; what else a door does costs nothing, and a call for another call has no client. */
function isCovered({ operation, stream, parent }: Call): boolean {
  return OPERATIONS.has(operation) && !stream && parent === undefined
}

function fingerprint({ model, headers, dialect, received, body }: Call): string {
  return fingerprintOf({ model, headers, forwarded: dialect.requestHeaders, body: received ?? body.bytes })
}

/** A signal that does not tell of the client's leaving; what ends the call from our side ends it still. */
function withoutLeaving(signal: AbortSignal): AbortSignal {
  // It has left before anything was sent: there is nothing to save.
  if (signal.aborted) return signal
  const own = new AbortController()
  const heard = () => {
    if (endedBy(signal)) own.abort(signal.reason)
  }
  signal.addEventListener('abort', heard, { once: true })
  return own.signal
}

function toldBy(claimed: Exclude<Claimed, { how: 'claimed' }>): Held {
  if (claimed.how === 'mismatch') return { failure: mismatch() }
  if (claimed.how === 'in_flight') return { failure: inFlight() }
  const kept = decodeKept(claimed.outcome)
  if (kept.how === 'reply') return { replay: asReply(kept) }
  return { failure: kept.how === 'failure' ? asReplay(kept.failure) : spent() }
}

function mismatch(): Failure {
  return new Failure(
    'idempotency_mismatch',
    'This Idempotency-Key was sent with another request before: use a new one for this.'
  )
}

function inFlight(): Failure {
  const message = 'A call with this Idempotency-Key is still being answered: come back for its answer.'
  return new Failure('idempotency_in_flight', message, { retryAfterMs: RETRY_AFTER_MS })
}

function spent(): Failure {
  return new Failure(
    'idempotency_spent',
    'The call with this Idempotency-Key was carried out, and its answer was too large to be kept: use a new key.'
  )
}

function asReply({ status, provider, model, losses, touches, simulated, holder, finish, body }: KeptReply): Whole {
  const who = { provider, model, attempts: 0, fallback: 0, losses, touches, simulated, isKept: true as const }
  return {
    how: 'whole',
    status,
    headers: { [REPLAY_HEADER]: 'true' },
    answered: { ...who, ...(holder && { holder }) },
    body,
    // Counted with the call that it was made for.
    usage: undefined,
    finish: finish ?? undefined
  }
}

/** Whoever says the failure says with it that it is said again. */
function asReplay(failure: Failure): Failure {
  failure.details.idempotent_replay = true
  return failure
}

function keptOf({ status, answered, finish, body }: Whole): KeptReply {
  const { provider, model, losses, touches, simulated, holder = null } = answered
  const who = { provider, model, losses, touches, simulated, holder }
  return { how: 'reply', status, ...who, finish: finish ?? null, body }
}

function unavailable(cause: unknown): never {
  throw new Failure(
    'store_unavailable',
    'Whether a call with this Idempotency-Key was answered already cannot be known now.',
    { retryAfterMs: RETRY_AFTER_MS, cause }
  )
}
