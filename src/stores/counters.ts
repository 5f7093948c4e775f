/**
 * Counters of budgets and limits: fast, shared by all replicas, and a cache of the ledger (D29). One call of `take` is
 * atomic over everything in it: all or none. A hold is what one call has reserved; it lives on a lease, so that a
 * process that dies cannot keep money for ever.
 */
export interface CounterStore {
  take(request: TakeRequest): Taken | Promise<Taken>
  settle(request: SettleRequest): Settled | Promise<Settled>
  /** Sets a counter to what the ledger says, unless somebody was sooner. */
  seed(counter: { key: string; slice: number; expiresAtMs: number }, spent: number): void | Promise<void>
  /** Longer leases for holds that are still in use. Those that are gone are named. */
  renew(holds: readonly string[], leaseMs: number): readonly string[] | Promise<readonly string[]>
  /**
   * Ends holds whose lease is over: what they held counts as spent, since nobody can say that it was not. At most
   * `limit` of them; safe on every replica at once.
   */
  sweep(limit: number): readonly string[] | Promise<readonly string[]>
  /** Spent and held of counters now: for showing and for tests. */
  read(keys: readonly { key: string; slice: number; slices: number }[]): Reading[] | Promise<Reading[]>
  /** When the store began to count, or lost everything: what began before must be seeded from the ledger. */
  epochMs(): number | Promise<number>
  nowMs(): number | Promise<number>
  /** Holds that are open: for tests and the proofs. */
  openHolds(): number | Promise<number>
  close(): Promise<void>
}

export interface Reading {
  spent: number
  held: number
}

export interface TakeRequest {
  /** Id of the hold: made if it is not there, raised if it is. */
  hold: string
  /** How long without a `renew` or `settle` until the hold may be swept. */
  leaseMs: number
  budgets: readonly BudgetTake[]
  rates: readonly RateTake[]
  slots: readonly SlotTake[]
}

/** Raises what the hold has on one budget counter by `amount`. */
export interface BudgetTake {
  key: string
  /** Slices of time that count: a calendar window is one slice, numbered 0; a rolling one is many, and `slice` is now's. */
  slice: number
  slices: number
  /** When this slice is of no more interest. */
  expiresAtMs: number
  amount: number
  limit: number
  /** A soft one is counted and never refuses. */
  hard: boolean
  /** A counter that is not there is `missing` and must be seeded first; false: it begins at 0. */
  seeded: boolean
}

/** A rate by GCRA: the theoretical arrival time moves on by `costMicros`, at most `burstMicros` ahead of now. */
export interface RateTake {
  key: string
  costMicros: number
  burstMicros: number
}

/** One of `limit` places, until the hold is closed or its lease is over. */
export interface SlotTake {
  key: string
  limit: number
}

export type Taken =
  | {
      ok: true
      nowMs: number
      /** limit − spent − held of each budget, in order, after the take. May be negative for soft ones. */
      remaining: readonly number[]
      /** Of each rate: how far the arrival time is ahead of now after the take, in microseconds. */
      aheadMicros: readonly number[]
      /** Of each slot: how many places are in use, this one included. */
      inUse: readonly number[]
    }
  | { ok: false; nowMs: number; why: 'budget'; index: number; remaining: number }
  | { ok: false; nowMs: number; why: 'rate'; index: number; waitMicros: number }
  | { ok: false; nowMs: number; why: 'slot'; index: number; inUse: number }
  /** Budget counters that must be seeded before this can be answered: their indexes. */
  | { ok: false; nowMs: number; why: 'missing'; indexes: readonly number[] }

export interface SettleRequest {
  hold: string
  /** The same settlement twice is once. */
  id: string
  /** Takes `release` off what the hold has, and counts `spend`. */
  budgets: readonly { key: string; slice: number; release: number; spend: number; expiresAtMs: number }[]
  /** Moves arrival times: negative gives back (never before now), positive takes more (and may go beyond the burst). */
  rates: readonly { key: string; micros: number }[]
  /** Nothing more comes: what the hold still has is given back, and its slots with it. */
  close: boolean
  leaseMs: number
}

/** `gone`: the hold had been swept or lost; what it held counts as spent already, and nothing was changed. */
export type Settled = 'settled' | 'again' | 'gone'
