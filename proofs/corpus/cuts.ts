import { isDeepStrictEqual } from 'node:util'
import { seeded } from '../../test/support/dialects.ts'
import type { Rule } from './rule.ts'

const ROUNDS = 3
/** Streams up to this size are cut at every byte. */
const EVERY_BYTE_MAX = 1_024

/** A stream in pieces of random sizes, the same for the same seed. */
export function cutRandomly(bytes: Buffer, seed: string, pieceBytesMax = 700): Buffer[] {
  const random = seeded([...seed].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), 7))
  const pieces: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = at + 1 + Math.floor(random() * pieceBytesMax)
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  return pieces
}

/** However a stream was cut, the same is read: events and, with them, the reply they fold to. */
export const cutAnywhere: Rule = {
  name: 'cut-anywhere',
  check({ id, stream }, { readStream }) {
    if (!stream) return undefined
    const { bytes, framing, pieces } = stream
    const expected = readStream(framing, [bytes])
    const cuts: [string, readonly Buffer[]][] = [['single bytes', [...bytes].map(byte => Buffer.of(byte))]]
    if (pieces) cuts.push(['as it came', pieces])
    for (let round = 0; round < ROUNDS; round++) cuts.push([`round ${round}`, cutRandomly(bytes, `${id}${round}`)])
    if (bytes.length <= EVERY_BYTE_MAX)
      for (let at = 1; at < bytes.length; at++) cuts.push([`at ${at}`, [bytes.subarray(0, at), bytes.subarray(at)]])
    const wrong = cuts.filter(([, cut]) => !isDeepStrictEqual(readStream(framing, cut), expected))
    return wrong.map(([name]) => `cut ${name}: other events are read`)
  }
}
