import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Clock } from '../clock.ts'
import { type Code, Failure } from '../errors.ts'
import { Deadlines } from './deadlines.ts'
import type { Exchange } from './exchange.ts'
import { InFlightBytes } from './in-flight.ts'
import { NodeExchange } from './node-exchange.ts'
import { Boundaries, type KnownRequests, ShortWay } from './repeats.ts'

export interface HttpLimits {
  /** Largest head of a request, in bytes. */
  headerBytesMax: number
  /** Most headers of a request. */
  headersMax: number
  /** Bodies held at one time, in bytes (D35). */
  inFlightBytesMax: number
  /** Time for the head of a request to arrive. */
  headTimeoutMs: number
  /** Time for a whole request to arrive; doors set shorter ones for their bodies. */
  requestTimeoutMs: number
  /** How long a connection without a request is kept. */
  keepAliveTimeoutMs: number
  /** A client that takes nothing for so long, with bytes waiting for it, is cut off. */
  slowClientMs: number
  /** Bytes waiting for a client from which on `write` says so. */
  writeBufferBytes: number
}

const DEFAULT_LIMITS: HttpLimits = {
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  inFlightBytesMax: 512 * 1024 * 1024,
  headTimeoutMs: 15_000,
  requestTimeoutMs: 300_000,
  keepAliveTimeoutMs: 75_000,
  slowClientMs: 60_000,
  writeBufferBytes: 64 * 1024
}

export interface HttpServerOptions {
  clock: Clock
  limits?: Partial<HttpLimits>
  /** Whether the request goes to `onExchange`; `path` is without query. */
  isDoor(method: string, path: string): boolean
  /** Ids for the errors that no door gives; without it they have none. */
  newId?(): string
  /** Answers a door's request. What it throws becomes a bare 500. */
  onExchange(exchange: Exchange): void | Promise<void>
  /** Answers requests that are known by their bytes, without their being read; undefined: all are read. */
  known?: KnownRequests | undefined
  /** Everything else: Fastify's `app.routing`. */
  fallback(request: IncomingMessage, response: ServerResponse): void
}

/** Engine `node`: one port, node:http under it. */
export interface HttpServer {
  /** Resolves with the port; rejects where it cannot be had. */
  listen(port: number, host: string): Promise<number>
  /** Answers under way, of doors and of everything else. */
  readonly openExchanges: number
  /** Bytes of bodies held now. */
  readonly inFlightBytes: number
  /** Connections of clients, idle ones included. */
  readonly connections: number
  /** Whether connections are kept for a next request; where not, each answer says `connection: close`. */
  keepConnections: boolean
  /** Resolves when the answers that doors give now are over. Later ones, and those of `fallback`, are not waited for. */
  settled(): Promise<void>
  /** Asks for the end of every answer that a door gives, each with a failure of its own. Returns how many there were. */
  giveUp(why: () => Failure): number
  /** Takes no new connections, closes idle ones, waits for the answers under way, and cuts what is left after `graceMs`. */
  drain(graceMs: number): Promise<void>
}

export function createHttpServer(options: HttpServerOptions): HttpServer {
  return new NodeHttpServer(options)
}

/** A connection of a client. Several answers are under way on it where its requests are pipelined. */
interface Line {
  /** The answer that began last. */
  latest: Open | undefined
  /** It broke the protocol: what follows may be anything. */
  refused: boolean
  /** An answer has said `connection: close`: what follows is not read (RFC 9112, 9.6). */
  ending: boolean
  /** Undefined where no request is known by its bytes. */
  boundaries: Boundaries | undefined
}

/** An answer under way. */
interface Open {
  response: ServerResponse
  exchange: NodeExchange
  /** A door gives it. */
  isDoor: boolean
  /** Called when it is complete or its connection gone. */
  onOver: (() => void)[]
}

/** A connection that was refused has this long to read why. */
const LINGER_MS = 1000

class NodeHttpServer implements HttpServer {
  readonly #options: HttpServerOptions
  readonly #limits: HttpLimits
  readonly #server: Server
  readonly #deadlines: Deadlines
  readonly #inFlight: InFlightBytes
  readonly #shortWay: ShortWay | undefined
  readonly #lines = new Map<Socket, Line>()
  readonly #open = new Set<Open>()
  keepConnections = true
  #draining = false
  #onIdle: (() => void) | undefined

  constructor(options: HttpServerOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#options = options
    this.#limits = limits
    this.#deadlines = new Deadlines(options.clock)
    this.#inFlight = new InFlightBytes(limits.inFlightBytesMax)
    const { known } = options
    this.#shortWay =
      known && new ShortWay(known, { keepAliveTimeoutMs: limits.keepAliveTimeoutMs, clock: options.clock })
    this.#server = createServer({
      insecureHTTPParser: false,
      // A repeated header reads as a list; by default node drops all but the first of some, and says nothing.
      joinDuplicateHeaders: true,
      // Asked for below, where the refusal has a body.
      requireHostHeader: false,
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headTimeoutMs, limits.requestTimeoutMs),
      requestTimeout: limits.requestTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, Math.ceil(limits.headTimeoutMs / 4)),
      keepAliveTimeout: limits.keepAliveTimeoutMs,
      highWaterMark: limits.writeBufferBytes,
      noDelay: true
    })
    // Without this the headers over the count are left out silently; counted below.
    this.#server.maxHeadersCount = 0
    // Fires only without any progress in either direction; who waits for a provider is spared in #onTimeout.
    this.#server.timeout = limits.slowClientMs
    this.#server.on('connection', socket => this.#connected(socket))
    this.#server.on('request', (request, response) => this.#request(request, response, false))
    this.#server.on('checkContinue', (request, response) => this.#request(request, response, true))
    this.#server.on('clientError', (error, socket) => this.#clientError(error, socket as Socket))
  }

  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject)
        resolve((this.#server.address() as AddressInfo).port)
      })
    })
  }

  get openExchanges(): number {
    return this.#open.size
  }

  get inFlightBytes(): number {
    return this.#inFlight.used
  }

  get connections(): number {
    return this.#lines.size
  }

  async settled(): Promise<void> {
    const over = this.#doors().map(open => new Promise<void>(resolve => open.onOver.push(resolve)))
    await Promise.all(over)
  }

  giveUp(why: () => Failure): number {
    const doors = this.#doors()
    for (const { exchange } of doors) exchange.giveUp(why())
    return doors.length
  }

  #doors(): Open[] {
    return [...this.#open].filter(open => open.isDoor)
  }

  async drain(graceMs: number): Promise<void> {
    this.keepConnections = false
    this.#draining = true
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    const idle = new Promise<void>(resolve => {
      this.#onIdle = resolve
      if (this.#open.size === 0) resolve()
    })
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMs)
    await idle
    clearTimeout(timer)
    this.#server.closeAllConnections()
    await closed
  }

  #request(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    // Means nothing on a request, and is the one header that node reads as an array.
    if (request.headers['set-cookie'] !== undefined) delete request.headers['set-cookie']
    const line = this.#lines.get(request.socket)
    if (line === undefined || line.refused || line.ending) return
    response.on('timeout', onTimeout)
    const exchange = new NodeExchange(request, response, expectsContinue, {
      deadlines: this.#deadlines,
      share: this.#inFlight.share(),
      verbatim: expectsContinue ? undefined : line.boundaries?.whole(request),
      // What was asked on this connection already is still answered.
      isLast: () => !this.keepConnections && line.latest === open,
      onLast: () => {
        line.ending = true
      },
      onClose: () => {
        if (response.writableFinished && response.shouldKeepAlive) line.boundaries?.answered(request)
        this.#closed(open)
      }
    })
    const isDoor = this.#options.isDoor(exchange.method, exchange.path)
    const open: Open = { response, exchange, isDoor, onOver: [] }
    line.latest = open
    this.#open.add(open)
    const failure = this.#malformed(request)
    if (failure !== undefined) {
      line.refused = true
      response.shouldKeepAlive = false
      this.#sendFailure(exchange, failure)
    } else if (isDoor) {
      this.#serve(exchange)
    } else {
      if (!this.keepConnections) response.shouldKeepAlive = false
      if (expectsContinue) response.writeContinue()
      this.#options.fallback(request, response)
    }
  }

  #connected(socket: Socket): void {
    const boundaries = this.#options.known?.isOn ? new Boundaries() : undefined
    const line: Line = { latest: undefined, refused: false, ending: false, boundaries }
    this.#lines.set(socket, line)
    socket.once('close', () => this.#lines.delete(socket))
    const isOpen = () => this.keepConnections && !line.refused && !line.ending
    if (boundaries) this.#shortWay?.watch(socket, boundaries, isOpen)
  }

  #serve(exchange: NodeExchange): void {
    const broken = (thrown: unknown) => {
      if (exchange.headSent) exchange.destroy()
      else this.#sendFailure(exchange, Failure.from(thrown))
    }
    try {
      this.#options.onExchange(exchange)?.catch(broken)
    } catch (thrown) {
      broken(thrown)
    }
  }

  /** What node's parser lets through and we do not. */
  #malformed({ rawHeaders, headers, httpVersion }: IncomingMessage): Failure | undefined {
    const { headersMax } = this.#limits
    if (rawHeaders.length / 2 > headersMax) {
      return new Failure('headers_too_large', `The request has more than ${headersMax} headers.`)
    }
    if (headers.host === undefined ? httpVersion !== '1.0' : headers.host.includes(',')) {
      return new Failure('malformed_http', 'The request needs one Host header.')
    }
    const coding = headers['transfer-encoding']
    if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
      return new Failure('malformed_http', 'The only transfer coding is "chunked".')
    }
    return undefined
  }

  #closed(open: Open): void {
    this.#open.delete(open)
    for (const tell of open.onOver) tell()
    if (!this.#draining) return
    // The connection is idle only after node has noticed the end as well.
    setImmediate(() => this.#server.closeIdleConnections())
    if (this.#open.size === 0) this.#onIdle?.()
  }

  /** The parser gave the connection up, or the client was too slow: it hears why, where it still can. */
  #clientError(error: Error & { code?: string }, socket: Socket): void {
    const line = this.#lines.get(socket)
    if (line?.refused) return
    const failure = protocolFailure(error.code)
    const open = line?.latest
    const answering = open !== undefined && this.#open.has(open)
    if (failure === undefined || !socket.writable || (answering && open.response.headersSent)) {
      socket.destroy()
      return
    }
    if (line) line.refused = true
    if (answering && open.exchange.breakOff(failure)) return
    const { headers, body } = this.#neutralError(failure)
    const head = Object.entries({ ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' })
    const deadline = { dueMs: this.#deadlines.nowMs() + LINGER_MS, expire: () => socket.destroy() }
    this.#deadlines.watch(deadline)
    socket.once('close', () => this.#deadlines.drop(deadline))
    socket.once('end', () => socket.destroy())
    socket.end(
      `HTTP/1.1 ${failure.status} ${REASONS[failure.code] ?? 'Bad Request'}\r\n` +
        `${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`
    )
  }

  #sendFailure(exchange: Exchange, failure: Failure): void {
    const { headers, body } = this.#neutralError(failure)
    exchange.send(failure.status, headers, body)
  }

  /** An error for which no dialect is known, because no door was reached. */
  #neutralError({ code, message, status }: Failure): { headers: Record<string, string>; body: string } {
    const id = this.#options.newId?.()
    const type = status >= 500 ? 'server_error' : 'invalid_request_error'
    return {
      headers: { 'content-type': 'application/json', ...(id !== undefined && { 'x-gatehouse-request-id': id }) },
      body: JSON.stringify({ error: { message, type, code }, ...(id !== undefined && { request_id: id }) })
    }
  }
}

const REASONS: Partial<Record<Code, string>> = {
  slow_request: 'Request Timeout',
  headers_too_large: 'Request Header Fields Too Large'
}

/** Nothing moved for `slowClientMs`. That is the client's fault only where something waits for it. */
function onTimeout(socket: Socket): void {
  if (socket.writableLength > 0) socket.destroy()
}

/** `undefined` for a connection that simply broke. */
function protocolFailure(code: string | undefined): Failure | undefined {
  if (code === 'HPE_HEADER_OVERFLOW') return new Failure('headers_too_large', 'The head of the request is too large.')
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Failure('slow_request', 'The request did not arrive in time.')
  // The client ended its side amid a request: it has left.
  if (code === 'HPE_INVALID_EOF_STATE') return undefined
  if (code?.startsWith('HPE_')) return new Failure('malformed_http', 'The request is not well-formed HTTP/1.1.')
  return undefined
}
