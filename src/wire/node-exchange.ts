import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { Failure } from '../errors.ts'
import type { Deadlines } from './deadlines.ts'
import type { BodyLimits, Exchange, Headers } from './exchange.ts'
import type { InFlightShare } from './in-flight.ts'
import { RequestBody } from './request-body.ts'

/** How much of a body that nobody wants is still read, so that the connection can be kept or closed without a reset. */
const UNWANTED_BYTES_MAX = 64 * 1024
/** How long a client that still sends has for reading the answer that refuses it. */
const LINGER_MS = 1000

export interface ExchangeContext {
  deadlines: Deadlines
  share: InFlightShare
  verbatim: Buffer | undefined
  /** No further request is wanted on this connection. */
  isLast(): boolean
  /** The head says that this is the connection's last answer. */
  onLast(): void
  /** Called once, when the answer is complete or the connection gone. */
  onClose(): void
}

/** Exchange over node:http. */
export class NodeExchange implements Exchange {
  readonly method: string
  readonly path: string
  readonly query: string
  readonly headers: Headers
  readonly startedMs: number
  readonly #request: IncomingMessage
  readonly #response: ServerResponse
  readonly #socket: Socket
  readonly #context: ExchangeContext
  #body: RequestBody | undefined
  #abort: AbortController | undefined
  /** Waits for `100 Continue` before it sends its body. */
  #expectsContinue: boolean
  /** The answer is given, or given up. */
  #over = false
  #finished = false
  #closed = false
  #left = false
  #why: Failure | undefined
  #pieceSent = false
  /** The pieces of the answer are chunks (RFC 9112, 7.1), framed by us. */
  #framed = false

  constructor(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean, context: ExchangeContext) {
    const url = request.url ?? ''
    const mark = url.indexOf('?')
    this.method = request.method ?? ''
    this.path = mark < 0 ? url : url.slice(0, mark)
    this.query = mark < 0 ? '' : url.slice(mark + 1)
    this.headers = request.headers as Headers
    this.startedMs = context.deadlines.nowMs()
    this.#request = request
    this.#response = response
    this.#socket = request.socket
    this.#context = context
    this.#expectsContinue = expectsContinue
    response.on('finish', () => {
      this.#finished = true
    })
    response.on('close', () => this.#onClose())
    response.on('error', () => this.#socket.destroy())
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? ''
  }

  get verbatim(): Buffer | undefined {
    return this.#context.verbatim
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController()
      if (this.#left) this.#abort.abort()
      else if (this.#why) this.#abort.abort(this.#why)
    }
    return this.#abort.signal
  }

  get headSent(): boolean {
    return this.#response.headersSent
  }

  body(limits: BodyLimits): Promise<Buffer> {
    if (this.#body !== undefined) throw new Error('the body is read once')
    const body = new RequestBody(this.#request, limits, this.#context.deadlines, this.#context.share)
    this.#body = body
    const refused = this.#why ?? body.refusal()
    if (refused !== undefined) {
      body.fail(refused)
      return body.promise
    }
    if (this.#expectsContinue) {
      this.#expectsContinue = false
      this.#response.writeContinue()
    }
    body.start()
    return body.promise
  }

  /** Whoever answers is asked to stop, and told why; the client can still be told too. */
  giveUp(failure: Failure): void {
    if (this.#over || this.#closed || this.#why) return
    this.#why = failure
    this.#body?.fail(failure)
    this.#abort?.abort(failure)
  }

  /** The protocol broke under the request. True where a door waits for the body, and so will answer. */
  breakOff(failure: Failure): boolean {
    return this.#body?.fail(failure) ?? false
  }

  head(status: number, headers: Record<string, string>): void {
    if (this.#over || this.#closed || this.headSent) return
    this.#beforeHead()
    this.#response.writeHead(status, headers)
    // node:http would write each piece as four buffers (length, piece, two line ends); framed here, it is one.
    this.#framed = this.#response.chunkedEncoding
    this.#response.chunkedEncoding = false
    // A first piece that follows in the same turn shares the head's packet.
    process.nextTick(() => {
      if (!this.#pieceSent && !this.#over && !this.#closed) this.#response.flushHeaders()
    })
  }

  write(chunk: Buffer | string): boolean {
    // An empty chunk would be the last one.
    if (this.#over || this.#closed || chunk.length === 0) return true
    this.#pieceSent = true
    return this.#response.write(this.#framed ? chunkOf(chunk) : chunk)
  }

  onDrain(listener: () => void): void {
    this.#response.on('drain', listener)
  }

  end(chunk?: Buffer | string): void {
    if (this.#over || this.#closed) return
    this.#over = true
    if (!this.#framed) this.#response.end(chunk)
    else if (chunk === undefined || chunk.length === 0) this.#response.end(LAST_CHUNK)
    else this.#response.end(Buffer.concat([chunkOf(chunk), LAST_CHUNK]))
  }

  send(status: number, headers: Record<string, string>, body: Buffer | string): void {
    if (this.#over || this.#closed || this.headSent) return
    this.#beforeHead()
    // Throws at a header that cannot be sent; another answer is possible then.
    this.#response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(body) })
    this.#over = true
    // A small body as text of single bytes: node:http sends head and text in one write, a buffer in two.
    if (typeof body !== 'string' && body.length <= ONE_WRITE_BYTES_MAX)
      this.#response.end(body.toString('latin1'), 'latin1')
    else this.#response.end(body)
  }

  destroy(): void {
    this.#over = true
    this.#finished = true
    this.#socket.destroy()
  }

  /** Decides whether the connection can be kept. */
  #beforeHead(): void {
    if (this.#context.isLast()) this.#response.shouldKeepAlive = false
    if (this.#hasUnwantedBody()) {
      this.#response.shouldKeepAlive = false
      closeGently(this.#request, this.#socket, this.#context.deadlines)
    }
    if (!this.#response.shouldKeepAlive) this.#context.onLast()
  }

  /** Much of the body is still to come, or nobody knows how much. */
  #hasUnwantedBody(): boolean {
    if (this.#request.complete) return false
    const declared = this.#request.headers['content-length']
    if (declared === undefined) return this.#request.headers['transfer-encoding'] !== undefined
    return this.#expectsContinue
      ? Number(declared) > 0
      : Number(declared) > UNWANTED_BYTES_MAX || this.#body !== undefined
  }

  #onClose(): void {
    if (this.#closed) return
    this.#closed = true
    this.#context.share.release()
    this.#context.onClose()
    if (this.#finished) return
    this.#left = true
    this.#body?.fail(new Failure('client_closed', 'The client left.'))
    this.#abort?.abort()
  }
}

const LINE_END = '\r\n'
const LAST_CHUNK = Buffer.from('0\r\n\r\n')
const ONE_WRITE_BYTES_MAX = 64 * 1024

/** One chunk of a chunked body: its length in hexadecimal, the piece, and the line ends between. */
function chunkOf(piece: Buffer | string): Buffer {
  const bytes = Buffer.byteLength(piece)
  const size = bytes.toString(16) + LINE_END
  const chunk = Buffer.allocUnsafe(size.length + bytes + 2)
  chunk.write(size, 0, 'latin1')
  if (typeof piece === 'string') chunk.write(piece, size.length)
  else piece.copy(chunk, size.length)
  chunk.write(LINE_END, size.length + bytes, 'latin1')
  return chunk
}

/**
 * Closing a socket with unread bytes resets the connection, and a client that is still sending would lose the answer
 * that tells it why. So our side is closed first, and the client has a moment; of what it sends only a little is read.
 */
function closeGently(request: IncomingMessage, socket: Socket, deadlines: Deadlines): void {
  let readable = UNWANTED_BYTES_MAX
  request.on('data', (chunk: Buffer) => {
    readable -= chunk.length
    if (readable < 0) request.pause()
  })
  request.resume()
  // node:http calls this when the answer is out.
  socket.destroySoon = () => {
    const deadline = { dueMs: deadlines.nowMs() + LINGER_MS, expire: () => socket.destroy() }
    deadlines.watch(deadline)
    socket.once('close', () => deadlines.drop(deadline))
    socket.end()
  }
}
