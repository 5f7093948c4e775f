import type { Json } from './json.ts'

/**
 * What one attempt consumed, in tokens, whatever dialect reported it.
 *
 * `inputTokens` is everything the model read: it *includes* the cached and cache-writing part (Anthropic reports them
 * beside its `input_tokens`, OpenAI inside its `prompt_tokens`; ours is always the whole). `outputTokens` includes
 * `reasoningTokens`. A field nobody reported is absent, never 0.
 */
export interface Usage {
  inputTokens: number
  outputTokens: number
  cacheReadTokens?: number
  /** Every token written to the provider's prompt cache, all lifetimes together. */
  cacheWriteTokens?: number
  /** The part of `cacheWriteTokens` written with a lifetime of one hour (dearer). */
  cacheWrite1hTokens?: number
  reasoningTokens?: number
  inputAudioTokens?: number
  outputAudioTokens?: number
  acceptedPredictionTokens?: number
  rejectedPredictionTokens?: number
  webSearches?: number
  /** The provider's service tier that answered, in its own word. */
  tier?: string
  /** Members of the provider's usage object that we do not model; only their own dialect writes them back. */
  rest?: { maker: string; value: Json }
  /** How the provider wrote what is said above already (another name for the same count); never a loss elsewhere. */
  spelling?: { maker: string; value: Json }
}

/** Later reports of a stream are cumulative: what they state replaces what was known. */
export function mergeUsage(known: Partial<Usage> | undefined, report: Partial<Usage>): Partial<Usage> {
  return { ...known, ...report }
}

/** What two attempts used together: counts add up, what is no count is the later one's. */
export function addUsage(one: Partial<Usage> | undefined, other: Partial<Usage> | undefined): Partial<Usage> {
  const sum: Record<string, unknown> = { ...one, ...other }
  for (const [name, value] of Object.entries(one ?? {})) {
    const more = other?.[name as keyof Usage]
    if (typeof value === 'number' && typeof more === 'number') sum[name] = value + more
  }
  return sum
}
