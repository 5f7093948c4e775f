/** Foreign to people who read: soft hyphen, zero-width and bidi marks, variation selectors, tags. */
const IGNORED = /^(?:\p{Default_Ignorable_Code_Point}|\p{Cf})$/u
const SPACE = /^[\s\p{Z}]$/u
const ACCENT_FIRST = 0x300
const ACCENT_LAST = 0x36f
const KEPT_MAX = 10_000

/**
 * How code points look to a reader who does not care for case and width: compatibility forms taken apart (`ﬁ` is `fi`,
 * `Ａ` is `a`), case folded, every kind of space one space, what cannot be seen nothing. One code point at a time, so
 * that each result has its place in the original.
 */
export class Folding {
  readonly #ignoreAccents: boolean
  readonly #known = new Map<number, string>()

  constructor(options: { ignoreAccents: boolean }) {
    this.#ignoreAccents = options.ignoreAccents
  }

  /** What this code point comes to: none, one or several UTF-16 units. */
  of(codePoint: number): string {
    const known = this.#known.get(codePoint)
    if (known !== undefined) return known
    const folded = this.#fold(codePoint)
    if (this.#known.size < KEPT_MAX) this.#known.set(codePoint, folded)
    return folded
  }

  /** A whole text, as its code points come to: runs of spaces are one, and none is at either end. */
  text(text: string): string {
    let folded = ''
    for (const char of text) folded += this.of(char.codePointAt(0)!)
    return folded.replace(/ +/g, ' ').trim()
  }

  #fold(codePoint: number): string {
    const char = String.fromCodePoint(codePoint)
    if (IGNORED.test(char)) return ''
    if (SPACE.test(char)) return ' '
    // Up and down again: `ß` and `ẞ` are `ss`, both forms of the small sigma are one.
    const folded = char.normalize('NFKD').toUpperCase().toLowerCase().normalize('NFKD')
    return this.#ignoreAccents ? [...folded].filter(each => !isAccent(each.charCodeAt(0))).join('') : folded
  }
}

function isAccent(unit: number): boolean {
  return unit >= ACCENT_FIRST && unit <= ACCENT_LAST
}
