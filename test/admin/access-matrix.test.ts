/**
 * Who may do what (security test S01): every route of the admin API, asked for by everybody, answers as the committed
 * table says. UPDATE_GOLDENS=1 writes it anew; what changed in it is what a reviewer must look at.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ROLES } from '../../src/access/permissions.ts'
import { routes } from '../../src/admin/routes.ts'
import { type AdminApi, adminApi, attemptRow, bearer, keyRow, OWNER_TOKEN, requestRow } from './support.ts'

const FILE = path.resolve(import.meta.dirname, 'access-matrix.json')

/** What each route is asked with; everything it is about belongs to the organisation `acme`. */
const ASKED: Readonly<Record<string, { path?: string; body?: object }>> = {
  'POST /keys': { body: { name: 'new', parent: 'key-of-ada' } },
  'PATCH /keys/:id': { path: '/keys/key-of-ada', body: { disabled: true } },
  'GET /tenants': { path: '/tenants?kind=team' },
  'POST /tenants': { body: { kind: 'team', id: 'new', org: 'acme' } },
  'PATCH /tenants/:kind/:id': { body: { name: 'Another name' } },
  'POST /budgets': { body: { scope: { org: 'acme' }, limit: { usd: '1' }, window: 'day' } },
  'PUT /budgets/:id': { body: { scope: { org: 'acme' }, limit: { usd: '1' }, window: 'day' } },
  'POST /limits': { body: { scope: { org: 'acme' }, requests: '60/minute' } },
  'PUT /limits/:id': { body: { scope: { org: 'acme' }, requests: '60/minute' } },
  'GET /effective-price': { path: '/effective-price?provider=openai&model=m' },
  'POST /prices': { body: { provider: 'openai', model: '*', discount: '20%' } },
  'PUT /prices/:id': { body: { provider: 'openai', model: '*', discount: '20%' } },
  'GET /usage': { path: '/usage?org=acme' },
  'GET /usage/outcomes': { path: '/usage/outcomes?org=acme' },
  'GET /usage/unpriced': { path: '/usage/unpriced?org=acme' },
  'GET /usage/what-if': { path: '/usage/what-if?org=acme&instead=openai/m' },
  'GET /logs/tail': { path: '/logs/tail?limit=0' },
  'POST /cache/purge': { body: { tag: 'news' } },
  'POST /erase': { body: { subject: { customer: 'somebody' } } },
  'POST /views': { body: { name: 'new', query: { outcome: 'failed' } } },
  'POST /admins': { body: { name: 'new', role: 'auditor', org: 'acme' } },
  'PATCH /admins/:id': { body: { disabled: true } },
  'POST /explain': { body: { model: 'm' } },
  'POST /simulate': { body: { config: '' } },
  'POST /guards/test': { body: { text: 'hello' } }
}

const OBJECTS: Readonly<Record<string, string>> = {
  keys: 'key-of-ada',
  tenants: 'team',
  budgets: 'budget',
  limits: 'limit',
  prices: 'price',
  requests: 'call',
  logs: 'call',
  sessions: 'session',
  traces: 'trace',
  views: 'view',
  admins: 'somebody'
}

/** Everything is there anew, whatever the request before has done to it. */
async function fill({ stores }: AdminApi): Promise<void> {
  const tenant = { metadata: {}, disabled: false, createdAtMs: 1, asSeen: false }
  await stores.tenants.put({ kind: 'org', id: 'acme', name: 'acme', org: null, ...tenant })
  await stores.tenants.put({ kind: 'org', id: 'rival', name: 'rival', org: null, ...tenant })
  await stores.tenants.put({ kind: 'team', id: 'team', name: 'team', org: 'acme', ...tenant })
  await stores.tenants.put({ kind: 'user', id: 'ada', name: 'ada', org: 'acme', ...tenant })
  await stores.tenants.put({ kind: 'user', id: 'bob', name: 'bob', org: 'acme', ...tenant })
  await stores.keys.put(keyRow('key-of-ada', { org: 'acme', user: 'ada' }))
  await stores.views.put({ id: 'view', name: 'view', org: 'acme', query: {}, createdAtMs: 1 })
  for (const { id, name } of await stores.keys.list()) if (name === 'new') await stores.keys.remove(id)
  await stores.tenants.remove('team', 'new')
  const scope = { kind: 'org' as const, match: 'acme' }
  const budget = { unit: 'usd' as const, limit: 1, window: { rollingMs: 60_000 }, mode: 'hard' as const }
  await stores.budgets.put({ id: 'budget', scope, ...budget, thresholds: [], webhook: null, createdAtMs: 1 })
  const rate = { unit: 'requests' as const, amount: 60, perMs: 60_000, burst: 60 }
  await stores.rateLimits.put({ id: 'limit', scope, ...rate, createdAtMs: 1 })
  const price = { provider: 'openai', model: '*', usd: null, factor: 0.8, fromMs: 0 }
  await stores.prices.put({ id: 'price', ...price, createdAtMs: 1 })
  const admin = { digest: '', hint: '', createdAtMs: 1, expiresAtMs: null, disabled: false }
  await stores.admins.put({ id: 'somebody', name: 'somebody', role: 'auditor', org: 'acme', ...admin })
  await stores.ledger.ingest({ attempts: [attemptRow('call', 'acme')], requests: [requestRow('call', 'acme')] })
}

async function everybody(api: AdminApi): Promise<Record<string, Record<string, string>>> {
  const roles = await Promise.all(ROLES.map(async role => [role, bearer(await api.admin(role))] as const))
  const key = await api.ask('POST /keys', { name: 'a data key' })
  return {
    nobody: {},
    'a key of the doors': bearer(String(key.json.token)),
    'the owner, by cookie': { cookie: `token=${OWNER_TOKEN}; authorization=Bearer ${OWNER_TOKEN}` },
    'the token of the owner': bearer(OWNER_TOKEN),
    ...Object.fromEntries(roles),
    'developer ada': bearer(await api.admin('developer', 'acme', 'ada')),
    'developer bob': bearer(await api.admin('developer', 'acme', 'bob')),
    'owner of acme': bearer(await api.admin('owner', 'acme')),
    'owner of rival': bearer(await api.admin('owner', 'rival'))
  }
}

test('every route answers everybody as the committed table says', async () => {
  const api = await adminApi()
  try {
    await fill(api)
    const who = await everybody(api)
    const table: Record<string, Record<string, string>> = {}
    for (const { method, path: pattern } of routes) {
      const name = `${method} ${pattern}`
      const { path: given, body } = ASKED[name] ?? {}
      const object = OBJECTS[pattern.split('/')[1]!] ?? ''
      const asked = given ?? pattern.replace(':kind', 'team').replace(':id', object)
      table[name] = {}
      for (const [role, headers] of Object.entries(who)) {
        await fill(api)
        const { status, code } = await api.ask(`${method} ${asked}`, body, headers)
        table[name][role] = code ? `${status} ${code}` : String(status)
      }
    }
    const text = `${JSON.stringify(table, null, 2)}\n`
    if (process.env.UPDATE_GOLDENS === '1') writeFileSync(FILE, text)
    assert.deepEqual(table, JSON.parse(readFileSync(FILE, 'utf8')))
  } finally {
    await api.close()
  }
})

test('the committed table holds the rules that no change of it may break', () => {
  const table = JSON.parse(readFileSync(FILE, 'utf8')) as Record<string, Record<string, string>>
  assert.deepEqual(
    Object.keys(table),
    routes.map(({ method, path: at }) => `${method} ${at}`)
  )
  for (const [name, row] of Object.entries(table)) {
    assert.equal(row.nobody, '401 missing_key', name)
    assert.equal(row['the owner, by cookie'], '401 missing_key', name)
    assert.equal(row['a key of the doors'], '401 invalid_key', name)
    assert.match(row['the token of the owner']!, /^20[014]$/, name)
    const isRead = name.startsWith('GET ')
    for (const role of ['billing_viewer', 'auditor']) {
      if (!isRead) assert.equal(row[role], '403 not_allowed', `${name} as ${role}`)
    }
    // Nobody learns from an answer whether another organisation has an object of this id.
    if (/:id/.test(name) && !name.includes('/prices/') && !name.startsWith('PUT ')) {
      assert.match(row['owner of rival']!, /^404 not_found$/, name)
    }
  }
})
