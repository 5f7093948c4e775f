import type { Frame } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import { usdText } from '../nano.ts'
import type { Answered, Call, Reply } from '../stages/call.ts'
import { type Exchange, endedBy } from '../wire/exchange.ts'
import type { Outcome, Sink } from '../wire/frames.ts'
import { CLIENT_FRAMINGS, type ClientFraming } from '../wire/framing.ts'
import type { Hall } from './endpoint.ts'
import { type KeepAlive, streamHeaders } from './keep-alive.ts'

const JSON_TYPE = { 'content-type': 'application/json' }
/** A `retry-after` passed on is capped: a provider's mistake must not freeze a client for a day. */
const RETRY_AFTER_CAP_MS = 60_000

export interface Writing {
  /** On the monotonic clock, in milliseconds. */
  nowMs: number
  /** Of a streamed call. */
  keepAlive?: KeepAlive | undefined
}

/** Sends a reply to its client; returns when the last byte is handed over, or the client has left. */
export function writeReply(exchange: Exchange, call: Call, reply: Reply, writing: Writing): Promise<void> {
  const { nowMs, keepAlive } = writing
  if (reply.how === 'whole') {
    exchange.send(reply.status, wholeHeaders(call, reply, nowMs), reply.body)
    return Promise.resolve()
  }
  const headers = replyHeaders(call, reply, nowMs)
  return new Promise(resolve => {
    // The head may have gone out before anybody knew who would answer.
    const isLate = exchange.headSent
    if (!isLate) exchange.head(reply.status, { ...headers, ...streamHeaders(CLIENT_FRAMINGS[call.framing]) })
    exchange.onDrain(() => {
      if (keepAlive) keepAlive.isFull = false
      reply.source.resume()
    })
    const leave = () => reply.source.destroy(endedBy(exchange.signal))
    exchange.signal.addEventListener('abort', leave, { once: true })
    const done = () => {
      exchange.signal.removeEventListener('abort', leave)
      resolve()
    }
    reply.source.start(new FrameWriter(exchange, call, { answered: reply.answered, isLate, keepAlive, done }))
    if (exchange.signal.aborted) leave()
  })
}

/** The headers of an answer in one piece. */
export function wholeHeaders(call: Call, reply: Reply, nowMs: number): Record<string, string> {
  return { ...JSON_TYPE, ...replyHeaders(call, reply, nowMs) }
}

function replyHeaders(call: Call, reply: Reply, nowMs: number): Record<string, string> {
  return { [call.dialect.requestIdHeader]: call.id, ...reply.headers, ...gatehouseHeaders(call, reply, nowMs) }
}

interface StreamFacts {
  answered: Answered
  /** The head said nothing of who answered. */
  isLate: boolean
  keepAlive: KeepAlive | undefined
  done: () => void
}

/** The last Sink of a stream: the client's socket. */
class FrameWriter implements Sink<Frame> {
  readonly #exchange: Exchange
  readonly #call: Call
  readonly #facts: StreamFacts
  readonly #framing: ClientFraming
  /** The bytes of the last event that was sent. */
  #last: Buffer | undefined

  constructor(exchange: Exchange, call: Call, facts: StreamFacts) {
    this.#exchange = exchange
    this.#call = call
    this.#facts = facts
    this.#framing = CLIENT_FRAMINGS[call.framing]
  }

  frame({ raw, events }: Frame): boolean {
    // Before the end marker: clients read nothing after it.
    if (events.some(event => event.type === 'end')) this.#exchange.write(this.#remainder())
    if (raw.length === 0) return true
    const { keepAlive } = this.#facts
    const isTaken = this.#exchange.write(this.#next(raw))
    keepAlive?.said()
    if (keepAlive && !isTaken) keepAlive.isFull = true
    return isTaken
  }

  close(outcome: Outcome): void {
    if (outcome.how === 'aborted') this.#exchange.destroy()
    else {
      if (outcome.how === 'failed') this.#fail(outcome.failure)
      this.#exchange.end(this.#framing.last(this.#last))
    }
    this.#facts.done()
  }

  #fail(failure: Failure): void {
    const { dialect, id } = this.#call
    this.#exchange.write(this.#remainder())
    this.#exchange.write(this.#next(Buffer.from(dialect.streamError(failure, id, this.#framing.event))))
  }

  #next(raw: Buffer): Buffer {
    const next = this.#last === undefined ? this.#framing.first(raw) : raw
    this.#last = next
    return next
  }

  /** What the head did not say: as a comment, which clients pass over. */
  #remainder(): string {
    const { answered, isLate } = this.#facts
    const continued = answered.continued ?? []
    const cost = typeof answered.costNano === 'number' ? { cost_usd: usdText(answered.costNano) } : undefined
    if (!isLate && continued.length === 0) return cost ? lateWord(this.#framing, cost) : ''
    const { provider, model, attempts, fallback, losses, simulated } = answered
    return lateWord(this.#framing, {
      request_id: this.#call.id,
      provider,
      model,
      attempts,
      fallback,
      ...cost,
      ...(losses.length > 0 && { lost: [...losses] }),
      ...(continued.length > 0 && {
        continued: continued.map(({ afterChars, ...who }) => ({ ...who, after_chars: afterChars }))
      }),
      ...(simulated && { simulated })
    })
  }
}

/** Facts for who reads the stream itself, in a comment of their own. */
function lateWord(framing: ClientFraming, facts: JsonObject): string {
  return framing.comment(`gatehouse ${JSON.stringify(facts)}`)
}

function gatehouseHeaders(call: Call, reply: Reply, nowMs: number): Record<string, string> {
  const { provider, model, attempts, fallback, losses, simulated } = reply.answered
  return {
    'x-gatehouse-request-id': call.id,
    'x-gatehouse-provider': provider,
    'x-gatehouse-model': headerText(model),
    'x-gatehouse-attempts': String(attempts),
    'x-gatehouse-fallback': String(fallback),
    'x-gatehouse-overhead-ms': Math.max(0, nowMs - call.startedMs - call.waitedMs).toFixed(2),
    ...moneyHeaders(reply),
    ...(losses.length > 0 && { 'x-gatehouse-lost': headerText(losses.join(', ')).slice(0, 2_000) }),
    ...(simulated && { 'x-gatehouse-simulated': 'true' })
  }
}

/** What it cost, where all of it is known by now, and what is left. */
function moneyHeaders({ how, answered }: Reply): Record<string, string> {
  const { costNano, remainingNano, limits = [] } = answered
  const headers: Record<string, string> = {}
  if (how === 'whole' && typeof costNano === 'number') headers['x-gatehouse-cost-usd'] = usdText(costNano)
  if (remainingNano !== undefined) headers['x-gatehouse-budget-remaining-usd'] = usdText(remainingNano)
  for (const { unit, limit, remaining, resetMs } of limits) {
    const names = RATE_LIMIT_HEADERS[unit]
    headers[names.limit] = String(limit)
    headers[names.remaining] = String(remaining)
    headers[names.reset] = `${(resetMs / 1000).toFixed(3)}s`
  }
  return headers
}

/** As OpenAI's API has them, and so its clients (D34). */
const RATE_LIMIT_HEADERS = {
  requests: {
    limit: 'x-ratelimit-limit-requests',
    remaining: 'x-ratelimit-remaining-requests',
    reset: 'x-ratelimit-reset-requests'
  },
  tokens: {
    limit: 'x-ratelimit-limit-tokens',
    remaining: 'x-ratelimit-remaining-tokens',
    reset: 'x-ratelimit-reset-tokens'
  }
} as const

/** Model names and member names come from clients: nothing of them may break a header. */
function headerText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?')
}

/** Refuses a request that never became a call: noted in the log, and said in the client's dialect. */
export function refuse(exchange: Exchange, hall: Hall, dialect: Dialect, thrown: unknown, id = hall.newId()): void {
  const failure = Failure.from(thrown)
  hall.refused(id, dialect, failure)
  writeFailure(exchange, dialect, failure, id)
}

/** Sends a failure in the client's dialect; the provider's own words where it said them in that dialect (D34). */
export function writeFailure(
  exchange: Exchange,
  dialect: Dialect,
  failure: Failure,
  id: string,
  framing: ClientFraming = CLIENT_FRAMINGS.sse
): void {
  if (failure.kind === 'aborted') {
    exchange.destroy()
    return
  }
  if (exchange.headSent) {
    const { attempts, provider, model } = failure
    const facts = { request_id: id, attempts, provider, model }
    const said = framing.first(Buffer.from(dialect.streamError(failure, id, framing.event)))
    exchange.write(lateWord(framing, facts))
    exchange.write(said)
    exchange.end(framing.last(said))
    return
  }
  const headers: Record<string, string> = {
    [dialect.requestIdHeader]: id,
    'x-gatehouse-request-id': id,
    ...(failure.attempts !== undefined && { 'x-gatehouse-attempts': String(failure.attempts) }),
    ...(failure.provider !== undefined && { 'x-gatehouse-provider': failure.provider }),
    ...(failure.model !== undefined && { 'x-gatehouse-model': headerText(failure.model) }),
    ...(failure.details.idempotent_replay === true && { 'x-gatehouse-idempotent-replay': 'true' })
  }
  if (failure.retryAfterMs !== undefined) {
    const waitMs = Math.min(failure.retryAfterMs, RETRY_AFTER_CAP_MS)
    headers['retry-after'] = String(Math.ceil(waitMs / 1000))
    headers['retry-after-ms'] = String(Math.ceil(waitMs))
  }
  if (isTriedOut(failure) || failure.kind === 'budget_exceeded') headers['x-should-retry'] = 'false'
  const native = failure.native
  if (native && native.dialect === dialect.name && isAboutTheRequest(failure)) {
    exchange.send(native.status, { ...JSON_TYPE, ...headers, ...native.headers }, native.body)
  } else {
    exchange.send(failure.status, { ...JSON_TYPE, ...headers }, JSON.stringify(dialect.error(failure, id)))
  }
}

/**
 * The gateway has made its own tries: the client's SDK would only multiply them. Where there is a time to come back at,
 * it may come back.
 */
function isTriedOut(failure: Failure): boolean {
  return failure.retryAfterMs === undefined && (failure.attempts ?? 0) > 0 && failure.status >= 429
}

/** The provider spoke about the client's request, not about our account or its own health. */
function isAboutTheRequest(failure: Failure): boolean {
  return (
    failure.kind === 'bad_request' ||
    failure.kind === 'too_long' ||
    failure.kind === 'content_filter' ||
    failure.kind === 'too_large'
  )
}
