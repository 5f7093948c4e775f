import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { Seal } from '../canonical.ts'
import { camelCase, given, ours, sealed } from './members.ts'

/** Counts that are said in the canonical form, or are sums of such. */
const SAID = new Set([
  'promptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'toolUsePromptTokenCount',
  'cachedContentTokenCount',
  'totalTokenCount',
  'serviceTier',
  'trafficType'
])

/** Counts by modality: nothing new where all is text or audio. */
const DETAILS = ['promptTokensDetails', 'candidatesTokensDetails', 'toolUsePromptTokensDetails', 'cacheTokensDetails']

/**
 * `usageMetadata` as ours (ai.google.dev/api/generate-content#usagemetadata). The prompt includes its cached part, what
 * hosted tools made the model read stands beside it; thoughts stand beside the candidates' tokens. So the total is the
 * sum of the four, and ours has them in two. A report of a stream may say none of it yet.
 */
export function decodeUsage(native: JsonObject): Partial<Usage> {
  const usage = Object.fromEntries(Object.entries(native).map(([name, value]) => [camelCase(name), value]))
  const prompt = count(usage.promptTokenCount)
  const toolUse = count(usage.toolUsePromptTokenCount)
  const candidates = count(usage.candidatesTokenCount)
  const thoughts = count(usage.thoughtsTokenCount)
  const isCounted = [candidates, thoughts, usage.totalTokenCount].some(each => each !== undefined)
  const said = given({
    inputTokens: prompt === undefined && toolUse === undefined ? undefined : (prompt ?? 0) + (toolUse ?? 0),
    outputTokens: isCounted ? (candidates ?? 0) + (thoughts ?? 0) : undefined,
    cacheReadTokens: count(usage.cachedContentTokenCount),
    reasoningTokens: thoughts,
    inputAudioTokens: audioIn(usage.promptTokensDetails),
    outputAudioTokens: audioIn(usage.candidatesTokensDetails),
    tier: tierOf(usage)
  })
  const unsaid = Object.entries(usage).filter(([name, value]) => !SAID.has(name) && !isPlain(name, value))
  const rest = unsaid.length > 0 ? { rest: sealed(Object.fromEntries(unsaid)) } : {}
  return { ...said, ...rest, spelling: sealed(native) }
}

function count(value: Json | undefined): number | undefined {
  return typeof value === 'number' ? value : undefined
}

/** Modalities by name, or by number where a client asks for enums so. */
const AUDIO: readonly Json[] = ['AUDIO', 4]
const PLAIN: readonly (Json | undefined)[] = ['TEXT', 1, ...AUDIO]

function audioIn(details: Json | undefined): number | undefined {
  const audio = listOf(details).find(each => AUDIO.includes(each.modality ?? null))
  return audio && count(audio.tokenCount)
}

function isPlain(name: string, value: Json | undefined): boolean {
  return DETAILS.includes(name) && listOf(value).every(({ modality }) => PLAIN.includes(modality))
}

function listOf(details: Json | undefined): JsonObject[] {
  return Array.isArray(details) ? details.filter(isObject) : []
}

/** Vertex AI says how the call was admitted, the Gemini API its tier. */
const TRAFFIC: Readonly<Record<string, string>> = {
  ON_DEMAND: 'standard',
  ON_DEMAND_PRIORITY: 'priority',
  ON_DEMAND_FLEX: 'flex'
}

function tierOf({ serviceTier, trafficType }: JsonObject): string | undefined {
  if (typeof serviceTier === 'string') return serviceTier
  return typeof trafficType === 'string' ? (TRAFFIC[trafficType] ?? trafficType.toLowerCase()) : undefined
}

/** Counts that Google does not tell. */
export const UNSAID = ['cacheWriteTokens', 'webSearches'] as const

/** Ours as `usageMetadata`: its maker's own words where they say the same, else only what is known. */
export function encodeUsage(usage: Partial<Usage>): JsonObject {
  const written = usage.spelling as Seal | undefined
  const native = ours(written)
  if (Object.keys(native).length > 0 && isDeepStrictEqual(numbers(decodeUsage(native)), numbers(usage))) return native
  const { inputTokens, outputTokens, reasoningTokens, inputAudioTokens, outputAudioTokens } = usage
  const total = inputTokens === undefined || outputTokens === undefined ? undefined : inputTokens + outputTokens
  return given({
    promptTokenCount: inputTokens,
    cachedContentTokenCount: usage.cacheReadTokens,
    candidatesTokenCount: outputTokens === undefined ? undefined : outputTokens - (reasoningTokens ?? 0),
    thoughtsTokenCount: reasoningTokens,
    totalTokenCount: total,
    promptTokensDetails: details(inputTokens, inputAudioTokens),
    candidatesTokensDetails: details(outputTokens && outputTokens - (reasoningTokens ?? 0), outputAudioTokens),
    serviceTier: usage.tier
  }) as JsonObject
}

function numbers(usage: Partial<Usage>): Json {
  return Object.entries(usage)
    .filter(([, value]) => typeof value === 'number')
    .sort() as Json
}

function details(all: number | undefined, audio: number | undefined): Json | undefined {
  if (!audio || all === undefined) return undefined
  const text: Json[] = all > audio ? [{ modality: 'TEXT', tokenCount: all - audio }] : []
  return [...text, { modality: 'AUDIO', tokenCount: audio }]
}
