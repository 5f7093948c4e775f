/** What a window of time held. */
export interface Seen {
  calls: number
  errors: number
  costNano: number
  /** The value below which this share of the times lie, in milliseconds; undefined: there were none. */
  percentileMs(share: number): number | undefined
}

interface Bucket {
  /** Which slice of time it is for. */
  slice: number
  calls: number
  errors: number
  costNano: number
  /** How many times fell into each step; a step is a tenth more than the one before it. */
  times: Map<number, number>
}

const BUCKETS = 30
const STEP = Math.log(1.1)

/** Counts of the last so many milliseconds, in thirty slices: what is older than that, to a thirtieth, is forgotten. */
export class Sliding {
  readonly #sliceMs: number
  #buckets: Bucket[] = []

  constructor(overMs: number) {
    this.#sliceMs = overMs / BUCKETS
  }

  add(nowMs: number, { isError, costNano, tookMs }: { isError: boolean; costNano?: number; tookMs?: number }): void {
    const bucket = this.#bucketAt(nowMs)
    bucket.calls++
    if (isError) bucket.errors++
    bucket.costNano += costNano ?? 0
    if (tookMs === undefined) return
    const step = Math.ceil(Math.log(Math.max(1, tookMs)) / STEP)
    bucket.times.set(step, (bucket.times.get(step) ?? 0) + 1)
  }

  seen(nowMs: number): Seen {
    this.#forget(nowMs)
    const sum = (of: (bucket: Bucket) => number) => this.#buckets.reduce((all, bucket) => all + of(bucket), 0)
    return {
      calls: sum(({ calls }) => calls),
      errors: sum(({ errors }) => errors),
      costNano: sum(({ costNano }) => costNano),
      percentileMs: share => this.#percentileMs(share)
    }
  }

  #percentileMs(share: number): number | undefined {
    const times = new Map<number, number>()
    let count = 0
    for (const bucket of this.#buckets) {
      for (const [step, calls] of bucket.times) {
        times.set(step, (times.get(step) ?? 0) + calls)
        count += calls
      }
    }
    let left = Math.ceil(count * share)
    for (const [step, calls] of [...times].sort(([one], [other]) => one - other)) {
      left -= calls
      if (left <= 0) return Math.round(Math.exp(step * STEP))
    }
    return undefined
  }

  #bucketAt(nowMs: number): Bucket {
    const slice = Math.floor(nowMs / this.#sliceMs)
    const last = this.#buckets.at(-1)
    if (last && last.slice >= slice) return last
    this.#forget(nowMs)
    const bucket: Bucket = { slice, calls: 0, errors: 0, costNano: 0, times: new Map() }
    this.#buckets.push(bucket)
    return bucket
  }

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / this.#sliceMs) - BUCKETS
    this.#buckets = this.#buckets.filter(({ slice }) => slice > oldest)
  }
}
