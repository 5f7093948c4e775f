import { createHash } from 'node:crypto'

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** Ids in the shape of the real ones; the same seed gives the same row of ids. */
export class IdSource {
  readonly #seed: number
  #count = 0

  constructor(seed: number) {
    this.#seed = seed
  }

  /** `prefix` and `length` letters and digits. */
  next(prefix: string, length: number): string {
    return prefix + Array.from(this.#bytes(length), byte => ALPHABET[byte % ALPHABET.length]).join('')
  }

  nextHex(prefix: string, length: number): string {
    return prefix + this.#bytes(length).toString('hex').slice(0, length)
  }

  #bytes(length: number): Buffer {
    return createHash('sha512')
      .update(`${this.#seed}:${this.#count++}`)
      .digest()
      .subarray(0, Math.min(length, 64))
  }
}
