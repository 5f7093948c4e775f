import type { Move } from './moves.ts'

/** Milliseconds. */
export interface Times {
  mean: number
  p50: number
  p95: number
}

/** One target before and after. Calls after are expected: they need not be whole. */
export interface TargetReport {
  target: string
  callsBefore: number
  callsAfter: number
  /** Of all calls that somebody answered, from 0 to 1. */
  shareBefore: number
  shareAfter: number
  /** Nano-dollars; calls without a price are left out. */
  costBeforeNano: number
  costAfterNano: number
  /** Null: it never answered in that time. */
  times: Times | null
}

export interface Simulation {
  /** Calls that the configuration has a say in. */
  calls: number
  /** Calls that it has none in, by why. */
  leftAlone: Record<string, number>
  /** There were more: these are the newest. */
  truncated: boolean
  /** Calls that somebody else would answer, or nobody any more, or somebody now. */
  moved: number
  moves: Move[]
  targets: TargetReport[]
  /** Calls that would be refused, by code; `wasAnswered`: those of them that were not refused before. */
  refused: { code: string; calls: number; wasAnswered: number; example: string }[]
  /** Calls that every target would fail. */
  failing: number
  cost: { beforeNano: number; afterNano: number; unknownBefore: number; unknownAfter: number }
  /** Null: nothing is known of it. `unknownAfter`: calls at targets that never answered. */
  latency: { before: Times | null; after: Times | null; unknownAfter: number }
  /** Calls whose way hangs on what the log does not have, and on what. */
  unknown: { calls: number; facts: Record<string, number> }
  /** Calls whose way is decided by chance. */
  drawn: number
}

/** Values with weights, the mean of all, and the value below which a share of the weight lies. */
export class Weighed {
  readonly #values: [value: number, weight: number][] = []
  #sum = 0
  #weight = 0

  /** The mean is exact, the percentiles are those of the samples. */
  add(samples: readonly number[], mean: number, weight: number): void {
    if (samples.length === 0 || weight === 0) return
    this.#sum += mean * weight
    this.#weight += weight
    for (const sample of samples) this.#values.push([sample, weight / samples.length])
  }

  times(): Times | null {
    if (this.#weight === 0) return null
    this.#values.sort(([a], [b]) => a - b)
    return { mean: this.#sum / this.#weight, p50: this.#at(0.5), p95: this.#at(0.95) }
  }

  #at(share: number): number {
    let left = this.#weight * share
    for (const [value, weight] of this.#values) {
      left -= weight
      if (left < 0) return value
    }
    return this.#values.at(-1)![0]
  }
}
