/**
 * What makers of values draw with, and check digits by code of our own, from the issuing authorities' descriptions:
 * nothing here knows the checks that it judges.
 */

/** From 0 to below `below`. */
export type Dice = (below: number) => number

export interface Maker {
  type: string
  /** What people say before it. */
  names: readonly string[]
  make(dice: Dice): string
  /** The same form, and none: a wrong check digit, a date that is none. Absent: the form has nothing to be wrong. */
  near?(value: string, dice: Dice): string
}

/** Mulberry32: the same run every time. */
export function seeded(seed: number): Dice {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

export const one = <T>(dice: Dice, all: readonly T[]): T => all[dice(all.length)]!
export const digits = (dice: Dice, count: number): number[] => Array.from({ length: count }, () => dice(10))
export const letters = (dice: Dice, count: number, of = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'): string =>
  Array.from({ length: count }, () => of[dice(of.length)]).join('')
export const two = (value: number): string => String(value).padStart(2, '0')
export const hex = (dice: Dice, count: number): string => letters(dice, count, '0123456789abcdef')

/** Each digit by its weight, added up. */
export const weigh = (all: readonly number[], by: readonly number[]): number =>
  by.reduce((sum, weight, at) => sum + weight * all[at]!, 0)

/** Tries until the form allows what was drawn. */
export function drawn(attempt: () => string | undefined): string {
  for (;;) {
    const value = attempt()
    if (value !== undefined) return value
  }
}

/** Luhn's check digit (ISO/IEC 7812-1, annex B) of these. */
export function luhnDigit(body: readonly number[]): number {
  let sum = 0
  body.toReversed().forEach((digit, at) => {
    const doubled = at % 2 === 0 ? digit * 2 : digit
    sum += doubled > 9 ? doubled - 9 : doubled
  })
  return (10 - (sum % 10)) % 10
}

/** Dihedral group of order ten, computed rather than tabled (Verhoeff, 1969). */
function dihedral(a: number, b: number): number {
  if (a < 5) return b < 5 ? (a + b) % 5 : ((a + b - 5) % 5) + 5
  return b < 5 ? ((a - 5 + 5 - b) % 5) + 5 : (a - b + 5) % 5
}
const SHUFFLE = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4]

export function isVerhoeff(all: readonly number[]): boolean {
  let check = 0
  all.toReversed().forEach((digit, at) => {
    let moved = digit
    for (let turn = 0; turn < at % 8; turn++) moved = SHUFFLE[moved]!
    check = dihedral(check, moved)
  })
  return check === 0
}

/** Another last digit, which then checks no more. */
export const lastWrong = (value: string): string =>
  value.replace(/\d(?=\D*$)/, digit => String((Number(digit) + 1) % 10))

/** `123456789` in groups of these sizes. */
export function grouped(value: string, sizes: readonly number[], mark: string): string {
  let at = 0
  const parts = sizes.map(size => {
    at += size
    return value.slice(at - size, at)
  })
  return parts.join(mark)
}

/** A day of somebody's life: year, month and day. */
export function birth(dice: Dice): { year: number; month: number; day: number } {
  return { year: 1930 + dice(80), month: 1 + dice(12), day: 1 + dice(28) }
}

/** Two digits each, in the order that is asked for. */
export function dated({ year, month, day }: ReturnType<typeof birth>, order: 'ymd' | 'dmy'): string {
  const parts = [two(year % 100), two(month), two(day)]
  return (order === 'ymd' ? parts : parts.toReversed()).join('')
}
