declare const branded: unique symbol

/** Money: whole nano-dollars (10⁻⁹ US dollars), a safe integer, so up to about nine million dollars a value (D15). */
export type Nano = number & { readonly [branded]: true }

/** One dollar. */
export const NANO_PER_USD = 1_000_000_000

/** A number as money. Throws a RangeError where it is no safe integer. */
export function nano(value: number): Nano {
  if (!Number.isSafeInteger(value)) throw new RangeError(`not a whole number of nano-dollars: ${value}`)
  return value as Nano
}

/** A sum that was reckoned exactly as money of one row or hold; what is beyond a safe integer throws a RangeError. */
export function toNano(value: bigint): Nano {
  return nano(Number(value))
}

/** `1.5`, `"0.000001"` or `"$100"` in nano-dollars; undefined where it is no amount, or finer than a nano-dollar. */
export function parseUsd(text: string | number): Nano | undefined {
  const match = /^\$?(\d{1,7})(?:\.(\d{1,9}))?$/.exec(typeof text === 'number' ? plain(text) : text.trim())
  if (!match) return undefined
  const value = Number(match[1]) * NANO_PER_USD + Number((match[2] ?? '').padEnd(9, '0'))
  return Number.isSafeInteger(value) ? (value as Nano) : undefined
}

/** Money as JSON has it: a decimal text in US dollars, with no more digits than it needs: `0.0001234`. */
export function usdText(amount: Nano | bigint | number): string {
  const value = amount.toString()
  const isOwed = value.startsWith('-')
  const digits = (isOwed ? value.slice(1) : value).padStart(10, '0')
  let end = digits.length
  while (end > digits.length - 9 && digits[end - 1] === '0') end--
  const fraction = digits.slice(-9, end)
  return `${isOwed ? '-' : ''}${digits.slice(0, -9)}${fraction && `.${fraction}`}`
}

function plain(value: number): string {
  return Math.abs(value) < 1e-6 && value !== 0 ? value.toFixed(9) : String(value)
}
