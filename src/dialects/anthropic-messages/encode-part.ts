import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, lose, NAME, ours, restore } from './members.ts'
import { encodeCallSeal, encodeSignature } from './signature.ts'

/** Where a part is written, which decides what can be said there. */
export interface Spot {
  /** Its path, for the names of losses. */
  path: string
  losses: Losses
  /** It comes from this dialect: written as it was said, without fitting. */
  own: boolean
  side: 'request' | 'response'
  role: 'system' | 'user' | 'assistant' | 'tool'
}

type PartOf<T extends Part['type']> = Extract<Part, { type: T }>

/** A part as a content block; undefined where it has nothing to say or cannot be said (then a loss names it). */
export function encodePart(part: Part, spot: Spot): JsonObject | undefined {
  const block = encodeBlock(part, spot)
  if (block === undefined) return undefined
  const cache: JsonObject = part.cache && part.type !== 'thinking' ? { cache_control: encodeCache(part.cache) } : {}
  return { ...restore(block, part, spot.path, spot.losses), ...cache }
}

export function encodeParts(parts: readonly Part[], spot: Spot): JsonObject[] {
  return parts.flatMap((part, index) => {
    const block = encodePart(part, { ...spot, path: `${spot.path}.content[${index}]` })
    if (block === undefined) return []
    const isCarried = part.type === 'tool-call' && isForeign(part.seal) && spot.side === 'response'
    const carrier = isCarried
      ? [{ type: 'thinking', thinking: '', signature: encodeCallSeal(part.id, part.seal!) }]
      : []
    return [...carrier, block]
  })
}

export function isForeign(seal: Seal | undefined): boolean {
  return seal !== undefined && seal.maker !== NAME
}

export function encodeCache(cache: { ttl?: string }): JsonObject {
  return { type: 'ephemeral', ...given({ ttl: cache.ttl }) }
}

function encodeBlock(part: Part, spot: Spot): JsonObject | undefined {
  if (!spot.own && !FITTING[spot.role].includes(part.type)) return lost(spot, part.type)
  switch (part.type) {
    case 'text':
      return encodeText(part, spot)
    case 'refusal':
      // There is no block for it: its words stay, and the reply's `stop_reason` says that it is one.
      return encodeText({ type: 'text', text: part.text }, spot)
    case 'thinking':
      return encodeThinking(part, spot)
    case 'media':
      return encodeMedia(part, spot)
    case 'tool-call':
      return encodeToolCall(part, spot)
    case 'tool-result':
      return encodeToolResult(part, spot)
    case 'native':
      return part.seal.maker === NAME ? (part.seal.value as JsonObject) : lost(spot, nativeName(part.seal.value))
  }
}

/** What a turn of each role can hold when it comes from another dialect. */
const FITTING: Record<Spot['role'], readonly Part['type'][]> = {
  system: ['text', 'native'],
  user: ['text', 'media', 'tool-result', 'native'],
  assistant: ['text', 'refusal', 'thinking', 'tool-call', 'native'],
  tool: ['text', 'media', 'native']
}

function lost(spot: Spot, what: string): undefined {
  lose(spot.losses, `${spot.path}.${what}`)
}

function nativeName(value: Json): string {
  return isObject(value) && typeof value.type === 'string' ? value.type : 'native'
}

function encodeText(part: PartOf<'text'>, spot: Spot): JsonObject | undefined {
  if (isForeign(part.seal)) lost(spot, 'signature')
  const citations = part.citations?.filter(isOwnCitation)
  if (citations && citations.length < part.citations!.length) lost(spot, 'citations')
  // The provider refuses blank text blocks.
  if (!spot.own && part.text.trim() === '') return part.text === '' ? undefined : lost(spot, 'text')
  const kept = citations?.length === 0 && part.citations!.length > 0 ? undefined : citations
  return { type: 'text', text: part.text, ...given({ citations: kept }) }
}

/** Citations of this dialect are typed `char_location`, `web_search_result_location` and the like; no other's are. */
export function isOwnCitation(citation: Json): boolean {
  return isObject(citation) && typeof citation.type === 'string' && citation.type.endsWith('_location')
}

function encodeThinking(part: PartOf<'thinking'>, spot: Spot): JsonObject | undefined {
  if (part.seal?.maker === NAME) {
    if (isObject(part.seal.value)) return { type: 'redacted_thinking', ...part.seal.value }
    return { type: 'thinking', thinking: part.text, signature: part.seal.value }
  }
  // Anthropic takes no thinking that it did not sign; a client must get it, with a mark that we know again.
  if (spot.side === 'request') return part.text === '' && !part.seal ? undefined : lost(spot, 'thinking')
  if (part.text === '' && !part.seal) return undefined
  return { type: 'thinking', thinking: part.text, signature: encodeSignature(part) }
}

function encodeToolCall(part: PartOf<'tool-call'>, spot: Spot): JsonObject {
  if (isForeign(part.seal) && spot.side === 'request') lost(spot, 'signature')
  const id = spot.own || spot.side === 'response' ? part.id : toolId(part.id)
  return { type: 'tool_use', id, name: part.name, ...given({ input: encodeInput(part.input, spot) }) }
}

/** The provider takes letters, digits, `_` and `-` only; call and result are spelled alike, so they still match. */
function toolId(id: string): string {
  return id.replace(/[^A-Za-z0-9_-]/g, '_') || 'call'
}

/** The input must be an object: no text is an empty one; text that is none goes as `{"_raw": text}`, named. */
function encodeInput(text: string, spot: Spot): Json | undefined {
  if (text.trim() === '') return spot.own ? undefined : {}
  try {
    const input = JSON.parse(text) as Json
    if (spot.own || isObject(input)) return input
  } catch {}
  lost(spot, 'input')
  return { _raw: text }
}

function encodeToolResult(part: PartOf<'tool-result'>, spot: Spot): JsonObject {
  const id = spot.own ? part.id : toolId(part.id)
  const blocks = encodeParts(part.content, { ...spot, role: 'tool' })
  const [first] = part.content
  const plain = part.plain && part.content.length === 1 && first?.type === 'text' && (spot.own || blocks.length === 1)
  const content: JsonObject = plain ? { content: first.text } : blocks.length > 0 ? { content: blocks } : {}
  const failed = part.failed === undefined || (!part.failed && !spot.own) ? {} : { is_error: part.failed }
  return { type: 'tool_result', tool_use_id: id, ...content, ...failed }
}

function encodeMedia(part: PartOf<'media'>, spot: Spot): JsonObject | undefined {
  const image = part.mediaType.startsWith('image/')
  // A source of content blocks is written back by its spelling.
  const blocks = ours(part.spelling).source
  const source = isObject(blocks) && blocks.type === 'content' ? {} : encodeSource(part, image, spot)
  if (source === undefined) return undefined
  if (part.detail !== undefined && part.detail !== 'auto') lost(spot, 'detail')
  if (image) {
    if (part.name !== undefined) lost(spot, 'name')
    return { type: 'image', source }
  }
  return {
    type: 'document',
    source,
    ...given({ title: part.title ?? part.name, context: part.context }),
    ...(part.cite === undefined ? {} : { citations: { enabled: part.cite } })
  }
}

function encodeSource(part: PartOf<'media'>, image: boolean, spot: Spot): JsonObject | undefined {
  const { mediaType, data, url, fileId, text } = part
  if (url?.startsWith('data:')) return encodeDataUrl(part, url, image, spot)
  if (url !== undefined) return { type: 'url', url }
  if (fileId !== undefined) {
    return fileId.maker === NAME ? { type: 'file', file_id: fileId.value } : lost(spot, 'file_id')
  }
  if (text !== undefined) return { type: 'text', media_type: mediaType, data: text }
  if (data === undefined) return lost(spot, 'media')
  if (spot.own) return { type: 'base64', media_type: mediaType, data }
  if (image) {
    const type = IMAGE_TYPES.has(mediaType) ? mediaType : sniffImage(data)
    return type ? { type: 'base64', media_type: type, data } : lost(spot, mediaType)
  }
  if (mediaType === 'application/pdf') return { type: 'base64', media_type: mediaType, data }
  // The only other documents the provider reads are plain text.
  if (mediaType.startsWith('text/') || mediaType === 'application/json') {
    return { type: 'text', media_type: 'text/plain', data: Buffer.from(data, 'base64').toString() }
  }
  return lost(spot, mediaType.startsWith('audio/') ? 'audio' : mediaType)
}

function encodeDataUrl(part: PartOf<'media'>, url: string, image: boolean, spot: Spot): JsonObject | undefined {
  const [, mediaType = '', base64, data = ''] = /^data:([^;,]*)[^,]*?(;base64)?,(.*)$/s.exec(url) ?? []
  const bytes = base64 ? data : Buffer.from(decodeURIComponent(data)).toString('base64')
  const { url: _url, ...rest } = part
  return encodeSource({ ...rest, mediaType: mediaType || part.mediaType, data: bytes }, image, spot)
}

const IMAGE_TYPES = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp'])

/** The type of an image whose family alone is known, by the first bytes as they look in base64. */
function sniffImage(data: string): string | undefined {
  if (data.startsWith('iVBORw0KGgo')) return 'image/png'
  if (data.startsWith('/9j/')) return 'image/jpeg'
  if (data.startsWith('R0lGOD')) return 'image/gif'
  return data.startsWith('UklGR') ? 'image/webp' : undefined
}
