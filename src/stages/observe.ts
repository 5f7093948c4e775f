import type { Caller } from '../access/caller.ts'
import type { Clock } from '../clock.ts'
import type { Frame } from '../dialects/canonical.ts'
import type { Failure } from '../errors.ts'
import type { FinishedAttempt } from '../stores/rows.ts'
import { mergeUsage, type Usage } from '../usage.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'
import { type Answered, attemptsIn, type Call, isContent, type Reply } from './call.ts'
import type { CallRecord } from './call-record.ts'
import { clientFacts } from './client-facts.ts'

export interface ObserveRooms {
  clock: Clock
  configDigest: string
  /** Takes the record of a call that is over, and its attempts that are not written down yet. */
  record(record: CallRecord, ended: readonly FinishedAttempt[]): void
}

/** Watches a reply to its end and records the call exactly once, however it ends. */
export function observe(
  call: Call,
  caller: Caller,
  trail: readonly Failure[],
  reply: Reply,
  rooms: ObserveRooms
): Reply {
  const key = caller.name
  // What was kept, or asked for by another call, took no attempt of this one, and used nothing.
  const own = reply.answered.isKept ? 0 : 1
  const answered = { ...reply.answered, attempts: attemptsIn(trail) + own, ...moneyOf(call) }
  if (reply.how === 'whole') {
    const ended = close(call)
    const begun = blank(call, key, trail, rooms)
    const record: CallRecord = {
      ...begun,
      answered,
      attempts: answered.attempts,
      status: reply.status,
      outcome: 'done',
      usage: own ? reply.usage : undefined,
      finish: reply.finish,
      firstTokenMs: begun.totalMs
    }
    rooms.record(record, ended)
    return own ? { ...reply, answered } : { ...reply, answered, recorded: { record, caller } }
  }
  // A stream that was gone on with has taken more attempts than its beginning.
  const count = (isOnTrail: boolean) => {
    answered.attempts = attemptsIn(trail) + (isOnTrail ? 0 : own)
    Object.assign(answered, moneyOf(call))
  }
  const finished = (outcome: Outcome, seen: Seen) => {
    const ended = close(call)
    count(outcome.how === 'failed' && trail.includes(outcome.failure))
    const record = {
      ...blank(call, key, trail, rooms),
      answered,
      attempts: answered.attempts,
      status: reply.status,
      ...seen,
      ...(!own && { usage: undefined }),
      outcome: outcome.how,
      ...(outcome.how === 'aborted' && { status: 499, ...afterAbort(outcome.drained, answered) }),
      ...(outcome.how === 'failed' && { failure: outcome.failure, status: outcome.failure.status })
    }
    rooms.record(record, ended)
  }
  const source = new Watched(reply.source, call.startedMs, rooms.clock, { ending: () => count(false), finished })
  return { ...reply, answered, source }
}

/** What became of the provider's answer when its client had left. */
function afterAbort(drained: boolean | undefined, { billsOn }: Answered): Pick<CallRecord, 'afterAbort'> {
  if (drained !== undefined) return { afterAbort: drained ? 'drained' : 'cut_short' }
  return billsOn ? { afterAbort: 'bills_on' } : {}
}

/** What the call came to so far, and what its budgets and limits have left. */
function moneyOf({ account }: Call): Pick<Answered, 'costNano' | 'remainingNano' | 'limits'> {
  if (!account) return {}
  const { hold, costNano } = account
  const { remainingNano, limits } = hold
  return { costNano, ...(remainingNano !== undefined && { remainingNano }), ...(limits.length > 0 && { limits }) }
}

/** Records a call that got no reply. */
export function failed(
  call: Call,
  key: string | undefined,
  trail: readonly Failure[],
  failure: Failure,
  rooms: ObserveRooms
): void {
  const ended = close(call)
  const record: CallRecord = {
    ...blank(call, key, trail, rooms),
    attempts: attemptsIn(trail),
    status: failure.status,
    outcome: failure.kind === 'aborted' ? 'aborted' : 'failed',
    usage: failure.usage,
    ...(failure.details.after_abort && {
      afterAbort: failure.details.after_abort as CallRecord['afterAbort'] & string
    }),
    failure
  }
  rooms.record(record, ended)
}

/** Gives back what the call reserved; returns its attempts that are still to be written down. */
function close({ account }: Call): readonly FinishedAttempt[] {
  if (!account) return []
  account.hold.close()
  const { ended = [] } = account
  account.ended = undefined
  return ended
}

function blank(call: Call, key: string | undefined, trail: readonly Failure[], rooms: ObserveRooms): CallRecord {
  return {
    id: call.id,
    atMs: rooms.clock.wallMs(),
    dialect: call.dialect.name,
    operation: call.operation,
    stream: call.stream,
    key,
    modelAsked: call.model,
    answered: undefined,
    attempts: 0,
    failures: [...trail],
    status: 0,
    outcome: 'failed',
    failure: undefined,
    usage: undefined,
    finish: undefined,
    firstTokenMs: undefined,
    totalMs: rooms.clock.monotonicMs() - call.startedMs,
    configDigest: rooms.configDigest,
    ...(call.guarding && {
      verdicts: call.guarding.verdicts,
      looks: call.guarding.looks,
      heldMs: Math.round(call.guarding.heldMs)
    }),
    payers: call.account?.payers ?? {},
    costNano: call.account?.costNano,
    tries: call.account?.tries ?? [],
    admittedMs: call.account?.admittedMs,
    guardedMs: call.guarding?.askedMs,
    waitedMs: call.waitedMs,
    client: clientFacts(call),
    decision: call.decision,
    ...cachingOf(call),
    capture: call.capture
  }
}

/** What the cache did, without what it did it with. */
function cachingOf({ caching }: Call): Pick<CallRecord, 'caching'> {
  if (!caching) return {}
  const { result, bypassed, key, askedMs, given } = caching
  return { caching: { result, key, askedMs, ...(bypassed !== undefined && { bypassed }), ...(given && { given }) } }
}

type Seen = Pick<CallRecord, 'usage' | 'finish' | 'firstTokenMs'>

interface Watcher {
  /** The last event of a complete stream is about to go to the client. */
  ending(): void
  finished(outcome: Outcome, seen: Seen): void
}

/** A Source that is the other one, seen: usage, the first content, the finish and the end. */
class Watched implements Source<Frame> {
  readonly #source: Source<Frame>
  readonly #startedMs: number
  readonly #clock: Clock
  readonly #watcher: Watcher

  constructor(source: Source<Frame>, startedMs: number, clock: Clock, watcher: Watcher) {
    this.#source = source
    this.#startedMs = startedMs
    this.#clock = clock
    this.#watcher = watcher
  }

  start(sink: Sink<Frame>): void {
    let usage: Partial<Usage> | undefined
    const seen: Seen = { usage: undefined, finish: undefined, firstTokenMs: undefined }
    this.#source.start({
      frame: frame => {
        for (const event of frame.events) {
          if ((event.type === 'usage' || event.type === 'start') && event.usage) usage = mergeUsage(usage, event.usage)
          else if (event.type === 'end') this.#watcher.ending()
          else if (event.type === 'finish') seen.finish ??= event.finish.unified
          if (seen.firstTokenMs === undefined && isContent(event))
            seen.firstTokenMs = this.#clock.monotonicMs() - this.#startedMs
        }
        return sink.frame(frame)
      },
      close: outcome => {
        this.#watcher.finished(outcome, { ...seen, usage })
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
}
