/** The last few of something, oldest dropped first: what the front page shows without any store. */
export class Recent<T> {
  readonly #kept: T[] = []
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  add(one: T): void {
    this.#kept.push(one)
    if (this.#kept.length > this.#max) this.#kept.shift()
  }

  /** Newest first. */
  list(): readonly T[] {
    return this.#kept.toReversed()
  }
}
