import type { CachedFacts } from '../cache.ts'

/** What a row takes beside the body: facts, indexes, pages that are not full. */
export const OVERHEAD_BYTES = 1_024
/** What a token counts where nobody knows the price: less than any that is sold. */
const TOKEN_NANO = 10
const BYTES_PER_TOKEN = 4

/** What one answer takes, in bytes. */
export function bytesOf(answer: { body: Uint8Array }): number {
  return answer.body.length + OVERHEAD_BYTES
}

/**
 * What a hit saves, in nano-dollars, never nothing: an answer of a free model was waited for, too, and one without a
 * price still cost something.
 */
export function savedNano(facts: Pick<CachedFacts, 'costNano' | 'usage'>, bodyBytes: number): number {
  const { inputTokens = 0, outputTokens = 0 } = facts.usage ?? {}
  const tokens = inputTokens + outputTokens || bodyBytes / BYTES_PER_TOKEN
  return Math.max(facts.costNano ?? 0, TOKEN_NANO * tokens, 1)
}
