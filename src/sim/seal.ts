import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

/** Where a sealed block stood: its place among the thinking blocks of its turn, and how many there were. */
export interface Place {
  index: number
  count: number
}

export type Verdict = Place | 'foreign' | 'altered'

const SIGNED = Buffer.from('sim1')
const HIDDEN = Buffer.from('simr')
const MAC_BYTES = 32

/**
 * Signatures over thinking. They carry the block's place, so that a replay which changes, reorders or drops a block
 * is seen, as the real provider sees it. Two simulators with the same seed accept each other's seals.
 */
export class Sealer {
  readonly #key: Buffer

  constructor(seed: number) {
    this.#key = createHash('sha256').update(`gatehouse sim ${seed}`).digest()
  }

  /** `signature` of a thinking block. */
  sign(text: string, place: Place): string {
    const head = Buffer.concat([SIGNED, Buffer.from([place.index, place.count])])
    return Buffer.concat([head, this.#mac(head, text)]).toString('base64')
  }

  checkSignature(signature: string, text: string): Verdict {
    const bytes = Buffer.from(signature, 'base64')
    if (bytes.length !== SIGNED.length + 2 + MAC_BYTES || !bytes.subarray(0, 4).equals(SIGNED)) return 'foreign'
    const head = bytes.subarray(0, 6)
    if (!timingSafeEqual(bytes.subarray(6), this.#mac(head, text))) return 'altered'
    return { index: head[4]!, count: head[5]! }
  }

  /** `data` of a redacted_thinking block: the hidden text is in it, only we can vouch for it. */
  hide(text: string, place: Place): string {
    const head = Buffer.concat([HIDDEN, Buffer.from([place.index, place.count])])
    return Buffer.concat([head, this.#mac(head, text), Buffer.from(text)]).toString('base64')
  }

  checkHidden(data: string): Verdict {
    const bytes = Buffer.from(data, 'base64')
    if (bytes.length < HIDDEN.length + 2 + MAC_BYTES || !bytes.subarray(0, 4).equals(HIDDEN)) return 'foreign'
    const head = bytes.subarray(0, 6)
    const text = bytes.subarray(6 + MAC_BYTES).toString()
    if (!timingSafeEqual(bytes.subarray(6, 6 + MAC_BYTES), this.#mac(head, text))) return 'altered'
    return { index: head[4]!, count: head[5]! }
  }

  #mac(head: Buffer, text: string): Buffer {
    return createHmac('sha256', this.#key).update(head).update(text).digest()
  }
}
