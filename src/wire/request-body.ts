import type { IncomingMessage } from 'node:http'
import { Failure } from '../errors.ts'
import type { Deadline, Deadlines } from './deadlines.ts'
import type { BodyLimits } from './exchange.ts'
import type { InFlightShare } from './in-flight.ts'

/** How long a client should wait when too many bodies are held; they are gone when their calls are. */
const OVERLOADED_RETRY_MS = 1000

/** Reads the body of one request into one buffer, or fails; decides what it can from the head alone. */
export class RequestBody implements Deadline {
  readonly #request: IncomingMessage
  readonly #limits: BodyLimits
  readonly #deadlines: Deadlines
  readonly #share: InFlightShare
  readonly #declaredBytes: number | undefined
  readonly promise: Promise<Buffer>
  #resolve!: (body: Buffer) => void
  #reject!: (failure: Failure) => void
  #chunks: Buffer[] = []
  /** Where the body is collected once it is known to come in several pieces of a known total. */
  #whole: Buffer | undefined
  #bytes = 0
  #settled = false
  readonly dueMs: number

  constructor(request: IncomingMessage, limits: BodyLimits, deadlines: Deadlines, share: InFlightShare) {
    this.#request = request
    this.#limits = limits
    this.#deadlines = deadlines
    this.#share = share
    this.dueMs = deadlines.nowMs() + limits.timeoutMs
    const declared = request.headers['content-length']
    this.#declaredBytes = declared === undefined ? undefined : Number(declared)
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
  }

  /** What the head alone forbids. */
  refusal(): Failure | undefined {
    const encoding = this.#request.headers['content-encoding']
    if (encoding !== undefined && encoding.trim().toLowerCase() !== 'identity') {
      return new Failure('unsupported_media_type', 'The body is compressed (content-encoding); send it plain.')
    }
    return this.#declaredBytes === undefined ? undefined : this.#admit(this.#declaredBytes)
  }

  start(): void {
    const request = this.#request
    if (request.destroyed && !request.complete) {
      this.#left()
      return
    }
    this.#deadlines.watch(this)
    request.on('data', (chunk: Buffer) => this.#data(chunk))
    request.on('end', () => this.#end())
    request.on('error', () => this.#left())
    request.on('close', () => this.#left())
  }

  /** The body cannot be had; nothing happens where it is there already. */
  fail(failure: Failure): boolean {
    if (this.#settled) return false
    this.#settle()
    this.#request.pause()
    this.#reject(failure)
    return true
  }

  expire(): void {
    const { timeoutMs } = this.#limits
    this.fail(new Failure('slow_request', `The body of the request was not complete within ${timeoutMs / 1000} s.`))
  }

  /** Comes after every request, so an error is made only where it is one. */
  #left(): void {
    if (!this.#settled) this.fail(new Failure('client_closed', 'The client left before its request was complete.'))
  }

  #admit(bytes: number): Failure | undefined {
    const { bytesMax } = this.#limits
    if (bytes > bytesMax) return new Failure('body_too_large', `The body is larger than ${bytesMax} bytes.`)
    if (this.#share.raiseTo(bytes)) return undefined
    const message = 'The gateway holds too many large requests at this moment; try again.'
    return new Failure('overloaded', message, { retryAfterMs: OVERLOADED_RETRY_MS })
  }

  #data(chunk: Buffer): void {
    if (this.#settled) return
    const total = this.#bytes + chunk.length
    if (this.#declaredBytes === undefined) {
      const refused = this.#admit(total)
      if (refused !== undefined) {
        this.fail(refused)
        return
      }
      this.#chunks.push(chunk)
    } else if (total === chunk.length && total === this.#declaredBytes) this.#whole = chunk
    else {
      this.#whole ??= Buffer.allocUnsafeSlow(this.#declaredBytes)
      chunk.copy(this.#whole, this.#bytes)
    }
    this.#bytes = total
  }

  #end(): void {
    if (this.#settled) return
    const body = this.#whole ?? (this.#chunks.length === 1 ? this.#chunks[0] : undefined) ?? Buffer.concat(this.#chunks)
    this.#settle()
    this.#resolve(body)
  }

  #settle(): void {
    this.#settled = true
    this.#deadlines.drop(this)
    this.#chunks = []
    this.#whole = undefined
  }
}
