/** Nobody comes to do more than they may by what they write (security test S03). */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ROLES } from '../../src/access/permissions.ts'
import { routes } from '../../src/admin/routes.ts'
import type { JsonObject } from '../../src/json.ts'
import { type AdminApi, adminApi, bearer, keyRow } from './support.ts'

/** Members that somebody would like to set: those of rows, of other inputs and of the language. */
const PRIVILEGED: JsonObject = {
  id: 'chosen',
  key: 'gh_live_chosen',
  digest: 'ab'.repeat(32),
  scheme: 'sha256',
  hint: 'zzzz',
  createdAtMs: 1,
  created_at: '2020-01-01',
  lastUsedAtMs: 1,
  permissions: ['admins:write'],
  is_admin: true,
  actor: 'owner',
  asSeen: true,
  source: 'file',
  seq: 1,
  hash: '0'.repeat(64),
  factor: 0,
  spent: 0,
  constructor: { name: 'x' },
  prototype: {}
}

describe('escalation', () => {
  let api: AdminApi
  before(async () => {
    api = await adminApi()
    const tenant = { metadata: {}, disabled: false, createdAtMs: 1, asSeen: false }
    await api.stores.tenants.put({ kind: 'org', id: 'acme', name: 'acme', org: null, ...tenant })
    await api.stores.tenants.put({ kind: 'user', id: 'ada', name: 'ada', org: 'acme', ...tenant })
    await api.stores.tenants.put({ kind: 'user', id: 'bob', name: 'bob', org: 'acme', ...tenant })
    await api.stores.keys.put(keyRow('of-ada', { org: 'acme', user: 'ada', scopes: { models: ['gpt-*'] } }))
    await api.stores.keys.put(keyRow('of-bob', { org: 'acme', user: 'bob' }))
  })
  after(() => api.close())

  test('a member that a schema does not name changes nothing, whoever sends it', async () => {
    // These name what they ask about, and change nothing of it.
    const names = ['/explain', '/cache/purge']
    const writes = routes.filter(({ method, body, path }) => method !== 'GET' && body && !names.includes(path))
    assert.ok(writes.length >= 10)
    const before = await everything(api)
    for (const role of ROLES) {
      const headers = bearer(await api.admin(role, null, role === 'developer' ? 'ada' : role))
      before.admins = await api.stores.admins.list()
      for (const { method, path } of writes) {
        const at = path.replace(':kind', 'user').replace(':id', path.startsWith('/keys') ? 'of-ada' : 'ada')
        for (const [name, value] of Object.entries(PRIVILEGED)) {
          // As text: what the language does with `__proto__` and `constructor` must not come in between.
          const { status, code } = await api.ask(`${method} ${at}`, { [name]: value }, headers)
          assert.ok([400, 403, 404].includes(status), `${method} ${at} ${name} as ${role}: ${status} ${code}`)
        }
      }
    }
    assert.deepEqual(await everything(api), before)
  })

  test('__proto__ is refused as any other member', async () => {
    const headers = { ...bearer(await api.admin('owner')), 'content-type': 'application/json' }
    for (const sent of ['{"__proto__":{"role":"owner"},"name":"x"}', '{"constructor":{"prototype":{}},"name":"x"}']) {
      const { status } = await api.ask('POST /keys', sent, headers)
      assert.equal(status, 400)
    }
  })

  test('a developer makes keys of keys of their own, which do no more, and for themselves', async () => {
    const headers = bearer(await api.admin('developer', 'acme', 'ada'))
    const make = (body: JsonObject) => api.ask('POST /keys', body, headers)
    assert.equal((await make({ name: 'free' })).code, 'invalid_input')
    assert.equal((await make({ name: 'bobs', parent: 'of-bob' })).code, 'invalid_input')
    assert.equal((await make({ name: 'wide', parent: 'of-ada', models: ['*'] })).code, 'not_allowed')
    assert.equal((await make({ name: 'for-bob', parent: 'of-ada', user: 'bob' })).status, 400)
    const { status, json } = await make({ name: 'mine', parent: 'of-ada', models: ['gpt-5*'] })
    assert.equal(status, 201)
    assert.equal((json.key as JsonObject).user, 'ada')
    const path = `PATCH /keys/${(json.key as JsonObject).id}`
    assert.equal((await api.ask(path, { guards: [] }, headers)).code, 'not_allowed')
    for (const require of [null, { region: ['eu'] }]) {
      assert.equal((await api.ask(path, { require }, headers)).code, 'not_allowed')
    }
    assert.equal((await api.ask(path, { tags: ['a'] }, headers)).status, 200)
  })

  test('what an organisation is held to is not for its own admins; that of its teams is', async () => {
    const held = { guards: ['pii'], require: { region: ['eu'] } }
    const { json } = await api.ask('POST /tenants', { kind: 'org', id: 'held', ...held })
    assert.deepEqual([json.guards, json.require], [held.guards, held.require])
    const headers = bearer(await api.admin('admin', 'held'))
    for (const change of [{ guards: null }, { guards: [] }, { require: null }, { require: { region: ['us'] } }]) {
      assert.equal((await api.ask('PATCH /tenants/org/held', change, headers)).code, 'not_allowed')
    }
    const { json: renamed } = await api.ask('PATCH /tenants/org/held', { name: 'Held' }, headers)
    assert.deepEqual([renamed.name, renamed.guards, renamed.require], ['Held', held.guards, held.require])
    assert.equal((await api.ask('POST /tenants', { kind: 'team', id: 'of-held', ...held }, headers)).status, 201)
    const { json: freed } = await api.ask('PATCH /tenants/team/of-held', { require: null }, headers)
    assert.deepEqual([freed.guards, freed.require], [held.guards, null])
  })

  test('nobody is held to anything by a name that calls give themselves', async () => {
    for (const kind of ['customer', 'agent']) {
      for (const [name, value] of Object.entries({ guards: ['pii'], require: { no_training: true } })) {
        const { code, json } = await api.ask('POST /tenants', { kind, id: 'x', [name]: value })
        assert.deepEqual([code, (json.error as JsonObject).param], ['invalid_input', name])
      }
    }
    const path = 'PATCH /tenants/agent/seen'
    assert.equal((await api.ask('POST /tenants', { kind: 'agent', id: 'seen' })).status, 201)
    assert.equal((await api.ask(path, { require: { no_training: true } })).code, 'invalid_input')
    assert.equal((await api.ask(path, { require: null, guards: null })).status, 200)
    for (const require of [{ no_training: false }, { region: [] }, { region: ['EU'] }, { zdr: true }, 'region=eu']) {
      const { code } = await api.ask('POST /tenants', { kind: 'team', id: 'y', require } as JsonObject)
      assert.equal(code, 'invalid_input', JSON.stringify(require))
    }
  })

  test('a developer sees no keys of others, in lists or by id, and cannot touch them', async () => {
    const headers = bearer(await api.admin('developer', 'acme', 'ada'))
    const { json } = await api.ask('GET /keys', undefined, headers)
    assert.deepEqual([...new Set((json.data as JsonObject[]).map(({ user }) => user))], ['ada'])
    for (const asked of ['GET /keys/of-bob', 'DELETE /keys/of-bob', 'POST /keys/of-bob/disable']) {
      assert.equal((await api.ask(asked, undefined, headers)).code, 'not_found', asked)
    }
  })

  test('a developer asks for the usage of others in vain', async () => {
    const headers = bearer(await api.admin('developer', 'acme', 'ada'))
    assert.equal((await api.ask('GET /usage?user=bob', undefined, headers)).code, 'not_allowed')
    assert.equal((await api.ask('GET /usage', undefined, headers)).status, 200)
    assert.deepEqual(api.asked.at(-1)?.where, { org: 'acme', user: 'ada' })
  })

  test('nobody hands out a role that may do more than they may, nor changes their own', async () => {
    const token = await api.admin('admin', 'acme', 'an admin')
    const headers = bearer(token)
    const make = (body: JsonObject) => api.ask('POST /admins', { name: 'x', ...body }, headers)
    assert.equal((await make({ role: 'owner' })).code, 'not_allowed')
    assert.equal((await make({ role: 'owner', org: 'acme' })).code, 'not_allowed')
    assert.equal((await make({ role: 'admin', org: 'rival' })).code, 'invalid_input')
    assert.equal((await make({ role: 'auditor', org: 'acme' })).status, 201)
    const [, , id] = token.split('_')
    assert.equal((await api.ask(`PATCH /admins/${id}`, { role: 'owner' }, headers)).code, 'not_allowed')
  })

  test('a disabled admin token, and an expired one, open nothing', async () => {
    const token = await api.admin('owner')
    const id = token.split('_')[2]!
    const row = (await api.stores.admins.find(id))!
    await api.stores.admins.put({ ...row, disabled: true })
    assert.equal((await api.ask('GET /me', undefined, bearer(token))).code, 'key_disabled')
    await api.stores.admins.put({ ...row, expiresAtMs: 1 })
    assert.equal((await api.ask('GET /me', undefined, bearer(token))).code, 'key_expired')
  })
})

async function everything({ stores }: AdminApi): Promise<Record<string, unknown>> {
  const kinds = ['org', 'team', 'user', 'customer', 'agent'] as const
  return {
    keys: await stores.keys.list(),
    tenants: await Promise.all(kinds.map(kind => stores.tenants.list(kind))),
    budgets: await stores.budgets.list(),
    limits: await stores.rateLimits.list(),
    prices: await stores.prices.list(),
    admins: await stores.admins.list(),
    log: [...stores.log]
  }
}
