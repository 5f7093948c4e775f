import { createHash } from 'node:crypto'
import { NANO_PER_USD } from '../nano.ts'
import { messagesOf } from './content.ts'
import {
  type EVENT_ATTRIBUTES,
  isConvention,
  providerName,
  SPAN_NAMES,
  type SpanAttribute,
  VERDICT_EVENT
} from './names.ts'
import { type TelemetryRecord, type TelemetryTry, type TraceContext, targetOf } from './record.ts'

export type AttributeValue = string | number | boolean | string[]

/** A finished span, before any library has it. Times are milliseconds since 1970, with fractions. */
export interface SpanData {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  /** The parent is a span of the client's, not of ours. */
  hasRemoteParent: boolean
  name: string
  kind: 'server' | 'internal' | 'client'
  startMs: number
  endMs: number
  attributes: Partial<Record<SpanAttribute, AttributeValue>>
  events: SpanEvent[]
  /** Undefined: it went well. */
  error: string | undefined
}

interface SpanEvent {
  name: string
  atMs: number
  attributes: Partial<Record<keyof typeof EVENT_ATTRIBUTES, AttributeValue>>
}

export interface TraceSettings {
  /** Off: nothing under `gen_ai.*`. */
  conventions: 'gen_ai_latest' | 'off'
  /** What was asked and answered goes with it, where bodies are kept. */
  content: boolean
  /** Of traces that nobody else decided on, from 0 to 1. */
  sample: number
}

const TRACE_CHARS = 32
const SPAN_CHARS = 16
const RANDOM_BITS_CHARS = 14
const RANDOM_RANGE = 2 ** 56
const MS_PER_S = 1_000

/** The trace of a call: the client's where it is in one, else one that follows from its id, so that the id finds it. */
export function traceIdOf({ id, client }: Pick<TelemetryRecord, 'id' | 'client'>): string {
  return client.trace?.traceId ?? digest(id, TRACE_CHARS)
}

/** The span of an attempt, known before it begins: a provider can be told of it. */
export function spanIdOf(id: string): string {
  return digest(`span ${id}`, SPAN_CHARS)
}

/**
 * Whether the trace is kept: as its caller decided, else by a share of trace ids, so that every gateway and service
 * decides alike (W3C trace context level 2: the last 56 bits are random).
 */
export function isSampled(traceId: string, parent: TraceContext | undefined, share: number): boolean {
  if (parent) return parent.sampled
  return Number.parseInt(traceId.slice(-RANDOM_BITS_CHARS), 16) >= (1 - share) * RANDOM_RANGE
}

/**
 * The `traceparent` header for one attempt at a provider (https://www.w3.org/TR/trace-context/), whose parent is the
 * attempt's own span.
 */
export function traceparentFor(
  call: Pick<TelemetryRecord, 'id' | 'client'>,
  attemptId: string,
  { sample }: Pick<TraceSettings, 'sample'>
): string {
  const traceId = traceIdOf(call)
  return `00-${traceId}-${spanIdOf(attemptId)}-${isSampled(traceId, call.client.trace, sample) ? '01' : '00'}`
}

/**
 * The spans of a call that is over, its own first: SERVER, INTERNAL for its guards and its cache, CLIENT for every
 * attempt. Empty: the trace is not kept.
 */
export function spansOf(record: TelemetryRecord, settings: TraceSettings): SpanData[] {
  const traceId = traceIdOf(record)
  if (!isSampled(traceId, record.client.trace, settings.sample)) return []
  const builder = new SpanBuilder(record, traceId, settings)
  const { tries } = record
  return [
    builder.call(),
    ...builder.guards(),
    ...builder.cache(),
    ...tries.map((each, index) => builder.attempt(each, tries[index - 1]))
  ]
}

class SpanBuilder {
  readonly #record: TelemetryRecord
  readonly #traceId: string
  readonly #settings: TraceSettings
  readonly #callSpanId: string
  readonly #beganMs: number

  constructor(record: TelemetryRecord, traceId: string, settings: TraceSettings) {
    this.#record = record
    this.#traceId = traceId
    this.#settings = settings
    this.#callSpanId = spanIdOf(record.id)
    this.#beganMs = record.atMs - record.totalMs
  }

  call(): SpanData {
    const record = this.#record
    const { payers, client, failure, outcome } = record
    return {
      ...this.#span(record.id, SPAN_NAMES.call.replace('{operation}', record.operation), 'server', 0, record.totalMs),
      parentSpanId: client.trace?.spanId,
      hasRemoteParent: client.trace !== undefined,
      attributes: this.#said({
        'http.response.status_code': record.status,
        'error.type': failure?.code,
        'user.id': payers.user,
        'session.id': payers.session,
        'gen_ai.conversation.id': payers.session,
        'gatehouse.request.id': record.id,
        'gatehouse.dialect': record.dialect,
        'gatehouse.operation': record.operation,
        'gatehouse.route': record.decision?.route,
        'gatehouse.model.asked': record.modelAsked,
        'gatehouse.attempts': record.tries.length,
        'gatehouse.outcome': outcome,
        'gatehouse.cost.usd': usd(record.costNano),
        'gatehouse.overhead': record.stream ? undefined : Math.max(0, record.totalMs - record.waitedMs) / MS_PER_S,
        'gatehouse.team': payers.team,
        'gatehouse.key': payers.key,
        'gatehouse.customer': payers.customer,
        'gatehouse.agent': payers.agent,
        'gatehouse.client': client.app,
        'gatehouse.config': record.configDigest
      }),
      error: outcome === 'failed' ? failure?.code : undefined
    }
  }

  /** One for each side that guards looked at. Those of the response looked while it came: only their work is known. */
  guards(): SpanData[] {
    const { guardedMs, totalMs } = this.#record
    return [
      ...(guardedMs ? this.#guard('request', guardedMs[0], guardedMs[1]) : []),
      ...this.#guard('response', this.#answeredMs(), totalMs)
    ]
  }

  cache(): SpanData[] {
    const { caching, id } = this.#record
    if (!caching) return []
    const { result, askedMs, given } = caching
    const span = this.#span(`${id} cache`, SPAN_NAMES.cache, 'internal', askedMs[0], askedMs[1])
    const score = given?.score !== undefined && { 'gatehouse.cache.score': given.score }
    return [{ ...span, attributes: { 'gatehouse.cache.result': result, ...score } }]
  }

  attempt(one: TelemetryTry, before: TelemetryTry | undefined): SpanData {
    const { totalMs, payers, stream } = this.#record
    const operation = this.#record.operation
    const endMs = one.endMs ?? Math.max(one.startMs, totalMs)
    const isAnswer = one.outcome === 'done' && one === this.#record.tries.findLast(({ outcome }) => outcome === 'done')
    return {
      ...this.#span(one.id, `${operation} ${one.model}`, 'client', one.startMs, endMs),
      attributes: this.#said({
        'gen_ai.operation.name': operation,
        'gen_ai.provider.name': providerName(one.provider),
        'gen_ai.request.model': one.model,
        'gen_ai.request.stream': stream,
        'gen_ai.conversation.id': payers.session,
        'gen_ai.response.finish_reasons':
          isAnswer && this.#record.finish !== undefined ? [this.#record.finish] : undefined,
        'gen_ai.response.time_to_first_chunk':
          !stream || one.firstTokenMs === undefined
            ? undefined
            : Math.max(0, one.firstTokenMs - one.startMs) / MS_PER_S,
        'gen_ai.usage.input_tokens': one.usage?.inputTokens,
        'gen_ai.usage.output_tokens': one.usage?.outputTokens,
        'gen_ai.usage.cache_read.input_tokens': one.usage?.cacheReadTokens,
        'gen_ai.usage.cache_creation.input_tokens': one.usage?.cacheWriteTokens,
        'gen_ai.usage.reasoning.output_tokens': one.usage?.reasoningTokens,
        ...(isAnswer && this.#content()),
        'error.type': one.failure,
        'gatehouse.attempt': one.number,
        'gatehouse.attempt.id': one.id,
        'gatehouse.fallback.from':
          before?.failure !== undefined && targetOf(before) !== targetOf(one) ? targetOf(before) : undefined,
        'gatehouse.outcome': one.outcome,
        'gatehouse.unfinished': one.endMs === undefined ? true : undefined,
        'gatehouse.cost.usd': usd(one.costNano)
      }),
      error: one.outcome === 'failed' ? (one.failure ?? 'failed') : undefined
    }
  }

  /** When guards of the response can have begun: at the end of a whole answer, or at the first content of a stream. */
  #answeredMs(): number {
    const { tries, stream, totalMs, firstTokenMs } = this.#record
    const answering = tries.findLast(({ outcome }) => outcome === 'done') ?? tries.at(-1)
    const fromMs = stream ? (answering?.firstTokenMs ?? firstTokenMs) : answering?.endMs
    return Math.min(fromMs ?? totalMs, totalMs)
  }

  #guard(side: 'request' | 'response', fromMs: number, toMs: number): SpanData[] {
    const looks = (this.#record.looks ?? []).filter(look => look.side === side)
    const verdicts = (this.#record.verdicts ?? []).filter(verdict => verdict.side === side)
    if (looks.length === 0 && verdicts.length === 0) return []
    const span = this.#span(`${this.#record.id} ${side}`, SPAN_NAMES.guard, 'internal', fromMs, toMs)
    const work = looks.reduce((sum, { tookMs }) => sum + tookMs, 0)
    return [
      {
        ...span,
        attributes: {
          'gatehouse.guard.side': side,
          'gatehouse.guard.names': [...new Set([...looks, ...verdicts].map(({ guard }) => guard))],
          'gatehouse.guard.findings': verdicts.reduce((sum, { count }) => sum + count, 0),
          'gatehouse.guard.work': work / MS_PER_S
        },
        events: verdicts.map(({ guard, rule, action, count, score }) => ({
          name: VERDICT_EVENT,
          atMs: span.endMs,
          attributes: {
            'gatehouse.guard.name': guard,
            'gatehouse.guard.rule': rule,
            'gatehouse.guard.action': action,
            'gatehouse.guard.count': count,
            'gatehouse.guard.score': score
          }
        }))
      }
    ]
  }

  /** Only where bodies are kept whole: what is to be redacted is not yet, and must not leave as it is. */
  #content(): Partial<Record<SpanAttribute, AttributeValue>> {
    const { capture } = this.#record
    if (!this.#settings.content || capture?.level !== 'full') return {}
    const input = messagesOf(capture.received, 'user')
    const output = messagesOf(capture.answered, 'assistant')
    return {
      ...(input && { 'gen_ai.input.messages': input }),
      ...(output && { 'gen_ai.output.messages': output })
    }
  }

  #span(id: string, name: string, kind: SpanData['kind'], fromMs: number, toMs: number): SpanData {
    return {
      traceId: this.#traceId,
      spanId: spanIdOf(id),
      parentSpanId: this.#callSpanId,
      hasRemoteParent: false,
      name,
      kind,
      startMs: this.#beganMs + fromMs,
      endMs: this.#beganMs + Math.max(fromMs, toMs),
      attributes: {},
      events: [],
      error: undefined
    }
  }

  /** What is known, without the conventions where they are off. */
  #said(attributes: Partial<Record<SpanAttribute, AttributeValue | undefined>>): SpanData['attributes'] {
    const isOff = this.#settings.conventions === 'off'
    const known = Object.entries(attributes).filter(([name, value]) => {
      return value !== undefined && !(isOff && isConvention(name))
    })
    return Object.fromEntries(known) as SpanData['attributes']
  }
}

export function usd(costNano: number | null | undefined): number | undefined {
  return costNano === null || costNano === undefined ? undefined : costNano / NANO_PER_USD
}

function digest(text: string, chars: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, chars)
}
