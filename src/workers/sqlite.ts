import { closeSync, openSync } from 'node:fs'
import { type AggregateOptions, DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * The thread that owns a connection to the file (D17): everything it does would hold the event loop of calls. One thread
 * writes; another may read what takes long, beside it.
 */

type Parameter = string | number | bigint | null

export interface SqliteRequest {
  id: number
  sql: string
  /** Or a JSON array of them, where there are many. */
  parameters: string | readonly Parameter[]
}

export type SqliteAnswer =
  | { id: number; rows: Record<string, unknown>[]; changes: number }
  | { id: number; error: string; code: number | undefined }

const MEMORY = ':memory:'
const STATEMENTS_MAX = 200
/** Room for the ends of the indexes that every row goes into. */
const CACHE_KIB = 16 * 1024
/** Of a new file. Rows come many at a time, into eight trees each: larger pages are fewer to sum up, and to write. */
const PAGE_BYTES = 16 * 1024
/** Pages in the log before they are written to the file: the same page then goes there once for many rows. */
const CHECKPOINT_PAGES = 1_000
/** For another process to let go of the file: one that is just leaving. */
const BUSY_MS = 2_000

export interface SqliteWork {
  path: string
  /** It only reads, beside the one that has the file. */
  reads: boolean
}

if (parentPort) serve(parentPort, workerData as SqliteWork)

function serve(port: NonNullable<typeof parentPort>, { path, reads }: SqliteWork): void {
  let database: DatabaseSync
  let lock: DatabaseSync | undefined
  try {
    if (!reads && path !== MEMORY) lock = locked(`${path}.lock`)
    database = reads ? openToRead(path) : open(path)
  } catch (thrown) {
    lock?.close()
    port.postMessage({ id: 0, error: String((thrown as Error).message), code: codeOf(thrown) } satisfies SqliteAnswer)
    port.close()
    return
  }
  const statements = new Map<string, StatementSync>()
  port.postMessage({ id: 0, rows: [], changes: 0 } satisfies SqliteAnswer)
  port.on('message', (request: SqliteRequest | 'close') => {
    if (request === 'close') {
      database.close()
      lock?.close()
      port.close()
      return
    }
    port.postMessage(answer(database, statements, request))
  })
}

/**
 * One process alone has the data: another would count the same money twice. Who reads is let in to the file itself, so
 * what keeps others out is a file beside it, locked as long as this connection lives.
 */
function locked(path: string): DatabaseSync {
  const lock = openOwn(path)
  lock.exec('pragma locking_mode = exclusive; begin exclusive')
  return lock
}

function open(path: string): DatabaseSync {
  const database = openOwn(path)
  // What is erased is overwritten, not only given free.
  database.exec(`pragma page_size = ${PAGE_BYTES}`)
  database.exec('pragma journal_mode = wal; pragma synchronous = normal; pragma secure_delete = on')
  database.exec(`pragma cache_size = -${CACHE_KIB}; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  addPercentiles(database)
  return database
}

function openToRead(path: string): DatabaseSync {
  const database = new DatabaseSync(path, { timeout: BUSY_MS, readOnly: true })
  database.exec(`pragma cache_size = -${CACHE_KIB}; pragma query_only = on`)
  addPercentiles(database)
  return database
}

/**
 * `percentiles(figure, '[0.5, 0.9]')`: a JSON array of the values at these shares of a group, each the first that is as
 * large as that share of all; NULL where no row has the figure. The engine has none of its own.
 */
function addPercentiles(database: DatabaseSync): void {
  const aggregate = {
    start: (): Group => ({ values: [], shares: '[]' }),
    step(group: Group, value: SQLOutputValue, shares: SQLOutputValue): Group {
      if (value !== null) group.values.push(Number(value))
      group.shares = String(shares)
      return group
    },
    result({ values, shares }: Group): string | null {
      if (values.length === 0) return null
      const sorted = Float64Array.from(values).sort()
      const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]
      return JSON.stringify((JSON.parse(shares) as number[]).map(at))
    }
  }
  // Its types want a value of SQL between the rows; it takes any.
  database.aggregate('percentiles', aggregate as unknown as AggregateOptions)
}

interface Group {
  values: number[]
  shares: string
}

/** Its own user's alone from the first byte on: it holds digests of keys, and who called what. */
function openOwn(path: string): DatabaseSync {
  if (path !== MEMORY) closeSync(openSync(path, 'a', 0o600))
  return new DatabaseSync(path, { timeout: BUSY_MS })
}

function answer(
  database: DatabaseSync,
  statements: Map<string, StatementSync>,
  { id, sql, parameters: given }: SqliteRequest
): SqliteAnswer {
  try {
    const parameters = typeof given === 'string' ? (JSON.parse(given) as Parameter[]) : given
    let statement = statements.get(sql)
    if (!statement) {
      statement = database.prepare(sql)
      if (statements.size >= STATEMENTS_MAX) statements.clear()
      statements.set(sql, statement)
    }
    if (statement.columns().length > 0) {
      // Rows have no prototype there, and would get one on their way: as plain as they are everywhere else.
      return { id, rows: statement.all(...parameters).map(row => ({ ...row })), changes: 0 }
    }
    return { id, rows: [], changes: Number(statement.run(...parameters).changes) }
  } catch (thrown) {
    return { id, error: String((thrown as Error).message), code: codeOf(thrown) }
  }
}

function codeOf(thrown: unknown): number | undefined {
  return (thrown as { errcode?: number }).errcode
}
