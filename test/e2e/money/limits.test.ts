/** Limits on requests, tokens and calls in flight: what is left is said, and who waits as told is let in. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { type Answer, begin, open, send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import { startLab, tokensOf } from './support.ts'

const YAML = `
keys:
  - { name: free, key: key-free }
  - { name: day, key: key-day }
  - { name: tokens, key: key-tokens }
  - { name: one, key: key-one }
  - { name: brisk, key: key-brisk, tags: [brisk] }
routes:
  either: { fallback: [lab/rare, dear/assistant] }
rate_limits:
  - { scope: { key: day }, requests: 1000/day }
  - { scope: { key: day }, tokens: 100M/day }
  - { scope: { key: tokens }, tokens: 100k/day }
  - { scope: { key: one }, calls: 1 }
  - { scope: { tag: brisk }, requests: 4/second, burst: 1 }
  - { scope: { model: rare }, requests: 2/day, burst: 1 }
`

let at: TestGateway

before(async () => {
  at = await startLab(YAML)
})
after(() => at?.close())

const messages = [{ role: 'user' as const, content: 'tell me' }]
const asking = (key: string, more = {}) => ({
  headers: { authorization: `Bearer key-${key}` },
  body: { model: 'lab/assistant', messages, max_tokens: 64, ...more }
})
const path = '/v1/chat/completions'
const chat = (key: string, more = {}) => send(at.gateway.url + path, asking(key, more))
const remaining = ({ headers }: Answer, unit: string) => Number(headers[`x-ratelimit-remaining-${unit}`])

describe('what is left of a limit', () => {
  test('is said with every answer, whole and streamed, and is ours', async () => {
    for (const stream of [false, true]) {
      const { headers } = await chat('day', { stream })
      assert.equal(headers['x-ratelimit-limit-requests'], '1000')
      assert.equal(headers['x-ratelimit-limit-tokens'], '100000000')
      assert.match(headers['x-ratelimit-reset-requests'] ?? '', /^\d+(?:\.\d+)?s$/)
    }
  })

  test('falls by one for each request', async () => {
    const [first, second] = [await chat('day'), await chat('day')]
    assert.equal(remaining(second, 'requests'), remaining(first, 'requests') - 1)
  })

  test('who has no limit is told of none', async () => {
    const { headers } = await chat('free')
    const ours = Object.keys(headers).filter(name => name.startsWith('x-ratelimit') || name.includes('budget'))
    assert.deepEqual(ours, [])
  })

  test('tokens fall by what was used, not by what was feared', async () => {
    at.seen()
    const [first, second] = [await chat('tokens'), await chat('tokens', { stream: true })]
    const third = await chat('tokens')
    const used = at.seen().map(entry => tokensOf(entry).input + tokensOf(entry).output)
    // 100,000 a day are a little more than one a second that come back.
    const near = (found: number, wanted: number) => assert.ok(Math.abs(found - wanted) <= 3, `${found}, not ${wanted}`)
    near(remaining(first, 'tokens') - remaining(second, 'tokens'), used[0]!)
    near(remaining(second, 'tokens') - remaining(third, 'tokens'), used[1]!)
  })
})

describe('one too many', () => {
  test('is told when to come back, and the official clients do', async () => {
    const openai = new OpenAI({ apiKey: 'key-brisk', baseURL: `${at.gateway.url}/v1`, maxRetries: 2 })
    const anthropic = new Anthropic({ apiKey: 'key-brisk', baseURL: at.gateway.url, maxRetries: 2 })
    const refused = () => at.lines.filter(line => line.code === 'rate_limited_here').length
    const before = refused()
    for (let call = 0; call < 2; call++) {
      await openai.chat.completions.create({ model: 'lab/assistant', messages, max_tokens: 9 })
      await anthropic.messages.create({ model: 'lab/assistant', messages, max_tokens: 9 })
    }
    assert.ok(refused() > before, 'they were too fast')
    const answers = [await chat('brisk'), await chat('brisk')]
    const { headers, status, text } = answers.find(answer => answer.status !== 200)!
    assert.equal(status, 429, text)
    assert.equal(headers['retry-after'], '1')
    assert.ok(Number(headers['retry-after-ms']) > 0 && Number(headers['retry-after-ms']) <= 250)
    assert.notEqual(headers['x-should-retry'], 'false')
  })

  test('a limit of the model: the route goes on, a direct call is refused', async () => {
    at.seen()
    const first = await chat('free', { model: 'lab/rare' })
    assert.equal(first.status, 200, first.text)
    const direct = await chat('free', { model: 'lab/rare' })
    assert.equal(direct.status, 429, direct.text)
    const other = await chat('free', { model: 'either' })
    assert.equal(other.headers['x-gatehouse-provider'], 'dear', other.text)
    assert.deepEqual(
      at.seen().map(({ model }) => model),
      ['rare', 'assistant']
    )
  })
})

describe('a place among the calls in flight', () => {
  const words = (pace: number) => ({
    stream: true,
    max_tokens: 4_000,
    messages: [{ role: 'user', content: `[[sim:words=500 pace=${pace}]]` }]
  })
  const isFree = async () => {
    const { status } = await chat('one')
    return status === 200
  }

  test('is given back when the call ends: well, badly, or because its client left', async () => {
    assert.ok(await isFree())
    assert.ok(await isFree())
    for (const model of ['lab/503', 'lab/reset', 'lab/cut-after-3', 'lab/garbled-event', 'lab/no-such-model']) {
      for (const stream of [false, true]) await chat('one', { model, stream })
      assert.ok(await isFree(), `after ${model}`)
    }
    const answer = await open(at.gateway.url + path, asking('one', words(20)))
    await answer.untilText(/data: /)
    assert.equal(await isFree(), false)
    answer.leave()
    await until(() => at.gateway.open.calls === 0, 'the call is over')
    assert.ok(await isFree())
  })

  test('a client that leaves before the head gives it back too', async () => {
    at.seen()
    const outgoing = begin(at.gateway.url + path, asking('one', { model: 'lab/slow-head-5000', stream: true }))
    await until(() => at.seen().length === 1, 'the provider is asked')
    assert.equal(await isFree(), false)
    outgoing.destroy()
    await until(() => at.gateway.open.calls === 0, 'the call is over')
    assert.ok(await isFree())
  })
})
