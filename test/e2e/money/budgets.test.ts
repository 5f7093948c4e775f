/** Budgets hold, say why they refuse, and are told by what calls came to. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { ApiError, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { usdText } from '../../../src/nano.ts'
import { Secret } from '../../../src/secret.ts'
import { type Answer, send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { until } from '../../support/until.ts'
import { callLine, costOf, DEAR, LAB, nanoIn, startLab } from './support.ts'

const names = ['poor', 'rich', 'soft', 'boss', 'any', 'short-chat', 'short-responses', 'short-gemini']
/** Room for the first slice of an answer without a cap, and for one or two more. */
const SHORT_USD = 0.12

const YAML = `
keys:
${names.map(name => `  - { name: ${name}, key: key-${name} }`).join('\n')}
  - { name: intern, key: key-intern, parent: boss }
  - { name: grandchild, key: key-grandchild, parent: intern }
routes:
  either: { fallback: [lab/assistant, dear/assistant] }
  cheaper: { fallback: [dear/costly, lab/assistant] }
budgets:
  - { scope: { key: poor }, limit: { usd: "0.000001" }, window: month }
  - { scope: { key: rich }, limit: { usd: 10 }, window: rolling 30d }
  - { scope: { key: soft }, limit: { usd: "0.000001" }, window: day, mode: soft, thresholds: [50%] }
  - { scope: { key: boss }, limit: { requests: 2 }, window: month }
  - { scope: { customer: "*" }, limit: { requests: 1 }, window: day }
  - { scope: { tag: trial-* }, limit: { requests: 1 }, window: day }
  - { scope: { agent: robot }, limit: { requests: 1 }, window: day }
  - { scope: { model: costly }, limit: { usd: "0.000001" }, window: week, time_zone: Europe/Berlin }
${names
  .filter(name => name.startsWith('short'))
  .map(name => `  - { scope: { key: ${name} }, limit: { usd: ${SHORT_USD} }, window: month }`)
  .join('\n')}
`

let at: TestGateway

before(async () => {
  at = await startLab(YAML)
})
after(() => at?.close())

const chat = (key: string, more = {}, headers = {}) =>
  send(`${at.gateway.url}/v1/chat/completions`, {
    headers: { authorization: `Bearer key-${key}`, ...headers },
    body: { model: 'lab/assistant', messages: [{ role: 'user', content: 'tell me' }], max_tokens: 64, ...more }
  })

const messages = [{ role: 'user' as const, content: 'tell me' }]
const setUp = (key: string) => ({
  openai: new OpenAI({ apiKey: `key-${key}`, baseURL: `${at.gateway.url}/v1`, maxRetries: 3 }),
  anthropic: new Anthropic({ apiKey: `key-${key}`, baseURL: at.gateway.url, maxRetries: 3 }),
  google: new GoogleGenAI({ apiKey: `key-${key}`, httpOptions: { baseUrl: at.gateway.url } })
})
const left = (answer: Answer) => nanoIn(answer.headers['x-gatehouse-budget-remaining-usd'])
const cost = (answer: Answer) => nanoIn(answer.headers['x-gatehouse-cost-usd'])

describe('a budget without room', () => {
  test('says whose it is, how large, what is left and when it begins anew', async () => {
    const answer = await chat('poor')
    assert.equal(answer.status, 429)
    const { message } = answer.json().error as Record<string, string>
    assert.match(message!, /key poor, \$0\.000001 a month.*has \$0\.000001 left.*may need \$0\.\d+\./)
    assert.match(message!, /begins anew at \d{4}-\d\d-01T00:00:00\.000Z\.$/)
    assert.equal(answer.headers['x-should-retry'], 'false')
    assert.equal(answer.headers['x-gatehouse-attempts'] ?? '0', '0')
  })

  test('the official clients take it for what it is, and do not try again', async () => {
    const { openai, anthropic, google } = setUp('poor')
    const refusedBefore = () => at.lines.filter(line => line.code === 'budget_exceeded').length
    const asks: [string, () => Promise<unknown>, (thrown: unknown) => boolean][] = [
      [
        'openai, chat',
        () => openai.chat.completions.create({ model: 'lab/assistant', messages, max_tokens: 64 }),
        thrown => thrown instanceof OpenAI.RateLimitError && thrown.code === 'budget_exceeded'
      ],
      [
        'openai, responses',
        () =>
          openai.responses.create({ model: 'lab/assistant', input: 'tell me', max_output_tokens: 64, stream: true }),
        thrown => thrown instanceof OpenAI.RateLimitError && thrown.code === 'budget_exceeded'
      ],
      [
        'anthropic',
        () => anthropic.messages.create({ model: 'lab/assistant', messages, max_tokens: 64, stream: true }),
        thrown => thrown instanceof Anthropic.RateLimitError
      ],
      [
        'google',
        () => google.models.generateContent({ model: 'lab/assistant', contents: 'tell me' }),
        thrown => thrown instanceof ApiError && thrown.status === 429
      ]
    ]
    for (const [name, ask, isIt] of asks) {
      const count = refusedBefore()
      await assert.rejects(ask, thrown => isIt(thrown) || assert.fail(`${name}: ${String(thrown)}`))
      assert.equal(refusedBefore(), count + 1, `${name} asked once`)
    }
    assert.deepEqual(at.seen(), [])
  })

  test('refuses what asks for more than anybody has, in whatever member it is written', async () => {
    at.seen()
    for (const more of [
      { max_tokens: 1e15 },
      { max_tokens: 1e308 },
      { n: 1e15 },
      { max_tokens: 1e9, n: 1e9 },
      // A provider may go by either.
      { max_tokens: 1, max_completion_tokens: 1e9 },
      { max_tokens: 1e9, max_completion_tokens: 1 }
    ]) {
      const answer = await chat('rich', more)
      assert.equal(answer.status, 429, `${JSON.stringify(more)}: ${answer.text}`)
    }
    assert.deepEqual(at.seen(), [])
    // Where nothing is limited it is for the provider to say.
    assert.equal((await chat('any', { max_tokens: 1e15 })).status, 200)
  })

  test('`budget_status` makes it a 402, in every dialect', async t => {
    const other = await startLab(`${YAML}\nbudget_status: 402`)
    t.after(() => other.close())
    const [openai, anthropic] = [
      new OpenAI({ apiKey: 'key-poor', baseURL: `${other.gateway.url}/v1` }),
      new Anthropic({ apiKey: 'key-poor', baseURL: other.gateway.url })
    ]
    const isPaid = ({ status }: { status?: number }) => status === 402
    await assert.rejects(openai.chat.completions.create({ model: 'lab/assistant', messages, max_tokens: 9 }), isPaid)
    await assert.rejects(anthropic.messages.create({ model: 'lab/assistant', messages, max_tokens: 9 }), isPaid)
    const google = new GoogleGenAI({ apiKey: 'key-poor', httpOptions: { baseUrl: other.gateway.url } })
    await assert.rejects(google.models.generateContent({ model: 'lab/assistant', contents: 'tell me' }), isPaid)
    assert.deepEqual(other.seen(), [])
  })
})

describe('what is left', () => {
  test('falls by what each call came to, whole or streamed', async () => {
    const [first, second, third] = [await chat('rich'), await chat('rich', { stream: true }), await chat('rich')]
    assert.ok(left(second) < left(first))
    // Each says it beside its own hold, which is as large for the same body.
    assert.equal(left(third), left(first) - cost(first) - Number(callLine(at, second).costNano))
  })

  test('a soft budget is told, and refuses nobody', async () => {
    for (let call = 0; call < 2; call++) assert.equal((await chat('soft')).status, 200)
    const told = at.lines.filter(line => String(line.msg).startsWith('a budget has reached'))
    assert.ok(
      told.some(line => line.scope === 'key:soft' && line.share === 0.5),
      JSON.stringify(told)
    )
  })
})

describe('whose budget it is', () => {
  test('a key that was made from another pays from its budget too, at any remove', async () => {
    assert.equal((await chat('boss')).status, 200)
    assert.equal((await chat('grandchild')).status, 200)
    for (const key of ['boss', 'intern', 'grandchild']) {
      const answer = await chat(key)
      assert.equal(answer.status, 429, key)
      assert.match(answer.text, /key boss, 2 requests a month/)
    }
  })

  test('a pattern is a budget for each name that matches', async () => {
    const as = (user: string) => chat('any', { user })
    assert.deepEqual([(await as('ann')).status, (await as('bob')).status], [200, 200])
    assert.deepEqual([(await as('ann')).status, (await as('bob')).status, (await as('eve')).status], [429, 429, 200])
    assert.equal((await chat('any')).status, 200, 'who names nobody is nobody')
  })

  test('the customer of an Anthropic client, the tag and the agent of our own header', async () => {
    const twice = async (ask: () => Promise<Answer>) => [(await ask()).status, (await ask()).status]
    const headed = (metadata: object) => () => chat('any', {}, { 'x-gatehouse-metadata': JSON.stringify(metadata) })
    assert.deepEqual(await twice(headed({ tags: ['trial-7'] })), [200, 429])
    assert.deepEqual(await twice(headed({ agent: 'robot' })), [200, 429])
    assert.deepEqual(await twice(headed({ customer: 'joe' })), [200, 429])
    const anthropic = () =>
      send(`${at.gateway.url}/v1/messages`, {
        headers: { 'x-api-key': 'key-any', 'anthropic-version': '2023-06-01' },
        body: { model: 'lab/assistant', max_tokens: 9, messages, metadata: { user_id: 'kim' } }
      })
    assert.deepEqual(await twice(anthropic), [200, 429])
  })

  test('where a budget is about a model, a route goes on to the next one', async () => {
    at.seen()
    const answer = await chat('any', { model: 'cheaper' })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-model'], 'assistant')
    assert.equal(answer.headers['x-gatehouse-attempts'], '1', 'nobody asked the other one')
    assert.equal(cost(answer), costOf(at.seen()[0]!, LAB))
    assert.equal((await chat('any', { model: 'dear/costly' })).status, 429)
    assert.deepEqual(at.seen(), [])
  })
})

describe('an answer without a cap', () => {
  const text = '[[sim:words=20000]] at length'
  /** What the books say of the call that was cut. */
  const judge = async (key: string) => {
    await until(() => at.lines.some(line => line.msg === 'call' && line.key === key), 'its line')
    const { costNano, outcome } = at.lines.findLast(line => line.msg === 'call' && line.key === key)!
    assert.equal(outcome, 'done')
    assert.ok(Number(costNano) <= SHORT_USD * 1e9, `${usdText(Number(costNano))} is over the budget`)
    const [entry] = at.seen()
    await until(() => entry!.finish !== 'open', 'the provider is told to stop')
    assert.equal(entry!.finish, 'aborted-by-client')
    assert.ok(entry!.generated < 1)
  }

  test('OpenAI chat: ends as `length` where its budget does, and the client takes it for complete', async () => {
    at.seen()
    const { openai } = setUp('short-chat')
    const stream = openai.chat.completions.stream({
      model: 'lab/assistant',
      messages: [{ role: 'user', content: text }]
    })
    const { choices } = await stream.finalChatCompletion()
    assert.equal(choices[0]!.finish_reason, 'length')
    assert.ok(choices[0]!.message.content!.length > 3_000)
    await judge('short-chat')
  })

  test('OpenAI responses: is incomplete for `max_output_tokens`', async () => {
    at.seen()
    const { openai } = setUp('short-responses')
    const response = await openai.responses
      .stream({ model: 'lab/assistant', input: text, store: false })
      .finalResponse()
    assert.equal(response.status, 'incomplete')
    assert.equal(response.incomplete_details?.reason, 'max_output_tokens')
    assert.ok(response.output_text.length > 3_000)
    await judge('short-responses')
  })

  test('Gemini: finishes with MAX_TOKENS', async () => {
    at.seen()
    const { google } = setUp('short-gemini')
    let [said, finish] = ['', '']
    for await (const chunk of await google.models.generateContentStream({ model: 'lab/assistant', contents: text })) {
      said += chunk.text ?? ''
      finish = chunk.candidates?.[0]?.finishReason ?? finish
    }
    assert.equal(finish, 'MAX_TOKENS')
    assert.ok(said.length > 3_000)
    await judge('short-gemini')
  })

  test('Anthropic always has one: too large a cap is refused, a fitting one is not', async () => {
    const { anthropic } = setUp('short-chat')
    const stream = (max_tokens: number) =>
      anthropic.messages.stream({ model: 'dear/assistant', messages, max_tokens }).finalMessage()
    await assert.rejects(stream(100_000), Anthropic.RateLimitError)
    const { stop_reason } = await anthropic.messages
      .stream({ model: 'lab/assistant', max_tokens: 20, messages: [{ role: 'user', content: text }] })
      .finalMessage()
      .catch(thrown => assert.fail(String(thrown)))
    assert.equal(stop_reason, 'max_tokens')
  })
})

describe('a model whose price nobody knows', () => {
  test('`unknown_price: block` refuses it before anybody is asked', async t => {
    const strict = await startLab('keys: [{ name: team, key: key-team }]\nunknown_price: block', {
      providers: `  nobody: { base_url: "SIM/v1", dialect: openai-chat, quirks: {}, keys: [k], allow_private: ["127.0.0.0/8"] }`
    })
    t.after(() => strict.close())
    const ask = (model: string) =>
      send(`${strict.gateway.url}/v1/chat/completions`, {
        headers: { authorization: 'Bearer key-team' },
        body: { model, messages, max_tokens: 9 }
      })
    const answer = await ask('nobody/assistant')
    assert.equal(answer.status, 403)
    assert.equal((answer.json().error as Record<string, unknown>).code, 'unpriced_model')
    assert.deepEqual(strict.seen(), [])
    assert.equal((await ask('lab/assistant')).status, 200)
  })
})

describe('many at once', () => {
  test('no more are let in than the budget has room for', async t => {
    const limit = 0.02
    const crowd = await startLab(`keys: [{ name: crowd, key: key-crowd }]
budgets: [{ scope: { key: crowd }, limit: { usd: ${limit} }, window: month }]`)
    t.after(() => crowd.close())
    const answers = await Promise.all(
      Array.from({ length: 60 }, () =>
        send(`${crowd.gateway.url}/v1/chat/completions`, {
          headers: { authorization: 'Bearer key-crowd' },
          body: { model: 'dear/assistant', messages: [{ role: 'user', content: '[[sim:words=30]]' }], max_tokens: 60 }
        })
      )
    )
    const done = answers.filter(({ status }) => status === 200)
    assert.ok(done.length > 0 && done.length < answers.length, `${done.length} were let in`)
    assert.ok(answers.every(({ status }) => status === 200 || status === 429))
    const spent = crowd.seen().reduce((sum, entry) => sum + costOf(entry, DEAR), 0)
    assert.ok(spent <= limit * 1e9, `${usdText(spent)} was spent`)
    assert.equal(
      done.reduce((sum, answer) => sum + cost(answer), 0),
      spent
    )
  })
})

describe('after a restart', () => {
  test('what was spent before counts: of the key, of those made from it, of rolling windows', async t => {
    const directory = mkdtempSync(join(tmpdir(), 'gatehouse-budgets-'))
    t.after(() => rmSync(directory, { recursive: true, force: true }))
    const yaml = `
keys:
  - { name: boss, key: key-boss }
  - { name: intern, key: key-intern, parent: boss }
  - { name: rich, key: key-rich, tags: [trial] }
budgets:
  - { scope: { key: boss }, limit: { requests: 2 }, window: month }
  - { scope: { key: rich }, limit: { usd: 10 }, window: rolling 30d }
  - { scope: { tag: trial }, limit: { usd: 11 }, window: month }`
    const start = () => startLab(yaml, { directory, secret: new Secret('the same before and after, and long enough') })
    const ask = (gateway: TestGateway, key: string) =>
      send(`${gateway.gateway.url}/v1/chat/completions`, {
        headers: { authorization: `Bearer key-${key}` },
        body: { model: 'lab/assistant', messages, max_tokens: 64 }
      })
    const first = await start()
    const answer = await ask(first, 'rich')
    const statuses = [(await ask(first, 'boss')).status, (await ask(first, 'intern')).status]
    await first.close()
    assert.deepEqual(statuses, [200, 200])
    const second = await start()
    try {
      assert.equal(left(await ask(second, 'rich')), left(answer) - cost(answer))
      assert.equal((await ask(second, 'boss')).status, 429)
      assert.equal((await ask(second, 'intern')).status, 429)
    } finally {
      await second.close()
    }
  })
})
