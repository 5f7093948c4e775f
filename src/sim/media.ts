/** Kinds of images both providers take, by the bytes they begin with. */
export function imageTypeOf(bytes: Buffer): string | undefined {
  if (bytes.subarray(0, 4).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47]))) return 'image/png'
  if (bytes.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]))) return 'image/jpeg'
  const text = bytes.subarray(0, 12).toString('latin1')
  if (text.startsWith('GIF8')) return 'image/gif'
  return text.startsWith('RIFF') && text.slice(8) === 'WEBP' ? 'image/webp' : undefined
}

/** The bytes of standard base64 text, or undefined where it is not base64. */
export function bytesOfBase64(text: string): Buffer | undefined {
  if (text.length === 0 || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined
  return Buffer.from(text, 'base64')
}

/** A data URL's media type and bytes, or undefined where it is not one with base64 data. */
export function bytesOfDataUrl(url: string): { mediaType: string; bytes: Buffer } | undefined {
  const comma = url.indexOf(',')
  const head = /^data:([^;,]+);base64$/.exec(url.slice(0, Math.max(0, comma)))
  const bytes = head ? bytesOfBase64(url.slice(comma + 1)) : undefined
  return head && bytes ? { mediaType: head[1]!, bytes } : undefined
}
