import type { Json, JsonObject } from '../../json.ts'
import type { Media, Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { audioFormat, audioType, decodeUrl, extensionOf, typeOfName } from '../openai-media.ts'
import { type Fault, given, isForeign, lose, Members, restore, sealed, spelt } from './members.ts'

/** Who speaks: the assistant's words are `output_text`, all others' `input_text`. */
export type Side = 'input' | 'output'

/**
 * One part of a message's content or of a tool's output. Kinds that are new stay native.
 * Source: the provider's reference, "Responses: input".
 */
export function decodeContent(value: Json, path: string, side: Side, fault: Fault): Part {
  const members = new Members(value, path, fault)
  const part = decodeTyped(members, side)
  if (!part) return { type: 'native', seal: sealed(value) }
  return { ...part, ...decodeCache(members), ...members.kept() }
}

function decodeTyped(members: Members, side: Side): Part | undefined {
  const type = members.peek('type')
  switch (type) {
    case 'input_text':
    case 'output_text':
    case 'text':
      if (type !== `${side}_text`) members.spell('type', type)
      members.take('type')
      return { type: 'text', text: members.string('text') }
    case 'refusal':
      members.take('type')
      return { type: 'refusal', text: members.string('refusal') }
    case 'input_image':
      return decodeImage(members)
    case 'input_file':
      return decodeFile(members)
    case 'input_audio':
      return decodeAudio(members)
    default:
      return undefined
  }
}

/** OpenAI's mark for its explicit prompt cache; written back as it came. */
function decodeCache(members: Members): { cache?: object } {
  const mark = members.peek('prompt_cache_breakpoint')
  if (mark === undefined || mark === null) return {}
  members.spell('prompt_cache_breakpoint', members.take('prompt_cache_breakpoint')!)
  return { cache: {} }
}

function decodeImage(members: Members): Media | undefined {
  const { detail, ...where } = {
    detail: members.maybeString('detail'),
    url: members.maybeString('image_url'),
    id: members.maybeString('file_id')
  }
  members.take('type')
  if (where.url !== undefined) return { type: 'media', ...decodeUrl(where.url, 'image/*'), ...given({ detail }) }
  if (where.id === undefined) return undefined
  return { type: 'media', mediaType: 'image/*', fileId: sealed(where.id), ...given({ detail }) }
}

function decodeFile(members: Members): Media | undefined {
  const name = members.maybeString('filename')
  const data = members.maybeString('file_data')
  const url = members.maybeString('file_url')
  const id = members.maybeString('file_id')
  members.take('type')
  // Also a picture's bytes are a file here.
  members.spell('type', 'input_file')
  const named = given({ name })
  if (data !== undefined) return { type: 'media', ...fileData(data, name, members), ...named }
  if (url !== undefined) return { type: 'media', mediaType: typeOfName(name ?? pathOf(url)), url, ...named }
  if (id === undefined) return undefined
  return { type: 'media', mediaType: 'application/octet-stream', fileId: sealed(id), ...named }
}

function fileData(data: string, name: string | undefined, members: Members): { mediaType: string } {
  const decoded = decodeUrl(data, typeOfName(name))
  if (decoded.url !== data || data.startsWith('data:')) return decoded
  // Bare base64, without the head of a data URL.
  members.spell('file_data', data)
  return { mediaType: typeOfName(name), ...{ data } }
}

function pathOf(url: string): string {
  return url.replace(/[?#].*$/s, '')
}

function decodeAudio(members: Members): Media {
  const audio = members.nested('input_audio')
  if (audio === undefined) throw members.wrong('input_audio', 'must be an object')
  members.take('type')
  return { type: 'media', mediaType: audioType(audio.string('format')), data: audio.string('data') }
}

interface Spot {
  path: string
  losses: Losses
}

/** A part of what a user or a tool says; undefined where it cannot be said, which is then named. */
export function encodeContent(part: Part, spot: Spot): JsonObject | undefined {
  const { path, losses } = spot
  if (part.cache && spelt(part, 'prompt_cache_breakpoint') === undefined) lose(losses, `${path}.cache_control`)
  if (part.type === 'native') {
    if (!isForeign(part.seal)) return part.seal.value as JsonObject
    lose(losses, path)
    return undefined
  }
  const native = encodeTyped(part, spot)
  return native && restore(native, part, path, losses)
}

function encodeTyped(part: Part, { path, losses }: Spot): JsonObject | undefined {
  switch (part.type) {
    case 'text':
      if (part.citations?.length) lose(losses, `${path}.citations`)
      return { type: 'input_text', text: part.text }
    case 'refusal':
      return { type: 'refusal', refusal: part.text }
    case 'media':
      return encodeMedia(part, { path, losses })
    default:
      lose(losses, path)
      return undefined
  }
}

function encodeMedia(part: Media, { path, losses }: Spot): JsonObject | undefined {
  if (part.cite) lose(losses, `${path}.citations`)
  if (part.context !== undefined) lose(losses, `${path}.context`)
  const { mediaType, data, detail, fileId, name, title, text } = part
  if (text !== undefined) {
    if ((title ?? name) !== undefined) lose(losses, `${path}.title`)
    return { type: 'input_text', text }
  }
  if (fileId && (isForeign(fileId) || typeof fileId.value !== 'string')) {
    lose(losses, path)
    return undefined
  }
  const isFile = spelt(part, 'type') === 'input_file'
  const url = data === undefined ? part.url : `data:${mediaType};base64,${data}`
  if (!isFile && mediaType.startsWith('image/')) {
    return { type: 'input_image', ...given({ image_url: url, file_id: fileId?.value, detail }) }
  }
  if (!isFile && data !== undefined && mediaType.startsWith('audio/')) {
    return { type: 'input_audio', input_audio: { data, format: audioFormat(mediaType) } }
  }
  // A data URL that says more than type and base64 stayed an address.
  const isData = data !== undefined || url?.startsWith('data:')
  const address = isData ? { file_data: url } : { file_url: url }
  const made = isFile || data === undefined ? undefined : `document.${extensionOf(mediaType)}`
  const where = fileId ? { file_id: fileId.value } : address
  return { type: 'input_file', ...given({ ...where, filename: name ?? title ?? made }) }
}
