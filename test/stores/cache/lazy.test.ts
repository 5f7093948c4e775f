import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import test, { after } from 'node:test'
import { LazyCache } from '../../../src/stores/cache/lazy.ts'
import { openSqliteCache } from '../../../src/stores/cache/sqlite.ts'
import { answer, question, START_MS, towards } from './conformance.ts'

const root = mkdtempSync(path.join(tmpdir(), 'gatehouse-lazy-cache-'))
after(() => rmSync(root, { recursive: true, force: true }))
const open = (directory: string) => openSqliteCache({ directory, bytesMax: 1_000_000, nowMs: () => START_MS })

test('what is asked of it is asked of what it opens', async () => {
  const directory = path.join(root, 'used')
  const store = new LazyCache(() => open(directory))
  await store.put(answer({ key: 'a' }), question({ key: 'a', vector: towards(0) }))
  store.used('a')
  assert.deepEqual(await store.get('a'), answer({ key: 'a' }))
  assert.equal((await store.nearest('f', towards(0), 1))[0]?.key, 'a')
  assert.equal((await store.size()).answers, 1)
  assert.equal(await store.purgedUpTo(), undefined)
  await store.setPurgedUpTo(3)
  assert.equal(await store.purgedUpTo(), 3)
  assert.equal(await store.purge({ tag: 't' }), 1)
  await store.close()
})

test('what nobody needs is not made, and what is closed is not opened again', async () => {
  const directory = path.join(root, 'unused')
  const store = new LazyCache(() => open(directory))
  store.used('a')
  await store.close()
  await assert.rejects(store.put(answer({ key: 'a' })), /closed/)
  assert.ok(!existsSync(directory))
})

test('one that cannot be opened is tried again, but not by every call', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let tries = 0
  const store = new LazyCache(async () => {
    if (++tries === 1) throw new Error('not yet')
    return open(path.join(root, 'later'))
  })
  for (let n = 0; n < 20; n++) await assert.rejects(store.get('a'), /not yet/)
  assert.equal(tries, 1)
  t.mock.timers.tick(5_000)
  assert.equal(await store.get('a'), undefined)
  assert.equal(tries, 2)
  await store.close()
})

test('a call does not wait for one that takes long to open', async t => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const store = new LazyCache(() => new Promise(() => {}))
  const late = [store.get('a'), store.nearest('f', towards(0), 1)].map(each => assert.rejects(each, /within 1000 ms/))
  t.mock.timers.tick(1_000)
  await Promise.all(late)
})
