import { Kysely, PostgresDialect, sql } from 'kysely'
import type * as Pg from 'pg'
import type { Pool } from 'pg'
import type { Stores } from '../stores.ts'
import { migrate } from './migrate.ts'
import { steadyPool } from './postgres-pool.ts'
import { type Engine, sqlStores } from './stores.ts'
import type { Tables } from './tables.ts'

export interface PostgresOptions {
  url: string
  /** Longest for a statement, and for a connection, until the server counts as down. */
  deadlineMs?: number
  connectionsMax?: number
  /** Hears of connections that break while nobody uses them. */
  onProblem?: (problem: Error) => void
}

const VERSION_MIN = 150_000
const DEADLINE_MS = 500
const CONNECTIONS_MAX = 10
/** Of the time that a statement has, what the server itself allows it. */
const SERVER_SHARE = 0.8
/** For what takes long and no call waits for: new tables, and reports over all of the ledger. */
const PATIENT_MS = 60_000
const PATIENT_CONNECTIONS_MAX = 2
/** `bigint` of PostgreSQL: a text, by its driver's default. Ours are safe integers; sums are asked for as texts. */
const INT8 = 20
const AUDIT_LOCK = 4_242_015_006

const ENGINE: Engine = {
  name: 'postgres',
  async nowMs(db) {
    const { rows } = await sql<{
      now: number
    }>`select floor(extract(epoch from clock_timestamp()) * 1000)::bigint as now`.execute(db)
    return rows[0]!.now
  },
  async lockAudit(db) {
    await sql`select pg_advisory_xact_lock(${sql.lit(AUDIT_LOCK)})`.execute(db)
  }
}

/** The stores in a PostgreSQL that replicas share. Rejects, in words for who starts the gateway, where it will not do. */
export async function openPostgres(options: PostgresOptions): Promise<{ stores: Stores; pool: Pool }> {
  const { url, deadlineMs = DEADLINE_MS, connectionsMax = CONNECTIONS_MAX, onProblem = () => {} } = options
  const pg = await import('pg').catch(() => {
    throw new Error('`stores.database_url` needs the package "pg": npm install pg')
  })
  const poolOf = (waitMs: number, max: number) =>
    newPool(pg.default, { url, waitMs, connectMs: deadlineMs * 4, max, onProblem })
  const pool = poolOf(deadlineMs, connectionsMax)
  const db = kyselyOn(pool)
  const patient = kyselyOn(poolOf(PATIENT_MS, PATIENT_CONNECTIONS_MAX))
  const close = async () => {
    await Promise.all([db.destroy(), patient.destroy()])
  }
  try {
    const { rows } = await sql<{ version: string }>`select current_setting('server_version_num') as version`.execute(db)
    const version = Number(rows[0]?.version)
    if (version < VERSION_MIN)
      throw new Error(`it is version ${Math.floor(version / 10_000)}, and 15 is the oldest that will do`)
    await migrate(patient, 'postgres')
    return { stores: { ...sqlStores(db, ENGINE, patient), close }, pool }
  } catch (thrown) {
    await close()
    const why = thrown instanceof Error ? thrown.message : String(thrown)
    throw new Error(`the PostgreSQL of \`stores.database_url\` cannot be used: ${why}`)
  }
}

interface PoolSettings {
  url: string
  waitMs: number
  connectMs: number
  max: number
  onProblem: (problem: Error) => void
}

function newPool(
  { Pool: PgPool, types }: Pick<typeof Pg, 'Pool' | 'types'>,
  { url, waitMs, connectMs, max, onProblem }: PoolSettings
): Pool {
  const pool = new PgPool({
    connectionString: url,
    max,
    connectionTimeoutMillis: connectMs,
    // A frozen server says nothing at all: the driver's own clock must end the wait. One that is there is first to say it.
    query_timeout: waitMs,
    statement_timeout: Math.ceil(waitMs * SERVER_SHARE),
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 ? Number : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser
    }
  })
  // By the connection, since the pool does not listen amid a transaction, and what nobody hears ends the process.
  pool.on('connect', client => void client.on('error', onProblem))
  pool.on('error', () => {})
  return pool
}

function kyselyOn(pool: Pool): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: steadyPool(pool) }) })
}
