import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { isObject, type JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'

const YAML = `
routes:
  by-plan:
    when:
      - { if: { metadata.plan: free }, then: lab/free }
      - { if: { header.x-team: { in: [red, blue] }, body.max_tokens: { lte: 10 } }, then: lab/team }
      - { if: { estimated_tokens: { gt: 1000 } }, then: lab/long }
    else: lab/other
  "house-*": lab/served-*
  broken: { fallback: [lab/503, lab/assistant] }
  hopeless: { fallback: [down/503, down2/529], on: [overloaded] }
  picky: { fallback: [lab/503, small/tight, lab/roomy] }
  hedged: { hedge: slow/slow-first-token-3000, with: lab/quick, after: 60ms }
  outrun: { hedge: slow/slow-first-token-1500, with: slow2/slow-first-token-20000, after: 40ms }
`
const PROVIDERS = [
  ...['lab', 'slow', 'slow2', 'down', 'down2'].map(name => ({ name, more: '' })),
  { name: 'small', more: ', models: [{ name: tight, context: 50 }]' },
  { name: 'router', more: '' }
]
  .map(
    ({ name, more }) =>
      `  ${name}: { like: ${name === 'router' ? 'openrouter' : 'openai'}, base_url: "SIM/v1", quirks: {}, keys: [key-of-${name}-123456], allow_private: ["127.0.0.0/8"]${more} }`
  )
  .join('\n')

describe('routes of a running gateway', () => {
  let at: TestGateway
  before(async () => {
    at = await startTestGateway({ bare: true, providers: PROVIDERS, yaml: YAML, adminToken: new Secret(TOKEN) })
  })
  after(() => at?.close())

  const call = (body: JsonObject, headers: Record<string, string> = {}) =>
    send(`${at.gateway.url}/v1/chat/completions`, {
      headers,
      body: { messages: [{ role: 'user', content: 'hello' }], ...body }
    })
  const reached = async (body: JsonObject, headers: Record<string, string> = {}) => {
    at.seen()
    const { status, headers: got, text } = await call(body, headers)
    assert.equal(status, 200, text)
    return `${got['x-gatehouse-provider']}/${got['x-gatehouse-model']}`
  }

  test('conditions read metadata of header and body, headers, parameters and the size of the request', async () => {
    assert.equal(await reached({ model: 'by-plan' }), 'lab/other')
    assert.equal(await reached({ model: 'by-plan', metadata: { plan: 'free' } }), 'lab/free')
    assert.equal(await reached({ model: 'by-plan' }, { 'x-gatehouse-metadata': '{"plan":"free"}' }), 'lab/free')
    assert.equal(await reached({ model: 'by-plan', max_tokens: 5 }, { 'x-team': 'red' }), 'lab/team')
    assert.equal(await reached({ model: 'by-plan', max_tokens: 50 }, { 'x-team': 'red' }), 'lab/other')
    const long = [{ role: 'user', content: 'word '.repeat(2_000) }]
    assert.equal(await reached({ model: 'by-plan', messages: long }), 'lab/long')
  })

  test('a wildcard names what it caught; a header names a route', async () => {
    assert.equal(await reached({ model: 'house-wine' }), 'lab/served-wine')
    assert.equal(await reached({ model: 'whatever' }, { 'x-gatehouse-route': 'by-plan' }), 'lab/other')
    const wrong = await call({ model: 'm' }, { 'x-gatehouse-route': 'by-plann' })
    assert.equal(wrong.status, 400)
    assert.match(wrong.text, /invalid_header.*|by-plan/)
  })

  test('models are tried in turn, and neither they nor the provider object reach a provider', async () => {
    assert.equal(await reached({ model: 'lab/503', models: ['lab/503', 'lab/assistant'] }), 'lab/assistant')
    assert.equal(await reached({ models: ['lab/content-filter', 'lab/echo'] }), 'lab/echo')
    assert.equal(await reached({ model: 'lab/echo', provider: { sort: 'price' } }), 'lab/echo')
    for (const { body: requestBody } of at.seen()) {
      assert.ok(isObject(requestBody) && !('models' in requestBody) && !('provider' in requestBody))
    }
    const typo = await call({ model: 'lab/echo', models: ['nobody-has-this'] })
    assert.equal(typo.status, typo.status === 200 ? 200 : 404)
  })

  test('a provider that routes itself gets those members as they came', async () => {
    const members = { models: ['a/b', 'c/d'], provider: { order: ['x'], zdr: false } }
    at.seen()
    // The simulated provider is no router and refuses them; what counts is what it was sent.
    await call({ model: 'router/echo:nitro', ...members })
    const requestBody = at.seen()[0]?.body
    assert.ok(isObject(requestBody))
    assert.deepEqual({ models: requestBody.models, provider: requestBody.provider }, members)
    assert.equal(requestBody.model, 'echo:nitro')
  })

  test('a variant is ours elsewhere: it is no part of the model’s name', async () => {
    assert.equal(await reached({ model: 'lab/echo:floor' }), 'lab/echo')
    assert.equal(await reached({ model: 'broken:nitro' }), 'lab/assistant')
  })

  test('what the call allows can leave nothing: 404, with each candidate and why', async () => {
    const { status, text } = await call({ model: 'broken', provider: { only: ['elsewhere'] } })
    assert.equal(status, 404)
    assert.match(text, /no_allowed_target/)
    assert.match(text, /lab\/503 \(the call allows other providers only\)/)
  })

  test('no fallback where none is wanted', async () => {
    const { status, headers } = await call({ model: 'broken' }, { 'x-gatehouse-no-fallback': 'true' })
    assert.equal(status, 529)
    assert.match(String(headers['x-gatehouse-model']), /503/)
  })

  test('a fallback that is known to be too small is passed over', async () => {
    const messages = [{ role: 'user', content: 'word '.repeat(200) }]
    assert.equal(await reached({ model: 'picky', messages }), 'lab/roomy')
    assert.ok(at.seen().every(({ model }) => model !== 'tight'))
  })

  test('when everything failed the answer names what was left out', async () => {
    const { status, text } = await call({ model: 'hopeless' })
    assert.ok(status >= 500)
    assert.doesNotMatch(text, /Left out/, 'everything was tried')
    const filtered = await call({ model: 'hopeless', provider: { ignore: ['down2'] } })
    assert.match(filtered.text, /Left out: down2\/529 \(the call wants this provider left out\)/)
  })

  test('a call has the time it gave itself', async () => {
    const from = performance.now()
    const { status, text } = await call({ model: 'slow/silent' }, { 'x-gatehouse-timeout-ms': '150' })
    assert.equal(status, 504, text)
    assert.ok(performance.now() - from < 5_000)
  })

  test('a hedge answers when the first is slow; the slow one is cancelled and counted', async () => {
    at.seen()
    for (const stream of [true, false]) {
      const { status, headers } = await call({ model: 'hedged', stream })
      assert.equal(status, 200)
      assert.equal(headers['x-gatehouse-provider'], 'lab')
      assert.equal(headers['x-gatehouse-attempts'], '2')
    }
    const cancelled = at.seen().filter(({ model }) => model?.startsWith('slow'))
    assert.equal(cancelled.length, 2)
  })

  test('the first of a hedge wins where it is sooner after all', async () => {
    const { status, headers } = await call({ model: 'outrun', stream: true })
    assert.equal(status, 200)
    assert.equal(headers['x-gatehouse-provider'], 'slow')
    assert.equal(headers['x-gatehouse-attempts'], '2')
  })

  describe('explain', () => {
    const explain = (
      body: JsonObject | string,
      authorization: string | undefined = `Bearer ${TOKEN}`,
      path = '/admin/explain'
    ) => send(`${at.gateway.url}${path}`, { headers: { authorization }, body })

    test('says the order, and why not elsewhere, without a call', async () => {
      at.seen()
      const { status, text, json } = await explain({ model: 'by-plan', body: { metadata: { plan: 'free' } } })
      assert.equal(status, 200, text)
      const { rule, targets, excluded } = json()
      assert.equal(rule, 'route')
      assert.deepEqual(
        (targets as JsonObject[]).map(({ target }) => target),
        ['lab/free']
      )
      assert.deepEqual(
        excluded,
        ['lab/team', 'lab/long', 'lab/other'].map(target => ({ target, excludedBy: 'condition' }))
      )
      assert.deepEqual(at.seen(), [])
    })

    test('knows what a running gateway knows: circuits too', async () => {
      for (let time = 0; time < 4; time++) await call({ model: 'down/503' })
      const { excluded } = (await explain({ model: 'hopeless' })).json()
      assert.deepEqual(excluded, [{ target: 'down/503', excludedBy: 'circuit_open' }])
    })

    test('answers as the call would where it would be refused', async () => {
      assert.equal((await explain({ model: 'nobody-has-this', dialect: 'anthropic-messages' })).status, 404)
      assert.equal((await explain({ model: 'm', headers: { 'x-gatehouse-metadata': 'x' } })).status, 400)
      assert.equal((await explain({})).status, 400)
      assert.equal((await explain('{"model"')).status, 400)
      assert.equal((await explain({ model: 'm', more: 1 })).status, 400)
    })

    test('is for whoever has the token, however the path is spelled', async () => {
      for (const path of ['/admin/explain', '/%61dmin/explain', '/admin/explain?x']) {
        assert.equal((await explain({ model: 'm' }, 'Bearer gh_admin_wrong', path)).status, 401, path)
        const { status } = await send(`${at.gateway.url}${path}`, { body: { model: 'm' } })
        assert.equal(status, 401, path)
      }
    })
  })
})
