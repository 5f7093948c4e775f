import assert from 'node:assert/strict'
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import path from 'node:path'
import { type TestContext, test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import { decode, type Entry } from '../../src/records/entries.ts'
import { Journal, type JournalOptions } from '../../src/records/journal.ts'
import { until } from '../support/until.ts'
import { attemptEnd, attemptRow, files, quiet, requestRow, scratch, seeded, someEntries, tell } from './support.ts'

function journalIn(test: TestContext, options: Partial<JournalOptions> = {}): { journal: Journal; directory: string } {
  const directory = options.directory ?? scratch(test)
  const journal = new Journal({ log: quiet, reserveBytes: 8_192, retryMs: 5, ...options, directory })
  test.after(() => journal.close())
  return { journal, directory }
}

/** A disk of so many bytes. */
function disk(bytes: number) {
  const state = { free: bytes }
  const write = (fd: number, data: Buffer) => {
    if (state.free <= 0) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
    // As a real one does: what fits is written, and the next try fails.
    const written = writeSync(fd, data.subarray(0, state.free))
    state.free -= written
    return written
  }
  return { state, write }
}

const read = (journal: Journal, segment = 1) => decode(readFileSync(journal.pathOf(segment)))
const entriesOf = (journal: Journal, segment?: number) => read(journal, segment).entries.map(({ entry }) => entry)

test('what a method was told is in the file when it returns', t => {
  const { journal } = journalIn(t)
  const told: Entry[] = []
  for (const entry of someEntries(50, seeded(1))) {
    tell(journal, entry)
    told.push(entry)
    assert.deepEqual(entriesOf(journal), told)
  }
  journal.finished('x', attemptEnd())
  journal.request(requestRow('y'))
  assert.deepEqual(
    entriesOf(journal)
      .slice(-2)
      .map(({ kind }) => kind),
    ['finished', 'request']
  )
})

test('strict journals say the same', t => {
  const { journal } = journalIn(t, { durable: 'strict' })
  journal.started(attemptRow('a'))
  assert.deepEqual(entriesOf(journal), [{ kind: 'started', attempt: attemptRow('a') }])
})

test('segments end at their size and entries go on in the next', t => {
  const { journal, directory } = journalIn(t, { segmentBytes: 2_000 })
  const told = someEntries(60, seeded(2))
  for (const entry of told) tell(journal, entry)
  const count = journal.end.segment
  assert.ok(count > 5)
  assert.equal(files(directory).filter(file => file.endsWith('.log')).length, count)
  const all = Array.from({ length: count }, (_, at) => entriesOf(journal, at + 1)).flat()
  assert.deepEqual(all, told)
})

test('the listener hears where each line ends', t => {
  const { journal } = journalIn(t)
  const ends: number[] = []
  journal.follow(written => ends.push(...written.map(({ offset }) => offset)))
  const told = someEntries(20, seeded(3))
  tell(journal, told[0]!)
  journal.append(told.slice(1))
  assert.deepEqual(
    ends,
    read(journal).entries.map(({ end }) => end)
  )
  assert.equal(ends.at(-1), journal.end.offset)
})

test('on a full disk nothing begins, what is open ends in the reserve, and goes on when there is room', async t => {
  const { state, write } = disk(Number.POSITIVE_INFINITY)
  const { journal, directory } = journalIn(t, { write })
  for (const id of ['a', 'b', 'c']) journal.started(attemptRow(id))
  // Room for half a line.
  state.free = 100
  assert.throws(
    () => journal.started(attemptRow('d')),
    (thrown: unknown) => thrown instanceof Failure && thrown.code === 'ledger_full' && thrown.status === 503
  )
  assert.equal(journal.full, true)
  assert.equal(read(journal).corrupt, 0, 'no part of the line stays')
  journal.finished('a', attemptEnd())
  journal.append([
    { kind: 'finished', id: 'b', end: attemptEnd() },
    { kind: 'request', request: requestRow('rb') }
  ])
  assert.throws(() => journal.started(attemptRow('e')), Failure)
  const reserve = files(directory).find(file => file.endsWith('.reserve'))!
  const kept = decode(readFileSync(path.join(directory, reserve)))
  assert.deepEqual(
    kept.entries.map(({ entry }) => entry.kind),
    ['finished', 'finished', 'request'],
    'in the kernel, for who comes after a crash'
  )
  assert.deepEqual([...journal.open.keys()], ['c'])

  state.free = Number.POSITIVE_INFINITY
  await until(() => !journal.full, 'room')
  journal.finished('c', attemptEnd())
  assert.deepEqual(
    entriesOf(journal).map(({ kind }) => kind),
    ['started', 'started', 'started', 'finished', 'finished', 'request', 'finished']
  )
  assert.equal(decode(readFileSync(path.join(directory, reserve))).entries.length, 0)
})

test('what found no room even in the reserve is written when there is some', async t => {
  const { state, write } = disk(Number.POSITIVE_INFINITY)
  const { journal } = journalIn(t, { write, reserveBytes: 500 })
  for (let id = 0; id < 10; id++) journal.started(attemptRow(`a${id}`))
  state.free = 0
  for (let id = 0; id < 10; id++) journal.finished(`a${id}`, attemptEnd())
  state.free = Number.POSITIVE_INFINITY
  await until(() => !journal.full, 'room')
  assert.equal(entriesOf(journal).length, 20)
})

test('the first to find the disk full may be the end of a call', t => {
  const { state, write } = disk(Number.POSITIVE_INFINITY)
  const { journal } = journalIn(t, { write })
  journal.started(attemptRow('a'))
  state.free = 0
  journal.finished('a', attemptEnd())
  assert.equal(journal.full, true)
  state.free = Number.POSITIVE_INFINITY
  journal.close()
  assert.equal(entriesOf(journal).length, 2, 'closing tries once more')
})

test('a journal that was closed leaves its lines, and no reserve', t => {
  const { journal, directory } = journalIn(t)
  journal.started(attemptRow('a'))
  journal.close()
  assert.deepEqual(files(directory), [path.basename(journal.pathOf(1))])
})

test('names that are no text are told as text, in the file and to the listener', t => {
  const { journal } = journalIn(t)
  const heard: Entry[] = []
  journal.follow(written => heard.push(...written.map(({ entry }) => entry)))
  journal.request(requestRow('r', { modelAsked: 'a\0b\ud800\\u0000' }))
  for (const [entry] of [entriesOf(journal), heard]) {
    assert.ok(entry?.kind === 'request')
    assert.equal(entry.request.modelAsked, 'a\ufffdb\ufffd\\u0000')
  }
})

test('a line amid others that was changed is counted and passed over, one at the end is torn', t => {
  const { journal, directory } = journalIn(t)
  for (const id of ['a', 'b', 'c']) journal.started(attemptRow(id))
  const bytes = readFileSync(journal.pathOf(1))
  const [first, second] = read(journal).entries
  for (let at = first!.end; at < second!.end - 1; at++) {
    const damaged = Buffer.from(bytes)
    damaged[at] = damaged[at]! ^ 1
    const { entries, corrupt } = decode(damaged)
    assert.ok(entries.length === 2 && corrupt >= 1, `byte ${at}`)
  }
  const torn = Buffer.from(bytes)
  torn[bytes.length - 10] = 0
  writeFileSync(path.join(directory, 'torn'), torn)
  assert.deepEqual({ ...decode(torn), entries: 2 }, { entries: 2, corrupt: 0, end: second!.end })
  const zeros = Buffer.concat([bytes, Buffer.alloc(4_096)])
  assert.deepEqual({ ...decode(zeros), entries: 3 }, { entries: 3, corrupt: 0, end: bytes.length })
})
