import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { JsonObject } from '../../../src/json.ts'
import { Secret } from '../../../src/secret.ts'
import { startSim } from '../../../src/sim/index.ts'
import { OPENAI, send } from '../../support/client.ts'
import { simAsBoth, startTestGateway, type TestGateway, type TestGatewayOptions } from '../../support/gateway.ts'
import { isRefusal, notProvoked } from '../../support/refusal.ts'
import { until } from '../../support/until.ts'

/** What calls, keys, routes and people say of the cache, and what becomes of it. */
describe('control of the cache', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-cache-'))
  const token = new Secret('gh_admin_for-these-tests-only')
  const options: TestGatewayOptions = {
    directory,
    secret: new Secret('a-secret-for-tests-that-is-long-enough'),
    adminToken: token,
    yaml: `
auth: keys
keys:
  - { name: plain, key: sk-plain-0123456789abcdef, team: red }
  - { name: mate, key: sk-mate-0123456789abcdef, team: red, user: ann }
  - { name: other, key: sk-other-0123456789abcdef, team: blue }
  - { name: keeps, key: sk-keeps-0123456789abcdef, cache: exact }
  - { name: never, key: sk-never-0123456789abcdef, cache: "off" }
budgets:
  - { scope: { key: other }, limit: { usd: 1 }, window: day }
prices:
  - { provider: openai, model: assistant, usd: { input_mtok: 2, output_mtok: 8 } }
routes:
  kept: { to: openai/assistant, cache: exact }
  forbidden: { to: openai/assistant, cache: off }
  tagged: { to: openai/assistant, cache: { mode: exact, namespace: mine, tags: [one, two] } }
  short: { to: openai/assistant, cache: { mode: exact, ttl: 1s, stale: 1h } }
  many: { to: openai/assistant, cache: { mode: exact, bucket: 3 } }
`
  }
  let gateway: TestGateway
  before(async () => {
    gateway = await startTestGateway(options)
  })
  after(async () => {
    await gateway.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const ask = async (model: string, text: string, said: Record<string, string> = {}, key = 'plain') => {
    const headers = { authorization: `Bearer sk-${key}-0123456789abcdef`, ...said }
    const answer = await send(`${gateway.gateway.url}${OPENAI.path}`, { headers, body: OPENAI.body(model, text) })
    return { ...answer, cache: answer.headers['x-gatehouse-cache'], asked: gateway.seen().length }
  }
  const admin = async (method: string, at: string, body?: JsonObject) => {
    const headers = { authorization: `Bearer ${token.reveal()}` }
    const answer = await send(`${gateway.gateway.url}/admin${at}`, { method, headers, ...(body && { body }) })
    assert.ok(answer.status < 300, answer.text)
    return answer.json()
  }
  const wordsOf = async (...asked: Parameters<typeof ask>[]) => {
    const words: (string | undefined)[] = []
    for (const each of asked) words.push((await ask(...each)).cache)
    return words
  }

  test('who turns it on, and who has the last word', async () => {
    const on = { 'x-gatehouse-cache': 'on' }
    assert.deepEqual(await wordsOf(['openai/assistant', 'who'], ['openai/assistant', 'who']), [undefined, undefined])
    assert.deepEqual(await wordsOf(['openai/assistant', 'who', on], ['openai/assistant', 'who', on]), ['miss', 'hit'])
    assert.deepEqual(await wordsOf(['kept', 'who'], ['kept', 'who'], ['kept', 'who', { 'x-gatehouse-cache': 'off' }]), [
      'miss',
      'hit',
      'bypass'
    ])
    assert.deepEqual(await wordsOf(['forbidden', 'who', on], ['forbidden', 'who', on]), ['bypass', 'bypass'])
    const keeps = ['openai/assistant', 'keeps', {}, 'keeps'] as const
    assert.deepEqual(await wordsOf([...keeps], [...keeps]), ['miss', 'hit'])
    assert.deepEqual(await wordsOf(['kept', 'who', on, 'never']), ['bypass'])
  })

  test('a team shares, another one does not', async () => {
    assert.deepEqual(await wordsOf(['kept', 'share'], ['kept', 'share', {}, 'mate'], ['kept', 'share', {}, 'other']), [
      'miss',
      'hit',
      'miss'
    ])
  })

  test('cache-control, as HTTP has it', async () => {
    const control = (said: string) =>
      ['kept', 'control', { 'cache-control': said }] as [string, string, Record<string, string>]
    assert.deepEqual(await wordsOf(control('no-store'), control('max-age=60'), control('max-age=60')), [
      'bypass',
      'miss',
      'hit'
    ])
    const fresh = await ask(...control('no-cache'))
    assert.deepEqual([fresh.cache, fresh.asked], ['miss', 1])
    assert.deepEqual(await wordsOf(control('only-if-cached')), ['hit'])
    const none = await ask('kept', 'nobody asked this', { 'x-gatehouse-cache': 'only' })
    assert.equal(none.asked, 0)
    isRefusal(none, 'not_cached', { door: OPENAI })
    isRefusal(await ask('kept', 'x', { 'x-gatehouse-cache': 'perhaps' }), 'invalid_header', { door: OPENAI })
    isRefusal(await ask('kept', 'x', { 'x-gatehouse-cache-ttl': '0' }), 'invalid_header', { door: OPENAI })
  })

  test('a stale answer is given at once, and made anew behind it', async () => {
    const said = { 'x-gatehouse-cache-ttl': '1' }
    assert.equal((await ask('short', 'stale', said)).cache, 'miss')
    let stale: Awaited<ReturnType<typeof ask>> | undefined
    await until(async () => {
      stale = await ask('short', 'stale', said)
      return Number(stale.headers.age) >= 1
    }, 'an answer that is over its time')
    assert.equal(stale!.cache, 'hit')
    await until(async () => (await ask('short', 'stale', said)).headers.age === '0', 'a fresh one')
  })

  test('a bucket has as many answers as it says', async () => {
    let asked = 0
    for (let at = 0; at < 40; at++) asked += (await ask('many', 'of three')).asked
    assert.ok(asked >= 2 && asked <= 3, `${asked} answers`)
  })

  test('what is purged by anything that names it is gone', async () => {
    const keyOf = async () => (await ask('tagged', 'purge me', {}, 'mate')).headers['x-gatehouse-cache-key']!
    const filters = async (): Promise<JsonObject[]> => [
      { tag: 'two' },
      { route: 'tagged' },
      { namespace: 'mine' },
      { user: 'ann' },
      { team: 'red', tag: 'one' },
      { key_name: 'mate' },
      { key: await keyOf() },
      { all: true }
    ]
    for (const filter of await filters()) {
      await keyOf()
      assert.equal((await ask('tagged', 'purge me', {}, 'mate')).cache, 'hit')
      const { answers } = await admin('POST', '/cache/purge', filter)
      assert.ok(Number(answers) >= 1, JSON.stringify(filter))
      assert.equal((await ask('tagged', 'purge me', {}, 'mate')).cache, 'miss', JSON.stringify(filter))
    }
    await admin('POST', '/cache/purge', { tag: 'of nobody' })
    assert.equal((await ask('tagged', 'purge me', {}, 'mate')).cache, 'hit')
  })

  test('a hit costs nothing, says what it saved, and takes no budget', async () => {
    const fresh = await ask('kept', 'money', {}, 'other')
    const hit = await ask('kept', 'money', {}, 'other')
    assert.equal(hit.headers['x-gatehouse-cost-usd'], '0')
    assert.equal(hit.headers['x-gatehouse-attempts'], '0')
    const again = await ask('kept', 'money', {}, 'other')
    const left = (answer: typeof hit) => answer.headers['x-gatehouse-budget-remaining-usd']
    assert.ok(Number(left(hit)) > 0.9)
    assert.equal(left(again), left(hit))
    const { request } = (await admin('GET', `/logs/${hit.headers['x-gatehouse-request-id']}`)) as {
      request: JsonObject
    }
    assert.deepEqual([request.cache, request.attempts, request.cost_usd, request.usage], ['hit', 0, '0', null])
    assert.equal(request.saved_usd, fresh.headers['x-gatehouse-cost-usd'])
    const { since_start } = (await admin('GET', '/cache')) as { since_start: JsonObject }
    assert.ok(Number(since_start.hits) > 0)
    const { data } = (await admin('GET', '/usage?of=requests&group_by=cache,route')) as { data: JsonObject[] }
    assert.ok(data.some(({ group, cached }) => (group as JsonObject).cache === 'hit' && Number(cached) > 0))
  })

  test('what is kept outlives the process', async () => {
    const kept = mkdtempSync(path.join(tmpdir(), 'gatehouse-cache-'))
    const sim = await startSim({ port: 0, host: '127.0.0.1' })
    try {
      const words: (string | undefined)[] = []
      for (let at = 0; at < 2; at++) {
        const run = await startTestGateway({
          directory: kept,
          secret: new Secret('a-secret-for-tests-that-is-long-enough'),
          bare: true,
          providers: simAsBoth(sim.url),
          yaml: 'routes: { kept: { to: openai/assistant, cache: exact } }'
        })
        const body = OPENAI.body('kept', 'for long')
        words.push((await send(`${run.gateway.url}${OPENAI.path}`, { body })).headers['x-gatehouse-cache'])
        await run.close()
      }
      assert.deepEqual(words, ['miss', 'hit'])
      assert.equal(sim.log().length, 1)
    } finally {
      await sim.close()
      rmSync(kept, { recursive: true, force: true })
    }
  })

  test('every code of the cache was brought about', () => assert.deepEqual(notProvoked('cache'), []))
})
