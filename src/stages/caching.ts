import type { CachePolicy } from '../cache/policy.ts'
import type { Nano } from '../nano.ts'
import type { Flight } from './flights.ts'

/** What the cache said to a call. */
export type CacheResult = 'hit' | 'miss' | 'semantic' | 'coalesced' | 'bypass'

/** What is told of it when the call is over. */
export type CachingFacts = Pick<Caching, 'result' | 'bypassed' | 'key' | 'askedMs' | 'given'>

/** What the cache has to do with one call; from when it was asked. */
export interface Caching {
  policy: CachePolicy
  result: CacheResult
  /** Why the answer of this call can be neither found nor kept. */
  bypassed?: string
  /** All that the answer follows from; undefined where it is neither found nor kept. */
  key: string | undefined
  /** From when to when it was asked, in milliseconds since the call began. */
  askedMs: readonly [fromMs: number, toMs: number]
  /** How often something had been purged when it was asked. */
  purges: number
  /** The call leads identical ones. */
  flight?: Flight
  /** The answer goes by the tap, or has. */
  isTapped?: true
  /** The question, as it is compared. */
  question?: { fingerprint: string; text: string; vector: Float32Array }
  /** What was given instead of a fresh answer. */
  given?: {
    /** Id of the call that it was made for. */
    requestId: string
    ageMs: number
    /** What the call would have cost, as far as anybody knows. */
    savedNano(): Nano | null
    /** How much sooner it came, as far as anybody knows. */
    savedMs: number
    /** Milliseconds since 1970; absent where another call just got it. */
    stored?: { atMs: number; freshUntilMs: number }
    /** How like the question of that call is to the one that was asked, from 0 to 1, where it is another one. */
    score?: number
    isStale?: true
  }
}
