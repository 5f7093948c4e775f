import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { BodyQueue, type BodyQueueOptions } from '../../src/records/bodies.ts'
import type { BodyPartition, OfferedBodies } from '../../src/stores/bodies.ts'
import { until } from '../support/until.ts'
import { listening } from './support.ts'

const NOW_MS = Date.parse('2026-11-23T15:00:00Z')

/** A store that can be shut, frozen, or dislike a row. */
class ListStore {
  readonly ids: string[] = []
  readonly batches: number[] = []
  isDown = false
  frozen: Promise<void> | undefined
  poison: string | undefined
  partitions: BodyPartition[] = []

  async put(rows: readonly OfferedBodies[]): Promise<void> {
    this.batches.push(rows.length)
    await this.frozen
    if (this.isDown) throw new Error('the store is down')
    if (rows.some(({ requestId }) => requestId === this.poison)) throw new Error('no such row')
    this.ids.push(...rows.map(row => row.requestId).filter(id => !this.ids.includes(id)))
  }

  async dropBefore(ms: number): Promise<number> {
    if (this.isDown) throw new Error('the store is down')
    const gone = this.partitions.filter(({ day }) => Date.parse(day) + 86_400_000 <= ms)
    this.partitions = this.partitions.filter(partition => !gone.includes(partition))
    return gone.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  async stats() {
    return { partitions: this.partitions }
  }
}

function queueOn(t: TestContext, more: Partial<BodyQueueOptions> = {}) {
  const store = new ListStore()
  const { log, lines } = listening()
  const clock = { ms: 0, wallMs: () => NOW_MS + clock.ms, monotonicMs: () => clock.ms }
  const retention = { days: 30, bytesMax: undefined }
  const queue = new BodyQueue({ store, log, clock, retention, everyMs: 2, retryMs: 1, ...more })
  t.after(() => queue.close(10))
  const warned = () => lines.filter(line => line.includes('bodies are dropped')).map(line => JSON.parse(line))
  return { queue, store, clock, lines, warned }
}

const rowOf = (requestId: string, received: string | Uint8Array = '{}'): OfferedBodies => ({
  ...{ requestId, atMs: NOW_MS, session: undefined, org: undefined, level: 'full', dialect: 'openai-chat' },
  ...{ received, sent: [], answered: undefined }
})

test('bodies reach their store by themselves, in order and in batches', async t => {
  const { queue, store } = queueOn(t)
  const ids = Array.from({ length: 1_200 }, (_, at) => `r${at}`)
  for (const id of ids) assert.equal(queue.offer(rowOf(id)), true)
  assert.deepEqual(store.batches, [], 'nobody waits')
  await until(() => queue.kept === ids.length, 'all kept')
  assert.deepEqual(store.ids, ids)
  assert.deepEqual(store.batches, [500, 500, 200])
  assert.deepEqual([queue.queuedBytes, queue.dropped], [0, 0])
})

test('a batch is bounded by its bytes, and a larger body travels alone', async t => {
  const { queue, store } = queueOn(t, { batchBytesMax: 10_000 })
  const sizes = [3_000, 3_000, 3_000, 50_000, 100, 100]
  sizes.forEach((size, at) => void queue.offer(rowOf(`r${at}`, new Uint8Array(size))))
  await queue.flush()
  assert.deepEqual(store.batches, [2, 1, 1, 2])
})

test('without room the new ones are dropped, counted, and said once in ten seconds', async t => {
  const { queue, store, clock, warned } = queueOn(t, { queueBytesMax: 100_000, batchBytesMax: 50_000 })
  store.isDown = true
  const offered = Array.from({ length: 30 }, (_, at) => queue.offer(rowOf(`r${at}`, new Uint8Array(9_500))))
  assert.deepEqual([offered.filter(Boolean).length, offered.indexOf(false), queue.dropped], [9, 9, 21])
  assert.ok(queue.queuedBytes <= 100_000)
  assert.equal(warned().length, 1)
  clock.ms = 10_000
  queue.offer(rowOf('late', new Uint8Array(9_500)))
  assert.deepEqual([warned()[1].dropped, warned()[1].inAll], [21, 22])
  await until(() => store.batches.length > 2, 'tries')
  store.isDown = false
  await queue.flush()
  assert.deepEqual(
    store.ids,
    Array.from({ length: 9 }, (_, at) => `r${at}`)
  )
  assert.equal(queue.offer(rowOf('again', new Uint8Array(9_500))), true)
})

test('a store that is back gets all that could wait', async t => {
  const { queue, store, lines } = queueOn(t)
  store.isDown = true
  queue.offer(rowOf('a'))
  await until(() => store.batches.length > 3, 'tries')
  queue.offer(rowOf('b'))
  await assert.rejects(queue.flush(20), /did not take all bodies within 20 ms: Error: the store is down/)
  store.isDown = false
  await queue.flush()
  assert.deepEqual(store.ids, ['a', 'b'])
  assert.deepEqual([queue.kept, queue.dropped], [2, 0])
  assert.equal(lines.filter(line => line.includes('the store takes no bodies')).length, 1)
})

test('a row that no store takes costs nothing but itself', async t => {
  const { queue, store, clock } = queueOn(t, { giveUpMs: 1_000 })
  store.poison = 'c'
  for (const id of ['a', 'b', 'c', 'd', 'e']) queue.offer(rowOf(id))
  await until(() => store.batches.length > 2, 'tries')
  assert.deepEqual(store.ids, [])
  clock.ms = 1_001
  await queue.flush()
  assert.deepEqual([store.ids, queue.kept, queue.dropped], [['a', 'b', 'd', 'e'], 4, 1])
})

test('what a store refuses for long is given up, and the next has its turn', async t => {
  const { queue, store, clock } = queueOn(t, { giveUpMs: 1_000 })
  store.isDown = true
  for (let at = 0; at < 50; at++) queue.offer(rowOf(`r${at}`))
  await until(() => store.batches.length > 2, 'tries')
  clock.ms = 1_001
  await until(() => queue.dropped === 50, 'given up')
  assert.equal(queue.queuedBytes, 0)
  store.isDown = false
  queue.offer(rowOf('next'))
  await queue.flush()
  assert.deepEqual(store.ids, ['next'])
})

test('who leaves does not wait for a store that says nothing', async t => {
  const { queue, store } = queueOn(t)
  store.frozen = new Promise(() => {})
  queue.offer(rowOf('a'))
  await queue.close(20)
  assert.deepEqual([queue.dropped, queue.queuedBytes, queue.offer(rowOf('b')), queue.dropped], [1, 0, false, 2])
})

test('of any offers, each is kept or dropped, once', async t => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(30_000), fc.boolean()), { maxLength: 60 }), async offers => {
      const { queue, store } = queueOn(t, { queueBytesMax: 100_000, batchBytesMax: 20_000, everyMs: 0 })
      const taken: string[] = []
      for (const [at, [size, isDown]] of offers.entries()) {
        store.isDown = isDown
        if (queue.offer(rowOf(`r${at}`, new Uint8Array(size)))) taken.push(`r${at}`)
        await Promise.resolve()
      }
      store.isDown = false
      await queue.flush()
      assert.deepEqual(store.ids, taken)
      assert.deepEqual([queue.kept, queue.dropped], [taken.length, offers.length - taken.length])
      await queue.close()
    }),
    { numRuns: 30 }
  )
})

const partition = (day: string, bytes: number): BodyPartition => ({ day, bytes, bodies: 1 })

test('days go when they are too old, or oldest first when they are too much', async t => {
  const { queue, store } = queueOn(t, { retention: { days: 3, bytesMax: 1_000 } })
  const days = ['2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23']
  store.partitions = days.map(day => partition(day, 300))
  await queue.tidy()
  assert.deepEqual(
    store.partitions.map(({ day }) => day),
    ['2026-11-21', '2026-11-22', '2026-11-23']
  )
  store.partitions = days.slice(1).map(day => partition(day, 100))
  await queue.tidy()
  assert.equal(store.partitions.length, 4, 'one whose last hour is not too old stays')
})

test('a day that fills the share alone is kept, and no more is taken until there is room', async t => {
  const { queue, store, clock, warned } = queueOn(t, { retention: { days: 3, bytesMax: 1_000 } })
  store.partitions = [partition('2026-11-22', 500), partition('2026-11-23', 1_500)]
  await queue.tidy()
  assert.deepEqual(
    store.partitions.map(({ day }) => day),
    ['2026-11-23']
  )
  assert.equal(queue.offer(rowOf('a')), false)
  assert.match(warned()[0].why, /share of the disk is full/)
  clock.ms = 86_400_000
  await queue.tidy()
  assert.equal(queue.offer(rowOf('b')), true)
})

test('a share is looked at before it is outgrown, and a store that cannot drop is no reason to fall', async t => {
  const { queue, store, lines } = queueOn(t, { retention: { days: 3, bytesMax: 160_000 } })
  store.partitions = [partition('2026-11-22', 159_000), partition('2026-11-23', 11_000)]
  queue.offer(rowOf('a', new Uint8Array(11_000)))
  await queue.flush()
  await until(() => store.partitions.length === 1, 'tidied')
  store.isDown = true
  await queue.tidy()
  assert.ok(lines.some(line => line.includes('old bodies could not be dropped')))
})
