import type { Clock } from '../clock.ts'
import type {
  BudgetTake,
  CounterStore,
  Reading,
  Settled,
  SettleRequest,
  SlotTake,
  Taken,
  TakeRequest
} from './counters.ts'

interface Slice {
  spent: number
  held: number
  expiresAtMs: number
}

interface OpenHold {
  leaseEndsMs: number
  /** Held, by `key` and slice. */
  held: Map<string, { key: string; slice: number; amount: number }>
  slots: Set<string>
  settled: Set<string>
}

/** Between two looks for what is of no more interest. */
const TIDY_MS = 60_000

/** The counters of one process, in its memory: every answer is at once, and what it takes is taken in the same turn. */
export class MemoryCounters implements CounterStore {
  readonly #clock: Clock
  readonly #epochMs: number
  readonly #counters = new Map<string, Map<number, Slice>>()
  /** Arrival times of rates, in microseconds since 1970. */
  readonly #arrivals = new Map<string, number>()
  readonly #slots = new Map<string, Set<string>>()
  readonly #holds = new Map<string, OpenHold>()
  #tidiedMs = 0

  constructor({ clock }: { clock: Clock }) {
    this.#clock = clock
    this.#epochMs = clock.wallMs()
  }

  take(request: TakeRequest): Taken {
    const nowMs = this.#clock.wallMs()
    const refused = this.#refusal(request, nowMs)
    if (refused) return refused
    const { leaseMs } = request
    const hold = this.#holds.get(request.hold) ?? {
      leaseEndsMs: 0,
      held: new Map(),
      slots: new Set(),
      settled: new Set()
    }
    hold.leaseEndsMs = nowMs + leaseMs
    this.#holds.set(request.hold, hold)
    for (const { key, slice, amount, expiresAtMs } of request.budgets) {
      this.#slice(key, slice, expiresAtMs).held += amount
      const place = `${slice} ${key}`
      const known = hold.held.get(place)
      if (known) known.amount += amount
      else hold.held.set(place, { key, slice, amount })
    }
    const aheadMicros = request.rates.map(({ key, costMicros }) => this.#arrive(key, costMicros, nowMs))
    const inUse = request.slots.map(({ key }) => {
      const places = this.#slots.get(key) ?? new Set()
      this.#slots.set(key, places.add(request.hold))
      hold.slots.add(key)
      return places.size
    })
    return { ok: true, nowMs, remaining: request.budgets.map(each => this.#remaining(each)), aheadMicros, inUse }
  }

  settle({ hold: id, id: settlement, budgets, rates, close, leaseMs }: SettleRequest): Settled {
    const nowMs = this.#clock.wallMs()
    const hold = this.#holds.get(id)
    if (!hold) return 'gone'
    if (hold.settled.has(settlement)) return 'again'
    hold.settled.add(settlement)
    hold.leaseEndsMs = nowMs + leaseMs
    for (const { key, slice, release, spend, expiresAtMs } of budgets) {
      const counter = this.#slice(key, slice, expiresAtMs)
      const held = hold.held.get(`${slice} ${key}`)
      const released = Math.min(release, held?.amount ?? 0)
      if (held) held.amount -= released
      counter.held -= released
      counter.spent += spend
    }
    for (const { key, micros } of rates) this.#arrive(key, micros, nowMs)
    if (close) this.#close(id, hold, false)
    return 'settled'
  }

  seed({ key, slice, expiresAtMs }: { key: string; slice: number; expiresAtMs: number }, spent: number): void {
    if (!this.#counters.has(key)) this.#slice(key, slice, expiresAtMs).spent = spent
  }

  renew(holds: readonly string[], leaseMs: number): string[] {
    const leaseEndsMs = this.#clock.wallMs() + leaseMs
    return holds.filter(id => {
      const hold = this.#holds.get(id)
      if (hold) hold.leaseEndsMs = leaseEndsMs
      return !hold
    })
  }

  sweep(limit: number): string[] {
    const nowMs = this.#clock.wallMs()
    const over = [...this.#holds].filter(([, { leaseEndsMs }]) => leaseEndsMs <= nowMs).slice(0, limit)
    for (const [id, hold] of over) this.#close(id, hold, true)
    this.#tidy(nowMs)
    return over.map(([id]) => id)
  }

  read(keys: readonly { key: string; slice: number; slices: number }[]): Reading[] {
    return keys.map(each => this.#sum(each))
  }

  epochMs(): number {
    return this.#epochMs
  }

  nowMs(): number {
    return this.#clock.wallMs()
  }

  openHolds(): number {
    return this.#holds.size
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #refusal({ budgets, rates, slots, hold }: TakeRequest, nowMs: number): Exclude<Taken, { ok: true }> | undefined {
    const indexes = budgets.flatMap(({ key, seeded }, index) => (seeded && !this.#counters.has(key) ? [index] : []))
    if (indexes.length > 0) return { ok: false, nowMs, why: 'missing', indexes }
    for (const [index, { key, costMicros, burstMicros }] of rates.entries()) {
      const aheadMicros = Math.max(0, (this.#arrivals.get(key) ?? 0) - nowMs * 1000) + costMicros
      if (aheadMicros > burstMicros) {
        return { ok: false, nowMs, why: 'rate', index, waitMicros: aheadMicros - burstMicros }
      }
    }
    for (const [index, slot] of slots.entries()) {
      const inUse = this.#inUse(slot)
      if (inUse >= slot.limit && !this.#slots.get(slot.key)?.has(hold)) {
        return { ok: false, nowMs, why: 'slot', index, inUse }
      }
    }
    // The same counter may be there twice: what comes first takes from what comes after.
    const asked = new Map<string, number>()
    for (const [index, each] of budgets.entries()) {
      const before = asked.get(each.key) ?? 0
      asked.set(each.key, before + each.amount)
      const remaining = this.#remaining(each) - before
      if (each.hard && each.amount > remaining) return { ok: false, nowMs, why: 'budget', index, remaining }
    }
    return undefined
  }

  #inUse({ key }: SlotTake): number {
    return this.#slots.get(key)?.size ?? 0
  }

  #remaining(take: BudgetTake): number {
    const { spent, held } = this.#sum(take)
    return take.limit - spent - held
  }

  #sum({ key, slice, slices }: { key: string; slice: number; slices: number }): Reading {
    const sum = { spent: 0, held: 0 }
    for (const [at, { spent, held }] of this.#counters.get(key) ?? []) {
      if (at > slice || at <= slice - slices) continue
      sum.spent += spent
      sum.held += held
    }
    return sum
  }

  #slice(key: string, slice: number, expiresAtMs: number): Slice {
    const slices = this.#counters.get(key) ?? new Map<number, Slice>()
    this.#counters.set(key, slices)
    const found = slices.get(slice) ?? { spent: 0, held: 0, expiresAtMs }
    slices.set(slice, found)
    return found
  }

  /** Moves an arrival time, never to before now. Returns how far it is ahead. */
  #arrive(key: string, micros: number, nowMs: number): number {
    const nowMicros = nowMs * 1000
    const at = Math.max(nowMicros, Math.max(nowMicros, this.#arrivals.get(key) ?? 0) + micros)
    this.#arrivals.set(key, at)
    return at - nowMicros
  }

  #close(id: string, { held, slots }: OpenHold, counts: boolean): void {
    this.#holds.delete(id)
    for (const { key, slice, amount } of held.values()) {
      const counter = this.#counters.get(key)?.get(slice)
      if (!counter) continue
      counter.held -= amount
      if (counts) counter.spent += amount
    }
    for (const key of slots) {
      const places = this.#slots.get(key)
      places?.delete(id)
      if (places?.size === 0) this.#slots.delete(key)
    }
  }

  #tidy(nowMs: number): void {
    if (nowMs - this.#tidiedMs < TIDY_MS) return
    this.#tidiedMs = nowMs
    for (const [key, slices] of this.#counters) {
      for (const [slice, { expiresAtMs }] of slices) if (expiresAtMs <= nowMs) slices.delete(slice)
      if (slices.size === 0) this.#counters.delete(key)
    }
    for (const [key, at] of this.#arrivals) if (at <= nowMs * 1000) this.#arrivals.delete(key)
  }
}
