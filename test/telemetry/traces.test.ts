import assert from 'node:assert/strict'
import test, { after, beforeEach } from 'node:test'
import fc from 'fast-check'
import { createLog } from '../../src/log.ts'
import { Secret } from '../../src/secret.ts'
import { CONVENTIONS_VERSION, EVENT_ATTRIBUTES, METERS, SPAN_ATTRIBUTES } from '../../src/telemetry/names.ts'
import { type OtlpSettings, openOtel } from '../../src/telemetry/otel.ts'
import { isSampled, spansOf, traceIdOf, traceparentFor } from '../../src/telemetry/spans.ts'
import { checkTree, startCollector, type TakenSpan } from './collector.ts'
import { CLIENT_TRACE, EVERYTHING, OVER_AT_MS, recordOf } from './records.ts'

const collector = await startCollector()
const lines: string[] = []
const log = createLog({ level: 'info', format: 'json', to: { write: line => void lines.push(line) } })

const settings: OtlpSettings = {
  endpoint: `${collector.url}/otel/`,
  headers: { authorization: new Secret('Basic canary-of-the-collector') },
  traces: true,
  metrics: true,
  everyMs: 60_000,
  sample: 1,
  conventions: 'gen_ai_latest',
  content: false,
  propagate: false,
  resource: { 'deployment.environment.name': 'test' }
}

after(() => collector.close())
beforeEach(() => {
  for (const list of [collector.spans, collector.faults, collector.headers, lines]) list.splice(0)
  collector.metrics.clear()
})

async function send(records = [recordOf()], changes: Partial<OtlpSettings> = {}): Promise<TakenSpan[]> {
  const otel = await openOtel({ ...settings, ...changes }, { log, version: '1.2.3', instance: 'one' })
  for (const record of records) otel.add(record)
  await otel.close()
  assert.deepEqual(collector.faults, [])
  return collector.spans
}

test('a call with two failed attempts, guards and a fallback, span by span', async () => {
  const spans = await send()
  checkTree(spans)
  const [call, asked, answered, first, second, third] = spans as [
    TakenSpan,
    TakenSpan,
    TakenSpan,
    TakenSpan,
    TakenSpan,
    TakenSpan
  ]
  assert.equal(spans.length, 6)
  assert.ok(spans.every(({ traceId }) => traceId === CLIENT_TRACE.traceId))
  assert.equal(call.parentSpanId, CLIENT_TRACE.spanId)
  assert.ok(spans.slice(1).every(({ parentSpanId }) => parentSpanId === call.spanId))
  assert.deepEqual(
    spans.map(({ kind, name }) => `${kind} ${name}`),
    [
      'server gatehouse chat',
      'internal gatehouse.guardrail',
      'internal gatehouse.guardrail',
      'client chat gpt-6',
      'client chat gpt-6',
      'client chat claude-sonnet-5'
    ]
  )
  const beganMs = OVER_AT_MS - 1_000
  const msOf = ({ fromNs, toNs }: TakenSpan) =>
    [fromNs, toNs].map(ns => Math.round(Number(ns - BigInt(beganMs * 4) * 250_000n) / 1e5) / 10)
  assert.deepEqual(spans.map(msOf), [
    [0, 1_000],
    [2, 12],
    [700, 1_000],
    [20, 220],
    [300, 400],
    [400, 990]
  ])
  assert.deepEqual(
    spans.map(({ error }) => error),
    [undefined, undefined, undefined, 'server_error', 'rate_limited', undefined]
  )
  assert.equal(call.attributes['gatehouse.attempts'], 3)
  assert.equal(call.attributes['gatehouse.route'], 'smart')
  assert.equal(call.attributes['gatehouse.cost.usd'], 0.0025)
  assert.deepEqual(asked.attributes['gatehouse.guard.names'], ['pii', 'words'])
  assert.equal(asked.attributes['gatehouse.guard.findings'], 2)
  assert.deepEqual(
    asked.events.map(({ attributes }) => attributes['gatehouse.guard.action']),
    ['mask']
  )
  assert.equal(answered.attributes['gatehouse.guard.side'], 'response')
  assert.equal(first.attributes['error.type'], 'server_error')
  assert.equal(first.attributes['gatehouse.fallback.from'], undefined)
  assert.equal(second.attributes['error.type'], 'rate_limited')
  assert.equal(second.attributes['gatehouse.fallback.from'], undefined)
  assert.deepEqual(
    { ...third.attributes, 'gatehouse.attempt.id': 0 },
    {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-sonnet-5',
      'gen_ai.request.stream': true,
      'gen_ai.conversation.id': 's-1',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.response.time_to_first_chunk': 0.3,
      'gen_ai.usage.input_tokens': 120,
      'gen_ai.usage.output_tokens': 30,
      'gen_ai.usage.cache_read.input_tokens': 100,
      'gen_ai.usage.cache_creation.input_tokens': 10,
      'gen_ai.usage.reasoning.output_tokens': 5,
      'gatehouse.attempt': 3,
      'gatehouse.attempt.id': 0,
      'gatehouse.fallback.from': 'openai/gpt-6',
      'gatehouse.outcome': 'done',
      'gatehouse.cost.usd': 0.0025
    }
  )
  assert.equal(collector.resource['service.instance.id'], 'one')
  assert.equal(collector.resource['deployment.environment.name'], 'test')
  assert.equal(collector.headers[0]!.authorization, 'Basic canary-of-the-collector')
})

test('every attribute that is documented is sent, and nothing else is', async () => {
  const spans = await send([...EVERYTHING], { content: true })
  checkTree(spans)
  const sent = new Set(spans.flatMap(({ attributes }) => Object.keys(attributes)))
  assert.deepEqual([...sent].sort(), Object.keys(SPAN_ATTRIBUTES).sort())
  const ofEvents = new Set(spans.flatMap(({ events }) => events.flatMap(({ attributes }) => Object.keys(attributes))))
  assert.deepEqual([...ofEvents].sort(), Object.keys(EVENT_ATTRIBUTES).sort())
  for (const { kind, name, attributes } of spans) {
    const on =
      kind === 'server' ? 'call' : kind === 'client' ? 'attempt' : name.split('.')[1]!.replace('guardrail', 'guard')
    for (const each of Object.keys(attributes)) {
      const facts = SPAN_ATTRIBUTES[each as keyof typeof SPAN_ATTRIBUTES]
      assert.ok((facts.on as readonly string[]).includes(on), `${each} on a span of a ${on}`)
    }
  }
  assert.equal(CONVENTIONS_VERSION, '1.41.1')
})

test('every metric that is documented is sent, with its attributes, and nothing else is', async () => {
  await send([...EVERYTHING])
  assert.deepEqual([...collector.metrics.keys()].sort(), Object.keys(METERS).sort())
  for (const [name, { attributes }] of Object.entries(METERS)) {
    const sent = new Set(collector.metrics.get(name)!.points.flatMap(point => Object.keys(point.attributes)))
    assert.deepEqual([...sent].sort(), [...attributes].sort(), name)
  }
  const tokens = collector.metrics.get('gen_ai.client.token.usage')!.points
  const ofOutput = tokens.find(({ attributes }) => attributes['gen_ai.token.type'] === 'output')
  assert.equal(ofOutput?.sum, 30 * 4)
})

test('without the conventions nothing of them is sent', async () => {
  const spans = await send([...EVERYTHING], { conventions: 'off', content: true })
  const names = [...spans.flatMap(({ attributes }) => Object.keys(attributes)), ...collector.metrics.keys()]
  assert.ok(names.length > 0)
  assert.deepEqual(
    names.filter(name => name.startsWith('gen_ai.')),
    []
  )
})

test('what was said goes along only where it was asked for, and only of calls that are kept whole', async () => {
  const kept = EVERYTHING.at(-1)!
  const withContent = (spans: TakenSpan[]) => spans.filter(({ attributes }) => 'gen_ai.input.messages' in attributes)
  assert.equal(withContent(await send([kept])).length, 0)
  const redacted = { ...kept, capture: { ...kept.capture!, level: 'redacted' } }
  assert.equal(withContent(await send([redacted], { content: true })).length, 0)
  collector.spans.splice(0)
  const [answer, ...more] = withContent(await send([kept], { content: true }))
  assert.equal(more.length, 0)
  assert.deepEqual(JSON.parse(String(answer!.attributes['gen_ai.input.messages'])), [
    { role: 'system', parts: [{ type: 'text', content: 'Be brief.' }] },
    { role: 'user', parts: [{ type: 'text', content: 'Hello' }] }
  ])
  assert.deepEqual(JSON.parse(String(answer!.attributes['gen_ai.output.messages'])), [
    { role: 'assistant', parts: [{ type: 'text', content: 'Hi' }] }
  ])
})

test('a trace is kept as its caller decided; else by its share, the same everywhere', () => {
  const trace = (sampled: boolean) => ({ app: undefined, trace: { ...CLIENT_TRACE, sampled } })
  assert.deepEqual(spansOf(recordOf({ client: trace(false) }), { ...settings, sample: 1 }), [])
  assert.equal(spansOf(recordOf({ client: trace(true) }), { ...settings, sample: 0 }).length, 6)
  const alone = { app: undefined, trace: undefined }
  let kept = 0
  for (let each = 0; each < 2_000; each++) {
    if (spansOf(recordOf({ id: `call-${each}`, client: alone }), { ...settings, sample: 0.25 }).length > 0) kept++
  }
  assert.ok(Math.abs(kept / 2_000 - 0.25) < 0.05, `${kept} of 2000`)
  fc.assert(
    fc.property(fc.uuid(), fc.double({ min: 0, max: 1, noNaN: true }), (id, share) => {
      const traceId = traceIdOf({ id, client: alone })
      assert.equal(isSampled(traceId, undefined, 1), true)
      if (isSampled(traceId, undefined, share))
        assert.equal(isSampled(traceId, undefined, Math.min(1, share * 1.1)), true)
    })
  )
})

test('a provider can be told of the span of its attempt before it is sent', async () => {
  const spans = await send()
  const last = spans.at(-1)!
  assert.equal(traceparentFor(recordOf(), recordOf().tries[2]!.id, settings), `00-${last.traceId}-${last.spanId}-01`)
})

test('a collector that refuses is told of in the log, without what it was sent', async () => {
  collector.statuses.push(403, 403)
  await send()
  const refused = lines.filter(line => line.includes('were not taken by the collector'))
  assert.equal(refused.length, 2)
  assert.doesNotMatch(lines.join(''), /canary/)
})
