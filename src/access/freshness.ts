import type { Clock } from '../clock.ts'

/** How often the stores are asked whether anything has changed, so that who misses the bus learns of it within a second. */
const POLL_MS = 500

/** What was confirmed longer ago than this is kept in mind no more. */
const MEMORY_MS = 600_000

/**
 * Whether what caches hold of the stores is still so. Everything that was read between two changes is of one generation,
 * and each poll that sees no change confirms the present one. All times are of the monotonic clock.
 */
export class Freshness {
  readonly #version: () => Promise<number>
  readonly #clock: Clock
  /** When each generation was last known to be what the stores hold. */
  readonly #confirmedMs = new Map<number, number>()
  #known: number | undefined
  #generation = 0
  #polling = false
  #askedMs = 0
  #failed = false
  readonly #hearers = new Set<() => void>()

  constructor(version: () => Promise<number>, clock: Clock) {
    this.#version = version
    this.#clock = clock
  }

  /** Another number after each change that somebody told of, or that a poll has found. */
  get generation(): number {
    return this.#generation
  }

  /** When what was read in this generation was last confirmed; undefined: not since it was read. */
  confirmedMs(generation: number): number | undefined {
    return this.#confirmedMs.get(generation)
  }

  /** Whether the stores answered the last poll, and in time. */
  get isReachable(): boolean {
    return !this.#failed && !(this.#polling && this.#clock.monotonicMs() - this.#askedMs > POLL_MS)
  }

  /** Something has changed, somebody says (the bus): what was read before counts as old at once. */
  heard(): void {
    this.#generation++
    const oldestMs = this.#clock.monotonicMs() - MEMORY_MS
    for (const [generation, atMs] of this.#confirmedMs) if (atMs < oldestMs) this.#confirmedMs.delete(generation)
    for (const hear of this.#hearers) hear()
  }

  /** Told at once of each new generation. Returns how to stop. */
  onChange(hear: () => void): () => void {
    this.#hearers.add(hear)
    return () => void this.#hearers.delete(hear)
  }

  /** Asks the stores. Never rejects; while one poll is under way, another is none. */
  async poll(): Promise<void> {
    if (this.#polling) return
    this.#polling = true
    const asked = this.#generation
    // What the answer says was so when it was asked for, or later.
    const askedMs = this.#clock.monotonicMs()
    this.#askedMs = askedMs
    try {
      const version = await this.#version()
      this.#failed = false
      // The first answer is a change too: what was read before it may be of an older version.
      if (version !== this.#known) this.heard()
      else if (asked === this.#generation) this.#confirmedMs.set(asked, askedMs)
      this.#known = version
    } catch {
      this.#failed = true
    } finally {
      this.#polling = false
    }
  }

  /** Polls from now on. Returns how to stop. */
  start(): () => void {
    void this.poll()
    const timer = setInterval(() => void this.poll(), POLL_MS)
    timer.unref()
    return () => clearInterval(timer)
  }
}
