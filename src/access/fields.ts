import * as z from 'zod'
import { isMappedRange, readRange } from './addresses.ts'

/** The kinds of value in what people write about keys, tenants, budgets and prices, in the file and to the admin API. */

/** A text for people and for rows: no control characters, nor marks that turn the direction of writing. */
const PLAIN = /^[^\p{C}]+$/u

export const plainText = z
  .string()
  .min(1, { error: 'must not be empty' })
  .max(200, { error: 'longer than 200 characters' })
  .regex(PLAIN, { error: 'expected plain text without control characters' })

/** What budgets, limits and rows name a thing by. A `*` would be a pattern in a budget's scope. */
export const idText = plainText.regex(/^[^\s*]+(?: [^\s*]+)*$/, {
  error: 'expected a name without "*", and without spaces at its ends'
})

export const pattern = plainText.describe('A name; `*` stands for any text.')

export const patterns = z.array(pattern).max(1_000)

export const tags = z.array(idText).max(16)

/** A flat record: what is nested belongs into a system of its own. */
export const metadata = z
  .record(z.string().min(1).max(100).regex(PLAIN), z.union([z.string().max(1_000), z.number(), z.boolean()]))
  .refine(record => Object.keys(record).length <= 50, { error: 'at most 50 entries' })

/** A range of addresses, `10.0.0.0/8`, or one address. */
export const addressRange = z
  .string()
  .max(60)
  .refine(text => readRange(text) !== undefined, {
    error: 'expected an address range: 10.0.0.0/8, 2001:db8::/32 or one address'
  })
  .refine(text => !isMappedRange(text), { error: 'write it as the IPv4 range it stands for: 10.0.0.0/8' })

/** A moment as ISO 8601 has it; milliseconds since 1970 once read. A day is its first moment in UTC. */
export const moment = z
  .string()
  .meta({ title: 'moment', examples: ['2027-01-31', '2027-01-31T12:00:00Z'] })
  .transform((text, context) => {
    const isMoment = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
    const atMs = isMoment ? Date.parse(text) : Number.NaN
    // The language takes the 31st of any month for a day of the next.
    if (!Number.isNaN(atMs) && new Date(`${text.slice(0, 10)}T00:00Z`).toISOString().startsWith(text.slice(0, 10))) {
      return atMs
    }
    context.addIssue({ code: 'custom', message: 'expected a day or a moment: 2027-01-31 or 2027-01-31T12:00:00Z' })
    return z.NEVER
  })

/** A whole number above zero, written out or shortened: `1000000`, `"100k"`, `"2M"`. */
export const count = z
  .union([z.number(), z.string()], { error: 'expected a whole number above 0: 1000000 or "1M"' })
  .transform((value, context) => {
    const read = readCount(value)
    if (read !== undefined) return read
    context.addIssue({ code: 'custom', message: 'expected a whole number above 0: 1000000 or "1M"' })
    return z.NEVER
  })

const SCALES: Readonly<Record<string, number>> = { '': 1, k: 1e3, m: 1e6, b: 1e9 }

/** `1000`, `"100k"`, `"1.5M"`; undefined where it is no whole number above zero. */
export function readCount(value: number | string): number | undefined {
  const match = /^(\d{1,16}(?:\.\d{1,9})?)([kmb]?)$/i.exec(String(value).trim())
  if (!match) return undefined
  // Decimals are scaled as text would be: 1.1M is 1,100,000 and not a little more.
  const scaled = Math.round(Number(match[1]) * SCALES[match[2]!.toLowerCase()]! * 1e6) / 1e6
  return Number.isSafeInteger(scaled) && scaled > 0 ? scaled : undefined
}

/** An object of which exactly one member is there. */
export function exactlyOne<Shape extends Record<string, z.ZodType>>(shape: Shape) {
  const names = Object.keys(shape)
  return z
    .strictObject(shape)
    .partial()
    .refine(value => names.filter(name => value[name as never] !== undefined).length === 1, {
      error: `expected exactly one of ${names.join(', ')}`
    })
}
