import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { decode, type Entry, encode } from '../../src/records/entries.ts'
import { Journal } from '../../src/records/journal.ts'
import { markLost, recover } from '../../src/records/recovery.ts'
import { isRunning, newInstance } from '../../src/records/segments.ts'
import { Shipper } from '../../src/records/shipping.ts'
import { until } from '../support/until.ts'
import {
  attemptEnd,
  attemptRow,
  expected,
  files,
  MapLedger,
  quiet,
  requestRow,
  scratch,
  seeded,
  someEntries,
  tell
} from './support.ts'

const recovered = (directory: string, ledger: MapLedger) => recover({ directory, ledger, log: quiet })
const linesOf = (entries: readonly Entry[]) => Buffer.concat(entries.map(entry => encode(entry).bytes))

test('a file that was cut at any byte has all that was whole before the cut, however often it is recovered', async t => {
  const directory = scratch(t)
  const told = someEntries(4, seeded(1))
  const bytes = linesOf(told)
  const ends = decode(bytes).entries.map(({ end }) => end)
  for (let cut = 0; cut <= bytes.length; cut++) {
    const whole = told.slice(0, ends.filter(end => end <= cut).length)
    const ledger = new MapLedger()
    for (let time = 1; time <= 2; time++) {
      writeFileSync(path.join(directory, 'dead-000001.log'), bytes.subarray(0, cut))
      const found = await recovered(directory, ledger)
      assert.deepEqual(ledger.rows, expected(whole), `cut at ${cut}, time ${time}`)
      assert.deepEqual({ ...found, lost: 0 }, { files: 1, entries: whole.length, lost: 0, orphans: 0, corrupt: 0 })
    }
  }
  assert.deepEqual(files(directory), [])
})

test('broken off at any point, between any two steps, and begun again: the same rows', async t => {
  const random = seeded(2)
  const told = someEntries(90, random)
  const parts = [told.slice(0, 30), told.slice(30, 60), told.slice(60)]
  const fill = (directory: string) => {
    parts.forEach((part, at) => {
      writeFileSync(path.join(directory, `dead-00000${at + 1}.log`), linesOf(part))
    })
  }
  // Any of the files may be gone already, as may the process that took the last batch.
  for (let gone = 0; gone < 8; gone++) {
    const directory = scratch(t)
    const ledger = new MapLedger()
    fill(directory)
    await recovered(directory, ledger)
    fill(directory)
    for (let at = 0; at < 3; at++) {
      if ((gone >> at) & 1) rmSync(path.join(directory, `dead-00000${at + 1}.log`))
    }
    await recovered(directory, ledger)
    assert.deepEqual(ledger.rows, expected(told), `without ${gone.toString(2)}`)
  }
  // Or the store is away in the midst of it, and nothing is removed.
  for (let batch = 0; batch < 4; batch++) {
    const directory = scratch(t)
    const ledger = new MapLedger()
    fill(directory)
    const { ingest } = ledger
    t.mock.method(ledger, 'ingest', async (rows: Parameters<typeof ingest>[0]) => {
      if (ledger.batches >= batch) throw new Error('away')
      await ingest.call(ledger, rows)
    })
    await assert.rejects(recovered(directory, ledger), /away/)
    assert.equal(files(directory).length, 3)
    t.mock.restoreAll()
    await recovered(directory, ledger)
    assert.deepEqual(ledger.rows, expected(told))
  }
})

/** A process that writes and ships, and is copied as a crash would leave it, at any time. */
test('whenever the process dies, journal and ledger together have all that was told', async t => {
  for (let seed = 1; seed <= 8; seed++) {
    const random = seeded(seed)
    const directory = scratch(t)
    const ledger = new MapLedger()
    const options = { segmentBytes: 500 + Math.floor(random() * 3_000), reserveBytes: 64 }
    const journal = new Journal({ directory, log: quiet, instance: 'dead', ...options })
    const queueMax = 1 + Math.floor(random() * 100)
    const shipper = new Shipper({ journal, ledger, log: quiet, everyMs: 1, retryMs: 1, batchMax: 10, queueMax })
    const told: Entry[] = []
    for (const entry of someEntries(150, random)) {
      tell(journal, entry)
      told.push(entry)
      if (random() < 0.1) ledger.isDown = !ledger.isDown
      if (random() < 0.5) await new Promise(resolve => setImmediate(resolve))
      if (random() > 0.05) continue
      // The crash: what is on the disk and in the store now, seen by another process.
      const copy = scratch(t)
      for (const file of files(directory)) {
        cpSync(path.join(directory, file), path.join(copy, file.replace('dead', 'gone')))
      }
      const after = new MapLedger()
      for (const [id, row] of ledger.attempts) after.attempts.set(id, row)
      for (const [id, row] of ledger.requests) after.requests.set(id, row)
      const found = await recovered(copy, after)
      assert.equal(found.orphans + found.corrupt, 0)
      assert.deepEqual(after.rows, expected(told), `seed ${seed}, after ${told.length}`)
      assert.deepEqual(files(copy), [])
    }
    await shipper.close(20)
    journal.close()
  }
})

test('what has no end is charged with its hold, and with what it came to when the end is found', async t => {
  const directory = scratch(t)
  const ledger = new MapLedger()
  const unpriced = attemptRow('b', { heldNano: null, costNano: null })
  const started: Entry[] = [attemptRow('a'), unpriced].map(attempt => ({ kind: 'started', attempt }))
  writeFileSync(path.join(directory, 'dead-000001.log'), linesOf(started))
  const found = await recovered(directory, ledger)
  assert.equal(found.lost, 2)
  const lost = { state: 'started', outcome: 'lost', usageSource: 'estimated', finishedAtMs: null } as const
  assert.deepEqual(ledger.rows, [
    attemptRow('a', { ...lost, costNano: attemptRow('a').heldNano }),
    { ...unpriced, ...lost }
  ])
  writeFileSync(path.join(directory, 'dead-000002.log'), linesOf([{ kind: 'finished', id: 'a', end: attemptEnd() }]))
  await recovered(directory, ledger)
  assert.deepEqual(ledger.attempts.get('a'), attemptRow('a', { ...attemptEnd(), state: 'finished' }))
})

test('the reserve of a full disk is recovered too', async t => {
  const directory = scratch(t)
  const ledger = new MapLedger()
  writeFileSync(path.join(directory, 'dead-000001.log'), linesOf([{ kind: 'started', attempt: attemptRow('a') }]))
  const kept = linesOf([{ kind: 'finished', id: 'a', end: attemptEnd() }])
  writeFileSync(path.join(directory, 'dead-0.reserve'), Buffer.concat([kept, Buffer.alloc(5_000)]))
  await recovered(directory, ledger)
  assert.equal(ledger.attempts.get('a')?.state, 'finished')
  assert.deepEqual(files(directory), [])
})

test('a damaged line is kept aside with its file, and the rest is read', async t => {
  const directory = scratch(t)
  const ledger = new MapLedger()
  const told = someEntries(30, seeded(3))
  const bytes = linesOf(told)
  bytes[decode(bytes).entries[4]!.end + 20]! ^= 1
  const damaged = Buffer.from(bytes)
  writeFileSync(path.join(directory, 'dead-000001.log'), bytes)
  const found = await recovered(directory, ledger)
  assert.equal(found.corrupt, 1)
  assert.equal(found.entries, told.length - 1)
  const rest = told.filter((_, at) => at !== 5)
  const begun = new Set(rest.flatMap(entry => (entry.kind === 'started' ? [entry.attempt.id] : [])))
  assert.equal(found.orphans, rest.filter(entry => entry.kind === 'finished' && !begun.has(entry.id)).length)
  assert.deepEqual(ledger.rows, expected(rest))
  assert.deepEqual(files(directory), ['dead-000001.log.corrupt'])
  assert.deepEqual(readFileSync(path.join(directory, 'dead-000001.log.corrupt')), damaged)
  assert.equal((await recovered(directory, ledger)).files, 0)
})

test('journals of processes that run are left alone', async t => {
  const directory = scratch(t)
  const journal = new Journal({ directory, log: quiet, reserveBytes: 64 })
  journal.started(attemptRow('a'))
  assert.equal((await recovered(directory, new MapLedger())).files, 0)
  const before = files(directory)
  journal.close()
  const ledger = new MapLedger()
  assert.equal((await recovered(directory, ledger)).files, before.length - 1)
  assert.equal(ledger.attempts.size, 1)
})

test('a process is told from a later one with its number', async t => {
  const child = await childInstance(t)
  assert.equal(isRunning(child.instance), true)
  // The same number, begun at another time: as it is at every start of a container.
  assert.equal(isRunning(child.instance.replace(/s(\d+)b/, (_, start) => `s${Number(start) + 1}b`)), false)
  assert.equal(isRunning(child.instance.replace(/b[0-9a-f]+r/, 'b000000000000r')), process.platform !== 'linux')
  await child.end()
  await until(() => !isRunning(child.instance), 'the end of the process')
  assert.equal(isRunning(newInstance()), false, 'nothing of this process is open')
})

async function childInstance(test: TestContext): Promise<{ instance: string; end(): Promise<void> }> {
  const at = path.resolve(import.meta.dirname, '../../src/records/segments.ts')
  const code = `import { newInstance } from ${JSON.stringify(at)}; console.log(newInstance()); setInterval(() => {}, 1e6)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  test.after(() => child.kill('SIGKILL'))
  const [text] = await once(child.stdout, 'data')
  const end = async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { instance: String(text).trim(), end }
}

test('what no journal tells of is lost after a time that no call lasts', async () => {
  const ledger = new MapLedger()
  const old = attemptRow('old', { startedAtMs: 1 })
  const ended = attemptRow('ended', { ...attemptEnd(), state: 'finished', startedAtMs: 1 })
  await ledger.ingest({ attempts: [old, ended, attemptRow('new')], requests: [requestRow('r')] })
  assert.equal(await markLost(ledger, 1_000), 1)
  assert.equal(await markLost(ledger, 1_000), 0)
  assert.deepEqual(
    [...ledger.attempts.values()].map(({ outcome }) => outcome),
    ['lost', 'done', null]
  )
})
