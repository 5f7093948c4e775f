import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { actorOf } from '../../src/access/actors.ts'
import { actor, may, must, OWNER, PERMISSIONS, ROLES } from '../../src/access/permissions.ts'
import { makeToken, TokenDigests } from '../../src/access/tokens.ts'
import { Secret } from '../../src/secret.ts'
import type { AdminRow } from '../../src/stores/rows.ts'
import { codeOf, PROCESS_SECRET } from './support.ts'

const digests = new TokenDigests(PROCESS_SECRET)
const ownerToken = new Secret(`gh_admin_${randomBytes(32).toString('base64url')}`)
const { id, token, hint } = makeToken('admin', randomBytes)
const row: AdminRow = {
  id,
  name: 'ann',
  role: 'auditor',
  org: 'acme',
  digest: digests.ofAdmin(token.reveal()),
  hint,
  createdAtMs: 0,
  expiresAtMs: 1_000,
  disabled: false
}

function ask(authorization: string | undefined, found: AdminRow | undefined = row, nowMs = 999, owner = true) {
  const admins = { find: async (asked: string) => (asked === id ? found : undefined) }
  return actorOf(authorization, { owner: owner ? ownerToken : undefined, admins, digests, nowMs: () => nowMs })
}

test('the owner by the token of the data directory, others by theirs', async () => {
  assert.equal(await ask(`Bearer ${ownerToken.reveal()}`), OWNER)
  const ann = await ask(`bearer ${token.reveal()}`)
  assert.deepEqual([ann.id, ann.name, ann.role, ann.org, ann.user], [id, 'ann', 'auditor', 'acme', undefined])
})

test('every other token is refused, in the same words where nobody has it', async () => {
  const bearer = `Bearer ${token.reveal()}`
  assert.equal(await codeOf(() => ask(undefined)), 'missing_key')
  assert.equal(await codeOf(() => ask('Basic abc')), 'missing_key')
  assert.equal(await codeOf(() => ask(`Bearer ${ownerToken.reveal()}`, row, 0, false)), 'invalid_key')
  assert.equal(await codeOf(() => ask(`Bearer ${makeToken('live', randomBytes).token.reveal()}`)), 'invalid_key')
  assert.equal(await codeOf(() => ask(bearer, { ...row, role: 'emperor' })), 'invalid_key')
  assert.equal(await codeOf(() => ask(bearer, { ...row, disabled: true })), 'key_disabled')
  assert.equal(await codeOf(() => ask(bearer, row, 1_000)), 'key_expired')
  const messages = new Set<string>()
  for (const text of [
    makeToken('admin', randomBytes).token,
    makeToken('admin', randomBytes, id).token,
    new Secret('x')
  ]) {
    await assert.rejects(ask(`Bearer ${text.reveal()}`), thrown => {
      messages.add((thrown as Error).message)
      return (thrown as { code: string }).code === 'invalid_key'
    })
  }
  assert.equal(messages.size, 1)
})

test('roles and what they may, as the reference page has it', () => {
  const grants = Object.fromEntries(
    ROLES.map(role => [role, [...actor({ id: 'x', name: 'x', role, org: null }).permissions]])
  )
  const all = Object.keys(PERMISSIONS)
  assert.deepEqual(grants.owner, all)
  assert.deepEqual(
    grants.admin,
    all.filter(permission => permission !== 'logs:read_content' && permission !== 'records:erase')
  )
  const readers = [...grants.billing_viewer!, ...grants.auditor!]
  assert.ok(
    readers.every(permission => /:read(?:_metadata)?$/.test(permission)),
    'viewers change nothing and read no content'
  )
  assert.ok(grants.developer!.every(permission => !/^(?:keys|usage):(?:read|write)$/.test(permission)))
  for (const role of ROLES) {
    const inOrg = actor({ id: 'x', name: 'x', role, org: 'acme' })
    assert.ok(!may(inOrg, 'audit:read') && !may(inOrg, 'prices:write') && !may(inOrg, 'system:read'), role)
  }
})

test('who may not is told which permission it takes', () => {
  const viewer = actor({ id: 'x', name: 'x', role: 'billing_viewer', org: null })
  assert.throws(() => must(viewer, 'keys:write'), { code: 'not_allowed', message: /billing_viewer.*keys:write/ })
  must(viewer, 'keys:write', 'usage:read')
})
