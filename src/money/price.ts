import { type PriceLine, priceAt, type ServiceTiers, tableInForce } from '../catalog/prices.ts'
import type { JsonObject } from '../json.ts'
import { type Nano, toNano } from '../nano.ts'
import type { Usage } from '../usage.ts'
import type { Tariff } from './price-book.ts'

export interface Cost {
  /** Null: the price of something that was used is unknown. */
  nano: Nano | null
  /** By unit: how many, and nano-dollars before the only rounding; null where there is no price at all. */
  lines: JsonObject | null
  /** `tier_unpriced`, `searches_unpriced`, `images_unpriced` …: used, and nobody says what it cost beyond the rest. */
  marks: readonly string[]
}

export type Unit =
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

/** The providers' words for no tier in particular: the list price. */
const PLAIN_TIERS: ReadonlySet<string> = new Set(['', 'default', 'standard', 'auto', 'on_demand', 'scale'])

/** What is charged by the piece costs the same in every tier. */
const BY_THE_PIECE: ReadonlySet<Unit> = new Set(['requests', 'web_searches'])

/** Units of an answer that have prices of their own, and that no usage counts apart. */
const UNCOUNTED: Readonly<Record<string, string>> = {
  output_image: 'images_unpriced',
  output_video: 'videos_unpriced',
  output_citation: 'citations_unpriced'
}

const MILLION = 1_000_000n
const THOUSANDTHS = 1_000n
const BILLIONTHS = 1_000_000_000n
/** What a sum of units × nano-dollars a million × the factor × the tier is in, for one nano-dollar. */
const SCALE = MILLION * BILLIONTHS * THOUSANDTHS
/** No price list comes near: one attempt for nine million dollars is no bill, but a count gone wrong. */
const COST_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/**
 * What an attempt cost (D15): units times price in `bigint`, all lines added, adjusted, and rounded once, up. Prices of a
 * long context hold for the whole call. A unit that was used and has neither a line nor a parent's makes the cost `null`.
 * Never throws, whatever a provider counted.
 */
export function costOf(usage: Partial<Usage>, { prices, factor }: Tariff, { wallMs }: { wallMs: number }): Cost {
  const table = tableInForce(prices, wallMs)
  // Sold by the page or the hour, which nobody counts for us: that is no price, and not a free model.
  if (!table?.lines.input) return { nano: null, lines: null, marks: [] }
  const inputTokens = whole(usage.inputTokens)
  const tier = tierShare(usage.tier, table.serviceTiers)
  const marks = tier === undefined ? ['tier_unpriced'] : []
  for (const [unit, mark] of Object.entries(UNCOUNTED)) if (table.lines[unit] && usage.outputTokens) marks.push(mark)
  const lines: JsonObject = {}
  let sum = 0n
  for (const [unit, units] of unitsOf(usage)) {
    const line = lineOf(unit, table.lines)
    if (!line) {
      if (unit === 'requests') continue
      if (unit !== 'web_searches') return { nano: null, lines: null, marks }
      marks.push('searches_unpriced')
      continue
    }
    const share = BY_THE_PIECE.has(unit) ? 1_000 : (tier ?? 1_000)
    const part = BigInt(units) * BigInt(priceAt(line, inputTokens)) * billionths(factor) * BigInt(share)
    sum += part
    lines[unit] = { units, nano: Number((part * THOUSANDTHS) / SCALE) / Number(THOUSANDTHS) }
  }
  const nano = (sum + SCALE - 1n) / SCALE
  return { nano: toNano(nano < COST_MAX ? nano : COST_MAX), lines, marks }
}

/** What the tokens of a service tier cost, in thousandths of the list price; undefined where nobody says. */
export function tierShare(tier: string | undefined, tiers: ServiceTiers | undefined): number | undefined {
  if (tier === undefined || PLAIN_TIERS.has(tier)) return 1_000
  return tiers && Object.hasOwn(tiers, tier) ? tiers[tier] : undefined
}

/** A discount or markup, as costs are multiplied by it: everybody rounds it alike, or bounds would not hold. */
export function billionths(factor: number): bigint {
  return BigInt(Math.round(factor * Number(BILLIONTHS)))
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
