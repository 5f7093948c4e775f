/** What the admin API answers, apart from who may ask (the access matrix). */
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { verify } from '../../src/access/audit.ts'
import { toBudgetRow } from '../../src/access/inputs.ts'
import { adminApp } from '../../src/admin/app.ts'
import { csvCell } from '../../src/admin/export.ts'
import type { JsonObject } from '../../src/json.ts'
import {
  type AdminApi,
  adminApi,
  attemptRow,
  bearer,
  hall,
  keyRow,
  NO_ROWS,
  OWNER_TOKEN,
  requestRow
} from './support.ts'

describe('the admin API', () => {
  let api: AdminApi
  beforeEach(async () => {
    api = await adminApi()
  })
  afterEach(() => api.close())

  const made = async (what: string, body: JsonObject) => {
    const { status, json, text } = await api.ask(what, body)
    assert.ok(status === 200 || status === 201, text)
    return json
  }

  test('a key: made, shown, changed, rotated, disabled, removed; its token is told once and never stored', async () => {
    const input = { name: 'app', models: ['gpt-*'], tags: ['a'], metadata: { cost: 7 }, expires: '2027-12-31' }
    const { key, token } = (await made('POST /keys', input)) as { key: JsonObject; token: string }
    assert.match(token, /^gh_live_/)
    const path = `/keys/${key.id}`
    const { json: shown, headers } = await api.ask(`GET ${path}`)
    assert.equal(headers['cache-control'], 'no-store')
    assert.deepEqual({ ...shown, tokens: undefined }, { ...key, tokens: undefined })
    assert.deepEqual((shown.tokens as JsonObject[])[0]?.hint, token.slice(-4))
    const changed = await made(`PATCH ${path}`, { models: null, tags: ['b'] })
    assert.deepEqual([changed.models, changed.tags, changed.metadata], [null, ['b'], { cost: 7 }])
    const rotated = await made(`POST ${path}/rotate`, { overlap: '1h' })
    assert.notEqual(rotated.token, token)
    assert.equal(((await api.ask(`GET ${path}`)).json.tokens as JsonObject[]).length, 2)
    assert.equal((await api.ask(`POST ${path}/disable`)).json.disabled, true)
    assert.equal((await api.ask(`DELETE ${path}`)).status, 204)
    assert.equal((await api.ask(`GET ${path}`)).code, 'not_found')
    assert.ok(!JSON.stringify([api.stores.secrets, api.stores.log]).includes(token))
    assert.deepEqual([...new Set(api.told)], ['access'])
    const actions = ['create', 'update', 'rotate', 'update', 'remove'].map(name => `keys:${name}`)
    assert.deepEqual(
      api.stores.log.map(({ action }) => action),
      actions
    )
  })

  test('no reply holds a digest, whatever is asked for', async () => {
    await made('POST /keys', { name: 'app' })
    await made('POST /admins', { name: 'ops', role: 'admin' })
    const admin = (await api.stores.admins.list())[0]!
    const digests = [admin.digest, ...api.stores.secrets.map(({ digest }) => digest)]
    for (const path of ['/keys', '/admins', `/keys/${(await api.stores.keys.list())[0]!.id}`, `/admins/${admin.id}`]) {
      const { text, status } = await api.ask(`GET ${path}`)
      assert.equal(status, 200)
      for (const digest of digests) assert.ok(!text.includes(digest), path)
    }
  })

  test('the line of a change in the audit log has the id of the request, and where it came from', async () => {
    const { headers } = await api.ask('POST /keys', { name: 'app' })
    const [row] = api.stores.log
    assert.equal(row?.requestId, headers['x-gatehouse-request-id'])
    assert.equal(row?.address, '127.0.0.1')
    assert.equal(row?.actor, 'owner')
  })

  test('what is wrong is named by its path; what is unknown is refused', async () => {
    const wrong = async (what: string, body: JsonObject) => {
      const { code, json } = await api.ask(what, body)
      return [code, (json.error as JsonObject).param]
    }
    assert.deepEqual(await wrong('POST /keys', {}), ['invalid_input', 'name'])
    assert.deepEqual(await wrong('POST /keys', { name: 'x', modles: [] }), ['invalid_input', 'modles'])
    assert.deepEqual(await wrong('POST /keys', { name: 'x', addresses: ['10.0.0.0/64'] }), [
      'invalid_input',
      'addresses.0'
    ])
    assert.deepEqual(await wrong('POST /keys', { name: 'x\u001b[2J' }), ['invalid_input', 'name'])
    const budget = { scope: { org: 'a' }, limit: { usd: '1' }, window: 'day' }
    assert.deepEqual(await wrong('POST /budgets', { ...budget, limit: { usd: '0.0000000001' } }), [
      'invalid_input',
      'limit.usd'
    ])
    assert.deepEqual(await wrong('POST /budgets', { ...budget, window: 'fortnight' }), ['invalid_input', 'window'])
    assert.equal((await api.ask('GET /keys?limit=0')).code, 'invalid_input')
    assert.equal((await api.ask('GET /keys?nonsense=1')).code, 'invalid_input')
    assert.equal((await api.ask('GET /usage?group_by=colour')).code, 'invalid_input')
    assert.equal(
      (await api.ask('POST /keys', '{', { ...owner, 'content-type': 'application/json' })).code,
      'invalid_json'
    )
  })

  test('lists come in pages: none twice, none left out, however small they are', async () => {
    const names = [...'abcdefghijk']
    for (const id of names) await api.stores.keys.put(keyRow(id, { org: id < 'f' ? 'acme' : 'rival' }))
    for (const limit of [1, 2, 3, 10, 11, 1_000]) {
      const seen: unknown[] = []
      for (let after = ''; ; ) {
        const { json } = await api.ask(`GET /keys?limit=${limit}${after && `&after=${after}`}`)
        seen.push(...(json.data as JsonObject[]).map(({ id }) => id))
        assert.ok((json.data as JsonObject[]).length <= limit)
        if (json.next === null) break
        after = String(json.next)
      }
      assert.deepEqual(seen, names)
    }
  })

  test('who is held to one organisation sees of each list what is theirs', async () => {
    for (const org of ['acme', 'rival']) {
      await api.stores.tenants.put(tenant('org', org, null))
      await api.stores.tenants.put(tenant('team', `team-of-${org}`, org))
      await api.stores.keys.put(keyRow(`key-of-${org}`, { org }))
      await api.stores.ledger.ingest({
        attempts: [attemptRow(`of-${org}`, org)],
        requests: [requestRow(`of-${org}`, org)]
      })
      await made('POST /budgets', { scope: { team: `team-of-${org}` }, limit: { usd: '1' }, window: 'day' })
      await made('POST /limits', { scope: { org }, requests: '1/minute' })
      await api.admin('auditor', org, `auditor-of-${org}`)
    }
    const headers = bearer(await api.admin('owner', 'rival', 'owner-of-rival'))
    const paths = ['/keys', '/tenants?kind=org', '/tenants?kind=team', '/budgets', '/limits', '/admins', '/requests']
    for (const path of [...paths, '/attempts', '/requests/export', '/attempts/export?format=csv']) {
      const { status, text } = await api.ask(`GET ${path}`, undefined, headers)
      assert.equal(status, 200, path)
      assert.match(text, /rival/, path)
      assert.doesNotMatch(text, /acme/, path)
    }
  })

  test('a budget is shown as it was written, with what is used of it', async () => {
    const input = {
      scope: { team: 'x' },
      limit: { usd: '1.5' },
      window: 'month',
      time_zone: 'Europe/Berlin',
      thresholds: ['50%']
    }
    const budget = await made('PUT /budgets/mine', input)
    assert.deepEqual(budget, { ...budget, id: 'mine', mode: 'hard', ...input })
    const { now } = (await api.ask('GET /budgets/mine')).json as { now: JsonObject }
    const used = { of: 'x', spent_usd: '0.25', held_usd: '0.05', remaining_usd: '1.2' }
    assert.deepEqual(now, { ...used, resets_at: now.resets_at })
    await made('PUT /budgets/each', { scope: { customer: 'c-*' }, limit: { tokens: '1M' }, window: 'rolling 30d' })
    assert.equal((await api.ask('GET /budgets/each')).json.now, null)
    const of = (await api.ask('GET /budgets/each?of=c-1')).json
    assert.deepEqual(
      [of.window, (of.now as JsonObject).of, (of.now as JsonObject).spent],
      ['rolling 30d', 'c-1', 250_000_000]
    )
    assert.equal((await api.ask('GET /budgets/each?of=d')).code, 'invalid_input')
    assert.deepEqual(api.told, ['money', 'money'])
  })

  test('a limit and a price are shown as they were written', async () => {
    const limit = { scope: { key: '*' }, tokens: '100000/minute', burst: 5 }
    assert.deepEqual((await made('PUT /limits/mine', limit)).tokens, limit.tokens)
    const price = await made('PUT /prices/mine', {
      provider: 'lab',
      model: 'm-*',
      usd: { input_mtok: 3 },
      discount: '20%'
    })
    assert.deepEqual([price.usd, price.discount, price.markup, price.from], [{ input_mtok: 3 }, '20%', null, null])
    const { json } = await api.ask('GET /effective-price?provider=lab&model=m-1')
    assert.deepEqual(json.lines, { input: { usd_per_million: '3' } })
  })

  test('usage says which of the two it counts, and money is a decimal text', async () => {
    const { json } = await api.ask('GET /usage?of=requests&group_by=team,day&team=x&from=2026-01-01&to=2026-02-01')
    assert.equal(json.of, 'requests')
    const [line] = json.data as JsonObject[]
    assert.deepEqual([line?.group, line?.cost_usd, line?.unpriced], [{ team: 'x', day: 'x' }, '0.0015', 1])
    const [fromMs, toMs] = [Date.UTC(2026, 0, 1), Date.UTC(2026, 1, 1)]
    const query = {
      of: 'requests',
      fromMs,
      toMs,
      groupBy: ['team', 'day'],
      where: { team: 'x' },
      percentiles: false,
      limit: 1_000
    }
    assert.deepEqual(api.asked, [query])
  })

  test('a call with its attempts; what a provider wrote beside its usage stays inside', async () => {
    await api.stores.ledger.ingest({ attempts: [attemptRow('call', 'acme')], requests: [requestRow('call', 'acme')] })
    const { json, text } = await api.ask('GET /requests/call')
    const [attempt] = json.attempts as JsonObject[]
    assert.deepEqual(attempt?.usage, { input_tokens: 10, output_tokens: 5 })
    assert.deepEqual([attempt?.cost_usd, attempt?.lines], ['0.0015', { input: { units: 10, usd: '0.0015' } }])
    assert.equal((json.request as JsonObject).model_asked, 'smart')
    assert.ok(!text.includes('stays here'))
  })

  test('an export as a table runs nothing in a spreadsheet; the audit log says who took it', async () => {
    const payers = { org: '=cmd|x', key: '@SUM(1)', customer: '+1', agent: '-2', session: 'a,"b"\nc' }
    const evil = requestRow('call', 'acme', { payers, modelAsked: '\t=1+1' })
    await api.stores.ledger.ingest({ attempts: [], requests: [evil] })
    const { text, headers } = await api.ask('GET /requests/export?format=csv')
    assert.match(String(headers['content-disposition']), /attachment; filename="requests.csv"/)
    assert.ok(text.includes(`'=cmd|x`) && text.includes(`'@SUM(1)`) && text.includes(`'+1`) && text.includes(`'-2`))
    assert.ok(text.includes('"a,""b""\nc"'))
    assert.doesNotMatch(text, /(^|,)"?\s*[=+@]/m)
    assert.equal(api.stores.log.at(-1)?.action, 'ledger:export')
    const lines = (await api.ask('GET /requests/export')).text.trim().split('\n')
    assert.equal((JSON.parse(lines[0]!) as JsonObject).model_asked, '\t=1+1')
    for (const [value, cell] of [
      [-5, '-5'],
      ['-5', `'-5`],
      [null, ''],
      [' x', '" x"'],
      ['=1', `'=1`]
    ] as const) {
      assert.equal(csvCell(value), cell)
    }
  })

  test('the audit log: listed, exported, verified, signed', async () => {
    for (const name of ['a', 'b', 'c']) await made('POST /keys', { name })
    const { json: page } = await api.ask('GET /audit?limit=2')
    assert.deepEqual([(page.data as JsonObject[]).length, page.next], [2, 3])
    const { text } = await api.ask('GET /audit/export')
    const rows = text
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    assert.equal((await verify(rows)).ok, true)
    assert.equal((await api.ask('GET /audit/verify')).json.rows, 4)
    const { checkpoint } = (await api.ask('GET /audit/checkpoint')).json as { checkpoint: JsonObject }
    assert.deepEqual([checkpoint.seq, checkpoint.hash], [4, api.stores.log[3]!.hash])
    api.stores.log[1] = { ...api.stores.log[1]!, actor: 'somebody else' }
    const { json: found } = await api.ask('GET /audit/verify')
    assert.deepEqual([found.ok, found.seq], [false, 2])
  })

  test('what the file declares is listed first, and is changed there alone', async () => {
    await api.close()
    const input = { scope: { kind: 'team', match: 'x' }, unit: 'usd', limit: 1, window: { rollingMs: 1 } } as const
    const budget = toBudgetRow({ ...input, mode: 'hard', thresholds: [], webhook: null } as never, {
      id: 'file 0',
      createdAtMs: 0
    })
    const rows = { ...NO_ROWS, keys: [keyRow('of-the-file')], budgets: [budget] }
    const names = { keys: new Set(['of-the-file']), rules: new Set(['file 0']), tenant: () => undefined }
    api = await adminApi({ declared: () => ({ names, rows }) })
    await made('POST /keys', { name: 'another' })
    const { json } = await api.ask('GET /keys')
    assert.deepEqual(
      (json.data as JsonObject[]).map(({ name, source }) => [name, source]),
      [
        ['of-the-file', 'file'],
        ['another', 'api']
      ]
    )
    for (const [what, body] of [
      ['PATCH /keys/of-the-file', { disabled: true }],
      ['DELETE /keys/of-the-file', undefined],
      ['DELETE /budgets/file%200', undefined],
      ['PUT /budgets/file%200', { scope: { org: 'a' }, limit: { usd: '1' }, window: 'day' }]
    ] as const) {
      assert.equal((await api.ask(what, body)).code, 'declared_in_file', what)
    }
    assert.equal((await api.ask('POST /keys', { name: 'of-the-file' })).code, 'conflict')
  })
})

test('without stores the admin API says so, and explains routes all the same', async () => {
  const app = await adminApp(hall())
  try {
    const headers = { authorization: `Bearer ${OWNER_TOKEN}` }
    const keys = await app.inject({ url: '/admin/keys', headers })
    assert.deepEqual([keys.statusCode, keys.json().error.code], [503, 'store_unavailable'])
    assert.match(keys.json().error.message, /keeps nothing/)
    const explained = await app.inject({ method: 'POST', url: '/admin/explain', headers, payload: { model: 'm' } })
    assert.equal(explained.statusCode, 200)
    assert.equal((await app.inject({ url: '/admin/me', headers: bearer('gh_admin_x') })).statusCode, 401)
  } finally {
    await app.close()
  }
})

const owner = { authorization: `Bearer ${OWNER_TOKEN}` }

function tenant(kind: 'org' | 'team', id: string, org: string | null) {
  return { kind, id, name: id, org, metadata: {}, disabled: false, createdAtMs: 1, asSeen: false }
}
