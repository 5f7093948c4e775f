import { linesInForce, type PriceLine, type Prices, priceAt } from '../catalog/prices.ts'
import type { Wishes } from './facts.ts'

/** The shape of a request, in tokens, as far as it is known beforehand. */
export interface Shape {
  inputTokens: number
  outputTokens: number
  /** Part of the input expected to come from the provider's cache, from 0 to 1. */
  cachedShare: number
}

/** What an answer is taken to have where the cap allows more: caps are set far above what comes. */
export const OUTPUT_TOKENS_TYPICAL = 1_000

/**
 * Nano-dollars that a request of this shape would cost at these prices; undefined where a price is not known. For
 * comparing targets only: what a call did cost is reckoned elsewhere, exactly.
 */
export function expectedNanoUsd(prices: Prices | null | undefined, shape: Shape, wallMs: number): number | undefined {
  const lines = linesInForce(prices, wallMs)
  if (!lines?.input || !lines.output) return undefined
  const { inputTokens, outputTokens, cachedShare } = shape
  const cached = lines.cache_read ? inputTokens * cachedShare : 0
  const perMillion = (line: PriceLine) => priceAt(line, inputTokens)
  const nano =
    (inputTokens - cached) * perMillion(lines.input) +
    (lines.cache_read ? cached * perMillion(lines.cache_read) : 0) +
    outputTokens * perMillion(lines.output)
  return nano / 1_000_000 + (lines.requests ? perMillion(lines.requests) / 1_000_000 : 0)
}

/** Whether to read from the provider's cache may cost less than to be read anew; what nobody knows may be so. */
export function readsMayPay(prices: Prices | null | undefined, wallMs: number): boolean {
  const lines = linesInForce(prices, wallMs)
  if (!lines?.input || !lines.cache_read) return true
  return lines.cache_read.nanoUsdPerMillion < lines.input.nanoUsdPerMillion
}

/** Whether a model's prices keep to the most a call allows. An unknown price does not: the limit is there to be kept. */
export function withinPrice(
  prices: Prices | null | undefined,
  max: NonNullable<Wishes['maxPrice']>,
  wallMs: number
): boolean {
  const lines = linesInForce(prices, wallMs)
  if (!lines) return false
  const keeps = (line: PriceLine | undefined, maxUsd: number | undefined, units: number) =>
    maxUsd === undefined || (line !== undefined && line.nanoUsdPerMillion / units <= maxUsd * 1e9)
  // What has no price of its own by request or image is not charged so.
  const keepsIfAny = (line: PriceLine | undefined, maxUsd: number | undefined) =>
    !line || keeps(line, maxUsd, 1_000_000)
  return (
    keeps(lines.input, max.prompt, 1) &&
    keeps(lines.output, max.completion, 1) &&
    keepsIfAny(lines.requests, max.request) &&
    keepsIfAny(lines.images, max.image)
  )
}
