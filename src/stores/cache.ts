import type { Usage } from '../usage.ts'

/** The facts of a kept answer: all of it but its bytes. */
export interface CachedFacts {
  /** SHA-256 over all that the answer follows from, in base64url: see cache/key.ts. */
  key: string
  /** A body, or all the events of a stream. */
  form: 'whole' | 'stream'
  /** How the events are laid out, where it is a stream: `sse`, `json-array`. */
  framing: string
  /** Who gave it. */
  provider: string
  model: string
  losses: readonly string[]
  touches: readonly string[]
  simulated: boolean
  /** Who keeps what the answer names at its provider. */
  holder: { provider: string; credential: string } | null
  usage: Partial<Usage> | null
  finish: string | null
  /** What it cost when it was made, in nano-dollars; null: nobody knows. Every hit saves as much. */
  costNano: number | null
  /** How long it took, in milliseconds. Every hit saves about as much. */
  tookMs: number
  /** Where each event of a stream ends, in bytes, and when it came, in milliseconds after the first: pairs, in order. */
  marks: readonly (readonly [endByte: number, atMs: number])[]
  /** Milliseconds since 1970. */
  storedAtMs: number
  /** Until when it is fresh, in milliseconds since 1970. */
  freshUntilMs: number
  /** Until when it may still be served where the caller takes stale answers; it is gone after that. */
  keptUntilMs: number
  /** What it can be purged by. */
  namespace: string
  /** The model or route that was asked for. */
  route: string
  tags: readonly string[]
  /** The call that it was made for, and whose that was: what an erasure finds it by. */
  requestId: string
  org: string | null
  team: string | null
  user: string | null
  customer: string | null
  keyName: string | null
}

/** One kept answer. */
export interface CachedAnswer extends CachedFacts {
  body: Buffer
}

/** What is to go: everything that fits all of the members that are given; none given: everything. */
export interface CachePurge {
  key?: string
  tag?: string
  route?: string
  namespace?: string
  org?: string
  team?: string
  user?: string
  customer?: string
  keyName?: string
  requestIds?: readonly string[]
}

/** A question whose answer is kept, to be found by one that is like it. */
export interface CachedQuestion {
  /** Of the answer. */
  key: string
  /** Digest of all that must be equal: tenant, system, history, tools, model, parameters. Only questions of one are compared. */
  fingerprint: string
  /** Of length one. */
  vector: Float32Array
  /** The text, as far as it is shown to who reads the log: masked as it was sent. */
  text: string
  keptUntilMs: number
}

/** A question that is like the one that was asked. */
export interface SimilarQuestion {
  key: string
  text: string
  /** Cosine of the angle between the two, from -1 to 1. */
  score: number
}

export interface CacheSize {
  answers: number
  bytes: number
}

/**
 * What keeps answers beyond the memory of a process: a file, or what replicas share. It is a cache: it may forget, and
 * never lies. Nothing here is part of a transaction. `get` and `nearest` reject where the engine does not answer in time.
 */
export interface CacheStore {
  /** Undefined: there is none, or its time is over. */
  get(key: string): Promise<CachedAnswer | undefined>
  /** Inserts or replaces, with the question: without one, an older one goes. Resolves when it can be got, or was not worth it. */
  put(answer: CachedAnswer, question?: CachedQuestion): Promise<void>
  /** The questions of the fingerprint nearest to the vector (of length one), the nearest first. */
  nearest(fingerprint: string, vector: Float32Array, limit: number): Promise<SimilarQuestion[]>
  /** An answer was of use: what is used least for its size goes first. Never waits. */
  used(key: string): void
  /** How many went. */
  purge(what: CachePurge): Promise<number>
  /** About as much as there is: a server is asked for a sample. */
  size(): Promise<CacheSize>
  /** How far in the list of purges it is: see cache/purge-follower.ts. Undefined: it is new, and nothing was said yet. */
  purgedUpTo(): Promise<number | undefined>
  setPurgedUpTo(seq: number): Promise<void>
  close(): Promise<void>
}

/** Whether an answer is among what is to go. */
export function isPurged(answer: Omit<CachedFacts, 'marks'>, what: CachePurge): boolean {
  const { tag, requestIds, ...equal } = what
  if (tag !== undefined && !answer.tags.includes(tag)) return false
  if (requestIds && !requestIds.includes(answer.requestId)) return false
  return (Object.entries(equal) as [keyof typeof equal, string | undefined][]).every(
    ([name, value]) => value === undefined || answer[name] === value
  )
}
