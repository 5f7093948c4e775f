import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { CacheFront } from '../cache/front.ts'
import { PurgeFollower } from '../cache/purge-follower.ts'
import { TTL_MAX_MS } from '../cache-rules.ts'
import type { Clock } from '../clock.ts'
import type { StoreSettings } from '../config/index.ts'
import { LazyCache } from '../stores/cache/lazy.ts'
import type { CacheStore } from '../stores/cache.ts'
import type { PurgeLog } from '../stores/stores.ts'

export interface CacheStoreOptions {
  /** Of the data. */
  directory: string
  settings: StoreSettings
  /** The most that answers may take in the directory. */
  bytesMax: number
}

/** No answer is kept for longer: who has followed no purge since has none of that time. */
const OLDEST_MS = 2 * TTL_MAX_MS

/** Where answers outlive the process: in the Redis that replicas share, else in a file of the data directory. */
export class KeptAnswers {
  readonly kind: 'sqlite' | 'redis'
  readonly store: LazyCache
  readonly #purges: PurgeLog
  readonly #directory: string
  readonly #nowMs: () => number
  /** Of the memory, and of the store once somebody has needed it. */
  readonly #followers: PurgeFollower[] = []

  constructor({ directory, settings, bytesMax }: CacheStoreOptions, rooms: { clock: Clock; purges: PurgeLog }) {
    this.kind = settings.redisUrl ? 'redis' : 'sqlite'
    this.#purges = rooms.purges
    this.#directory = join(directory, 'cache')
    this.#nowMs = () => rooms.clock.wallMs()
    this.store = new LazyCache(async () => {
      const store = await open(this.#directory, settings, bytesMax, this.#nowMs)
      // What was purged while it was closed must not be found in it.
      const follower = new PurgeFollower({ log: this.#purges, front: NO_MEMORY, store })
      await follower.follow()
      this.#followers.push(follower)
      return store
    })
  }

  /** The memory of the process follows purges from now on. */
  async begin(front: CacheFront): Promise<void> {
    const follower = new PurgeFollower({ log: this.#purges, front })
    await follower.follow()
    this.#followers.push(follower)
    await this.#purges.dropBefore(this.#nowMs() - OLDEST_MS)
  }

  /** Applies what was purged anywhere, as far as it was not yet. */
  async follow(): Promise<void> {
    await Promise.all(this.#followers.map(each => each.follow()))
  }

  /**
   * As `follow`, also to what nobody has needed since the process began. Resolves to how many answers went by the purge
   * of this number: most of those in memory are in the store too.
   */
  async followEverywhere(seq?: number): Promise<number> {
    if (this.kind === 'redis' || existsSync(this.#directory)) await this.store.size()
    await this.follow()
    return seq === undefined ? 0 : Math.max(0, ...this.#followers.map(each => each.goneBy(seq)))
  }

  close(): Promise<void> {
    return this.store.close()
  }
}

const NO_MEMORY = { purge: () => 0 }

async function open(
  directory: string,
  { redisUrl }: StoreSettings,
  bytesMax: number,
  nowMs: () => number
): Promise<CacheStore> {
  if (redisUrl) {
    const { openRedisCache } = await import('../stores/cache/redis.ts')
    return openRedisCache({ server: { url: redisUrl.reveal() }, nowMs })
  }
  const { openSqliteCache } = await import('../stores/cache/sqlite.ts')
  return openSqliteCache({ directory, bytesMax, nowMs })
}
