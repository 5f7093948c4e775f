import assert from 'node:assert/strict'
import test from 'node:test'
import { PurgeFollower } from '../../src/cache/purge-follower.ts'
import { systemClock } from '../../src/clock.ts'
import type { CachePurge } from '../../src/stores/cache.ts'
import { openSqlite } from '../../src/stores/sql/sqlite.ts'
import type { PurgeLog, Stores } from '../../src/stores/stores.ts'

/** A store that writes down what it is told. */
function listening(at?: number) {
  return {
    at,
    heard: [] as CachePurge[],
    isAway: false,
    async purge(what: CachePurge) {
      if (this.isAway) throw new Error('away')
      this.heard.push(what)
      return 1
    },
    async purgedUpTo() {
      return this.at
    },
    async setPurgedUpTo(seq: number) {
      this.at = seq
    }
  }
}

function remembering() {
  const heard: CachePurge[] = []
  return { heard, purge: (what: CachePurge) => heard.push(what) }
}

async function withLog(run: (log: PurgeLog, stores: Stores) => Promise<void>): Promise<void> {
  const stores = await openSqlite({ path: ':memory:', clock: systemClock })
  try {
    await run(stores.cachePurges, stores)
  } finally {
    await stores.close()
  }
}

test('what was purged is applied once, in order, in memory and in the store', () =>
  withLog(async log => {
    await log.append({ tag: 'before' }, 1)
    const front = remembering()
    const store = listening()
    const follower = new PurgeFollower({ log, front, store })
    // Nothing was ever said to them: what they hold may be older than the list.
    await follower.follow()
    assert.deepEqual([front.heard, store.heard, store.at], [[{}], [{}], 1])
    for (let n = 0; n < 450; n++) await log.append({ tag: `${n}` }, n)
    assert.equal(await follower.follow(), 450)
    const said = [{}, ...Array.from({ length: 450 }, (_, n) => ({ tag: `${n}` }))]
    assert.deepEqual(front.heard, said)
    assert.deepEqual(store.heard, said)
    assert.equal(await follower.follow(), 0)
    assert.deepEqual(store.heard, said)
  }))

test('one that starts again hears what it missed; all of it goes where that is not in the list any more', () =>
  withLog(async log => {
    for (const tag of ['a', 'b', 'c', 'd']) await log.append({ tag }, 100)
    const heardBy = async (at: number) => {
      const store = listening(at)
      await new PurgeFollower({ log, front: remembering(), store }).follow()
      assert.equal(store.at, 4)
      return store.heard
    }
    assert.deepEqual(await heardBy(2), [{ tag: 'c' }, { tag: 'd' }])
    assert.deepEqual(await heardBy(4), [])
    // The list is another one: the database was put back, or is new.
    assert.deepEqual(await heardBy(9), [{}])
    await log.dropBefore(1_000)
    assert.deepEqual(await heardBy(4), [])
    assert.deepEqual(await heardBy(2), [{}])
  }))

test('a store that is away hears it later, and keeps nobody else from it', () =>
  withLog(async log => {
    const front = remembering()
    const store = listening(0)
    const follower = new PurgeFollower({ log, front, store })
    await follower.follow()
    await log.append({ tag: 'a' }, 1)
    store.isAway = true
    await assert.rejects(follower.follow(), /away/)
    assert.deepEqual(front.heard, [{}, { tag: 'a' }])
    store.isAway = false
    await follower.follow()
    assert.deepEqual(store.heard, [{ tag: 'a' }])
    assert.deepEqual(front.heard, [{}, { tag: 'a' }])
  }))

test('whoever asks while another is at it gets what was appended before, and nothing happens twice', () =>
  withLog(async log => {
    const store = listening(0)
    const follower = new PurgeFollower({ log, front: remembering(), store })
    const following: Promise<void>[] = []
    for (let n = 0; n < 30; n++) {
      const seq = await log.append({ tag: `${n}` }, n)
      following.push(follower.follow().then(() => assert.ok(store.at! >= seq)))
    }
    await Promise.all(following)
    assert.deepEqual(
      store.heard.map(({ tag }) => tag),
      Array.from({ length: 30 }, (_, n) => `${n}`)
    )
  }))

test('without a store, memory follows', () =>
  withLog(async log => {
    const front = remembering()
    const follower = new PurgeFollower({ log, front })
    await follower.follow()
    await log.append({ team: 'blue' }, 1)
    await follower.follow()
    assert.deepEqual(front.heard, [{}, { team: 'blue' }])
  }))
