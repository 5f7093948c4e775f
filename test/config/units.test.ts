import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatDuration, formatSize, parseDuration, parsePercent, parseSize } from '../../src/units.ts'

test('durations and sizes are what their units say', () => {
  const durations = {
    '250ms': 250,
    '20s': 20_000,
    '1.5m': 90_000,
    '1h': 3_600_000,
    '7d': 604_800_000,
    '0s': 0,
    '5 s': 5_000
  }
  for (const [text, value] of Object.entries(durations))
    assert.deepEqual(parseDuration(text), { ok: true, value }, text)
  const sizes = { '512B': 512, '16KB': 16_000, '64KiB': 65_536, '40MB': 40_000_000, '1.5MiB': 1_572_864, '1GB': 1e9 }
  for (const [text, value] of Object.entries(sizes)) assert.deepEqual(parseSize(text), { ok: true, value }, text)
})

test('percentages are shares, from nothing to all', () => {
  for (const [text, value] of Object.entries({ '85%': 0.85, '12.5 %': 0.125, '0%': 0, '100%': 1 }))
    assert.deepEqual(parsePercent(text), { ok: true, value }, text)
  for (const text of ['85', '101%', '-1%', '%', '85%%', '1e1%', ' 85%', '0.85']) {
    const read = parsePercent(text)
    assert.match(read.ok ? '' : read.why, /from 0% to 100%/, text)
  }
})

test('what has no unit, a wrong one or no number is refused in words that do not repeat it', () => {
  for (const text of ['20', '', 's', '-5s', '5S', '5 m s', '1e3s', 'NaNs', '20 minutes', '5constructor', ' 5s']) {
    const read = parseDuration(text)
    assert.ok(!read.ok, text)
    assert.match(read.why, /unit|duration/)
    if (text.length > 3) assert.ok(!read.why.includes(text), read.why)
  }
  assert.match((parseDuration('20') as { why: string }).why, /needs a unit/)
  assert.match((parseSize('40mb') as { why: string }).why, /not a unit of a size; use B, KB, MB/)
  assert.match((parseSize('999999999999999GB') as { why: string }).why, /cannot be counted/)
})

test('every whole number of milliseconds and bytes is written so that it reads back', () => {
  fc.assert(
    fc.property(fc.nat({ max: 2 ** 40 }), value => {
      assert.deepEqual(parseDuration(formatDuration(value)), { ok: true, value })
      assert.deepEqual(parseSize(formatSize(value)), { ok: true, value })
    })
  )
})
