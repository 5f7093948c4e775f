import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { alertSchema } from '../../src/config/telemetry.ts'
import { createLog } from '../../src/log.ts'
import type { Nano } from '../../src/nano.ts'
import { type Alert, Alerts } from '../../src/telemetry/alerts.ts'
import { Sliding } from '../../src/telemetry/sliding.ts'
import { recordOf } from './records.ts'

const MINUTE_MS = 60_000

/** Alerts under a clock that stands until it is moved, and what they told. */
function watching(...entries: object[]) {
  let nowMs = 1_000_000
  const told: Record<string, unknown>[] = []
  const alerts = new Alerts({
    clock: { monotonicMs: () => nowMs, wallMs: () => Date.UTC(2026, 0, 1) + nowMs },
    log: createLog({ level: 'silent', format: 'json', to: { write: () => {} } }),
    tell: (url, message) => told.push({ url, ...message })
  })
  const parsed: Alert[] = entries.map(entry =>
    alertSchema.parse({ name: 'it', webhook: 'https://hooks.example.com/x', over: '5m', ...entry })
  )
  alerts.use(parsed)
  return {
    alerts,
    parsed,
    events: () => told.splice(0).map(({ event }) => event),
    messages: () => told.splice(0),
    calls(count: number, changes: Parameters<typeof recordOf>[0]) {
      for (let each = 0; each < count; each++) alerts.add(recordOf({ tries: [], ...changes }))
    },
    pass(ms: number) {
      nowMs += ms
      alerts.look()
    }
  }
}

const FAILED = { outcome: 'failed', status: 502 } as const

test('a rate of errors is told of once, again after a window, and when it is over', () => {
  const { calls, pass, events, messages } = watching({ when: 'error_rate', above: '10%' })
  calls(18, {})
  calls(2, FAILED)
  pass(1_000)
  const [begun] = messages()
  assert.deepEqual(
    [begun?.event, begun?.url, begun?.value, begun?.above],
    ['alert.begun', 'https://hooks.example.com/x', 0.1, 0.1]
  )
  pass(MINUTE_MS)
  assert.deepEqual(events(), [])
  calls(20, FAILED)
  pass(4 * MINUTE_MS)
  assert.deepEqual(events(), ['alert.lasting'])
  calls(400, {})
  pass(1_000)
  assert.deepEqual(events(), ['alert.over'])
})

test('what comes and goes is told of once in a window', () => {
  const { calls, pass, events } = watching({ when: 'latency', above: '2s', over: '1m', calls: 1 })
  calls(1, { totalMs: 5_000 })
  pass(1)
  calls(100, { totalMs: 10 })
  pass(1)
  calls(1_000, { totalMs: 5_000 })
  pass(1)
  assert.deepEqual(events(), ['alert.begun', 'alert.over'])
})

test('too few calls say nothing; calls of others, errors of clients and clients that left are no errors', () => {
  const { calls, pass, events } = watching({ when: 'error_rate', above: '10%', of: { team: 'search' } })
  calls(19, FAILED)
  pass(1)
  calls(100, { ...FAILED, payers: { team: 'other' } })
  pass(1)
  assert.deepEqual(events(), [])
  const clients = watching({ when: 'error_rate', above: '10%' })
  clients.calls(50, { outcome: 'failed', status: 400 })
  clients.calls(50, { outcome: 'aborted', status: 499 })
  clients.pass(1)
  assert.deepEqual(clients.events(), [])
})

test('a provider is down although every call was answered by another; one answer ends it', () => {
  const { alerts, pass, messages } = watching({ when: 'provider_down' })
  const down = recordOf().tries.slice(0, 2)
  for (let each = 0; each < 5; each++) alerts.add(recordOf())
  pass(1)
  const [begun, ...more] = messages()
  assert.deepEqual([begun?.event, begun?.provider, begun?.value, more.length], ['alert.begun', 'openai', 1, 0])
  // Its circuit is open, and nobody asks it: that is no sign that it is back.
  pass(30 * MINUTE_MS)
  assert.deepEqual(messages(), [])
  alerts.add(recordOf({ tries: down }))
  pass(1)
  assert.equal(messages()[0]?.event, 'alert.lasting')
  alerts.add(recordOf({ tries: [{ ...down[0]!, outcome: 'done' }] }))
  pass(1)
  assert.deepEqual(
    messages().map(({ event, provider }) => [event, provider]),
    [['alert.over', 'openai']]
  )
})

test('spend, in dollars; and it is over when the window has passed', () => {
  const { calls, pass, messages } = watching({ when: 'spend', above: '$1', over: '1h' })
  calls(4, { costNano: 200_000_000 as Nano })
  pass(1)
  assert.deepEqual(messages(), [])
  calls(1, { costNano: 200_000_000 as Nano })
  pass(1)
  assert.deepEqual(
    messages().map(({ event, value, above }) => [event, value, above]),
    [['alert.begun', 1, 1]]
  )
  pass(62 * MINUTE_MS)
  assert.deepEqual(
    messages().map(({ event }) => event),
    ['alert.over']
  )
})

test('the first content of streams has an alert of its own', () => {
  const { calls, pass, events } = watching({ when: 'first_token', above: '2s', calls: 5 })
  calls(5, { totalMs: 60_000, firstTokenMs: 100 })
  pass(1)
  assert.deepEqual(events(), [])
  calls(5, { totalMs: 60_000, firstTokenMs: 3_000 })
  pass(1)
  assert.deepEqual(events(), ['alert.begun'])
})

test('a budget is told of once in its window, and when that ends', () => {
  const { alerts, pass, events } = watching({ when: 'budget', above: '80%' })
  const reached = { budget: 'b-1', scope: 'team:search', used: '$8', limit: '$10' }
  const resetMs = Date.UTC(2026, 0, 1) + 1_000_000 + MINUTE_MS
  alerts.budgetReached({ ...reached, share: 0.5, resetMs })
  assert.deepEqual(events(), [])
  alerts.budgetReached({ ...reached, share: 0.8, resetMs })
  alerts.budgetReached({ ...reached, share: 1, resetMs })
  assert.deepEqual(events(), ['alert.begun'])
  pass(MINUTE_MS)
  assert.deepEqual(events(), ['alert.over'])
  alerts.budgetReached({ ...reached, share: 0.9, resetMs: resetMs + MINUTE_MS })
  assert.deepEqual(events(), ['alert.begun'])
})

test('a reload keeps what was seen for an alert that stays, and forgets one that is gone', () => {
  const { alerts, parsed, calls, pass, events } = watching({ when: 'error_rate', above: '10%' })
  calls(10, FAILED)
  alerts.use(parsed.map(alert => ({ ...alert })))
  calls(10, FAILED)
  pass(1)
  assert.deepEqual(events(), ['alert.begun'])
  alerts.use([])
  alerts.use(parsed)
  pass(1)
  assert.deepEqual(events(), [])
})

test('a sliding window counts what is in it, and its percentiles are within a tenth', () => {
  const call = fc.record({ atMs: fc.integer({ min: 0, max: 5_000 }), tookMs: fc.integer({ min: 1, max: 100_000 }) })
  fc.assert(
    fc.property(fc.array(call, { minLength: 1, maxLength: 50 }), calls => {
      const window = new Sliding(3_000)
      const sorted = calls.toSorted((one, other) => one.atMs - other.atMs)
      for (const { atMs, tookMs } of sorted) window.add(atMs, { isError: false, costNano: 1, tookMs })
      const nowMs = sorted.at(-1)!.atMs
      const slice = (ms: number) => Math.floor(ms / 100)
      const within = sorted.filter(({ atMs }) => slice(atMs) > slice(nowMs) - 30).map(({ tookMs }) => tookMs)
      const seen = window.seen(nowMs)
      assert.equal(seen.calls, within.length)
      assert.equal(seen.costNano, within.length)
      const exact = within.toSorted((one, other) => one - other)[Math.ceil(within.length * 0.95) - 1]!
      const found = seen.percentileMs(0.95)!
      assert.ok(found >= Math.floor(exact) && found <= exact * 1.1 + 1, `${found} for ${exact}`)
      assert.equal(window.seen(nowMs + 3_100).calls, 0)
    })
  )
})
