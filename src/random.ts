import { randomBytes } from 'node:crypto'

/** The only source of chance. `chance` is for spreading load, never for secrets. */
export interface Random {
  /** A UUID of version 7 (RFC 9562): its order is that of time, so that rows of a ledger are added at one end of an index. */
  id(): string
  /** From 0 up to, not including, 1. */
  chance(): number
}

/** Chance of the system's generator; `nowMs` is milliseconds since 1970. */
export function systemRandom(nowMs: () => number): Random {
  const digits = new RandomDigits()
  let ms = 0
  let time = ''
  return {
    // 48 bits of time, the version, 12 random bits, the variant with two bits that are 0, and 60 random bits.
    id() {
      const now = nowMs()
      if (now !== ms) time = timeOf(now)
      ms = now
      return `${time}-7${digits.next(3)}-8${digits.next(3)}-${digits.next(12)}`
    },
    chance: () => Math.random()
  }
}

function timeOf(ms: number): string {
  const text = ms.toString(16).padStart(12, '0')
  return `${text.slice(0, 8)}-${text.slice(8)}`
}

const DRAWN_BYTES = 4_096

/** Hexadecimal digits of the system's generator, drawn many at a time: to ask it takes longer than to make an id. */
class RandomDigits {
  #drawn = ''
  #at = 0

  next(count: number): string {
    if (this.#at + count > this.#drawn.length) {
      this.#drawn = randomBytes(DRAWN_BYTES).toString('hex')
      this.#at = 0
    }
    this.#at += count
    return this.#drawn.slice(this.#at - count, this.#at)
  }
}
