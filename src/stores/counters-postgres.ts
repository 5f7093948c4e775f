import type { Pool } from 'pg'
import type { CounterStore, Reading, Settled, SettleRequest, Taken, TakeRequest } from './counters.ts'
import { plainNames } from './counters-names.ts'
import { INSTALL } from './postgres/functions.ts'

/** Held while the functions are installed: two that create the same one at once collide. */
const INSTALL_LOCK = 4_242_015_009
/** Gateways that begin at once wait for one another. */
const INSTALL_MS = 30_000

type Operation = 'take' | 'settle' | 'seed' | 'renew' | 'sweep'

/** Counters that replicas share, in PostgreSQL 15 or newer: each operation is one function, and one transaction. */
export class PostgresCounters implements CounterStore {
  readonly #pool: Pool

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Makes the tables and functions where they are not there; safe on every replica at once. The pool ends with it. */
  static async open(pool: Pool): Promise<PostgresCounters> {
    const text = `begin; set local statement_timeout = ${INSTALL_MS}; set local client_min_messages = warning;
      select pg_advisory_xact_lock(${INSTALL_LOCK}); ${INSTALL} commit`
    const client = await pool.connect()
    try {
      await client.query({ text, query_timeout: INSTALL_MS } as { text: string })
      client.release()
    } catch (thrown) {
      // Its transaction is open still.
      client.release(true)
      throw thrown
    }
    return new PostgresCounters(pool)
  }

  take(request: TakeRequest): Promise<Taken> {
    return this.#run('take', request)
  }

  settle(request: SettleRequest): Promise<Settled> {
    return this.#run('settle', request)
  }

  seed(counter: { key: string; slice: number; expiresAtMs: number }, spent: number): Promise<void> {
    return this.#run('seed', { ...counter, spent })
  }

  async renew(holds: readonly string[], leaseMs: number): Promise<string[]> {
    return holds.length === 0 ? [] : this.#run('renew', { holds, leaseMs })
  }

  sweep(limit: number): Promise<string[]> {
    return this.#run('sweep', { limit })
  }

  async read(keys: readonly { key: string; slice: number; slices: number }[]): Promise<Reading[]> {
    const text = 'select spent, held from gatehouse_read_1($1) order by place'
    const { rows } = await this.#pool.query<Record<keyof Reading, string>>(text, [plainNames(keys)])
    return rows.map(({ spent, held }) => ({ spent: Number(spent), held: Number(held) }))
  }

  epochMs(): Promise<number> {
    return this.#number('select gatehouse_epoch_1() as answer')
  }

  nowMs(): Promise<number> {
    return this.#number('select gatehouse_micros_1() / 1000 as answer')
  }

  openHolds(): Promise<number> {
    return this.#number('select count(*) as answer from counter_holds')
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #run<Answer>(operation: Operation, request: object): Promise<Answer> {
    const text = `select gatehouse_${operation}_1($1) as answer`
    const { rows } = await this.#pool.query<{ answer: Answer }>(text, [plainNames(request)])
    return rows[0]!.answer
  }

  async #number(text: string): Promise<number> {
    const { rows } = await this.#pool.query<{ answer: string }>(text)
    return Number(rows[0]!.answer)
  }
}
