import type { JsonObject } from '../../json.ts'
import type { Media } from '../canonical.ts'
import { given, NAME } from './members.ts'
import { lost, type Spot } from './spot.ts'

/**
 * Addresses that Google fetches by itself: its storage, its Files API, films of YouTube. None of them leads anybody else
 * to the bytes.
 */
export const AT_GOOGLE =
  /^gs:|^https:\/\/generativelanguage\.googleapis\.com\/|^https?:\/\/(?:(?:www|m)\.)?(?:youtube\.com|youtu\.be)\//i

export function encodeMedia(part: Media, spot: Spot): JsonObject[] {
  if (part.detail !== undefined && part.detail !== 'auto') lost(spot, 'detail')
  if (part.cite) lost(spot, 'citations')
  if (part.context !== undefined) lost(spot, 'context')
  const { mediaType, url, fileId } = part
  if (part.text !== undefined) {
    if ((part.title ?? part.name) !== undefined) lost(spot, 'title')
    return [{ text: part.text }]
  }
  // Names belong to results; elsewhere the Gemini API refuses them.
  const named = spot.own ? given({ displayName: part.name }) : {}
  if (!spot.own && part.name !== undefined) lost(spot, 'name')
  if (!spot.own && part.title !== undefined) lost(spot, 'title')
  if (fileId !== undefined) {
    if (fileId.maker !== NAME) return lost(spot, 'file_id')
    return [{ fileData: { mimeType: mediaType, fileUri: fileId.value, ...named } }]
  }
  if (url?.startsWith('data:')) return encodeBytes(...bytesOf(url, mediaType), named, spot)
  if (url === undefined) return encodeBytes(mediaType, part.data, named, spot)
  if (!spot.own && !AT_GOOGLE.test(url)) return lost(spot, 'url')
  const isKnown = spot.own || !/\/\*$|^application\/octet-stream$/.test(mediaType)
  return [{ fileData: { ...(isKnown && { mimeType: mediaType }), fileUri: url, ...named } }]
}

/** A family of types alone is refused; the bytes of a picture tell what it is. */
function encodeBytes(type: string, data: string | undefined, named: JsonObject, spot: Spot): JsonObject[] {
  if (data === undefined) return lost(spot, 'media')
  const mimeType = type.endsWith('/*') && !spot.own ? sniffed(data) : type
  return mimeType === undefined ? lost(spot, type) : [{ inlineData: { mimeType, data, ...named } }]
}

/** What a data URL says; no bytes where it says none. */
function bytesOf(url: string, family: string): [type: string, data: string | undefined] {
  const [, mediaType = '', base64, data = ''] = /^data:([^;,]*)[^,]*?(;base64)?,(.*)$/s.exec(url) ?? []
  try {
    return [mediaType || family, base64 ? data : Buffer.from(decodeURIComponent(data)).toString('base64')]
  } catch {
    return [mediaType || family, undefined]
  }
}

/** The type of a picture by the first bytes as they look in base64. */
function sniffed(data: string): string | undefined {
  if (data.startsWith('iVBORw0KGgo')) return 'image/png'
  if (data.startsWith('/9j/')) return 'image/jpeg'
  if (data.startsWith('R0lGOD')) return 'image/gif'
  return data.startsWith('UklGR') ? 'image/webp' : undefined
}
