/** Counts by name over the last seconds: a ring of one bucket a second, so that memory does not grow with load. */
export class Window<Name extends string> {
  readonly #names: readonly Name[]
  readonly #seconds: number
  readonly #buckets: { second: number; counts: Record<Name, number> }[] = []

  constructor(names: readonly Name[], seconds: number) {
    this.#names = names
    this.#seconds = seconds
  }

  add(name: Name, nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    const slot = second % this.#seconds
    let bucket = this.#buckets[slot]
    if (bucket?.second !== second) {
      bucket = { second, counts: Object.fromEntries(this.#names.map(each => [each, 0])) as Record<Name, number> }
      this.#buckets[slot] = bucket
    }
    bucket.counts[name]++
  }

  /** How many in the last `seconds`, the current one included; all of the window without it. */
  sum(name: Name, nowMs: number, seconds = this.#seconds): number {
    const second = Math.floor(nowMs / 1_000)
    let sum = 0
    for (const bucket of this.#buckets) {
      // Slots that were never used are holes.
      if (bucket && bucket.second > second - seconds && bucket.second <= second) sum += bucket.counts[name]
    }
    return sum
  }

  clear(): void {
    this.#buckets.length = 0
  }
}
