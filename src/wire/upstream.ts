import type { Failure } from '../errors.ts'
import type { Headers } from './exchange.ts'

export interface UpstreamTimeouts {
  /** To a connected (and, with TLS, secured) socket. */
  connectMs: number
  /** From the request handed over to the answer's head. */
  headMs: number
  /** Between any two pieces of the answer. Not counted while the caller has paused it. */
  idleMs: number
}

export interface UpstreamRequest {
  /** `https://api.example.com` or with a port; no path. */
  origin: string
  /** Path and query. */
  path: string
  method: 'GET' | 'POST' | 'DELETE'
  /** Complete and in order, as [name, value, …]; `host`, `content-length` and `accept-encoding` are the engine's. */
  headers: readonly string[]
  body: Buffer | undefined
  timeouts: UpstreamTimeouts
  /** Ranges (CIDR) that this provider may be in although they are private. */
  allowPrivate: readonly string[]
}

/** What the caller wants to hear. After `end` or `error`, exactly one of which comes, nothing follows. */
export interface UpstreamHandler {
  /** The first byte is about to go to a socket; before this nothing has. What it throws ends the call unsent. */
  sending?(): void
  head(status: number, headers: Headers): void
  /** `false` pauses the socket until `resume` (which may come from within this call). */
  data(chunk: Buffer): boolean
  /** The body is complete as far as HTTP can tell. A body without length or chunks ends cleanly even when cut. */
  end(): void
  /**
   * Kinds: `connect`, `reset`, `silent` (no head in time), `stalled` (idle), `malformed` (not HTTP, or compressed),
   * `aborted` (by `abort`), `limited_here` (too many connections, or closing). `connect` and `reset` say in `details`
   * whether it was `beforeFirstByte` of the answer and on a `reusedSocket`.
   */
  error(failure: Failure): void
}

export interface UpstreamCall {
  resume(): void
  /** Gives the call up; the socket is closed within the same turn, or never opened. `error` is called at once. */
  abort(): void
}

/** HTTP to providers: pools, own timers, the address guard. Retries nothing. */
export interface Upstream {
  send(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall
  /** Sockets open now, to all origins: for tests and metrics. */
  readonly sockets: number
  close(): Promise<void>
}
