import type { Clock } from '../clock.ts'

/** Something that must be over by `dueMs` on the monotonic clock; whoever watches it may move that at any time. */
export interface Deadline {
  /** Infinity while nothing is due. */
  dueMs: number
  expire(): void
}

/**
 * All the timeouts of a room on one timer: a call costs an entry in a set, and a piece of a stream that has come in
 * time costs one assignment. Expiry is up to `tickMs` late, never early.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #tickMs: number
  readonly #watched = new Set<Deadline>()
  readonly #sweep = () => this.#expireDue()
  #ticking = false

  constructor(clock: Clock, tickMs = 50) {
    this.#clock = clock
    this.#tickMs = tickMs
  }

  nowMs(): number {
    return this.#clock.monotonicMs()
  }

  watch(deadline: Deadline): void {
    this.#watched.add(deadline)
    this.#tick()
  }

  drop(deadline: Deadline): void {
    this.#watched.delete(deadline)
  }

  #tick(): void {
    if (this.#ticking || this.#watched.size === 0) return
    this.#ticking = true
    // What is watched has sockets, and those keep the process alive; a mere tick need not.
    setTimeout(this.#sweep, this.#tickMs).unref()
  }

  #expireDue(): void {
    this.#ticking = false
    const nowMs = this.#clock.monotonicMs()
    try {
      for (const deadline of this.#watched) {
        if (deadline.dueMs > nowMs) continue
        this.#watched.delete(deadline)
        deadline.expire()
      }
    } finally {
      this.#tick()
    }
  }
}
