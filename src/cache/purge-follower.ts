import type { CachePurge, CacheStore } from '../stores/cache.ts'
import type { PurgeLog } from '../stores/stores.ts'

/** Purges that are read at a time. */
const PAGE = 200
/** Purges of which it is remembered how much went by them. */
const REMEMBERED = 100

export interface PurgeFollowerOptions {
  log: Pick<PurgeLog, 'after' | 'last'>
  /** What the process keeps in memory. */
  front: { purge(what: CachePurge): number }
  /** What outlives it, if anything. */
  store?: Pick<CacheStore, 'purge' | 'purgedUpTo' | 'setPurgedUpTo'> | undefined
}

/** Where answers are kept, and how far in the list of purges it is; undefined: nothing was said yet. */
interface Place {
  purge(what: CachePurge): Promise<number>
  position(): Promise<number | undefined>
  move(seq: number): Promise<void>
}

/**
 * Brings what is kept up to the list of purges. Each place remembers how far it is: a process that was away, or a Redis
 * that was, hears later what it missed; where that is no longer in the list, or the list is another one, all of it goes.
 */
export class PurgeFollower {
  readonly #log: PurgeFollowerOptions['log']
  readonly #places: readonly Place[]
  #last: Promise<unknown> = Promise.resolve()
  #next: Promise<number> | undefined
  /** By the number of the purge; of the place where most went. */
  readonly #gone = new Map<number, number>()

  constructor({ log, front, store }: PurgeFollowerOptions) {
    this.#log = log
    this.#places = store ? [inMemory(front), inStore(store)] : [inMemory(front)]
  }

  /**
   * Applies what was appended before this was called; to be called first before anything is kept, then whenever the bus
   * says so, and now and then. Resolves to how many answers went from the store (from memory where there is none).
   * Rejects where the list or a place did not answer: the next time begins where that place is.
   */
  follow(): Promise<number> {
    if (this.#next) return this.#next
    // The one that runs may have read the list already: one more comes after it, for all who ask meanwhile.
    const next = this.#last.then(() => {
      this.#next = undefined
      return this.#once()
    })
    this.#last = next.catch(() => {})
    this.#next = next
    return next
  }

  /** How many answers went by the purge of this number, whoever had it applied; 0 where it was not, or is long ago. */
  goneBy(seq: number): number {
    return this.#gone.get(seq) ?? 0
  }

  async #once(): Promise<number> {
    // One that fails keeps nobody else from it.
    const all = await Promise.allSettled(this.#places.map(place => this.#bring(place)))
    const failed = all.find(each => each.status === 'rejected')
    if (failed) throw failed.reason
    return (all.at(-1) as PromiseFulfilledResult<number>).value
  }

  async #bring(place: Place): Promise<number> {
    let at = await place.position()
    // Asked later than the position: another replica may move that at any time, and never beyond the end.
    const last = await this.#log.last()
    let gone = 0
    while (at !== undefined && at < last) {
      const purges = await this.#log.after(at, PAGE)
      if (purges[0]?.seq !== at + 1) break
      for (const { seq, what } of purges) gone += this.#remember(seq, await place.purge(what))
      at = purges.at(-1)?.seq as number
      await place.move(at)
      // It may be further than the end was.
      if (at >= last) return gone
    }
    if (at === last) return gone
    gone += this.#remember(last, await place.purge({}))
    await place.move(last)
    return gone
  }

  #remember(seq: number, count: number): number {
    this.#gone.set(seq, Math.max(count, this.goneBy(seq)))
    if (this.#gone.size > REMEMBERED) this.#gone.delete(this.#gone.keys().next().value!)
    return count
  }
}

function inMemory(front: PurgeFollowerOptions['front']): Place {
  let at: number | undefined
  return {
    purge: async what => front.purge(what),
    position: async () => at,
    async move(seq) {
      at = seq
    }
  }
}

function inStore(store: NonNullable<PurgeFollowerOptions['store']>): Place {
  return {
    purge: what => store.purge(what),
    position: () => store.purgedUpTo(),
    move: seq => store.setPurgedUpTo(seq)
  }
}
