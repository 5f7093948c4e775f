import type { Clock } from '../clock.ts'
import type { Event, Frame } from '../dialects/canonical.ts'
import { Failure, type Kind } from '../errors.ts'
import type { Reckoned, Reckoning } from '../money/reckoning.ts'
import type { Step } from '../routing/facts.ts'
import type { AttemptEnd, AttemptRow } from '../stores/rows.ts'
import { mergeUsage, type Usage } from '../usage.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'
import { type Account, type Answered, type AttemptWatch, type Call, isContent, type Reply, type Try } from './call.ts'
import { LengthStop } from './length-stop.ts'

/** Where attempts are written down: `started` is kept before the first byte leaves, `finished` before the last arrives. */
export interface Books {
  started(row: AttemptRow): void
  finished(id: string, end: AttemptEnd): void
}

export interface ChargeRooms {
  clock: Clock
  newId(): string
  books: Books
  /** What an attempt at this target may come to. Throws `unpriced_model` where that is the policy. */
  reckoning(call: Call, step: Step): Reckoning
}

type Attempt = (call: Call, step: Step, watch: AttemptWatch) => Promise<Reply>

/** Kinds with which a provider says that it did nothing: such an attempt costs nothing (invariant I7). */
const FREE: ReadonlySet<Kind> = new Set([
  'connect',
  'server_error',
  'overloaded',
  'rate_limited',
  'our_credential',
  'spend_limit',
  'no_such_model',
  'too_long',
  'content_filter',
  'bad_request',
  'too_large',
  'cannot_cross',
  'limited_here'
])

/**
 * An attempt with its money (D3, D4): covered before it begins, in the ledger before its first byte leaves, reckoned
 * and settled once at its end, however it ends. Attempts of calls without an account are left alone.
 */
export function charging(attempt: Attempt, rooms: ChargeRooms): (call: Call, step: Step) => Promise<Reply> {
  return (call, step) => {
    const { account } = call
    if (!account) return attempt(call, step, { id: rooms.newId() })
    return new Charge(call, step, account, rooms).run(attempt)
  }
}

/** What was seen of an answer so far. */
interface Seen {
  usage: Partial<Usage> | undefined
  /** UTF-8 bytes of generated text, thoughts and arguments of tools. */
  textBytes: number
  complete: boolean
}

class Charge {
  readonly #id: string
  readonly #call: Call
  readonly #step: Step
  readonly #account: Account
  readonly #rooms: ChargeRooms
  readonly #reckoning: Reckoning
  readonly #ask: Reckoning['ask']
  readonly #seen: Seen = { usage: undefined, textBytes: 0, complete: false }
  readonly #marks: string[] = []
  /** The first byte was handed to a socket: there is a row. */
  #isSent = false
  #over = false
  /** Told of once it is begun. */
  #try: Try | undefined
  #answered: Answered | undefined

  constructor(call: Call, step: Step, account: Account, rooms: ChargeRooms) {
    this.#id = rooms.newId()
    this.#call = call
    this.#step = step
    this.#account = account
    this.#rooms = rooms
    this.#reckoning = rooms.reckoning(call, step)
    this.#ask = this.#reckoning.ask
    if (this.#reckoning.isUnbounded) this.#marks.push('unbounded')
  }

  async run(attempt: Attempt): Promise<Reply> {
    const covering = this.#account.hold.cover(this.#id, this.#ask)
    if (covering instanceof Promise) await covering
    const { tries } = this.#account
    const { provider, model } = this.#step.target
    this.#try = { id: this.#id, number: tries.length + 1, provider, model, startMs: this.#nowMs() }
    tries.push(this.#try)
    try {
      const reply = await attempt(this.#call, this.#step, { id: this.#id, sending: body => this.#sending(body) })
      this.#answered = reply.answered
      if (reply.how === 'stream') return { ...reply, source: this.#watched(reply.source) }
      this.#seen.usage = reply.usage
      this.#seen.complete = true
      this.#end('done')
      return reply
    } catch (thrown) {
      const failure = Failure.from(thrown)
      this.#seen.usage ??= failure.usage
      this.#end(failure.kind === 'aborted' ? 'aborted' : 'failed', failure)
      throw thrown
    }
  }

  #sending(body: Buffer | undefined): void {
    if (body) this.#call.capture?.sent(this.#id, body)
    // A call may take several requests at one target (batches of embeddings): they are one attempt.
    if (this.#isSent) return
    const { target } = this.#step
    const { payers } = this.#account
    this.#rooms.books.started({
      id: this.#id,
      requestId: this.#call.id,
      number: ++this.#account.begun,
      state: 'started',
      startedAtMs: this.#rooms.clock.wallMs(),
      finishedAtMs: null,
      provider: target.provider,
      model: target.model,
      payers,
      heldNano: this.#ask.nano,
      costNano: this.#ask.nano,
      lines: null,
      priceVersion: this.#reckoning.priceVersion,
      usage: null,
      usageSource: 'estimated',
      outcome: null,
      failure: null,
      firstTokenMs: null,
      marks: this.#marks
    })
    this.#isSent = true
  }

  #watched(source: Source<Frame>): Source<Frame> {
    const isOpen = this.#call.operation === 'chat' && this.#reckoning.isOpen && this.#account.hold.isBudgeted
    const stop = isOpen ? new LengthStop(this.#call) : undefined
    return new Charged(source, stop, {
      saw: frame => this.#saw(frame),
      covered: () => (stop ? this.#covered() : true),
      ended: outcome => this.#ended(outcome),
      stopped: () => {
        this.#marks.push('cut_by_budget')
        const { usage } = this.#used('done', undefined)
        this.#end('done')
        return usage
      }
    })
  }

  /** In milliseconds since the call began. */
  #nowMs(): number {
    return this.#rooms.clock.monotonicMs() - this.#call.startedMs
  }

  #saw({ events }: Frame): void {
    for (const event of events) {
      if (this.#try && this.#try.firstTokenMs === undefined && isContent(event)) this.#try.firstTokenMs = this.#nowMs()
      this.#seen.textBytes += textBytesOf(event)
      if ((event.type === 'usage' || event.type === 'start') && event.usage) {
        this.#seen.usage = mergeUsage(this.#seen.usage, event.usage)
      }
      if (event.type !== 'end') continue
      this.#seen.complete = true
      this.#end('done')
    }
  }

  /** Whether what comes is still covered; raises the hold as an answer without a cap goes on (D14). */
  #covered(): boolean | Promise<boolean> {
    const more = this.#reckoning.needsMore(this.#seen.textBytes)
    return more ? this.#account.hold.extend(this.#id, more) : true
  }

  #ended(outcome: Outcome): void {
    if (outcome.how === 'failed') this.#end('failed', outcome.failure)
    else if (outcome.how === 'done') {
      this.#seen.complete = true
      this.#end('done')
    } else {
      if (outcome.drained !== undefined) this.#marks.push(outcome.drained ? 'drained' : 'cut_short')
      else if (this.#answered?.billsOn) this.#marks.push('bills_on')
      this.#seen.complete = outcome.drained === true
      this.#end('aborted')
    }
  }

  /** Once: reckons, settles and writes down. */
  #end(outcome: 'done' | 'failed' | 'aborted', failure?: Failure): void {
    if (this.#over) return
    this.#over = true
    const { usage, source } = this.#used(outcome, failure)
    const { nano, lines, marks } = this.#isSent ? this.#reckoning.cost(usage) : NOTHING
    const held = this.#reckoning.heldNano
    if (source === 'provider' && nano !== null && held !== null && nano > held) this.#marks.push('underestimated')
    const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0)
    this.#account.hold.settle(this.#id, { nano, tokens })
    const { costNano } = this.#account
    this.#account.costNano = nano === null || costNano === null ? null : ((costNano + nano) as typeof nano)
    const promptSavedNano = this.#isSent ? this.#reckoning.promptSaved(usage) : 0
    this.#tell({ outcome, usage, costNano: nano, promptSavedNano, ...(failure && { failure: failure.kind }) })
    if (!this.#isSent) return
    if (source === 'provider' && this.#seen.complete) this.#reckoning.learn(usage)
    this.#write({
      finishedAtMs: this.#rooms.clock.wallMs(),
      costNano: nano,
      lines,
      usage: source === 'none' ? null : usage,
      usageSource: source,
      outcome,
      failure: failure?.kind ?? null,
      firstTokenMs: this.#firstTokenMs(),
      marks: [...new Set([...this.#marks, ...marks, ...afterAbort(failure)])]
    })
  }

  #tell(end: Pick<Try, 'outcome' | 'usage' | 'costNano' | 'promptSavedNano' | 'failure'>): void {
    if (!this.#try) return
    const endMs = this.#nowMs()
    // All of a whole answer comes at once.
    if (end.outcome === 'done' && !this.#call.stream) this.#try.firstTokenMs ??= endMs
    Object.assign(this.#try, { endMs }, end)
  }

  /** Since the attempt began. */
  #firstTokenMs(): number | null {
    const { firstTokenMs, startMs } = this.#try ?? {}
    return firstTokenMs === undefined || startMs === undefined ? null : Math.round((firstTokenMs - startMs) * 10) / 10
  }

  /** A whole answer waits for the call's own row; of a stream the client has had all but the last piece. */
  #write(end: AttemptEnd): void {
    const { ended } = this.#account
    if (ended && !this.#call.stream) ended.push({ id: this.#id, end })
    else this.#rooms.books.finished(this.#id, end)
  }

  /** What was used: the provider's word where it gave one, else nothing at all, else an estimate that is not below it. */
  #used(
    outcome: 'done' | 'failed' | 'aborted',
    failure: Failure | undefined
  ): { usage: Partial<Usage>; source: AttemptRow['usageSource'] } {
    const { usage, complete, textBytes } = this.#seen
    const isCounted = usage?.inputTokens !== undefined && usage.outputTokens !== undefined
    if (isCounted && (complete || failure?.details.after_abort === 'drained')) return { usage, source: 'provider' }
    const isFree = this.#call.operation === 'object' || this.#call.operation === 'count-tokens'
    const didNothing = failure !== undefined && FREE.has(failure.kind) && textBytes === 0 && !usage
    if (!this.#isSent || isFree || didNothing) return { usage: {}, source: 'none' }
    if (complete && usage) return { usage, source: 'provider' }
    // A whole answer is generated, and billed, to its end, whether anybody waits for it or not, and so is one in the
    // background; a stream is where its provider says so.
    const { stream, body } = this.#call
    const billsOn = this.#marks.includes('bills_on') || failure?.details.after_abort === 'bills_on'
    const isWhole = !stream || (outcome !== 'done' && (billsOn || body.get('background') === true))
    return { usage: this.#reckoning.estimate({ usage, textBytes, isWhole }), source: 'estimated' }
  }
}

const NOTHING: Reckoned = { nano: 0 as Reckoned['nano'], lines: null, marks: [] }

function afterAbort(failure: Failure | undefined): string[] {
  const word = failure?.details.after_abort
  return typeof word === 'string' ? [word] : []
}

function textBytesOf(event: Event): number {
  if (event.type === 'delta') return event.text === undefined ? 0 : Buffer.byteLength(event.text)
  if (event.type !== 'open') return 0
  const { part } = event
  if (part.type === 'tool-call') return Buffer.byteLength(part.name) + Buffer.byteLength(part.input)
  return 'text' in part ? Buffer.byteLength(part.text) : 0
}

interface Watcher {
  saw(frame: Frame): void
  /** Whether the next piece may be generated; asked after each. */
  covered(): boolean | Promise<boolean>
  ended(outcome: Outcome): void
  /** It ends here; returns what it is charged for. */
  stopped(): Partial<Usage>
}

/** A Source whose end is reckoned before its last piece is handed on, and which stops where its money does. */
class Charged implements Source<Frame> {
  readonly #source: Source<Frame>
  readonly #stop: LengthStop | undefined
  readonly #watcher: Watcher
  #sink: Sink<Frame> | undefined
  #isAsking = false
  #isStopped = false
  #isClosed = false

  constructor(source: Source<Frame>, stop: LengthStop | undefined, watcher: Watcher) {
    this.#source = source
    this.#stop = stop
    this.#watcher = watcher
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    this.#source.start({
      frame: frame => (this.#isStopped ? true : this.#frame(frame, sink)),
      close: outcome => {
        if (this.#isStopped) return
        this.#isClosed = true
        this.#watcher.ended(outcome)
        sink.close(outcome)
      }
    })
  }

  resume(): void {
    this.#source.resume()
  }

  destroy(reason?: Failure): void {
    this.#source.destroy(reason)
  }

  #frame(frame: Frame, sink: Sink<Frame>): boolean {
    this.#watcher.saw(frame)
    if (!this.#stop) return sink.frame(frame)
    this.#stop.follow(frame)
    const isTaken = sink.frame(frame)
    if (this.#stop.isFinished || this.#isAsking) return isTaken
    const covered = this.#watcher.covered()
    if (covered === false) this.#end()
    else if (covered instanceof Promise) {
      this.#isAsking = true
      void covered.then(isCovered => {
        this.#isAsking = false
        if (!isCovered && !this.#isClosed) this.#end()
      })
    }
    return isTaken
  }

  /** The answer ends here, as if its cap on output had been reached. */
  #end(): void {
    if (this.#isStopped || this.#stop!.isFinished) return
    this.#isStopped = true
    const usage = this.#watcher.stopped()
    for (const frame of this.#stop!.frames(usage)) this.#sink!.frame(frame)
    this.#source.destroy(new Failure('budget_exceeded', 'A budget had no room for more of the answer.'))
    this.#sink!.close({ how: 'done' })
  }
}
