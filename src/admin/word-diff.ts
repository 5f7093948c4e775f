/** Words that two texts have in common, and those that one of them has alone, in order. */
export interface DiffPart {
  is: 'same' | 'removed' | 'added'
  text: string
}

/** Longer texts are not compared word by word. */
export const WORDS_MAX = 20_000
/** Steps of one comparison: a few milliseconds. What is left then is told of as removed and added whole. */
const STEPS_MAX = 1_000_000

/**
 * The difference of two texts by words (and the space between them), after E. W. Myers, "An O(ND) Difference Algorithm
 * and Its Variations", in memory linear in their length. The parts that are not `added` are the first text, those that
 * are not `removed` the other. It is the shortest one, unless the texts are so unlike that finding it took too long.
 * Undefined where one of them is longer than `WORDS_MAX`.
 */
export function wordDiff(before: string, after: string): DiffPart[] | undefined {
  const [first, second] = [wordsOf(before), wordsOf(after)]
  if (first.length > WORDS_MAX || second.length > WORDS_MAX) return undefined
  const numbers = new Map<string, number>()
  const numbered = (words: readonly string[]) =>
    Int32Array.from(words, word => {
      const number = numbers.get(word) ?? numbers.size
      numbers.set(word, number)
      return number
    })
  const common = new Comparison(numbered(first), numbered(second)).common()
  return partsOf(first, second, common)
}

function wordsOf(text: string): string[] {
  return text.match(/\s+|\S+/g) ?? []
}

/** `common`: for each word of the first text its place in the second, or -1. */
function partsOf(first: readonly string[], second: readonly string[], common: Int32Array): DiffPart[] {
  const parts: DiffPart[] = []
  const add = (is: DiffPart['is'], text: string) => {
    const last = parts.at(-1)
    if (last?.is === is) last.text += text
    else parts.push({ is, text })
  }
  let at = 0
  let removed = ''
  const addedUpTo = (end: number) => {
    if (removed !== '') add('removed', removed)
    removed = ''
    if (at < end) add('added', second.slice(at, end).join(''))
    at = end
  }
  for (const [index, word] of first.entries()) {
    const place = common[index]!
    if (place < 0) {
      removed += word
      continue
    }
    addedUpTo(place)
    add('same', word)
    at = place + 1
  }
  addedUpTo(second.length)
  return parts
}

/** A stretch of both texts: from, and up to but not with. */
interface Stretch {
  a: number
  aEnd: number
  b: number
  bEnd: number
}

class Comparison {
  readonly #a: Int32Array
  readonly #b: Int32Array
  readonly #common: Int32Array
  /** The furthest place on each diagonal, from the beginning and from the end. */
  readonly #ahead: Int32Array
  readonly #back: Int32Array
  #steps = 0

  constructor(a: Int32Array, b: Int32Array) {
    this.#a = a
    this.#b = b
    this.#common = new Int32Array(a.length).fill(-1)
    this.#ahead = new Int32Array(a.length + b.length + 4)
    this.#back = new Int32Array(a.length + b.length + 4)
  }

  common(): Int32Array {
    const open: Stretch[] = [{ a: 0, aEnd: this.#a.length, b: 0, bEnd: this.#b.length }]
    for (let stretch = open.pop(); stretch; stretch = open.pop()) {
      const rest = this.#withoutEnds(stretch)
      if (rest.a === rest.aEnd || rest.b === rest.bEnd) continue
      const middle = this.#middle(rest)
      if (!middle) continue
      open.push({ ...rest, aEnd: middle.a, bEnd: middle.b }, { ...rest, a: middle.a, b: middle.b })
    }
    return this.#common
  }

  /** Takes off what is equal at both ends. */
  #withoutEnds({ a, aEnd, b, bEnd }: Stretch): Stretch {
    while (a < aEnd && b < bEnd && this.#a[a] === this.#b[b]) this.#common[a++] = b++
    while (a < aEnd && b < bEnd && this.#a[aEnd - 1] === this.#b[bEnd - 1]) this.#common[--aEnd] = --bEnd
    return { a, aEnd, b, bEnd }
  }

  /**
   * A point on a shortest way through the stretch, where a way from its beginning and one from its end meet. Both ends
   * of the stretch differ, so that the point is neither of its corners. Undefined: it took too long to find.
   */
  #middle({ a, aEnd, b, bEnd }: Stretch): { a: number; b: number } | undefined {
    const [width, height] = [aEnd - a, bEnd - b]
    const delta = width - height
    const isOdd = delta % 2 !== 0
    const zero = height + 1
    const [ahead, back] = [this.#ahead, this.#back]
    ahead[zero + 1] = 0
    back[zero + 1] = 0
    for (let cost = 0; cost <= Math.ceil((width + height) / 2); cost++) {
      // Diagonals beyond the edges lead nowhere.
      const from = -cost + 2 * Math.max(0, cost - height)
      const to = cost - 2 * Math.max(0, cost - width)
      for (let k = from; k <= to; k += 2) {
        let x = furthest(ahead, zero, k, cost, from, to)
        while (x < width && x - k < height && this.#a[a + x] === this.#b[b + x - k]) x++
        this.#steps++
        ahead[zero + k] = x
        const other = delta - k
        if (isOdd && Math.abs(other) < cost && within(other, width, height) && x + back[zero + other]! >= width) {
          return { a: a + x, b: b + x - k }
        }
      }
      for (let k = from; k <= to; k += 2) {
        let x = furthest(back, zero, k, cost, from, to)
        while (x < width && x - k < height && this.#a[aEnd - 1 - x] === this.#b[bEnd - 1 - x + k]) x++
        this.#steps++
        back[zero + k] = x
        const other = delta - k
        if (!isOdd && Math.abs(other) <= cost && within(other, width, height) && x + ahead[zero + other]! >= width) {
          return { a: aEnd - x, b: bEnd - x + k }
        }
      }
      if (this.#steps > STEPS_MAX) return undefined
    }
    return undefined
  }
}

/** How far a way of this cost comes on a diagonal: one word of the second text more, or one of the first. */
function furthest(places: Int32Array, zero: number, k: number, cost: number, from: number, to: number): number {
  if (cost === 0) return 0
  const below = k < to || to < cost ? places[zero + k + 1]! : -1
  const left = k > from || from > -cost ? places[zero + k - 1]! + 1 : -1
  return Math.max(below, left)
}

function within(k: number, width: number, height: number): boolean {
  return k >= -height && k <= width
}
