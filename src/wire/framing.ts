import { EventStreamReader } from './eventstream.ts'
import { JsonArrayReader } from './json-array.ts'
import { formatSse, type SseEvent, type SseLimits, SseReader } from './sse.ts'

/** One event of a stream, however it is laid out on the wire. */
export type StreamEvent = SseEvent

/** Reads a stream from chunks cut anywhere. `push` and `end` throw Failure `provider_malformed`. */
export interface StreamReader {
  push(chunk: Buffer): void
  /** The stream is over: what is left is the last event. */
  end(): void
}

type ReaderOf = (deliver: (event: StreamEvent) => void, limits: SseLimits) => StreamReader

/** How a provider's stream may be laid out, by its content type. */
export const READERS = {
  sse: { contentType: 'text/event-stream', reader: (deliver, limits) => new SseReader(deliver, limits) },
  'json-array': { contentType: 'application/json', reader: (deliver, limits) => new JsonArrayReader(deliver, limits) },
  eventstream: {
    contentType: 'application/vnd.amazon.eventstream',
    reader: (deliver, limits) => new EventStreamReader(deliver, limits)
  }
} as const satisfies Record<string, { contentType: string; reader: ReaderOf }>

/**
 * How a client's stream is laid out. Pieces are written without knowing what came before them: what a failed attempt
 * had written is thrown away. Only who sends the bytes knows which are the first and the last.
 */
export interface ClientFraming {
  readonly contentType: string
  event(event: string, data: string): string
  /** A word for people that clients pass over; '' where there is no room for one. */
  comment(text: string): string
  /** Keeps an idle connection open and means nothing. */
  readonly wait: string
  /** The first event that is sent. */
  first(raw: Buffer): Buffer
  /** What closes the stream after the bytes that were sent last; undefined: nothing was. */
  last(raw: Buffer | undefined): string
}

const COMMA = 44
const OPEN = Buffer.from('[')

export const CLIENT_FRAMINGS = {
  sse: {
    contentType: 'text/event-stream; charset=utf-8',
    event: formatSse,
    comment: text => `: ${text}\n\n`,
    wait: ': wait\n\n',
    first: raw => raw,
    last: () => ''
  },
  /** Google's way where the address says nothing of `alt=sse`: one JSON array, an element as soon as it is there. */
  'json-array': {
    contentType: 'application/json; charset=utf-8',
    event: (_, data) => `,\n${data}`,
    comment: () => '',
    wait: '\n',
    first: raw => (raw[0] === COMMA ? Buffer.concat([OPEN, raw.subarray(1)]) : raw),
    last: raw => (raw === undefined ? '[]' : isClosed(raw) ? '' : '\n]')
  }
} as const satisfies Record<string, ClientFraming>

/** Elements are objects: a bracket at the end is that of the whole. */
function isClosed(raw: Buffer): boolean {
  return raw.toString('utf8').trimEnd().endsWith(']')
}
