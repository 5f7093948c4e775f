import type { Ledger } from '../../src/build/kept.ts'
import type { CounterStore, SettleRequest, TakeRequest } from '../../src/stores/counters.ts'
import type { AttemptRow, FinishedAttempt, RequestRow } from '../../src/stores/rows.ts'

/** A ledger in memory, of all gateways of a run: the proof reads every row of it. */
export class Notebook implements Ledger {
  readonly rows = new Map<string, AttemptRow>()
  /** Ids that were begun or ended a second time, or ended without a beginning. */
  readonly faults: string[] = []
  readonly full = false

  started(row: AttemptRow): void {
    if (this.rows.has(row.id)) this.faults.push(row.id)
    this.rows.set(row.id, { ...row })
  }

  finished(id: string, end: Parameters<Ledger['finished']>[1]): void {
    const row = this.rows.get(id)
    if (row?.state !== 'started') this.faults.push(id)
    else this.rows.set(id, { ...row, ...end, state: 'finished' })
  }

  repeated(): void {}

  gather(): void {}

  request(_: RequestRow, ended: readonly FinishedAttempt[]): void {
    for (const { id, end } of ended) this.finished(id, end)
  }

  flush(): Promise<void> {
    return Promise.resolve()
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }
}

/** Counters of budgets, by name. */
export type Used = Map<string, { key: string; slice: number; slices: number }>

/**
 * The counters of a run, listened in on: which of them were used is known at its end. `breaks`: holds hold nothing, so
 * that a call is let in by what was spent before it alone.
 */
export class Overheard implements CounterStore {
  readonly #counters: CounterStore
  readonly #breaks: boolean
  readonly #used: Used

  constructor(counters: CounterStore, used: Used, breaks: boolean) {
    this.#counters = counters
    this.#used = used
    this.#breaks = breaks
  }

  /** Sums over all counters of budgets that were used, by any gateway. */
  async sums(): Promise<{ spent: number; held: number }> {
    const readings = await this.#counters.read([...this.#used.values()])
    return readings.reduce((sum, one) => ({ spent: sum.spent + one.spent, held: sum.held + one.held }), {
      spent: 0,
      held: 0
    })
  }

  take(request: TakeRequest): ReturnType<CounterStore['take']> {
    for (const { key, slice, slices } of request.budgets) this.#used.set(`${key} ${slice}`, { key, slice, slices })
    const budgets = this.#breaks ? request.budgets.map(budget => ({ ...budget, amount: 0 })) : request.budgets
    return this.#counters.take({ ...request, budgets })
  }

  settle(request: SettleRequest): ReturnType<CounterStore['settle']> {
    const budgets = this.#breaks ? request.budgets.map(budget => ({ ...budget, release: 0 })) : request.budgets
    return this.#counters.settle({ ...request, budgets })
  }

  seed(...counter: Parameters<CounterStore['seed']>): ReturnType<CounterStore['seed']> {
    return this.#counters.seed(...counter)
  }

  renew(...holds: Parameters<CounterStore['renew']>): ReturnType<CounterStore['renew']> {
    return this.#counters.renew(...holds)
  }

  sweep(limit: number): ReturnType<CounterStore['sweep']> {
    return this.#counters.sweep(limit)
  }

  read(...keys: Parameters<CounterStore['read']>): ReturnType<CounterStore['read']> {
    return this.#counters.read(...keys)
  }

  epochMs(): number | Promise<number> {
    return this.#counters.epochMs()
  }

  nowMs(): number | Promise<number> {
    return this.#counters.nowMs()
  }

  openHolds(): number | Promise<number> {
    return this.#counters.openHolds()
  }

  /** Gateways of a run share what is below: the run closes it. */
  close(): Promise<void> {
    return Promise.resolve()
  }
}
