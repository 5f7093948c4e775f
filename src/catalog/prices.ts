import type { ConditionalPrice, ModelPrice, StartDateConstraint, TimeOfDateConstraint } from '@pydantic/genai-prices'

/** One price: integer nano-dollars per million units (D15), so that no price is a fraction. */
export interface PriceLine {
  nanoUsdPerMillion: number
  /** Dearer (or cheaper) for the whole call once its input is longer than `aboveInputTokens`; rising. */
  tiers?: readonly { aboveInputTokens: number; nanoUsdPerMillion: number }[]
}

/** The lines of a model by unit: tokens (`input`, `output`, `cache_read`, `cache_write`, …), `requests`, `web_searches`, … */
export interface PriceTable {
  /** When it holds: from a day on, or between two times of the day (UTC). Absent: always. */
  when?: { from: string } | { fromUtc: string; toUtc: string }
  lines: Readonly<Record<string, PriceLine>>
  /** What every line is multiplied by in a service tier of the provider, where that is one published number. */
  serviceTiers?: ServiceTiers
}

/** By the provider's own word for a tier: its share of the list price, in thousandths. `flex: 500` is half price. */
export type ServiceTiers = Readonly<Record<string, number>>

/** In rising order of precedence: the *last* table that holds at the time of the call is the one in force. */
export type Prices = readonly PriceTable[]

/** How many units one "per" of the price data is, by the ending of its names. */
const SCALES: readonly (readonly [ending: string, perMillion: number, unit: string])[] = [
  ['_mtok', 1, ''],
  ['_kcount', 1_000, ''],
  ['_kpages', 1_000, '_pages'],
  ['_hours', 1_000_000, '_hours']
]

/** Prices of the price data in our form. No line at all is no price (`null`), never a free model. */
export function readPrices(prices: ConditionalPrice[] | ModelPrice, serviceTiers?: ServiceTiers): Prices | null {
  const tables = Array.isArray(prices) ? prices.map(readConditional) : [readTable(prices)]
  const priced = tables.filter(table => Object.keys(table.lines).length > 0)
  if (priced.length === 0) return null
  return Object.freeze(serviceTiers ? priced.map(table => ({ ...table, serviceTiers })) : priced)
}

/** `input/output/read/write` in US dollars per million tokens, as our own rows have them. */
export function pricesFromUsd(usdPerMillion: readonly (number | null)[] | null): Prices | null {
  if (usdPerMillion === null) return null
  const names = ['input', 'output', 'cache_read', 'cache_write']
  const lines: Record<string, PriceLine> = {}
  for (const [index, usd] of usdPerMillion.entries()) {
    const name = names[index]
    if (name !== undefined && usd !== null) lines[name] = { nanoUsdPerMillion: nanoUsd(usd) }
  }
  return Object.keys(lines).length > 0 ? Object.freeze([Object.freeze({ lines: Object.freeze(lines) })]) : null
}

/** US dollars (at most 15 significant digits, as every list price has) in nano-dollars. Throws where that is no safe integer. */
export function nanoUsd(usd: number): number {
  const nano = Math.round(usd * 1_000_000_000)
  if (!Number.isSafeInteger(nano) || nano < 0) throw new RangeError(`not a price in US dollars: ${usd}`)
  return nano
}

function readConditional(entry: ConditionalPrice): PriceTable {
  const table = readTable(entry.prices)
  return entry.constraint === undefined ? table : { when: readWhen(entry.constraint), ...table }
}

function readWhen(constraint: StartDateConstraint | TimeOfDateConstraint): NonNullable<PriceTable['when']> {
  return 'start_date' in constraint
    ? { from: constraint.start_date }
    : { fromUtc: constraint.start_time.slice(0, 8), toUtc: constraint.end_time.slice(0, 8) }
}

function readTable(prices: ModelPrice): PriceTable {
  const lines: Record<string, PriceLine> = {}
  for (const [key, price] of Object.entries(prices)) {
    const scale = SCALES.find(([ending]) => key.endsWith(ending))
    if (price === undefined || scale === undefined) continue
    const [ending, perMillion, unit] = scale
    lines[key.slice(0, -ending.length) + unit] = readLine(price, perMillion)
  }
  return { lines: Object.freeze(lines) }
}

function readLine(
  price: number | { base: number; tiers: { start: number; price: number }[] },
  perMillion: number
): PriceLine {
  if (typeof price === 'number') return { nanoUsdPerMillion: nanoUsd(price * perMillion) }
  const tiers = price.tiers
    .map(tier => ({ aboveInputTokens: tier.start, nanoUsdPerMillion: nanoUsd(tier.price * perMillion) }))
    .sort((one, other) => one.aboveInputTokens - other.aboveInputTokens)
  return { nanoUsdPerMillion: nanoUsd(price.base * perMillion), tiers }
}

/** The table that holds at a time; undefined where nobody knows any. */
export function tableInForce(prices: Prices | null | undefined, wallMs: number): PriceTable | undefined {
  return prices?.findLast(table => isInForce(table, wallMs))
}

/** The lines of the table that holds at a time; undefined where nobody knows any. */
export function linesInForce(prices: Prices | null | undefined, wallMs: number): PriceTable['lines'] | undefined {
  return tableInForce(prices, wallMs)?.lines
}

function isInForce({ when }: PriceTable, wallMs: number): boolean {
  if (!when) return true
  const now = new Date(wallMs).toISOString()
  if ('from' in when) return when.from <= now
  const time = now.slice(11, 19)
  const { fromUtc, toUtc } = when
  return fromUtc <= toUtc ? time >= fromUtc && time < toUtc : time >= fromUtc || time < toUtc
}

/** The price of a line for a call with so much input, cached and not. */
export function priceAt(line: PriceLine, inputTokens: number): number {
  const tier = line.tiers?.findLast(({ aboveInputTokens }) => inputTokens > aboveInputTokens)
  return (tier ?? line).nanoUsdPerMillion
}
