import type { Json, JsonObject } from '../../json.ts'
import { isObject } from '../../json.ts'
import type { Media } from '../canonical.ts'
import { given, type Members } from './members.ts'

/** The blocks that hold a file. */
export type MediaKind = 'image' | 'document' | 'video' | 'audio'

/** `format` of each kind of block, and the media type it means. Of two words for one type the first is written. */
const TYPES: Record<MediaKind, readonly (readonly [format: string, mediaType: string])[]> = {
  image: [
    ['png', 'image/png'],
    ['jpeg', 'image/jpeg'],
    ['gif', 'image/gif'],
    ['webp', 'image/webp']
  ],
  document: [
    ['pdf', 'application/pdf'],
    ['csv', 'text/csv'],
    ['doc', 'application/msword'],
    ['docx', 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'],
    ['xls', 'application/vnd.ms-excel'],
    ['xlsx', 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'],
    ['html', 'text/html'],
    ['txt', 'text/plain'],
    ['md', 'text/markdown']
  ],
  video: [
    ['mp4', 'video/mp4'],
    ['mov', 'video/quicktime'],
    ['mkv', 'video/x-matroska'],
    ['webm', 'video/webm'],
    ['flv', 'video/x-flv'],
    ['mpeg', 'video/mpeg'],
    ['mpg', 'video/mpeg'],
    ['wmv', 'video/x-ms-wmv'],
    ['three_gp', 'video/3gpp']
  ],
  audio: [
    ['mp3', 'audio/mpeg'],
    ['wav', 'audio/wav'],
    ['wav', 'audio/x-wav'],
    ['flac', 'audio/flac'],
    ['ogg', 'audio/ogg'],
    ['opus', 'audio/opus'],
    ['aac', 'audio/aac'],
    ['x-aac', 'audio/aac'],
    ['m4a', 'audio/mp4'],
    ['mp4', 'audio/mp4'],
    ['mkv', 'audio/x-matroska'],
    ['mka', 'audio/x-matroska'],
    ['mpeg', 'audio/mpeg'],
    ['mpga', 'audio/mpeg'],
    ['pcm', 'audio/pcm'],
    ['webm', 'audio/webm']
  ]
}

export function kindOf(mediaType: string): MediaKind {
  const family = mediaType.slice(0, mediaType.indexOf('/'))
  return family === 'image' || family === 'video' || family === 'audio' ? family : 'document'
}

/** The `format` for a media type; undefined where the block takes no such file. */
export function formatOf(mediaType: string): string | undefined {
  const kind = kindOf(mediaType)
  const known = TYPES[kind].find(([, type]) => type === mediaType)?.[0]
  if (known !== undefined || kind !== 'document') return known
  return mediaType.startsWith('text/') || mediaType === 'application/json' ? 'txt' : undefined
}

/** A block with a file as the part it is; undefined where its source is of a kind we do not know. */
export function decodeMedia(block: Members, kind: MediaKind): Media | undefined {
  const file = block.nested(kind)
  const source = file?.nested('source')
  const where = source && decodeSource(source)
  if (!file || !where) return undefined
  const format = file.maybeString('format')
  // Several formats are one media type, and some documents need none: it is written back as it was said.
  if (format !== undefined) file.spell('format', format)
  return {
    type: 'media',
    mediaType: mediaTypeOf(kind, format, where),
    ...where,
    ...(kind === 'document'
      ? given({
          name: file.maybeString('name'),
          context: file.maybeString('context'),
          cite: file.nested('citations')?.maybeBoolean('enabled')
        })
      : {})
  }
}

export function mediaTypeOf(kind: MediaKind, format: string | undefined, where: Partial<Media> = {}): string {
  const known = TYPES[kind].find(([name]) => name === format)?.[1]
  if (known !== undefined) return known
  if (kind !== 'document') return `${kind}/*`
  return where.text === undefined ? 'application/octet-stream' : 'text/plain'
}

function decodeSource(source: Members): Pick<Media, 'data' | 'url' | 'text'> | undefined {
  const place = source.nested('s3Location')
  if (place) return { url: place.string('uri') }
  const data = source.maybeString('bytes')
  if (data !== undefined) return { data }
  const text = source.maybeString('text')
  if (text !== undefined) return { text }
  // Written back as the pieces it was; others get their text.
  const pieces = source.peek('content')
  const joined = textOf(pieces)
  if (joined === undefined) return undefined
  source.spell('content', source.take('content')!)
  return { text: joined }
}

function textOf(pieces: Json | undefined): string | undefined {
  if (!Array.isArray(pieces)) return undefined
  const texts = pieces.map(piece => (isObject(piece) ? piece.text : undefined))
  return texts.every(text => typeof text === 'string') ? texts.join('\n\n') : undefined
}

/** `source` of a block; undefined where there is nothing that can be said here. */
export function encodeSource(media: Media): JsonObject | undefined {
  const { data, url, text } = media
  if (data !== undefined) return { bytes: data }
  if (text !== undefined) return { text }
  return url !== undefined && /^s3:/i.test(url) ? { s3Location: { uri: url } } : undefined
}

/** A `data:` address as the bytes it holds. */
export function withBytes(media: Media): Media {
  const [, mediaType = '', base64, data = ''] = /^data:([^;,]*)[^,]*?(;base64)?,(.*)$/s.exec(media.url ?? '') ?? []
  if (data === '') return media
  const { url: _url, ...rest } = media
  const bytes = base64 ? data : Buffer.from(decodeURIComponent(data)).toString('base64')
  return { ...rest, mediaType: mediaType || media.mediaType, data: bytes }
}

const BEGINNINGS: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi', 'application/pdf']
]

/** The type of a file whose family alone is known, by its first bytes as they look in base64. */
export function sniff({ mediaType, data }: Media): string {
  if (data === undefined || formatOf(mediaType) !== undefined) return mediaType
  return BEGINNINGS.find(([beginning]) => data.startsWith(beginning))?.[1] ?? mediaType
}
