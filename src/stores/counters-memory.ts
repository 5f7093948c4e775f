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

/** Its lists are short: to look through them is less work than to make names for places in a map. */
interface OpenHold {
  leaseEndsMs: number
  held: { key: string; slice: number; amount: number }[]
  slots: string[]
  settled: string[]
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
    let hold = this.#holds.get(request.hold)
    if (!hold) {
      hold = { leaseEndsMs: 0, held: [], slots: [], settled: [] }
      this.#holds.set(request.hold, hold)
    }
    hold.leaseEndsMs = nowMs + request.leaseMs
    for (const { key, slice, amount, expiresAtMs } of request.budgets) {
      this.#slice(key, slice, expiresAtMs).held += amount
      const known = heldOn(hold, key, slice)
      if (known) known.amount += amount
      else hold.held.push({ key, slice, amount })
    }
    const aheadMicros = request.rates.map(({ key, costMicros }) => this.#arrive(key, costMicros, nowMs))
    const inUse = request.slots.map(({ key }) => {
      const places = this.#slots.get(key) ?? new Set()
      this.#slots.set(key, places.add(request.hold))
      hold.slots.push(key)
      return places.size
    })
    return { ok: true, nowMs, remaining: request.budgets.map(each => this.#remaining(each)), aheadMicros, inUse }
  }

  settle({ hold: id, id: settlement, budgets, rates, close, leaseMs }: SettleRequest): Settled {
    const nowMs = this.#clock.wallMs()
    const hold = this.#holds.get(id)
    if (!hold) return 'gone'
    if (hold.settled.includes(settlement)) return 'again'
    hold.settled.push(settlement)
    hold.leaseEndsMs = nowMs + leaseMs
    for (const { key, slice, release, spend, expiresAtMs } of budgets) {
      const counter = this.#slice(key, slice, expiresAtMs)
      const held = heldOn(hold, key, slice)
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
    if (budgets.some(each => this.#isMissing(each))) {
      const indexes = [...budgets.keys()].filter(index => this.#isMissing(budgets[index]!))
      return { ok: false, nowMs, why: 'missing', indexes }
    }
    for (let index = 0; index < rates.length; index++) {
      const { key, costMicros, burstMicros } = rates[index]!
      const aheadMicros = Math.max(0, (this.#arrivals.get(key) ?? 0) - nowMs * 1000) + costMicros
      if (aheadMicros > burstMicros) {
        return { ok: false, nowMs, why: 'rate', index, waitMicros: aheadMicros - burstMicros }
      }
    }
    for (let index = 0; index < slots.length; index++) {
      const slot = slots[index]!
      const inUse = this.#inUse(slot)
      if (inUse >= slot.limit && !this.#slots.get(slot.key)?.has(hold)) {
        return { ok: false, nowMs, why: 'slot', index, inUse }
      }
    }
    for (let index = 0; index < budgets.length; index++) {
      const each = budgets[index]!
      if (!each.hard) continue
      let remaining = this.#remaining(each)
      // The same counter may be there twice: what comes first takes from what comes after.
      for (let before = 0; before < index; before++) {
        if (budgets[before]!.key === each.key) remaining -= budgets[before]!.amount
      }
      if (each.amount > remaining) return { ok: false, nowMs, why: 'budget', index, remaining }
    }
    return undefined
  }

  #isMissing({ key, seeded }: BudgetTake): boolean {
    return seeded && !this.#counters.has(key)
  }

  #inUse({ key }: SlotTake): number {
    return this.#slots.get(key)?.size ?? 0
  }

  #remaining(take: BudgetTake): number {
    const { spent, held } = this.#sum(take)
    return take.limit - spent - held
  }

  #sum({ key, slice, slices }: { key: string; slice: number; slices: number }): Reading {
    const counter = this.#counters.get(key)
    const sum = { spent: 0, held: 0 }
    if (slices === 1) {
      const only = counter?.get(slice)
      return only ? { spent: only.spent, held: only.held } : sum
    }
    for (const [at, { spent, held }] of counter ?? []) {
      if (at > slice || at <= slice - slices) continue
      sum.spent += spent
      sum.held += held
    }
    return sum
  }

  #slice(key: string, slice: number, expiresAtMs: number): Slice {
    let slices = this.#counters.get(key)
    if (!slices) {
      slices = new Map()
      this.#counters.set(key, slices)
    }
    let found = slices.get(slice)
    if (!found) {
      found = { spent: 0, held: 0, expiresAtMs }
      slices.set(slice, found)
    }
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
    for (const { key, slice, amount } of held) {
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

function heldOn({ held }: OpenHold, key: string, slice: number): OpenHold['held'][number] | undefined {
  return held.find(each => each.key === key && each.slice === slice)
}
