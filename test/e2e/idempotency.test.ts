/** `Idempotency-Key`: one execution, its answer again for all others with the key; the simulated provider is witness. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { JsonObject } from '../../src/json.ts'
import { usdText } from '../../src/nano.ts'
import { Secret } from '../../src/secret.ts'
import { ANTHROPIC, type Answer, begin, DOORS, type Door, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { startedGateway, temporary } from '../support/process.ts'
import { isRefusal, lineOf } from '../support/refusal.ts'
import { until } from '../support/until.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const ANN = 'ann@example.com'
const YAML = `
overload: { loop_lag: 60s, memory: 99% }
keys:
  - { name: web, key: a-key-of-the-web-1234 }
  - { name: shop, key: a-key-of-the-shop-1234 }
  - { name: gone, key: a-key-of-the-gone-1234 }
  - { name: poor, key: a-key-of-the-poor-1234 }
budgets: [{ scope: { key: poor }, limit: { usd: "0.002" }, window: month }]
rate_limits: [{ scope: { key: poor }, requests: 3/day }]
prices:
  - { provider: openai, model: "*", usd: { input_mtok: 3, output_mtok: 15 } }
  - { provider: anthropic, model: "*", usd: { input_mtok: 3, output_mtok: 15 } }
guards:
  mail: { check: pii, action: restore }
  no-plans: { check: words, words: ["secret plan"], on: [response], action: block }
  no-plots: { check: words, words: ["secret plot"], on: [request], action: block }
routes:
  private: { to: openai/echo, guards: [mail] }
  kept: { to: lab/echo, guards: [mail] }
  cached: { to: openai/echo, cache: exact }
  silent: { to: openai/echo, guards: [no-plans, no-plots] }
`

let made = 0
const newKey = () => `test-key-${++made}`

describe('idempotency keys', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-idempotency-'))
  const secret = new Secret('a secret of the process, long enough')
  const providers =
    '  lab: { dialect: openai-responses, base_url: "SIM/v1", keys: [k], allow_private: ["127.0.0.0/8"] }'
  const start = () => startTestGateway({ yaml: YAML, providers, adminToken: new Secret(TOKEN), secret, directory })
  let at: TestGateway
  before(async () => {
    at = await start()
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  interface Asking {
    door?: Door
    by?: string
    text?: string
    more?: object
    headers?: Record<string, string>
  }

  const headersOf = (key: string, by = 'web') => ({
    authorization: `Bearer a-key-of-the-${by}-1234`,
    'idempotency-key': key
  })
  const ask = (key: string, model: string, { door = OPENAI, by, text = 'one two', more, headers }: Asking = {}) =>
    send(`${at.gateway.url}${door.path}`, {
      headers: { ...headersOf(key, by), ...headers },
      body: door.body(model, text, { ...more })
    })
  /** Asks again as long as the first is still being answered, as SDKs do. */
  const insist = async (...of: Parameters<typeof ask>) => {
    let answer = await ask(...of)
    await until(async () => {
      if (answer.status === 409) answer = await ask(...of)
      return answer.status !== 409
    }, 'the call with the key is over')
    return answer
  }
  const isReplay = ({ headers }: Answer) => headers['x-gatehouse-idempotent-replay']
  const costOf = (answer: Answer) => lineOf(at, answer).costNano

  test('50 calls of each official SDK at once: one upstream call, one cost, 50 equal answers', async () => {
    at.seen()
    const from = at.lines.length
    const { url } = at.gateway
    // Who comes meanwhile is told when to come back, and comes back by itself; both SDKs twice, unless told more.
    const openai = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'a-key-of-the-web-1234', maxRetries: 4 })
    const anthropic = new Anthropic({ baseURL: url, apiKey: 'a-key-of-the-web-1234', maxRetries: 4 })
    const options = { headers: { 'Idempotency-Key': newKey() } }
    const messages = [{ role: 'user' as const, content: 'one two three' }]
    const calls = Array.from({ length: 50 }, () => [
      openai.chat.completions.create({ model: 'openai/slow-head-200', messages }, options),
      anthropic.messages.create({ model: 'anthropic/slow-head-200', max_tokens: 100, messages }, options)
    ]).flat()
    const answers = await Promise.all(calls)
    const seen = at.seen()
    assert.deepEqual(seen.map(({ dialect }) => dialect).sort(), ['anthropic-messages', 'openai-chat'])
    assert.equal(new Set(answers.map(answer => JSON.stringify(answer))).size, 2)
    const lines = at.lines.slice(from).filter(({ msg }) => msg === 'call')
    const priced = lines.filter(({ costNano }) => Number(costNano) > 0)
    assert.equal(priced.length, 2)
    const told = lines.filter(({ code }) => code === 'idempotency_in_flight')
    const replayed = lines.filter(({ outcome }) => outcome === 'done').length - priced.length
    assert.deepEqual([replayed, told.length > 0], [98, true])
  })

  for (const door of DOORS) {
    describe(door.name, () => {
      const model = `${door.provider}/echo`

      test('the same answer again, with an id of its own, at no cost', async () => {
        at.seen()
        const key = newKey()
        const first = await ask(key, model, { door })
        const again = await ask(key, model, { door })
        const [entry, ...others] = at.seen()
        assert.deepEqual([first.status, again.status, others], [200, 200, []])
        assert.equal(entry!.headers['idempotency-key'], undefined, 'it is said to us')
        assert.ok(first.bytes.equals(again.bytes))
        assert.deepEqual([isReplay(first), isReplay(again)], [undefined, 'true'])
        assert.notEqual(first.headers['x-gatehouse-request-id'], again.headers['x-gatehouse-request-id'])
        assert.ok(Number(costOf(first)) > 0)
        assert.deepEqual([costOf(again), again.headers['x-gatehouse-cost-usd']], [0, usdText(0)])
        assert.deepEqual(
          [first, again].map(({ headers }) => headers['x-gatehouse-attempts']),
          ['1', '0']
        )
        for (const name of ['content-type', 'x-gatehouse-provider', 'x-gatehouse-model']) {
          assert.equal(again.headers[name], first.headers[name], name)
        }
      })

      test('another request under the key is refused; another caller has keys of its own', async () => {
        const key = newKey()
        await ask(key, model, { door })
        at.seen()
        const others: Asking[] = [
          { text: 'one  two' },
          { more: { temperature: 0.5 } },
          ...(door === ANTHROPIC ? [{ headers: { 'anthropic-beta': 'context-1m-2025-08-07' } }] : [])
        ]
        for (const other of others)
          isRefusal(await ask(key, model, { door, ...other }), 'idempotency_mismatch', { door })
        isRefusal(await ask(key, `${door.provider}/assistant`, { door }), 'idempotency_mismatch', { door })
        assert.deepEqual(at.seen(), [])
        const others200 = [await ask(key, model, { door, by: 'shop' }), await ask(newKey(), model, { door })]
        for (const answer of others200) assert.deepEqual([answer.status, isReplay(answer)], [200, undefined])
        assert.equal(at.seen().length, 2)
      })

      for (const provider of ['openai', 'anthropic']) {
        test(`what ${provider} said against the request is said again`, async () => {
          at.seen()
          const key = newKey()
          const first = await ask(key, `${provider}/context-length`, { door })
          const again = await insist(key, `${provider}/context-length`, { door })
          assert.deepEqual([first.status, again.status, at.seen().length], [400, 400, 1])
          assert.deepEqual([isReplay(first), isReplay(again)], [undefined, 'true'])
          const said = [first, again].map(answer => ({ ...door.error(answer.json()), id: undefined }))
          assert.deepEqual(said[1], said[0])
          if (provider === door.provider) assert.ok(first.bytes.equals(again.bytes), 'the provider’s own words')
        })
      }

      for (const fault of ['503', 'no-such-model']) {
        test(`what may go better is tried again: ${fault}`, async () => {
          at.seen()
          const key = newKey()
          const first = await ask(key, `${door.provider}/${fault}`, { door })
          const again = await insist(key, `${door.provider}/${fault}`, { door })
          assert.ok(first.status >= 400 && again.status === first.status, `${first.status}, ${again.status}`)
          assert.ok(at.seen().length >= 2)
          assert.equal(isReplay(again), undefined)
        })
      }

      test('a stream is answered as if it had no key, and says so', async () => {
        at.seen()
        const key = newKey()
        for (let turn = 0; turn < 2; turn++) {
          const answer = await ask(key, model, { door, more: { stream: true } })
          assert.deepEqual(
            [answer.status, isReplay(answer), door.streamed(answer.events())],
            [200, 'unsupported', 'one two']
          )
        }
        assert.equal(at.seen().length, 2)
      })

      test('a key is one value of visible characters', async () => {
        for (const key of ['', 'a key', 'k'.repeat(256)])
          isRefusal(await ask(key, model, { door }), 'invalid_header', { door })
      })

      test('whoever leaves and comes back gets what was paid for', async () => {
        at.seen()
        const key = newKey()
        const slow = `${door.provider}/slow-head-200`
        const from = at.lines.length
        const leaving = begin(`${at.gateway.url}${door.path}`, {
          headers: headersOf(key),
          body: door.body(slow, 'one two', {})
        })
        await until(async () => (await ask(key, slow, { door })).status === 409, 'the call is being answered')
        leaving.destroy()
        const answer = await insist(key, slow, { door })
        assert.deepEqual([answer.status, isReplay(answer), at.seen().length], [200, 'true', 1])
        const priced = at.lines.slice(from).filter(({ costNano }) => Number(costNano) > 0)
        assert.deepEqual(
          priced.map(({ outcome }) => outcome),
          ['done']
        )
      })
    })
  }

  test('one that is still being answered: when to come back is said', async () => {
    const key = newKey()
    const first = ask(key, 'openai/slow-head-200')
    await until(() => at.gateway.open.calls > 0, 'it is being answered')
    const told = await ask(key, 'openai/slow-head-200')
    isRefusal(told, 'idempotency_in_flight', { door: OPENAI })
    assert.deepEqual([told.headers['retry-after'], told.headers['x-should-retry']], ['1', undefined])
    assert.equal((await first).status, 200)
  })

  test('every door for whole answers, each with keys of its own', async () => {
    at.seen()
    const key = newKey()
    const contents = [{ role: 'user', parts: [{ text: 'tell me' }] }]
    const doors = [
      ['/v1/responses', { model: 'openai/echo', input: 'tell me', store: false }],
      ['/v1beta/models/openai%2Fecho:generateContent', { contents }],
      ['/v1/embeddings', { model: 'openai/echo', input: 'tell me' }]
    ] as const
    for (const [path, body] of doors) {
      const asked = { headers: headersOf(key), body }
      const answers = [await send(at.gateway.url + path, asked), await send(at.gateway.url + path, asked)] as const
      assert.deepEqual(answers.map(isReplay), [undefined, 'true'], `${path}: ${answers[0].text}`)
      assert.ok(answers[0].bytes.equals(answers[1].bytes))
      assert.equal(at.seen().length, 1, path)
    }
  })

  test('what a conversation that its provider keeps was answered is restored too', async () => {
    at.seen()
    const responses = (key: string, more: JsonObject) =>
      send(`${at.gateway.url}/v1/responses`, {
        headers: headersOf(key),
        body: { model: 'kept', input: `to ${ANN}`, ...more }
      })
    const [key, next] = [newKey(), newKey()] as const
    const first = await responses(key, {})
    const more = { previous_response_id: String(first.json().id) }
    const answers = [first, await responses(key, {}), await responses(next, more), await responses(next, more)]
    for (const answer of answers) assert.match(answer.text, /to ann@example\.com/)
    assert.deepEqual(answers.map(isReplay), [undefined, 'true', undefined, 'true'])
    assert.equal(at.seen().length, 2)
  })

  test('a replay counts as a call, and needs no room in the budget that its execution filled', async () => {
    at.seen()
    const asking: Asking = { by: 'poor', text: 'word '.repeat(60), more: { max_tokens: 64 } }
    const key = newKey()
    const first = await ask(key, 'openai/echo', asking)
    assert.equal(first.status, 200, first.text)
    const refused = await ask(newKey(), 'openai/echo', asking)
    assert.equal(OPENAI.error(refused.json()).code, 'budget_exceeded')
    for (let turn = 0; turn < 2; turn++) {
      const again = await ask(key, 'openai/echo', asking)
      assert.deepEqual([again.status, isReplay(again)], [200, 'true'], again.text)
    }
    const last = await ask(key, 'openai/echo', asking)
    assert.equal(OPENAI.error(last.json()).code, 'rate_limited_here', 'three were taken in')
    assert.equal(at.seen().length, 1)
  })

  test('what the cache gives is an outcome too', async () => {
    at.seen()
    const text = `words of ${newKey()}`
    const key = newKey()
    await ask(newKey(), 'cached', { text })
    const hit = await ask(key, 'cached', { text })
    const again = await ask(key, 'cached', { text })
    assert.deepEqual([hit.headers['x-gatehouse-cache'], isReplay(hit)], ['hit', undefined])
    assert.deepEqual([again.headers['x-gatehouse-cache'], isReplay(again)], [undefined, 'true'])
    assert.ok(again.bytes.equals(hit.bytes))
    assert.equal(at.seen().length, 1)
  })

  test('an answer that is too large to be kept is not made twice', async () => {
    at.seen()
    const key = newKey()
    assert.equal((await ask(key, 'openai/big-1100')).status, 200)
    isRefusal(await ask(key, 'openai/big-1100'), 'idempotency_spent', { door: OPENAI })
    assert.equal(at.seen().length, 1)
  })

  test('a replay passes the guards: what was masked is restored, and is not kept', async () => {
    at.seen()
    const key = newKey()
    const answers = [await ask(key, 'private', { text: `to ${ANN}` }), await ask(key, 'private', { text: `to ${ANN}` })]
    assert.deepEqual(
      answers.map(answer => OPENAI.said(answer.json())),
      [`to ${ANN}`, `to ${ANN}`]
    )
    assert.deepEqual(answers.map(isReplay), [undefined, 'true'])
    const [entry, ...others] = at.seen()
    assert.deepEqual(others, [])
    assert.ok(!JSON.stringify(entry!.body).includes(ANN))
  })

  test('a guard that stops the answer stops it again, and it is paid for once', async () => {
    at.seen()
    const key = newKey()
    for (let turn = 0; turn < 2; turn++)
      isRefusal(await insist(key, 'silent', { text: 'the secret plan' }), 'guardrail_blocked', { door: OPENAI })
    assert.equal(at.seen().length, 1)
    const before = newKey()
    const stopped = await ask(before, 'silent', { text: 'the secret plot' })
    isRefusal(stopped, 'guardrail_blocked', { door: OPENAI })
    const [verdict] = lineOf(at, stopped).verdicts as { guard: string }[]
    assert.equal(verdict?.guard, 'no-plots', 'the record has what the guard said')
    const other = await insist(before, 'silent', { text: 'something else' })
    assert.deepEqual(
      [other.status, isReplay(other)],
      [200, undefined],
      'what was refused before it was sent used no key up'
    )
  })

  test('whose calls are erased, their answers are too', async () => {
    const key = newKey()
    await ask(key, 'openai/echo', { by: 'gone' })
    const erased = await send(`${at.gateway.url}/admin/erase`, {
      headers: { authorization: `Bearer ${TOKEN}` },
      body: { subject: { key: 'gone' } }
    })
    assert.equal(erased.status, 200, erased.text)
    const again = await ask(key, 'openai/echo', { by: 'gone' })
    assert.deepEqual([again.status, isReplay(again)], [200, undefined])
  })

  test('an answer outlives the process, and holds nothing that the guards had masked', async () => {
    const key = newKey()
    const first = await ask(key, 'private', { text: `to ${ANN}` })
    await at.close()
    assert.ok(!readFileSync(join(directory, 'gatehouse.db')).includes(ANN))
    at = await start()
    const again = await ask(key, 'private', { text: `to ${ANN}` })
    assert.ok(again.bytes.equals(first.bytes), again.text)
    assert.deepEqual([isReplay(again), at.seen()], ['true', []])
  })
})

test('a process that is killed amid a call: the next one carries it out', async t => {
  const asked: ServerResponse[] = []
  const body = { id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'm', choices: [] as object[] }
  body.choices.push({ index: 0, message: { role: 'assistant', content: 'the second' }, finish_reason: 'stop' })
  // The first request is never answered.
  const provider = createServer((_, response) => {
    if (asked.push(response) > 1) response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  })
  provider.listen(0, '127.0.0.1')
  t.after(() => {
    provider.closeAllConnections()
    provider.close()
  })
  await until(() => provider.listening, 'the provider listens')
  const { port } = provider.address() as AddressInfo
  const cwd = temporary(t)
  const yaml = `providers: { lab: { dialect: openai-chat, base_url: "http://127.0.0.1:${port}/v1", keys: [k], allow_private: ["127.0.0.0/8"] } }`
  writeFileSync(join(cwd, 'gatehouse.yaml'), yaml)
  const ask = { headers: { 'idempotency-key': 'k-1' }, body: OPENAI.body('lab/m', 'hi') }
  const killed = await startedGateway(t, [], { cwd })
  begin(killed.url + OPENAI.path, ask)
  await until(() => asked.length === 1, 'the provider is asked')
  killed.child.kill('SIGKILL')
  await killed.ended
  const next = await startedGateway(t, [], { cwd })
  const answer = await send(next.url + OPENAI.path, ask)
  assert.equal(OPENAI.said(answer.json()), 'the second', answer.text)
  const again = await send(next.url + OPENAI.path, ask)
  assert.deepEqual([again.text, asked.length], [answer.text, 2])
})
