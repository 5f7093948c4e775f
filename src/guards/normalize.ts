/**
 * A text as a reader sees it, for checks that look for words: compatibility forms (full-width, mathematical, ligatures)
 * as plain letters, accents and characters without width left out, letters of other scripts that stand in a Latin word
 * for their look-alikes as the Latin ones. Every unit of it knows where it came from.
 */
export interface Normalized {
  readonly text: string
  /** The offset in the original of this offset in `text`. An end (exclusive) is that of the last unit's character. */
  start(offset: number): number
  end(offset: number): number
}

interface NormalizeOptions {
  /** Letters in lower case. */
  lower?: boolean
}

const NOT_ASCII = /[^\x00-\x7f]/
const NOT_ASCII_EACH = /[^\x00-\x7f]/g

/** A compatibility form may become up to 18 characters; more than this keeps its own. */
const EXPANSION_MAX = 4
const MEMO_MAX = 4_096

export function normalize(text: string, { lower = false }: NormalizeOptions = {}): Normalized {
  // Plain text has one unit for each of its own: nothing to map.
  if (!NOT_ASCII.test(text)) {
    return { text: lower ? text.toLowerCase() : text, start: offset => offset, end: offset => offset }
  }
  return mapped(text, lower)
}

/** A stretch of the plain text: ASCII, unit for unit, or what one character became. */
interface Stretch {
  at: number
  start: number
  end: number
  isRun: boolean
}

function mapped(text: string, isLower: boolean): Normalized {
  const stretches: Stretch[] = []
  let joined = ''
  let passed = 0
  NOT_ASCII_EACH.lastIndex = 0
  for (let match = NOT_ASCII_EACH.exec(text); match; match = NOT_ASCII_EACH.exec(text)) {
    const start = match.index
    const code = text.codePointAt(start)!
    const end = start + (code > 0xffff ? 2 : 1)
    if (start > passed) {
      stretches.push({ at: joined.length, start: passed, end: start, isRun: true })
      joined += text.slice(passed, start)
    }
    stretches.push({ at: joined.length, start, end, isRun: false })
    joined += folded(code, text, start, end)
    passed = end
    NOT_ASCII_EACH.lastIndex = end
  }
  stretches.push({ at: joined.length, start: passed, end: text.length, isRun: true })
  joined += text.slice(passed)
  return { text: isLower ? lowered(joined) : joined, ...placesIn(stretches) }
}

/** A few letters are longer in lower case; where there is one, ASCII alone is changed, so that places stay. */
function lowered(text: string): string {
  const all = text.toLowerCase()
  return all.length === text.length ? all : text.replace(/[A-Z]+/g, letters => letters.toLowerCase())
}

function placesIn(stretches: readonly Stretch[]): Pick<Normalized, 'start' | 'end'> {
  /** The last stretch that begins at or before this; of several (those that became nothing), the last. */
  const stretchAt = (offset: number) => {
    let [low, high] = [0, stretches.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (stretches[middle]!.at <= offset) low = middle
      else high = middle - 1
    }
    return stretches[low]!
  }
  return {
    start: offset => {
      const { at, start, isRun } = stretchAt(offset)
      return isRun ? start + offset - at : start
    },
    end: offset => {
      if (offset <= 0) return 0
      const { at, start, end, isRun } = stretchAt(offset - 1)
      return isRun ? start + offset - at : end
    }
  }
}

/** What stands for a character: its plain form, nothing where it has no width, a Latin letter that it imitates. */
function folded(code: number, text: string, start: number, end: number): string {
  if (isWithoutWidth(code)) return ''
  const alike = LOOK_ALIKES.get(code)
  if (alike !== undefined) return hasLatinNeighbour(text, start, end) ? alike : String.fromCodePoint(code)
  return plainForm(code)
}

const plainForms = new Map<number, string>()

function plainForm(code: number): string {
  let plain = plainForms.get(code)
  if (plain !== undefined) return plain
  const own = String.fromCodePoint(code)
  // Korean syllables would fall apart into their letters.
  plain = code >= 0xac00 && code <= 0xd7a3 ? own : own.normalize('NFKD').replace(/[\u0300-\u036f\u064b-\u0652]/g, '')
  if (plain.length > EXPANSION_MAX) plain = own
  if (plainForms.size >= MEMO_MAX) plainForms.clear()
  plainForms.set(code, plain)
  return plain
}

/** Zero-width, soft hyphen, joiners, directional marks, variation selectors and tags. */
function isWithoutWidth(code: number): boolean {
  return (
    code === 0xad ||
    code === 0x034f ||
    code === 0x061c ||
    code === 0x180e ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    (code >= 0xfe00 && code <= 0xfe0f) ||
    code === 0xfeff ||
    (code >= 0xe0000 && code <= 0xe01ef)
  )
}

/** Cyrillic and Greek letters beside Latin ones imitate; among their own they are what they are. */
function hasLatinNeighbour(text: string, start: number, end: number): boolean {
  return latinAlong(text, start - 1, -1) || latinAlong(text, end, 1)
}

/** Whether the same word has a Latin letter within a few units in one direction. */
function latinAlong(text: string, at: number, step: 1 | -1): boolean {
  for (let seen = 0, place = at; seen < 8; seen++, place += step) {
    const code = text.charCodeAt(place)
    if ((code | 32) >= 0x61 && (code | 32) <= 0x7a && code < 0x80) return true
    const isLetterLike = LOOK_ALIKES.has(code) || isWithoutWidth(code)
    if (!isLetterLike) return false
  }
  return false
}

/** By eye, from the Unicode charts of Cyrillic, Greek and Armenian. */
const LOOK_ALIKES: ReadonlyMap<number, string> = new Map(
  [
    ...pairs('аеорсухіјѕһԁԛԝѵӏьгпкмтнвзЗ', 'aeopcyxijshdqwvlbrnkmthb33'),
    ...pairs('АВЕКМНОРСТУХІЈЅ', 'ABEKMHOPCTYXIJS'),
    ...pairs('αοεινρτυκχγωηςβ', 'aoeivptukxywncb'),
    ...pairs('ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZHIKMNOPTYX'),
    ...pairs('օսհոցɡɑıℓ', 'oushngail')
  ].map(([alike = '', latin = '']) => [alike.codePointAt(0)!, latin])
)

function pairs(alike: string, latin: string): string[][] {
  return [...alike].map((letter, at) => [letter, latin[at]!])
}
