import type { Client, Pool } from 'pg'
import type { BusTopic, SharedBus } from './bus.ts'
import { COUNT_MS, Listeners } from './bus-listeners.ts'

export interface PostgresBusOptions {
  url: string
  /** Publishes. It stays the caller's. */
  pool: Pool
  /** Longest for an answer, until the connection counts as broken. */
  deadlineMs: number
  onProblem?: (problem: Error) => void
  countMs?: number
}

const CHANNEL = 'gatehouse'
/** By this name listeners are counted. */
const APPLICATION = 'gatehouse bus'
const RETRY_MS = { first: 100, most: 5_000 }

/** A bus by LISTEN and NOTIFY, on a connection of its own: one that breaks is replaced until there is one that listens. */
export async function openPostgresBus(options: PostgresBusOptions): Promise<SharedBus> {
  const bus = new PostgresBus(options)
  await bus.connect()
  return bus
}

class PostgresBus implements SharedBus {
  readonly #options: PostgresBusOptions
  readonly #listeners = new Listeners()
  #ear: Client | undefined
  #timer: NodeJS.Timeout | undefined
  #retryMs = RETRY_MS.first
  #replicas = 1
  #isClosed = false

  constructor(options: PostgresBusOptions) {
    this.#options = options
  }

  async publish(topic: BusTopic): Promise<void> {
    await this.#options.pool.query('select pg_notify($1, $2)', [CHANNEL, topic])
  }

  subscribe(hear: (topic: BusTopic) => void): () => void {
    return this.#listeners.add(hear)
  }

  replicas(): number {
    return this.#replicas
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const ear = this.#ear
    this.#ear = undefined
    if (ear) hangUp(ear)
  }

  /** Rejects where there is no connection now. */
  async connect(): Promise<void> {
    const { url, deadlineMs } = this.#options
    const { Client: PgClient } = (await import('pg')).default
    const ear = new PgClient({
      connectionString: url,
      connectionTimeoutMillis: deadlineMs,
      query_timeout: deadlineMs,
      application_name: APPLICATION
    })
    // Heard of only once it is the one that listens; until then, what goes wrong is thrown.
    ear.on('error', problem => this.#lost(ear, problem))
    ear.on('end', () => this.#lost(ear, new Error('the server has ended the connection')))
    ear.on('notification', ({ payload }) => this.#listeners.heard(payload))
    try {
      await ear.connect()
      await ear.query(`listen ${CHANNEL}`)
      await this.#count(ear)
    } catch (thrown) {
      hangUp(ear)
      throw thrown
    }
    if (this.#isClosed) return hangUp(ear)
    this.#ear = ear
    this.#retryMs = RETRY_MS.first
    this.#countLater(ear)
  }

  /** Who listens, by the same connection: one that no longer answers is found out by it. */
  async #count(ear: Client): Promise<void> {
    const { rows } = await ear.query<{ count: string }>(
      'select count(*) from pg_stat_activity where datname = current_database() and application_name = $1',
      [APPLICATION]
    )
    this.#replicas = Math.max(1, Number(rows[0]?.count))
  }

  #countLater(ear: Client): void {
    if (ear !== this.#ear) return
    this.#timer = setTimeout(() => {
      this.#count(ear).then(
        () => this.#countLater(ear),
        problem => this.#lost(ear, problem)
      )
    }, this.#options.countMs ?? COUNT_MS)
    this.#timer.unref()
  }

  #lost(ear: Client, problem: Error): void {
    // Each is lost once, and one that was hung up was not lost.
    if (ear !== this.#ear) return
    this.#ear = undefined
    clearTimeout(this.#timer)
    hangUp(ear)
    this.#options.onProblem?.(problem)
    this.#connectLater()
  }

  #connectLater(): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      this.connect().then(
        // Nobody knows what was said meanwhile.
        () => this.#listeners.heardNothing(),
        () => this.#connectLater()
      )
    }, this.#retryMs)
    this.#timer.unref()
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS.most)
  }
}

/** At once: a server that is frozen does not say good-bye. */
function hangUp(ear: Client): void {
  ear.end().catch(() => {})
  ear.connection.stream.destroy()
}
