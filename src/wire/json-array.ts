import { Failure } from '../errors.ts'
import type { SseEvent, SseLimits } from './sse.ts'

const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const OPEN = new Set([91, 123])
const CLOSE = new Set([93, 125])

/**
 * Reads a stream that is one JSON array (Google's `streamGenerateContent` without `alt=sse`) from chunks cut anywhere,
 * and hands over each element as soon as it is closed, with the bytes since the element before it. What is no element
 * (the brackets and what follows) comes as a comment, so that all `raw`s, joined, are the stream. Throws Failure
 * `provider_malformed` at an element over the limit; the reader is spent then.
 */
export class JsonArrayReader {
  readonly #deliver: (event: SseEvent) => void
  readonly #eventBytesMax: number
  #held: Buffer[] = []
  #heldBytes = 0
  /** 0 outside of the array, 1 in it, more in an element. */
  #depth = 0
  #inText = false
  #escaped = false

  constructor(deliver: (event: SseEvent) => void, limits: SseLimits) {
    this.#deliver = deliver
    this.#eventBytesMax = limits.eventBytesMax
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      if (!this.#closesElement(chunk[at]!)) continue
      this.#hold(chunk.subarray(start, at + 1))
      this.#emit(false)
      start = at + 1
    }
    this.#hold(chunk.subarray(start))
  }

  /** The stream is over: what is left is the closing bracket, or an element cut short. */
  end(): void {
    if (this.#heldBytes > 0) this.#emit(this.#depth > 1)
  }

  #closesElement(byte: number): boolean {
    if (this.#inText) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#inText = false
      return false
    }
    if (byte === QUOTE) this.#inText = true
    else if (OPEN.has(byte)) this.#depth++
    else if (CLOSE.has(byte)) return --this.#depth === 1
    return false
  }

  #hold(piece: Buffer): void {
    if (piece.length === 0) return
    this.#heldBytes += piece.length
    if (this.#heldBytes > this.#eventBytesMax)
      throw new Failure('provider_malformed', `An element of the stream is larger than ${this.#eventBytesMax} bytes.`)
    this.#held.push(piece)
  }

  #emit(unterminated: boolean): void {
    const raw = Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    const data = elementOf(raw)
    this.#deliver({ comment: data === '', event: '', data, raw, unterminated })
  }
}

/** The element without what separates it from the one before; '' where there is none. */
function elementOf(raw: Buffer): string {
  const text = raw.toString('utf8')
  let at = 0
  while (at < text.length && (text.charCodeAt(at) === COMMA || '[] \t\r\n\ufeff'.includes(text[at]!))) at++
  return text.slice(at)
}
