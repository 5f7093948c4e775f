import type { z } from 'zod'
import { isObject, type Json } from './json.ts'

type Issue = z.core.$ZodIssue
type Path = (string | number)[]

/** What is wrong at one place, freed of unions: each dialect words it in its own way. */
export type Fault =
  | { kind: 'missing' }
  | { kind: 'type'; expected: string[] }
  | { kind: 'value'; allowed: Json[] }
  | { kind: 'unknown'; keys: string[] }
  | { kind: 'small' | 'big'; of: 'number' | 'string' | 'array'; bound: number }
  | { kind: 'pattern'; pattern: string }
  | { kind: 'other'; message: string }

export interface Finding {
  path: Path
  value: Json | undefined
  fault: Fault
}

/** The finding a provider would report: unknown members first, then the first in the order of the schema. */
export function firstFinding(error: z.ZodError, body: Json): Finding {
  const leaves = error.issues.map(issue => leafOf(issue as Issue, []))
  const leaf = leaves.find(one => one.issue.code === 'unrecognized_keys' && one.path.length === 0) ?? leaves[0]!
  const value = valueAt(body, leaf.path)
  return { path: leaf.path, value, fault: faultOf(leaf, value) }
}

interface Leaf {
  path: Path
  issue: Issue
  /** For a union none of whose branches takes this kind of value: what they take. */
  expected?: string[]
}

function leafOf(issue: Issue, base: Path): Leaf {
  const path = [...base, ...(issue.path as Path)]
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return { path, issue }
  const isWrongKind = (one: Issue): boolean => one.code === 'invalid_type' && one.path.length === 0
  const branch = issue.errors.find(errors => !errors.some(isWrongKind))
  if (branch?.[0]) return leafOf(branch[0], path)
  const expected = issue.errors.flatMap(errors => errors.flatMap(one => ('expected' in one ? [one.expected] : [])))
  return { path, issue, expected: expected as string[] }
}

function faultOf({ issue, expected, path }: Leaf, value: Json | undefined): Fault {
  if (value === undefined && path.length > 0 && issue.code !== 'custom') return { kind: 'missing' }
  switch (issue.code) {
    case 'invalid_type':
      return { kind: 'type', expected: [issue.expected] }
    case 'invalid_value':
      return { kind: 'value', allowed: issue.values as Json[] }
    case 'invalid_union': {
      const options = (issue as { options?: Json[] }).options
      return options ? { kind: 'value', allowed: options } : { kind: 'type', expected: expected ?? ['object'] }
    }
    case 'unrecognized_keys':
      return { kind: 'unknown', keys: issue.keys }
    case 'too_small':
    case 'too_big': {
      const of = issue.origin === 'string' ? 'string' : issue.origin === 'array' ? 'array' : 'number'
      const bound = Number(issue.code === 'too_small' ? issue.minimum : issue.maximum)
      return { kind: issue.code === 'too_small' ? 'small' : 'big', of, bound }
    }
    case 'invalid_format':
      return {
        kind: 'pattern',
        pattern: String((issue as { pattern?: string }).pattern ?? '').replace(/^\/|\/[a-z]*$/g, '')
      }
    default:
      return { kind: 'other', message: issue.message }
  }
}

function valueAt(body: Json, path: Path): Json | undefined {
  let at: Json | undefined = body
  for (const step of path) {
    if (typeof step === 'number') at = Array.isArray(at) ? at[step] : undefined
    else at = isObject(at) ? at[step] : undefined
  }
  return at
}
