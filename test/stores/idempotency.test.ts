import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after } from 'node:test'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { IdempotencyStore } from '../../src/stores/idempotency.ts'
import { MemoryIdempotency } from '../../src/stores/idempotency-memory.ts'
import { SqlIdempotency } from '../../src/stores/sql/idempotency.ts'
import { idempotency } from '../../src/stores/sql/migrations/0002-idempotency.ts'
import { SqliteThread, sqliteDialect } from '../../src/stores/sql/sqlite-driver.ts'
import type { Tables } from '../../src/stores/sql/tables.ts'
import { postgresBinaries, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { claimOf, idempotencyStores } from './conformance/idempotency.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'gatehouse-idempotency-'))
const open: Kysely<Tables>[] = []
let server: TestPostgres | undefined

async function inFile(file: string, isNew = true): Promise<{ db: Kysely<Tables>; store: IdempotencyStore }> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(await SqliteThread.open(file)) })
  open.push(db)
  if (isNew) await idempotency.up(db as unknown as Kysely<never>, 'sqlite')
  return { db, store: new SqlIdempotency(db, 'sqlite') }
}

idempotencyStores('memory', async () => new MemoryIdempotency())
idempotencyStores('SQLite', async () => (await inFile(path.join(directory, 'one.db'))).store)

test('memory forgets the oldest outcomes where they take too much', async () => {
  const store = new MemoryIdempotency({ bytesMax: 25 })
  const claims = [claimOf(), claimOf(), claimOf()]
  for (const { keptUntilMs, ...claim } of claims) {
    await store.claim({ ...claim, keptUntilMs })
    await store.finish({ ...claim, outcome: Buffer.alloc(10), keptUntilMs })
  }
  const again = await Promise.all(claims.toReversed().map(({ id }) => store.claim({ ...claimOf(), id })))
  assert.deepEqual(
    again.map(({ how }) => how),
    ['finished', 'finished', 'claimed']
  )
})

test('a process that begins lets go of what its file has unfinished, and keeps what is finished', async () => {
  const file = path.join(directory, 'two.db')
  const { db, store } = await inFile(file)
  const [left, done] = [claimOf(), claimOf()]
  for (const each of [left, done]) await store.claim(each)
  await store.finish({ ...done, outcome: Buffer.from('the answer') })
  await db.destroy()
  const { store: next } = await inFile(file, false)
  await next.reclaim()
  assert.deepEqual(await next.claim({ ...claimOf(), id: left.id }), { how: 'claimed' })
  assert.deepEqual(await next.claim({ ...claimOf(), id: done.id }), {
    how: 'finished',
    outcome: Buffer.from('the answer')
  })
})

test('what is erased is overwritten in the file', async () => {
  const file = path.join(directory, 'three.db')
  const { db, store } = await inFile(file)
  const claim = claimOf()
  await store.claim(claim)
  await store.finish({ ...claim, outcome: Buffer.from('a secret of the client') })
  await store.erase([claim])
  await db.destroy()
  assert.ok(!readFileSync(file).includes('a secret of the client'))
})

const isThere = postgresBinaries() !== undefined
const skip = isThere || process.env.CI === 'true' ? false : 'PostgreSQL is not installed'

test('PostgreSQL', { skip }, async () => {
  server = await startPostgres()
  const url = server.database()
  // Two replicas: every other statement goes by the other one.
  const replicas = [replica(url), replica(url)] as const
  await idempotency.up(replicas[0] as unknown as Kysely<never>, 'postgres')
  const [one, other] = replicas.map(db => new SqlIdempotency(db, 'postgres')) as [SqlIdempotency, SqlIdempotency]
  let turn = 0
  const either: IdempotencyStore = {
    claim: claim => [one, other][turn++ % 2]!.claim(claim),
    finish: done => other.finish(done),
    release: (id, requestId) => one.release(id, requestId),
    renew: (requestIds, ms) => other.renew(requestIds, ms),
    reclaim: () => one.reclaim(),
    erase: requests => other.erase(requests),
    dropExpired: (ms, limit) => one.dropExpired(ms, limit)
  }
  idempotencyStores('PostgreSQL, two replicas', async () => either)
  const claim = claimOf()
  await one.claim(claim)
  await other.reclaim()
  assert.deepEqual(await other.claim({ ...claimOf(), id: claim.id }), { how: 'in_flight' }, 'another one lives')
})

function replica(url: string): Kysely<Tables> {
  const pool = new pg.Pool({ connectionString: url, max: 5 })
  // Its connections may still be closing when the server tells them that it ends.
  pool.on('connect', client => void client.on('error', () => {}))
  pool.on('error', () => {})
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  open.push(db)
  return db
}

after(async () => {
  for (const db of open) await db.destroy()
  await server?.close()
  rmSync(directory, { recursive: true, force: true })
})
