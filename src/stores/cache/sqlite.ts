import { extname, join } from 'node:path'
import type { CachedAnswer, CachedFacts, CachedQuestion, CachePurge, CacheSize, CacheStore } from '../cache.ts'
import { Thread } from '../threads.ts'
import { packVector } from './similarity.ts'
import { PURGED_AT_ONCE } from './sqlite-file.ts'
import type { SqliteCacheData, SqliteCacheTasks } from './sqlite-thread.ts'
import { within } from './within.ts'

export interface SqliteCacheOptions {
  /** Made where it is not there. The file in it is `cache.db`. */
  directory: string
  /** The most that answers may take, each with a kilobyte for what is beside its body. */
  bytesMax: number
  /** Milliseconds since 1970. */
  nowMs: () => number
  /** Between removals of what is over, in milliseconds. */
  sweepEveryMs?: number
}

const SWEEP_EVERY_MS = 60_000
/** Far more than it ever takes: whoever waits longer asks a model instead. */
const DEADLINE_MS = 1_000
/** Uses of so many answers are written at once. */
const USED_MAX = 1_000

/**
 * Opens the cache in a file, with a thread of its own. A file that is broken, or not ours, is replaced. Rejects where no
 * file can be made there, or another process has it.
 */
export async function openSqliteCache(options: SqliteCacheOptions): Promise<CacheStore> {
  const store = new SqliteCache(options)
  try {
    await store.ready()
    return store
  } catch (thrown) {
    await store.close()
    const why = thrown instanceof Error ? thrown.message : thrown
    throw new Error(`the cache in ${options.directory} cannot be opened: ${why}`)
  }
}

class SqliteCache implements CacheStore {
  readonly #thread: Thread<SqliteCacheTasks>
  readonly #nowMs: () => number
  readonly #sweeping: NodeJS.Timeout
  #used = new Map<string, number>()

  constructor({ directory, bytesMax, nowMs, sweepEveryMs = SWEEP_EVERY_MS }: SqliteCacheOptions) {
    const file = new URL(`./sqlite-thread${extname(import.meta.url)}`, import.meta.url)
    const data: SqliteCacheData = { path: join(directory, 'cache.db'), bytesMax }
    this.#thread = new Thread({ file, data, name: 'the thread of the cache' })
    this.#nowMs = nowMs
    this.#sweeping = setInterval(() => void this.#sweep().catch(() => {}), sweepEveryMs)
    this.#sweeping.unref()
  }

  ready(): Promise<void> {
    return this.#thread.ready()
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    const found = await within(DEADLINE_MS, this.#thread.run('get', [key, this.#nowMs()]), 'the cache')
    if (!found) return undefined
    const { buffer, byteOffset, byteLength } = found.body
    return { ...(JSON.parse(found.facts) as CachedFacts), body: Buffer.from(buffer, byteOffset, byteLength) }
  }

  async put({ body, ...facts }: CachedAnswer, question?: CachedQuestion): Promise<void> {
    this.#flush()
    const copy = new Uint8Array(body)
    const packed = question && { ...question, vector: new Uint8Array(packVector(question.vector)) }
    const answer = { facts: JSON.stringify(facts), body: copy }
    await this.#thread.run('put', [answer, packed, this.#nowMs()], [copy.buffer])
  }

  nearest(fingerprint: string, vector: Float32Array, limit: number) {
    const packed = new Uint8Array(packVector(vector))
    const asked = this.#thread.run('nearest', [fingerprint, packed, limit, this.#nowMs()])
    return within(DEADLINE_MS, asked, 'the cache')
  }

  used(key: string): void {
    this.#used.set(key, (this.#used.get(key) ?? 0) + 1)
    if (this.#used.size >= USED_MAX) this.#flush()
  }

  async purge(what: CachePurge): Promise<number> {
    let gone = 0
    for (;;) {
      const count = await this.#thread.run('purge', [what])
      gone += count
      if (count !== PURGED_AT_ONCE) break
    }
    await this.#thread.run('settle', [])
    return gone
  }

  size(): Promise<CacheSize> {
    return this.#thread.run('size', [])
  }

  purgedUpTo(): Promise<number | undefined> {
    return this.#thread.run('purgedUpTo', [])
  }

  setPurgedUpTo(seq: number): Promise<void> {
    return this.#thread.run('setPurgedUpTo', [seq])
  }

  async close(): Promise<void> {
    clearInterval(this.#sweeping)
    this.#flush()
    await this.#thread.close()
  }

  /** Uses are only of use before something is evicted, so they go ahead of what is put. */
  #flush(): void {
    if (this.#used.size === 0) return
    const counts = [...this.#used]
    this.#used = new Map()
    this.#thread.run('used', [counts]).catch(() => {})
  }

  async #sweep(): Promise<void> {
    this.#flush()
    while (await this.#thread.run('sweep', [this.#nowMs()])) {
      // Some at a time: others are served between.
    }
  }
}
