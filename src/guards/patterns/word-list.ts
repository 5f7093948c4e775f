import { Automaton } from './automaton.ts'
import { Folding } from './fold.ts'

/** Scripts that write no spaces between words: any place in them may be where a word ends. */
const UNSPACED =
  /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|\p{Script=Thai}|\p{Script=Lao}|\p{Script=Khmer}|\p{Script=Myanmar}/u
const OF_A_WORD = /[\p{L}\p{M}\p{N}_]/u
const NOTHING = -1
const SPACE = 32

/** A word of the list in a text: UTF-16 offsets of the original, end exclusive. */
export interface Found {
  start: number
  end: number
  /** Its place in the list. */
  word: number
}

interface Waiting extends Found {
  lastUnit: string
}

/**
 * Many words and phrases at once, as people read them: see `Folding`. Phrases match over any run of white space.
 * One pass, whatever the size of the list; offsets are of the text as given, whatever folding did.
 */
export class WordList {
  readonly #folding: Folding
  readonly #automaton: Automaton
  readonly #words: readonly string[]
  readonly #wholeWords: boolean
  /** Places of the last so many folded units, by their number modulo the size. */
  readonly #ring: number

  constructor(words: readonly string[], options: { wholeWords: boolean; ignoreAccents: boolean }) {
    this.#folding = new Folding(options)
    this.#words = words.map(word => this.#folding.text(word))
    if (this.#words.includes('')) throw new Error('a word has nothing in it that can be seen')
    this.#automaton = new Automaton(this.#words)
    this.#wholeWords = options.wholeWords
    this.#ring = 2 ** Math.ceil(Math.log2(this.longest + 2))
  }

  /** Of the folded words, in UTF-16 units. */
  get longest(): number {
    return this.#words.reduce((most, word) => Math.max(most, word.length), 0)
  }

  find(text: string): Found[] {
    const found: Found[] = []
    const cursor = this.#automaton.begin()
    const starts = new Array<number>(this.#ring).fill(0)
    const units = new Array<number>(this.#ring).fill(NOTHING)
    const mask = this.#ring - 1
    let count = 0
    let waiting: Waiting[] = []
    let end = 0
    const settle = (next: number) => {
      for (const { lastUnit, ...each } of waiting) if (isEdge(lastUnit, charOf(next))) found.push(each)
      waiting = []
    }
    const ended = (word: number) => {
      const folded = this.#words[word]!
      const first = count - folded.length
      const before = units[(first - 1) & mask]!
      const start = starts[first & mask]!
      if (!this.#wholeWords) found.push({ start, end, word })
      else if (isEdge(folded[0]!, charOf(before))) waiting.push({ start, end, word, lastUnit: folded.at(-1)! })
    }
    for (let at = 0; at < text.length; at = end) {
      const codePoint = text.codePointAt(at)!
      end = at + (codePoint > 0xffff ? 2 : 1)
      const folded = this.#folding.of(codePoint)
      for (let index = 0; index < folded.length; index++) {
        const unit = folded.charCodeAt(index)
        if (unit === SPACE && units[(count - 1) & mask] === SPACE) continue
        if (waiting.length > 0) settle(unit)
        starts[count & mask] = at
        units[count & mask] = unit
        count++
        cursor.push(unit, ended)
      }
    }
    settle(NOTHING)
    return found
  }
}

/** Whether a word may begin or end between this unit of it and its neighbour outside. */
function isEdge(inside: string, outside: string): boolean {
  return !OF_A_WORD.test(outside) || !OF_A_WORD.test(inside) || UNSPACED.test(inside)
}

function charOf(unit: number): string {
  return unit === NOTHING ? '' : String.fromCharCode(unit)
}
