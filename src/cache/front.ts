import { type CachedAnswer, type CachePurge, type CacheSize, isPurged } from '../stores/cache.ts'

/** Beside its bytes, what an answer takes. */
const OVERHEAD_BYTES = 1_000
/** How many of those used longest ago are looked at for the one worth least. */
const CANDIDATES = 16
/** What an answer of unknown cost counts as, in nano-dollars: ten thousandths of a cent. */
const UNKNOWN_NANO = 1_000

interface Kept {
  answer: CachedAnswer
  uses: number
}

/**
 * Answers in the memory of the process, bounded by bytes. Of those that were not used for longest, the one goes first
 * that saved least for its size.
 */
export class CacheFront {
  #bytesMax: number
  readonly #nowMs: () => number
  /** Used longest ago first. */
  readonly #answers = new Map<string, Kept>()
  #bytes = 0
  #purges = 0
  #changes = 0

  /** `nowMs`: milliseconds since 1970. */
  constructor({ bytesMax, nowMs }: { bytesMax: number; nowMs: () => number }) {
    this.#bytesMax = bytesMax
    this.#nowMs = nowMs
  }

  /** From now on it takes no more than that. */
  limit(bytesMax: number): void {
    this.#bytesMax = bytesMax
    while (this.#bytes > this.#bytesMax) this.#evict()
  }

  get(key: string): CachedAnswer | undefined {
    const kept = this.#answers.get(key)
    if (!kept) return undefined
    this.#answers.delete(key)
    if (kept.answer.keptUntilMs <= this.#nowMs()) {
      this.#bytes -= sizeOf(kept.answer)
      return undefined
    }
    this.#answers.set(key, kept)
    kept.uses++
    return kept.answer
  }

  put(answer: CachedAnswer): void {
    this.remove(answer.key)
    const bytes = sizeOf(answer)
    // One that would push out half of all others is not worth it.
    if (bytes > this.#bytesMax / 2) return
    this.#answers.set(answer.key, { answer, uses: 0 })
    this.#bytes += bytes
    while (this.#bytes > this.#bytesMax) this.#evict()
  }

  /** It must not be given again, whoever has it. */
  forget(key: string): void {
    this.#changes++
    this.remove(key)
  }

  remove(key: string): boolean {
    const kept = this.#answers.get(key)
    if (!kept) return false
    this.#bytes -= sizeOf(kept.answer)
    return this.#answers.delete(key)
  }

  purge(what: CachePurge): number {
    this.#purges++
    this.#changes++
    const gone = [...this.#answers.values()].filter(({ answer }) => isPurged(answer, what))
    for (const { answer } of gone) this.remove(answer.key)
    return gone.length
  }

  /** How often something was purged: an answer that was asked for before the last time may be of what is gone. */
  get purges(): number {
    return this.#purges
  }

  /** How often something was purged or forgotten. */
  get changes(): number {
    return this.#changes
  }

  get size(): CacheSize {
    return { answers: this.#answers.size, bytes: this.#bytes }
  }

  #evict(): void {
    let least: { key: string; worth: number } | undefined
    let seen = 0
    for (const [key, { answer, uses }] of this.#answers) {
      const worth = ((answer.costNano ?? UNKNOWN_NANO) * (uses + 1)) / sizeOf(answer)
      if (!least || worth < least.worth) least = { key, worth }
      if (++seen === CANDIDATES) break
    }
    this.remove(least!.key)
  }
}

function sizeOf({ body }: CachedAnswer): number {
  return body.length + OVERHEAD_BYTES
}
