import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { Seal } from '../canonical.ts'
import { given, members, ours, sealed } from './members.ts'

/**
 * Native usage as ours. `inputTokens` leaves out what was read from or written to the cache; ours has it all in one.
 * Bedrock says the cached counts twice, under two names.
 */
export function decodeUsage(native: JsonObject, path: string): Partial<Usage> {
  const usage = members(native, path, 'reply')
  const input = usage.maybeNumber('inputTokens')
  const read = usage.maybeNumber('cacheReadInputTokens')
  const written = usage.maybeNumber('cacheWriteInputTokens')
  const written1h = longLived(usage.peek('cacheDetails'))
  const output = usage.maybeNumber('outputTokens')
  for (const name of DERIVED) if (usage.peek(name) !== undefined) usage.spell(name, usage.take(name)!)
  // Empty where no hosted tool was used.
  const hosted = usage.peek('serverToolUsage')
  if (isObject(hosted) && Object.keys(hosted).length === 0)
    usage.spell('serverToolUsage', usage.take('serverToolUsage')!)
  return given({
    inputTokens: input === undefined ? undefined : input + (read ?? 0) + (written ?? 0),
    outputTokens: output,
    cacheReadTokens: read,
    cacheWriteTokens: written,
    cacheWrite1hTokens: written1h,
    ...usage.kept()
  })
}

/** What the other counts say already: written back as it was. */
const DERIVED = ['totalTokens', 'cacheReadInputTokenCount', 'cacheWriteInputTokenCount', 'cacheDetails']

function longLived(details: Json | undefined): number | undefined {
  if (!Array.isArray(details)) return undefined
  const long = details.filter(each => isObject(each) && each.ttl === '1h') as JsonObject[]
  return long.reduce((sum, each) => sum + Number(each.inputTokens ?? 0), 0)
}

/** Counts that Bedrock does not tell. */
export const UNSAID = ['reasoningTokens', 'webSearches'] as const

/** Ours as native usage, `inputTokens` without the cached part. Clients read the first three without asking. */
export function encodeUsage(usage: Partial<Usage>, own: boolean): JsonObject {
  const { inputTokens = 0, outputTokens = 0, cacheReadTokens, cacheWriteTokens, cacheWrite1hTokens } = usage
  const cached = (cacheReadTokens ?? 0) + (cacheWriteTokens ?? 0)
  const details =
    cacheWriteTokens && cacheWrite1hTokens !== undefined
      ? [
          { ttl: '1h', inputTokens: cacheWrite1hTokens },
          { ttl: '5m', inputTokens: cacheWriteTokens - cacheWrite1hTokens }
        ].filter(each => each.inputTokens > 0)
      : undefined
  const { metrics: _metrics, ...spelt } = ours(usage.spelling as Seal | undefined)
  return {
    inputTokens: Math.max(0, inputTokens - cached),
    outputTokens,
    ...(own ? {} : { totalTokens: inputTokens + outputTokens }),
    ...given({
      cacheReadInputTokens: cacheReadTokens,
      cacheWriteInputTokens: cacheWriteTokens,
      cacheDetails: own ? undefined : details
    }),
    ...ours(usage.rest as Seal | undefined),
    ...spelt
  }
}

/** How long a streamed answer took is told with its usage, and is nobody's loss. */
export function withMetrics(usage: Partial<Usage>, metrics: Json | undefined): Partial<Usage> {
  if (metrics === undefined) return usage
  return { ...usage, spelling: sealed({ ...ours(usage.spelling as Seal | undefined), metrics }) }
}

/** `metrics` of a reply whose usage was told with them. */
export function metricsOf(usage: Partial<Usage> | undefined): JsonObject {
  const { metrics } = ours(usage?.spelling as Seal | undefined)
  return metrics === undefined ? {} : { metrics }
}
