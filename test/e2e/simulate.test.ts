/** `POST /admin/simulate` and `gatehouse simulate`: what a proposed configuration would have made of calls in the log. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { run } from '../../src/cli/simulate.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const TOKEN = 'gh_admin_for-these-tests-only'
const HIDDEN = 'sk-nobody-may-read-this-0123456789'
const provider = (name: string, more = '') =>
  `  ${name}: { like: openai, base_url: "SIM/v1", keys: [sk-${name}], allow_private: ["127.0.0.0/8"]${more} }`
const PROVIDERS = [provider('near', ', data: { region: [eu] }'), provider('far'), provider('dear')].join('\n')
const BASE = `
overload: { loop_lag: 60s, memory: 99% }
keys:
  - { name: web, key: a-key-of-the-web-1234, tags: [own] }
  - { name: batch, key: a-key-of-the-batch-1234, bodies: full }
prices:
  - { provider: near, model: "*", usd: { input_mtok: 1, output_mtok: 1 } }
  - { provider: far, model: "*", usd: { input_mtok: 2, output_mtok: 2 } }
  - { provider: dear, model: "*", usd: { input_mtok: 40, output_mtok: 40 } }
`
const ROUTES = `
routes:
  chat: { to: { split: [{ to: near/echo, weight: 50 }, { to: far/echo, weight: 50 }] } }
  shaky: { to: { fallback: [near/503, far/echo] } }
`

describe('simulate', () => {
  const directory = mkdtempSync(join(tmpdir(), 'gatehouse-simulate-'))
  let at: TestGateway
  before(async () => {
    const secret = new Secret('a secret of the process, long enough')
    const env = { HIDDEN_KEY: HIDDEN }
    const options = { bare: true, providers: PROVIDERS, env, yaml: BASE + ROUTES }
    at = await startTestGateway({ ...options, adminToken: new Secret(TOKEN), secret, directory })
    writeFileSync(join(directory, 'admin-token'), `${TOKEN}\n`)
    for (let call = 0; call < 20; call++) await make('web', 'chat', { tags: call % 4 === 0 ? ['beta'] : [] })
    for (let call = 0; call < 4; call++) await make('batch', 'chat', {}, call % 2 === 0)
    for (let call = 0; call < 3; call++) await make('batch', 'shaky', {})
    await make('batch', 'far/echo', {})
    await make('batch', 'nowhere-to-be-found', {})
    at.seen()
  })
  after(async () => {
    await at?.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const make = (key: string, model: string, metadata: JsonObject, stream = false) =>
    send(`${at.gateway.url}/v1/chat/completions`, {
      headers: { authorization: `Bearer a-key-of-the-${key}-1234`, 'x-gatehouse-metadata': JSON.stringify(metadata) },
      body: { model, stream, messages: [{ role: 'user', content: 'one two three' }] }
    })
  const ask = (body: JsonObject, token = TOKEN) =>
    send(`${at.gateway.url}/admin/simulate`, { headers: { authorization: `Bearer ${token}` }, body })
  const config = (more: string, base = BASE) => `providers:\n${PROVIDERS.replaceAll('SIM', at.sim.url)}\n${base}${more}`
  const simulate = async (more: string, base?: string): Promise<JsonObject> => {
    const answer = await ask({ config: config(more, base) })
    assert.equal(answer.status, 200, answer.text)
    return answer.json()
  }
  const target = (report: JsonObject, name: string) =>
    (report.targets as JsonObject[]).find(row => row.target === name) ?? { calls_before: 0, calls_after: 0 }
  const refused = (report: JsonObject) =>
    Object.fromEntries((report.refused as JsonObject[]).map(({ code, calls }) => [code, calls]))

  test('the configuration as it is moves no more than the dice were off, and changes no cost but theirs', async () => {
    const report = await simulate(ROUTES)
    assert.equal(report.calls, 29)
    assert.equal(target(report, 'near/echo').calls_after, 12)
    assert.ok(Number(report.moved) <= Math.abs(Number(target(report, 'near/echo').calls_before) - 12) + 0.01)
    assert.deepEqual(refused(report), { unknown_model: 1 })
    assert.equal(report.drawn, 24)
  })

  test('conditions on what the log has are answered, and shares are those of the weights', async () => {
    const report = await simulate(`
routes:
  chat:
    to:
      when:
        - { if: { key: batch, stream: true }, then: dear/echo }
        - { if: { tags: own }, then: dear/echo }
        - { if: { tags: beta }, then: near/echo }
      else: { split: [{ to: near/echo, weight: 1 }, { to: far/echo, weight: 4 }] }
  shaky: { to: { fallback: [near/503, dear/echo] } }
`)
    // A tag that the key puts on all its calls is no tag of the call's: conditions never see it.
    assert.equal(target(report, 'dear/echo').calls_after, 2 + 3)
    // Five with the tag, and a fifth of the seventeen that the split decides: draws are even.
    assert.equal(target(report, 'near/echo').calls_after, 5 + 3)
    assert.equal(target(report, 'near/503').calls_after, 0)
    assert.deepEqual(report.unknown, { calls: 0, facts: {} })
    const cost = report.cost as JsonObject
    assert.ok(Number(cost.after_usd) > 2 * Number(cost.before_usd))
    assert.equal((report.latency as JsonObject).unknown_after, 5)
  })

  test('what would be refused is told with its code', async () => {
    const keys = BASE.replace('tags: [own]', 'models: [none]').replace(/ {2}- \{ name: batch.*\n/, '')
    assert.deepEqual(refused(await simulate(ROUTES, keys)), { not_allowed: 20, invalid_key: 8, unknown_model: 1 })
    const demanding = await simulate(`${ROUTES}\nrequire: { region: [eu] }\n`)
    // One that names the target, and those that the split sends there: a split is no fallback.
    assert.equal(refused(demanding).residency_refused, 1 + 12)
    assert.equal(target(demanding, 'far/echo').calls_after, 0)
    assert.equal(demanding.failing, 3)
  })

  test('what the log does not have is taken to be absent, and counted', async () => {
    const routes =
      'routes: { chat: { to: { when: [{ if: { header.x-plan: gold }, then: dear/echo }], else: near/echo } } }'
    const report = await simulate(routes)
    assert.deepEqual(report.unknown, { calls: 24, facts: { 'header.x-plan': 24 } })
    assert.equal(target(report, 'near/echo').calls_after, 24)
  })

  test('bodies answer what rows cannot, for those alone who may read them', async () => {
    const routes =
      'routes: { chat: { to: { when: [{ if: { body.messages.0.content: "one two three" }, then: dear/echo }], else: near/echo } } }'
    const report = await simulate(routes)
    assert.deepEqual(report.unknown, { calls: 20, facts: { 'body.messages.0.content': 20 } })
    assert.equal(target(report, 'dear/echo').calls_after, 4)
    const admin = (path: string, body?: JsonObject) =>
      send(`${at.gateway.url}/admin${path}`, { headers: { authorization: `Bearer ${TOKEN}` }, ...(body && { body }) })
    const { token } = (await admin('/admins', { name: 'ops', role: 'admin' })).json()
    const answer = (await ask({ config: config(routes) }, String(token))).json()
    assert.equal((answer.unknown as JsonObject).calls, 24)
    const rows = (await admin('/audit?limit=1000')).json().data as JsonObject[]
    const looks = rows.filter(({ action }) => action === 'logs:simulate').map(({ actor }) => actor)
    assert.deepEqual([...new Set(looks)], ['owner'])
  })

  test('targets that never fail are assumed where that is asked for', async () => {
    const answer = await ask({ config: config(ROUTES), assume: 'no_failures' })
    assert.equal(target(answer.json(), 'near/503').calls_after, 3)
  })

  test('nobody is called, and no secret is read', async () => {
    const routes = 'routes: { chat: { to: "near/${HIDDEN_KEY}" }, shaky: { to: "near/${file:/etc/hostname}" } }'
    const report = JSON.stringify(await simulate(routes))
    assert.match(report, /masked-HIDDEN_KEY/)
    assert.match(report, /masked-file--etc-hostname/)
    assert.doesNotMatch(report, new RegExp(HIDDEN))
    assert.deepEqual(at.seen(), [])
  })

  test('what is asked for wrongly is refused', async () => {
    const broken = await ask({ config: 'routes: { chat: { to: nowhere/at-all } }' })
    assert.equal(broken.status, 400)
    assert.match(broken.text, /nowhere/)
    assert.equal((await ask({ config: '', last: '1h', from: '2026-01-01' })).status, 400)
    assert.equal((await ask({ config: '', from: '2026-01-02', to: '2026-01-01' })).status, 400)
    assert.equal((await ask({ config: '' }, 'gh_admin_somebody-else')).status, 401)
  })

  test('what a call demanded of its providers is demanded of the proposed ones', async () => {
    const answer = await send(`${at.gateway.url}/v1/chat/completions`, {
      headers: { authorization: 'Bearer a-key-of-the-web-1234', 'x-gatehouse-require': 'region=eu' },
      body: { model: 'near/echo', messages: [{ role: 'user', content: 'one' }] }
    })
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(refused(await simulate(ROUTES)), { unknown_model: 1 })
    const elsewhere = await ask({ config: config(ROUTES).replace('region: [eu]', 'region: [us]') })
    assert.deepEqual(refused(elsewhere.json()), { unknown_model: 1, residency_refused: 1 })
  })

  test('the command says what changes, in words or as JSON', async () => {
    const file = join(directory, 'new.yaml')
    writeFileSync(file, config('routes: { chat: { to: dear/echo } }'))
    const reach = ['--url', at.gateway.url, '--data', directory]
    const told = await cli(['--config', file, '--last', '1h', ...reach])
    assert.equal(told.code, 0, told.err)
    assert.match(told.out, /^moved +27/m)
    assert.match(told.out, /^dear\/echo +0 +24 +0.00 % +92.31 %/m)
    const json = JSON.parse((await cli(['--config', file, '--json', ...reach])).out) as JsonObject
    assert.equal(json.moved, 27)
    assert.equal((await cli(reach)).code, 2)
  })
})

async function cli(argv: string[]): Promise<{ out: string; err: string; code: number }> {
  const ended = { out: '', err: '', code: 0 }
  await run(argv, {
    env: {},
    async out(text) {
      ended.out += text
    },
    err: text => {
      ended.err += text
    },
    endWith: code => {
      ended.code = code
    }
  })
  return ended
}
