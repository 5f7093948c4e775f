import { CACHE_HEADER } from '../cache/policy.ts'
import type { Event, Frame } from '../dialects/canonical.ts'
import { Collector, unroll } from '../dialects/collect.ts'
import type { Losses } from '../dialects/dialect.ts'
import type { Failure } from '../errors.ts'
import { JsonBody } from '../json.ts'
import type { CachedAnswer } from '../stores/cache.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'
import { CLIENT_FRAMINGS, READERS } from '../wire/framing.ts'
import type { CacheResult } from './caching.ts'
import type { Answered, Call, Reply } from './call.ts'
import { asksUsage, requestIn } from './prepare.ts'

/** One event of an answer that is kept is never larger than the answer. */
const NO_LIMIT = { eventBytesMax: Number.MAX_SAFE_INTEGER }
/** A pause of the provider's that was longer is not played again. */
const PAUSE_MS_MAX = 1_000

/** A frame, and when it came: milliseconds after the first. */
interface Timed {
  frame: Frame
  atMs: number
}

export interface Serving {
  result: CacheResult
  /** Milliseconds since 1970. */
  wallMs: number
  pace: 'immediate' | 'natural'
}

/**
 * A kept answer as the reply to this call: byte for byte where it is asked for as it came, said anew where a stream is
 * asked for and a whole answer is kept, or the other way round. Undefined where the other form cannot say all of it.
 */
export function serve(call: Call, answer: CachedAnswer, { result, wallMs, pace }: Serving): Reply | undefined {
  const base = { status: 200, headers: headersOf(answer, result, wallMs), answered: answeredBy(answer) }
  const usage = answer.usage ?? undefined
  if (!call.stream) {
    const body = answer.form === 'whole' ? answer.body : folded(call, answer)
    return body && { ...base, how: 'whole', body, usage, finish: answer.finish ?? undefined }
  }
  const frames = framesFor(call, answer)
  return frames && { ...base, how: 'stream', source: new Played(frames, pace === 'natural') }
}

function headersOf(answer: CachedAnswer, result: CacheResult, wallMs: number): Record<string, string> {
  const age = Math.max(0, Math.floor((wallMs - answer.storedAtMs) / 1_000))
  // What its provider said of that moment's limits and times is none of this moment's.
  return { ...cacheHeaders(result, answer.key), age: String(age) }
}

/** What the cache said, and what the answer is purged by. */
export function cacheHeaders(result: CacheResult, key: string | undefined): Record<string, string> {
  return { [CACHE_HEADER]: result, ...(key !== undefined && { 'x-gatehouse-cache-key': key }) }
}

function answeredBy({ provider, model, losses, touches, simulated, holder }: CachedAnswer): Answered {
  return {
    provider,
    model,
    attempts: 0,
    fallback: 0,
    losses,
    touches,
    simulated,
    isKept: true,
    ...(holder && { holder })
  }
}

/** A stream as a whole answer. */
function folded(call: Call, answer: CachedAnswer): Buffer | undefined {
  const collector = new Collector()
  for (const { frame } of played(call, answer)) {
    for (const event of frame.events) {
      if (event.type === 'native') return undefined
      collector.push(event)
    }
  }
  if (answer.usage) collector.push({ type: 'usage', usage: answer.usage })
  const losses: Losses = []
  const body = call.dialect.encodeResponse(collector.response(), losses, requestIn(call))
  return losses.length > 0 ? undefined : Buffer.from(JSON.stringify(body))
}

function framesFor(call: Call, answer: CachedAnswer): Timed[] | undefined {
  if (answer.form === 'stream') {
    if (answer.framing !== call.framing) return written(call, answer, eventsIn(played(call, answer)))
    const said = played(call, answer)
    const usage = said.some(({ frame }) => frame.events.some(event => event.type === 'usage'))
    // Who did not ask for usage in its stream gets none, and who did gets it, whoever asked first.
    return call.dialect.members.streamUsage === undefined || usage === asksUsage(call)
      ? said
      : written(call, answer, eventsIn(said))
  }
  const response = call.dialect.decodeResponse(JsonBody.of(answer.body).object())
  return written(
    call,
    answer,
    [...unroll(response)].map(event => ({ event, atMs: 0 }))
  )
}

/** The events of a kept stream, in the bytes it came in. */
function played({ dialect, framing }: Call, answer: CachedAnswer): Timed[] {
  const decode = dialect.decoder()
  const frames: Timed[] = []
  let from = 0
  for (const [end, atMs] of answer.marks) {
    const raw = answer.body.subarray(from, end)
    const events: Event[] = []
    const reader = READERS[framing === 'json-array' ? 'json-array' : 'sse'].reader(({ event, data, comment }) => {
      if (!comment) events.push(...decode(event, data))
    }, NO_LIMIT)
    reader.push(framing === 'json-array' ? elementOf(raw) : raw)
    reader.end()
    frames.push({ frame: { raw, events }, atMs })
    from = end
  }
  return frames
}

const OPEN = Buffer.from('[')
const CLOSE = Buffer.from(']')
const COMMA = 44

/** One element of an array is read as an array of its own. */
function elementOf(raw: Buffer): Buffer {
  return Buffer.concat([OPEN, raw[0] === COMMA ? raw.subarray(1) : raw, CLOSE])
}

interface TimedEvent {
  event: Event
  atMs: number
}

function eventsIn(frames: readonly Timed[]): TimedEvent[] {
  return frames.flatMap(({ frame, atMs }) => frame.events.map(event => ({ event, atMs })))
}

/** The events said anew, with the usage that is known where the client wants it. */
function written(call: Call, { usage }: CachedAnswer, events: readonly TimedEvent[]): Timed[] | undefined {
  if (events.some(({ event }) => event.type === 'native')) return undefined
  const losses: Losses = []
  const encoder = call.dialect.encoder({ losses, request: requestIn(call), write: CLIENT_FRAMINGS[call.framing].event })
  const lacksUsage = usage && !events.some(({ event }) => event.type === 'usage')
  const frames: Timed[] = []
  const say = (event: Event, atMs: number) => {
    frames.push({ frame: { raw: Buffer.from(encoder.push(event)), events: [event] }, atMs })
  }
  for (const { event, atMs } of events) {
    if (event.type === 'end' && lacksUsage) say({ type: 'usage', usage }, atMs)
    say(event, atMs)
  }
  return losses.length > 0 ? undefined : frames
}

/** A Source of frames that are all there: at once, or as fast as they came. */
class Played implements Source<Frame> {
  readonly #frames: readonly Timed[]
  readonly #isNatural: boolean
  #next = 0
  #sink: Sink<Frame> | undefined
  #isFull = false
  #isClosed = false
  /** Given up before anybody heard it. */
  #givenUp: Outcome | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(frames: readonly Timed[], isNatural: boolean) {
    this.#frames = frames
    this.#isNatural = isNatural
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    if (this.#givenUp) this.#close(this.#givenUp)
    else this.#play()
  }

  resume(): void {
    this.#isFull = false
    this.#play()
  }

  destroy(reason?: Failure): void {
    const outcome: Outcome = reason ? { how: 'failed', failure: reason } : { how: 'aborted' }
    if (this.#sink) this.#close(outcome)
    else this.#givenUp ??= outcome
  }

  #play(): void {
    while (this.#sink && !this.#isClosed && !this.#isFull && !this.#timer && this.#next < this.#frames.length) {
      const pauseMs = this.#isNatural ? this.#pauseMs() : 0
      if (pauseMs > 0) {
        this.#timer = setTimeout(() => {
          this.#timer = undefined
          this.#say()
          this.#play()
        }, pauseMs)
        return
      }
      this.#say()
    }
    if (this.#next === this.#frames.length && !this.#timer && !this.#isFull) this.#close({ how: 'done' })
  }

  #pauseMs(): number {
    const before = this.#frames[this.#next - 1]
    return before ? Math.min(PAUSE_MS_MAX, this.#frames[this.#next]!.atMs - before.atMs) : 0
  }

  #say(): void {
    if (!this.#sink!.frame(this.#frames[this.#next++]!.frame)) this.#isFull = true
  }

  #close(outcome: Outcome): void {
    if (this.#isClosed) return
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#sink!.close(outcome)
  }
}
