import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Media, Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { encodeCitation } from './citations.ts'
import { encodeSource, formatOf, kindOf, sniff, withBytes } from './media.ts'
import { given, lose, NAME, ours, restore } from './members.ts'
import type { Family } from './models.ts'
import { DocumentNames, fitName } from './names.ts'
import { encodeSignature } from './signature.ts'

/** Where parts are written, which decides what can be said there. */
export interface Spot {
  /** Its path, for the names of losses. */
  path: string
  losses: Losses
  side: 'request' | 'response'
  role: 'system' | 'user' | 'assistant' | 'tool'
  /** What it must be fitted to; absent where it comes from this dialect and is written as it was said. */
  fit?: Fit | undefined
}

export interface Fit {
  caches: Family['caches']
  documents: DocumentNames
}

export function fitTo(family: Pick<Family, 'caches'>): Fit {
  return { caches: family.caches, documents: new DocumentNames() }
}

type PartOf<T extends Part['type']> = Extract<Part, { type: T }>

/** Parts as content blocks, each with its cache point; what has nothing to say or cannot be said is left out, named. */
export function encodeParts(parts: readonly Part[], spot: Spot): JsonObject[] {
  return parts.flatMap((part, index) => encodePart(part, { ...spot, path: `${spot.path}.content[${index}]` }))
}

export function encodePart(part: Part, spot: Spot): JsonObject[] {
  const block = encodeBlock(part, spot)
  if (block === undefined) return []
  const whole = restore(block, part, spot.path, spot.losses)
  return [whole, ...encodeCache(part, spot.fit?.caches ?? 'everywhere', spot.path, spot.losses)]
}

/** The cache point that stands for a mark, where there may be one. */
export function encodeCache(
  { cache }: { cache?: { ttl?: string } },
  caches: Family['caches'],
  path: string,
  losses: Losses
): JsonObject[] {
  if (cache === undefined) return []
  if (caches !== 'nowhere') return [{ cachePoint: { type: 'default', ...given({ ttl: cache.ttl }) } }]
  lose(losses, `${path}.cache_control`)
  return []
}

/** What a turn of each role can hold when it comes from another dialect. */
const FITTING: Record<Spot['role'], readonly Part['type'][]> = {
  system: ['text', 'native'],
  user: ['text', 'media', 'tool-result', 'native'],
  assistant: ['text', 'refusal', 'thinking', 'tool-call', 'native'],
  tool: ['text', 'media', 'native']
}

/** A model may answer with a picture, but takes none back in its own turn. */
function fits({ type }: Part, { role, side }: Spot): boolean {
  return FITTING[role].includes(type) || (side === 'response' && type === 'media')
}

function encodeBlock(part: Part, spot: Spot): JsonObject | undefined {
  if (spot.fit && !fits(part, spot)) return lost(spot, part.type)
  // Written back by what was kept of it.
  if (ours(part.rest).guardContent !== undefined) return {}
  switch (part.type) {
    case 'text':
      return encodeText(part, spot)
    case 'refusal':
      // There is no block for it: its words stay, and the reply's `stopReason` says that it is one.
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

function lost(spot: Spot, what: string): undefined {
  lose(spot.losses, `${spot.path}.${what}`)
}

function nativeName(value: Json): string {
  return isObject(value) && typeof value.type === 'string' ? value.type : 'native'
}

function encodeText(part: PartOf<'text'>, spot: Spot): JsonObject | undefined {
  if (part.seal && part.seal.maker !== NAME) lost(spot, 'signature')
  const spelling = ours(part.spelling)
  if (spelling.json !== undefined) return {}
  if (part.citations?.length || spelling.citationsContent !== undefined) return encodeCited(part, spot)
  // Bedrock refuses blank text blocks, but takes them from a tool.
  const isBlank = spot.fit && spot.role !== 'tool' && part.text.trim() === ''
  if (isBlank) return part.text === '' ? undefined : lost(spot, 'text')
  return { text: part.text }
}

function encodeCited(part: PartOf<'text'>, spot: Spot): JsonObject | undefined {
  const citations = part.citations?.flatMap(citation => {
    const encoded = encodeCitation(citation)
    if (encoded === undefined) lost(spot, 'citations')
    return encoded === undefined ? [] : [encoded]
  })
  if (spot.fit && !citations?.length) return encodeText({ type: 'text', text: part.text }, spot)
  const content = part.text === '' ? undefined : [{ text: part.text }]
  return { citationsContent: given({ content, citations }) as JsonObject }
}

function encodeThinking(part: PartOf<'thinking'>, spot: Spot): JsonObject | undefined {
  const { text, seal } = part
  if (seal?.maker === NAME && isObject(seal.value)) return { reasoningContent: { ...seal.value } }
  if (spot.fit) {
    if (text === '' && !seal) return undefined
    // A model takes no thinking that it did not sign; a client must get it, with a mark that we know again.
    const isOwn = seal ? seal.maker === NAME : part.spelling?.maker === NAME
    if (spot.side === 'request' && !isOwn) return lost(spot, 'thinking')
  }
  const signature = encodeSignature(part)
  return { reasoningContent: { reasoningText: { text, ...given({ signature }) } } }
}

function encodeToolCall(part: PartOf<'tool-call'>, spot: Spot): JsonObject {
  if (part.seal && part.seal.maker !== NAME) lost(spot, 'signature')
  const asked = spot.fit && spot.side === 'request'
  const [toolUseId, name] = asked ? [fitName(part.id), fitName(part.name)] : [part.id, part.name]
  return { toolUse: { toolUseId, name, ...given({ input: encodeInput(part, spot) }) } }
}

/** The input must be an object: no text is an empty one; text that is none goes under a name of its own. */
function encodeInput({ input }: PartOf<'tool-call'>, spot: Spot): Json | undefined {
  if (input.trim() === '') return spot.fit ? {} : undefined
  try {
    const json = JSON.parse(input) as Json
    if (!spot.fit || isObject(json)) return json
  } catch {}
  lost(spot, 'input')
  return { _raw: input }
}

function encodeToolResult(part: PartOf<'tool-result'>, spot: Spot): JsonObject {
  const { failed } = part
  const said = spot.fit ? failed === true : failed !== undefined
  return {
    toolResult: {
      toolUseId: spot.fit ? fitName(part.id) : part.id,
      // A cache point stands after the result, never within it.
      content: part.content.flatMap((inner, index) => {
        const path = `${spot.path}.content[${index}]`
        const { cache, ...plain } = inner
        return encodePart(spot.fit ? (plain as Part) : inner, { ...spot, role: 'tool', path })
      }),
      ...(said ? { status: failed ? 'error' : 'success' } : {})
    }
  }
}

function encodeMedia(part: Media, spot: Spot): JsonObject | undefined {
  const media = spot.fit ? withBytes(part) : part
  const mediaType = sniff(media)
  const kind = kindOf(mediaType)
  const format = formatOf(mediaType)
  const spelt = ours(part.spelling)[kind]
  // Pieces are written back by their spelling.
  const pieces = isObject(spelt) && isObject(spelt.source) && spelt.source.content !== undefined
  const source = pieces ? {} : encodeSource(media)
  if (source === undefined) return lost(spot, media.fileId ? 'file_id' : media.url === undefined ? 'media' : 'url')
  if (!spot.fit) return { [kind]: { source, ...ownDocument(part) } }
  if (format === undefined) return lost(spot, mediaType)
  if (part.detail !== undefined && part.detail !== 'auto') lost(spot, 'detail')
  if (kind === 'document') return { document: { format, ...fitDocument(media, format, source, spot) } }
  if (part.name !== undefined) lost(spot, 'name')
  return { [kind]: { format, source } }
}

function ownDocument({ name, context, cite }: Media): JsonObject {
  return given({ name, context, citations: cite === undefined ? undefined : { enabled: cite } }) as JsonObject
}

function fitDocument(media: Media, format: string, source: JsonObject, spot: Spot): JsonObject {
  const { name, changed } = spot.fit!.documents.next(media.name ?? media.title, format)
  if (changed) lost(spot, 'name')
  // Every model reads a file; a text as such only those that can cite from it.
  const bytes = typeof source.text === 'string' && !media.cite
  return {
    name,
    source: bytes ? { bytes: Buffer.from(String(source.text)).toString('base64') } : source,
    ...given({ context: media.context, citations: media.cite ? { enabled: true } : undefined })
  }
}
