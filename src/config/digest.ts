import { createHash } from 'node:crypto'
import { Secret } from '../secret.ts'

/**
 * SHA-256 (hex) of a configuration: the same for the same meaning, whatever the order of keys and however durations
 * were written. Secrets are not part of it: it is on every log row, and a guess at a secret must not be checkable.
 */
export function digestOf(config: object): string {
  return createHash('sha256').update(canonical(config)).digest('hex')
}

function canonical(value: unknown): string {
  if (value instanceof Secret) return '"<secret>"'
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
  members.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(',')}}`
}
