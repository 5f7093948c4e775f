import { Failure } from '../errors.ts'

/** One block of an event stream: everything up to and with its blank line. */
export interface SseEvent {
  /** True for a block without a `data` field (comments, `retry`, a stray blank line): nothing to dispatch. */
  readonly comment: boolean
  /** The `event` field; '' where the stream names none (which the specification calls `message`). */
  readonly event: string
  /** The `data` fields, joined by line feeds. */
  readonly data: string
  /** The exact bytes, blank line and comments included. All `raw`s of a stream, joined, are the stream. */
  readonly raw: Buffer
  /** True for a last block that the stream ended without closing by a blank line. */
  readonly unterminated: boolean
}

export interface SseLimits {
  /** Largest block in bytes. */
  eventBytesMax: number
}

const LF = 10
const CR = 13

/**
 * Reads `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html) from chunks cut anywhere
 * and hands over each block as soon as its blank line is there. Two differences from a browser: blocks without data
 * are handed over too, so that nothing of the stream is lost on the way through; and a last block that lacks its blank
 * line counts (many providers forget it). `push` and `end` throw Failure `provider_malformed` at a block over the
 * limit; the reader is spent then.
 */
export class SseReader {
  readonly #deliver: (event: SseEvent) => void
  readonly #eventBytesMax: number
  /** The beginning of the current block, from earlier chunks. */
  #held: Buffer[] = []
  #heldBytes = 0
  #lineEmpty = true
  /** The last byte was CR: a line feed that comes now belongs to it. */
  #afterCr = false
  /** That CR ended a blank line, so the block is complete once we know whether the line feed belongs to it. */
  #complete = false
  #first = true

  constructor(deliver: (event: SseEvent) => void, limits: SseLimits = { eventBytesMax: 1024 * 1024 }) {
    this.#deliver = deliver
    this.#eventBytesMax = limits.eventBytesMax
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return
    let at = 0
    let blockStart = 0
    if (this.#afterCr) {
      this.#afterCr = false
      if (chunk[0] === LF) at = 1
      if (this.#complete) {
        this.#complete = false
        this.#block(chunk, 0, at)
        blockStart = at
      }
    }
    // The next line feed and carriage return are searched natively and remembered until passed: no byte is seen twice.
    let lf = -1
    let cr = -1
    while (at < chunk.length) {
      if (lf < at) lf = positionOf(chunk, LF, at)
      if (cr < at) cr = positionOf(chunk, CR, at)
      const lineEnd = Math.min(lf, cr)
      if (lineEnd === chunk.length) {
        this.#lineEmpty = false
        break
      }
      const blank = this.#lineEmpty && lineEnd === at
      this.#lineEmpty = true
      at = lineEnd + 1
      if (lineEnd === cr) {
        if (at === chunk.length) {
          this.#afterCr = true
          this.#complete = blank
          break
        }
        if (chunk[at] === LF) at++
      }
      if (blank) {
        this.#block(chunk, blockStart, at)
        blockStart = at
      }
    }
    this.#hold(chunk, blockStart)
  }

  /** The stream is over: what is left is the last block. */
  end(): void {
    if (this.#heldBytes === 0) return
    const terminated = this.#complete
    this.#emit(this.#join(), !terminated)
  }

  #block(chunk: Buffer, start: number, end: number): void {
    if (this.#heldBytes + end - start > this.#eventBytesMax) throw this.#tooLarge()
    const last = chunk.subarray(start, end)
    if (this.#heldBytes === 0) {
      this.#emit(last, false)
      return
    }
    this.#held.push(last)
    this.#emit(this.#join(), false)
  }

  #join(): Buffer {
    const raw = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return raw
  }

  #hold(chunk: Buffer, start: number): void {
    if (start === chunk.length) return
    const rest = chunk.subarray(start)
    this.#heldBytes += rest.length
    if (this.#heldBytes > this.#eventBytesMax) throw this.#tooLarge()
    // A small rest would keep the whole chunk it was cut from alive for as long as the stream is silent.
    this.#held.push(rest.length * 4 < chunk.buffer.byteLength ? Buffer.from(rest) : rest)
  }

  #emit(raw: Buffer, unterminated: boolean): void {
    let text = raw.toString('utf8')
    if (this.#first) {
      this.#first = false
      if (text.charCodeAt(0) === 0xfeff) text = text.slice(1)
    }
    const { event, data } = fieldsOf(text)
    this.#deliver({ comment: data === undefined, event, data: data ?? '', raw, unterminated })
  }

  #tooLarge(): Failure {
    return new Failure('provider_malformed', `An event of the stream is larger than ${this.#eventBytesMax} bytes.`)
  }
}

function positionOf(chunk: Buffer, byte: number, from: number): number {
  const found = chunk.indexOf(byte, from)
  return found < 0 ? chunk.length : found
}

/** `data` is undefined where the block has no such field: an empty one is an event, a missing one is none. */
function fieldsOf(block: string): { event: string; data: string | undefined } {
  const text = block.includes('\r') ? block.replace(/\r\n?/g, '\n') : block
  let event = ''
  let data: string | undefined
  for (let at = 0; at < text.length; ) {
    let end = text.indexOf('\n', at)
    if (end < 0) end = text.length
    if (isField(text, 'data', at, end)) {
      const value = fieldValue(text, at + 4, end)
      data = data === undefined ? value : `${data}\n${value}`
    } else if (isField(text, 'event', at, end)) {
      event = fieldValue(text, at + 5, end)
    }
    at = end + 1
  }
  return { event, data }
}

/** A field is its name, then a colon or the end of the line. */
function isField(text: string, name: string, start: number, end: number): boolean {
  if (!text.startsWith(name, start)) return false
  const after = start + name.length
  return after === end || text[after] === ':'
}

function fieldValue(text: string, colon: number, end: number): string {
  if (colon >= end) return ''
  return text.slice(text[colon + 1] === ' ' ? colon + 2 : colon + 1, end)
}

/** Writes one event; line breaks in `data` become several `data` lines. '' as `event` leaves the field out. */
export function formatSse(event: string, data: string): string {
  if (/[\r\n]/.test(event)) throw new RangeError('the name of an event is one line')
  const lines = /[\r\n]/.test(data) ? data.replace(/\r\n?|\n/g, '\ndata: ') : data
  return event === '' ? `data: ${lines}\n\n` : `event: ${event}\ndata: ${lines}\n\n`
}
