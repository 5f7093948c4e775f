/**
 * Variables and files for a configuration that somebody proposes: what they hold would otherwise be read by naming it as
 * a model, whose names a report shows. It is there, it has the form it must have, and it says nothing.
 */

/** What may stand in a place where a secret may: nothing that is worth hiding looks so. */
const HARMLESS = /^(?:true|false|on|off|yes|no|\d{1,5})$/i
/** Where a provider is decides whether it may be called. */
const PLACES = /_(?:REGION|LOCATION|PROJECT|PROJECT_ID)$/
/** Keys of callers have a least length. */
const CHARS = 48

export function maskedEnv(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const set = Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return Object.fromEntries(set.map(([name, value]) => [name, masked(name, value)]))
}

/** Files are not read: that one is there would be something to learn, too. */
export function maskedFile(path: string): string {
  return filler(`file-${path.replaceAll(/\W/g, '-')}`)
}

function masked(name: string, value: string): string {
  if (value === '' || HARMLESS.test(value) || PLACES.test(name)) return value
  const url = /^[a-z][a-z+]*:\/\//i.test(value) ? URL.parse(value) : null
  return url ? `${url.protocol}//${url.host}` : filler(name)
}

function filler(name: string): string {
  return `masked-${name}-`.padEnd(CHARS, 'x')
}
