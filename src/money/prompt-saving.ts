import type { Usage } from '../usage.ts'
import { costOf } from './price.ts'
import type { Tariff } from './price-book.ts'

/**
 * What the provider's own cache saved in an attempt, in nano-dollars: what the same tokens would have cost had none of
 * them been read from it or written to it, less what they did cost. Below zero where more was paid for writing than
 * reading saved. 0 where the cache had no part; null where a price is unknown.
 */
export function savedByCache(usage: Partial<Usage>, tariff: Tariff, at: { wallMs: number }): number | null {
  if (!usage.cacheReadTokens && !usage.cacheWriteTokens) return 0
  // The input is all of it, so its length, and with it the prices of a long context, stay as they were.
  const { cacheReadTokens: _read, cacheWriteTokens: _write, cacheWrite1hTokens: _write1h, ...plain } = usage
  const without = costOf(plain, tariff, at).nano
  const paid = costOf(usage, tariff, at).nano
  return without === null || paid === null ? null : without - paid
}
