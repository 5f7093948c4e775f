import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { EVENT_ATTRIBUTES, METERS, type MeterFacts, SPAN_ATTRIBUTES } from '../../src/telemetry/names.ts'

export interface TakenSpan {
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  name: string
  kind: 'internal' | 'server' | 'client'
  fromNs: bigint
  toNs: bigint
  attributes: Record<string, unknown>
  events: { name: string; attributes: Record<string, unknown> }[]
  error: string | undefined
}

export interface TakenMetric {
  name: string
  unit: string
  points: { attributes: Record<string, unknown>; count: number; sum: number }[]
}

export interface Collector {
  url: string
  spans: TakenSpan[]
  metrics: Map<string, TakenMetric>
  /** Attributes of the resource that was named last. */
  resource: Record<string, unknown>
  headers: Record<string, unknown>[]
  /** What was wrong with what came: a test asks that it is empty. */
  faults: string[]
  /** Status of the next answers; empty: 200. */
  statuses: number[]
  close(): Promise<void>
}

const KINDS: Readonly<Record<number, TakenSpan['kind']>> = { 1: 'internal', 2: 'server', 3: 'client' }

/**
 * A collector that takes OTLP/HTTP in JSON and believes nothing: ids, parents, kinds, times, types of attributes, names
 * that nobody documented. What is wrong is refused with 400 and kept in `faults`.
 */
export async function startCollector(): Promise<Collector> {
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    collector.headers.push(request.headers)
    const status = collector.statuses.shift()
    if (status !== undefined) return void response.writeHead(status).end('{}')
    try {
      assert.equal(request.method, 'POST')
      assert.equal(request.headers['content-type'], 'application/json')
      const message = JSON.parse(Buffer.concat(chunks).toString())
      if (request.url?.endsWith('/v1/traces')) takeTraces(message, collector)
      else if (request.url?.endsWith('/v1/metrics')) takeMetrics(message, collector)
      else assert.fail(`nothing is at ${request.url}`)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    } catch (thrown) {
      collector.faults.push((thrown as Error).message)
      response.writeHead(400).end('{}')
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    metrics: new Map(),
    resource: {},
    headers: [],
    faults: [],
    statuses: [],
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
  return collector
}

/** Parents that are ours must be known, and hold their children. To be asked when all spans have come. */
export function checkTree(spans: readonly TakenSpan[]): void {
  const known = new Map(spans.map(span => [span.spanId, span]))
  assert.equal(known.size, spans.length, 'a span id stands twice')
  for (const span of spans) {
    if (span.kind === 'server') continue
    const parent = span.parentSpanId === undefined ? undefined : known.get(span.parentSpanId)
    assert.ok(parent, `the parent of "${span.name}" is unknown`)
    assert.equal(parent.kind, 'server', `the parent of "${span.name}" is no call`)
    assert.equal(parent.traceId, span.traceId)
    assert.ok(parent.fromNs <= span.fromNs && span.toNs <= parent.toNs, `"${span.name}" is not within its call`)
  }
}

// biome-ignore-start lint/suspicious/noExplicitAny: what comes over the wire is anything until it is checked.
function takeTraces(message: any, collector: Collector): void {
  for (const { resource, scopeSpans } of list(message.resourceSpans, 'resourceSpans')) {
    collector.resource = attributesOf(resource.attributes, undefined)
    for (const { scope, spans } of list(scopeSpans, 'scopeSpans')) {
      assert.equal(scope.name, 'gatehouse')
      for (const span of list(spans, 'spans')) collector.spans.push(spanOf(span))
    }
  }
}

function spanOf(span: any): TakenSpan {
  assert.match(span.traceId, /^(?!0{32})[0-9a-f]{32}$/, 'trace id')
  assert.match(span.spanId, /^(?!0{16})[0-9a-f]{16}$/, 'span id')
  if (span.parentSpanId !== undefined) assert.match(span.parentSpanId, /^(?!0{16})[0-9a-f]{16}$/, 'parent id')
  assert.notEqual(span.parentSpanId, span.spanId)
  const kind = KINDS[span.kind]
  assert.ok(kind, `no kind of span: ${span.kind}`)
  const fromNs = BigInt(span.startTimeUnixNano)
  const toNs = BigInt(span.endTimeUnixNano)
  assert.ok(fromNs > 0n && fromNs <= toNs, `"${span.name}" ends before it begins`)
  assert.ok([0, 1, 2].includes(span.status.code), 'status')
  const events = list(span.events, 'events').map((event: any) => {
    const atNs = BigInt(event.timeUnixNano)
    assert.ok(fromNs <= atNs && atNs <= toNs, 'an event outside its span')
    return { name: String(event.name), attributes: attributesOf(event.attributes, EVENT_ATTRIBUTES) }
  })
  return {
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    name: span.name,
    kind,
    fromNs,
    toNs,
    attributes: attributesOf(span.attributes, SPAN_ATTRIBUTES),
    events,
    error: span.status.code === 2 ? span.status.message : undefined
  }
}

function takeMetrics(message: any, collector: Collector): void {
  for (const { scopeMetrics } of list(message.resourceMetrics, 'resourceMetrics')) {
    for (const { metrics } of list(scopeMetrics, 'scopeMetrics')) {
      for (const metric of list(metrics, 'metrics')) takeMetric(metric, collector)
    }
  }
}

function takeMetric(metric: any, { metrics }: Collector): void {
  const facts: MeterFacts | undefined = (METERS as Record<string, MeterFacts>)[metric.name]
  assert.ok(facts, `nobody documented the metric ${metric.name}`)
  assert.equal(metric.unit, facts.unit)
  const data = facts.kind === 'histogram' ? metric.histogram : metric.sum
  assert.ok(data, `${metric.name} is no ${facts.kind}`)
  const points = list(data.dataPoints, 'dataPoints').map((point: any) => {
    if (facts.kind === 'histogram') {
      assert.deepEqual(point.explicitBounds, facts.buckets)
      const counts = point.bucketCounts.map(Number)
      assert.equal(counts.length, point.explicitBounds.length + 1)
      assert.equal(
        counts.reduce((sum: number, each: number) => sum + each, 0),
        Number(point.count),
        'buckets that do not add up'
      )
    } else assert.equal(data.isMonotonic, true)
    const attributes = attributesOf(point.attributes, undefined)
    for (const name of Object.keys(attributes)) {
      assert.ok(facts.attributes.includes(name), `nobody documented ${name} on ${metric.name}`)
    }
    const sum = Number(point.sum ?? point.asDouble ?? point.asInt)
    return { attributes, count: Number(point.count ?? 1), sum }
  })
  metrics.set(metric.name, { name: metric.name, unit: metric.unit, points })
}

const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  string: ['stringValue'],
  int: ['intValue'],
  // JavaScript has one kind of number: a whole one goes as an integer.
  double: ['doubleValue', 'intValue'],
  boolean: ['boolValue'],
  'string[]': ['arrayValue']
}

function attributesOf(
  pairs: any,
  known: Readonly<Record<string, { type: string }>> | undefined
): Record<string, unknown> {
  const attributes: Record<string, unknown> = {}
  for (const { key, value } of list(pairs, 'attributes')) {
    assert.ok(!(key in attributes), `${key} stands twice`)
    const [member, ...more] = Object.keys(value)
    assert.ok(member !== undefined && more.length === 0, `${key} has ${more.length + 1} values`)
    if (known) {
      const facts = known[key]
      assert.ok(facts, `nobody documented ${key}`)
      assert.ok(MEMBERS[facts.type]!.includes(member), `${key} is ${member} and not ${facts.type}`)
    }
    attributes[key] =
      member === 'arrayValue'
        ? value.arrayValue.values.map((each: any) => each.stringValue)
        : member === 'intValue'
          ? Number(value.intValue)
          : value[member]
  }
  return attributes
}

function list(value: any, what: string): any[] {
  assert.ok(Array.isArray(value), `${what} is no list`)
  return value
}
// biome-ignore-end lint/suspicious/noExplicitAny: as above.
