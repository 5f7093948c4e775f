import type { FramingName } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import type { Outgoing, Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { Timeouts } from '../routing/route.ts'
import { endedBy, type Headers } from '../wire/exchange.ts'
import { READERS, type StreamEvent, type StreamReader } from '../wire/framing.ts'
import type { UpstreamCall, UpstreamHandler } from '../wire/upstream.ts'
import type { AttemptRooms } from './attempt-rooms.ts'
import type { Answered, AttemptWatch, Call, Reply } from './call.ts'
import { estimate } from './count-tokens.ts'
import { Drain } from './drain.ts'
import { frameMaker } from './frame-maker.ts'
import { inOurWords } from './our-words.ts'
import type { Prepared } from './prepare.ts'
import { ReplyStream } from './stream.ts'
import { readError, readWhole } from './whole.ts'

/** For a provider to end its HTTP message after the last event of its stream. */
const END_MS = 1_000

/** For the usage and the end marker of a stream whose answer is complete; a dialect may have neither. */
const TAIL_MS = 5_000

const FRAMINGS = Object.keys(READERS) as FramingName[]

/** One request to a provider, and what comes of it: an answer, a stream whose first content has come, or a Failure. */
export class Sending implements UpstreamHandler {
  readonly #call: Call
  readonly #step: Step
  readonly #rooms: AttemptRooms
  readonly #provider: Provider
  readonly #prepared: Prepared
  readonly #resolve: (reply: Reply) => void
  readonly #reject: (failure: Failure) => void
  readonly #timeouts: Timeouts
  readonly #sentMs: number
  readonly #watch: AttemptWatch
  readonly #abort = () => this.#left()
  /** Until the attempt, or for a stream the whole call, must be over. */
  #deadline: NodeJS.Timeout | undefined
  /** Until the next content must have come: the first, later any. */
  #content: NodeJS.Timeout | undefined
  #upstream: UpstreamCall | undefined
  #status = 0
  #headers: Headers = {}
  #chunks: Buffer[] = []
  #bytes = 0
  #stream: ReplyStream | undefined
  #reader: StreamReader | undefined
  #lastContentMs = 0
  /** The client has left, and the answer is read on. */
  #drain: Drain | undefined
  #over = false
  /** Nothing more is expected of the provider. */
  #ended = false

  constructor(
    call: Call,
    step: Step,
    rooms: AttemptRooms,
    provider: Provider,
    prepared: Prepared,
    watch: AttemptWatch,
    resolve: (reply: Reply) => void,
    reject: (failure: Failure) => void
  ) {
    this.#call = call
    this.#step = step
    this.#rooms = rooms
    this.#provider = provider
    this.#prepared = prepared
    this.#watch = watch
    this.#resolve = resolve
    this.#reject = reject
    this.#timeouts = rooms.timeouts(step)
    this.#sentMs = rooms.clock.monotonicMs()
  }

  send(outgoing: Outgoing): void {
    const { signal, stream } = this.#call
    if (signal.aborted) {
      this.error(new Failure('client_closed', 'The client left.'))
      return
    }
    const { connectMs, headMs, attemptMs, idleMs } = this.#timeouts
    signal.addEventListener('abort', this.#abort, { once: true })
    this.#arm()
    this.#upstream = this.#rooms.upstream.send(
      {
        ...outgoing,
        timeouts: { connectMs, headMs: stream ? headMs : attemptMs, idleMs: stream ? idleMs : attemptMs },
        allowPrivate: this.#provider.allowPrivate
      },
      this
    )
    // The signal may have fired while `send` ran, before there was a call to abort.
    if (signal.aborted) this.#upstream.abort()
  }

  sending(): void {
    this.#watch.sending?.(this.#prepared.body)
  }

  /** Timers of the attempt; those between bytes are the upstream's. */
  #arm(): void {
    const { attemptMs, firstTokenMs, firstTokenReasoningMs, totalMs } = this.#timeouts
    const remainingMs = Math.max(1, this.#call.startedMs + totalMs - this.#sentMs)
    const wholeMs = Math.min(attemptMs, remainingMs)
    const isWhole = !this.#call.stream || this.#call.intake?.held
    this.#deadline = setTimeout(
      () => this.#timeout('silent', 'did not finish in time'),
      isWhole ? wholeMs : remainingMs
    )
    if (!this.#call.stream) return
    const asked = this.#call.dialect.members.reasoning.some(path => this.#call.body.at(path) !== undefined)
    const firstMs = asked || this.#rooms.reasons(this.#step.target) ? firstTokenReasoningMs : firstTokenMs
    this.#content = setTimeout(() => this.#timeout('slow_first_token', 'sent no content in time'), firstMs)
  }

  /** After the first content: more must come. Looks at the time rather than being reset by every event. */
  #watchContent(afterMs: number): void {
    this.#content = setTimeout(() => {
      const nowMs = this.#rooms.clock.monotonicMs()
      // A client that does not read is no fault of the provider.
      if (!this.#stream?.flowing) this.#lastContentMs = nowMs
      const quietMs = nowMs - this.#lastContentMs
      const quietMsMax = this.#quietMsMax
      if (quietMs >= quietMsMax) this.#timeout('stalled', 'sent no content for too long')
      else this.#watchContent(quietMsMax - quietMs)
    }, afterMs)
  }

  get #quietMsMax(): number {
    const { idleContentMs, idleMs } = this.#timeouts
    return this.#stream?.complete ? Math.min(TAIL_MS, idleMs) : idleContentMs
  }

  /** One event of the stream. Comments may keep the connection of one that is complete open for ever. */
  #event(event: StreamEvent): void {
    const stream = this.#stream!
    const wasComplete = stream.complete
    const isContent = stream.event(event)
    const isNowComplete = stream.complete && !wasComplete && !stream.over
    if (isContent || isNowComplete) this.#lastContentMs = this.#rooms.clock.monotonicMs()
    if (!isNowComplete) return
    clearTimeout(this.#content)
    this.#watchContent(this.#quietMsMax)
  }

  #timeout(kind: 'silent' | 'slow_first_token' | 'stalled', what: string): void {
    const failure = new Failure('provider_timeout', `${this.#provider.name} ${what}.`, { kind })
    if (this.#stream) this.#stream.fail(failure)
    else this.#giveUp(failure)
  }

  /** The failure first: an abort that came before it would be taken for the client's. */
  #giveUp(failure: Failure): void {
    this.#fail(failure)
    this.#upstream?.abort()
  }

  /** The client left. */
  #left(): void {
    // A gateway that shuts down has no time for it, and its client waits to be told.
    if (this.#provider.onAbort === 'drain' && !endedBy(this.#call.signal)) this.#readOn()
    else this.#upstream?.abort()
  }

  #readOn(): void {
    this.#drain ??= new Drain(() => this.#upstream?.abort())
  }

  head(status: number, headers: Headers): void {
    this.#status = status
    this.#headers = headers
    const framing = this.#call.stream && status < 300 ? this.#framingOf(headers['content-type'] ?? '') : undefined
    if (framing === undefined) return
    const { decoded = false, held = false } = this.#call.intake ?? {}
    const upper = {
      content: () => this.#firstContent(),
      commit: () => this.#commit(),
      fail: (failure: Failure) => this.#fail(failure),
      abort: () => {
        this.#disarm()
        this.#upstream?.abort()
      },
      resume: () => this.#upstream?.resume(),
      drain: () => this.#readOn()
    }
    const manner = { held, drains: this.#provider.onAbort === 'drain', choices: this.#prepared.choices }
    this.#stream = new ReplyStream(frameMaker(this.#call, this.#prepared, { framing, decoded }), upper, manner)
    const limits = { eventBytesMax: this.#rooms.eventBytesMax }
    this.#reader = READERS[framing].reader(event => this.#event(event), limits)
  }

  /** How the answer is laid out: as it says, which need not be as it was asked for. A JSON document may be an error. */
  #framingOf(contentType: string): FramingName | undefined {
    const found = FRAMINGS.find(name => contentType.startsWith(READERS[name].contentType))
    return found === 'json-array' && this.#call.framing !== 'json-array' ? undefined : found
  }

  data(chunk: Buffer): boolean {
    this.#drain?.took(chunk.length)
    this.#bytes += chunk.length
    const { replyBytesMax } = this.#rooms
    const isTooLarge = this.#bytes > replyBytesMax
    if (this.#stream && this.#reader) {
      try {
        this.#reader.push(chunk)
        if (isTooLarge && this.#call.intake?.held && !this.#stream.committed) throw tooLarge(replyBytesMax)
      } catch (thrown) {
        this.#stream.fail(Failure.from(thrown))
      }
      if (this.#stream.over) this.#awaitEnd()
      return this.#stream.flowing
    }
    this.#chunks.push(chunk)
    if (isTooLarge) this.#giveUp(tooLarge(replyBytesMax))
    return true
  }

  /** All is said; what is left of the HTTP message must not keep the connection for ever. */
  #awaitEnd(): void {
    if (this.#ended) return
    this.#ended = true
    this.#disarm()
    this.#deadline = setTimeout(() => this.#upstream?.abort(), END_MS)
  }

  end(): void {
    this.#ended = true
    if (this.#stream) {
      this.#reader?.end()
      this.#stream.end()
      this.#disarm()
      return
    }
    const body = Buffer.concat(this.#chunks)
    try {
      if (this.#status >= 300) throw this.#readError(body)
      if (this.#call.stream)
        throw new Failure('provider_malformed', 'The provider answered a streamed call without a stream.')
      const whole = readWhole(this.#call, this.#prepared, body)
      this.#succeed({
        how: 'whole',
        ...this.#base(whole.losses),
        providerHeaders: this.#headers,
        body: whole.body,
        usage: whole.usage,
        finish: whole.finish
      })
    } catch (thrown) {
      const failure = Failure.from(thrown)
      if (this.#call.operation === 'count-tokens' && this.#isUncounted(failure)) {
        this.#succeed(estimate(this.#call, this.#step))
      } else this.#fail(failure)
    }
  }

  /** The target has no counter, or none for this: a client that only asks how much it is gets an estimate (D33). */
  #isUncounted({ kind }: Failure): boolean {
    return this.#status === 404 || (!this.#prepared.native && kind === 'bad_request')
  }

  #readError(bytes: Buffer): Failure {
    const { secret } = this.#rooms.credential(this.#provider, this.#step.credential)
    const { dialect, endpoint } = this.#prepared
    const isWrapped = endpoint.framing !== undefined && endpoint.framing !== dialect.framing
    return readError({ dialect, status: this.#status, headers: this.#headers, bytes, secret, isWrapped })
  }

  error(failure: Failure): void {
    this.#ended = true
    if (this.#stream) this.#stream.fail(failure)
    else this.#fail(failure)
    this.#disarm()
  }

  #firstContent(): void {
    clearTimeout(this.#content)
    this.#lastContentMs = this.#rooms.clock.monotonicMs()
    this.#watchContent(this.#timeouts.idleContentMs)
  }

  #commit(): void {
    const source = this.#stream!
    if (this.#drain) {
      source.start(this.#drain.sink(failure => this.#fail(failure)))
      return
    }
    // From here on, who holds the stream ends it, and knows why.
    this.#call.signal.removeEventListener('abort', this.#abort)
    this.#settle()
    const { intake } = this.#call
    this.#resolve({ how: 'stream', ...this.#base(this.#prepared.losses), source, ...(intake && { intake }) })
  }

  #succeed(reply: Reply): void {
    if (this.#over) return
    if (this.#drain) {
      this.#fail(this.#drain.over(true, reply.how === 'whole' ? reply.usage : undefined))
      return
    }
    this.#settle()
    this.#disarm()
    this.#resolve(reply)
  }

  #fail(met: Failure): void {
    if (this.#over) return
    this.#settle()
    this.#disarm()
    const isDrained = met.details.after_abort !== undefined
    const failure = this.#drain && !isDrained ? this.#drain.over(false) : met
    if (failure.kind === 'aborted' && this.#provider.billsAfterDisconnect) failure.details.after_abort ??= 'bills_on'
    failure.provider ??= this.#provider.name
    failure.model ??= this.#step.target.model
    this.#reject(inOurWords(failure, this.#rooms.credential(this.#provider, this.#step.credential)))
  }

  /** The wait for this provider is over, whatever came of it. */
  #settle(): void {
    this.#over = true
    this.#call.waitedMs += this.#rooms.clock.monotonicMs() - this.#sentMs
  }

  #disarm(): void {
    clearTimeout(this.#deadline)
    clearTimeout(this.#content)
    this.#drain?.stop()
    this.#call.signal.removeEventListener('abort', this.#abort)
  }

  #base(losses: readonly string[]): { status: number; headers: Record<string, string>; answered: Answered } {
    const headers: Record<string, string> = {}
    for (const name of this.#prepared.dialect === this.#call.dialect ? this.#call.dialect.responseHeaders : []) {
      const value = this.#headers[name]
      // The limits of *our* account are not the client's: they travel under a name of their own (D34).
      if (value !== undefined)
        headers[name.replace(/^(?:anthropic|x)-ratelimit-/, 'x-gatehouse-upstream-ratelimit-')] = value
    }
    return {
      status: 200,
      headers,
      answered: {
        provider: this.#provider.name,
        model: this.#step.target.model,
        fallback: this.#step.fallback,
        losses,
        touches: this.#prepared.touches,
        attempts: 1,
        simulated: this.#provider.simulated === true,
        ...(this.#provider.billsAfterDisconnect && { billsOn: true as const })
      }
    }
  }
}

function tooLarge(bytesMax: number): Failure {
  return new Failure('provider_malformed', `The answer is larger than ${bytesMax} bytes.`)
}
