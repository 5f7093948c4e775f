import type { Pool, PoolConfig } from 'pg'

export interface CounterPoolOptions {
  url: string
  /** Longest for a statement, and for a connection, until the server counts as down. */
  deadlineMs: number
  onProblem?: (problem: Error) => void
}

/** Takes of one budget wait for one another in any case; these are for those of others. */
const CONNECTIONS_MAX = 8

/** Connections of the counters alone. The package is there: the ledger is on the same server, and was opened before. */
export async function counterPool({ url, deadlineMs, onProblem = () => {} }: CounterPoolOptions): Promise<Pool> {
  const { Pool: PgPool } = (await import('pg')).default
  const settings: PoolConfig = {
    connectionString: url,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: deadlineMs,
    // A frozen server says nothing at all: the driver's own clock must end the wait.
    query_timeout: deadlineMs,
    statement_timeout: deadlineMs,
    application_name: 'gatehouse counters'
  }
  const pool = new PgPool(settings)
  // By the connection, since the pool does not listen amid a query, and what nobody hears ends the process.
  pool.on('connect', client => void client.on('error', onProblem))
  pool.on('error', () => {})
  return pool
}
