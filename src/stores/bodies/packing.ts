import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'

/** A piece as it is kept. */
export interface Packed {
  packing: number
  data: Uint8Array
}

const AS_IS = 0
const DEFLATED = 1
const ZSTD = 2

/** Below this, compressing saves nothing worth its time. */
const PACKED_MIN = 256
/** From here on zstd is faster; below, its set-up costs more than all of deflate. */
const ZSTD_MIN = 16 * 1024

export function pack(piece: Buffer): Packed {
  if (piece.length < PACKED_MIN) return { packing: AS_IS, data: piece }
  const isLarge = piece.length >= ZSTD_MIN
  const data = isLarge ? zstdCompressSync(piece) : deflateRawSync(piece)
  if (data.length >= piece.length) return { packing: AS_IS, data: piece }
  return { packing: isLarge ? ZSTD : DEFLATED, data }
}

export function unpack({ packing, data }: Packed): Buffer {
  if (packing === ZSTD) return zstdDecompressSync(data)
  if (packing === DEFLATED) return inflateRawSync(data)
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}
