import { Window } from './window.ts'

/** D13: five failures, at least half of all, within thirty seconds. */
const FAILURES_MIN = 5
const SHARE_MIN = 0.5
const WINDOW_S = 30
const OPEN_FIRST_MS = 5_000
/** Half of what D13 says: a provider that is back must have its calls back within 30 s (docs/decisions/0004). */
const OPEN_MAX_MS = 30_000

/**
 * How an attempt looked to a circuit: it answered, it failed in a way that counts, it was turned away by something that
 * is there (no part of the share, but enough for a probe), or it says nothing.
 */
export type Sign = 'good' | 'bad' | 'alive' | 'neither'

/**
 * Keeps calls away from what does not work. Closed: everything passes. Open: nothing does, for 5 s, doubling to 60 s.
 * After that one probe at a time: a good one closes the circuit, a bad one opens it for longer.
 */
export class Circuit {
  readonly #window = new Window(['good', 'bad'], WINDOW_S)
  #openedAtMs: number | undefined
  #openMs = OPEN_FIRST_MS
  /** Counted up with every opening, so that an attempt from before it is told apart. */
  #opening = 0
  #probing = false

  /** Whether a call should go elsewhere. */
  isOpen(nowMs: number): boolean {
    if (this.#openedAtMs === undefined) return false
    return this.#probing || nowMs < this.#openedAtMs + this.#openMs
  }

  /** An attempt begins; the function is told how it ended, once. */
  begin(nowMs: number): (sign: Sign, nowMs: number) => void {
    if (this.#openedAtMs === undefined) return (sign, atMs) => this.#count(sign, atMs)
    const opening = this.#opening
    const isProbe = !this.isOpen(nowMs)
    if (isProbe) this.#probing = true
    return (sign, atMs) => {
      if (opening !== this.#opening) return
      if (isProbe) this.#probing = false
      // Also a call that was let through for want of another target shows that it works again.
      if (sign === 'good' || sign === 'alive') this.#close()
      else if (sign === 'bad' && isProbe) this.#open(atMs, Math.min(OPEN_MAX_MS, this.#openMs * 2))
    }
  }

  /** Opens at once: one refusal of a credential is enough to know. */
  trip(nowMs: number): void {
    if (this.#openedAtMs === undefined) this.#open(nowMs, OPEN_FIRST_MS)
  }

  #count(sign: Sign, nowMs: number): void {
    // An attempt from before an opening tells nothing new.
    if (sign === 'neither' || sign === 'alive' || this.#openedAtMs !== undefined) return
    this.#window.add(sign, nowMs)
    const bad = this.#window.sum('bad', nowMs)
    const all = bad + this.#window.sum('good', nowMs)
    if (bad >= FAILURES_MIN && bad / all >= SHARE_MIN) this.#open(nowMs, OPEN_FIRST_MS)
  }

  #open(nowMs: number, openMs: number): void {
    this.#openedAtMs = nowMs
    this.#openMs = openMs
    this.#opening++
    this.#probing = false
  }

  #close(): void {
    this.#openedAtMs = undefined
    this.#probing = false
    this.#opening++
    this.#window.clear()
  }
}
