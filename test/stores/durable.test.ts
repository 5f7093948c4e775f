import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after } from 'node:test'
import { systemClock } from '../../src/clock.ts'
import { openPostgres } from '../../src/stores/sql/postgres.ts'
import { openSqlite } from '../../src/stores/sql/sqlite.ts'
import { postgresBinaries, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { durableStores } from './conformance/durable.ts'
import { erasingStores } from './conformance/erasing.ts'
import { logStores } from './conformance/logs.ts'
import { purgeLogs } from './conformance/purges.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-stores-'))
let files = 0
const newFile = () => path.join(directory, `${++files}.db`)

durableStores('SQLite in memory', async () => ({
  open: () => openSqlite({ path: ':memory:', clock: systemClock }),
  lasts: false
}))

durableStores('SQLite in a file', async () => {
  const file = newFile()
  return { open: () => openSqlite({ path: file, clock: systemClock }), lasts: true }
})

erasingStores('SQLite in a file', () => openSqlite({ path: newFile(), clock: systemClock }))

logStores('SQLite in a file', () => openSqlite({ path: newFile(), clock: systemClock }))

purgeLogs('SQLite in a file', () => openSqlite({ path: newFile(), clock: systemClock }))

test('a file has one process, is its user’s alone, and one that is none is refused in words', async () => {
  const file = newFile()
  const stores = await openSqlite({ path: file, clock: systemClock })
  assert.equal(statSync(file).mode & 0o077, 0)
  await assert.rejects(openSqlite({ path: file, clock: systemClock }), /belongs to another process/)
  await stores.close()
  const gone = path.join(directory, 'no such directory', 'x.db')
  await assert.rejects(openSqlite({ path: gone, clock: systemClock }), /cannot be opened/)
})

const isThere = postgresBinaries() !== undefined
const skip = isThere || process.env.CI === 'true' ? false : 'PostgreSQL is not installed'
let server: TestPostgres | undefined

test('PostgreSQL', { skip }, async t => {
  server = await startPostgres()
  const { database } = server
  const open = async (url: string) => (await openPostgres({ url, deadlineMs: 5_000 })).stores
  durableStores('PostgreSQL', async () => {
    const url = database()
    return { open: () => open(url), lasts: true }
  })
  logStores('PostgreSQL', () => open(database()))
  erasingStores('PostgreSQL', () => open(database()))
  purgeLogs('PostgreSQL', () => open(database()))
  await t.test('two that begin at once make the tables once', async () => {
    const url = database()
    const both = await Promise.all([open(url), open(url)])
    for (const stores of both) await stores.close()
  })
  await t.test('an address where nobody is, is said', async () => {
    await assert.rejects(open('postgres://x@127.0.0.1:9/none'), /PostgreSQL of `stores.database_url` cannot be used/)
  })
})

after(async () => {
  await server?.close()
  chmodSync(directory, 0o700)
  rmSync(directory, { recursive: true, force: true })
})
