import { isObject, type Json } from '../json.ts'
import { compilePattern, type Pattern } from './pattern.ts'

export type Scalar = string | number | boolean

/** What must hold of one fact; several operators must all hold. */
export interface Operators {
  eq?: Scalar | undefined
  ne?: Scalar | undefined
  gt?: Scalar | undefined
  gte?: Scalar | undefined
  lt?: Scalar | undefined
  lte?: Scalar | undefined
  in?: readonly Scalar[] | undefined
  not_in?: readonly Scalar[] | undefined
  /** A pattern of the linear subset, found anywhere in the text (decision 0003). */
  matches?: string | undefined
  exists?: boolean | undefined
  /** For `time` and `weekday`: an IANA name as `Europe/Berlin`. UTC without it. */
  zone?: string | undefined
}

/**
 * A condition of a route, as data: facts by name (`metadata.plan`, `header.x-team`, `body.max_tokens`,
 * `estimated_tokens`, `time`, `weekday`, `key`, `tags`, `model`, `stream`) with what must hold of each, and `all`,
 * `any`, `not` over further conditions. All members must hold; an empty one always does.
 */
export interface Condition {
  all?: readonly Condition[] | undefined
  any?: readonly Condition[] | undefined
  not?: Condition | undefined
  [fact: string]: Scalar | Operators | Condition | readonly Condition[] | undefined
}

/** Where conditions read from. Reads lazily: what no condition asks for is not worked out. */
export type Fact = (name: string, zone: string | undefined) => Json | undefined

/** Names of facts without a path behind them. */
export const PLAIN_FACTS = ['estimated_tokens', 'time', 'weekday', 'key', 'tags', 'model', 'stream'] as const
/** Facts that go on with a path or name after the dot. */
export const PATH_FACTS = ['metadata', 'header', 'body'] as const
export const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

export function isFact(name: string): boolean {
  if ((PLAIN_FACTS as readonly string[]).includes(name)) return true
  const dot = name.indexOf('.')
  return dot > 0 && dot < name.length - 1 && (PATH_FACTS as readonly string[]).includes(name.slice(0, dot))
}

/** Whether the condition holds for a call. */
export function holds(condition: Condition, fact: Fact): boolean {
  for (const [name, wanted] of Object.entries(condition)) {
    if (wanted === undefined) continue
    if (name === 'all') {
      if (!condition.all!.every(each => holds(each, fact))) return false
    } else if (name === 'any') {
      if (!condition.any!.some(each => holds(each, fact))) return false
    } else if (name === 'not') {
      if (holds(condition.not!, fact)) return false
    } else if (!factHolds(name, wanted as Scalar | Operators, fact)) return false
  }
  return true
}

function factHolds(name: string, wanted: Scalar | Operators, fact: Fact): boolean {
  const operators = typeof wanted === 'object' ? wanted : { eq: wanted }
  const value = fact(name, operators.zone)
  const { gt, gte, lt, lte } = operators
  const low = gt ?? gte
  const high = lt ?? lte
  // From 22:00 to 06:00 goes round midnight: one of the two bounds is enough.
  if (name === 'time' && low !== undefined && high !== undefined && low > high) {
    const { gt: _gt, gte: _gte, lt: _lt, lte: _lte, ...rest } = operators
    const inside = every({ gt, gte }, value) || every({ lt, lte }, value)
    return inside && every(rest, value)
  }
  return every(operators, value)
}

function every(operators: Operators, value: Json | undefined): boolean {
  return Object.entries(operators).every(([name, operand]) => {
    const test = name === 'zone' || operand === undefined ? undefined : TESTS[name as keyof typeof TESTS]
    return test === undefined || test(value, operand as never)
  })
}

const TESTS: {
  [Name in Exclude<keyof Operators, 'zone'>]-?: (v: Json | undefined, o: NonNullable<Operators[Name]>) => boolean
} = {
  eq: (value, operand) => someOf(value, each => same(each, operand)),
  ne: (value, operand) => !someOf(value, each => same(each, operand)),
  in: (value, operand) => someOf(value, each => operand.some(one => same(each, one))),
  not_in: (value, operand) => !someOf(value, each => operand.some(one => same(each, one))),
  gt: (value, operand) => someOf(value, each => (compare(each, operand) ?? 0) > 0),
  gte: (value, operand) => someOf(value, each => (compare(each, operand) ?? -1) >= 0),
  lt: (value, operand) => someOf(value, each => (compare(each, operand) ?? 0) < 0),
  lte: (value, operand) => someOf(value, each => (compare(each, operand) ?? 1) <= 0),
  matches: (value, operand) => someOf(value, each => isScalar(each) && patternOf(operand).test(String(each))),
  exists: (value, operand) => (value !== undefined && value !== null) === operand
}

/** A list holds what one of its elements does. */
function someOf(value: Json | undefined, test: (each: Json) => boolean): boolean {
  if (value === undefined || value === null) return false
  return Array.isArray(value) ? value.some(test) : test(value)
}

function isScalar(value: Json): value is Scalar {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/** Headers are texts: beside a number or a truth value, a text that spells one counts as it. */
function alike(value: Json, operand: Scalar): Json {
  if (typeof value !== 'string' || typeof operand === 'string') return value
  if (typeof operand === 'boolean') return value === 'true' ? true : value === 'false' ? false : value
  return /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value
}

function same(value: Json, operand: Scalar): boolean {
  return alike(value, operand) === operand
}

/** Below 0, 0 or above; undefined where the two are not of one type. Texts go by their code units. */
function compare(value: Json, operand: Scalar): number | undefined {
  const given = alike(value, operand)
  if (typeof given !== typeof operand || typeof given === 'boolean') return undefined
  return given === operand ? 0 : (given as Scalar) < operand ? -1 : 1
}

const PATTERNS_MAX = 1_000
const patterns = new Map<string, Pattern>()

/** Compiled once: patterns come from the configuration, which has been checked, and are few. */
function patternOf(source: string): Pattern {
  let pattern = patterns.get(source)
  if (!pattern) {
    if (patterns.size >= PATTERNS_MAX) patterns.clear()
    pattern = compilePattern(source)
    patterns.set(source, pattern)
  }
  return pattern
}

/** What follows from the condition alone, whatever the call: reported when a configuration is loaded. */
export function constant(condition: Condition): boolean | undefined {
  const parts = Object.entries(condition).flatMap(([name, wanted]): (boolean | undefined)[] => {
    if (wanted === undefined) return []
    if (name === 'all') return condition.all!.map(constant)
    if (name === 'any') return [anyOf(condition.any!.map(constant))]
    if (name === 'not') return [negated(constant(condition.not!))]
    return [isObject(wanted) ? constantOperators(name, wanted as Operators) : undefined]
  })
  if (parts.includes(false)) return false
  return parts.every(part => part === true) ? true : undefined
}

function anyOf(parts: readonly (boolean | undefined)[]): boolean | undefined {
  if (parts.includes(true)) return true
  return parts.every(part => part === false) ? false : undefined
}

function negated(part: boolean | undefined): boolean | undefined {
  return part === undefined ? undefined : !part
}

function constantOperators(name: string, operators: Operators): boolean | undefined {
  const { gt, gte, lt, lte } = operators
  if (operators.in?.length === 0) return false
  const low = gt ?? gte
  const high = lt ?? lte
  // A list can have one element below and another above; these facts are no lists.
  const isSingle = name === 'estimated_tokens' || name.startsWith('header.')
  if (!isSingle || typeof low !== 'number' || typeof high !== 'number') return undefined
  return low > high || (low === high && (gt !== undefined || lt !== undefined)) ? false : undefined
}

/** Time of day as `HH:MM` and the weekday as `mon`, in a time zone. */
export function timeIn(zone: string | undefined, wallMs: number): { time: string; weekday: string } {
  const parts = formatOf(zone ?? 'UTC').formatToParts(wallMs)
  const part = (type: string) => parts.find(each => each.type === type)?.value ?? ''
  return { time: `${part('hour')}:${part('minute')}`, weekday: part('weekday').toLowerCase() }
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** Throws a `RangeError` for a zone that nobody knows. Making one costs more than using it. */
export function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone)
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hourCycle: 'h23',
      hour: '2-digit',
      minute: '2-digit',
      weekday: 'short'
    })
    formats.set(zone, format)
  }
  return format
}
