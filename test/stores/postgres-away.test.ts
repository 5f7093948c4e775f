/** A connection that breaks amid a transaction ends the transaction, and not the process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openPostgres } from '../../src/stores/sql/postgres.ts'
import { postgresBinaries, startPostgres } from '../support/postgres.ts'

test('a connection that breaks between two statements of a transaction fails that alone', async t => {
  if (postgresBinaries() === undefined) {
    assert.notEqual(process.env.CI, 'true', 'PostgreSQL is not installed')
    return t.skip('PostgreSQL is not installed')
  }
  const server = await startPostgres()
  t.after(() => server.close())
  const problems: Error[] = []
  const { promise: heard, resolve } = Promise.withResolvers<void>()
  const onProblem = (problem: Error) => {
    problems.push(problem)
    resolve()
  }
  const { stores, pool } = await openPostgres({ url: server.database(), onProblem })
  t.after(() => stores.close())
  const broken = stores.transaction(async tx => {
    await tx.version()
    await pool.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where state = 'idle in transaction' and datname = current_database()`)
    await heard
    return tx.version()
  })
  await assert.rejects(broken)
  assert.ok(problems.length > 0)
  assert.equal(await stores.version(), 0)
})
