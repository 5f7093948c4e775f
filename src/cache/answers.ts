import type { CachedAnswer, CachedQuestion, CacheSize, CacheStore } from '../stores/cache.ts'
import { CacheFront } from './front.ts'

/** How often each thing was said, since the process began. */
export interface CacheCounts {
  hits: number
  semantic: number
  coalesced: number
  misses: number
  bypass: number
  stored: number
  savedNano: number
  savedMs: number
}

/** What there is, and what it was good for. */
export interface CacheStats {
  memory: CacheSize
  store: (CacheSize & { kind: 'sqlite' | 'redis' }) | { kind: 'none'; answers: 0; bytes: 0 }
  sinceStart: CacheCounts
}

export interface AnswersOptions {
  /** Milliseconds since 1970. */
  nowMs(): number
  /** Beyond the memory of the process; undefined: there is none. */
  store: CacheStore | undefined
  kind: 'sqlite' | 'redis' | 'none'
  /** The store did not do what it was to do. Answers are not kept there, and all goes on. */
  onProblem(thrown: unknown): void
}

const COUNTED = {
  hit: 'hits',
  miss: 'misses',
  semantic: 'semantic',
  coalesced: 'coalesced',
  bypass: 'bypass'
} as const satisfies Record<string, keyof CacheCounts>

/** Before the configuration says how much. */
const BYTES_MAX = 128_000_000

/** The kept answers of a process: those in memory, before those of the store. It lives as long as the process (D7). */
export class Answers {
  readonly front: CacheFront
  readonly store: CacheStore | undefined
  readonly #options: AnswersOptions
  readonly #counts: CacheCounts = {
    hits: 0,
    semantic: 0,
    coalesced: 0,
    misses: 0,
    bypass: 0,
    stored: 0,
    savedNano: 0,
    savedMs: 0
  }

  constructor(options: AnswersOptions) {
    this.#options = options
    this.store = options.store
    this.front = new CacheFront({ bytesMax: BYTES_MAX, nowMs: options.nowMs })
  }

  /** Has the store ready before a call needs it. */
  warm(): void {
    this.store?.size().catch(this.#options.onProblem)
  }

  /** From now on the next identical call gets it. */
  keep(answer: CachedAnswer, question?: CachedQuestion): void {
    this.#counts.stored++
    this.front.put(answer)
    this.store?.put(answer, question).catch(this.#options.onProblem)
  }

  /** It was kept, and turned out not to be fit for it. */
  forget(key: string): void {
    this.front.forget(key)
    this.store?.purge({ key }).catch(this.#options.onProblem)
  }

  /** What was said to so many calls, and what that saved each. */
  count(result: keyof typeof COUNTED, saved: { nano: number; ms: number }, calls: number): void {
    this.#counts[COUNTED[result]] += calls
    this.#counts.savedNano += calls * saved.nano
    this.#counts.savedMs += calls * saved.ms
  }

  async stats(): Promise<CacheStats> {
    const { kind } = this.#options
    const store = kind === 'none' || !this.store ? NO_STORE : { kind, ...(await this.store.size()) }
    return { memory: this.front.size, store, sinceStart: { ...this.#counts } }
  }

  problem(thrown: unknown): void {
    this.#options.onProblem(thrown)
  }
}

const NO_STORE = { kind: 'none', answers: 0, bytes: 0 } as const
