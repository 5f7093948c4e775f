import type { Pool } from 'pg'
import type { CounterStore, Reading, Settled, SettleRequest, Taken, TakeRequest } from './counters.ts'
import { plainNames } from './counters-names.ts'
import { INSTALL, NOW } from './postgres/functions.ts'

const INSTALL_LOCK = 4_242_015_009

/**
 * Counters that replicas share, in PostgreSQL: for those who have no Redis, and some hundred calls a second. Each
 * operation is one function.
 */
export class PostgresCounters implements CounterStore {
  readonly #pool: Pool

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  /** Makes the tables and functions where they are not there; safe on every replica at once. */
  static async open(pool: Pool): Promise<PostgresCounters> {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock($1)', [INSTALL_LOCK])
      await client.query(NOW)
      await client.query(INSTALL)
      await client.query('commit')
    } catch (thrown) {
      await client.query('rollback').catch(() => {})
      throw thrown
    } finally {
      client.release()
    }
    return new PostgresCounters(pool)
  }

  take(request: TakeRequest): Promise<Taken> {
    return this.#one<Taken>('select gatehouse_take_1($1::jsonb) as it', [plainNames(request)])
  }

  settle(request: SettleRequest): Promise<Settled> {
    return this.#one<Settled>('select gatehouse_settle_1($1::jsonb) as it', [plainNames(request)])
  }

  async seed(counter: { key: string; slice: number; expiresAtMs: number }, spent: number): Promise<void> {
    const { key, slice, expiresAtMs } = JSON.parse(plainNames(counter)) as typeof counter
    await this.#pool.query('select gatehouse_seed_1($1, $2, $3, $4)', [key, slice, spent, expiresAtMs])
  }

  async renew(holds: readonly string[], leaseMs: number): Promise<string[]> {
    if (holds.length === 0) return []
    const { rows } = await this.#pool.query<{ id: string }>(
      'update counter_holds set lease_ends = gatehouse_now_1() / 1000 + $2 where id = any($1) returning id',
      [holds, leaseMs]
    )
    const known = new Set(rows.map(({ id }) => id))
    return holds.filter(id => !known.has(id))
  }

  async sweep(limit: number): Promise<string[]> {
    const { rows } = await this.#pool.query<{ it: string }>('select gatehouse_sweep_1($1) as it', [limit])
    return rows.map(({ it }) => it)
  }

  async read(keys: readonly { key: string; slice: number; slices: number }[]): Promise<Reading[]> {
    const { rows } = await this.#pool.query<{ spent: string; held: string }>(
      `select s.spent, s.held from jsonb_array_elements($1::jsonb) with ordinality as k(v, at),
        lateral gatehouse_sum_1(k.v->>'key', (k.v->>'slice')::bigint, (k.v->>'slices')::bigint) s order by k.at`,
      [plainNames(keys)]
    )
    return rows.map(({ spent, held }) => ({ spent: Number(spent), held: Number(held) }))
  }

  async epochMs(): Promise<number> {
    return Number(await this.#one<string>('select at as it from counter_epoch', []))
  }

  async nowMs(): Promise<number> {
    return Number(await this.#one<string>('select gatehouse_now_1() / 1000 as it', []))
  }

  async openHolds(): Promise<number> {
    return Number(await this.#one<string>('select count(*) as it from counter_holds', []))
  }

  close(): Promise<void> {
    return this.#pool.end()
  }

  async #one<Answer>(text: string, values: unknown[]): Promise<Answer> {
    const { rows } = await this.#pool.query<{ it: Answer }>(text, values)
    return rows[0]!.it
  }
}
