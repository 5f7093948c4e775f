import type { CacheStore } from '../stores/cache.ts'
import type { SemanticSettings } from './settings.ts'
import { differs } from './veto.ts'

/** Answers of which the questions are looked at, the nearest first. */
const CANDIDATES = 8
/** Questions whose vectors are remembered for a while: the same one often comes again, and again. */
const REMEMBERED_MAX = 1_000
const REMEMBERED_MS = 60_000

/** A question as it is compared, and the kept one that is like it, if any. */
export interface Compared {
  question: { fingerprint: string; text: string; vector: Float32Array }
  found?: { key: string; score: number }
}

export interface SimilarRooms {
  settings: Pick<SemanticSettings, 'embeddings' | 'charsMin' | 'timeoutMs'>
  store: Pick<CacheStore, 'nearest'>
  /** On the monotonic clock, in milliseconds. */
  nowMs(): number
  /** No vector could be had, or the store did not answer: the call goes its way. */
  failed(thrown: unknown): void
}

/** Has a text made a vector. */
export type EmbedText = (text: string, signal: AbortSignal) => Promise<readonly number[]>

/** Finds questions that are like one another, among those of which all else is equal. */
export class Similar {
  readonly #rooms: SimilarRooms
  readonly #remembered = new Map<string, { vector: Float32Array; untilMs: number }>()

  constructor(rooms: SimilarRooms) {
    this.#rooms = rooms
  }

  /**
   * The kept question nearest to this one, where it is at least as near as `threshold` (cosine) and nothing in the two
   * texts says that their answers must differ. Undefined: the question is not one that is compared, or nobody could say
   * in time. Never rejects.
   */
  async find(
    asked: { fingerprint: string; text: string; threshold: number },
    embed: EmbedText
  ): Promise<Compared | undefined> {
    const text = asked.text.normalize('NFC').trim()
    if (!isComparable(text, this.#rooms.settings.charsMin)) return undefined
    try {
      const vector = await this.#vectorOf(asked.fingerprint, text, embed)
      if (!vector) return undefined
      const question = { fingerprint: asked.fingerprint, text, vector }
      const near = await this.#rooms.store.nearest(asked.fingerprint, vector, CANDIDATES)
      const best = near.find(({ score, text: kept }) => score >= asked.threshold && differs(text, kept) === undefined)
      return { question, ...(best && { found: { key: best.key, score: best.score } }) }
    } catch (thrown) {
      this.#rooms.failed(thrown)
      return undefined
    }
  }

  async #vectorOf(fingerprint: string, text: string, embed: EmbedText): Promise<Float32Array | undefined> {
    const { settings, nowMs } = this.#rooms
    // Of one tenant: who asks first pays for it, and nobody learns from its speed what others ask.
    const name = `${fingerprint}\n${text}`
    const known = this.#remembered.get(name)
    if (known && known.untilMs > nowMs()) return known.vector
    const vector = unit(await embed(text, AbortSignal.timeout(settings.timeoutMs)))
    if (!vector) throw new Error(`"${settings.embeddings}" gave no vector that could be compared.`)
    if (this.#remembered.size >= REMEMBERED_MAX) this.#remembered.delete(this.#remembered.keys().next().value!)
    this.#remembered.set(name, { vector, untilMs: nowMs() + REMEMBERED_MS })
    return vector
  }
}

/** Whether a question says enough to be compared by what it means. */
export function isComparable(text: string, charsMin: number): boolean {
  return text.length >= charsMin && /\p{L}/u.test(text)
}

/** The vector at length one; undefined where it has none. */
export function unit(values: readonly number[]): Float32Array | undefined {
  const norm = Math.hypot(...values)
  if (!(norm > 0 && Number.isFinite(norm))) return undefined
  return Float32Array.from(values, value => value / norm)
}
