/** What providers' own caches saved: exact, and signed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { costOf } from '../../src/money/price.ts'
import { savedByCache } from '../../src/money/prompt-saving.ts'

const NOW = { wallMs: Date.UTC(2026, 10, 23) }
const line = (usd: number) => ({ nanoUsdPerMillion: usd * 1e9 })
/** Three dollars a million tokens, a tenth of it to read, a quarter more to write and twice as much for an hour. */
const lines = {
  input: line(3),
  output: line(15),
  cache_read: line(0.3),
  cache_write: line(3.75),
  cache_write_1h: line(6)
}
const tariff = { prices: [{ lines }], factor: 1, version: 'v' }

test('reads save nine tenths, writes cost a quarter, an hour as much again', () => {
  const of = (usage: Parameters<typeof savedByCache>[0]) => savedByCache(usage, tariff, NOW)
  assert.equal(of({ inputTokens: 1_000, outputTokens: 5, cacheReadTokens: 1_000 }), 2_700_000)
  assert.equal(of({ inputTokens: 1_000, outputTokens: 5, cacheWriteTokens: 1_000 }), -750_000)
  assert.equal(of({ inputTokens: 1_000, cacheWriteTokens: 1_000, cacheWrite1hTokens: 1_000 }), -3_000_000)
  assert.equal(of({ inputTokens: 2_000, cacheReadTokens: 1_000, cacheWriteTokens: 1_000 }), 1_950_000)
  assert.equal(of({ inputTokens: 1_000, outputTokens: 5 }), 0)
})

test('no price: nobody knows; a discount: so much less', () => {
  const usage = { inputTokens: 1_000, cacheReadTokens: 1_000 }
  assert.equal(savedByCache(usage, { ...tariff, prices: null }, NOW), null)
  assert.equal(savedByCache(usage, { ...tariff, factor: 0.5 }, NOW), 1_350_000)
  assert.equal(savedByCache({ inputTokens: 7 }, { ...tariff, prices: null }, NOW), 0)
})

test('what was paid and what was saved are what it would have cost, whatever was counted', () => {
  const tokens = fc.integer({ min: 0, max: 400_000 })
  const tiered = { ...line(3), tiers: [{ aboveInputTokens: 200_000, nanoUsdPerMillion: 6e9 }] }
  const long = { ...tariff, prices: [{ lines: { ...lines, input: tiered } }] }
  fc.assert(
    fc.property(tokens, tokens, tokens, tokens, (inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens) => {
      const usage = { inputTokens, cacheReadTokens, cacheWriteTokens, outputTokens }
      const plain = costOf({ inputTokens, outputTokens }, long, NOW).nano!
      assert.equal(savedByCache(usage, long, NOW)! + costOf(usage, long, NOW).nano!, plain)
    })
  )
})
