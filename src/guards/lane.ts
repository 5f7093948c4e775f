import { type Guard, type Guarding, isNoted } from './attached.ts'
import type { Place } from './guard.ts'
import { JsonText, jsonEscaped } from './json-text.ts'
import { type Cluster, clustersOf, isReplaced, judged, type Spot, spotsIn, standInFor } from './runner.ts'
import { backBy, STUFFING_MAX } from './stretch.ts'

interface Range {
  start: number
  end: number
}

/** Text that takes the place of other text; offsets from the lane's very beginning. */
interface Rewrite extends Range {
  text: string
  /** What a placeholder stands for. */
  isRestored: boolean
}

/** A text as it is now. */
interface Written {
  text: string
  /** The same with the placeholders that stand in it, for who may not see what they stand for. */
  hidden: string
}

/** Text that a look reads, from the unit `base` of its lane on. */
export interface Scan {
  text: string
  base: number
  guards: readonly Guard[]
}

interface LaneOptions {
  place: Place
  /** Those that read this text. */
  guards: readonly Guard[]
  guarding: Guarding
  /** Puts back what the request's placeholders stand for. */
  restores: boolean
}

/** A check may need to see what came before: a longer number, a word that says what follows. In characters that count. */
const CONTEXT_MIN = 128

/**
 * One text, whole or as it comes. What is decided of it grows from its beginning to its end: up to the last place that
 * no check could still complete or extend a finding from, nor a placeholder go on from. Whether a text comes in one
 * piece or unit by unit, the decisions are the same. JSON is looked at with its escapes read.
 */
export class Lane {
  readonly place: Place
  readonly guarding: Guarding
  readonly #guards: readonly Guard[]
  readonly #restores: boolean
  /** How far before its end the text is held back, and how far findings may change that only are noted: see `backBy`. */
  readonly #reach: number
  readonly #watch: number
  /** Whether any guard may change the text, or keep it from passing. */
  readonly #holds: boolean
  /** Those that look at the end alone, at all of it. */
  readonly #last: readonly Guard[]
  #json: JsonText | undefined
  #isBegun = false
  /** The text as checks see it, from the unit `#base` on: what is decided of it is kept as far as a check may look back. */
  #view = ''
  #base = 0
  #rawLength = 0
  /** Of the view: up to here replaced or left for good, noted, kept from passing; its length at the last look. */
  #decided = 0
  #noted = 0
  #judged = 0
  #looked = 0
  #isEnded = false
  /** Nothing more will come, and all of it was looked at. */
  #isDone = false
  /** So much has no width that no check can say what it hides. */
  #isStuffed = false
  #rewrites: Rewrite[] = []
  /** How many of them are of pieces that were asked for. */
  #written = 0
  readonly #sealed: Range[] = []

  constructor({ place, guards, guarding, restores }: LaneOptions) {
    this.place = place
    this.guarding = guarding
    this.#guards = guards.filter(({ check }) => check.reach !== 'whole')
    this.#last = guards.filter(({ check }) => check.reach === 'whole')
    this.#restores = restores
    const holding = guards.filter(guard => !isNoted(guard))
    this.#holds = holding.length > 0
    this.#reach = reachOf(holding)
    this.#watch = reachOf(this.#guards)
  }

  /** As checks see it. */
  get view(): string {
    return this.#view
  }

  /** How much of the text, as it came, is decided. */
  get decided(): number {
    if (this.#isDone) return this.#rawLength
    return this.#json ? this.#json.rawOf(this.#decided) : this.#decided
  }

  /** Whether anything waits to be replaced in what was not asked for yet. */
  get isRewritten(): boolean {
    return this.#rewrites.length > 0
  }

  /** Takes more text; where it stands from the lane's beginning. A sealed piece is never changed. */
  push(text: string, isSealed: boolean): Range {
    const start = this.#rawLength
    this.#isEnded = false
    this.#isDone = false
    this.#rawLength += text.length
    if (!this.#isBegun && text.trim() !== '') {
      this.#isBegun = true
      // Freeform input of a tool is no JSON.
      if (this.place.kind === 'tool-input' && /^\s*[{"]/.test(text)) this.#json = new JsonText(start)
    }
    this.#view += this.#json ? this.#json.push(text) : text
    if (isSealed) this.#seal(start, this.#rawLength)
    return { start, end: this.#rawLength }
  }

  #seal(start: number, end: number): void {
    const last = this.#sealed.at(-1)
    if (last?.end === start) last.end = end
    else if (end > start) this.#sealed.push({ start, end })
  }

  #isSealed({ start, end }: Range): boolean {
    return this.#sealed.some(sealed => sealed.start < end && start < sealed.end)
  }

  /** Nothing more will come. */
  end(): void {
    this.#isEnded = true
  }

  /** What the next look will read; nothing where it would be too soon. */
  get scans(): readonly Scan[] {
    if (this.#isDone || this.#isEarly) return []
    const from = this.#backFrom(Math.min(this.#decided, this.#noted), this.#context)
    const scan = { text: this.#view.slice(from - this.#base), base: from, guards: this.#guards }
    if (!this.#isEnded || this.#last.length === 0) return [scan]
    return [scan, { text: this.#view, base: this.#base, guards: this.#last }]
  }

  /**
   * Decides what can be decided. `given`: findings that are known already; `found`: those of `scans`, where they were
   * read elsewhere. Throws the Failure that stops the call.
   */
  look(given: readonly Spot[] = [], found?: readonly Spot[]): void {
    this.#lookOn(given, found)
    this.#isDone = this.#isEnded
  }

  get #end(): number {
    return this.#base + this.#view.length
  }

  get #isEarly(): boolean {
    return !this.#isEnded && this.#end - this.#looked < this.#step(this.#end)
  }

  #lookOn(given: readonly Spot[], found: readonly Spot[] | undefined): void {
    const end = this.#end
    if (this.#isEarly) {
      if (!this.#holds) this.#decide([], end)
      return
    }
    if (this.#isDone && given.length === 0) return
    const scans = found ? [] : this.scans
    this.#looked = end
    const reachPoint = this.#isEnded ? end : this.#backFrom(end, this.#reach)
    const isSame = this.#isEnded || this.#watch === this.#reach
    const watchPoint = isSame ? reachPoint : this.#backFrom(end, this.#watch)
    if (!this.#isEnded) this.#mindStuffing(end - reachPoint - this.#reach, end - watchPoint - this.#watch)
    if (Math.max(reachPoint - this.#decided, watchPoint - this.#noted) <= 0 && !this.#isEnded) return
    const read =
      found ?? scans.flatMap(({ text, base, guards }) => spotsIn(text, base, this.place, guards, this.guarding))
    const spots = [...read, ...given]
    for (const spot of spots) this.#note(spot, isNoted(spot.guard) ? watchPoint : reachPoint)
    this.#noted = Math.max(this.#noted, watchPoint)
    this.#judged = Math.max(this.#judged, reachPoint)
    this.#decide(clustersOf(spots), reachPoint)
    this.#forget()
  }

  #backFrom(position: number, distance: number): number {
    if (distance === Infinity) return this.#base
    return this.#base + backBy(this.#view, position - this.#base, distance)
  }

  /** Where more stands between than a window may hold, checks cannot say: those that must are as good as failed. */
  #mindStuffing(...units: readonly number[]): void {
    if (this.#isStuffed || !units.some(count => count >= STUFFING_MAX)) return
    this.#isStuffed = true
    const thrown = new Error('The text holds more characters without width than a window may.')
    for (const guard of this.#guards) this.guarding.failed(guard, this.place.side, thrown)
  }

  /** How far back checks may look. */
  get #context(): number {
    return Math.max(CONTEXT_MIN, this.#watch)
  }

  /** Looking again costs as much as there is to see: a few units more are waited for, in proportion. */
  #step(end: number): number {
    const undecided = end - Math.min(this.#decided, this.#noted) - this.#watch
    return Math.max(this.#watch >> 2, undecided >> 3)
  }

  /** What replaces nothing counts when later text can change nothing of it, once. */
  #note(spot: Spot, point: number): void {
    if (isReplaced(spot)) return
    const from = isNoted(spot.guard) ? this.#noted : this.#judged
    const isLast = spot.isWhole || spot.guard.check.reach === 'whole'
    const isNow = isLast ? this.#isEnded : spot.start >= from && (spot.start < point || this.#isEnded)
    if (isNow) judged(spot, this.place, this.guarding)
  }

  #decide(clusters: readonly Cluster[], reachPoint: number): void {
    const { placeholders } = this.guarding
    const base = this.#base
    const placed = this.#restores ? placeholders.in(this.#view) : []
    for (const range of placed) {
      range.start += base
      range.end += base
    }
    const openAt = this.#restores ? base + placeholders.openAt(this.#view) : reachPoint
    const point = this.#isEnded ? reachPoint : before([...clusters, ...placed], Math.min(reachPoint, openAt))
    if (point < this.#decided) return
    const isNew = ({ start, end }: Range) => end > this.#decided && end <= point && start < end
    const replaced = clusters.filter(isNew)
    for (const cluster of replaced) this.#replace(cluster)
    let next = 0
    for (const range of placed.filter(isNew)) {
      while (next < replaced.length && replaced[next]!.end <= range.start) next++
      const isFree = next === replaced.length || replaced[next]!.start >= range.end
      if (isFree) this.#rewrite(range.start, range.end, () => range.value, true)
    }
    this.#rewrites.sort((a, b) => a.start - b.start)
    this.#decided = point
  }

  #replace(cluster: Cluster): void {
    const { side } = this.place
    const start = Math.max(cluster.start, this.#decided)
    const isSealed = this.#isSealed(this.#json ? this.#rawRange(start, cluster.end) : { start, end: cluster.end })
    for (const { guard, finding } of cluster.spots) {
      // What is sealed is never changed (D21): it is as if it were flagged.
      this.guarding.note(guard, side, finding, isSealed ? 'flag' : guard.action)
    }
    if (!isSealed) this.#rewrite(start, cluster.end, value => standInFor(cluster, value, this.place, this.guarding))
  }

  #rewrite(start: number, end: number, make: (value: string) => string | undefined, isRestored = false): void {
    const textIn = (from: number, to: number) => this.#view.slice(from - this.#base, to - this.#base)
    if (!this.#json) {
      const text = make(textIn(start, end))
      if (text !== undefined) this.#put({ start, end, text, isRestored })
      return
    }
    for (const piece of this.#json.pieces(start, end)) {
      const value = textIn(piece.start, piece.end)
      if (piece.isBare) this.#rewriteBare(piece.start, value, make)
      else {
        const text = make(value)
        const range = this.#rawRange(piece.start, piece.end)
        if (text !== undefined) this.#put({ ...range, text: jsonEscaped(text), isRestored })
      }
    }
  }

  /** A number of JSON becomes a text as a whole: whatever stands for it is none. */
  #rewriteBare(start: number, value: string, make: (value: string) => string | undefined): void {
    for (const { 0: digits, index } of value.matchAll(/\d[\d.eE+-]*/g)) {
      let from = start + index
      let to = from + digits.length
      const at = (position: number) => this.#view[position - this.#base] ?? ''
      while (/[\d.eE+-]/.test(at(from - 1))) from--
      while (/[\d.eE+-]/.test(at(to))) to++
      const text = make(this.#view.slice(from - this.#base, to - this.#base))
      if (text !== undefined) this.#put({ ...this.#rawRange(from, to), text: JSON.stringify(text), isRestored: false })
    }
  }

  #rawRange(start: number, end: number): Range {
    return { start: this.#json!.rawOf(start), end: this.#json!.rawOf(end) }
  }

  #put(rewrite: Rewrite): void {
    if (!this.#isSealed(rewrite)) this.#rewrites.push(rewrite)
  }

  /** Pieces of this lane are asked for in order, once they are decided. */
  written(piece: Range, text: string): Written {
    const rewrites = this.#rewrites
    const textIn = (from: number, to: number) => text.slice(from - piece.start, to - piece.start)
    let written = ''
    let hidden = ''
    let at = piece.start
    for (let next = this.#written; next < rewrites.length; next++) {
      const { start, end, text: instead, isRestored } = rewrites[next]!
      if (start >= piece.end) break
      if (end > at) {
        const [before, after] = [Math.max(at, start), Math.min(end, piece.end)]
        // Of one that spans several pieces, the first has all of the new text.
        const isFirst = start >= piece.start
        written += textIn(at, before) + (isFirst ? instead : '')
        hidden += textIn(at, before) + (isRestored ? textIn(before, after) : isFirst ? instead : '')
        at = after
      }
      if (end <= piece.end) this.#written = next + 1
    }
    if (this.#written === rewrites.length && this.#written > 0) {
      this.#rewrites = []
      this.#written = 0
    }
    const rest = text.slice(at - piece.start)
    return { text: written + rest, hidden: hidden + rest }
  }

  #forget(): void {
    if (this.#last.length > 0) return
    const spare = this.#backFrom(Math.min(this.#decided, this.#noted), this.#context) - this.#base
    if (spare < 4 * this.#context) return
    this.#view = this.#view.slice(spare)
    this.#base += spare
  }
}

/** The point, or the beginning of what lies across it. */
function before(ranges: Range[], point: number): number {
  let at = point
  for (const { start, end } of ranges.sort((a, b) => b.start - a.start)) if (start < at && end > at) at = start
  return at
}

/** How far before its end a text cannot be decided yet. */
function reachOf(guards: readonly Guard[]): number {
  return guards.reduce((most, { check: { reach } }) => Math.max(most, reach === 'whole' ? Infinity : reach), 0)
}
