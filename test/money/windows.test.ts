import assert from 'node:assert/strict'
import test from 'node:test'
import fc from 'fast-check'
import { windowAt } from '../../src/money/windows.ts'

const ZONES = ['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Santiago']
const EVERY = ['minute', 'hour', 'day', 'week', 'month'] as const
const moments = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2035, 0, 1) })

test('every moment lies in one window, and the next one begins where it ends', () => {
  fc.assert(
    fc.property(moments, fc.constantFrom(...ZONES), fc.constantFrom(...EVERY), (nowMs, timeZone, every) => {
      const window = windowAt({ every, timeZone }, nowMs)
      assert.ok(window.startMs <= nowMs && nowMs < window.resetMs)
      const next = windowAt({ every, timeZone }, window.resetMs)
      assert.equal(next.startMs, window.resetMs)
      assert.notEqual(next.name, window.name)
      assert.equal(windowAt({ every, timeZone }, window.resetMs - 1).name, window.name)
    }),
    { numRuns: 500 }
  )
})

test('days, weeks and months begin at midnight of their time zone, whatever its clocks do', () => {
  const at = (every: (typeof EVERY)[number], timeZone: string, now: string) => {
    const { startMs, resetMs } = windowAt({ every, timeZone }, Date.parse(now))
    return [new Date(startMs).toISOString(), new Date(resetMs).toISOString()]
  }
  // The day on which Berlin's clocks go forward has 23 hours, the one on which they go back 25.
  assert.deepEqual(at('day', 'Europe/Berlin', '2026-03-29T12:00:00Z'), [
    '2026-03-28T23:00:00.000Z',
    '2026-03-29T22:00:00.000Z'
  ])
  assert.deepEqual(at('day', 'Europe/Berlin', '2026-10-25T12:00:00Z'), [
    '2026-10-24T22:00:00.000Z',
    '2026-10-25T23:00:00.000Z'
  ])
  assert.deepEqual(at('month', 'America/New_York', '2026-03-15T12:00:00Z'), [
    '2026-03-01T05:00:00.000Z',
    '2026-04-01T04:00:00.000Z'
  ])
  // A Sunday belongs to the week of the Monday before it.
  assert.deepEqual(at('week', 'UTC', '2026-11-22T23:59:59Z'), ['2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z'])
  // In Santiago the day of the change begins at one o'clock: there was no midnight.
  assert.equal(at('day', 'America/Santiago', '2026-09-06T12:00:00Z')[0], '2026-09-06T04:00:00.000Z')
})

test('a rolling window counts its whole length, and at most a sixtieth more', () => {
  fc.assert(
    fc.property(moments, fc.integer({ min: 60_000, max: 31_536_000_000 }), (nowMs, rollingMs) => {
      const { slice, slices, startMs } = windowAt({ rollingMs }, nowMs)
      const counted = nowMs - startMs
      assert.ok(counted >= rollingMs)
      assert.ok(counted <= rollingMs + 2 * Math.ceil(rollingMs / 60) + 120)
      assert.equal(slices, 61)
      assert.ok(windowAt({ rollingMs }, nowMs + rollingMs).slice - slice >= 59)
    })
  )
})
