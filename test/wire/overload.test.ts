import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Log } from '../../src/log.ts'
import { Overload, type Pressure } from '../../src/wire/overload.ts'
import { Shedding } from '../../src/wire/shedding.ts'
import { systemVitals, type Vitals } from '../../src/wire/vitals.ts'
import { until } from './kit.ts'

// ---- the policy ---------------------------------------------------------------------------------------------------

test('overload: one late reading is none, two in a row are; two calm ones end it', () => {
  const overload = new Overload()
  const read = (lagMs: number) => overload.read('loop_lag', lagMs, 200)
  assert.deepEqual([250, 10, 250, 10].map(read), [undefined, undefined, undefined, undefined])
  assert.deepEqual([250, 201].map(read), [undefined, 'begins'])
  assert.ok(overload.isOver('loop_lag'))
  // Below the limit, but not calm.
  assert.deepEqual([150, 150, 150, 99, 150, 99].map(read), Array(6).fill(undefined))
  assert.deepEqual([99].map(read), ['ends'])
  assert.ok(!overload.isOver('loop_lag'))
})

test('overload: what is counted exactly begins and ends at once, with a gap between', () => {
  const overload = new Overload()
  const read = (sockets: number) => overload.read('sockets', sockets, 900)
  assert.deepEqual([900, 901, 900, 860, 854, 900].map(read), [
    undefined,
    'begins',
    undefined,
    undefined,
    'ends',
    undefined
  ])
})

test('overload: pressures do not touch each other', () => {
  const overload = new Overload()
  overload.read('loop_lag', 300, 200)
  overload.read('memory', 0.9, 0.85)
  assert.equal(overload.read('loop_lag', 300, 200), 'begins')
  assert.ok(!overload.isOver('memory'))
  assert.equal(overload.read('memory', 0.9, 0.85), 'begins')
})

const PRESSURES: readonly Pressure[] = ['loop_lag', 'memory', 'sockets', 'in_flight']

test('overload: whatever is read, it begins and ends by turns, begins only above the limit and ends only well below', () => {
  const readings = fc.array(
    fc.record({ pressure: fc.constantFrom(...PRESSURES), value: fc.double({ min: 0, max: 2 }) })
  )
  fc.assert(
    fc.property(readings, all => {
      const overload = new Overload()
      const over = new Set<Pressure>()
      for (const { pressure, value } of all) {
        const change = overload.read(pressure, value, 1)
        if (change === 'begins') {
          assert.ok(value > 1 && !over.has(pressure))
          over.add(pressure)
        } else if (change === 'ends') {
          assert.ok(value < 1 && over.has(pressure))
          over.delete(pressure)
        } else if (over.has(pressure) && value > 1) assert.ok(overload.isOver(pressure))
        assert.equal(overload.isOver(pressure), over.has(pressure))
      }
    })
  )
})

// ---- turning calls away -------------------------------------------------------------------------------------------

/** A process that feels as a test says. */
class Feelings implements Vitals {
  readonly everyMs = 5
  openFilesMax: number | undefined = 10_000
  lagMs = 0
  memory = 0
  closed = false
  asked = 0
  loopLagMs(): number {
    this.asked++
    return this.lagMs
  }
  memoryShare(): number {
    return this.memory
  }
  close(): void {
    this.closed = true
  }
}

interface Line {
  level: string
  facts: Record<string, unknown>
  text: string
}

function shedding(t: { after(done: () => void): void }, change: Partial<Feelings> = {}) {
  const vitals = Object.assign(new Feelings(), change)
  const lines: Line[] = []
  const note = (level: string) => (facts: Record<string, unknown>, text: string) => lines.push({ level, facts, text })
  const facts = { sockets: 0, inFlightShare: 0, nowMs: 0, limits: { loopLagMs: 200, memoryShare: 0.85 } }
  const made = new Shedding({
    vitals,
    limits: () => facts.limits,
    sockets: () => facts.sockets,
    inFlightShare: () => facts.inFlightShare,
    clock: { wallMs: () => 0, monotonicMs: () => facts.nowMs },
    log: { warn: note('warn') } as unknown as Log
  })
  t.after(() => made.close())
  const looked = async () => {
    const from = vitals.asked
    await until('it has looked three times', () => vitals.asked >= from + 3)
  }
  return { made, vitals, lines, facts, looked }
}

test('shedding: a late loop turns calls away until it is calm; the log has two lines for it, with their number', async t => {
  const { made, vitals, lines, facts, looked } = shedding(t)
  await looked()
  assert.equal(made.refusal(1), undefined)
  vitals.lagMs = 250
  await looked()
  for (let nth = 0; nth < 1_000; nth++) {
    const refused = made.refusal(1)
    assert.equal(refused?.code, 'overloaded')
    assert.equal(refused?.status, 503)
    assert.equal(refused?.retryAfterMs, 1_000)
    assert.match(refused?.message ?? '', /takes no new calls: its event loop is late/)
  }
  facts.nowMs = 4_000
  vitals.lagMs = 20
  await looked()
  assert.equal(made.refusal(1), undefined)
  assert.deepEqual(lines, [
    {
      level: 'warn',
      facts: { reason: 'loop_lag', value: 250, limit: 200 },
      text: 'overloaded, new calls are turned away: its event loop is late'
    },
    {
      level: 'warn',
      facts: { reason: 'loop_lag', value: 20, limit: 200, shed: 1_000, lastedMs: 4_000 },
      text: 'overloaded no more'
    }
  ])
})

test('shedding: full memory turns calls away, but not the only one: else it would never end', async t => {
  const { made, vitals, looked } = shedding(t)
  vitals.memory = 0.9
  await looked()
  assert.equal(made.refusal(2)?.details.reason, 'memory')
  assert.equal(made.refusal(1), undefined)
})

test('shedding: limits are those of the configuration in force', async t => {
  const { made, vitals, facts, looked } = shedding(t)
  vitals.lagMs = 150
  await looked()
  assert.equal(made.refusal(1), undefined)
  facts.limits = { loopLagMs: 100, memoryShare: 0.85 }
  await looked()
  assert.equal(made.refusal(1)?.details.reason, 'loop_lag')
})

test('shedding: sockets are looked at with every call, up to nine tenths of what may be open', t => {
  const { made, facts, lines } = shedding(t)
  assert.deepEqual(lines, [], '10,000 files are enough')
  facts.sockets = 9_000
  assert.equal(made.refusal(1), undefined)
  facts.sockets = 9_001
  assert.equal(made.refusal(1)?.details.reason, 'sockets')
  facts.sockets = 8_600
  assert.ok(made.refusal(1), 'not yet')
  facts.sockets = 8_000
  assert.equal(made.refusal(1), undefined)
})

test('shedding: few open files are told of at the start; where the system says nothing, nothing is limited', t => {
  const few = shedding(t, { openFilesMax: 1_024 })
  assert.equal(few.lines.length, 1)
  assert.match(few.lines[0]?.text ?? '', /only 1024 files may be open \(ulimit -n\), so about 460 calls at one time/)
  const unknown = shedding(t, { openFilesMax: undefined })
  assert.deepEqual(unknown.lines, [])
  unknown.facts.sockets = 1e6
  assert.equal(unknown.made.refusal(1), undefined)
})

test('shedding: bodies that are refused are counted too, and refuse no other call', async t => {
  const { made, facts, lines, looked } = shedding(t)
  facts.inFlightShare = 0.95
  for (let nth = 0; nth < 50; nth++) made.refusedBody()
  assert.equal(made.refusal(9), undefined)
  await looked()
  assert.equal(lines.length, 1)
  facts.inFlightShare = 0.5
  await looked()
  assert.deepEqual(
    lines.map(({ facts }) => [facts.reason, facts.shed]),
    [
      ['in_flight', undefined],
      ['in_flight', 50]
    ]
  )
})

test('shedding: closing it stops the clock of its vitals', t => {
  const { made, vitals } = shedding(t)
  made.close()
  assert.ok(vitals.closed)
})

// ---- the real process ---------------------------------------------------------------------------------------------

test('vitals: a loop that is held up is seen, and forgotten by the next reading', async t => {
  const vitals = systemVitals()
  t.after(() => vitals.close())
  await new Promise(resolve => setTimeout(resolve, 50))
  vitals.loopLagMs()
  for (let nth = 0; nth < 3; nth++) {
    const end = performance.now() + 120
    while (performance.now() < end);
    await new Promise(resolve => setTimeout(resolve, 15))
  }
  const lagMs = vitals.loopLagMs()
  assert.ok(lagMs > 90, `${lagMs} ms`)
  const share = vitals.memoryShare()
  assert.ok(share > 0 && share < 1, `${share}`)
  if (process.platform === 'linux') assert.ok((vitals.openFilesMax ?? 0) > 0)
})
