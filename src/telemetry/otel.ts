import type { Attributes, Counter, Histogram, HrTime, SpanKind } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { BatchSpanProcessor, ReadableSpan } from '@opentelemetry/sdk-trace'
import { Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import { holdsSecret, type Secret } from '../secret.ts'
import { Labels } from './labels.ts'
import { isConvention, METERS, type Meter, type MeterFacts, providerName, SCOPE } from './names.ts'
import { type TelemetryRecord, type TelemetryTry, targetOf } from './record.ts'
import { type SpanData, spansOf, type TraceSettings, usd } from './spans.ts'

export interface OtlpSettings extends TraceSettings {
  /** Base address: `/v1/traces` and `/v1/metrics` come below it. */
  endpoint: string
  /** With every message; they hold credentials. */
  headers: Readonly<Record<string, Secret>>
  traces: boolean
  metrics: boolean
  /** Providers are told of the trace, with `traceparent`. */
  propagate: boolean
  /** How often metrics are sent, in milliseconds. */
  everyMs: number
  /** Attributes of the resource beside those of our own. */
  resource: Readonly<Record<string, string>>
}

interface OtelRooms {
  log: Log
  version: string
  /** Which process this is, among those of one gateway. */
  instance: string
}

/** Half a second is enough to gather what belongs together; half a thousand spans with content are some ten megabytes. */
const BATCH_MS = 500
const BATCH_SPANS = 256
const QUEUE_SPANS = 4_096
const QUEUE_SPANS_WITH_CONTENT = 512
const TIMEOUT_MS = 10_000
const SERIES_MAX = 2_000
const MS_PER_S = 1_000
const NS_PER_MS = 1e6
const SAMPLED = 1
const OK = 0

/** OpenTelemetry's own numbers (SpanKind, SpanStatusCode), which it gives as values of a package that loads late. */
const KINDS: Readonly<Record<SpanData['kind'], SpanKind>> = { internal: 0, server: 1, client: 2 }
const UNSET = 0
const ERROR = 2

/**
 * Sends spans and metrics by OTLP/HTTP (JSON), from records of calls that are over. Its packages load only here: a
 * gateway without it needs none of them. Rejects with words for who starts the gateway where one is not installed.
 */
export async function openOtel(settings: OtlpSettings, rooms: OtelRooms): Promise<Otel> {
  const { resourceFromAttributes } = await optional(() => import('@opentelemetry/resources'))
  const resource = resourceFromAttributes({
    'service.name': 'gatehouse',
    'service.version': rooms.version,
    'service.instance.id': rooms.instance,
    ...settings.resource
  })
  const spans = settings.traces ? await openSpans(settings, rooms) : undefined
  const meters = settings.metrics ? await openMeters(settings, resource, rooms) : undefined
  return new Otel(settings, resource, rooms, spans, meters)
}

async function openSpans(settings: OtlpSettings, { log }: OtelRooms): Promise<BatchSpanProcessor> {
  const { BatchSpanProcessor: Batches } = await optional(() => import('@opentelemetry/sdk-trace'))
  const { OTLPTraceExporter } = await optional(() => import('@opentelemetry/exporter-trace-otlp-http'))
  const exporter = new OTLPTraceExporter(destination(settings, 'v1/traces'))
  return new Batches({
    exporter: told(exporter, log, 'traces'),
    scheduledDelayMillis: BATCH_MS,
    maxExportBatchSize: BATCH_SPANS,
    maxQueueSize: settings.content ? QUEUE_SPANS_WITH_CONTENT : QUEUE_SPANS,
    exportTimeoutMillis: TIMEOUT_MS
  })
}

type Instruments = ReadonlyMap<Meter, Counter | Histogram>

interface Meters {
  instruments: Instruments
  close(): Promise<void>
}

async function openMeters(settings: OtlpSettings, resource: Resource, rooms: OtelRooms): Promise<Meters> {
  const { MeterProvider, PeriodicExportingMetricReader } = await optional(() => import('@opentelemetry/sdk-metrics'))
  const { OTLPMetricExporter } = await optional(() => import('@opentelemetry/exporter-metrics-otlp-http'))
  const exporter = told(new OTLPMetricExporter(destination(settings, 'v1/metrics')), rooms.log, 'metrics')
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: settings.everyMs,
    exportTimeoutMillis: Math.min(TIMEOUT_MS, settings.everyMs),
    cardinalityLimits: { default: SERIES_MAX }
  })
  const provider = new MeterProvider({ resource, readers: [reader] })
  const meter = provider.getMeter(SCOPE, rooms.version)
  const instruments = new Map<Meter, Counter | Histogram>()
  for (const [name, facts] of Object.entries(METERS) as [Meter, MeterFacts][]) {
    if (settings.conventions === 'off' && isConvention(name)) continue
    const { unit, says: description, buckets } = facts
    const advice = { ...(buckets && { explicitBucketBoundaries: [...buckets] }) }
    const make = facts.kind === 'counter' ? meter.createCounter.bind(meter) : meter.createHistogram.bind(meter)
    instruments.set(name, make(name, { unit, description, advice }))
  }
  return { instruments, close: () => provider.shutdown() }
}

function destination({ endpoint, headers }: OtlpSettings, path: string) {
  return {
    url: `${endpoint.replace(/\/+$/, '')}/${path}`,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.reveal()])),
    timeoutMillis: TIMEOUT_MS
  }
}

interface Exporter<Item> {
  export(items: Item, done: (result: { code: number; error?: Error }) => void): void
}

/** Says in the log what the library keeps to itself: that what was sent did not arrive. */
function told<Item, E extends Exporter<Item>>(exporter: E, log: Log, what: string): E {
  const send = exporter.export.bind(exporter)
  exporter.export = (items, done) =>
    send(items, result => {
      if (result.code !== OK) {
        const why = result.error?.message ?? 'no reason was given'
        log.warn({ why: holdsSecret(why) ? 'withheld' : why.slice(0, 200) }, `${what} were not taken by the collector`)
      }
      done(result)
    })
  return exporter
}

async function optional<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (thrown) {
    const { code } = thrown as { code?: unknown }
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw thrown
    throw new Error(
      'telemetry.otlp needs OpenTelemetry; run "npm install @opentelemetry/api @opentelemetry/resources @opentelemetry/sdk-trace @opentelemetry/sdk-metrics @opentelemetry/exporter-trace-otlp-http @opentelemetry/exporter-metrics-otlp-http" where Gatehouse is installed'
    )
  }
}

export class Otel {
  readonly #settings: OtlpSettings
  readonly #resource: Resource
  readonly #rooms: OtelRooms
  readonly #spans: BatchSpanProcessor | undefined
  readonly #meters: Meters | undefined
  readonly #labels = new Labels()

  constructor(
    settings: OtlpSettings,
    resource: Resource,
    rooms: OtelRooms,
    spans: BatchSpanProcessor | undefined,
    meters: Meters | undefined
  ) {
    this.#settings = settings
    this.#resource = resource
    this.#rooms = rooms
    this.#spans = spans
    this.#meters = meters
  }

  add(record: TelemetryRecord): void {
    if (this.#spans) for (const span of spansOf(record, this.#settings)) this.#spans.onEnd(this.#finished(span))
    if (this.#meters) this.#measure(record, this.#meters.instruments)
  }

  /** What is gathered is sent, as far as the collector takes it. */
  async close(): Promise<void> {
    const closing = await Promise.allSettled([this.#spans?.shutdown(), this.#meters?.close()])
    for (const each of closing) {
      if (each.status === 'rejected') {
        this.#rooms.log.warn({ why: Failure.from(each.reason).message }, 'the last telemetry was not sent')
      }
    }
  }

  #measure({ operation, stream, totalMs, failure, tries }: TelemetryRecord, instruments: Instruments): void {
    const seconds = (ms: number) => Math.max(0, ms) / MS_PER_S
    const called = { 'gen_ai.operation.name': operation, ...(failure && { 'error.type': failure.code }) }
    this.#record(instruments, 'gen_ai.server.request.duration', seconds(totalMs), called)
    for (const [index, one] of tries.entries()) {
      const of = this.#ofAttempt(operation, one)
      const { startMs, endMs, firstTokenMs, usage, costNano } = one
      const error = one.failure && { 'error.type': one.failure }
      if (endMs !== undefined) {
        this.#record(instruments, 'gen_ai.client.operation.duration', seconds(endMs - startMs), { ...of, ...error })
      }
      if (stream && firstTokenMs !== undefined) {
        this.#record(instruments, 'gen_ai.client.operation.time_to_first_chunk', seconds(firstTokenMs - startMs), of)
      }
      for (const [type, tokens] of [
        ['input', usage?.inputTokens],
        ['output', usage?.outputTokens]
      ] as const) {
        if (tokens) this.#record(instruments, 'gen_ai.client.token.usage', tokens, { ...of, 'gen_ai.token.type': type })
      }
      if (costNano) this.#record(instruments, 'gatehouse.cost.usd', usd(costNano)!, of)
      const before = tries[index - 1]
      if (before?.failure !== undefined && targetOf(before) !== targetOf(one)) {
        const from = { 'gatehouse.fallback.from': this.#labels.target(before).deployment, 'error.type': before.failure }
        this.#record(instruments, 'gatehouse.fallbacks', 1, from)
      }
    }
  }

  #ofAttempt(operation: string, one: TelemetryTry): Attributes {
    const { provider, model } = this.#labels.target(one)
    return {
      'gen_ai.operation.name': operation,
      'gen_ai.provider.name': providerName(provider),
      'gen_ai.request.model': model
    }
  }

  #record(instruments: Instruments, name: Meter, value: number, attributes: Attributes): void {
    const instrument = instruments.get(name)
    if (!instrument) return
    const isOff = this.#settings.conventions === 'off'
    const said = Object.fromEntries(Object.entries(attributes).filter(([each]) => !(isOff && isConvention(each))))
    if ('add' in instrument) instrument.add(value, said)
    else instrument.record(value, said)
  }

  /** A span as the library has it once it is over: it is not asked to make any, so nothing of it runs during a call. */
  #finished(span: SpanData): ReadableSpan {
    const context = (spanId: string, isRemote: boolean) => ({
      traceId: span.traceId,
      spanId,
      traceFlags: SAMPLED,
      isRemote
    })
    return {
      name: span.name,
      kind: KINDS[span.kind],
      spanContext: () => context(span.spanId, false),
      ...(span.parentSpanId !== undefined && {
        parentSpanContext: context(span.parentSpanId, span.hasRemoteParent)
      }),
      startTime: hrTime(span.startMs),
      endTime: hrTime(span.endMs),
      duration: hrTime(span.endMs - span.startMs),
      status: span.error === undefined ? { code: UNSET } : { code: ERROR, message: span.error },
      attributes: span.attributes,
      links: [],
      events: span.events.map(({ name, atMs, attributes }) => ({ name, time: hrTime(atMs), attributes })),
      ended: true,
      resource: this.#resource,
      instrumentationScope: { name: SCOPE, version: this.#rooms.version },
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0
    }
  }
}

/** Seconds and nanoseconds. */
function hrTime(ms: number): HrTime {
  const seconds = Math.floor(ms / MS_PER_S)
  const nanos = Math.min(Math.round((ms - seconds * MS_PER_S) * NS_PER_MS), MS_PER_S * NS_PER_MS - 1)
  return [seconds, nanos]
}
