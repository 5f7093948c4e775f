import * as z from 'zod'
import { Secret } from './secret.ts'
import { type Measured, parseDuration, parsePercent, parseSize } from './units.ts'

/** The kinds of value that the configuration has beyond JSON's own; every room's schema is made of these and zod's. */

/** A text with a unit of time (`20s`); milliseconds once read. */
export const duration = measured(parseDuration, 'duration', ['s', 'ms'], '^\\d+(\\.\\d+)? ?(ms|s|m|h|d)$')

/** A text with a unit of size (`40MB`); bytes once read. */
export const size = measured(parseSize, 'size', ['MB', 'MiB'], '^\\d+(\\.\\d+)? ?(B|KB|MB|GB|KiB|MiB|GiB)$')

/** A text in per cent (`85%`); a share from 0 to 1 once read. */
export const percent = measured(parsePercent, 'percentage', ['%'], '^\\d+(\\.\\d+)? ?%$')

/** A text that must not be printed: a `Secret` once read, wherever it was written. */
export const secret = z
  .string({ error: issue => (issue.input === undefined ? undefined : 'expected a text; put digits in quotes') })
  .min(1, { error: 'must not be empty' })
  .meta({ title: 'secret' })
  .transform(text => new Secret(text))

/**
 * Entries under names of the user's choosing. Read into an object without a prototype, so that a name like
 * `constructor` is found only if somebody wrote it.
 */
export function named<Entry extends z.ZodType>(entry: Entry) {
  return z
    .record(z.string(), entry)
    .transform((entries): Readonly<Record<string, z.output<Entry>>> => Object.assign(Object.create(null), entries))
}

function measured(parse: (text: string) => Measured, what: string, units: readonly string[], pattern: string) {
  const bare = (value: number) => `a ${what} needs a unit: write ${units.map(unit => `${value}${unit}`).join(' or ')}`
  return z
    .string({ error: issue => (typeof issue.input === 'number' ? bare(issue.input) : undefined) })
    .meta({ title: what, pattern })
    .transform((text, context) => {
      const read = parse(text)
      if (read.ok) return read.value
      context.addIssue({ code: 'custom', message: read.why })
      return z.NEVER
    })
}
