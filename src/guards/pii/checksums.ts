/** Check digits, by the algorithms that issuers publish. All take plain digits, unless they say otherwise. */

export function digitsOf(text: string): number[] {
  const digits: number[] = []
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 48
    if (digit >= 0 && digit <= 9) digits.push(digit)
  }
  return digits
}

/** Sum of digits, each times its weight. */
export function weighted(digits: readonly number[], weights: readonly number[]): number {
  return weights.reduce((sum, weight, at) => sum + weight * (digits[at] ?? 0), 0)
}

/** ISO/IEC 7812-1, annex B. */
export function luhn(digits: readonly number[]): boolean {
  let sum = 0
  for (let at = 0; at < digits.length; at++) {
    const digit = digits[digits.length - 1 - at]!
    const doubled = digit * 2
    sum += at % 2 === 0 ? digit : doubled > 9 ? doubled - 9 : doubled
  }
  return sum % 10 === 0
}

/** ISO/IEC 7064, MOD 11,10. */
export function mod11Then10(digits: readonly number[]): boolean {
  let product = 10
  for (const digit of digits.slice(0, -1)) {
    const sum = (digit + product) % 10 || 10
    product = (sum * 2) % 11
  }
  return (11 - product) % 10 === digits.at(-1)
}

/** ISO/IEC 7064, MOD 97-10, as IBANs have it (ISO 13616): letters stand for 10 to 35. Takes capitals and digits. */
export function mod97(text: string): number {
  let rest = 0
  for (const character of text) {
    const value = Number.parseInt(character, 36)
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97
  }
  return rest
}

const DIHEDRAL = [
  [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
  [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
  [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
  [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
  [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
  [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
  [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
  [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
  [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
] as const
const TURN = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4] as const

/** J. Verhoeff, Error Detecting Decimal Codes (1969). */
export function verhoeff(digits: readonly number[]): boolean {
  let check = 0
  for (let at = 0; at < digits.length; at++) {
    let digit = digits[digits.length - 1 - at]!
    for (let turn = 0; turn < at % 8; turn++) digit = TURN[digit]!
    check = DIHEDRAL[check]![digit]!
  }
  return check === 0
}

/** Whether there is such a day; of years with two digits, in any century. */
export function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0 || year < 100)
  return day <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]!
}

/** The number that some digits of a list make. */
export function numberAt(digits: readonly number[], from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at++) value = value * 10 + (digits[at] ?? 0)
  return value
}
