import type { Guard } from './attached.ts'

/** What the built-in checks together read within about ten milliseconds, in UTF-16 units; more would hold up everybody. */
const UNITS_MAX = 64 * 1024

/** A pattern of a user takes about a millisecond for 16 KB (D24): units times patterns. */
const PATTERN_UNITS_MAX = 128 * 1024

/** Whether so much text is for another thread to read, so that the event loop of calls goes on. */
export function isHeavy(units: number, guards: readonly Guard[]): boolean {
  return units > UNITS_MAX || units * patternsOf(guards) > PATTERN_UNITS_MAX
}

function patternsOf(guards: readonly Guard[]): number {
  return guards.reduce((count, { options }) => {
    const { patterns } = options as { patterns?: unknown }
    return count + (Array.isArray(patterns) ? patterns.length : 0)
  }, 0)
}
