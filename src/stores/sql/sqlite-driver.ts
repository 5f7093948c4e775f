import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler
} from 'kysely'
import type { SqliteAnswer, SqliteRequest, SqliteWork } from '../../workers/sqlite.ts'
import { asText, NO_TEXT } from './text.ts'

/** Kysely over `node:sqlite` in a thread of its own: its stock dialect does not run on it (D17). */
export function sqliteDialect(connection: SqliteThread): Dialect {
  return {
    createAdapter: () => new SqliteAdapter(),
    createDriver: () => new ThreadDriver(connection),
    createIntrospector: db => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler()
  }
}

interface Waiting {
  resolve: (answer: Extract<SqliteAnswer, { rows: unknown }>) => void
  reject: (error: Error) => void
}

const SQLITE_BUSY = 5

/** The thread, as the process sees it. One statement after another. */
export class SqliteThread {
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  #next = 1
  #ended: Error | undefined

  private constructor(worker: Worker) {
    this.#worker = worker
    worker.on('message', (answer: SqliteAnswer) => this.#answered(answer))
    worker.once('error', error => this.#over(error))
    worker.once('exit', () => this.#over(new Error('the database is closed')))
  }

  /** Rejects where the file cannot be opened, or is another process's. */
  static async open(path: string, { reads = false } = {}): Promise<SqliteThread> {
    const file = new URL(`../../workers/sqlite${extname(import.meta.url)}`, import.meta.url)
    const worker = new Worker(file, { workerData: { path, reads } satisfies SqliteWork })
    worker.unref()
    const opening = once(worker, 'message') as Promise<[SqliteAnswer]>
    worker.ref()
    const [answer] = await opening
    worker.unref()
    if (!('error' in answer)) return new SqliteThread(worker)
    const { error, code } = answer
    throw new Error(
      code === SQLITE_BUSY
        ? `${path} belongs to another process: two gateways cannot share a data directory (use stores.database_url)`
        : `${path} cannot be opened: ${error}`
    )
  }

  run(sql: string, parameters: SqliteRequest['parameters']): Promise<Extract<SqliteAnswer, { rows: unknown }>> {
    if (this.#ended) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const id = this.#next++
      // As long as somebody waits for an answer, the process must not end.
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(id, { resolve, reject })
      this.#worker.postMessage({ id, sql, parameters } satisfies SqliteRequest)
    })
  }

  async close(): Promise<void> {
    if (this.#ended) return
    const exited = once(this.#worker, 'exit')
    this.#worker.ref()
    this.#worker.postMessage('close')
    await exited
  }

  #answered(answer: SqliteAnswer): void {
    const waiting = this.#waiting.get(answer.id)
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) this.#worker.unref()
    if ('error' in answer) waiting?.reject(new Error(answer.error))
    else waiting?.resolve(answer)
  }

  #over(error: Error): void {
    this.#ended ??= error
    for (const { reject } of this.#waiting.values()) reject(error)
    this.#waiting.clear()
  }
}

/** From this many on, parameters go to the thread as text. */
const PACKED_MIN = 64

/** Many values are a quarter of the work as one text of JSON: the system's own copying looks at each by itself. */
function packed(given: readonly unknown[]): SqliteRequest['parameters'] {
  const isMany = given.length >= PACKED_MIN && !given.some(value => typeof value === 'bigint')
  if (isMany) {
    const json = JSON.stringify(given)
    if (!NO_TEXT.test(json)) return json
  }
  const parameters = given.map(asText)
  return isMany ? JSON.stringify(parameters) : (parameters as Exclude<SqliteRequest['parameters'], string>)
}

/** There is one connection: who wants it while a transaction has it waits. */
class ThreadDriver implements Driver {
  readonly #connection: ThreadConnection
  readonly #queue: (() => void)[] = []
  #isTaken = false

  constructor(thread: SqliteThread) {
    this.#connection = new ThreadConnection(thread)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    if (this.#isTaken) await new Promise<void>(resolve => this.#queue.push(resolve))
    this.#isTaken = true
    return this.#connection
  }

  async releaseConnection(): Promise<void> {
    const next = this.#queue.shift()
    if (next) next()
    else this.#isTaken = false
  }

  // Not deferred: what reads first and then writes would lose to another writer, in spite of the timeout.
  async beginTransaction(): Promise<void> {
    await this.#connection.raw('begin immediate')
  }

  async commitTransaction(): Promise<void> {
    await this.#connection.raw('commit')
  }

  async rollbackTransaction(): Promise<void> {
    await this.#connection.raw('rollback')
  }

  destroy(): Promise<void> {
    return this.#connection.thread.close()
  }
}

class ThreadConnection implements DatabaseConnection {
  readonly thread: SqliteThread

  constructor(thread: SqliteThread) {
    this.thread = thread
  }

  raw(sql: string): Promise<unknown> {
    return this.thread.run(sql, [])
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    const { rows, changes } = await this.thread.run(sql, packed(parameters))
    return { rows: rows as Row[], numAffectedRows: BigInt(changes) }
  }

  // biome-ignore lint/correctness/useYield: nothing streams from a thread that answers at once.
  async *streamQuery<Row>(): AsyncIterableIterator<QueryResult<Row>> {
    throw new Error('SQLite answers at once; nothing is streamed')
  }
}
