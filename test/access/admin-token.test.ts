import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadAdminToken } from '../../src/access/admin-token.ts'

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
