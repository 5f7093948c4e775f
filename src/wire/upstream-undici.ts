import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import { connect } from './connect.ts'
import { type Deadline, Deadlines } from './deadlines.ts'
import type { Headers } from './exchange.ts'
import type { Upstream, UpstreamCall, UpstreamHandler, UpstreamRequest } from './upstream.ts'
import { connectionFailure, type Phase, timedOut } from './upstream-failure.ts'

export interface UpstreamOptions {
  clock: Clock
  /** Most connections at one time, to all providers; a call over it is Failure `overloaded`. */
  socketsMax?: number
  /** How long an idle connection is kept, unless the provider says less. */
  keepAliveTimeoutMs?: number
  /** Largest head of an answer, in bytes. */
  headerBytesMax?: number
  /** Certificates (PEM) to trust instead of the usual ones. */
  ca?: string
}

/**
 * HTTP/1.1 to providers over undici's `dispatch`. Not its Pool, which looks through all its clients for a free one at
 * every call: one client a connection, and the free ones on a stack, so that the warmest is taken and the rest time
 * out. One call at a time on a connection; no retries, no redirects, no decompression.
 */
export function createUpstream(options: UpstreamOptions): Upstream {
  return new UndiciUpstream(options)
}

class UndiciUpstream implements Upstream {
  readonly options: Required<Omit<UpstreamOptions, 'ca'>> & { ca: string | undefined }
  readonly deadlines: Deadlines
  readonly #origins = new Map<string, Origin>()
  readonly #sockets = new Set<Socket>()
  readonly #calls = new Set<Call>()
  #lines = 0
  #closed = false
  #onEmpty: (() => void) | undefined

  constructor({
    clock,
    socketsMax = 10_000,
    keepAliveTimeoutMs = 55_000,
    headerBytesMax = 64 * 1024,
    ca
  }: UpstreamOptions) {
    this.options = { clock, socketsMax, keepAliveTimeoutMs, headerBytesMax, ca }
    this.deadlines = new Deadlines(clock)
  }

  get sockets(): number {
    return this.#sockets.size
  }

  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const call = new Call(request, handler, this)
    this.#calls.add(call)
    const line = this.#closed ? undefined : this.#origin(request).take()
    if (line !== undefined) call.start(line)
    else {
      const message = this.#closed
        ? 'The gateway is shutting down.'
        : 'The gateway has no connection left for this call.'
      process.nextTick(() => call.fail(new Failure(this.#closed ? 'draining' : 'overloaded', message)))
    }
    return call
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const call of this.#calls) call.fail(new Failure('draining', 'The gateway is shutting down.'))
    for (const origin of this.#origins.values()) origin.closeIdle()
    if (this.#sockets.size === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#onEmpty = resolve
    await promise
  }

  #origin({ origin, allowPrivate }: UpstreamRequest): Origin {
    // The address guard is part of the connection: what one provider may reach is not shared with another.
    const key = allowPrivate.length === 0 ? origin : `${origin} ${allowPrivate.join(' ')}`
    let found = this.#origins.get(key)
    if (found === undefined) {
      found = new Origin(origin, allowPrivate, this)
      this.#origins.set(key, found)
    }
    return found
  }

  /** @internal */
  openLine(): boolean {
    if (this.#lines >= this.options.socketsMax) return false
    this.#lines++
    return true
  }

  /** @internal */
  closeLine(): void {
    this.#lines--
  }

  /** @internal */
  opened(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => {
      this.#sockets.delete(socket)
      if (this.#sockets.size === 0) this.#onEmpty?.()
    })
  }

  /** @internal */
  over(call: Call): void {
    this.#calls.delete(call)
  }
}

/** The connections to one origin. */
class Origin {
  readonly url: URL
  readonly allowPrivate: readonly string[]
  readonly upstream: UndiciUpstream
  /** The latest TLS session's ticket. */
  session: Buffer | undefined
  readonly #idle: Line[] = []

  constructor(origin: string, allowPrivate: readonly string[], upstream: UndiciUpstream) {
    this.url = new URL(origin)
    this.allowPrivate = allowPrivate
    this.upstream = upstream
  }

  take(): Line | undefined {
    const warm = this.#idle.pop()
    if (warm !== undefined) {
      warm.idleAt = -1
      return warm
    }
    return this.upstream.openLine() ? new Line(this) : undefined
  }

  give(line: Line): void {
    line.idleAt = this.#idle.length
    this.#idle.push(line)
  }

  /** An idle connection was closed; the last one takes its place. */
  drop(line: Line): void {
    const last = this.#idle.pop()
    if (last === undefined || last === line) return
    this.#idle[line.idleAt] = last
    last.idleAt = line.idleAt
  }

  closeIdle(): void {
    for (const line of this.#idle.splice(0)) line.close()
  }
}

/** One connection and what undici needs for it. */
class Line {
  readonly client: Client
  readonly origin: Origin
  /** Its place among the idle ones; -1 while it is in use. */
  idleAt = -1
  /** Answers that its present socket has given. */
  served = 0
  #socket: Socket | undefined
  #closed = false

  constructor(origin: Origin) {
    this.origin = origin
    const { keepAliveTimeoutMs, headerBytesMax } = origin.upstream.options
    this.client = new Client(origin.url, {
      connect: (_, done) => this.#connect(done as (error: Error | null, socket: Socket | null) => void),
      pipelining: 1,
      allowH2: false,
      headersTimeout: 0,
      bodyTimeout: 0,
      keepAliveTimeout: keepAliveTimeoutMs,
      maxHeaderSize: headerBytesMax
    })
    this.client.on('disconnect', () => this.#disconnected())
  }

  /** Closes the socket in this turn, or stops it from opening. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.origin.upstream.closeLine()
    this.#socket?.destroy()
    this.client.destroy().catch(() => {})
  }

  release(): void {
    this.served++
    if (this.#closed) return
    if (this.#socket === undefined || this.#socket.destroyed) this.close()
    else this.origin.give(this)
  }

  #connect(done: (error: Error | null, socket: Socket | null) => void): void {
    const { url, allowPrivate, upstream, session } = this.origin
    const secure = url.protocol === 'https:'
    const target = {
      secure,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (secure ? 443 : 80),
      host: url.host,
      allowPrivate,
      session,
      ca: upstream.options.ca
    }
    const socket = connect(target, done)
    this.served = 0
    this.#socket = socket
    if (socket === undefined) return
    upstream.opened(socket)
    socket.on('session', (ticket: Buffer) => {
      this.origin.session = ticket
    })
    if (this.#closed) socket.destroy()
  }

  #disconnected(): void {
    this.#socket = undefined
    if (this.idleAt < 0) return
    this.origin.drop(this)
    this.close()
  }
}

/** One call: undici's handler on one side, the caller's on the other, and the deadline between them. */
class Call implements UpstreamCall, Dispatcher.DispatchHandler, Deadline {
  dueMs: number
  readonly #request: UpstreamRequest
  readonly #handler: UpstreamHandler
  readonly #upstream: UndiciUpstream
  #line: Line | undefined
  #controller: Dispatcher.DispatchController | undefined
  #phase: Phase = 'connecting'
  #over = false
  #paused = false
  #resumed = false

  constructor(request: UpstreamRequest, handler: UpstreamHandler, upstream: UndiciUpstream) {
    this.#request = request
    this.#handler = handler
    this.#upstream = upstream
    this.dueMs = upstream.deadlines.nowMs() + request.timeouts.connectMs
  }

  start(line: Line): void {
    this.#line = line
    this.#upstream.deadlines.watch(this)
    const { path, method, body } = this.#request
    line.client.dispatch({ path, method, headers: plainHeaders(this.#request.headers), body: body ?? null }, this)
  }

  resume(): void {
    this.#resumed = true
    if (this.#over || !this.#paused) return
    this.#paused = false
    this.#due(this.#request.timeouts.idleMs)
    this.#controller?.resume()
  }

  abort(): void {
    this.fail(new Failure('client_closed', 'The call was given up.'))
  }

  expire(): void {
    const { connectMs, headMs, idleMs } = this.#request.timeouts
    const ms = this.#phase === 'connecting' ? connectMs : this.#phase === 'waiting' ? headMs : idleMs
    this.fail(timedOut(this.#phase, this.#host, ms))
  }

  fail(failure: Failure): void {
    if (this.#over) return
    this.#finish()
    this.#line?.close()
    this.#handler.error(failure)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Nothing has been sent yet. By throwing here undici keeps the connection, but it is closed already.
    if (this.#over) throw new Error('given up')
    try {
      this.#handler.sending?.()
    } catch (thrown) {
      this.fail(Failure.from(thrown))
      throw thrown
    }
    this.#controller = controller
    this.#phase = 'waiting'
    this.#due(this.#request.timeouts.headMs)
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Record<string, string | string[]>): void {
    if (this.#over || status < 200) return
    this.#phase = 'streaming'
    this.#due(this.#request.timeouts.idleMs)
    const joined = joinedHeaders(headers)
    const coding = joined['content-encoding']?.trim().toLowerCase() ?? ''
    if (coding === '' || coding === 'identity') this.#handler.head(status, joined)
    else this.fail(new Failure('provider_malformed', `${this.#host} sent a compressed answer that was not asked for.`))
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over) return
    this.#due(this.#request.timeouts.idleMs)
    this.#resumed = false
    // `resume` may have come already, from within `data`.
    if (this.#handler.data(chunk) || this.#resumed || this.#over) return
    this.#paused = true
    this.dueMs = Number.POSITIVE_INFINITY
    controller.pause()
  }

  onResponseEnd(): void {
    if (this.#over) return
    this.#finish()
    this.#line?.release()
    this.#handler.end()
  }

  onResponseError(_: Dispatcher.DispatchController | undefined, error: Error): void {
    if (this.#over) return
    const reused = (this.#line?.served ?? 0) > 0
    const context = { host: this.#host, phase: this.#phase, reused }
    const failure = error instanceof Failure ? error : connectionFailure(error, context)
    // A request that undici refuses fails within `send`, before the caller has the call in hand.
    if (this.#phase === 'connecting') process.nextTick(() => this.fail(failure))
    else this.fail(failure)
  }

  get #host(): string {
    return this.#line?.origin.url.host ?? this.#request.origin
  }

  #due(ms: number): void {
    this.dueMs = this.#upstream.deadlines.nowMs() + ms
  }

  #finish(): void {
    this.#over = true
    this.#upstream.deadlines.drop(this)
    this.#upstream.over(this)
  }
}

/** Answers must come plain: they are forwarded and read as they come. */
function plainHeaders(headers: readonly string[]): string[] {
  const plain: string[] = []
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] as string
    if (name.toLowerCase() !== 'accept-encoding') plain.push(name, headers[index + 1] as string)
  }
  plain.push('accept-encoding', 'identity')
  return plain
}

function joinedHeaders(headers: Record<string, string | string[]>): Headers {
  for (const name in headers) {
    const value = headers[name]
    if (Array.isArray(value)) headers[name] = value.join(', ')
  }
  return headers as Headers
}
