/** What a call costs is said with its answer, and is the price of what the provider itself counted. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { usdText } from '../../../src/nano.ts'
import type { Answer } from '../../support/client.ts'
import { open, send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import { callLine, costOf, DEAR, enter, LAB, nameOf, nanoIn, simAs, startLab, WAYS } from './support.ts'

/** US dollars a million tokens, by how the input is cached. */
const CACHED = { input: 10, read: 1, write: 12.5, output: 50 }

const YAML = `
  - provider: cached
    model: "*"
    usd:
      { input_mtok: ${CACHED.input}, cache_read_mtok: ${CACHED.read}, cache_write_mtok: ${CACHED.write}, output_mtok: ${CACHED.output} }
keys: [{ name: team, key: key-team }]
unknown_price: allow
timeouts: { first_token: 300ms, idle: 300ms, idle_content: 300ms, attempt: 300ms }
routes:
  slow-then-dear: { fallback: [lab/slow-first-token-5000, dear/assistant] }
  garbled-then-dear: { fallback: [lab/garbled-event, dear/assistant] }
  busy-then-dear: { fallback: [lab/503, dear/assistant] }
`

let at: TestGateway

before(async () => {
  at = await startLab(YAML, { providers: `${simAs('nobody')}\n${simAs('cached')}` })
})
after(() => at?.close())

const key = 'key-team'
const chat = (model: string, more = {}) =>
  send(`${at.gateway.url}/v1/chat/completions`, {
    headers: { authorization: `Bearer ${key}` },
    body: { model, messages: [{ role: 'user', content: 'tell me' }], max_tokens: 64, ...more }
  })

/** What a stream says of itself in its last comment, before its end. */
function commentIn({ text }: Answer): Record<string, unknown> {
  const said = [...text.matchAll(/^: gatehouse (\{.*\})$/gm)].at(-1)?.[1]
  assert.ok(said, `no comment in ${text}`)
  return JSON.parse(said) as Record<string, unknown>
}

describe('the price of what the provider counted', () => {
  for (const way of WAYS.filter(({ generates }) => generates)) {
    test(`${nameOf(way)}`, async () => {
      at.seen()
      const answer = await enter(at, way, { key })
      assert.equal(answer.status, 200, answer.text)
      const [entry, ...others] = at.seen()
      assert.deepEqual(others, [])
      const nano = costOf(entry!)
      assert.ok(nano > 0)
      if (!way.stream) assert.equal(answer.headers['x-gatehouse-cost-usd'], usdText(nano))
      else {
        assert.equal(answer.headers['x-gatehouse-cost-usd'], undefined, 'nobody knows it when the head goes out')
        // One JSON array has no room for a comment.
        if (answer.headers['content-type']?.startsWith('text/event-stream')) {
          assert.equal(commentIn(answer).cost_usd, usdText(nano))
        }
      }
      assert.equal(callLine(at, answer).costNano, nano)
    })
  }

  test('the word of cost comes before the end marker, which stays the last', async () => {
    const answer = await chat('lab/assistant', { stream: true })
    assert.match(answer.text, /: gatehouse \{[^\n]*"cost_usd":"[\d.]+"[^\n]*\}\n\ndata: \[DONE\]\n\n$/)
  })

  test('what is counted and not generated is free', async () => {
    for (const way of WAYS.filter(({ door }) => door === 'count-tokens')) {
      const answer = await enter(at, way, { key })
      assert.equal(answer.status, 200, answer.text)
      assert.equal(callLine(at, answer).costNano, 0)
    }
  })

  test('cached input is cheaper where the price says so', async () => {
    const system = [{ type: 'text', text: 'word '.repeat(3_000), cache_control: { type: 'ephemeral' } }]
    const ask = () =>
      send(`${at.gateway.url}/v1/messages`, {
        headers: { 'x-api-key': key, 'anthropic-version': '2023-06-01' },
        body: { model: 'cached/assistant', max_tokens: 64, system, messages: [{ role: 'user', content: 'tell me' }] }
      })
    const [written, read] = [await ask(), await ask()]
    for (const answer of [written, read]) {
      assert.equal(answer.status, 200, answer.text)
      const usage = answer.json().usage as Record<string, number>
      const nano =
        1_000 *
        (usage.input_tokens! * CACHED.input +
          usage.cache_read_input_tokens! * CACHED.read +
          usage.cache_creation_input_tokens! * CACHED.write +
          usage.output_tokens! * CACHED.output)
      assert.equal(answer.headers['x-gatehouse-cost-usd'], usdText(nano))
    }
    assert.ok(nanoIn(read.headers['x-gatehouse-cost-usd']) < nanoIn(written.headers['x-gatehouse-cost-usd']) / 5)
  })

  test('what is generated in the background is charged by what it may come to', async () => {
    const answer = await send(`${at.gateway.url}/v1/responses`, {
      headers: { authorization: `Bearer ${key}` },
      body: { model: 'lab/assistant', input: 'tell me', max_output_tokens: 64, store: true, background: true }
    })
    assert.equal(answer.json().status, 'queued')
    assert.ok(nanoIn(answer.headers['x-gatehouse-cost-usd']) >= 64 * LAB.output * 1_000)
  })

  test('nobody knows the price: the answer says nothing, and the log null', async () => {
    const answer = await chat('nobody/assistant')
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-cost-usd'], undefined)
    assert.equal(callLine(at, answer).costNano, null)
  })
})

describe('calls that took more than one attempt', () => {
  // A garbled stream has begun when it breaks: nobody else is asked.
  for (const [model, stream] of [
    ['slow-then-dear', false],
    ['slow-then-dear', true],
    ['garbled-then-dear', false]
  ] as const) {
    test(`${model}, ${stream ? 'stream' : 'whole'}: both are paid for`, async () => {
      at.seen()
      const answer = await chat(model, { stream })
      assert.equal(answer.status, 200, answer.text)
      const nano = nanoIn(stream ? String(commentIn(answer).cost_usd) : answer.headers['x-gatehouse-cost-usd'])
      const entries = at.seen()
      const [last, ...before] = entries.toReversed()
      assert.ok(before.length > 0)
      // Of those before, the provider itself said nothing.
      const exact = costOf(last!, DEAR)
      assert.ok(nano > exact + before.reduce((sum, entry) => sum + costOf(entry) * entry.generated, 0))
      assert.equal(callLine(at, answer).costNano, nano)
    })
  }

  test('an attempt that the provider refused is free', async () => {
    at.seen()
    const answer = await chat('busy-then-dear')
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-cost-usd'], usdText(costOf(at.seen().at(-1)!, DEAR)))
  })

  test('a call that only failed is free where nothing was generated', async () => {
    const answer = await chat('lab/503')
    assert.notEqual(answer.status, 200)
    assert.equal(answer.headers['x-gatehouse-cost-usd'], undefined)
    assert.equal(callLine(at, answer).costNano, 0)
  })
})

describe('streams that were cut', () => {
  test('by their client: the estimate is not below what was generated, nor above what was held', async () => {
    at.seen()
    const body = {
      model: 'lab/assistant',
      stream: true,
      max_tokens: 500,
      messages: [{ role: 'user', content: '[[sim:words=200 pace=5]]' }]
    }
    const answer = await open(`${at.gateway.url}/v1/chat/completions`, {
      headers: { authorization: `Bearer ${key}` },
      body
    })
    await answer.untilText(/(?:data: .*\n\n){20}/)
    answer.leave()
    const id = answer.headers['x-gatehouse-request-id']
    await until(() => at.lines.some(line => line.id === id), 'the line of the call that was left')
    const [entry] = at.seen()
    await until(() => entry!.finish === 'aborted-by-client', 'the provider is left too')
    const { costNano } = at.lines.find(line => line.id === id)!
    const { input, output } = { input: LAB.input * 1_000, output: LAB.output * 1_000 }
    const usage = entry!.usage as Record<string, number>
    const generated = usage.prompt_tokens! * input + Math.round(usage.completion_tokens! * entry!.generated) * output
    assert.ok(entry!.generated > 0 && entry!.generated < 1)
    assert.ok(Number(costNano) >= generated, `${costNano} is below ${generated}`)
    assert.ok(Number(costNano) <= JSON.stringify(body).length * input + 500 * output)
  })

  test('by their provider: the same', async () => {
    at.seen()
    const answer = await chat('lab/cut-after-5', { stream: true, max_tokens: 64 })
    assert.match(answer.text, /"error"/)
    const [entry] = at.seen()
    const usage = entry!.usage as Record<string, number>
    const generated =
      usage.prompt_tokens! * LAB.input * 1_000 +
      Math.round(usage.completion_tokens! * entry!.generated) * LAB.output * 1_000
    assert.ok(Number(callLine(at, answer).costNano) >= generated)
  })
})
