import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { append, canonicalJson, digestOf, verify } from '../../src/access/audit.ts'
import { CheckpointSigner, checkpointLine, readCheckpoints } from '../../src/access/checkpoints.ts'
import type { Json } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import type { AuditRow } from '../../src/stores/rows.ts'
import { fakeStores, PROCESS_SECRET, stoppedClock } from './support.ts'

async function chain(length: number, actor = 'owner'): Promise<AuditRow[]> {
  const clock = stoppedClock()
  const stores = fakeStores(clock)
  for (let number = 1; number <= length; number++) {
    clock.nowMs += number
    const before = number === 1 ? null : digestOf({ number })
    await append(stores, {
      actor,
      role: 'owner',
      address: number % 2 ? '192.0.2.7' : null,
      action: 'keys:update',
      object: `key:${number} "é"`,
      before,
      after: digestOf({ number: number + 1 }),
      requestId: 'request-1'
    })
  }
  return stores.log
}

const ROWS = await chain(8)
const index = fc.nat({ max: ROWS.length - 1 })

async function badSeq(rows: readonly AuditRow[], anchors = [{ seq: 8, hash: ROWS[7]!.hash }]) {
  const result = await verify(rows, anchors)
  return result.ok ? undefined : result.seq
}

describe('the chain', () => {
  test('as it was written it is right, empty ones too', async () => {
    assert.deepEqual(await verify(ROWS), { ok: true, rows: 8, last: { seq: 8, hash: ROWS[7]!.hash } })
    assert.deepEqual(await verify([]), { ok: true, rows: 0, last: undefined })
  })

  test('a row that was edited in any member is named', async () => {
    const edits: { [Name in keyof AuditRow]: AuditRow[Name] } = {
      seq: 99,
      atMs: 1,
      actor: 'nobody',
      role: 'admin',
      address: '203.0.113.1',
      action: 'keys:remove',
      object: 'key:other',
      before: 'f'.repeat(64),
      after: null,
      requestId: 'another',
      hash: 'e'.repeat(64)
    }
    for (const name of Object.keys(edits) as (keyof AuditRow)[]) {
      for (const [place, row] of ROWS.entries()) {
        const rows = ROWS.with(place, { ...row, [name]: edits[name] })
        assert.equal(await badSeq(rows, []), row.seq, `${name} of row ${row.seq}`)
      }
    }
  })

  test('a row that is gone, one too many, two in each other’s place: the first wrong one is named', async () => {
    await fc.assert(
      fc.asyncProperty(index, index, async (one, other) => {
        assert.equal(await badSeq(ROWS.toSpliced(one, 1)), one + 1, 'gone')
        const twin = await badSeq(ROWS.toSpliced(one, 0, ROWS[one]!))
        assert.equal(twin, one + 1, 'twice')
        fc.pre(one < other)
        const swapped = ROWS.with(one, ROWS[other]!).with(other, ROWS[one]!)
        assert.equal(await badSeq(swapped), one + 1, 'out of order')
        // The same with their numbers put right.
        const renumbered = swapped.map((row, place) => ({ ...row, seq: place + 1 }))
        assert.equal(await badSeq(renumbered), one + 1, 'renumbered')
      })
    )
  })

  test('a chain without its end, or made anew, is found by a checkpoint', async () => {
    for (let length = 0; length < 8; length++) assert.equal(await badSeq(ROWS.slice(0, length)), length + 1)
    const forged = await chain(8, 'somebody')
    assert.equal(await badSeq(forged, []), undefined, 'nothing is wrong with it by itself')
    assert.equal(await badSeq(forged), 8)
    assert.equal(await badSeq(forged, ROWS.slice(2)), 3, 'the first that a checkpoint has seen')
  })

  test('a row that was edited and given the hash that fits it is found by the one after it', async () => {
    for (const [place, { seq, atMs, hash, ...entry }] of ROWS.entries()) {
      const stores = fakeStores(stoppedClock(atMs))
      stores.log.push(...ROWS.slice(0, place))
      await append(stores, { ...entry, actor: 'nobody' })
      const rows = [...stores.log, ...ROWS.slice(place + 1)]
      // After the last one there is none: that takes a checkpoint.
      assert.equal(await badSeq(rows, []), seq < 8 ? seq + 1 : undefined)
      assert.equal(await badSeq(rows), Math.min(seq + 1, 8))
      assert.notEqual(rows[place]!.hash, hash)
    }
  })

  test('rows that go on after a checkpoint are right', async () => {
    assert.equal(await badSeq(ROWS, [{ seq: 3, hash: ROWS[2]!.hash }]), undefined)
  })

  test('a clock that is set back makes no log that goes back', async () => {
    const clock = stoppedClock()
    const stores = fakeStores(clock)
    const entry = { actor: 'o', role: 'owner', address: null, action: 'a', object: 'b', before: null, after: null }
    const first = await append(stores, { ...entry, requestId: 'request-1' })
    clock.nowMs -= 60_000
    const second = await append(stores, { ...entry, requestId: 'request-1' })
    assert.equal(second.atMs, first.atMs)
    assert.ok((await verify(stores.log)).ok)
  })
})

describe('checkpoints', () => {
  const signer = new CheckpointSigner(PROCESS_SECRET)
  const file = ROWS.map(row => checkpointLine(signer.sign(row, row.atMs))).join('')

  test('are read back where this process, or one with its secret, signed them', () => {
    const read = readCheckpoints(file, new CheckpointSigner(PROCESS_SECRET).publicKey)
    assert.ok(read.ok)
    assert.deepEqual(
      read.checkpoints.map(({ seq, hash }) => ({ seq, hash })),
      ROWS.map(({ seq, hash }) => ({ seq, hash }))
    )
    assert.ok(!PROCESS_SECRET.isIn(file))
  })

  test('any other text is refused with its line', () => {
    const other = new CheckpointSigner(new Secret('another secret of a process')).publicKey
    assert.deepEqual(readCheckpoints(file, other), { ok: false, line: 1, why: 'it was not signed with this key' })
    const lines = file.split('\n')
    for (const name of ['seq', 'hash', 'atMs', 'signature']) {
      const line = JSON.parse(lines[1]!) as Record<string, string | number>
      const value = line[name]!
      const changed = typeof value === 'number' ? value + 1 : `${value.startsWith('a') ? 'b' : 'a'}${value.slice(1)}`
      const forged = lines.with(1, JSON.stringify({ ...line, [name]: changed })).join('\n')
      const read = readCheckpoints(forged, signer.publicKey)
      assert.ok(!read.ok && read.line === 2, name)
    }
    for (const junk of ['{', 'null', '{"seq":1}', '[]']) {
      assert.deepEqual(readCheckpoints(junk, signer.publicKey), { ok: false, line: 1, why: 'it is no checkpoint' })
    }
  })
})

describe('canonical JSON (RFC 8785)', () => {
  test('the example of the standard', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000f\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false]
    }
    assert.equal(
      canonicalJson(value),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )
  })

  test('members in UTF-16 order, as in the standard', () => {
    const names = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\ud83d\ude00', '\ufb33']
    const text = canonicalJson(Object.fromEntries(names.toReversed().map((name, place) => [name, place])))
    // Read back, a name that is a number would come first: the text itself is what counts.
    const places = names.map(name => text.indexOf(`${JSON.stringify(name)}:`))
    assert.deepEqual(
      places,
      places.toSorted((one, other) => one - other)
    )
    assert.ok(!places.includes(-1))
  })

  test('says the same value, and one value one way only', () => {
    fc.assert(
      fc.property(fc.jsonValue(), value => {
        const text = canonicalJson(value as Json)
        const again = JSON.parse(text) as Json
        assert.equal(canonicalJson(again), text)
        assert.equal(JSON.stringify(again), JSON.stringify(JSON.parse(text)))
      })
    )
    assert.throws(() => canonicalJson('\ud800'), RangeError)
    assert.throws(() => canonicalJson(Number.NaN), RangeError)
  })
})
