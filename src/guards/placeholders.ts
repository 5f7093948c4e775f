/** What stands for a masked value, as `[[EMAIL_1]]`. Nothing in it needs an escape in JSON. */
const PLACEHOLDER = /\[\[[A-Z][A-Z0-9_]{0,38}\]\]/g

/** A placeholder of which the end may still come. */
const BEGUN = /\[(?:\[(?:[A-Z][A-Z0-9_]{0,38}\]?)?)?$/
const LONGEST = 44

export interface PlaceholderState {
  taken: Set<string>
  byValue: Map<string, string>
  values: Map<string, string>
  last: Map<string, number>
}

/** A placeholder in a text: UTF-16 offsets, end exclusive. */
export interface Placed {
  start: number
  end: number
  value: string
}

/**
 * The placeholders of one call, in memory for as long as it lasts. Numbers are given in the order in which values are
 * first asked for, and the same value gets the same placeholder: an append-only history masks to the same bytes every
 * turn (D21). Texts that look like one already keep their meaning: their numbers are not given out.
 */
export class Placeholders {
  #taken = new Set<string>()
  #byValue = new Map<string, string>()
  #values = new Map<string, string>()
  #last = new Map<string, number>()
  readonly #before: number

  /** `before`: numbers up to this one are not given out. */
  constructor(before = 0) {
    this.#before = before
  }

  /** All of it, for another thread: it goes there and back as a copy. */
  get state(): PlaceholderState {
    return { taken: this.#taken, byValue: this.#byValue, values: this.#values, last: this.#last }
  }

  load({ taken, byValue, values, last }: PlaceholderState): void {
    this.#taken = taken
    this.#byValue = byValue
    this.#values = values
    this.#last = last
  }

  /** What the client wrote itself is never ours. */
  reserve(text: string): void {
    if (!text.includes('[[')) return
    for (const [token] of text.matchAll(PLACEHOLDER)) this.#taken.add(token)
  }

  /** `isRestored`: the answer gets the value back where it says the placeholder. */
  of(label: string, value: string, isRestored: boolean): string {
    const key = `${isRestored ? 'r' : 'm'} ${label} ${value}`
    const known = this.#byValue.get(key)
    if (known !== undefined) return known
    let number = this.#last.get(label) ?? this.#before
    let token: string
    do token = `[[${label}_${++number}]]`
    while (this.#taken.has(token))
    this.#last.set(label, number)
    this.#byValue.set(key, token)
    if (isRestored) this.#values.set(token, value)
    return token
  }

  /** Whether the caller gave this value itself, and gets it back. */
  isRestored(label: string, value: string): boolean {
    return this.#byValue.has(`r ${label} ${value}`)
  }

  get restores(): boolean {
    return this.#values.size > 0
  }

  /** Whether anything of the request was replaced. */
  get isUsed(): boolean {
    return this.#byValue.size > 0
  }

  /** Whether a text has one that is neither of this request nor written in it. */
  foreignIn(text: string): boolean {
    if (!text.includes('[[')) return false
    const ours = new Set(this.#byValue.values())
    return [...text.matchAll(PLACEHOLDER)].some(([token]) => !ours.has(token) && !this.#taken.has(token))
  }

  /** Those in a text that are to be put back, in order. */
  in(text: string): Placed[] {
    if (this.#values.size === 0 || !text.includes('[[')) return []
    const placed: Placed[] = []
    for (const { 0: token, index } of text.matchAll(PLACEHOLDER)) {
      const value = this.#values.get(token)
      if (value !== undefined) placed.push({ start: index, end: index + token.length, value })
    }
    return placed
  }

  /** Where a placeholder begins that the end of this text may be the beginning of; the text's length where none does. */
  openAt(text: string): number {
    if (this.#values.size === 0) return text.length
    const from = Math.max(0, text.length - LONGEST)
    const found = BEGUN.exec(text.slice(from))
    return found ? from + found.index : text.length
  }
}
