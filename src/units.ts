/** What a text with a unit came to, or why it could not be read (a sentence that shows nothing of the text). */
export type Measured = { ok: true; value: number } | { ok: false; why: string }

const MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const BYTES = {
  B: 1,
  KB: 1_000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1_024,
  MiB: 1_048_576,
  GiB: 1_073_741_824
}

/** `250ms`, `20s`, `1.5m`, `1h`, `7d` in milliseconds, rounded to a whole one. */
export function parseDuration(text: string): Measured {
  return parse(text, MS, 'a duration', '250ms, 20s, 5m or 1h')
}

/** `512B`, `16KB`, `40MB`, `1GB` (powers of 1000) and `64KiB`, `1MiB`, `1GiB` (powers of 1024) in bytes. */
export function parseSize(text: string): Measured {
  return parse(text, BYTES, 'a size', '512B, 64KiB, 40MB or 1GB')
}

/** `85%` or `12.5%` as a share: 0.85, 0.125. From 0% to 100%. */
export function parsePercent(text: string): Measured {
  const match = /^(\d{1,3}(?:\.\d{1,6})?)\s?%$/.exec(text)
  const share = Number(match?.[1]) / 100
  return share <= 1 ? { ok: true, value: share } : { ok: false, why: 'a percentage is a number from 0% to 100%: 85%' }
}

/** Milliseconds in the largest unit that says them in whole numbers: 90000 is `90s`. Reads back as the same number. */
export function formatDuration(valueMs: number): string {
  return format(valueMs, MS)
}

/** Bytes in the largest unit that says them in whole numbers: 40000000 is `40MB`. Reads back as the same number. */
export function formatSize(bytes: number): string {
  return format(bytes, BYTES)
}

function parse(text: string, units: Record<string, number>, what: string, examples: string): Measured {
  const match = /^(\d{1,15}(?:\.\d{1,6})?)\s?([A-Za-z]*)$/.exec(text)
  if (!match) return { ok: false, why: `${what} is a number with a unit: ${examples}` }
  const [, amount = '', unit = ''] = match
  if (unit === '') return { ok: false, why: `${what} needs a unit: ${examples}` }
  const scale = Object.hasOwn(units, unit) ? units[unit] : undefined
  if (scale === undefined) return { ok: false, why: `not a unit of ${what}; use ${Object.keys(units).join(', ')}` }
  const value = Math.round(Number(amount) * scale)
  if (!Number.isSafeInteger(value)) return { ok: false, why: `${what} this large cannot be counted` }
  return { ok: true, value }
}

function format(value: number, units: Record<string, number>): string {
  const [smallest = ''] = Object.keys(units)
  const fitting = Object.entries(units).filter(([, scale]) => value !== 0 && value % scale === 0)
  const [unit, scale] = fitting.reduce((best, next) => (next[1] > best[1] ? next : best), [smallest, 1])
  return `${value / scale}${unit}`
}
