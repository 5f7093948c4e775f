import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

/** The thread that owns the one connection to the file (D17): everything it does would hold the event loop of calls. */

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

const STATEMENTS_MAX = 200
/** Room for the ends of the indexes that every row goes into. */
const CACHE_KIB = 16 * 1024
/** Pages of 4 KiB in the log before they are written to the file: the same page then goes there once for many rows. */
const CHECKPOINT_PAGES = 4_000
/** For another process to let go of the file: one that is just leaving. */
const BUSY_MS = 2_000

if (parentPort) serve(parentPort, workerData as { path: string })

function serve(port: NonNullable<typeof parentPort>, { path }: { path: string }): void {
  let database: DatabaseSync
  try {
    database = open(path)
  } catch (thrown) {
    port.postMessage({ id: 0, error: String((thrown as Error).message), code: codeOf(thrown) } satisfies SqliteAnswer)
    port.close()
    return
  }
  const statements = new Map<string, StatementSync>()
  port.postMessage({ id: 0, rows: [], changes: 0 } satisfies SqliteAnswer)
  port.on('message', (request: SqliteRequest | 'close') => {
    if (request === 'close') {
      database.close()
      port.close()
      return
    }
    port.postMessage(answer(database, statements, request))
  })
}

/** Its own alone: another process on the same file would count the same money twice. */
function open(path: string): DatabaseSync {
  // Its own user's alone from the first byte on: it holds digests of keys, and who called what.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: BUSY_MS })
  database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal')
  database.exec(`pragma cache_size = -${CACHE_KIB}; pragma wal_autocheckpoint = ${CHECKPOINT_PAGES}`)
  database.exec('begin exclusive; commit')
  return database
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
