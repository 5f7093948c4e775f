import type { BudgetWindow } from '../stores/rows.ts'

/** Where a moment lies in a budget's window. Times are milliseconds since 1970. */
export interface WindowAt {
  /** Tells this window from the one before; the same for all moments of it. Empty where the window rolls. */
  name: string
  /** Number of the slice that the moment is in, and how many of them count, this one included. */
  slice: number
  slices: number
  /** When what counts now began. */
  startMs: number
  /** When the window begins anew; a rolling one: when its oldest slice falls out. */
  resetMs: number
  /** When this slice no longer counts. */
  expiresAtMs: number
}

/** A rolling window is counted in so many slices: it is at most one of them longer than it says. */
const SLICES = 60

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

export function windowAt(window: BudgetWindow, nowMs: number): WindowAt {
  if ('rollingMs' in window) return rollingAt(window.rollingMs, nowMs)
  const { every, timeZone } = window
  const known = current.get(`${every} ${timeZone}`)
  if (known && nowMs >= known.startMs && nowMs < known.resetMs) return known
  const [startMs, resetMs] = boundsOf(every, timeZone, nowMs)
  const found = Object.freeze({
    name: new Date(startMs).toISOString().slice(0, 16),
    slice: 0,
    slices: 1,
    startMs,
    resetMs,
    // Late settlements of calls that began in it still find it.
    expiresAtMs: resetMs + DAY_MS
  })
  if (current.size > 1_000) current.clear()
  current.set(`${every} ${timeZone}`, found)
  return found
}

/** The present window of each kind: it is asked for at every call, and reckoning in time zones is slow. */
const current = new Map<string, WindowAt>()

function rollingAt(lengthMs: number, nowMs: number): WindowAt {
  const sliceMs = Math.ceil(lengthMs / SLICES)
  const slice = Math.floor(nowMs / sliceMs)
  const startMs = (slice - SLICES) * sliceMs
  const resetMs = (slice + 1) * sliceMs
  return { name: '', slice, slices: SLICES + 1, startMs, resetMs, expiresAtMs: (slice + SLICES + 1) * sliceMs }
}

type Every = 'minute' | 'hour' | 'day' | 'week' | 'month'

function boundsOf(every: Every, timeZone: string, nowMs: number): [startMs: number, endMs: number] {
  const offsetMs = offsetAt(timeZone, nowMs)
  const local = nowMs + offsetMs
  if (every === 'minute' || every === 'hour') {
    // No time zone changes within a minute; where it changes within an hour, the hour is cut short there.
    const lengthMs = every === 'minute' ? MINUTE_MS : HOUR_MS
    const startMs = Math.floor(local / lengthMs) * lengthMs - offsetMs
    return [startMs, startMs + lengthMs]
  }
  const day = new Date(Math.floor(local / DAY_MS) * DAY_MS)
  // Weeks begin on Monday (ISO 8601).
  if (every === 'week') day.setUTCDate(day.getUTCDate() - ((day.getUTCDay() + 6) % 7))
  if (every === 'month') day.setUTCDate(1)
  const end = new Date(day)
  if (every === 'month') end.setUTCMonth(end.getUTCMonth() + 1)
  else end.setUTCDate(end.getUTCDate() + (every === 'week' ? 7 : 1))
  return [midnight(timeZone, day.getTime()), midnight(timeZone, end.getTime())]
}

/** The moment at which a day begins in a time zone, of the day's midnight as if it were in UTC. */
function midnight(timeZone: string, localMs: number): number {
  // The offset is that of the moment itself, which is only found with it: the second guess is right, but for days
  // that begin with a jump, whose first moment is the later of the two.
  const guess = localMs - offsetAt(timeZone, localMs)
  const found = localMs - offsetAt(timeZone, guess)
  return found + offsetAt(timeZone, found) === localMs ? found : Math.max(guess, found)
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** How far the clocks of a time zone are ahead of UTC then. */
function offsetAt(timeZone: string, atMs: number): number {
  if (timeZone === 'UTC') return 0
  let format = formats.get(timeZone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric'
    })
    formats.set(timeZone, format)
  }
  const parts: Record<string, number> = {}
  for (const { type, value } of format.formatToParts(atMs)) parts[type] = Number(value)
  const { year, month, day, hour, minute, second } = parts
  const local = Date.UTC(year!, month! - 1, day, hour, minute, second)
  return local - Math.floor(atMs / 1000) * 1000
}
