import type { Clock } from '../clock.ts'
import type { Nano } from '../nano.ts'
import type { CounterStore } from '../stores/counters.ts'
import type { BudgetRow, BudgetUnit, Payers } from '../stores/rows.ts'
import { Hold } from './hold.ts'
import { type Rules, type Scope, scopesOf } from './rules.ts'
import { LEASE_MS } from './taking.ts'

/** What one attempt may come to, at its target. */
export interface Ask {
  target: { provider: string; model: string }
  /** The worst case; null: the price is unknown, and then dollars are not held. */
  nano: Nano | null
  /** The worst case, input and output together. */
  tokens: number
  /** What it will likely be: rates of tokens are taken by it, and settled by what was used. */
  expectedTokens: number
}

/** What an attempt came to. */
export interface Spent {
  nano: Nano | null
  tokens: number
}

export interface HoldRooms {
  counters: CounterStore
  /** What the ledger has for a scope in a time: for counters that are not there (any more). */
  spent(scope: Scope, unit: BudgetUnit, fromMs: number, toMs: number): Promise<bigint>
  clock: Clock
  /** The status of a refusal by a budget: 429, or 402. */
  refusalStatus(): number
  /** A share of a budget was reached that somebody wants to hear of. */
  reached(budget: BudgetRow, reached: Reached): void
  /** A settlement could not be delivered; the ledger has it all the same. */
  unsettled(thrown: unknown): void
}

/** A share of a budget, and who reached it. */
export interface Reached {
  /** Whose counter it is. */
  value: string
  /** From 0 to 1. */
  share: number
  spentAndHeld: number
  /** When its window begins anew: a share is reached once in it. */
  resetMs: number
}

/** The desk at which holds are opened; one a process. */
export class Holds {
  readonly rooms: HoldRooms
  readonly #open = new Set<Hold>()
  /** How far the store's clock is ahead of ours. */
  #aheadMs = 0

  constructor(rooms: HoldRooms) {
    this.rooms = rooms
  }

  /** `above`: further scopes that pay, beside those of `payers`. */
  open(id: string, payers: Payers, rules: Rules, above: readonly Scope[] = []): Hold {
    return new Hold(this, id, rules, rules.isEmpty ? [] : [...scopesOf(payers), ...above])
  }

  get size(): number {
    return this.#open.size
  }

  /** The store's clock, as far as it is known: replicas whose own differ have the same windows (invariant I16). */
  nowMs(): number {
    return this.rooms.clock.wallMs() + this.#aheadMs
  }

  /** Longer leases for what is open, and an end to what others left behind. Called every few seconds. */
  async tend(): Promise<void> {
    const { counters } = this.rooms
    if (this.#open.size > 0) {
      const held = [...this.#open].filter(hold => hold.holdsSomething).map(({ id }) => id)
      await counters.renew(held, LEASE_MS)
    }
    await counters.sweep(100)
  }

  /** @internal */
  heard(nowMs: number): void {
    this.#aheadMs = nowMs - this.rooms.clock.wallMs()
  }

  /** @internal */
  opened(hold: Hold): void {
    this.#open.add(hold)
  }

  /** @internal */
  closed(hold: Hold): void {
    this.#open.delete(hold)
  }
}
