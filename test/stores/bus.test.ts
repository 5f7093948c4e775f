import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import type { BusTopic, SharedBus } from '../../src/stores/bus.ts'
import { openPostgresBus } from '../../src/stores/bus-postgres.ts'
import { openRedisBus } from '../../src/stores/bus-redis.ts'
import { counterPool } from '../../src/stores/postgres/connect.ts'
import { connectRedis } from '../../src/stores/redis/connect.ts'
import { postgresBinaries, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { redisInstalled, startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'

const COUNT_MS = 20

interface Server {
  open(): Promise<SharedBus>
  /** Ends the connections of all that listen, as a restart of the server or a firewall does. */
  cut(): Promise<void>
  /** Says something that no gateway says. */
  say(topic: string): Promise<void>
}

async function facts({ open, cut, say }: Server): Promise<void> {
  const buses = [await open(), await open()] as const
  const [one, other] = buses
  const heard = { one: [] as BusTopic[], other: [] as BusTopic[] }
  one.subscribe(topic => heard.one.push(topic))
  const stop = other.subscribe(topic => heard.other.push(topic))

  await one.publish('access')
  await until(() => heard.other.length === 1 && heard.one.length === 1, 'both hear what one said')
  assert.deepEqual(heard, { one: ['access'], other: ['access'] })
  await until(() => one.replicas() === 2 && other.replicas() === 2, 'both know of each other')

  await say('of a newer version')
  await say('money')
  await until(() => heard.other.length === 2, 'it goes on')
  assert.deepEqual(heard.other, ['access', 'money'])

  await cut()
  // What was said meanwhile nobody knows: all of it may have changed.
  await until(() => heard.other.length === 4 && heard.one.length === 4, 'they come back, and take all for changed')
  await one.publish('money')
  await until(() => heard.other.length === 5, 'they hear again')

  stop()
  await other.publish('access')
  await until(() => heard.one.length === 6, 'who listens still hears')
  assert.equal(heard.other.length, 5)
  await other.close()
  await until(() => one.replicas() === 1, 'who has gone is no longer counted')
  await one.close()
}

let redis: TestRedis | undefined
let postgres: TestPostgres | undefined
const isCi = process.env.CI === 'true'

test('a bus in Redis', { skip: redisInstalled() || isCi ? false : 'Redis is not installed' }, async () => {
  redis = await startRedis()
  const { url } = redis
  const voices = await Promise.all([connectRedis(url), connectRedis(url)])
  const admin = new Redis(url)
  let opened = 0
  await facts({
    open: () => openRedisBus({ redis: voices[opened++]!, countMs: COUNT_MS }),
    cut: async () => void (await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub')),
    say: async topic => void (await admin.publish('gatehouse', topic))
  })
  for (const connection of [...voices, admin]) connection.disconnect()
})

test('a bus in PostgreSQL', { skip: postgresBinaries() || isCi ? false : 'PostgreSQL is not installed' }, async () => {
  postgres = await startPostgres()
  const { url } = postgres
  const pool = await counterPool({ url, deadlineMs: 5_000 })
  const admin = new Client({ connectionString: url })
  await admin.connect()
  await facts({
    open: () => openPostgresBus({ url, pool, deadlineMs: 5_000, countMs: COUNT_MS }),
    cut: async () => {
      const listeners = `from pg_stat_activity where application_name = 'gatehouse bus'`
      await admin.query(`select pg_terminate_backend(pid) ${listeners}`)
    },
    say: async topic => void (await admin.query('select pg_notify($1, $2)', ['gatehouse', topic]))
  })
  await admin.end()
  await pool.end()
})

test('one that cannot be opened says so, and tries no further', async () => {
  const url = 'postgres://x@127.0.0.1:9/none'
  const pool = await counterPool({ url, deadlineMs: 500 })
  await assert.rejects(openPostgresBus({ url, pool, deadlineMs: 500 }), { code: 'ECONNREFUSED' })
  await pool.end()
})

after(async () => {
  await redis?.close()
  await postgres?.close()
})
