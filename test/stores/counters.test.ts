import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { Failure } from '../../src/errors.ts'
import { MemoryCounters } from '../../src/stores/counters-memory.ts'
import { PostgresCounters } from '../../src/stores/counters-postgres.ts'
import { RedisCounters } from '../../src/stores/counters-redis.ts'
import { GuardedCounters } from '../../src/stores/guarded-counters.ts'
import { counterPool } from '../../src/stores/postgres/connect.ts'
import { connectRedis } from '../../src/stores/redis/connect.ts'
import { postgresBinaries, startPostgres, type TestPostgres } from '../support/postgres.ts'
import { redisInstalled, startRedis, type TestRedis } from '../support/redis.ts'
import { until } from '../support/until.ts'
import { budget, counterStores, take } from './conformance/counters.ts'

function handClock() {
  const hands = { ms: Date.UTC(2026, 10, 23) }
  return { hands, wallMs: () => hands.ms, monotonicMs: () => hands.ms }
}

counterStores('counters in memory', async () => {
  const clock = handClock()
  const one = new MemoryCounters({ clock })
  const pass = async (ms: number) => {
    clock.hands.ms += ms
  }
  return { one, other: one, pass, close: () => one.close() }
})

const skip = redisInstalled() || process.env.CI === 'true' ? false : 'Redis is not installed'
let server: TestRedis | undefined

test('Redis', { skip }, async t => {
  server = await startRedis()
  const { url } = server
  let prefixes = 0
  counterStores('counters in Redis', async () => {
    const prefix = `{test${++prefixes}}:`
    const [one, other] = await Promise.all([connectRedis(url), connectRedis(url)])
    const close = async () => {
      one.disconnect()
      other.disconnect()
    }
    // The server's clock is nobody's to turn.
    return { one: new RedisCounters(one, prefix), other: new RedisCounters(other, prefix), pass: sleep, close }
  })
  await t.test('what was flushed is missing, and counts from a new epoch', async () => {
    const redis = await connectRedis(url)
    const counters = new RedisCounters(redis, '{flushed}:')
    const asked = take('h', { budgets: [budget({ seeded: true })] })
    await counters.take(asked)
    await counters.seed({ key: 'b', slice: 0, expiresAtMs: Date.UTC(2099, 0) }, 0)
    assert.ok((await counters.take(asked)).ok)
    const epochMs = await counters.epochMs()
    await redis.flushall()
    await sleep(2)
    const taken = await counters.take(asked)
    assert.ok(!taken.ok && taken.why === 'missing')
    assert.ok((await counters.epochMs()) > epochMs)
    await counters.close()
  })
  await t.test('a server that is not there is said, and so is one that is none', async () => {
    await assert.rejects(connectRedis('redis://127.0.0.1:9'), /Redis of `stores.redis_url` cannot be used/)
  })
  await t.test('one that is frozen costs the deadline, then nothing, and is asked again when it thaws', async () => {
    const clock = handClock()
    const changes: boolean[] = []
    const guarded = new GuardedCounters(new RedisCounters(await connectRedis(url), '{guarded}:'), {
      clock,
      local: new MemoryCounters({ clock }),
      replicas: () => 2,
      changed: isDown => changes.push(isDown)
    })
    process.kill(server!.pid, 'SIGSTOP')
    const hard = () => guarded.take(take('h', { budgets: [budget()] }))
    for (let at = 0; at < 5; at++) await assert.rejects(hard(), { code: 'store_unavailable' })
    assert.equal(guarded.isDown, true)
    const fromMs = performance.now()
    for (let at = 0; at < 100; at++)
      await assert.rejects(hard(), (thrown: Failure) => thrown.code === 'store_unavailable')
    // Each that waits does so for the deadline of 50 ms.
    assert.ok(performance.now() - fromMs < 2_500, 'nobody waits for a store that is down')
    process.kill(server!.pid, 'SIGCONT')
    const thawed = () => {
      clock.hands.ms += 60_000
      return hard().then(
        ({ ok }) => ok,
        () => false
      )
    }
    await until(thawed, 'it is asked again')
    assert.deepEqual([changes[0], changes.at(-1)], [true, false])
    await guarded.close()
  })
  const other = new Redis(url)
  assert.equal(await other.ping(), 'PONG')
  other.disconnect()
})

const noPostgres = postgresBinaries() || process.env.CI === 'true' ? false : 'PostgreSQL is not installed'
let postgres: TestPostgres | undefined

test('PostgreSQL', { skip: noPostgres }, async () => {
  postgres = await startPostgres()
  const { database } = postgres
  counterStores('counters in PostgreSQL', async () => {
    const url = database()
    const store = async () => PostgresCounters.open(await counterPool({ url, deadlineMs: 60_000 }))
    const [one, other] = await Promise.all([store(), store()])
    const close = async () => {
      await one.close()
      await other.close()
    }
    return { one, other, pass: sleep, close }
  })
})

test('while the store is away, each replica has its part of rates and places, and none of a hard budget', async () => {
  const clock = handClock()
  let isAway = true
  const shared = new MemoryCounters({ clock })
  const failing = new Proxy(shared, {
    get: (target, name) => {
      const value = Reflect.get(target, name) as unknown
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => {
        if (isAway) throw new Error('away')
        return value.apply(target, given)
      }
    }
  })
  const options = { clock, local: new MemoryCounters({ clock }), replicas: () => 2, changed: () => {} }
  const guarded = new GuardedCounters(failing, options)
  const rate = { key: 'r', costMicros: 1_000_000, burstMicros: 10_000_000 }
  const slot = { key: 's', limit: 4 }
  const ask = (id: string) => guarded.take(take(id, { rates: [rate], slots: [slot] }))
  const taken = await Promise.all(['1', '2', '3', '4', '5'].map(ask))
  assert.equal(taken.filter(({ ok }) => ok).length, 2)
  await assert.rejects(guarded.take(take('h', { budgets: [budget()] })), Failure)
  const soft = await guarded.take(take('soft', { budgets: [budget({ hard: false })] }))
  assert.ok(soft.ok)
  for (const hold of ['1', '2']) {
    await guarded.settle({ hold, id: 'x', budgets: [], rates: [], close: true, leaseMs: 1_000 })
  }
  assert.ok((await ask('6')).ok)

  // What could not be said while it was away is said when it is back.
  isAway = false
  clock.hands.ms += 60_000
  await guarded.take(take('later', { budgets: [budget({ amount: 5 })] }))
  isAway = true
  const spent = [{ key: 'b', slice: 0, release: 5, spend: 3, expiresAtMs: Date.UTC(2099, 0) }]
  await guarded.settle({ hold: 'later', id: 'y', budgets: spent, rates: [], close: true, leaseMs: 1_000 })
  isAway = false
  clock.hands.ms += 60_000
  await guarded.nowMs()
  assert.deepEqual(shared.read([{ key: 'b', slice: 0, slices: 1 }]), [{ spent: 3, held: 0 }])
})

after(async () => {
  await server?.close()
  await postgres?.close()
})
