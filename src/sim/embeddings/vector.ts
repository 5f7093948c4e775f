import { createHash } from 'node:crypto'
import { piecesOf } from '../tokens.ts'

/** Short on purpose: nobody reads 1,536 numbers in a failing test. */
export const LENGTH = 8

/**
 * The vector of a text: the sum of one direction for each of its words, of length 1. The same text always has the same
 * vector, and texts that share words are near each other. Values are 32-bit floats, so no encoding changes them.
 */
export function vectorOf(text: string, length: number): number[] {
  const sum = new Float64Array(length)
  for (const piece of ['', ...piecesOf(text)]) {
    const direction = directionOf(piece.trim().toLowerCase(), length)
    for (let at = 0; at < length; at++) sum[at]! += direction[at]!
  }
  const norm = Math.hypot(...sum) || 1
  return Array.from(sum, value => Math.fround(value / norm))
}

const DIGEST_BYTES = 64

function directionOf(word: string, length: number): number[] {
  const digests = Array.from({ length: Math.ceil(length / DIGEST_BYTES) }, (_, block) =>
    createHash('sha512').update(`${block} ${word}`).digest()
  )
  return Array.from(Buffer.concat(digests).subarray(0, length), byte => byte - 127.5)
}

/** Little-endian 32-bit floats, as OpenAI sends them. */
export function inBase64(vector: readonly number[]): string {
  const view = new DataView(new ArrayBuffer(vector.length * 4))
  for (const [at, value] of vector.entries()) view.setFloat32(at * 4, value, true)
  return Buffer.from(view.buffer).toString('base64')
}

/** Eight signs a number. */
export function inBits(vector: readonly number[]): number[] {
  return Array.from({ length: Math.ceil(vector.length / 8) }, (_, byte) =>
    vector.slice(byte * 8, byte * 8 + 8).reduce((bits, value) => (bits << 1) | (value > 0 ? 1 : 0), 0)
  )
}
