import { setImmediate as turn } from 'node:timers/promises'
import type { BodyRow, OfferedBodies } from '../bodies.ts'

/** Rows on their way to the thread: their texts one after another in one memory, which is handed over, not copied. */
export interface Parcel {
  /** As the rows, with the numbers of their texts. */
  rows: readonly BodyRow<number>[]
  /** Where each text is. */
  places: readonly { start: number; length: number }[]
  bytes: ArrayBuffer
}

/** As much is copied at once: a tenth of what would be felt by a call. Then others have their turn. */
const COPIED_AT_ONCE = 512 * 1024
/** Texts begin at whole words, which they are looked through by. */
const WORD_BYTES = 8

/** Copies the texts into one memory. Large ones a part at a time, so that the event loop is never held. */
export async function parcel(rows: readonly OfferedBodies[]): Promise<Parcel> {
  const numbers = new Map<string | Uint8Array, number>()
  const numbered = rows.map(row => numberedRow(row, numbers))
  const texts = [...numbers.keys()]
  const pace = new Pace()
  const places: { start: number; length: number }[] = []
  let size = 0
  for (const text of texts) {
    const length = Buffer.byteLength(text)
    places.push({ start: size, length })
    size = Math.ceil((size + length) / WORD_BYTES) * WORD_BYTES
    // To count the bytes of a text is to read it.
    if (typeof text === 'string') await pace.done(text.length)
  }
  const memory = Buffer.allocUnsafeSlow(size)
  for (const [at, text] of texts.entries()) {
    let to = places[at]!.start
    for (let from = 0; from < text.length; ) {
      const end = partEnd(text, from)
      if (typeof text === 'string') to += memory.write(text.slice(from, end), to)
      else to += copyTo(memory, text.subarray(from, end), to)
      await pace.done(end - from)
      from = end
    }
  }
  return { rows: numbered, places, bytes: memory.buffer }
}

/** Lets others have their turn after every so much work. */
class Pace {
  #amount = 0

  async done(amount: number): Promise<void> {
    this.#amount += amount
    if (this.#amount < COPIED_AT_ONCE) return
    this.#amount = 0
    await turn()
  }
}

function copyTo(memory: Buffer, part: Uint8Array, to: number): number {
  memory.set(part, to)
  return part.length
}

/** Never between the two halves of a character. */
function partEnd(text: string | Uint8Array, from: number): number {
  const end = Math.min(text.length, from + COPIED_AT_ONCE)
  if (typeof text !== 'string' || end === text.length) return end
  const isHalf = (text.charCodeAt(end - 1) & 0xfc00) === 0xd800
  return isHalf ? end - 1 : end
}

/** What went upstream is often the very same bytes that came: they travel once. */
function numberedRow(row: OfferedBodies, numbers: Map<string | Uint8Array, number>): BodyRow<number> {
  const add = (text: string | Uint8Array) => {
    const number = numbers.get(text) ?? numbers.size
    numbers.set(text, number)
    return number
  }
  return {
    ...row,
    received: row.received === undefined ? undefined : add(row.received),
    sent: row.sent.map(({ attemptId, body }) => ({ attemptId, body: add(body) })),
    answered: row.answered === undefined ? undefined : add(row.answered)
  }
}

export function unparcel({ rows, places, bytes }: Parcel): BodyRow<Buffer>[] {
  const text = (at: number) => Buffer.from(bytes, places[at]!.start, places[at]!.length)
  return rows.map(row => ({
    ...row,
    received: row.received === undefined ? undefined : text(row.received),
    sent: row.sent.map(({ attemptId, body }) => ({ attemptId, body: text(body) })),
    answered: row.answered === undefined ? undefined : text(row.answered)
  }))
}
