import type { CachedAnswer, CachedQuestion, CachePurge, CacheSize, CacheStore, SimilarQuestion } from '../cache.ts'
import { within } from './within.ts'

/** Each try makes a thread or a connection, and every call would. */
const AGAIN_AFTER_MS = 5_000
/** A call waits no longer for that: it has a model to ask. */
const OPEN_WITHIN_MS = 1_000
const OPENING = 'the cache, which is being opened,'

/**
 * A store of answers that is opened when it is needed first: many gateways keep none. One that cannot be opened says so
 * to whoever asks, and is tried again a while later: a gateway without its cache still serves.
 */
export class LazyCache implements CacheStore {
  readonly #open: () => Promise<CacheStore>
  #opened: Promise<CacheStore> | undefined
  #isClosed = false

  constructor(open: () => Promise<CacheStore>) {
    this.#open = open
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    return (await within(OPEN_WITHIN_MS, this.#store(), OPENING)).get(key)
  }

  async put(answer: CachedAnswer, question?: CachedQuestion): Promise<void> {
    await (await this.#store()).put(answer, question)
  }

  async nearest(fingerprint: string, vector: Float32Array, limit: number): Promise<SimilarQuestion[]> {
    return (await within(OPEN_WITHIN_MS, this.#store(), OPENING)).nearest(fingerprint, vector, limit)
  }

  used(key: string): void {
    this.#opened?.then(
      store => store.used(key),
      () => {}
    )
  }

  async purge(what: CachePurge): Promise<number> {
    return (await this.#store()).purge(what)
  }

  async size(): Promise<CacheSize> {
    return (await this.#store()).size()
  }

  async purgedUpTo(): Promise<number | undefined> {
    return (await this.#store()).purgedUpTo()
  }

  async setPurgedUpTo(seq: number): Promise<void> {
    await (await this.#store()).setPurgedUpTo(seq)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const store = await this.#opened?.catch(() => undefined)
    await store?.close()
  }

  async #store(): Promise<CacheStore> {
    // What ends after the gateway does must not open a file that another process may have by then.
    if (this.#isClosed) throw new Error('the cache is closed')
    this.#opened ??= this.#open().catch(thrown => {
      setTimeout(() => {
        this.#opened = undefined
      }, AGAIN_AFTER_MS).unref()
      throw thrown
    })
    return this.#opened
  }
}
