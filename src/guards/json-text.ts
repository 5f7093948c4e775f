const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }
const SPECIAL = /["\\]/g

/**
 * Reads JSON text as people mean it, piece by piece: escapes within strings become what they stand for, so that a check
 * sees `a@b.c` and not `na@b.c` after a `\n`. Structure stays as it is. The text may be cut anywhere.
 */
export class JsonText {
  /** Decoded units so far, and JSON units that they came from. */
  #decoded: number
  #read: number
  #inString = false
  /** An escape of which the rest has not come. */
  #pending = ''
  /** From `decoded[i]` on, a unit stands at `read[i]` and those after it follow one by one. */
  readonly #shifts: { decoded: number; read: number }[]
  /** Where strings begin and end, in turns. */
  readonly #quotes: number[] = []

  /** `from`: units that came before and stand for themselves. */
  constructor(from = 0) {
    this.#decoded = from
    this.#read = from
    this.#shifts = [{ decoded: 0, read: 0 }]
  }

  push(piece: string): string {
    const raw = this.#pending + piece
    let text = ''
    let at = 0
    for (;;) {
      SPECIAL.lastIndex = at
      const next = SPECIAL.exec(raw)?.index ?? raw.length
      text += raw.slice(at, next)
      this.#passed(next - at)
      at = next
      if (at === raw.length) break
      if (raw[at] === '"' || !this.#inString) {
        if (raw[at] === '"') {
          this.#quotes.push(this.#decoded)
          this.#inString = !this.#inString
        }
        text += raw[at++]
        this.#passed(1)
        continue
      }
      const length = raw[at + 1] === 'u' ? 6 : 2
      if (at + length > raw.length) break
      text += unescaped(raw.slice(at + 1, at + length))
      this.#decoded++
      this.#read += length
      this.#shifts.push({ decoded: this.#decoded, read: this.#read })
      at += length
    }
    this.#pending = raw.slice(at)
    return text
  }

  #passed(units: number): void {
    this.#decoded += units
    this.#read += units
  }

  /** Where in the JSON text this decoded unit begins. */
  rawOf(decoded: number): number {
    const shift = this.#shifts[upTo(this.#shifts.length, at => this.#shifts[at]!.decoded <= decoded) - 1]!
    return shift.read + (decoded - shift.decoded)
  }

  /**
   * What of a range can be replaced without breaking the JSON: its pieces within strings, and whole numbers (which then
   * need quotes). Structure, names of literals and the quotes themselves stay.
   */
  pieces(start: number, end: number): { start: number; end: number; isBare: boolean }[] {
    const pieces: { start: number; end: number; isBare: boolean }[] = []
    let at = start
    while (at < end) {
      const before = upTo(this.#quotes.length, index => this.#quotes[index]! < at)
      const next = this.#quotes[before] ?? Number.POSITIVE_INFINITY
      const stop = Math.min(next, end)
      if (stop > at) pieces.push({ start: at, end: stop, isBare: before % 2 === 0 })
      at = stop === next ? stop + 1 : stop
    }
    return pieces
  }
}

/** How many of the first ones hold; they are sorted so that those come first. */
function upTo(count: number, holds: (index: number) => boolean): number {
  let low = 0
  let high = count
  while (low < high) {
    const middle = (low + high) >> 1
    if (holds(middle)) low = middle + 1
    else high = middle
  }
  return low
}

function unescaped(escaped: string): string {
  if (escaped[0] !== 'u') return ESCAPES[escaped[0]!] ?? escaped[0]!
  const code = Number.parseInt(escaped.slice(1), 16)
  return Number.isNaN(code) ? '\ufffd' : String.fromCharCode(code)
}

/** A text as it stands within a JSON string. */
export function jsonEscaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}
