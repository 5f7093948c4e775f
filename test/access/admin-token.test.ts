import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { checkAdminToken, loadAdminToken } from '../../src/access/admin-token.ts'
import { Failure } from '../../src/errors.ts'

const directory = mkdtempSync(join(tmpdir(), 'gatehouse-token-'))
after(() => rmSync(directory, { recursive: true }))

test('the first start makes a token for its owner alone; later ones read it', () => {
  const first = loadAdminToken(directory, randomBytes)
  assert.equal(first.fresh, true)
  assert.match(first.token.reveal(), /^gh_admin_[\w-]{43}$/)
  assert.equal(statSync(first.path).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory), ['admin-token'])
  chmodSync(first.path, 0o644)
  const second = loadAdminToken(directory, randomBytes)
  assert.equal(second.fresh, false)
  assert.equal(second.token.reveal(), first.token.reveal())
  assert.equal(statSync(first.path).mode & 0o777, 0o600)
})

test('a file that holds no token is not taken for one', () => {
  const other = mkdtempSync(join(directory, 'other-'))
  writeFileSync(join(other, 'admin-token'), '\n')
  assert.throws(() => loadAdminToken(other, randomBytes), /holds no token/)
  assert.throws(() => loadAdminToken(join(directory, 'nowhere'), randomBytes), /ENOENT/)
})

test('only the token opens, and only as a bearer token', () => {
  const { token } = loadAdminToken(directory, randomBytes)
  checkAdminToken(token, `Bearer ${token.reveal()}`)
  checkAdminToken(token, `bearer  ${token.reveal()}`)
  const refused: [string | undefined, string][] = [
    [undefined, 'missing_key'],
    ['', 'missing_key'],
    [token.reveal(), 'missing_key'],
    [`Basic ${token.reveal()}`, 'missing_key'],
    ['Bearer ', 'missing_key'],
    [`Bearer ${token.reveal().slice(0, -1)}`, 'invalid_key'],
    [`Bearer ${token.reveal()}x`, 'invalid_key']
  ]
  for (const [sent, code] of refused) {
    assert.throws(
      () => checkAdminToken(token, sent),
      (thrown: unknown) => thrown instanceof Failure && thrown.code === code,
      String(sent)
    )
  }
  assert.throws(() => checkAdminToken(undefined, `Bearer ${token.reveal()}`), /not the admin token/)
})
