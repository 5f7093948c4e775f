import type { CounterStore, Taken, TakeRequest } from '../stores/counters.ts'
import type { BudgetRow, RateLimitRow } from '../stores/rows.ts'
import type { Holds } from './holds.ts'

/** Without a sign of life for so long, a hold is taken for lost, and what it holds for spent. */
export const LEASE_MS = 60_000
/** How often a counter is seeded and asked again before its store is taken for one that forgets. */
const SEEDS_MAX = 3

/** What is held on one budget counter for one attempt, or for the call itself. */
export interface Held {
  row: BudgetRow
  value: string
  key: string
  slice: number
  slices: number
  startMs: number
  resetMs: number
  expiresAtMs: number
  amount: number
}

/** One limit on requests or tokens: as taken so far. */
export interface Rated {
  row: RateLimitRow
  key: string
  /** Microseconds that one request or token takes of the rate. */
  emissionMicros: number
  takenMicros: number
  aheadMicros: number
}

/** A place among the calls in flight. */
export interface Slot {
  row: RateLimitRow
  key: string
}

/** All that is taken at once. */
export interface Taking {
  /** Of the hold. */
  id: string
  held: readonly Held[]
  rates: readonly Rated[]
  slots: readonly Slot[]
}

type Answer = Exclude<Taken, { why: 'missing' }>

/** Takes all of it or nothing. Counters that are missing are asked of the ledger first, and then it is asked again. */
export function takeFrom(desk: Holds, taking: Taking): Answer | Promise<Answer> {
  const { counters } = desk.rooms
  const request = requestOf(taking)
  const taken = counters.take(request)
  if (!(taken instanceof Promise) && (taken.ok || taken.why !== 'missing')) return taken
  return seeding(desk, counters, taking.held, request, taken)
}

async function seeding(
  desk: Holds,
  counters: CounterStore,
  held: readonly Held[],
  request: TakeRequest,
  asked: Taken | Promise<Taken>
): Promise<Answer> {
  let taken = await asked
  for (let seeds = 0; ; seeds++) {
    if (taken.ok || taken.why !== 'missing') return taken
    if (seeds === SEEDS_MAX) throw new Error('counters are lost as fast as they are seeded')
    await Promise.all(taken.indexes.map(index => seed(desk, held[index]!)))
    taken = await counters.take(request)
  }
}

async function seed(desk: Holds, { row, value, key, slice, startMs, expiresAtMs }: Held): Promise<void> {
  const { counters, spent } = desk.rooms
  const sum = await spent({ kind: row.scope.kind, value }, row.unit, startMs, desk.nowMs())
  await counters.seed({ key, slice, expiresAtMs }, Number(sum))
}

function requestOf({ id, held, rates, slots }: Taking): TakeRequest {
  return {
    hold: id,
    leaseMs: LEASE_MS,
    budgets: held.map(({ row, key, slice, slices, expiresAtMs, amount }) => ({
      key,
      slice,
      slices,
      expiresAtMs,
      amount,
      limit: row.limit,
      hard: row.mode === 'hard',
      seeded: true
    })),
    rates: rates.map(({ row, key, emissionMicros, takenMicros }) => ({
      key,
      costMicros: takenMicros,
      burstMicros: Math.ceil(row.burst * emissionMicros)
    })),
    slots: slots.map(({ row, key }) => ({ key, limit: row.amount }))
  }
}
