import { Failure } from '../errors.ts'

/** Header names in lower case; a repeated header is joined with `, `, as HTTP allows. */
export type Headers = Readonly<Record<string, string>>

export interface BodyLimits {
  /** Largest body in bytes; a larger one is refused on its Content-Length before a byte is read, else while reading. */
  bytesMax: number
  /** Time for the whole body to arrive, in milliseconds. */
  timeoutMs: number
}

/**
 * One request and its answer, whatever engine is under it (D18). The doors see only this. Answer either whole
 * (`send`) or in pieces (`head`, `write`…, `end`); after `end`, `send` or `destroy` further calls do nothing.
 */
export interface Exchange {
  readonly method: string
  /** Path without query, as it came (not decoded); doors match on it. */
  readonly path: string
  /** The query without `?`; '' where there is none. */
  readonly query: string
  readonly headers: Headers
  /** Address of the peer; '' once it is gone. */
  readonly remoteAddress: string
  /** The request as it came, head and body; undefined where that was not all in one piece, with nothing beside it. */
  readonly verbatim: Buffer | undefined
  /** When the head had been read, on the monotonic clock. */
  readonly startedMs: number
  /**
   * Aborted when the client leaves before the answer is complete; never after it. Aborted too when the gateway itself
   * ends the call (a drain): then the reason is a Failure, and the client is still there to hear of it. See `endedBy`.
   */
  readonly signal: AbortSignal
  /** Reads the whole body once. Failures: `body_too_large`, `slow_request`, `client_closed`, `malformed_http`. */
  body(limits: BodyLimits): Promise<Buffer>
  readonly headSent: boolean
  /** Status and headers; `content-length`, `transfer-encoding` and `connection` are the engine's. */
  head(status: number, headers: Record<string, string>): void
  /** Sends a piece. `false`: the client is slower than we; wait for `onDrain`. */
  write(chunk: Buffer | string): boolean
  onDrain(listener: () => void): void
  end(chunk?: Buffer | string): void
  /** The whole answer at once, with its Content-Length. */
  send(status: number, headers: Record<string, string>, body: Buffer | string): void
  /** Cuts the connection: for answers that cannot be ended honestly. */
  destroy(): void
}

/** Why the gateway itself ended the exchange of this signal; undefined where it goes on, or the client left. */
export function endedBy(signal: AbortSignal): Failure | undefined {
  return signal.reason instanceof Failure ? signal.reason : undefined
}
