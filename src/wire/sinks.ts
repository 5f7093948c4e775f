import type { Outcome, Sink } from './frames.ts'

/**
 * Holds a Sink to its contract whatever its source does: `close` reaches it once, and nothing after it. For the end of
 * a chain that is fed from more than one side (a provider, a deadline, a client that leaves).
 */
export class SinkGuard<F> implements Sink<F> {
  readonly #inner: Sink<F>
  #closed = false

  constructor(inner: Sink<F>) {
    this.#inner = inner
  }

  get closed(): boolean {
    return this.#closed
  }

  frame(frame: F): boolean {
    // A late frame is nobody's: the source may go on to its own end.
    return this.#closed || this.#inner.frame(frame)
  }

  close(outcome: Outcome): void {
    if (this.#closed) return
    this.#closed = true
    this.#inner.close(outcome)
  }
}
