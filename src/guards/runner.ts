import { type Guard, type Guarding, refusal, stops } from './attached.ts'
import type { Finding, Place } from './guard.ts'

/** A finding with its guard, of a text whose first unit has the number `base`. */
export interface Spot {
  start: number
  end: number
  guard: Guard
  finding: Finding
  /** The finding is of the text as a whole. */
  isWhole: boolean
}

/** Findings that overlap and are replaced: as one. */
export interface Cluster {
  start: number
  end: number
  spots: Spot[]
}

/** Asks every guard that reads single texts. Throws `guard_unavailable` where one cannot say and nothing may pass so. */
export function spotsIn(
  text: string,
  base: number,
  place: Place,
  guards: readonly Guard[],
  guarding: Guarding
): Spot[] {
  const spots: Spot[] = []
  for (const guard of guards) {
    if (!guard.check.find) continue
    const sinceMs = guarding.nowMs()
    try {
      for (const finding of guard.check.find(text, place)) spots.push(spotOf(guard, finding, text.length, base))
    } catch (thrown) {
      guarding.failed(guard, place.side, thrown)
    }
    guarding.took(guard, place.side, sinceMs)
  }
  return spots
}

export function spotOf(guard: Guard, finding: Finding, length: number, base: number): Spot {
  const { start, end } = finding
  if (start === undefined || end === undefined)
    return { start: base, end: base + length, guard, finding, isWhole: true }
  return { start: base + start, end: base + end, guard, finding, isWhole: false }
}

/** Notes what a spot says. Throws the refusal where its guard does not let it pass. */
export function judged({ guard, finding }: Spot, { side }: Pick<Place, 'side'>, guarding: Guarding): void {
  guarding.note(guard, side, finding, guard.action)
  if (stops(guard.action)) throw refusal(guard, side, finding)
}

export function isReplaced({ guard: { action } }: Spot): boolean {
  return action === 'mask' || action === 'restore'
}

/** What is to be replaced, merged where it overlaps, in order. */
export function clustersOf(spots: readonly Spot[]): Cluster[] {
  const sorted = spots.filter(spot => isReplaced(spot) && spot.end > spot.start).sort((a, b) => a.start - b.start)
  const clusters: Cluster[] = []
  for (const spot of sorted) {
    const last = clusters.at(-1)
    if (last && spot.start < last.end) {
      last.end = Math.max(last.end, spot.end)
      last.spots.push(spot)
    } else clusters.push({ start: spot.start, end: spot.end, spots: [spot] })
  }
  return clusters
}

/** What stands for the text of a cluster; undefined where the caller gave that very text, and may have it. */
export function standInFor({ spots }: Cluster, value: string, { side }: Pick<Place, 'side'>, guarding: Guarding) {
  const { placeholders } = guarding
  const longest = spots.reduce((best, spot) => (spot.end - spot.start > best.end - best.start ? spot : best))
  const label = longest.finding.label ?? 'REDACTED'
  const isOneWay = spots.some(({ guard }) => guard.action === 'mask')
  if (side === 'response' && !isOneWay && placeholders.isRestored(label, value)) return undefined
  return placeholders.of(label, value, side === 'request' && !isOneWay)
}
