import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Secret } from '../../src/secret.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'
import { type Collector, checkTree, startCollector, type TakenSpan } from '../telemetry/collector.ts'

const ADMIN = new Secret('gh_admin_test-of-telemetry')
const TRACE = { traceId: '4bf92f3577b34da6a3ce929d0e0e4736', spanId: '00f067aa0ba902b7' }

let collector: Collector
let lab: TestGateway

before(async () => {
  collector = await startCollector()
  lab = await startTestGateway({
    adminToken: ADMIN,
    providers: `  flaky: { like: openai, base_url: "SIM/v1", keys: [sk-sim-flaky], allow_private: ["127.0.0.0/8"] }`,
    yaml: `
guards:
  pii: { check: pii, on: [request], action: flag, always: true }
routes:
  smart: { to: { fallback: ["flaky/sim/503", openai/echo] } }
telemetry:
  otlp: { endpoint: "${collector.url}", every: 1s, headers: { x-collector: secret-of-the-collector } }
`
  })
})

after(async () => {
  await lab.close()
  await collector.close()
})

async function call(stream: boolean): Promise<Response> {
  const answer = await fetch(`${lab.gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', traceparent: `00-${TRACE.traceId}-${TRACE.spanId}-01` },
    body: JSON.stringify({ model: 'smart', stream, messages: [{ role: 'user', content: 'Write to ada@example.com' }] })
  })
  await answer.text()
  return answer
}

for (const stream of [false, true]) {
  test(`the trace of a call${stream ? ' for a stream' : ''} with two failed attempts, a guard and a fallback`, async () => {
    collector.spans.splice(0)
    assert.equal((await call(stream)).status, 200)
    await until(() => collector.spans.length >= 5, 'the spans come')
    assert.deepEqual(collector.faults, [])
    const spans = collector.spans.toSorted((one, other) => (one.fromNs < other.fromNs ? -1 : 1))
    checkTree(spans)
    const [server, guard, first, second, third] = spans as [TakenSpan, TakenSpan, TakenSpan, TakenSpan, TakenSpan]
    assert.equal(spans.length, 5)
    assert.deepEqual(
      spans.map(({ kind, name, error }) => [kind, name, error]),
      [
        ['server', 'gatehouse chat', undefined],
        ['internal', 'gatehouse.guardrail', undefined],
        ['client', 'chat sim/503', 'overloaded'],
        ['client', 'chat sim/503', 'overloaded'],
        ['client', 'chat echo', undefined]
      ]
    )
    assert.deepEqual([server.traceId, server.parentSpanId], [TRACE.traceId, TRACE.spanId])
    assert.equal(server.attributes['gatehouse.attempts'], 3)
    assert.equal(guard.events[0]?.attributes['gatehouse.guard.action'], 'flag')
    assert.deepEqual(
      [first, second, third].map(({ attributes }) => attributes['gatehouse.attempt']),
      [1, 2, 3]
    )
    assert.ok(first.toNs <= second.fromNs && second.toNs <= third.fromNs)
    assert.equal(third.attributes['gatehouse.fallback.from'], 'flaky/sim/503')
    assert.ok(Number(third.attributes['gen_ai.usage.output_tokens']) > 0)
    assert.equal(stream, 'gen_ai.response.time_to_first_chunk' in third.attributes)
    assert.doesNotMatch(JSON.stringify(collector.spans.map(({ attributes }) => attributes)), /ada@|sk-sim|secret-of/)
  })
}

test('/metrics is on the main port, for who has the admin token', async () => {
  const metrics = (authorization?: string) =>
    fetch(`${lab.gateway.url}/metrics`, { headers: { ...(authorization !== undefined && { authorization }) } })
  assert.equal((await metrics()).status, 401)
  const answer = await metrics(`Bearer ${ADMIN.reveal()}`)
  assert.equal(answer.status, 200)
  const text = await answer.text()
  assert.match(text, /gatehouse_attempts_total\{provider="flaky",deployment="flaky\/sim\/503",outcome="overloaded"\} 4/)
  assert.match(
    text,
    /gatehouse_requests_total\{route="smart",provider="openai",model="echo",stream="true",status_class="2xx"\} 1/
  )
  assert.match(text, /gatehouse_config_info\{hash="[^"]+"\} 1/)
})

test('metrics are sent too', async () => {
  await until(() => collector.metrics.has('gen_ai.client.operation.duration'), 'the metrics come')
  assert.deepEqual(collector.faults, [])
})
