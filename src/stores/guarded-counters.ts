import { randomUUID } from 'node:crypto'
import { Failure } from '../errors.ts'
import type { CounterStore, Reading, Settled, SettleRequest, Taken, TakeRequest } from './counters.ts'

interface Owed {
  key: string
  slice: number
  expiresAtMs: number
  spend: number
}

export interface GuardOptions {
  /** Milliseconds that only go forward. */
  clock: { monotonicMs(): number }
  /** Counts what can be counted here alone while the store is away. */
  local: CounterStore
  /** A store that takes longer is a store that is down. */
  deadlineMs?: number
  /** How many share the limits, this one included: while the store is away each has its part. */
  replicas(): number
  /** Told when the store goes away, and when it is back. */
  changed(isDown: boolean, why: string | undefined): void
}

const DEADLINE_MS = 50
/** Failures in a row, until nobody asks any more but a probe. */
const FAILURES_MAX = 5
const PROBE_MS = { first: 500, most: 5_000 }
/** Of the hold by which is counted what was spent while the store was away. */
const OWED_LEASE_MS = 60_000
/** Settlements that wait for the store; the ledger has what is dropped. */
const WAITING_MAX = 10_000

/**
 * Shared counters with a deadline and a breaker. While they are away, a call under a hard budget is refused at once
 * (`store_unavailable`), since nobody can say that there is room; soft budgets are counted when it is back, and rates and
 * places in flight are counted here, with this replica's part of them (D29).
 */
export class GuardedCounters implements CounterStore {
  readonly #store: CounterStore
  readonly #options: GuardOptions
  readonly #deadlineMs: number
  #failures = 0
  /** While down: when the next probe may go. */
  #probeAtMs = 0
  #probeMs = PROBE_MS.first
  /** Holds that were taken here. */
  readonly #localHolds = new Set<string>()
  readonly #waiting: SettleRequest[] = []
  /** Holds that were taken there. */
  readonly #storeHolds = new Set<string>()
  /** What was spent while the store was away, by counter and slice. */
  #owed = new Map<string, Owed>()

  constructor(store: CounterStore, options: GuardOptions) {
    this.#store = store
    this.#options = options
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS
  }

  /** The store is away. */
  get isDown(): boolean {
    return this.#failures >= FAILURES_MAX
  }

  async take(request: TakeRequest): Promise<Taken> {
    const { hold, budgets } = request
    try {
      const taken = await this.#ask(() => this.#store.take(request))
      if (taken.ok) this.#storeHolds.add(hold)
      return taken
    } catch (thrown) {
      const isHard = budgets.some(({ hard }) => hard)
      const wasAsked = thrown instanceof Failure && thrown.cause !== undefined
      // A store that thaws carries out what nobody waits for any more. What else a call under a hard budget has, it keeps.
      if (isHard ? wasAsked && !this.#storeHolds.has(hold) : wasAsked || this.#storeHolds.has(hold)) this.#undo(request)
      if (isHard) throw thrown
      return this.#takeHere(request)
    }
  }

  async settle(request: SettleRequest): Promise<Settled> {
    if (this.#localHolds.has(request.hold)) {
      if (request.close) this.#localHolds.delete(request.hold)
      this.#owe(request.budgets)
      return this.#options.local.settle({ ...request, budgets: [] })
    }
    if (request.close) this.#storeHolds.delete(request.hold)
    try {
      return await this.#ask(() => this.#store.settle(request))
    } catch {
      // Said twice it counts once, so it is safe to say it again whether or not it was heard.
      this.#wait(request)
      return 'settled'
    }
  }

  seed(counter: { key: string; slice: number; expiresAtMs: number }, spent: number): Promise<void> {
    return this.#ask(() => this.#store.seed(counter, spent))
  }

  async renew(holds: readonly string[], leaseMs: number): Promise<readonly string[]> {
    const [here, there] = [holds.filter(id => this.#localHolds.has(id)), holds.filter(id => !this.#localHolds.has(id))]
    await this.#options.local.renew(here, leaseMs)
    return there.length === 0 ? [] : this.#ask(() => this.#store.renew(there, leaseMs))
  }

  async sweep(limit: number): Promise<readonly string[]> {
    for (const id of await this.#options.local.sweep(limit)) this.#localHolds.delete(id)
    return this.#ask(() => this.#store.sweep(limit))
  }

  read(keys: readonly { key: string; slice: number; slices: number }[]): Promise<Reading[]> {
    return this.#ask(() => this.#store.read(keys))
  }

  epochMs(): Promise<number> {
    return this.#ask(() => this.#store.epochMs())
  }

  nowMs(): Promise<number> {
    return this.#ask(() => this.#store.nowMs())
  }

  openHolds(): Promise<number> {
    return this.#ask(() => this.#store.openHolds())
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  /** Asks the store, in time; at once not at all while it is down and no probe is due. */
  async #ask<Answer>(run: () => Answer | Promise<Answer>): Promise<Answer> {
    const { clock } = this.#options
    if (this.isDown && clock.monotonicMs() < this.#probeAtMs) throw away()
    // One probe at a time: the others must not wait for a store that most likely does not answer.
    if (this.isDown) this.#probeAtMs = clock.monotonicMs() + this.#probeMs
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${this.#deadlineMs} ms`)), this.#deadlineMs)
    })
    try {
      const answer = await Promise.race([run(), late])
      this.#answered()
      return answer
    } catch (thrown) {
      this.#failed(thrown)
      throw away(thrown)
    } finally {
      clearTimeout(timer)
    }
  }

  #answered(): void {
    if (this.isDown) this.#options.changed(false, undefined)
    this.#failures = 0
    this.#probeMs = PROBE_MS.first
    const waiting = this.#waiting.splice(0)
    for (const request of waiting) void this.settle(request)
    void this.#payOwed()
  }

  #wait(request: SettleRequest): void {
    this.#waiting.push(request)
    if (this.#waiting.length > WAITING_MAX) this.#waiting.shift()
  }

  /** Gives back all that a hold has there, as soon as the store is back. */
  #undo({ hold, leaseMs }: TakeRequest): void {
    this.#storeHolds.delete(hold)
    this.#wait({ hold, id: `${hold}:undone`, budgets: [], rates: [], close: true, leaseMs })
  }

  #owe(budgets: SettleRequest['budgets']): void {
    for (const { key, slice, spend, expiresAtMs } of budgets) {
      if (spend === 0) continue
      const name = `${slice} ${key}`
      this.#owed.set(name, { key, slice, expiresAtMs, spend: spend + (this.#owed.get(name)?.spend ?? 0) })
    }
  }

  /** Counters that the store has lost are not paid: they are seeded from the ledger, which has all of it. */
  async #payOwed(): Promise<void> {
    const owed = [...this.#owed.values()]
    this.#owed = new Map()
    await Promise.all(
      owed.map(async ({ spend, ...counter }) => {
        const hold = randomUUID()
        const budgets = [{ ...counter, slices: 1, amount: 0, limit: 0, hard: false, seeded: true }]
        try {
          const taken = await this.#ask(() =>
            this.#store.take({ hold, leaseMs: OWED_LEASE_MS, budgets, rates: [], slots: [] })
          )
          if (!taken.ok) return
        } catch {
          return this.#owe([{ ...counter, release: 0, spend }])
        }
        const paid = [{ ...counter, release: 0, spend }]
        await this.settle({ hold, id: hold, budgets: paid, rates: [], close: true, leaseMs: OWED_LEASE_MS })
      })
    )
  }

  #failed(thrown: unknown): void {
    const wasDown = this.isDown
    this.#failures++
    if (!this.isDown) return
    if (wasDown) this.#probeMs = Math.min(this.#probeMs * 2, PROBE_MS.most)
    this.#probeAtMs = this.#options.clock.monotonicMs() + this.#probeMs
    if (!wasDown) this.#options.changed(true, thrown instanceof Error ? thrown.message : String(thrown))
  }

  async #takeHere(request: TakeRequest): Promise<Taken> {
    const { local, replicas } = this.#options
    const share = Math.max(1, replicas())
    const taken = await local.take({
      ...request,
      budgets: [],
      rates: request.rates.map(({ key, costMicros, burstMicros }) => ({
        key,
        costMicros: costMicros * share,
        // One request must fit, however small the part is.
        burstMicros: Math.max(burstMicros, costMicros * share)
      })),
      slots: request.slots.map(({ key, limit }) => ({ key, limit: Math.max(1, Math.floor(limit / share)) }))
    })
    if (!taken.ok) return taken
    this.#localHolds.add(request.hold)
    return { ...taken, remaining: request.budgets.map(({ limit }) => limit) }
  }
}

function away(cause?: unknown): Failure {
  return new Failure(
    'store_unavailable',
    'The counters of budgets do not answer; the call cannot be admitted without them.',
    {
      retryAfterMs: 1_000,
      cause
    }
  )
}
