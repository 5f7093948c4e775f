import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { audioFormat, audioType, decodeUrl, extensionOf, typeOfName } from '../openai-media.ts'
import {
  compact,
  isForeign,
  type Kept,
  lose,
  Members,
  NAME,
  ours,
  restore,
  sealed,
  spelt,
  wrongType
} from './members.ts'

type Media = Extract<Part, { type: 'media' }>
type Options = { lenient: boolean }

/** One content part: `text`, `image_url`, `input_audio`, `file`, `refusal`, Mistral's `thinking`; others stay native. */
export function decodePart(value: Json | undefined, path: string, options: Options): Part {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  const members = new Members(value, path, options)
  const type = members.string('type')
  const part = decodeTyped(members, type, value)
  if (part.type === 'native') return part
  const cache = decodeCache(members)
  return { ...part, ...cache, ...members.kept() }
}

function decodeTyped(members: Members, type: string | undefined, value: JsonObject): Part {
  switch (members.required('type', type)) {
    case 'text':
      return { type: 'text', text: members.required('text', members.string('text')) }
    case 'refusal':
      return { type: 'refusal', text: members.required('refusal', members.string('refusal')) }
    case 'image_url':
      return decodeImage(members)
    case 'input_audio':
      return decodeAudio(members)
    case 'file':
      return decodeFile(members) ?? { type: 'native', seal: sealed(value) }
    case 'thinking':
      return decodeThinkingPart(members) ?? { type: 'native', seal: sealed(value) }
    default:
      return { type: 'native', seal: sealed(value) }
  }
}

/** A prompt-cache mark: `cache_control` (OpenRouter's, and ours for crossing) or OpenAI's own breakpoint. */
export function decodeCache(members: Members): { cache?: { ttl?: string } } {
  const mark = members.object('cache_control')
  if (mark) {
    members.verbatim('cache_control', mark)
    return { cache: typeof mark.ttl === 'string' ? { ttl: mark.ttl } : {} }
  }
  const breakpoint = members.object('prompt_cache_breakpoint')
  if (!breakpoint) return {}
  members.verbatim('prompt_cache_breakpoint', breakpoint)
  return { cache: {} }
}

/** Names a cache mark that another dialect made: OpenAI's own cache needs none and refuses the member. */
export function loseCache(part: Kept & { cache?: { ttl?: string } }, path: string, losses: Losses): void {
  const members = ours(part.spelling)?.members
  const isOurs = isObject(members) && ('cache_control' in members || 'prompt_cache_breakpoint' in members)
  if (part.cache && !isOurs) lose(losses, `${path}.cache_control`)
}

function decodeImage(members: Members): Media {
  const given = members.peek('image_url')
  // Mistral's short form.
  if (typeof given === 'string') {
    members.take('image_url')
    members.spell('bare', true)
    return { type: 'media', ...decodeUrl(given, 'image/*') }
  }
  const nested = new Members(
    members.required('image_url', members.object('image_url')),
    members.at('image_url'),
    members
  )
  const url = nested.required('url', nested.string('url'))
  const detail = nested.string('detail')
  members.nest('image_url', nested)
  return { type: 'media', ...decodeUrl(url, 'image/*'), ...(detail !== undefined && { detail }) }
}

function decodeAudio(members: Members): Media {
  const given = members.required('input_audio', members.object('input_audio'))
  const nested = new Members(given, members.at('input_audio'), members)
  const data = nested.required('data', nested.string('data'))
  const format = nested.required('format', nested.string('format'))
  members.nest('input_audio', nested)
  return { type: 'media', mediaType: audioType(format), data }
}

function decodeFile(members: Members): Media | undefined {
  const nested = new Members(members.required('file', members.object('file')), members.at('file'), members)
  const name = nested.string('filename')
  const data = nested.string('file_data')
  const id = data === undefined ? nested.string('file_id') : undefined
  if (data === undefined && id === undefined) return undefined
  members.nest('file', nested)
  members.spell('file', true)
  const named = name === undefined ? {} : { name }
  if (id !== undefined) return { type: 'media', mediaType: 'application/octet-stream', fileId: sealed(id), ...named }
  if (/^(?:data:|https?:)/.test(data!)) return { type: 'media', ...decodeUrl(data!, typeOfName(name)), ...named }
  members.spell('bare', true)
  return { type: 'media', mediaType: typeOfName(name), data: data!, ...named }
}

/** Mistral puts thinking among the content: `{type: 'thinking', thinking: [{type: 'text', text}], closed}`. */
function decodeThinkingPart(members: Members): Part | undefined {
  const chunks = members.array('thinking')
  if (!chunks?.every(chunk => isObject(chunk) && chunk.type === 'text' && typeof chunk.text === 'string'))
    return undefined
  const texts = chunks.map(chunk => (chunk as JsonObject).text as string)
  members.spell('member', 'content')
  if (texts.length !== 1)
    members.spell(
      'lengths',
      texts.map(text => text.length)
    )
  return { type: 'thinking', text: texts.join('') }
}

/** A part as OpenAI writes it; undefined where it cannot be said, which is then named. */
export function encodePart(part: Part, path: string, losses: Losses): JsonObject | undefined {
  loseCache(part, path, losses)
  const native = encodeTyped(part, path, losses)
  return native && restore(native, part, path, losses)
}

function encodeTyped(part: Part, path: string, losses: Losses): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      if (part.citations?.length) lose(losses, `${path}.citations`)
      return { type: 'text', text: part.text }
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'media':
      return encodeMedia(part, path, losses)
    case 'thinking':
      return { type: 'thinking', thinking: thinkingChunks(part).map(text => ({ type: 'text', text })) }
    case 'native':
      if (part.seal.maker === NAME && isObject(part.seal.value)) return { ...part.seal.value }
      lose(losses, path)
      return undefined
    default:
      lose(losses, path)
      return undefined
  }
}

function thinkingChunks(part: Extract<Part, { type: 'thinking' }>): string[] {
  const lengths = spelt(part, 'lengths')
  if (!Array.isArray(lengths)) return [part.text]
  let end = 0
  return lengths.map(length => {
    const start = end
    end += Number(length)
    return part.text.slice(start, end)
  })
}

function encodeMedia(part: Media, path: string, losses: Losses): JsonObject | undefined {
  if (part.cite) lose(losses, `${path}.citations`)
  if (part.context !== undefined) lose(losses, `${path}.context`)
  const isFile = spelt(part, 'file') === true
  const isBare = spelt(part, 'bare') === true
  if (part.text !== undefined) {
    if ((part.title ?? part.name) !== undefined) lose(losses, `${path}.title`)
    return { type: 'text', text: part.text }
  }
  if (part.fileId) return encodeFileId(part, path, losses)
  const url = part.data === undefined ? part.url : `data:${part.mediaType};base64,${part.data}`
  if (!isFile && part.mediaType.startsWith('image/')) {
    return { type: 'image_url', image_url: isBare ? url! : compact<JsonObject>({ url, detail: part.detail }) }
  }
  if (!isFile && part.data !== undefined && part.mediaType.startsWith('audio/')) {
    return { type: 'input_audio', input_audio: { data: part.data, format: audioFormat(part.mediaType) } }
  }
  // Chat completions take a file by its bytes or its id, not by its address.
  if (part.data === undefined && !isFile) {
    lose(losses, path)
    return undefined
  }
  const filename = part.name ?? part.title ?? (isFile ? undefined : `document.${extensionOf(part.mediaType)}`)
  return { type: 'file', file: compact<JsonObject>({ file_data: isBare ? part.data : url, filename }) }
}

function encodeFileId(part: Media, path: string, losses: Losses): JsonObject | undefined {
  const { fileId, name } = part
  if (isForeign(fileId) || typeof fileId?.value !== 'string') {
    lose(losses, path)
    return undefined
  }
  return { type: 'file', file: compact<JsonObject>({ file_id: fileId.value, filename: name }) }
}
