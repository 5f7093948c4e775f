import type { LoggedCall } from './logged-call.ts'
import { Moves } from './moves.ts'
import type { Observed } from './observed.ts'
import type { Prediction, Way } from './prediction.ts'
import { type Simulation, type TargetReport, Weighed } from './report.ts'

/** What the tokens of a call cost at a target, in nano-dollars; null: nobody knows. */
export type CostAt = (logged: LoggedCall, way: Way) => number | null

interface Counts {
  before: number
  after: number
  beforeNano: number
  afterNano: number
  /** What goes by with targets that fail before this one, in milliseconds, of all its calls. */
  waitedMs: number
}

/** Times of calls before that are kept for their percentiles. */
const SAMPLES_MAX = 2_000

/** Adds up what was, and what would be. */
export class Tally {
  readonly #costAt: CostAt
  readonly #moves = new Moves()
  readonly #targets = new Map<string, Counts>()
  readonly #refused = new Map<string, { code: string; calls: number; wasAnswered: number; example: string }>()
  readonly #splits = new Map<object, number>()
  readonly #leftAlone = new Map<string, number>()
  readonly #facts = new Map<string, number>()
  readonly #cost = { beforeNano: 0, afterNano: 0, unknownBefore: 0, unknownAfter: 0 }
  readonly #before = { samples: [] as number[], sumMs: 0 }
  #calls = 0
  #failing = 0
  #unknown = 0
  #drawn = 0

  constructor(costAt: CostAt) {
    this.#costAt = costAt
  }

  leaveAlone(why: string): void {
    raise(this.#leftAlone, why)
  }

  add(logged: LoggedCall, prediction: Prediction): void {
    this.#calls++
    this.#addBefore(logged)
    this.#addMove(logged, prediction)
    this.#failing += prediction.failing
    if (prediction.drawn.length > 0) this.#drawn++
    if (prediction.missing.size > 0) this.#unknown++
    for (const name of prediction.missing) raise(this.#facts, name)
    const { refused } = prediction
    if (refused) {
      const { code, message } = refused
      const counted = this.#refused.get(code) ?? { code, calls: 0, wasAnswered: 0, example: message }
      this.#refused.set(code, counted)
      counted.calls++
      if (logged.answeredBy !== undefined) counted.wasAnswered++
      return
    }
    let isUnpriced = false
    for (const way of prediction.ways) {
      const counts = this.#countsOf(way.target)
      counts.after += way.share
      counts.waitedMs += way.share * way.beforeMs
      const nano = way.share === 0 ? 0 : this.#costAt(logged, way)
      if (nano === null) isUnpriced = true
      else {
        counts.afterNano += nano * way.share
        this.#cost.afterNano += nano * way.share
      }
    }
    if (isUnpriced) this.#cost.unknownAfter++
  }

  report(observed: Observed, truncated: boolean): Simulation {
    const before = new Weighed()
    const { samples, sumMs } = this.#before
    before.add(samples, sumMs / this.#answered('before'), this.#answered('before'))
    const after = new Weighed()
    let unknownAfter = 0
    for (const [target, { after: calls, waitedMs }] of this.#targets) {
      const times = observed.timesOf(target)
      if (times) after.add(times.samples, times.meanMs + waitedMs / Math.max(calls, 1), calls)
      else unknownAfter += calls
    }
    const moves = this.#moves.list()
    return {
      calls: this.#calls,
      leftAlone: Object.fromEntries(this.#leftAlone),
      truncated,
      moved: moves.filter(({ from, to }) => from !== to).reduce((sum, { calls }) => sum + calls, 0),
      moves,
      targets: this.#targetReports(observed),
      refused: [...this.#refused.values()].sort((a, b) => b.calls - a.calls),
      failing: this.#failing,
      cost: { ...this.#cost },
      latency: { before: before.times(), after: after.times(), unknownAfter },
      unknown: { calls: this.#unknown, facts: Object.fromEntries(this.#facts) },
      drawn: this.#drawn
    }
  }

  #addBefore({ answeredBy, costNano, totalMs }: LoggedCall): void {
    if (costNano === null) this.#cost.unknownBefore++
    else this.#cost.beforeNano += costNano
    if (answeredBy === undefined) return
    const counts = this.#countsOf(answeredBy)
    counts.before++
    counts.beforeNano += costNano ?? 0
    this.#before.sumMs += totalMs
    if (this.#before.samples.length < SAMPLES_MAX) this.#before.samples.push(totalMs)
  }

  /** Alike are calls for one model of which the same splits decide, or, where none does, that go to the same targets. */
  #addMove({ modelAsked, answeredBy }: LoggedCall, { ways, failing, refused, drawn }: Prediction): void {
    const to = new Map<string | null, number>()
    for (const { target, share } of ways) to.set(target, (to.get(target) ?? 0) + share)
    if (failing > 0 || refused) to.set(null, refused ? 1 : failing)
    const decides = drawn.length > 0 ? drawn.map(split => this.#numberOf(split)) : [...to.keys()]
    this.#moves.add(JSON.stringify([modelAsked, decides]), answeredBy ?? null, to)
  }

  #numberOf(split: object): number {
    const number = this.#splits.get(split) ?? this.#splits.size
    this.#splits.set(split, number)
    return number
  }

  #countsOf(target: string): Counts {
    let counts = this.#targets.get(target)
    if (!counts) {
      counts = { before: 0, after: 0, beforeNano: 0, afterNano: 0, waitedMs: 0 }
      this.#targets.set(target, counts)
    }
    return counts
  }

  #answered(when: 'before' | 'after'): number {
    return [...this.#targets.values()].reduce((sum, counts) => sum + counts[when], 0)
  }

  #targetReports(observed: Observed): TargetReport[] {
    const [allBefore, allAfter] = [this.#answered('before'), this.#answered('after')]
    const reports = Array.from(this.#targets, ([target, { before, after, beforeNano, afterNano }]): TargetReport => {
      const known = observed.timesOf(target)
      const weighed = new Weighed()
      if (known) weighed.add(known.samples, known.meanMs, 1)
      return {
        target,
        callsBefore: before,
        callsAfter: after,
        shareBefore: allBefore === 0 ? 0 : before / allBefore,
        shareAfter: allAfter === 0 ? 0 : after / allAfter,
        costBeforeNano: beforeNano,
        costAfterNano: afterNano,
        times: weighed.times()
      }
    })
    return reports.sort((a, b) => b.callsAfter - a.callsAfter || b.callsBefore - a.callsBefore)
  }
}

function raise(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
