/** A partition is a day of UTC, by its number since 1970. */

const DAY_MS = 86_400_000

export function dayOf(ms: number): number {
  return Math.floor(ms / DAY_MS)
}

export function dayStartMs(day: number): number {
  return day * DAY_MS
}

/** 2026-11-23. */
export function dayName(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** Undefined: no name of a day. */
export function dayNamed(name: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\d$/.test(name)) return undefined
  const ms = Date.parse(name)
  return Number.isNaN(ms) ? undefined : dayOf(ms)
}
