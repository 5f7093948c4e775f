import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import test, { after } from 'node:test'
import { packVector } from '../../../src/stores/cache/similarity.ts'
import { openSqliteCache, type SqliteCacheOptions } from '../../../src/stores/cache/sqlite.ts'
import { addOwnDistance } from '../../../src/stores/cache/sqlite-schema.ts'
import type { CacheStore } from '../../../src/stores/cache.ts'
import { until } from '../../support/until.ts'
import { answer, cacheStores, question, START_MS, towards } from './conformance.ts'

const root = mkdtempSync(path.join(tmpdir(), 'gatehouse-cache-'))
after(() => rmSync(root, { recursive: true, force: true }))

const clock = { ms: START_MS }
const newDirectory = () => mkdtempSync(path.join(root, 'd-'))
const at = (directory: string, over: Partial<SqliteCacheOptions> = {}) =>
  openSqliteCache({ directory, bytesMax: 64 * 1024 * 1024, nowMs: () => clock.ms, ...over })

cacheStores('a cache in SQLite', async () => {
  const own = { ms: START_MS }
  return { store: await at(newDirectory(), { nowMs: () => own.ms }), clock: own }
})

async function withStore(directory: string, run: (store: CacheStore) => Promise<void>, over = {}): Promise<void> {
  const store = await at(directory, over)
  try {
    await run(store)
  } finally {
    await store.close()
  }
}

/** Of the file, its log of changes, and whatever else is there. */
const bytesOf = (directory: string) =>
  Buffer.concat(readdirSync(directory).map(name => readFileSync(path.join(directory, name))))

test('a file keeps answers, questions and how far it is, for its user alone', async () => {
  const directory = path.join(newDirectory(), 'made', 'for it')
  await withStore(directory, async store => {
    await store.put(answer({ key: 'a' }), question({ key: 'a', vector: towards(0) }))
    await store.setPurgedUpTo(3)
    for (const name of readdirSync(directory)) assert.equal(statSync(path.join(directory, name)).mode & 0o077, 0, name)
  })
  await withStore(directory, async store => {
    assert.deepEqual(await store.get('a'), answer({ key: 'a' }))
    assert.equal((await store.nearest('f', towards(0), 1))[0]?.key, 'a')
    assert.equal(await store.purgedUpTo(), 3)
    assert.equal((await store.size()).answers, 1)
  })
})

const SECRET = 'the patient is called Eleonora'
const hide = (store: CacheStore, key: string, over = {}) =>
  store.put(
    answer({ key, tags: [`${SECRET} tag`], body: Buffer.from(`${'x'.repeat(9_000)}${SECRET} body`), ...over }),
    question({ key, vector: towards(0, 1_536), text: `${SECRET} question` })
  )

for (const what of [{ customer: 'c' }, { requestIds: ['r1'] }, {}]) {
  test(`after a purge by ${Object.keys(what)[0] ?? 'nothing'}, no byte of it is on the disk`, async () => {
    const directory = newDirectory()
    await withStore(directory, async store => {
      for (let n = 0; n < 20; n++) await store.put(answer({ key: `k${n}`, requestId: 'other' }))
      await hide(store, 'a', { customer: 'c', requestId: 'r1' })
      assert.ok(bytesOf(directory).includes(SECRET))
      assert.equal(await store.purge(what), 'customer' in what || 'requestIds' in what ? 1 : 21)
      assert.ok(!bytesOf(directory).includes(SECRET))
    })
    assert.ok(!bytesOf(directory).includes(SECRET))
  })
}

test('what is over goes by itself, and the disk gets back what it took', async () => {
  const directory = newDirectory()
  const own = { ms: START_MS }
  await withStore(
    directory,
    async store => {
      for (let n = 0; n < 600; n++) void hide(store, `k${n}`, { keptUntilMs: START_MS + 10 })
      await store.put(answer({ key: 'stays' }))
      own.ms = START_MS + 10
      await until(async () => (await store.size()).answers === 1, 'all that is over is gone')
      await until(() => !bytesOf(directory).includes(SECRET), 'nothing of it is on the disk')
      assert.ok(statSync(path.join(directory, 'cache.db')).size < 9_000_000)
    },
    { nowMs: () => own.ms, sweepEveryMs: 5 }
  )
})

test('a file that is broken, cut, or not ours is replaced, when it is opened and while it is used', async () => {
  const spoilt: Record<string, (file: string) => void> = {
    'no database': file => writeFileSync(file, 'hello '.repeat(5_000)),
    'of somebody else': file => new DatabaseSync(file).exec('create table x (y)'),
    'of a later version': file => new DatabaseSync(file).exec('pragma user_version = 999'),
    cut: file => truncateSync(file, 4_096 * 3 + 17),
    'overwritten inside': file => {
      const bytes = readFileSync(file)
      writeFileSync(file, bytes.fill(0xa5, 4_096))
    }
  }
  for (const [why, spoil] of Object.entries(spoilt)) {
    const directory = newDirectory()
    await withStore(directory, async store => {
      await Promise.all(Array.from({ length: 30 }, (_, n) => store.put(answer({ key: `k${n}` }))))
    })
    const file = path.join(directory, 'cache.db')
    if (why === 'of somebody else') rmSync(file)
    spoil(file)
    await withStore(directory, async store => {
      for (let n = 0; n < 30; n++) {
        const found = await store.get(`k${n}`)
        if (found) assert.deepEqual(found, answer({ key: `k${n}` }), why)
      }
      await store.put(answer({ key: 'new' }), question({ key: 'new', vector: towards(0) }))
      assert.deepEqual(await store.get('new'), answer({ key: 'new' }), why)
      await store.purge({})
    })
  }
})

test('bytes that changed on the disk are no answer', async () => {
  const directory = newDirectory()
  await withStore(directory, store => store.put(answer({ key: 'a', body: Buffer.from('the answer is 41, no doubt') })))
  const file = path.join(directory, 'cache.db')
  const bytes = readFileSync(file)
  bytes.write('the answer is 42', bytes.indexOf('the answer is 41'))
  writeFileSync(file, bytes)
  await withStore(directory, async store => {
    assert.equal(await store.get('a'), undefined)
    assert.equal((await store.size()).answers, 0)
  })
})

test('what is worth least for its size goes first, and never more than the bytes it may take is kept', async () => {
  await withStore(
    newDirectory(),
    async store => {
      const body = Buffer.alloc(4_000)
      await store.put(answer({ key: 'dear', body, costNano: 50_000_000 }))
      await store.put(answer({ key: 'unknown', body, costNano: null }))
      await store.put(answer({ key: 'used', body, costNano: 100_000 }))
      await store.put(answer({ key: 'not used', body, costNano: 100_000 }))
      for (let n = 0; n < 20; n++) store.used('used')
      for (let n = 0; n < 200; n++) {
        await store.put(answer({ key: `k${n}`, body, costNano: 200_000 }))
        assert.ok((await store.size()).bytes <= 512 * 1024)
      }
      const isThere = async (key: string) => (await store.get(key)) !== undefined
      assert.deepEqual(await Promise.all(['dear', 'unknown', 'used', 'not used', 'k199'].map(isThere)), [
        true,
        false,
        true,
        false,
        true
      ])
      // What was useful twenty times, and is so no more, does not stay for ever.
      for (let n = 200; n < 2_000; n += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, more) => store.put(answer({ key: `k${n + more}`, body, costNano: 200_000 })))
        )
      }
      assert.equal(await isThere('used'), false)
    },
    { bytesMax: 512 * 1024 }
  )
})

test('an answer that is larger than all that may be kept is not kept; a smaller limit holds from the start', async () => {
  const directory = newDirectory()
  await withStore(directory, async store => {
    for (let n = 0; n < 100; n++) await store.put(answer({ key: `k${n}`, body: Buffer.alloc(2_000) }))
  })
  await withStore(
    directory,
    async store => {
      await store.put(answer({ key: 'large', body: Buffer.alloc(60_000) }))
      assert.equal(await store.get('large'), undefined)
      await store.put(answer({ key: 'small' }))
      assert.ok((await store.size()).bytes <= 50_000)
    },
    { bytesMax: 50_000 }
  )
})

test('where the library of vectors is not to be had, the same is found without it', () => {
  const database = new DatabaseSync(':memory:')
  addOwnDistance(database)
  const distance = (one: Float32Array, other: Float32Array) =>
    database.prepare('select vec_distance_cosine(?, ?) as d').get(packVector(one), packVector(other))?.d
  for (const degrees of [0, 30, 90, 180]) {
    const found = Number(distance(towards(0), towards(degrees)))
    assert.ok(Math.abs(found - (1 - Math.cos((degrees / 180) * Math.PI))) < 1e-6)
  }
  assert.equal(distance(towards(0), new Float32Array(4)), null)
  database.close()
})

test('a directory that cannot be made is said, and nothing answers after it is closed', async () => {
  const directory = newDirectory()
  writeFileSync(path.join(directory, 'file'), '')
  await assert.rejects(at(path.join(directory, 'file', 'x')), /the cache in .* cannot be opened/)
  const store = await at(directory)
  await store.close()
  await store.close()
  await assert.rejects(store.get('a'), /closed/)
})
