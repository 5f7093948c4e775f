import type { Part } from '../dialects/canonical.ts'
import { dialects } from '../dialects/index.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { RequestSize } from '../money/reckoning.ts'
import type { Params } from '../routing/route.ts'
import type { Call } from './call.ts'
import { requestIn } from './prepare.ts'

/** A body so small that reading it for media would cost more than it tells: its bytes are the bound. */
const SMALL_BYTES = 16 * 1024
/** What the declaration of media or of a hosted tool has in it, in any dialect. */
const MARKS = /image|file|audio|video|document|Data"|_preview|_20|search|container|mcp/

/** Members that name what the provider keeps, and reads before the body. */
const KEPT = ['previous_response_id', 'conversation', 'prompt', 'cachedContent', 'cached_content']

/**
 * Sizes of a call. The body is read only where it is large, or may hold more than text, and something is limited by it
 * (`exactly`): else its bytes are bound enough.
 */
export function sizeOf(call: Call, exactly: boolean): RequestSize {
  const { body } = call
  const { bytes } = body
  const isPlain = !exactly || (bytes.length <= SMALL_BYTES && !MARKS.test(bytes.toString('latin1')))
  const addresses = KEPT.filter(name => (body.get(name) ?? null) !== null).length
  const size = { ...NOTHING, ...caps(call), textBytes: bytes.length, addresses, isExact: exactly }
  if (isPlain || call.operation !== 'chat') return size
  try {
    const { messages = [], tools = [] } = requestIn(call)
    for (const { parts } of messages) for (const part of parts) count(part, size)
    size.hostedTools = tools.filter(tool => tool.native).length
  } catch {
    // Not for us to read: what the provider then makes of it is bounded by its bytes alone.
  }
  return size
}

/**
 * The size as a target is asked, whose route sets or drops members of the request: the cap on output, how many choices,
 * the service tier. Of several of one kind the dearest counts.
 */
export function sizeWith(size: RequestSize, params: Params | undefined): RequestSize {
  if (!params) return size
  const { set = {}, default: fallback = {}, drop = [] } = params
  // What is set replaces a member as a whole, and what the client had in it goes.
  const isGone = ([name, inner]: readonly string[]) =>
    drop.includes(name!) || (inner !== undefined && Object.hasOwn(set, name!))
  const asked = CAPS.some(isGone) ? undefined : size.outputTokensMax
  const given = largest(set, CAPS) ?? (asked === undefined ? largest(fallback, CAPS) : undefined)
  const outputTokensMax = given === undefined ? asked : Math.max(given, asked ?? 0)
  const choices = Math.max(size.choices, largest(set, CHOICES) ?? 1, largest(fallback, CHOICES) ?? 1)
  const tiers = [size.serviceTier, ...TIERS.flatMap(name => [tierIn(set[name]), tierIn(fallback[name])])]
  const serviceTier = tiers.find(tier => tier === 'priority') ?? tiers.find(tier => tier !== undefined)
  return { ...size, outputTokensMax, choices, serviceTier }
}

/** Where any dialect has its cap on output. */
const CAPS = Object.values(dialects).flatMap(({ members }) => members.outputTokensMax)

function largest(params: JsonObject, paths: readonly (readonly string[])[]): number | undefined {
  const values = paths.map(path => valueAt(params, path)).filter(value => typeof value === 'number')
  return values.length === 0 ? undefined : Math.ceil(Math.max(...values))
}

function valueAt(object: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = object
  for (const name of path) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
  return value
}

const NOTHING: RequestSize = {
  textBytes: 0,
  images: 0,
  audioBytes: 0,
  documentBytes: 0,
  addresses: 0,
  hostedTools: 0,
  outputTokensMax: undefined,
  choices: 1,
  isExact: false
}

/** Media is counted as what it is, not as the text that carries it. */
function count(part: Part, size: RequestSize): void {
  if (part.type === 'tool-result') {
    for (const inner of part.content) count(inner, size)
    return
  }
  if (part.type !== 'media') return
  const carried = part.data?.length ?? 0
  size.textBytes = Math.max(0, size.textBytes - carried)
  if (part.url !== undefined && part.data === undefined) size.addresses++
  if (part.mediaType.startsWith('image/')) size.images++
  else if (part.mediaType.startsWith('audio/')) size.audioBytes += Math.ceil(carried * 0.75)
  else size.documentBytes += Math.ceil(carried * 0.75)
}

/** Of several caps the largest: nobody knows which one the provider goes by. */
function caps({ dialect, body }: Call): Pick<RequestSize, 'outputTokensMax' | 'choices' | 'serviceTier'> {
  const most = (paths: readonly (readonly string[])[]) =>
    Math.max(0, ...paths.map(path => body.at(path)).filter(value => typeof value === 'number'))
  return {
    outputTokensMax: Math.ceil(most(dialect.members.outputTokensMax)) || undefined,
    choices: Math.max(1, Math.ceil(most(CHOICES))),
    serviceTier: tier(body)
  }
}

function tier(body: Call['body']): string | undefined {
  const name = TIERS.find(each => body.has(each))
  return name && tierIn(body.get(name))
}

function tierIn(value: Json | undefined): string | undefined {
  return typeof value === 'string' ? value.toLowerCase() : undefined
}

const TIERS = ['service_tier', 'serviceTier']

const CHOICES = [
  ['n'],
  ['generationConfig', 'candidateCount'],
  ['generationConfig', 'candidate_count'],
  ['generation_config', 'candidate_count'],
  ['generation_config', 'candidateCount']
]
