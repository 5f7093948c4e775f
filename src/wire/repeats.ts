import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../clock.ts'

/** What answers a request that is known by its bytes. */
export interface Known {
  /** Head and body. */
  readonly request: Buffer
  /** Where it must come from. */
  readonly address: string
}

/** Every character is a byte: a short text goes to the system in one piece, and without a copy before. */
export interface RepeatedAnswer {
  /** Status line and headers, each with its line end, but for those that are the engine's. */
  head: string
  body: string
}

/** Requests that are known by their bytes. */
export interface KnownRequests {
  /** Whether any may be known: where not, connections are left to node:http. */
  readonly isOn: boolean
  /** What answers exactly these bytes; undefined: they must be read. `before`: what answered on the same connection before. */
  find(request: Buffer, before: Known | undefined): Known | undefined
  /** The answer to one more of them, which came then on the monotonic clock. */
  answer(known: Known, startedMs: number): RepeatedAnswer
}

/** What is larger is read: two copies of it would be held, to find it by. */
const REQUEST_BYTES_MAX = 64 * 1024
const HEAD_END = '\r\n\r\n'

/**
 * Where the bytes of one connection stand between requests, by counting: what was handed to the parser, against how long
 * the requests that came of it say that they are. Only where both agree is the parser known to be at the beginning of a
 * request, and only there can bytes be told to be one.
 */
export class Boundaries {
  #first: Buffer | undefined
  #bytes = 0
  #isBetween = false
  #isLost = false

  /** The parser has read whole requests, at least one, and nothing after them. */
  get isBetween(): boolean {
    return this.#isBetween
  }

  /** These bytes are about to be handed to the parser. */
  feed(piece: Buffer): void {
    if (this.#isLost) return
    this.#isBetween = false
    this.#first ??= piece
    this.#bytes += piece.length
  }

  /** The request that the parser tells of, where all of it came in one piece and nothing else with it. */
  whole(request: IncomingMessage): Buffer | undefined {
    return this.#first?.length === this.#bytes && this.#lengthOf(request) === this.#bytes ? this.#first : undefined
  }

  /** It has been answered, and the connection is kept. */
  answered(request: IncomingMessage): void {
    // Once bytes of a next request may have been among those, nothing on this connection can be told any more.
    this.#isLost ||= !request.complete || this.#lengthOf(request) !== this.#bytes
    this.#isBetween = !this.#isLost
    this.#first = undefined
    this.#bytes = 0
  }

  /** Head and body in bytes; -1 where it is not said before, or its head came in several pieces. */
  #lengthOf({ headers, httpVersion }: IncomingMessage): number {
    const headEnd = this.#first?.indexOf(HEAD_END) ?? -1
    if (headEnd < 0 || httpVersion !== '1.1' || headers['transfer-encoding'] !== undefined) return -1
    return headEnd + HEAD_END.length + Number(headers['content-length'] ?? 0)
  }
}

export interface ShortWayOptions {
  clock: Clock
  /** How long clients are told that a connection is kept. */
  keepAliveTimeoutMs: number
}

/** Before the parser of each connection: requests that are known by their bytes are answered without it. */
export class ShortWay {
  readonly #known: KnownRequests
  readonly #clock: Clock
  readonly #connection: string
  #date = { second: 0, text: '' }

  constructor(known: KnownRequests, { clock, keepAliveTimeoutMs }: ShortWayOptions) {
    this.#known = known
    this.#clock = clock
    this.#connection = `Connection: keep-alive\r\nKeep-Alive: timeout=${Math.floor(keepAliveTimeoutMs / 1000)}\r\n`
  }

  /**
   * Looks at what comes in on a connection of node:http, before its parser. The first request always goes by the parser:
   * until it has read one, its time for a head to arrive runs. `isOpen`: whether short answers may be given now.
   */
  watch(socket: Socket, boundaries: Boundaries, isOpen: () => boolean): void {
    // Where anybody listens to its data, node:http reads a connection by way of `push`, and not below it.
    const listen = () => {}
    socket.on('data', listen).off('data', listen)
    const { push } = socket
    let before: Known | undefined
    socket.push = (piece: Buffer | null, encoding) => {
      before = piece && boundaries.isBetween && isOpen() ? this.#find(piece, socket, before) : undefined
      if (before) {
        this.#answer(socket, before)
        return true
      }
      if (piece) boundaries.feed(piece)
      return push.call(socket, piece, encoding)
    }
  }

  #find(piece: Buffer, socket: Socket, before: Known | undefined): Known | undefined {
    // Who does not take its answers gets no more of them before it does.
    if (piece.length > REQUEST_BYTES_MAX || socket.writableLength > 0 || !socket.writable) return undefined
    const known = this.#known.find(piece, before)
    return known?.address === socket.remoteAddress ? known : undefined
  }

  #answer(socket: Socket, known: Known): void {
    const { head, body } = this.#known.answer(known, this.#clock.monotonicMs())
    const engines = `content-length: ${body.length}\r\n${this.#dateLine()}${this.#connection}`
    socket.write(`${head}${engines}\r\n${body}`, 'latin1')
  }

  #dateLine(): string {
    const second = Math.floor(this.#clock.wallMs() / 1000)
    if (second !== this.#date.second) {
      this.#date = { second, text: `Date: ${new Date(second * 1000).toUTCString()}\r\n` }
    }
    return this.#date.text
  }
}
