/** How OpenAI's dialects write bytes and what they are. */

const AUDIO_TYPES: Record<string, string> = { mp3: 'audio/mpeg', wav: 'audio/wav' }

export function audioType(format: string): string {
  return AUDIO_TYPES[format] ?? `audio/${format}`
}

export function audioFormat(mediaType: string): string {
  const known = Object.entries(AUDIO_TYPES).find(([, type]) => type === mediaType)
  return known?.[0] ?? mediaType.slice('audio/'.length)
}

const DATA_URL = /^data:([^;,]+);base64,/

/** Where a data URL says nothing but type and base64, its bytes; any other stays an address. */
export function decodeUrl(url: string, family: string): { mediaType: string; data?: string; url?: string } {
  const head = DATA_URL.exec(url)
  if (head) return { mediaType: head[1]!, data: url.slice(head[0].length) }
  return { mediaType: family, url }
}

const EXTENSIONS: Record<string, string> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  md: 'text/markdown',
  json: 'application/json',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
}

/** The type of a file by the end of its name. */
export function typeOfName(name: string | undefined): string {
  const extension = name?.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return (extension && EXTENSIONS[extension]) || 'application/octet-stream'
}

export function extensionOf(mediaType: string): string {
  return Object.entries(EXTENSIONS).find(([, type]) => type === mediaType)?.[0] ?? 'bin'
}
