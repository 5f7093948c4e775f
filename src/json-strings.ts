const LENGTHS_MAX = 31
const LOW_BITS = 31

/** What is known of all strings, names and values, without keeping them: enough to say that one is not there. */
export interface StringFacts {
  /** One of them has a `\u` escape. */
  hasCodes: boolean
  /** A bit for the low five bits of each first byte, as it is written. */
  initials: number
  /** A bit for each length in bytes, as it is written; the last is for all that are longer. */
  lengths: number
}

/** Whether a string may be there that is, or begins, like this mark: `"name"`, or `"begin`. False: it is not. */
export function mayHold({ initials, lengths }: StringFacts, mark: string): boolean {
  // Of other letters the bytes would have to be known.
  if (mark.length < 2 || Buffer.byteLength(mark) !== mark.length) return true
  if ((initials & (1 << (mark.charCodeAt(1) & LOW_BITS))) === 0) return false
  // With an escape in it, its last quote may be one that is escaped.
  const isWhole = mark.length > 2 && mark.endsWith('"') && !mark.includes('\\')
  return !isWhole || (lengths & (1 << Math.min(mark.length - 2, LENGTHS_MAX))) !== 0
}

/** Gathers what is known of strings, one after the other. */
export class StringsSeen implements StringFacts {
  hasCodes = false
  initials = 0
  lengths = 0

  /** The first byte after its quote, and its length in bytes, as it is written. */
  saw(firstByte: number, length: number): void {
    this.initials |= 1 << (firstByte & LOW_BITS)
    this.lengths |= 1 << Math.min(length, LENGTHS_MAX)
  }
}
