import assert from 'node:assert/strict'
import { closeSync, openSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Journal, type JournalOptions } from '../../src/records/journal.ts'
import type { Batch } from '../../src/records/merging.ts'
import { Shipper, type ShipperOptions } from '../../src/records/shipping.ts'
import { until } from '../support/until.ts'
import {
  attemptEnd,
  attemptRow,
  expected,
  files,
  listening,
  MapLedger,
  quiet,
  requestRow,
  scratch,
  seeded,
  someEntries,
  tell
} from './support.ts'

interface Line {
  journal: Journal
  shipper: Shipper
  ledger: MapLedger
  directory: string
}

function line(test: TestContext, options: Partial<JournalOptions & ShipperOptions> = {}): Line {
  const directory = scratch(test)
  const ledger = new MapLedger()
  const journal = new Journal({ directory, log: quiet, reserveBytes: 8_192, ...options })
  const shipper = new Shipper({ journal, ledger, log: quiet, everyMs: 2, retryMs: 2, ...options })
  test.after(async () => {
    await shipper.close(20)
    journal.close()
  })
  return { journal, shipper, ledger, directory }
}

/** What a ledger has while the process runs: those without an end have not been lost. */
const running = (entries: Parameters<typeof expected>[0]) =>
  expected(entries).map(row => ('heldNano' in row && row.outcome === 'lost' ? { ...row, outcome: null } : row))

const logs = (directory: string) => files(directory).filter(file => file.endsWith('.log'))

test('rows reach the ledger by themselves, beginning and end as one', async t => {
  const batches: Batch[] = []
  const { journal, shipper, ledger } = line(t, { onBatch: batch => void batches.push(batch) })
  journal.started(attemptRow('a'))
  journal.finished('a', attemptEnd())
  journal.started(attemptRow('b'))
  journal.request(requestRow('ra'))
  assert.equal(shipper.queued, 4)
  await until(() => shipper.queued === 0, 'the rows')
  assert.deepEqual(ledger.rows, [
    attemptRow('a', { ...attemptEnd(), state: 'finished' }),
    attemptRow('b'),
    requestRow('ra')
  ])
  assert.equal(ledger.batches, 1)
  assert.deepEqual(
    batches.map(({ attempts, requests }) => [attempts.length, requests.length]),
    [[2, 1]]
  )
  journal.finished('b', attemptEnd({ outcome: 'failed' }))
  await shipper.flush()
  assert.equal(ledger.attempts.get('b')?.outcome, 'failed')
  assert.equal(ledger.attempts.get('b')?.heldNano, 700)
})

test('whatever the sizes of queue, batch and segment, and however often the store is away: all arrives', async t => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed)
    const { journal, shipper, ledger } = line(t, {
      queueMax: 1 + Math.floor(random() * 40),
      batchMax: 1 + Math.floor(random() * 20),
      segmentBytes: 500 + Math.floor(random() * 4_000)
    })
    const told = someEntries(400, random)
    for (const entry of told) {
      tell(journal, entry)
      if (random() < 0.05) ledger.isDown = !ledger.isDown
      if (random() < 0.3) await new Promise(resolve => setImmediate(resolve))
    }
    ledger.isDown = false
    await shipper.flush()
    assert.deepEqual(ledger.rows, running(told), `seed ${seed}`)
  }
})

test('segments that are shipped are removed; calls under way are carried over', async t => {
  const { journal, shipper, ledger, directory } = line(t, { segmentBytes: 1_000 })
  journal.started(attemptRow('long'))
  for (const entry of someEntries(100, seeded(7))) tell(journal, entry)
  const open = [...journal.open.keys()]
  assert.ok(open.includes('long') && logs(directory).length > 10)
  await shipper.flush()
  await shipper.flush()
  assert.ok(logs(directory).length <= 1 + Math.ceil((open.length * 500) / 1_000), `${logs(directory)}`)
  const left = logs(directory).map(file => readFileSync(path.join(directory, file), 'utf8'))
  for (const id of open) assert.match(left.join(''), new RegExp(`"id":"${id}"`))
  for (const id of open) journal.finished(id, attemptEnd())
  await shipper.flush()
  assert.ok([...ledger.attempts.values()].every(({ state }) => state === 'finished'))
})

test('after a clean end no file is left', async t => {
  const { journal, shipper, directory } = line(t)
  for (const entry of someEntries(100, seeded(8))) tell(journal, entry)
  for (const id of [...journal.open.keys()]) journal.finished(id, attemptEnd())
  await shipper.close()
  journal.close()
  assert.deepEqual(files(directory), [])
})

test('after an end with the store away all files are left', async t => {
  const { journal, shipper, ledger, directory } = line(t, { segmentBytes: 1_000 })
  ledger.isDown = true
  for (const entry of someEntries(50, seeded(9))) tell(journal, entry)
  const before = logs(directory)
  await assert.rejects(shipper.flush(30), /did not take all within 30 ms: Error: the ledger is down/)
  await shipper.close(20)
  journal.close()
  assert.deepEqual(logs(directory), before)
})

test('a store that is away is asked ever less often, and the log says it once', async t => {
  const { log, lines } = listening()
  const { journal, shipper, ledger } = line(t, { log, retryMs: 4 })
  ledger.isDown = true
  journal.started(attemptRow('a'))
  const startedMs = performance.now()
  await until(() => ledger.batches >= 6, 'some tries')
  // 4, 8, 16, 32 and 64 ms lie between the tries; the third and on are asked whether it is one row's fault.
  assert.ok(performance.now() - startedMs > 20)
  ledger.isDown = false
  await shipper.flush()
  assert.equal(lines.filter(text => text.includes('takes no rows')).length, 1)
  assert.equal(lines.filter(text => text.includes('takes rows again')).length, 1)
})

test('one row that the ledger will not take stands before no other', async t => {
  const { journal, shipper, ledger, directory } = line(t)
  ledger.poison = 'a00007'
  const told = someEntries(60, seeded(10))
  journal.started(attemptRow('a00007'))
  await until(() => ledger.batches > 6, 'tries of the row alone')
  assert.equal(shipper.refused, 0, 'a row that is alone proves nothing')
  for (const entry of told) tell(journal, entry)
  await shipper.flush()
  assert.deepEqual(
    ledger.rows,
    running(told).filter(({ id }) => id !== 'a00007')
  )
  assert.ok(shipper.refused >= 1)
  const aside = files(directory).find(file => file.endsWith('.refused'))
  assert.match(readFileSync(path.join(directory, aside!), 'utf8'), /"id":"a00007"/)
})

test('a store that is away is never taken for a row it will not take', async t => {
  const { journal, shipper, ledger } = line(t)
  ledger.isDown = true
  for (const entry of someEntries(200, seeded(11))) tell(journal, entry)
  await until(() => ledger.batches > 40, 'many tries')
  assert.equal(shipper.refused, 0)
})

test('what comes to a journal that is closed is lost, and touches no file that has its number by now', async t => {
  const { journal, shipper, ledger, directory } = line(t, { segmentBytes: 100 })
  journal.started(attemptRow('a'))
  // A batch is under way, and comes back when all is closed.
  let taken = () => {}
  const isTaken = new Promise<void>(resolve => {
    taken = resolve
  })
  let isAsked = false
  t.mock.method(ledger, 'ingest', () => {
    isAsked = true
    return isTaken
  })
  journal.request(requestRow('ra'))
  await until(() => isAsked, 'a batch is under way')
  await shipper.close(1)
  journal.close()
  const others = Array.from({ length: 8 }, (_, at) => openSync(path.join(directory, `mine-${at}`), 'w'))
  taken()
  await isTaken
  await new Promise(resolve => setImmediate(resolve))
  journal.request(requestRow('rb'))
  journal.finished('a', attemptEnd())
  journal.rotate()
  assert.throws(() => journal.started(attemptRow('b')), { code: 'ledger_full' })
  for (const [at, file] of others.entries()) {
    closeSync(file)
    assert.equal(readFileSync(path.join(directory, `mine-${at}`), 'utf8'), '', 'nothing was written into it')
  }
})
