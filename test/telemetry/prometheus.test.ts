import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { parse } from 'yaml'
import { createLog } from '../../src/log.ts'
import type { Nano } from '../../src/nano.ts'
import { Secret } from '../../src/secret.ts'
import type { RepeatedCall } from '../../src/stores/rows.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { mayRead } from '../../src/telemetry/metrics-door.ts'
import { type Probe, Prometheus } from '../../src/telemetry/prometheus.ts'
import { Telemetry } from '../../src/telemetry/telemetry.ts'
import { EVERYTHING, recordOf } from './records.ts'

const PROBE: Probe = {
  inFlight: () => 3,
  openStreams: () => 2,
  isOpen: target => target === 'openai/gpt-6',
  budgets: () => [{ budget: 'b-1', remainingNano: 1_500_000_000, reservedNano: 0 }],
  ledgerPending: () => 4,
  journalBytes: () => 5,
  stores: () => [{ store: 'ledger', isOpen: true }],
  loopLagMs: () => 6,
  configDigest: () => 'sha256:abc',
  residentBytes: () => 7
}

const nano = (value: number) => value as Nano

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

function read(text: string): Sample[] {
  return text.split('\n').flatMap(line => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name === undefined || line.startsWith('#')) return []
    const pairs = [...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, text]) => [label, text])
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }]
  })
}

function full(): Prometheus {
  const prometheus = new Prometheus([], PROBE)
  for (const record of EVERYTHING) prometheus.add(record)
  prometheus.shed('loop_lag')
  prometheus.dropped(1)
  return prometheus
}

const baseOf = (name: string) => (name in METRICS ? name : name.replace(/_(?:bucket|sum|count)$/, ''))

test('calls that repeat one count as many calls like it', async () => {
  const hit = recordOf({
    id: 'hit',
    stream: false,
    looks: [],
    verdicts: [],
    tries: [],
    costNano: nano(0),
    firstTokenMs: 0.02,
    totalMs: 0.02,
    waitedMs: 0,
    caching: { result: 'hit', askedMs: [0, 0.01], given: { savedNano: () => nano(5_000_000) } }
  })
  const tookMs = [0.01, 0.02, 0.3, 40]
  const [each, together] = [new Prometheus(['team'], {}), new Prometheus(['team'], {})]
  for (const totalMs of tookMs) each.add({ ...hit, totalMs, firstTokenMs: totalMs })
  together.repeated(hit, tookMs)
  assert.equal(await together.text(), await each.text())
  assert.match(await together.text(), /gatehouse_cache_requests_total\{result="hit"\} 4\n/)
})

test('who takes records alone gets one of each call that repeats another', async () => {
  const taken: string[] = []
  const rooms = { log: createLog({ level: 'silent', format: 'json' }), probe: PROBE, version: '1', instance: 'i' }
  const settings = { prometheus: { listen: undefined, token: undefined, labels: [] }, otlp: undefined }
  const telemetry = await Telemetry.open(settings, rooms, [
    { add: ({ id, totalMs }) => void taken.push(`${id} ${totalMs}`) }
  ])
  const hit = recordOf({ id: 'hit' })
  const made = ([id, atMs, totalMs]: RepeatedCall) => ({ ...hit, id, atMs, totalMs })
  telemetry.repeated(hit, [['a', 1, 0.5]], made)
  telemetry.repeated(
    hit,
    [
      ['b', 2, 1],
      ['c', 3, 2]
    ],
    made
  )
  await telemetry.text()
  assert.deepEqual(taken, ['a 0.5', 'b 1', 'c 2'])
  telemetry.repeated(hit, [['d', 4, 3]], made)
  await telemetry.close()
  assert.equal(taken.at(-1), 'd 3')
})

test('every metric that is documented is there, with its labels, and nothing else is', async () => {
  const samples = read(await full().text())
  assert.deepEqual([...new Set(samples.map(({ name }) => baseOf(name)))].sort(), Object.keys(METRICS).sort())
  for (const [name, { labels }] of Object.entries(METRICS)) {
    const seen = new Set(samples.filter(each => baseOf(each.name) === name).flatMap(each => Object.keys(each.labels)))
    seen.delete('le')
    assert.deepEqual([...seen].sort(), [...labels].sort(), name)
  }
})

test('the counts are those of the calls', async () => {
  const prometheus = new Prometheus([], PROBE)
  prometheus.add(recordOf())
  prometheus.add(recordOf())
  const samples = read(await prometheus.text())
  const value = (name: string, labels: Record<string, string> = {}) =>
    samples
      .filter(
        each => each.name === name && Object.entries(labels).every(([label, text]) => each.labels[label] === text)
      )
      .reduce((sum, each) => sum + each.value, 0)
  assert.equal(value('gatehouse_requests_total', { route: 'smart', provider: 'anthropic', status_class: '2xx' }), 2)
  assert.equal(value('gatehouse_attempts_total', { deployment: 'openai/gpt-6' }), 4)
  assert.equal(value('gatehouse_attempts_total', { outcome: 'rate_limited' }), 2)
  assert.equal(value('gatehouse_fallbacks_total', { from: 'openai/gpt-6', to: 'anthropic/claude-sonnet-5' }), 2)
  assert.equal(value('gatehouse_cost_usd_total', { team: 'search' }), 0.005)
  assert.equal(value('gatehouse_tokens_total'), 2 * 150)
  assert.equal(value('gatehouse_tokens_total', { type: 'input' }), 2 * 10)
  assert.equal(value('gatehouse_tokens_total', { type: 'output' }), 2 * 25)
  assert.equal(value('gatehouse_guardrail_decisions_total', { name: 'pii', action: 'mask' }), 2)
  assert.equal(value('gatehouse_guardrail_decisions_total', { name: 'pii', action: 'pass' }), 2)
  assert.equal(value('gatehouse_ttft_seconds_sum'), 1.4)
  assert.equal(value('gatehouse_overhead_seconds_sum'), 0.04)
  assert.equal(value('gatehouse_deployment_state', { deployment: 'openai/gpt-6' }), 2)
  assert.equal(value('gatehouse_deployment_state', { deployment: 'anthropic/claude-sonnet-5' }), 0)
})

test('no key and no user is a label, unless it was asked for', async () => {
  const text = await full().text()
  assert.doesNotMatch(text, /u-1|s-1|"app"|c-1|a-1/)
  const labelled = new Prometheus(['user', 'app'], {})
  labelled.add(recordOf())
  const asked = read(await labelled.text()).find(({ name }) => name === 'gatehouse_requests_total')!
  assert.deepEqual([asked.labels.user, asked.labels.app], ['u-1', 'codex'])
})

test('whatever clients name, the number of series has an end', async () => {
  const prometheus = new Prometheus(['customer'], {})
  const nonsense = { number: 1, provider: 'openai', startMs: 1, endMs: 2, outcome: 'failed' } as const
  const storm = (from: number) => {
    for (let each = from; each < from + 500; each++) {
      const one = { id: `${each}`, ...nonsense, model: `made-up-${each}` }
      prometheus.add(recordOf({ answered: undefined, tries: [{ ...one, failure: 'no_such_model' }] }))
      prometheus.add(recordOf({ answered: undefined, tries: [{ ...one, failure: 'server_error' }] }))
      prometheus.add(recordOf({ payers: { customer: `customer-${each}` } }))
    }
  }
  storm(0)
  const samples = read(await prometheus.text())
  storm(500)
  assert.equal(read(await prometheus.text()).length, samples.length)
  const unknown = samples.filter(
    ({ name, labels }) => name === 'gatehouse_attempts_total' && labels.outcome === 'no_such_model'
  )
  assert.ok(unknown.some(({ labels }) => labels.deployment === 'openai/other'))
  assert.ok(samples.some(({ labels }) => labels.customer === 'other'))
})

test('a gauge that nobody can tell is left out', async () => {
  const names = new Set(read(await new Prometheus([], {}).text()).map(({ name }) => name))
  assert.ok(!names.has('gatehouse_ledger_pending'))
})

const log = createLog({ level: 'silent', format: 'json', to: { write: () => {} } })
const rooms = { log, probe: PROBE, version: '1', instance: 'one' }

test('a port of its own answers /metrics alone, and asks for its token', async t => {
  const listen = { host: '127.0.0.1', port: 0 }
  const settings = { prometheus: { listen, token: new Secret('token of metrics'.replaceAll(' ', '-')), labels: [] } }
  const telemetry = await Telemetry.open({ ...settings, otlp: undefined }, rooms)
  t.after(() => telemetry.close())
  telemetry.take(recordOf())
  const at = `http://127.0.0.1:${telemetry.port}`
  const authorization = 'Bearer token-of-metrics'
  const answer = await fetch(`${at}/metrics`, { headers: { authorization } })
  assert.equal(answer.status, 200)
  assert.match(answer.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(await answer.text(), /gatehouse_requests_total\{route="smart"/)
  assert.equal((await fetch(`${at}/metrics`)).status, 401)
  assert.equal((await fetch(`${at}/metrics`, { headers: { authorization: 'Bearer other' } })).status, 401)
  assert.equal((await fetch(`${at}/`, { headers: { authorization } })).status, 404)
  assert.equal((await fetch(`${at}/metrics`, { method: 'POST', headers: { authorization } })).status, 405)
})

test('only a token that is known may read', () => {
  const token = new Secret('right')
  assert.equal(mayRead('Bearer right', [undefined, token]), true)
  assert.equal(mayRead('bearer right', [token]), true)
  for (const wrong of [undefined, '', 'right', 'Bearer', 'Bearer wrong', 'Basic right']) {
    assert.equal(mayRead(wrong, [token]), false)
  }
  assert.equal(mayRead('Bearer undefined', [undefined]), false)
})

test('who takes records may throw, and the others still get theirs; too many at once are counted', async () => {
  const broken = {
    add: () => {
      throw new Error('a fault')
    }
  }
  const prometheus = { listen: undefined, token: undefined, labels: [] }
  const telemetry = await Telemetry.open({ prometheus, otlp: undefined }, rooms, [broken])
  for (let each = 0; each < 2_100; each++) telemetry.take(recordOf({ tries: [] }))
  const samples = read(await telemetry.text())
  const value = (of: string) => samples.filter(({ name }) => name === of).reduce((sum, each) => sum + each.value, 0)
  assert.equal(value('gatehouse_requests_total') + value('gatehouse_telemetry_dropped_total'), 2_100)
  assert.ok(value('gatehouse_requests_total') >= 2_000)
  await telemetry.close()
})

const deployed = (file: string) => readFileSync(new URL(`../../deploy/${file}`, import.meta.url), 'utf8')

test('the dashboard and the alert rules name metrics and labels that there are', () => {
  const dashboard = JSON.parse(deployed('grafana-dashboard.json'))
  const asked: string[] = dashboard.panels.flatMap((panel: { targets?: { expr: string }[] }) =>
    (panel.targets ?? []).map(({ expr }) => expr)
  )
  const rules: string[] = parse(deployed('alert-rules.yaml')).groups.flatMap((group: { rules: { expr: string }[] }) =>
    group.rules.map(({ expr }) => expr)
  )
  assert.ok(asked.length >= 12 && rules.length >= 8)
  for (const expr of [...asked, ...rules]) {
    const names = expr.match(/\b(?:gatehouse|process)_\w+/g) ?? []
    assert.ok(names.length > 0, expr)
    const labels = new Set(['le', 'instance'])
    for (const name of names) {
      const facts = METRICS[baseOf(name) as keyof typeof METRICS]
      assert.ok(facts, `${name} in: ${expr}`)
      if (facts.kind === 'histogram') assert.match(name, /_(?:bucket|sum|count)$/, expr)
      for (const label of facts.labels) labels.add(label)
    }
    const grouped = [...expr.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list]) => list!.split(/,\s*/))
    const matched = [...expr.matchAll(/(\w+)(?:=~|!=|!~|=)"/g)].map(([, label]) => label!)
    for (const label of [...grouped, ...matched]) assert.ok(labels.has(label), `${label} in: ${expr}`)
  }
})
