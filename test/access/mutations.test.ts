import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { actorOf } from '../../src/access/actors.ts'
import { createAdmin, removeAdmin, updateAdmin } from '../../src/access/admins-admin.ts'
import { verify } from '../../src/access/audit.ts'
import { NOTHING_DECLARED } from '../../src/access/changes.ts'
import { budgetInput, keyPatch, priceInput, rateLimitInput } from '../../src/access/inputs.ts'
import { createKey, disableKey, removeKey, rotateKey, updateKey } from '../../src/access/keys-admin.ts'
import {
  type Actor,
  actor,
  mayGrant,
  OWNER,
  type Permission,
  ROLES,
  type Role,
  sees
} from '../../src/access/permissions.ts'
import {
  putBudget,
  putPrice,
  putRateLimit,
  removeBudget,
  removePrice,
  removeRateLimit
} from '../../src/access/rules-admin.ts'
import { createTenant, removeTenant, updateTenant } from '../../src/access/tenants-admin.ts'
import type { TenantRow } from '../../src/stores/rows.ts'
import { codeOf, type FakeStores, fakeStores, stoppedClock, tools } from './support.ts'

const as = (role: Role, org: string | null = null, name: string = role): Actor =>
  actor({ id: `${role}-id`, name, role, org })

/** Two organisations with a team and a user each, and a key of the first. */
async function installation() {
  const clock = stoppedClock()
  const stores = fakeStores(clock)
  for (const org of ['acme', 'other']) {
    await createTenant(OWNER, { kind: 'org', id: org }, stores, tools())
    await createTenant(OWNER, { kind: 'team', id: `${org}-team`, org }, stores, tools())
    await createTenant(OWNER, { kind: 'user', id: `${org}-user`, org }, stores, tools())
  }
  const { key } = await createKey(OWNER, { name: 'root', team: 'acme-team', models: ['gpt-*'] }, stores, tools())
  return { clock, stores, key }
}

/** What the stores hold, but for the audit log. */
async function contents(stores: FakeStores): Promise<string> {
  const tables = [stores.keys, stores.admins, stores.budgets, stores.rateLimits, stores.prices]
  const tenants = ['org', 'team', 'user', 'customer', 'agent'] as const
  return JSON.stringify([
    await Promise.all(tables.map(table => table.list())),
    await Promise.all(tenants.map(kind => stores.tenants.list(kind))),
    stores.secrets
  ])
}

const BUDGET = budgetInput.parse({ scope: { team: 'acme-team' }, limit: { usd: 1 }, window: 'day' })
const LIMIT = rateLimitInput.parse({ scope: { team: 'acme-team' }, calls: 3 })
const PRICE = priceInput.parse({ provider: 'openai', model: '*', discount: '20%' })

/** Every change there is, on what `installation` made. */
const CHANGES: Record<string, (actor: Actor, stores: FakeStores, key: string, admin: string) => Promise<unknown>> = {
  createKey: (actor, stores) => createKey(actor, { name: 'new' }, stores, tools()),
  updateKey: (actor, stores, key) => updateKey(actor, key, { tags: ['x'] }, stores, tools()),
  disableKey: (actor, stores, key) => disableKey(actor, key, stores, tools()),
  rotateKey: (actor, stores, key) => rotateKey(actor, key, { overlapMs: 0 }, stores, tools()),
  removeKey: (actor, stores, key) => removeKey(actor, key, stores, tools()),
  createTenant: (actor, stores) => createTenant(actor, { kind: 'team', id: 'new', org: 'acme' }, stores, tools()),
  updateTenant: (actor, stores) =>
    updateTenant(actor, { kind: 'user', id: 'acme-user' }, { name: 'x' }, stores, tools()),
  removeTenant: (actor, stores) => removeTenant(actor, { kind: 'user', id: 'acme-user' }, stores, tools()),
  createAdmin: (actor, stores) =>
    createAdmin(actor, { name: 'a', role: 'billing_viewer', org: 'acme' }, stores, tools()),
  updateAdmin: (actor, stores, _, admin) => updateAdmin(actor, admin, { name: 'b' }, stores, tools()),
  removeAdmin: (actor, stores, _, admin) => removeAdmin(actor, admin, stores, tools()),
  putBudget: (actor, stores) => putBudget(actor, undefined, BUDGET, stores, tools()),
  removeBudget: (actor, stores) => removeBudget(actor, 'budget', stores, tools()),
  putRateLimit: (actor, stores) => putRateLimit(actor, undefined, LIMIT, stores, tools()),
  removeRateLimit: (actor, stores) => removeRateLimit(actor, 'limit', stores, tools()),
  putPrice: (actor, stores) => putPrice(actor, undefined, PRICE, stores, tools()),
  removePrice: (actor, stores) => removePrice(actor, 'price', stores, tools())
}

/** Who may make which of them, in their own organisation. */
const MAY: Record<Role, (name: string) => boolean> = {
  owner: () => true,
  admin: () => true,
  service: name => !/Admin|Price/.test(name),
  billing_viewer: () => false,
  auditor: () => false,
  developer: () => false
}

describe('every change', () => {
  for (const [name, change] of Object.entries(CHANGES)) {
    test(`${name}: those who may, one line in the audit log, one version; nobody else, and nothing is different`, async () => {
      for (const role of ROLES) {
        for (const org of [null, 'acme', 'other']) {
          const { stores, key } = await installation()
          const { admin } = await createAdmin(
            OWNER,
            { name: 'x', role: 'billing_viewer', org: 'acme' },
            stores,
            tools()
          )
          await putBudget(OWNER, 'budget', BUDGET, stores, tools())
          await putRateLimit(OWNER, 'limit', LIMIT, stores, tools())
          await putPrice(OWNER, 'price', PRICE, stores, tools())
          const [before, lines, version] = [await contents(stores), stores.log.length, await stores.version()]
          const code = await codeOf(() => change(as(role, org), stores, key.id, admin.id))
          const isOthers = org === 'other' && name !== 'createKey'
          const isAllowed = MAY[role](name) && !isOthers && !(org !== null && name.endsWith('Price'))
          const what = `${role} of ${org}: ${code}`
          if (isAllowed) {
            assert.equal(code, undefined, what)
            assert.equal(stores.log.length, lines + 1, what)
            assert.equal(await stores.version(), version + 1, what)
            assert.deepEqual(
              [stores.log.at(-1)!.actor, stores.log.at(-1)!.address, stores.log.at(-1)!.requestId],
              [`${role}-id`, '192.0.2.7', 'request-1']
            )
          } else {
            assert.ok(code === 'not_allowed' || code === 'not_found' || code === 'invalid_input', what)
            assert.equal(await contents(stores), before, what)
            assert.equal(stores.log.length, lines, what)
          }
          assert.ok((await verify(stores.log)).ok)
        }
      }
    })
  }

  test('no token is in a row, nor in the audit log', async () => {
    const { stores, key } = await installation()
    const made = await createKey(OWNER, { name: 'canary', parent: key.id }, stores, tools())
    const rotated = await rotateKey(OWNER, made.key.id, { overlapMs: 0 }, stores, tools())
    const { token } = await createAdmin(OWNER, { name: 'x', role: 'auditor' }, stores, tools())
    const kept = JSON.stringify([await contents(stores), stores.log, made, rotated])
    for (const secret of [made.token, rotated.token, token]) {
      assert.ok(!secret.isIn(kept))
      assert.ok(!kept.includes(secret.reveal().slice(21, 50)), 'nor the secret alone')
    }
  })
})

describe('keys', () => {
  test('a child belongs to whom its parent does, and may do no more', async () => {
    const { stores, key } = await installation()
    const make = (more: object) => createKey(OWNER, { name: 'child', parent: key.id, ...more }, stores, tools())
    assert.equal(await codeOf(() => make({ models: ['*'] })), 'not_allowed')
    assert.equal(await codeOf(() => make({ models: ['gpt-5', 'claude-4'] })), 'not_allowed')
    assert.equal(await codeOf(() => make({ team: 'other-team' })), 'invalid_input')
    assert.equal(await codeOf(() => make({ org: 'other' })), 'invalid_input')
    assert.equal(await codeOf(() => make({ parent: 'nobody' })), 'invalid_input')
    const child = await make({ models: ['gpt-5*'] })
    assert.deepEqual([child.key.org, child.key.team], ['acme', 'acme-team'])
    const change = (patch: object) => updateKey(OWNER, child.key.id, patch, stores, tools())
    assert.equal(await codeOf(() => change({ models: ['gpt-*', 'o3'] })), 'not_allowed')
    assert.equal(await codeOf(() => change({ team: 'other-team' })), 'invalid_input')
    assert.equal((await change({ models: null })).scopes.models, undefined)
    assert.equal(await codeOf(() => removeKey(OWNER, key.id, stores, tools())), 'conflict')
  })

  test('a change leaves what it does not name, and null takes it away', async () => {
    const { stores } = await installation()
    const input = { name: 'k', models: ['a'], doors: ['chat' as const], tags: ['t'], expires: 5 }
    const { key } = await createKey(OWNER, input, stores, tools())
    const changed = await updateKey(OWNER, key.id, { doors: null, expires: null, metadata: { a: 1 } }, stores, tools())
    assert.deepEqual(changed, { ...key, scopes: { models: ['a'] }, expiresAtMs: null, metadata: { a: 1 } })
  })

  test('no two have one name; the file wins over what is made here', async () => {
    const { stores } = await installation()
    const declared = { ...NOTHING_DECLARED, keys: new Set(['from-file']), rules: new Set(['file budget']) }
    const make = (name: string) => createKey(OWNER, { name }, stores, tools({ declared }))
    assert.equal(await codeOf(() => make('root')), 'conflict')
    assert.equal(await codeOf(() => make('from-file')), 'conflict')
    assert.equal(await codeOf(() => make('other')), undefined)
    assert.equal(await codeOf(() => disableKey(OWNER, 'from-file', stores, tools({ declared }))), 'declared_in_file')
    assert.equal(
      await codeOf(() => disableKey(as('admin', 'acme'), 'from-file', stores, tools({ declared }))),
      'not_found'
    )
    assert.equal(
      await codeOf(() => putBudget(OWNER, 'file budget', BUDGET, stores, tools({ declared }))),
      'declared_in_file'
    )
  })

  test('keys of keys end somewhere', async () => {
    const { stores, key } = await installation()
    let parent = key.id
    for (let depth = 1; depth <= 8; depth++) {
      parent = (await createKey(OWNER, { name: `k${depth}`, parent }, stores, tools())).key.id
    }
    assert.equal(await codeOf(() => createKey(OWNER, { name: 'k9', parent }, stores, tools())), 'invalid_input')
  })

  test('developers make keys of their own keys, and widen nothing', async () => {
    const { stores, key: foreign } = await installation()
    const ann = as('developer', 'acme', 'acme-user')
    const { key: own } = await createKey(OWNER, { name: 'ann', user: 'acme-user', models: ['gpt-*'] }, stores, tools())
    const make = (more: object) => createKey(ann, { name: 'hers', ...more }, stores, tools())
    assert.equal(await codeOf(() => make({})), 'invalid_input')
    assert.equal(await codeOf(() => make({ parent: foreign.id })), 'invalid_input')
    assert.equal(await codeOf(() => make({ parent: own.id, user: 'other-user' })), 'invalid_input')
    const { key: child } = await make({ parent: own.id, models: ['gpt-5'] })
    assert.equal(child.user, 'acme-user')
    const change = (id: string, patch: object) => codeOf(() => updateKey(ann, id, patch, stores, tools()))
    assert.equal(await change(child.id, { models: ['gpt-4o'] }), undefined)
    assert.equal(await change(child.id, { models: ['o3'] }), 'not_allowed')
    assert.equal(await change(own.id, { models: null }), 'not_allowed')
    assert.equal(await change(own.id, { tags: [] }), 'not_allowed')
    assert.equal(await change(foreign.id, { tags: [] }), 'not_found')
    assert.equal(await codeOf(() => disableKey(ann, own.id, stores, tools())), undefined)
    assert.equal(await change(own.id, { disabled: false }), 'not_allowed')
    assert.equal(await codeOf(() => removeKey(ann, own.id, stores, tools())), 'not_allowed')
    assert.equal(await codeOf(() => rotateKey(ann, foreign.id, { overlapMs: 0 }, stores, tools())), 'not_found')
    assert.equal(await codeOf(() => removeKey(ann, child.id, stores, tools())), undefined)
  })

  test('a developer whose key was made from the team’s cannot have more of it than they were given', async () => {
    const { stores, key: teams } = await installation()
    const ann = as('developer', 'acme', 'acme-user')
    const given = { name: 'ann', parent: teams.id, user: 'acme-user', models: ['gpt-5-mini'] }
    const { key } = await createKey(OWNER, given, stores, tools())
    for (const patch of [{ models: ['gpt-*'] }, { models: null }, { tags: ['x'] }, { disabled: false }]) {
      assert.equal(await codeOf(() => updateKey(ann, key.id, patch, stores, tools())), 'not_allowed')
    }
    assert.equal(await codeOf(() => removeKey(ann, key.id, stores, tools())), 'not_allowed')
  })

  test('what nobody may say is refused before it is looked at', () => {
    const privileged = [
      'id',
      'name',
      'org',
      'parent',
      'createdAtMs',
      'lastUsedAtMs',
      'scopes',
      'digest',
      'role',
      '__proto__x'
    ]
    for (const name of privileged) assert.ok(!keyPatch.safeParse({ [name]: 'x' }).success, name)
  })
})

describe('budgets', () => {
  test('who is held to an organisation makes them for what is of it alone', async () => {
    const { stores } = await installation()
    const put = (kind: string, match: string) => {
      const input = budgetInput.parse({ scope: { [kind]: match }, limit: { usd: 1 }, window: 'day' })
      return codeOf(() => putBudget(as('admin', 'acme'), undefined, input, stores, tools()))
    }
    const own = { org: 'acme', team: 'acme-team', user: 'acme-user', key: 'root' }
    for (const [kind, match] of Object.entries(own)) assert.equal(await put(kind, match), undefined, kind)
    for (const kind of Object.keys(own)) assert.equal(await put(kind, '*'), 'not_allowed', kind)
    const others = { org: 'other', team: 'other-team', user: 'other-user', key: 'nobody' }
    const shared = { customer: 'c', agent: 'a', tag: 't', model: 'm', provider: 'p' }
    for (const [kind, match] of Object.entries({ ...others, ...shared })) {
      assert.equal(await put(kind, match), 'not_allowed', kind)
    }
  })

  test('one that is put again is the same one, and another organisation cannot take it', async () => {
    const { stores, clock } = await installation()
    const first = await putBudget(as('admin', 'acme'), 'mine', BUDGET, stores, tools())
    clock.nowMs += 1
    const again = await putBudget(OWNER, 'mine', { ...BUDGET, limit: 5 as typeof BUDGET.limit }, stores, tools())
    assert.deepEqual(again, { ...first, limit: 5 })
    const foreign = budgetInput.parse({ scope: { team: 'other-team' }, limit: { usd: 1 }, window: 'day' })
    assert.equal(await codeOf(() => putBudget(as('admin', 'other'), 'mine', foreign, stores, tools())), 'conflict')
    assert.equal(await codeOf(() => putBudget(OWNER, 'a b', BUDGET, stores, tools())), 'invalid_input')
  })
})

describe('tenants', () => {
  test('one that was seen becomes one that was made; one that was made is there', async () => {
    const { stores } = await installation()
    const seen: TenantRow = {
      kind: 'customer',
      id: 'c',
      name: 'c',
      org: null,
      metadata: {},
      disabled: false,
      createdAtMs: 1,
      asSeen: true
    }
    await stores.tenants.put(seen)
    const made = await createTenant(OWNER, { kind: 'customer', id: 'c', name: 'Customer' }, stores, tools())
    assert.deepEqual(made, { ...seen, name: 'Customer', asSeen: false })
    assert.equal(await codeOf(() => createTenant(OWNER, { kind: 'customer', id: 'c' }, stores, tools())), 'conflict')
  })

  test('none goes while something belongs to it', async () => {
    const { stores, key } = await installation()
    const remove = (kind: 'org' | 'team' | 'user', id: string) =>
      codeOf(() => removeTenant(OWNER, { kind, id }, stores, tools()))
    assert.equal(await remove('team', 'acme-team'), 'conflict')
    assert.equal(await remove('org', 'acme'), 'conflict')
    await removeKey(OWNER, key.id, stores, tools())
    assert.equal(await remove('team', 'acme-team'), undefined)
    assert.equal(await remove('org', 'acme'), 'conflict')
    assert.equal(await remove('user', 'acme-user'), undefined)
    assert.equal(await remove('org', 'acme'), undefined)
  })
})

describe('admin tokens', () => {
  test('nobody hands out more than they have, nor changes who has more, nor themselves', async () => {
    const { stores } = await installation()
    const rooms = { owner: undefined, admins: stores.admins, digests: tools().digests, nowMs: () => 0 }
    for (const role of ROLES.filter(role => role !== 'developer')) {
      for (const org of [null, 'acme']) {
        const { admin, token } = await createAdmin(OWNER, { name: role, role, ...(org && { org }) }, stores, tools())
        const self = await actorOf(`Bearer ${token.reveal()}`, rooms)
        assert.deepEqual([self.id, self.role, self.org], [admin.id, role, org ?? undefined])
        assert.equal(await codeOf(() => updateAdmin(self, self.id, { role: 'owner' }, stores, tools())), 'not_allowed')
        for (const given of ROLES.filter(role => role !== 'developer')) {
          const input = { name: 'new', role: given, ...(org && { org }) }
          const code = await codeOf(() => createAdmin(self, input, stores, tools()))
          const isWithin = [...permissionsIn(given, org)].every(permission => self.permissions.has(permission))
          const may = self.permissions.has('admins:write') && isWithin
          assert.equal(code, may ? undefined : 'not_allowed', `${role} of ${org} gives ${given}`)
        }
      }
    }
    const owner = await createAdmin(OWNER, { name: 'o', role: 'owner' }, stores, tools())
    for (const patch of [{ disabled: true }, { role: 'auditor' as const }, { name: 'x' }]) {
      assert.equal(await codeOf(() => updateAdmin(as('admin'), owner.admin.id, patch, stores, tools())), 'not_allowed')
    }
    assert.equal(
      await codeOf(() =>
        createAdmin(as('owner', 'acme'), { name: 'x', role: 'auditor', org: 'other' }, stores, tools())
      ),
      'invalid_input'
    )
    assert.ok(!mayGrant(as('owner', 'acme'), { role: 'billing_viewer', org: null }))
  })

  test('nobody raises somebody else above themselves', async () => {
    const { stores } = await installation()
    const { admin } = await createAdmin(OWNER, { name: 'x', role: 'auditor' }, stores, tools())
    const raise = (role: Role) => codeOf(() => updateAdmin(as('admin'), admin.id, { role }, stores, tools()))
    assert.equal(await raise('owner'), 'not_allowed')
    assert.equal(await raise('admin'), undefined)
  })

  test('a developer is a user that there is', async () => {
    const { stores } = await installation()
    const make = (name: string) =>
      codeOf(() => createAdmin(OWNER, { name, role: 'developer', org: 'acme' }, stores, tools()))
    assert.equal(await make('nobody'), 'invalid_input')
    assert.equal(await make('other-user'), 'invalid_input')
    assert.equal(await make('acme-user'), undefined)
    const ann = as('developer', 'acme', 'acme-user')
    assert.ok(sees(ann, { org: 'acme', user: 'acme-user' }))
    assert.ok(!sees(ann, { org: 'acme', user: null }) && !sees(ann, { org: 'acme', user: 'bob' }))
  })
})

function permissionsIn(role: Role, org: string | null): ReadonlySet<Permission> {
  return as(role, org).permissions
}
