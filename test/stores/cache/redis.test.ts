import assert from 'node:assert/strict'
import test, { after } from 'node:test'
import { Redis } from 'ioredis'
import { openRedisCache } from '../../../src/stores/cache/redis.ts'
import type { CacheStore } from '../../../src/stores/cache.ts'
import { redisInstalled, startRedis, type TestRedis } from '../../support/redis.ts'
import { until } from '../../support/until.ts'
import { answer, cacheStores, question, START_MS, towards } from './conformance.ts'

const isThere = redisInstalled()
const skip = isThere || process.env.CI === 'true' ? false : 'Redis is not installed'

/** Nothing about people goes into names of keys. */
const PERSON = 'Eleonora Ferrante'
const mine = (key: string) => answer({ key, user: PERSON, tags: [PERSON], body: Buffer.from(`hello ${PERSON}`) })

test('a cache in Redis', { skip }, async t => {
  const server: TestRedis = await startRedis()
  const redis = new Redis(server.url)
  const stores: CacheStore[] = []
  after(async () => {
    await Promise.all(stores.map(store => store.close()))
    redis.disconnect()
    await server.close()
  })
  const opened = async (over: { prefix?: string; nowMs?: () => number; questionsMax?: number } = {}) => {
    const prefix = `{test}:${stores.length}:`
    const store = await openRedisCache({ server: { url: server.url }, prefix, nowMs: () => START_MS, ...over })
    stores.push(store)
    return store
  }
  /** Two replicas, and the names of their keys. */
  const withTwo = async (
    run: (one: CacheStore, other: CacheStore, names: () => Promise<string[]>) => Promise<void>
  ) => {
    const prefix = `{test}:two*${stores.length}:`
    const [one, other] = [await opened({ prefix }), await opened({ prefix })]
    try {
      await run(one, other, async () => (await redis.keys('*')).filter(name => name.startsWith(prefix)))
    } finally {
      await Promise.all([one.close(), other.close()])
    }
  }

  for (const policy of ['noeviction', 'allkeys-lru']) {
    await t.test(policy, async () => {
      await redis.config('SET', 'maxmemory-policy', policy)
      cacheStores(`a cache in Redis, ${policy}`, async () => {
        const clock = { ms: START_MS }
        return { store: await opened({ nowMs: () => clock.ms }), clock }
      })
    })
  }
  await redis.config('SET', 'maxmemory-policy', 'noeviction')

  await t.test('what one replica puts and purges, the other gets, finds, and has no more', () =>
    withTwo(async (one, other, names) => {
      await one.put(mine('a'), question({ key: 'a', vector: towards(0), text: PERSON }))
      assert.deepEqual(await other.get('a'), mine('a'))
      assert.equal((await other.nearest('f', towards(0), 1))[0]?.text, PERSON)
      for (const name of await names()) {
        assert.ok(!name.includes(PERSON), name)
        assert.ok((await redis.pttl(name)) > 0, `${name} has an end`)
      }
      assert.equal(await one.purge({ user: PERSON }), 1)
      assert.equal(await other.get('a'), undefined)
      assert.deepEqual(await other.nearest('f', towards(0), 1), [])
      assert.deepEqual(await names(), [])
    })
  )

  await t.test('an answer that the server threw away takes its question with it, as soon as anybody looks', () =>
    withTwo(async (one, _, names) => {
      const answers = async () => (await names()).filter(name => name.includes(':a:'))
      for (const key of ['a', 'b']) await one.put(mine(key), question({ key, vector: towards(0), text: PERSON }))
      await redis.del((await answers()).find(name => name.endsWith(':a:a'))!)
      assert.deepEqual(
        (await one.nearest('f', towards(0), 5)).map(({ key }) => key),
        ['b']
      )
      await one.put(mine('c'))
      await redis.del((await names()).filter(name => name.includes(':i:')))
      // What is about people is not left to what happens to be listed.
      assert.equal(await one.purge({ user: PERSON, tag: PERSON }), 2)
      await one.put(mine('d'), question({ key: 'd', vector: towards(0), text: PERSON }))
      await redis.del(await answers())
      // Whose question it was, nobody knows any more.
      assert.equal(await one.purge({ user: 'somebody else' }), 0)
      assert.deepEqual(
        (await names()).filter(name => name.includes(':q:') || name.includes(':z:')),
        []
      )
    })
  )

  await t.test('sets do not grow with what ended by itself', () =>
    withTwo(async (one, _, names) => {
      for (let n = 0; n < 150; n++) {
        const keptUntilMs = START_MS + (n % 10 ? 1 : 60_000)
        await one.put(answer({ key: `k${n}`, keptUntilMs }), question({ key: `k${n}`, vector: towards(n) }))
      }
      const counts = async () => {
        const found: number[] = []
        for (const name of await names()) {
          const type = await redis.type(name)
          if (type === 'set') found.push(await redis.scard(name))
          if (type === 'zset') found.push(await redis.zcard(name))
        }
        return found
      }
      const most = await counts()
      assert.equal(most.length, 5)
      assert.ok(Math.max(...most) < 60, String(most))
      const { answers } = await one.size()
      assert.equal(answers, 15)
    })
  )

  await t.test('of too many questions, the oldest go', async () => {
    const store = await opened({ questionsMax: 10 })
    for (let n = 0; n < 14; n++)
      await store.put(answer({ key: `k${n}` }), question({ key: `k${n}`, vector: towards(n) }))
    await store.put(answer({ key: 'k4' }), question({ key: 'k4', vector: towards(4) }))
    await store.put(answer({ key: 'k14' }), question({ key: 'k14', vector: towards(14) }))
    const found = await store.nearest('f', towards(0), 100)
    assert.deepEqual(
      found.map(({ key }) => key),
      [4, 6, 7, 8, 9, 10, 11, 12, 13, 14].map(n => `k${n}`)
    )
    assert.ok(await store.get('k0'))
    await store.close()
  })

  await t.test('a server that lost everything is believed', () =>
    withTwo(async (one, other) => {
      for (const key of ['a', 'b']) await one.put(answer({ key }), question({ key, vector: towards(0) }))
      assert.equal((await other.nearest('f', towards(0), 5)).length, 2)
      await redis.call('SCRIPT', 'FLUSH')
      await redis.flushall()
      assert.equal(await other.get('a'), undefined)
      assert.equal(await other.purgedUpTo(), undefined)
      await one.put(answer({ key: 'c' }), question({ key: 'c', vector: towards(0) }))
      // Its clock is behind the one of before.
      await redis.zadd((await redis.keys('*:z:f'))[0]!, 5, 'c')
      assert.deepEqual(
        (await other.nearest('f', towards(0), 5)).map(({ key }) => key),
        ['c']
      )
    })
  )

  await t.test('a server that hangs is given up in time, and used again when it is back', async () => {
    const store = await opened()
    await store.put(answer({ key: 'a' }), question({ key: 'a', vector: towards(0) }))
    await store.nearest('f', towards(0), 1)
    const rejects = async (work: Promise<unknown>, withinMs: number) => {
      const start = performance.now()
      await assert.rejects(work, new RegExp(`did not answer within ${withinMs} ms`))
      // The machine may be busy: far less than the silence after which a connection is given up.
      assert.ok(performance.now() - start < withinMs + 1_000)
    }
    process.kill(server.pid, 'SIGSTOP')
    try {
      await Promise.all([
        rejects(store.get('a'), 50),
        rejects(store.put(answer({ key: 'b' })), 500),
        rejects(store.nearest('f', towards(0), 1), 500),
        rejects(store.purge({ tag: 't' }), 500),
        rejects(store.size(), 500)
      ])
    } finally {
      process.kill(server.pid, 'SIGCONT')
    }
    await until(() => store.get('b').then(Boolean, () => false), 'it is used again')
    await store.close()
    await assert.rejects(store.get('a'))
  })

  await t.test('a server that is full takes nothing, and still gives and purges', async () => {
    const store = await opened()
    await store.put(answer({ key: 'a' }))
    await redis.config('SET', 'maxmemory', '1mb')
    await assert.rejects(store.put(answer({ key: 'b' })), /OOM/)
    assert.deepEqual(await store.get('a'), answer({ key: 'a' }))
    assert.equal(await store.purge({ tag: 't' }), 1)
    assert.equal(await store.get('a'), undefined)
    await redis.config('SET', 'maxmemory', '0')
    await store.close()
  })

  await t.test('a connection that is given stays the caller’s', async () => {
    const store = await openRedisCache({ server: { redis }, nowMs: () => START_MS })
    await store.put(answer({ key: 'a' }))
    assert.deepEqual(await store.get('a'), answer({ key: 'a' }))
    await store.close()
    assert.equal(await redis.ping(), 'PONG')
  })

  await t.test('a server that is not there is said', () =>
    assert.rejects(openRedisCache({ server: { url: 'redis://127.0.0.1:9' }, nowMs: () => 0 }), /cannot be used/)
  )
})
