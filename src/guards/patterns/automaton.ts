/** Where a state goes on each unit, where it falls back to, and which words end in it. */
interface State {
  next: Map<number, State>
  fallback: State | undefined
  /** The word that ends here. */
  word: number | undefined
  /** The nearest fallback in which a word ends. */
  shorter: State | undefined
}

/**
 * Finds any of many words in one pass (Aho and Corasick, 1975: https://doi.org/10.1145/360825.360855). Words are told
 * by their number; the time for a unit is constant on average, plus one step for each word that ends there.
 */
export class Automaton {
  readonly #root: State = state()

  constructor(words: readonly string[]) {
    words.forEach((word, number) => {
      let at = this.#root
      for (let index = 0; index < word.length; index++) {
        const unit = word.charCodeAt(index)
        let next = at.next.get(unit)
        if (next === undefined) {
          next = state()
          at.next.set(unit, next)
        }
        at = next
      }
      at.word ??= number
    })
    this.#link()
  }

  begin(): Cursor {
    return new Cursor(this.#root)
  }

  #link(): void {
    const queue: State[] = [this.#root]
    for (const from of queue) {
      for (const [unit, to] of from.next) {
        let back = from.fallback
        while (back !== undefined && !back.next.has(unit)) back = back.fallback
        to.fallback = back?.next.get(unit) ?? this.#root
        to.shorter = to.fallback.word === undefined ? to.fallback.shorter : to.fallback
        queue.push(to)
      }
    }
  }
}

class Cursor {
  #at: State
  constructor(root: State) {
    this.#at = root
  }

  /** Takes one unit; calls `found` with the number of each word that ends with it, the longest first. */
  push(unit: number, found: (word: number) => void): void {
    let at: State | undefined = this.#at
    while (!at.next.has(unit) && at.fallback !== undefined) at = at.fallback
    at = at.next.get(unit) ?? at
    this.#at = at
    let ending: State | undefined = at.word === undefined ? at.shorter : at
    for (; ending !== undefined; ending = ending.shorter) found(ending.word!)
  }
}

function state(): State {
  return { next: new Map(), fallback: undefined, word: undefined, shorter: undefined }
}
