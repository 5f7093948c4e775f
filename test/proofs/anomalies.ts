import type { Socket } from 'node:net'
import type { Lines, Play } from './upstream.ts'

/** What a caller must see of a call to the target that fails, where no other one may answer. */
export type Seen = 'complete' | 'error' | 'either'

export interface Anomaly {
  name: string
  play: Play
  /** Of a whole answer and of a stream. */
  whole: Seen
  stream: Seen
  /** In a stream it comes after the first content: no other target may answer any more. */
  late?: boolean
  /** Nobody listens at all. */
  refused?: boolean
  /** Bytes of the request, where it must be long. */
  textBytes?: number
}

const HEAD_BYTES = 256 * 1024
/** Above the largest event that is taken. */
const LINE_BYTES = 17 * 1024 * 1024
/** A reset takes with it what was not read yet: so long what came before has to arrive. */
const READ_MS = 400

function head(lines: Lines, more = '', status = '200 OK'): string {
  const type = lines.stream && status.startsWith('200') ? lines.streamType : 'application/json'
  return `HTTP/1.1 ${status}\r\ncontent-type: ${type}\r\n${more}`
}

const CLOSE = 'connection: close\r\n\r\n'

/** A good answer, of which the connection closes: no socket stays in a pool. */
function good(socket: Socket, lines: Lines): void {
  socket.end(head(lines, CLOSE) + bodyOf(lines))
}

function bodyOf({ stream, opening, content, finish, end, whole }: Lines): string {
  return stream ? opening + content.join('') + finish + end : whole
}

/** The first bytes of an answer, up to a place within its content. */
function begun(lines: Lines): string {
  const { stream, opening, content, whole } = lines
  const until = stream
    ? opening + content[0] + content[1].slice(0, content[1].length / 2)
    : whole.slice(0, whole.length / 2)
  return head(lines, CLOSE) + until
}

const error = { whole: 'error', stream: 'error' } as const
const asked = (play: (socket: Socket, lines: Lines) => void): Play => ({ asked: play })

export const GOOD: Play = asked(good)

/** An attempt fails at every one of its steps in turn: from the dial to what comes after the end (HOUSE 9, law g). */
export const ANOMALIES: readonly Anomaly[] = [
  { name: 'the connection is refused', play: {}, refused: true, ...error },
  { name: 'reset at accept', play: { connected: socket => void socket.resetAndDestroy() }, ...error },
  { name: 'closed at accept', play: { connected: socket => void socket.end() }, ...error },
  {
    name: 'reset amid the request',
    play: { begun: socket => void socket.resetAndDestroy() },
    textBytes: 1_000_000,
    ...error
  },
  {
    name: 'an early refusal amid the request, then a reset',
    play: {
      begun: socket =>
        socket.write('HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n', () => socket.resetAndDestroy())
    },
    textBytes: 1_000_000,
    ...error
  },
  { name: 'silence', play: {}, ...error },
  { name: 'reset after the request', play: asked(socket => void socket.resetAndDestroy()), ...error },
  { name: 'closed after the request', play: asked(socket => void socket.end()), ...error },
  { name: 'what comes is not HTTP', play: asked(socket => void socket.write('welcome\r\n\r\n')), ...error },
  { name: 'cut amid the head', play: asked(socket => void socket.end('HTTP/1.1 200 OK\r\ncontent-ty')), ...error },
  { name: 'the head stops half-way', play: asked(socket => void socket.write('HTTP/1.1 200 OK\r\nx: ')), ...error },
  {
    name: 'a giant head',
    play: asked((socket, lines) => void socket.write(head(lines, `x: ${'y'.repeat(HEAD_BYTES)}\r\n${CLOSE}`))),
    ...error
  },
  {
    name: 'informational heads, then nothing',
    play: asked(socket => void socket.write('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n')),
    ...error
  },
  {
    name: '429 with retry-after',
    play: asked(
      (socket, lines) => void socket.end(head(lines, `retry-after: 1\r\n${CLOSE}`, '429 Slow') + lines.error)
    ),
    ...error
  },
  {
    name: '503 of a proxy in between',
    play: asked(socket => void socket.end(`HTTP/1.1 503 No\r\ncontent-type: text/html\r\n${CLOSE}<h1>No</h1>`)),
    ...error
  },
  {
    name: 'an error that is cut',
    play: asked((socket, lines) => {
      socket.end(head(lines, `content-length: 5000\r\n${CLOSE}`, '500 Oh') + lines.error)
    }),
    ...error
  },
  {
    name: 'a redirection',
    play: asked(socket => void socket.end(`HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\n${CLOSE}`)),
    ...error
  },
  { name: 'an empty answer', play: asked((socket, lines) => void socket.end(head(lines, CLOSE))), ...error },
  { name: 'silence after the head', play: asked((socket, lines) => void socket.write(head(lines, CLOSE))), ...error },
  {
    name: 'cut amid the first event',
    play: asked((socket, lines) => {
      socket.end(head(lines, CLOSE) + (lines.stream ? lines.opening : lines.whole).slice(0, 20))
    }),
    ...error
  },
  {
    name: 'an error as the first event',
    play: asked((socket, lines) => {
      socket.end(head(lines, CLOSE) + (lines.stream ? lines.errorEvent : lines.error))
    }),
    ...error
  },
  { name: 'cut amid the content', play: asked((socket, lines) => void socket.end(begun(lines))), late: true, ...error },
  {
    name: 'reset amid the content',
    play: asked((socket, lines) => {
      socket.write(begun(lines), () => setTimeout(() => socket.resetAndDestroy(), READ_MS))
    }),
    late: true,
    ...error
  },
  {
    name: 'silence amid the content',
    play: asked((socket, lines) => void socket.write(begun(lines))),
    late: true,
    ...error
  },
  {
    name: 'bad JSON amid the content',
    play: asked((socket, lines) => {
      const { stream, opening, content, torn, finish, end, whole } = lines
      const events = `${opening}${content[0]}${torn}${content[1]}${finish}${end}`
      socket.end(head(lines, CLOSE) + (stream ? events : `${whole.slice(0, -1)},"`))
    }),
    late: true,
    whole: 'error',
    // What was torn may be skipped where the stream goes on to its finish.
    stream: 'either'
  },
  {
    name: 'a giant line',
    play: asked((socket, lines) => {
      const long = 'x'.repeat(lines.stream ? LINE_BYTES : HEAD_BYTES)
      socket.write(head(lines, CLOSE) + (lines.stream ? lines.opening + lines.content[0] : ''))
      socket.end(`data: "${long}`)
    }),
    late: true,
    ...error
  },
  {
    name: 'an error amid the content',
    play: asked((socket, lines) => {
      const { stream, opening, content, errorEvent } = lines
      socket.end(head(lines, CLOSE) + (stream ? opening + content[0] + errorEvent : lines.error))
    }),
    late: true,
    ...error
  },
  {
    name: 'chunks that are none',
    play: asked((socket, lines) => {
      const piece = lines.stream ? lines.opening + lines.content[0] : lines.whole.slice(0, 20)
      const chunk = `${Buffer.byteLength(piece).toString(16)}\r\n${piece}\r\n`
      socket.write(`${head(lines, 'transfer-encoding: chunked\r\n\r\n')}${chunk}zz\r\n`)
    }),
    late: true,
    ...error
  },
  {
    name: 'no finish',
    play: asked((socket, lines) => {
      const { stream, opening, content, end, whole } = lines
      socket.end(head(lines, CLOSE) + (stream ? opening + content.join('') + end : whole.slice(0, -1)))
    }),
    late: true,
    ...error
  },
  {
    name: 'less than its length',
    play: asked((socket, lines) => {
      const body = lines.stream ? lines.opening + lines.content.join('') : lines.whole
      socket.end(head(lines, `content-length: ${Buffer.byteLength(body) + 100}\r\n${CLOSE}`) + body)
    }),
    late: true,
    ...error
  },
  {
    name: 'no end marker',
    play: asked((socket, lines) => {
      const { stream, opening, content, finish, whole } = lines
      socket.end(head(lines, CLOSE) + (stream ? opening + content.join('') + finish : whole))
    }),
    whole: 'complete',
    stream: 'complete'
  },
  {
    name: 'a reset after the end',
    play: asked((socket, lines) => {
      const body = bodyOf(lines)
      const all = head(lines, `content-length: ${Buffer.byteLength(body)}\r\n\r\n`) + body
      socket.write(all, () => setTimeout(() => socket.resetAndDestroy(), READ_MS))
    }),
    whole: 'complete',
    stream: 'complete'
  },
  {
    name: 'another answer that nobody asked for',
    play: asked((socket, lines) => {
      const body = bodyOf(lines)
      const all = head(lines, `content-length: ${Buffer.byteLength(body)}\r\n\r\n`) + body
      socket.write(all, () => setTimeout(() => socket.write(all), READ_MS))
    }),
    whole: 'complete',
    stream: 'complete'
  },
  {
    name: 'a stream that goes on after its end',
    play: asked((socket, lines) => {
      if (!lines.stream) good(socket, lines)
      else {
        socket.write(head(lines, CLOSE) + bodyOf(lines))
        const timer = setInterval(() => socket.write(': still there\n\n'), READ_MS)
        socket.once('close', () => clearInterval(timer))
      }
    }),
    whole: 'complete',
    stream: 'complete'
  }
]
