import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import OpenAI from 'openai'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { ANTHROPIC, type Answer, type Door, OPENAI, send } from '../../support/client.ts'
import { startTestGateway, type TestGateway } from '../../support/gateway.ts'

/**
 * Calls that come again, byte for byte, are answered without being read; rows say `repeats`. Whatever changes what they
 * would be answered ends that at once: each test makes one hot, changes one thing, and asks once more.
 */
describe('calls that come again', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-repeats-'))
  const token = new Secret('gh_admin_for-these-tests-only')
  let gateway: TestGateway
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })

  before(async () => {
    gateway = await startTestGateway({
      directory,
      secret: new Secret('a-secret-for-tests-that-is-long-enough'),
      adminToken: token,
      yaml: `
auth: keys
cache: { mode: exact }
keys:
  - { name: plain, key: sk-plain-0123456789abcdef, team: red }
  - { name: limited, key: sk-limited-0123456789abcdef, team: blue }
  - { name: guarded, key: sk-guarded-0123456789abcdef, guards: [words] }
  - { name: kept, key: sk-kept-0123456789abcdef, bodies: full }
guards:
  words: { check: words, words: [forbidden], on: [request], action: block }
rate_limits:
  - { scope: { key: limited }, requests: 3/hour }
prices:
  - { provider: openai, model: assistant, usd: { input_mtok: 2, output_mtok: 8 } }
routes:
  tagged: { to: openai/assistant, cache: { mode: exact, tags: [one] } }
  many: { to: openai/assistant, cache: { mode: exact, bucket: 2 } }
`
    })
  })
  after(async () => {
    agent.destroy()
    await gateway.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const ask = (text: string, key = 'sk-plain-0123456789abcdef', headers = {}, door: Door = OPENAI, model = 'tagged') =>
    send(`${gateway.gateway.url}${door.path}`, {
      agent,
      headers: { authorization: `Bearer ${key}`, ...headers },
      body: door.body(model, text)
    })
  const admin = async (method: string, at: string, body?: JsonObject) => {
    const headers = { authorization: `Bearer ${token.reveal()}` }
    const answer = await send(`${gateway.gateway.url}/admin${at}`, { method, headers, ...(body && { body }) })
    assert.ok(answer.status < 300, answer.text)
    return answer.text === '' ? {} : answer.json()
  }
  const idOf = ({ headers }: Answer) => headers['x-gatehouse-request-id']!
  const rowOf = async (answer: Answer) => (await admin('GET', `/logs/${idOf(answer)}`)).request as JsonObject
  const isRepeat = async (answer: Answer) => {
    const { cache } = ((await rowOf(answer)).details ?? {}) as { cache?: JsonObject }
    return cache?.repeats !== undefined
  }
  /** Asks until calls are not read any more. */
  const hot = async (...asked: Parameters<typeof ask>): Promise<Answer[]> => {
    for (let round = 0; round < 50; round++) {
      const answers: Answer[] = []
      for (let at = 0; at < 10; at++) answers.push(await ask(...asked))
      if (await isRepeat(answers.at(-1)!)) return answers
    }
    throw new Error('never repeated')
  }

  for (const door of [OPENAI, ANTHROPIC]) {
    test(`${door.name}: each has the answer under an id of its own, and a row that says so`, async () => {
      const model = 'openai/assistant'
      const answers = await hot('the same', undefined, {}, door, model)
      assert.equal(new Set(answers.map(idOf)).size, answers.length)
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
      gateway.seen()
      const [read, short] = [await ask('once', undefined, {}, door, model), answers.at(-1)!]
      const hit = await ask('once', undefined, {}, door, model)
      assert.equal(gateway.seen().length, 1, 'only the first went on')
      assert.equal(read.headers['x-gatehouse-cache'], 'miss')
      assert.deepEqual(Object.keys(short.headers).sort(), Object.keys(hit.headers).sort())
      for (const name of [
        'x-gatehouse-cache',
        'x-gatehouse-provider',
        'x-gatehouse-attempts',
        'x-gatehouse-cost-usd'
      ]) {
        assert.equal(short.headers[name], hit.headers[name], name)
      }
      assert.equal(short.headers[door.idHeader], idOf(short))
      assert.ok(Number(short.headers['x-gatehouse-overhead-ms']) >= 0)
      const [rowRead, rowShort] = [await rowOf(hit), await rowOf(short)]
      assert.deepEqual(Object.keys(rowShort).sort(), Object.keys(rowRead).sort())
      for (const name of ['cache', 'cost_usd', 'payers', 'model', 'finish', 'status', 'outcome']) {
        assert.deepEqual(rowShort[name], rowRead[name], name)
      }
      assert.ok(Number(rowShort.saved_usd) > 0 && rowShort.started_at === rowShort.finished_at)
    })
  }

  test('the usage, the counters and the metrics have every one of them, once', async () => {
    const before = (await admin('GET', '/cache')).since_start as JsonObject
    const answers = await hot('count me', undefined, { 'x-gatehouse-agent': 'counted' })
    const { data } = (await admin('GET', '/logs?agent=counted&limit=500')) as { data: JsonObject[] }
    assert.ok(data.length >= answers.length)
    assert.equal(new Set(data.map(({ id }) => id)).size, data.length)
    const hits = data.filter(({ cache }) => cache === 'hit').length
    const now = (await admin('GET', '/cache')).since_start as JsonObject
    assert.equal(Number(now.hits) - Number(before.hits), hits)
    const usage = (await admin('GET', '/usage?of=requests&group_by=cache&agent=counted')) as { data: JsonObject[] }
    const line = usage.data.find(({ group }) => (group as JsonObject).cache === 'hit')
    assert.equal(Number(line?.count), hits)
    const headers = { authorization: `Bearer ${token.reveal()}` }
    const { text } = await send(`${gateway.gateway.url}/metrics`, { headers })
    const [, counted] = /gatehouse_cache_requests_total\{result="hit"\} (\d+)/.exec(text)!
    assert.equal(Number(counted), Number(now.hits))
    const lines = gateway.lines.filter(({ msg, id }) => msg === 'call' && data.some(row => row.id === id))
    assert.equal(lines.length, data.length, 'the log has a line of each')
  })

  test('a key that is taken away is refused with the next call', async () => {
    const made = await admin('POST', '/keys', { name: 'short-lived' })
    const secret = String(made.token)
    await hot('whose key goes', secret)
    await admin('POST', `/keys/${(made.key as JsonObject).id}/disable`)
    assert.equal((await ask('whose key goes', secret)).status, 401)
  })

  test('a limit that is made counts from the next call on', async () => {
    await hot('that is limited')
    const { id } = await admin('POST', '/limits', { scope: { key: 'plain' }, requests: '1/hour' })
    const statuses = [await ask('that is limited'), await ask('that is limited')].map(({ status }) => status)
    await admin('DELETE', `/limits/${id}`)
    assert.deepEqual(statuses, [200, 429])
  })

  test('a budget that is used up refuses, and one that is not is shown', async () => {
    await hot('that is paid for')
    const { id } = await admin('POST', '/budgets', { scope: { key: 'plain' }, limit: { usd: '5' }, window: 'day' })
    const answer = await ask('that is paid for')
    await admin('DELETE', `/budgets/${id}`)
    assert.ok(Number(answer.headers['x-gatehouse-budget-remaining-usd']) > 0)
  })

  test('an answer that is purged is asked for anew', async () => {
    await hot('that is purged')
    await admin('POST', '/cache/purge', { tag: 'one' })
    assert.equal((await ask('that is purged')).headers['x-gatehouse-cache'], 'miss')
  })

  test('a new configuration counts from the next call on', async () => {
    await hot('that is reloaded')
    assert.ok(gateway.gateway.reload())
    assert.equal(await isRepeat(await ask('that is reloaded')), false)
  })

  test('who has limits, guards or kept bodies is looked at each time', async () => {
    const statuses: number[] = []
    for (let at = 0; at < 5; at++) statuses.push((await ask('limited', 'sk-limited-0123456789abcdef')).status)
    assert.deepEqual(statuses, [200, 200, 200, 429, 429])
    for (const key of ['sk-guarded-0123456789abcdef', 'sk-kept-0123456789abcdef']) {
      const answers: Answer[] = []
      for (let at = 0; at < 6; at++) answers.push(await ask('each time', key))
      assert.equal(answers.at(-1)!.headers['x-gatehouse-cache'], 'hit')
      for (const answer of answers) assert.equal(await isRepeat(answer), false, key)
    }
  })

  test('what is of one call alone is looked at each time', async () => {
    const rows: [headers: Record<string, string>, model: string][] = [
      [{ traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }, 'tagged'],
      [{ 'idempotency-key': 'of-one-call' }, 'tagged'],
      [{}, 'many']
    ]
    for (const [headers, model] of rows) {
      for (let at = 0; at < 8; at++) {
        assert.equal(
          await isRepeat(await ask('alone', undefined, headers, OPENAI, model)),
          false,
          JSON.stringify(headers)
        )
      }
    }
  })

  test('the age of an answer is never an old one', async () => {
    let last = 0
    for (const end = performance.now() + 2_500; performance.now() < end; ) {
      const answer = await ask('that grows old')
      const age = Number(answer.headers.age ?? 0)
      assert.ok(age === last || age === last + 1, `${last}, then ${age}`)
      last = age
    }
    assert.ok(last >= 2)
  })

  test('the official client is answered so too', async () => {
    const openai = new OpenAI({
      apiKey: 'sk-plain-0123456789abcdef',
      baseURL: `${gateway.gateway.url}/v1`,
      maxRetries: 0
    })
    const one = () =>
      openai.chat.completions
        .create({ model: 'tagged', messages: [{ role: 'user', content: 'from the client' }] })
        .withResponse()
    const rows: boolean[] = []
    while (!rows.at(-1)) {
      const answers = [await one(), await one(), await one(), await one()]
      for (const { data } of answers) assert.equal(data.choices[0]?.message.content, 'You said: from the client')
      const { request } = await admin('GET', `/logs/${answers.at(-1)!.request_id}`)
      rows.push(((request as JsonObject).details as { cache: JsonObject }).cache.repeats !== undefined)
      assert.ok(rows.length < 100, 'never')
    }
  })
})
