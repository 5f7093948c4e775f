import { isObject, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { Seal } from '../canonical.ts'
import { given, Members, ours } from './members.ts'

/**
 * Native usage as ours. `input_tokens` leaves out what was read from or written to the cache; ours has it all in one.
 * A report without input (the older `message_delta`) says nothing of it.
 */
export function decodeUsage(usage: JsonObject, path: string): Partial<Usage> {
  const members = new Members(usage, path, 'reply')
  const input = members.maybeNumber('input_tokens')
  const read = members.maybeNumber('cache_read_input_tokens')
  const split = members.nested('cache_creation')
  const written5m = split?.maybeNumber('ephemeral_5m_input_tokens')
  const written1h = split?.maybeNumber('ephemeral_1h_input_tokens')
  const written = members.maybeNumber('cache_creation_input_tokens') ?? (split && (written5m ?? 0) + (written1h ?? 0))
  const report = given({
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (written ?? 0),
    outputTokens: members.maybeNumber('output_tokens'),
    cacheReadTokens: read,
    cacheWriteTokens: written,
    cacheWrite1hTokens: written1h,
    reasoningTokens: members.nested('output_tokens_details')?.maybeNumber('thinking_tokens'),
    webSearches: members.nested('server_tool_use')?.maybeNumber('web_search_requests'),
    tier: members.maybeString('service_tier')
  })
  // Null members say nothing and have no place: usage is never written byte for byte.
  const { rest } = members.kept()
  return given({ ...report, rest })
}

/** Ours as native usage: only what is known, `input_tokens` without the cached part. */
export function encodeUsage(usage: Partial<Usage>): JsonObject {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens } = usage
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0)
  const split =
    cacheWriteTokens === undefined || cacheWrite1hTokens === undefined
      ? undefined
      : {
          ephemeral_5m_input_tokens: cacheWriteTokens - cacheWrite1hTokens,
          ephemeral_1h_input_tokens: cacheWrite1hTokens
        }
  const { server_tool_use, output_tokens_details, ...others } = ours(usage.rest as Seal | undefined)
  return {
    ...given({
      input_tokens: inputTokens === undefined ? undefined : Math.max(0, inputTokens - cached),
      cache_creation_input_tokens: cacheWriteTokens,
      cache_read_input_tokens: cacheReadTokens,
      cache_creation: split,
      output_tokens: usage.outputTokens,
      output_tokens_details: join({ thinking_tokens: usage.reasoningTokens }, output_tokens_details),
      server_tool_use: join({ web_search_requests: usage.webSearches }, server_tool_use),
      service_tier: usage.tier
    }),
    ...others
  }
}

/** The two halves of an object of which we model one member; undefined where both are empty. */
function join(known: JsonObject, rest: unknown): JsonObject | undefined {
  const joined = { ...given(known), ...(isObject(rest) ? rest : {}) } as JsonObject
  return Object.keys(joined).length > 0 || isObject(rest) ? joined : undefined
}

/** Clients of this dialect read these members without asking whether they are there. */
export const NO_USAGE: JsonObject = {
  input_tokens: 0,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: 0
}
