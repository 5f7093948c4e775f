import type { Clock } from '../../clock.ts'

/** Something that is good for a while: an access token, temporary keys. */
export interface Token<Value> {
  value: Value
  /** From now on; Infinity where it does not expire. */
  lifetimeMs: number
}

interface Held<Value> {
  /** Of the identity that the token was made from: another one is another token. */
  fingerprint: string
  token: { value: Value; expiresMs: number; refreshMs: number } | undefined
  /** The one fetch under way. */
  fetching: Promise<Value> | undefined
  /** When a token was last given up before its time. */
  droppedMs: number
}

/** A token is renewed so long before its end, or in the last fifth of a short life. */
const MARGIN_MS = 5 * 60_000
const MARGIN_SHARE = 0.2
/** A renewal that failed while the token still holds is tried again after so long. */
const AGAIN_MS = 10_000
/** Refusals of one credential give up a token once in so long: more of them mean that the token is not what is wrong. */
const DROP_EVERY_MS = 30_000
/** Refusals that follow one so soon are of calls that were sent with the token that is already given up. */
const IN_FLIGHT_MS = 10_000

/**
 * Tokens under stable names, which outlive a reload (D7). Renewed before they expire, by one fetch at a time; as long as
 * the old one holds, nobody waits for the new one. Ages are measured by a clock that only goes forward: what the
 * machine takes for the time of day does not matter.
 */
export class Tokens<Value> {
  readonly #clock: Clock
  readonly #held = new Map<string, Held<Value>>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The token, at once where there is one. Rejects with what `fetch` rejects with. */
  get(name: string, fingerprint: string, fetch: () => Promise<Token<Value>>): Value | Promise<Value> {
    const held = this.#heldAs(name, fingerprint)
    const nowMs = this.#clock.monotonicMs()
    if (held.token && nowMs < held.token.expiresMs) {
      // Whoever waits for the next token hears of a failure; nobody waits for this one.
      if (nowMs >= held.token.refreshMs) this.#fetch(held, fetch).catch(() => {})
      return held.token.value
    }
    return this.#fetch(held, fetch)
  }

  /** The token was refused. Returns whether it is worth trying with another. */
  drop(name: string): boolean {
    const held = this.#held.get(name)
    const nowMs = this.#clock.monotonicMs()
    const sinceMs = nowMs - (held?.droppedMs ?? 0)
    if (!held || sinceMs < DROP_EVERY_MS) return held !== undefined && sinceMs < IN_FLIGHT_MS
    held.token = undefined
    held.droppedMs = nowMs
    return true
  }

  #heldAs(name: string, fingerprint: string): Held<Value> {
    let held = this.#held.get(name)
    if (held?.fingerprint !== fingerprint) {
      held = { fingerprint, token: undefined, fetching: undefined, droppedMs: Number.NEGATIVE_INFINITY }
      this.#held.set(name, held)
    }
    return held
  }

  #fetch(held: Held<Value>, ask: () => Promise<Token<Value>>): Promise<Value> {
    if (held.fetching) return held.fetching
    const fetching = ask().then(
      ({ value, lifetimeMs }) => {
        const nowMs = this.#clock.monotonicMs()
        const marginMs = Math.min(MARGIN_MS, lifetimeMs * MARGIN_SHARE)
        held.token = { value, expiresMs: nowMs + lifetimeMs, refreshMs: nowMs + lifetimeMs - marginMs }
        held.fetching = undefined
        return value
      },
      (thrown: unknown) => {
        if (held.token) held.token.refreshMs = this.#clock.monotonicMs() + AGAIN_MS
        held.fetching = undefined
        throw thrown
      }
    )
    held.fetching = fetching
    return fetching
  }
}
