import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { Seal } from '../canonical.ts'
import { compact, ours, sealed } from './members.ts'

/**
 * Usage of a reply or chunk. `prompt_tokens` includes the cached part; `completion_tokens` includes reasoning, except
 * where a provider counts it beside (xAI: `total_tokens` is the sum of all three). The cached part has several names:
 * OpenAI's `prompt_tokens_details.cached_tokens`, DeepSeek's `prompt_cache_hit_tokens`, Mistral's `num_cached_tokens`,
 * Together's `cached_tokens`, and Anthropic's own where a provider passes it through. A number that a chunk does not
 * state is absent.
 */
export function decodeUsage(native: JsonObject): Partial<Usage> {
  const prompt = objectOf(native.prompt_tokens_details)
  const completion = objectOf(native.completion_tokens_details)
  const creation = objectOf(native.cache_creation)
  const reasoning = first(completion.reasoning_tokens, native.reasoning_tokens)
  const searches = objectOf(native.server_tool_use_details).web_search_requests
  const usage = compact<Partial<Usage>>({
    inputTokens: first(native.prompt_tokens),
    outputTokens: outputTokens(native, reasoning),
    cacheReadTokens: first(
      prompt.cached_tokens,
      native.prompt_cache_hit_tokens,
      native.cached_tokens,
      native.num_cached_tokens,
      native.cache_read_input_tokens
    ),
    cacheWriteTokens: first(prompt.cache_write_tokens, native.cache_creation_input_tokens),
    cacheWrite1hTokens: first(creation.ephemeral_1h_input_tokens),
    reasoningTokens: reasoning,
    inputAudioTokens: first(prompt.audio_tokens),
    outputAudioTokens: first(completion.audio_tokens),
    acceptedPredictionTokens: first(completion.accepted_prediction_tokens),
    rejectedPredictionTokens: first(completion.rejected_prediction_tokens),
    webSearches: first(searches, native.num_search_queries),
    tier: typeof native.service_tier === 'string' ? native.service_tier : undefined
  })
  const [rest, spelling] = difference(native, encodeUsage(usage))
  return {
    ...usage,
    ...(Object.keys(rest).length > 0 && { rest: sealed(rest) }),
    ...(Object.keys(spelling).length > 0 && { spelling: sealed(spelling) })
  }
}

/** Members that only say in other words what the canonical usage says. */
const SAID = new Set([
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'reasoning_tokens',
  'prompt_cache_hit_tokens',
  'prompt_cache_miss_tokens',
  'cached_tokens',
  'num_cached_tokens',
  'cache_read_input_tokens',
  'cache_creation_input_tokens',
  'cache_creation',
  'num_search_queries',
  'service_tier'
])

function outputTokens(native: JsonObject, reasoning: number | undefined): number | undefined {
  const output = first(native.completion_tokens)
  if (output === undefined || !reasoning) return output
  const isBeside = native.total_tokens === Number(native.prompt_tokens) + output + reasoning || reasoning > output
  return isBeside ? output + reasoning : output
}

function first(...values: (Json | undefined)[]): number | undefined {
  return values.find(value => typeof value === 'number') as number | undefined
}

function objectOf(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {}
}

/** Members that encoding would leave out or write otherwise: what nobody else can say, and what is said already. */
function difference(native: JsonObject, encoded: JsonObject): [rest: JsonObject, spelling: JsonObject] {
  const others = Object.entries(native).filter(([name, value]) => !isDeepStrictEqual(value, encoded[name]))
  const isSaid = ([name, value]: [string, Json | undefined]) =>
    SAID.has(name) || value === null || onlyZeros(value, encoded[name])
  return [Object.fromEntries(others.filter(each => !isSaid(each))), Object.fromEntries(others.filter(isSaid))]
}

/** Details whose unmodelled counts are all zero say nothing more. */
function onlyZeros(value: Json | undefined, encoded: Json | undefined): boolean {
  if (!isObject(value)) return false
  const known = objectOf(encoded)
  return Object.entries(value).every(([name, count]) => count === 0 || count === null || count === known[name])
}

/**
 * Usage as OpenAI states it, whoever reported it: the cached and cache-writing parts stand inside `prompt_tokens` and
 * again in its details (`cached_tokens`, `cache_write_tokens`), reasoning inside `completion_tokens`. What OpenAI has
 * no member for stands where its kin put it: tokens cached for an hour in `cache_creation`, searches in
 * `server_tool_use_details`.
 */
export function encodeUsage(usage: Partial<Usage>): JsonObject {
  const { inputTokens, outputTokens } = usage
  const total = inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens
  const native = compact<JsonObject>({
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: total,
    prompt_tokens_details: details({
      cached_tokens: usage.cacheReadTokens,
      cache_write_tokens: usage.cacheWriteTokens,
      audio_tokens: usage.inputAudioTokens
    }),
    completion_tokens_details: details({
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: usage.outputAudioTokens,
      accepted_prediction_tokens: usage.acceptedPredictionTokens,
      rejected_prediction_tokens: usage.rejectedPredictionTokens
    }),
    cache_creation: details({ ephemeral_1h_input_tokens: usage.cacheWrite1hTokens }),
    server_tool_use_details: details({ web_search_requests: usage.webSearches })
  })
  return { ...native, ...ours(usage.rest as Seal | undefined), ...ours(usage.spelling as Seal | undefined) }
}

function details(members: { [name: string]: number | undefined }): JsonObject | undefined {
  const native = compact<JsonObject>(members)
  return Object.keys(native).length > 0 ? native : undefined
}
