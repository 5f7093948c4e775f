import { linesInForce, type PriceLine, priceAt } from '../catalog/prices.ts'
import type { JsonObject } from '../json.ts'
import { type Nano, toNano } from '../nano.ts'
import type { Usage } from '../usage.ts'
import type { Tariff } from './price-book.ts'

export interface Cost {
  /** Null: the price of something that was used is unknown. */
  nano: Nano | null
  /** By unit: how many, and nano-dollars before the only rounding; null where there is no price at all. */
  lines: JsonObject | null
  /** `tier_unpriced`, `searches_unpriced`: used, and known to cost something, but nobody says what. */
  marks: readonly string[]
}

type Unit =
  | 'input'
  | 'cache_read'
  | 'cache_write'
  | 'cache_write_1h'
  | 'output'
  | 'output_reasoning'
  | 'input_audio'
  | 'output_audio'
  | 'requests'
  | 'web_searches'

/** What a unit is charged as where it has no line of its own: as the one it is a part of, the way price lists mean it. */
const PARENTS: Partial<Record<Unit, Unit>> = {
  cache_read: 'input',
  cache_write: 'input',
  cache_write_1h: 'cache_write',
  output_reasoning: 'output',
  input_audio: 'input',
  output_audio: 'output'
}

/**
 * Service tiers in the providers' own words, as a share of the list price in thousandths. Flex and batch are half price at
 * OpenAI and Anthropic alike (their price pages, 2026-11). Of others nobody publishes one number: they are marked.
 */
const TIERS: Readonly<Record<string, number>> = {
  default: 1_000,
  standard: 1_000,
  auto: 1_000,
  on_demand: 1_000,
  scale: 1_000,
  flex: 500,
  batch: 500
}

const FACTOR_UNITS = 1_000_000_000n
const MILLION = 1_000_000n

/**
 * What an attempt cost (D15): units times price in `bigint`, all lines added, adjusted, and rounded once, up. Prices of a
 * long context hold for the whole call. A unit that was used and has neither a line nor a parent's makes the cost `null`.
 */
export function costOf(usage: Partial<Usage>, { prices, factor }: Tariff, { wallMs }: { wallMs: number }): Cost {
  const table = linesInForce(prices, wallMs)
  if (!table) return { nano: null, lines: null, marks: [] }
  const inputTokens = usage.inputTokens ?? 0
  const tier = usage.tier === undefined ? 1_000 : TIERS[usage.tier]
  const adjusted = BigInt(Math.round(factor * Number(FACTOR_UNITS))) * BigInt(tier ?? 1_000)
  const scale = MILLION * FACTOR_UNITS * 1_000n
  const marks = tier === undefined ? ['tier_unpriced'] : []
  const lines: JsonObject = {}
  let sum = 0n
  for (const [unit, units] of unitsOf(usage)) {
    const line = lineOf(unit, table)
    if (!line) {
      if (unit === 'requests') continue
      if (unit !== 'web_searches') return { nano: null, lines: null, marks }
      marks.push('searches_unpriced')
      continue
    }
    const part = BigInt(units) * BigInt(priceAt(line, inputTokens)) * adjusted
    sum += part
    lines[unit] = { units, nano: Number((part * 1_000n) / scale) / 1_000 }
  }
  return { nano: toNano((sum + scale - 1n) / scale), lines, marks }
}

/** The line that a unit is charged by: its own, or that of what it is a part of. */
export function lineOf(unit: Unit, table: Readonly<Record<string, PriceLine>>): PriceLine | undefined {
  const parent = PARENTS[unit]
  return table[unit] ?? (parent && lineOf(parent, table))
}

/** What was used, in parts that do not overlap. Counts that contradict each other are cut to what they are a part of. */
function unitsOf(usage: Partial<Usage>): [Unit, number][] {
  const input = whole(usage.inputTokens)
  const read = Math.min(whole(usage.cacheReadTokens), input)
  const written = Math.min(whole(usage.cacheWriteTokens), input - read)
  const writtenLong = Math.min(whole(usage.cacheWrite1hTokens), written)
  const audioIn = Math.min(whole(usage.inputAudioTokens), input - read - written)
  const output = whole(usage.outputTokens)
  const reasoning = Math.min(whole(usage.reasoningTokens), output)
  const audioOut = Math.min(whole(usage.outputAudioTokens), output - reasoning)
  const units: [Unit, number][] = [
    ['input', input - read - written - audioIn],
    ['cache_read', read],
    ['cache_write', written - writtenLong],
    ['cache_write_1h', writtenLong],
    ['input_audio', audioIn],
    ['output', output - reasoning - audioOut],
    ['output_reasoning', reasoning],
    ['output_audio', audioOut],
    ['requests', input + output > 0 ? 1 : 0],
    ['web_searches', whole(usage.webSearches)]
  ]
  return units.filter(([, count]) => count > 0)
}

function whole(count: number | undefined): number {
  return count === undefined || !(count > 0) ? 0 : Math.ceil(Math.min(count, Number.MAX_SAFE_INTEGER))
}
