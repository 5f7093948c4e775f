import { createHash, hash } from 'node:crypto'
import { JsonReader } from '../json-scan.ts'

const QUOTE = 0x22
const COMMA = 0x2c
const ARRAY_OPEN = 0x5b
const ARRAY_CLOSE = 0x5d
const OBJECT_OPEN = 0x7b

/** Bodies whose digests are remembered, so that one which was seen before is not walked again. */
const REMEMBERED_MAX = 10_000

/**
 * SHA-256, in base64url, over parts of which each is preceded by its length: no two lists of parts give the same bytes.
 * An undefined part is none of any text.
 */
export function digestOf(parts: readonly (string | undefined)[]): string {
  const whole = parts.map(part => (part === undefined ? '-' : `${part.length}:${part}`)).join('')
  return hash('sha256', whole, 'base64url')
}

/**
 * Digests of JSON bodies, the same for the same meaning: the order of names and white space do not count. All else
 * does, byte for byte: a number keeps its spelling (beyond 2^53 two of them are one to `JSON.parse`), and a name that is
 * there twice stays so, in its order, since a provider may take either. `without`: names at the top that do not count.
 */
export class BodyDigests {
  readonly #known = new Map<string, string>()

  of(bytes: Buffer, without: readonly string[]): string {
    const raw = `${createHash('sha256').update(bytes).digest('base64url')} ${without.join(' ')}`
    const known = this.#known.get(raw)
    if (known !== undefined) return known
    const digest = hash('sha256', new Canonical(bytes).body(without), 'base64url')
    if (this.#known.size >= REMEMBERED_MAX) this.#known.delete(this.#known.keys().next().value!)
    this.#known.set(raw, digest)
    return digest
  }
}

/** Writes JSON anew, in one pass: names of objects in order, no white space, every other byte as it was. */
class Canonical {
  readonly #reader: JsonReader
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#reader = new JsonReader(bytes)
    this.#bytes = bytes
  }

  body(without: readonly string[]): string {
    this.#at = this.#reader.spaceEnd(0)
    return this.#object(new Set(without))
  }

  #value(): string {
    const byte = this.#bytes[this.#at]
    if (byte === OBJECT_OPEN) return this.#object(NOTHING)
    if (byte === ARRAY_OPEN) return this.#array()
    const start = this.#at
    this.#at = this.#reader.valueEnd(start)
    // One character a byte: nothing is lost, and nothing need be read.
    return this.#bytes.toString('latin1', start, this.#at)
  }

  #object(without: ReadonlySet<string>): string {
    const members: { name: string; text: string }[] = []
    this.#at = this.#reader.spaceEnd(this.#at + 1)
    while (this.#bytes[this.#at] === QUOTE) {
      const start = this.#at
      const end = this.#reader.stringEnd(start)
      const name = this.#reader.nameAt(start, end)
      // Over the colon.
      this.#at = this.#reader.spaceEnd(this.#reader.spaceEnd(end) + 1)
      const text = this.#value()
      if (!without.has(name)) members.push({ name, text })
      this.#next()
    }
    this.#at++
    // Sorting is stable: names that are there twice keep their order.
    members.sort((one, other) => (one.name < other.name ? -1 : one.name > other.name ? 1 : 0))
    return `{${members.map(({ name, text }) => `${JSON.stringify(name)}:${text}`).join(',')}}`
  }

  #array(): string {
    const elements: string[] = []
    this.#at = this.#reader.spaceEnd(this.#at + 1)
    while (this.#bytes[this.#at] !== ARRAY_CLOSE) {
      elements.push(this.#value())
      this.#next()
    }
    this.#at++
    return `[${elements.join(',')}]`
  }

  /** Over the comma, where there is one. */
  #next(): void {
    this.#at = this.#reader.spaceEnd(this.#at)
    if (this.#bytes[this.#at] === COMMA) this.#at = this.#reader.spaceEnd(this.#at + 1)
  }
}

const NOTHING: ReadonlySet<string> = new Set()
