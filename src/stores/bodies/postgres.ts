import type { Pool, PoolClient } from 'pg'
import type { BodyHit, BodyPartition, BodyQuery, BodyRow, RequestPlace } from '../bodies.ts'
import { asText } from '../sql/text.ts'
import { hitsOf, keep, restore } from './content.ts'
import { dayName, dayOf, dayStartMs } from './days.ts'
import { type BodyReader, type BodyWriter, byDay, daysOfQuery } from './engine.ts'
import { PostgresDay, REQUEST, type RequestRow, requestOf } from './postgres-day.ts'
import {
  alone,
  beside,
  createPartitions,
  createTables,
  dropPartitions,
  partitionBytes,
  partitionDays,
  partitionName
} from './postgres-schema.ts'

/** No call waits for bodies; a server that says nothing for so long is one that is gone. */
const QUERY_MS = 30_000
const CONNECT_MS = 5_000
/** "No partition of relation found for row", and "undefined table": another replica dropped the day meanwhile. */
const NO_PARTITION = new Set(['23514', '42P01'])

export class PostgresBodyWriter implements BodyWriter {
  readonly #pool: Pool
  /** Days whose partitions are known to be there. */
  readonly #made = new Set<number>()

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  static async open(url: string): Promise<PostgresBodyWriter> {
    const pool = await newPool(url)
    try {
      await withClient(pool, createTables)
    } catch (thrown) {
      await pool.end()
      throw thrown
    }
    return new PostgresBodyWriter(pool)
  }

  async put(rows: readonly BodyRow<Buffer>[]): Promise<void> {
    for (const [day, those] of byDay(rows)) {
      await this.#put(day, those).catch(async thrown => {
        if (!NO_PARTITION.has((thrown as { code?: string }).code ?? '')) throw thrown
        this.#made.clear()
        await this.#put(day, those)
      })
    }
  }

  async #put(day: number, rows: readonly BodyRow<Buffer>[]): Promise<void> {
    await withClient(this.#pool, async client => {
      if (!this.#made.has(day)) {
        // Tomorrow's too: at midnight nobody waits for tables.
        await createPartitions(client, [day, day + 1])
        this.#made.add(day)
      }
      await beside(client, () => keep(new PostgresDay(client, day), rows))
    })
  }

  async dropBefore(ms: number): Promise<number> {
    return await withClient(this.#pool, async client => {
      let bytes = 0
      for (const day of await partitionDays(client)) {
        if (dayStartMs(day + 1) > ms) continue
        this.#made.delete(day)
        bytes += await dropPartitions(client, day)
      }
      return bytes
    })
  }

  async erase(requests: readonly RequestPlace[]): Promise<void> {
    await withClient(this.#pool, async client => {
      const there = new Set(await partitionDays(client))
      for (const [day, those] of byDay(requests)) {
        if (!there.has(day)) continue
        await alone(client, () => new PostgresDay(client, day).erase(those.map(each => String(asText(each.requestId)))))
      }
    })
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}

export class PostgresBodyReader implements BodyReader {
  readonly #pool: Pool

  private constructor(pool: Pool) {
    this.#pool = pool
  }

  static async open(url: string): Promise<PostgresBodyReader> {
    return new PostgresBodyReader(await newPool(url))
  }

  async find(requestId: string, atMs: number): Promise<BodyRow | undefined> {
    const day = dayOf(atMs)
    const sql = `select ${REQUEST} from body_request where day = $1 and request_id = $2`
    const { rows } = await this.#pool.query<RequestRow>(sql, [day, asText(requestId)])
    return rows[0] && restore(new PostgresDay(this.#pool, day), requestOf(rows[0]))
  }

  async search(words: readonly string[], query: BodyQuery): Promise<BodyHit[]> {
    const hits: BodyHit[] = []
    for (const day of daysOfQuery(await partitionDays(this.#pool), query)) {
      if (hits.length >= query.limit) break
      hits.push(...(await this.#searchDay(day, words, { ...query, limit: query.limit - hits.length })))
    }
    return hits
  }

  async #searchDay(day: number, words: readonly string[], query: BodyQuery): Promise<BodyHit[]> {
    const { fromMs, toMs, before, org, limit } = query
    const asked = words.map(word => `'${word}'`).join(' & ')
    const { rows } = await this.#pool.query<RequestRow>(
      `select ${REQUEST} from body_request where day = $1 and words @@ $2::tsquery and at_ms >= $3 and at_ms < $4
         and ($5::text is null or org = $5)
         and ($6::bigint is null or (at_ms, request_id) < ($6, $7::text))
       order by at_ms desc, request_id desc limit $8`,
      [day, asked, whole(fromMs), whole(toMs), org ?? null, before?.atMs ?? null, before?.requestId ?? null, limit]
    )
    return await hitsOf(new PostgresDay(this.#pool, day), rows.map(requestOf), words)
  }

  async stats(): Promise<{ partitions: BodyPartition[] }> {
    const partitions: BodyPartition[] = []
    for (const day of await partitionDays(this.#pool)) {
      const sql = `select count(*)::integer as bodies from ${partitionName('body_request', day)}`
      const { rows } = await this.#pool.query(sql)
      const bytes = await partitionBytes(this.#pool, day)
      // Tomorrow's, made ahead, is no partition that anybody has to know of.
      if (rows[0].bodies > 0) partitions.push({ day: dayName(day), bytes, bodies: rows[0].bodies })
    }
    return { partitions }
  }

  async forget(): Promise<void> {}

  close(): Promise<void> {
    return this.#pool.end()
  }
}

/** A few connections, of bodies alone. The package is there: the ledger is on the same server, and was opened before. */
async function newPool(url: string): Promise<Pool> {
  const { Pool: PgPool } = (await import('pg')).default
  const pool = new PgPool({
    connectionString: url,
    max: 2,
    connectionTimeoutMillis: CONNECT_MS,
    // A frozen server says nothing at all: the driver's own clock must end the wait.
    query_timeout: QUERY_MS,
    statement_timeout: QUERY_MS,
    application_name: 'gatehouse bodies'
  })
  // By the connection, since the pool does not listen amid a transaction, and what nobody hears ends the process.
  pool.on('connect', client => void client.on('error', () => {}))
  pool.on('error', () => {})
  return pool
}

/** The first whole millisecond from then on, or the last there is. */
function whole(ms: number): number {
  return Math.min(Math.ceil(ms), Number.MAX_SAFE_INTEGER)
}

/** A connection on which something failed is not used again: it may be amid a transaction that nobody answers. */
async function withClient<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  try {
    const value = await work(client)
    client.release()
    return value
  } catch (thrown) {
    client.release(true)
    throw thrown
  }
}
