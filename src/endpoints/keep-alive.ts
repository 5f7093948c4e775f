import type { Clock } from '../clock.ts'
import type { Dialect } from '../dialects/dialect.ts'
import type { Exchange } from '../wire/exchange.ts'
import type { ClientFraming } from '../wire/framing.ts'

/** How long a stream may be silent before its client is sent a sign of life (D31): well below what proxies allow. */
export const KEEP_ALIVE_MS = 15_000

export function streamHeaders({ contentType }: ClientFraming): Record<string, string> {
  return {
    'content-type': contentType,
    'cache-control': 'no-cache',
    // Tells nginx and its kin not to collect the stream.
    'x-accel-buffering': 'no'
  }
}

export interface KeepAliveOptions {
  exchange: Exchange
  dialect: Dialect
  framing: ClientFraming
  /** Id of the call. */
  id: string
  clock: Clock
  everyMs: number
}

/**
 * Signs of life for the client of a stream while nothing else goes out: while a provider is waited for, and in any
 * later silence. Where the head has not been sent, it goes first and names the call alone, since nobody knows yet who
 * will answer; a fallback stays possible.
 */
export class KeepAlive {
  readonly #options: KeepAliveOptions
  #timer: NodeJS.Timeout
  #lastMs: number
  /** The client is slower than we are: it has enough to read. */
  isFull = false

  constructor(options: KeepAliveOptions) {
    this.#options = options
    this.#lastMs = options.clock.monotonicMs()
    this.#timer = setTimeout(() => this.#look(), options.everyMs)
  }

  /** Something was sent. */
  said(): void {
    this.#lastMs = this.#options.clock.monotonicMs()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** Looks at the time rather than being reset by every event. */
  #look(): void {
    const { exchange, dialect, framing, id, clock, everyMs } = this.#options
    const quietMs = clock.monotonicMs() - this.#lastMs
    if (quietMs >= everyMs) {
      if (!exchange.headSent) {
        exchange.head(200, { [dialect.requestIdHeader]: id, 'x-gatehouse-request-id': id, ...streamHeaders(framing) })
      }
      if (!this.isFull) this.isFull = !exchange.write(dialect.keepAlive(framing.event) || framing.wait)
      this.said()
    }
    const leftMs = quietMs >= everyMs ? everyMs : everyMs - quietMs
    this.#timer = setTimeout(() => this.#look(), leftMs)
  }
}
