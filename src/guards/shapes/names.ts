import * as z from 'zod'

/** What rules of users are called: the last part of `words.rivals`. */
export const ruleName = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'must be 1 to 64 small letters, digits, - or _')

/** What a placeholder says. */
export const label = z
  .string()
  .regex(/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/, 'must be capital letters and digits, with single underscores: CASE_NUMBER')
  .max(24)

/** Any name as what a placeholder says. */
export function asLabel(text: string): string {
  const said = text
    .slice(0, 64)
    .toUpperCase()
    .replace(/[^A-Z0-9]+/g, '_')
    .replace(/^[_0-9]+|_+$/g, '')
    .slice(0, 24)
    .replace(/_+$/, '')
  return said === '' ? 'MASKED' : said
}
