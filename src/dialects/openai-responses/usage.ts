import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { Seal } from '../canonical.ts'
import { given, merge, objectOf, ours, sealedIf } from './members.ts'

/**
 * Usage as the provider states it: `input_tokens` includes the cached part, `output_tokens` the reasoning, except where
 * one counts that beside them (`total_tokens` is then the sum of all three).
 */
export function decodeUsage(native: JsonObject): Partial<Usage> {
  const input = objectOf(native.input_tokens_details)
  const output = objectOf(native.output_tokens_details)
  const reasoning = count(output.reasoning_tokens)
  const usage = given({
    inputTokens: count(native.input_tokens),
    outputTokens: outputTokens(native, reasoning),
    cacheReadTokens: count(input.cached_tokens),
    cacheWriteTokens: count(input.cache_write_tokens),
    reasoningTokens: reasoning,
    inputAudioTokens: count(input.audio_tokens),
    outputAudioTokens: count(output.audio_tokens)
  })
  const [rest, spelling] = difference(native, encodeUsage(usage))
  return { ...usage, ...given({ rest: sealedIf(rest), spelling: sealedIf(spelling) }) }
}

function count(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

function outputTokens(native: JsonObject, reasoning: number | undefined): number | undefined {
  const output = count(native.output_tokens)
  if (output === undefined || !reasoning) return output
  const isBeside = native.total_tokens === Number(native.input_tokens) + output + reasoning || reasoning > output
  return isBeside ? output + reasoning : output
}

const SAID = new Set(['input_tokens', 'output_tokens', 'total_tokens'])

/** Members that encoding would leave out or write otherwise: what nobody else can say, and what is said already. */
function difference(native: JsonObject, encoded: JsonObject): [rest: JsonObject, spelling: JsonObject] {
  const rest: JsonObject = {}
  const spelling: JsonObject = {}
  for (const [name, value] of Object.entries(native)) {
    if (isDeepStrictEqual(value, encoded[name])) continue
    const isSaid = SAID.has(name) || value === null || onlyZeros(value, encoded[name])
    ;(isSaid ? spelling : rest)[name] = value
  }
  return [rest, spelling]
}

/** Details whose unmodelled counts are all zero say nothing more. */
function onlyZeros(value: Json | undefined, encoded: Json | undefined): boolean {
  if (!isObject(value)) return false
  const known = objectOf(encoded)
  return Object.entries(value).every(([name, each]) => each === 0 || each === null || each === known[name])
}

/** Usage as this dialect states it, whoever reported it: with both details, which clients read unasked. */
export function encodeUsage(usage: Partial<Usage>): JsonObject {
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, reasoningTokens = 0 } = usage
  const native: JsonObject = {
    input_tokens: inputTokens,
    input_tokens_details: {
      cached_tokens: cacheReadTokens,
      ...given({ cache_write_tokens: usage.cacheWriteTokens, audio_tokens: usage.inputAudioTokens })
    },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: reasoningTokens, ...given({ audio_tokens: usage.outputAudioTokens }) },
    total_tokens: inputTokens + outputTokens
  }
  return merge(merge(native, ours(usage.rest as Seal | undefined)), ours(usage.spelling as Seal | undefined))
}
