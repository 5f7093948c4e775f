import { crc32 } from 'node:zlib'
import { Failure } from '../errors.ts'
import { isObject } from '../json.ts'
import type { SseEvent, SseLimits } from './sse.ts'

/** Length of the message, length of its headers, checksum of these two. */
const PRELUDE_BYTES = 12
/** What every message has besides headers and payload: the prelude and the checksum of the whole. */
const FRAME_BYTES = 16

/**
 * Reads `application/vnd.amazon.eventstream` (https://smithy.io/2.0/aws/amazon-eventstream.html) from chunks cut
 * anywhere and hands over each message as soon as it is whole. Its name is the event type, the exception type or the
 * error code; its data the payload as text. What InvokeModelWithResponseStream wraps (`chunk`: `{"bytes": base64}`) is
 * unwrapped to the model's own event. A message that is cut short by the end of the stream comes as a comment.
 *
 * `push` throws Failure `provider_malformed` at a wrong checksum or length, at headers that cannot be read, and at a
 * message over the limit; the reader is spent then.
 */
export class EventStreamReader {
  readonly #deliver: (event: SseEvent) => void
  readonly #eventBytesMax: number
  /** The beginning of the current message, from earlier chunks. */
  #held: Buffer[] = []
  #heldBytes = 0
  /** How many bytes must be there before there is anything to do. */
  #wantedBytes = PRELUDE_BYTES

  constructor(deliver: (event: SseEvent) => void, limits: SseLimits = { eventBytesMax: 1024 * 1024 }) {
    this.#deliver = deliver
    this.#eventBytesMax = limits.eventBytesMax
  }

  push(chunk: Buffer): void {
    this.#hold(chunk)
    if (this.#heldBytes < this.#wantedBytes) return
    let rest = this.#join()
    this.#wantedBytes = PRELUDE_BYTES
    while (rest.length >= PRELUDE_BYTES) {
      const bytes = messageBytes(rest, this.#eventBytesMax)
      if (rest.length < bytes) {
        this.#wantedBytes = bytes
        break
      }
      this.#deliver(read(rest.subarray(0, bytes)))
      rest = rest.subarray(bytes)
    }
    this.#hold(rest)
  }

  /** The stream is over: what is left of it is no message. */
  end(): void {
    if (this.#heldBytes === 0) return
    this.#deliver({ comment: true, event: '', data: '', raw: this.#join(), unterminated: true })
  }

  #join(): Buffer {
    const bytes = this.#held.length === 1 ? (this.#held[0] as Buffer) : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#heldBytes += bytes.length
    // A small rest would keep the whole chunk it was cut from alive for as long as the stream is silent.
    this.#held.push(bytes.length * 4 < bytes.buffer.byteLength ? Buffer.from(bytes) : bytes)
  }
}

/** The length a message says it has, once its prelude is known to be right. */
function messageBytes(bytes: Buffer, eventBytesMax: number): number {
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) throw malformed('the checksum of a prelude is wrong')
  const total = bytes.readUInt32BE(0)
  if (total > eventBytesMax) throw malformed(`an event is larger than ${eventBytesMax} bytes`)
  if (total < FRAME_BYTES + bytes.readUInt32BE(4)) throw malformed('the headers are longer than their message')
  return total
}

function read(raw: Buffer): SseEvent {
  const end = raw.length - 4
  if (crc32(raw.subarray(0, end)) !== raw.readUInt32BE(end)) throw malformed('the checksum of a message is wrong')
  const headersEnd = PRELUDE_BYTES + raw.readUInt32BE(4)
  const headers = textHeaders(raw.subarray(PRELUDE_BYTES, headersEnd))
  const event = nameOf(headers)
  const data = raw.toString('utf8', headersEnd, end) || unmodeled(headers)
  const inner = event === 'chunk' ? unwrap(data) : undefined
  return { comment: false, event, data, ...inner, raw, unterminated: false }
}

/** By the type of a message, the header that names it. */
const NAMED_BY = new Map([
  ['event', ':event-type'],
  ['exception', ':exception-type'],
  ['error', ':error-code']
])

function nameOf(headers: ReadonlyMap<string, string>): string {
  const header = NAMED_BY.get(headers.get(':message-type') ?? 'event')
  return (header && headers.get(header)) ?? ''
}

/** An error that the service has no shape for says its words in a header; said as the others say theirs. */
function unmodeled(headers: ReadonlyMap<string, string>): string {
  const message = headers.get(':error-message')
  return message === undefined ? '' : JSON.stringify({ message })
}

/** The data of a model's own event, and its name where it says one: Claude's do, as `type`. */
function unwrap(data: string): { event: string; data: string } | undefined {
  const payload = parsed(data)
  if (!isObject(payload) || typeof payload.bytes !== 'string') return undefined
  const text = Buffer.from(payload.bytes, 'base64').toString()
  const inner = parsed(text)
  return { event: isObject(inner) && typeof inner.type === 'string' ? inner.type : '', data: text }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const TEXT = 7
/** The bytes a header's value takes, by its type; those of -1 say their length in two bytes before them. */
const VALUE_BYTES = [0, 0, 1, 2, 4, 8, -1, -1, 8, 16]

/** The headers that are text: all that name a message are. */
function textHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>()
  try {
    for (let at = 0; at < bytes.length; ) {
      const nameEnd = at + 1 + bytes.readUInt8(at)
      const type = bytes.readUInt8(nameEnd)
      const fixed = VALUE_BYTES[type]
      if (fixed === undefined) throw malformed(`a header has the unknown type ${type}`)
      const start = nameEnd + (fixed < 0 ? 3 : 1)
      const end = start + (fixed < 0 ? bytes.readUInt16BE(nameEnd + 1) : fixed)
      if (end > bytes.length) throw new RangeError('a value runs over the end')
      if (type === TEXT) headers.set(bytes.toString('utf8', at + 1, nameEnd), bytes.toString('utf8', start, end))
      at = end
    }
  } catch (thrown) {
    throw thrown instanceof RangeError ? malformed('a header runs over the end of the headers') : thrown
  }
  return headers
}

function malformed(problem: string): Failure {
  return new Failure('provider_malformed', `The provider's event stream cannot be read: ${problem}.`)
}

/** Writes one message with a JSON payload. Names that end in `Exception` are exceptions, which end a stream. */
export function formatEventStream(event: string, data: string): Buffer {
  const type = event.endsWith('Exception') ? 'exception' : 'event'
  const headers = Buffer.concat([
    textHeader(`:${type}-type`, event),
    textHeader(':content-type', 'application/json'),
    textHeader(':message-type', type)
  ])
  const payload = Buffer.from(data)
  const message = Buffer.alloc(FRAME_BYTES + headers.length + payload.length)
  message.writeUInt32BE(message.length, 0)
  message.writeUInt32BE(headers.length, 4)
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8)
  headers.copy(message, PRELUDE_BYTES)
  payload.copy(message, PRELUDE_BYTES + headers.length)
  const end = message.length - 4
  message.writeUInt32BE(crc32(message.subarray(0, end)), end)
  return message
}

function textHeader(name: string, value: string): Buffer {
  const header = Buffer.alloc(4 + Buffer.byteLength(name) + Buffer.byteLength(value))
  const nameEnd = 1 + header.write(name, 1)
  header.writeUInt8(nameEnd - 1, 0)
  header.writeUInt8(TEXT, nameEnd)
  header.writeUInt16BE(header.length - nameEnd - 3, nameEnd + 1)
  header.write(value, nameEnd + 3)
  return header
}
