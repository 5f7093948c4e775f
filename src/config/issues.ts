import type * as z from 'zod'
import { type Path, suggest } from './problems.ts'
import { knownNames, knownTexts } from './shape.ts'

type Issue = z.core.$ZodIssue
type Schema = z.core.$ZodType

/** A fault of a value against its schema, before it has a place in a file. */
export interface ValueFault {
  path: Path
  /** The fault is the name itself: the place is the name's, not the value's. */
  atName: boolean
  message: string
  nearest?: string[]
}

/** What the schema's own words do not say well. Given to every parse; a field's own `error` comes before it. */
export function sayIssue(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `missing; expected ${article(issue.expected)}`
      return `expected ${article(issue.expected)}, got ${article(typeName(issue.input))}`
    case 'invalid_value':
      return `expected one of ${issue.values.map((value: unknown) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return issue.origin === 'string'
        ? 'must not be empty'
        : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
    case 'too_big':
      return `must be ${issue.inclusive ? 'at most' : 'less than'} ${issue.maximum}`
    default:
      return undefined
  }
}

/** Every fault that a failed parse found; of a union, those of the branch that was meant. */
export function faultsOf(schema: Schema, value: unknown, issues: readonly Issue[]): ValueFault[] {
  return issues.flatMap(issue => faultsOfIssue({ schema, value }, issue, []))
}

interface Checked {
  schema: Schema
  value: unknown
}

function faultsOfIssue(checked: Checked, issue: Issue, base: Path): ValueFault[] {
  const path = [...base, ...issue.path]
  if (issue.code === 'unrecognized_keys') return issue.keys.map(name => unknownName(checked, path, name))
  if (issue.code === 'invalid_union') return faultsOfUnion(checked, issue, path)
  if (issue.code === 'invalid_key') {
    return [{ path, atName: true, message: issue.issues[0]?.message ?? issue.message }]
  }
  const given = valueAt(checked.value, path)
  const near =
    issue.code === 'invalid_value' && typeof given === 'string' ? suggest(given, knownTexts(checked.schema, path)) : {}
  return [{ path, atName: false, message: issue.message, ...near }]
}

function unknownName({ schema }: Checked, parent: Path, name: string): ValueFault {
  const known = knownNames(schema, parent)
  const path = [...parent, name]
  if (known.has(name)) return { path, atName: true, message: 'does not go together with the other keys here' }
  const near = suggest(name, known)
  if (near.nearest) return { path, atName: true, message: 'unknown key', ...near }
  return { path, atName: true, message: `unknown key; known here: ${[...known].sort().join(', ')}` }
}

/**
 * The schema reports every branch of a union; a person meant one. It is the branch that most of the names fit: with
 * none fitting, the names no branch knows are the fault, and else the value as a whole is.
 */
function faultsOfUnion(checked: Checked, issue: Extract<Issue, { code: 'invalid_union' }>, path: Path): ValueFault[] {
  const ranked = issue.errors
    .map(issues => ({ issues, misfit: misfitOf(checked, issues, path) }))
    .sort((a, b) => a.misfit - b.misfit)
  const [best, second] = ranked
  const whole: ValueFault = { path, atName: false, message: sayUnion(issue) }
  if (!best || best.misfit >= WRONG_TYPE) return [whole]
  if (best.misfit < MISSING) return best.issues.flatMap(inner => faultsOfIssue(checked, inner, path))
  const known = knownNames(checked.schema, path)
  const given = Object.keys((valueAt(checked.value, path) ?? {}) as object)
  const unknown = given.filter(name => !known.has(name))
  if (unknown.length > 0) return unknown.map(name => unknownName(checked, path, name))
  if (second && second.misfit === best.misfit) return [whole]
  return best.issues.flatMap(inner => faultsOfIssue(checked, inner, path))
}

/** The union's own words, else what its branches expected. */
function sayUnion(issue: Extract<Issue, { code: 'invalid_union' }>): string {
  if (issue.message !== 'Invalid input') return issue.message
  const messages = issue.errors.flatMap(branch =>
    branch.filter(inner => inner.path.length === 0).map(inner => inner.message)
  )
  return [...new Set(messages)].join('; or ') || 'not one of the forms this can have'
}

const WRONG_TYPE = 10_000
const MISSING = 100
const UNKNOWN = 10

/** How far a value is from a branch of a union. A fault further down says that the branch was the right one. */
function misfitOf(checked: Checked, issues: readonly Issue[], base: Path): number {
  let misfit = 0
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys' && issue.path.length === 0) misfit += UNKNOWN * issue.keys.length
    else if (issue.code === 'invalid_union' && issue.path.length === 0) {
      misfit += Math.min(...issue.errors.map(inner => misfitOf(checked, inner, base)))
    } else if (issue.path.length === 0 && issue.code === 'invalid_type') misfit += WRONG_TYPE
    else if (issue.path.length === 1 && valueAt(checked.value, [...base, ...issue.path]) === undefined)
      misfit += MISSING
    else misfit += 1
  }
  return misfit
}

export function valueAt(value: unknown, path: Path): unknown {
  let at = value
  for (const step of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined
    at = (at as Record<PropertyKey, unknown>)[step]
  }
  return at
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

const WORDS: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of names to values',
  record: 'a map of names to values',
  null: 'nothing'
}

function article(type: unknown): string {
  return WORDS[String(type)] ?? String(type)
}
