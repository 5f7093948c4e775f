import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName } from '../canonical.ts'
import { type Fault, keeper, Members as SharedMembers } from '../members.ts'

export { type Fault, given, type Kept, lose } from '../members.ts'

export const NAME: DialectName = 'gemini'

export const { sealed, ours, restore } = keeper(NAME)

/**
 * Google's APIs read JSON as protocol buffers do (protobuf.dev/programming-guides/json): every member under its camel
 * or its snake case name, and a list of one as the thing alone. How a body was written is kept with its spelling under
 * these names, which no body has; `respell` undoes them.
 */
const SNAKE = '\u0000snake'
const SINGLE = '\u0000single'
const ABSENT = '\u0000absent'

/** Members by their camel case names, however they were written. */
export class Members extends SharedMembers {
  readonly #fault: Fault
  readonly #single: string[] = []
  readonly #absent: string[] = []

  constructor(value: Json | undefined, path: string, fault: Fault) {
    const { camel, snakes } = isObject(value) ? inCamelCase(value) : { camel: value, snakes: [] }
    super(camel, path, fault, NAME)
    this.#fault = fault
    if (snakes.length > 0) this.spell(SNAKE, snakes)
  }

  protected override inside(value: JsonObject, path: string): this {
    return new Members(value, path, this.#fault) as this
  }

  /** A list, or the one thing that stands for it. */
  maybeList(name: string): Json[] | undefined {
    const value = this.peek(name)
    if (!isObject(value)) return this.maybeArray(name)
    this.take(name)
    this.#single.push(name)
    this.spell(SINGLE, this.#single)
    return [value]
  }

  list(name: string): Json[] {
    return this.maybeList(name) ?? this.array(name)
  }

  /** Has this member left out again, where the canonical form must have something. */
  omit(name: string): void {
    // A null is written back as one.
    if (this.peek(name) === null) return
    this.#absent.push(name)
    this.spell(ABSENT, this.#absent)
  }
}

function inCamelCase(value: JsonObject): { camel: JsonObject; snakes: string[] } {
  const snakes = Object.keys(value).filter(name => /[a-z0-9]_[a-z]/.test(name) && !(camelCase(name) in value))
  if (snakes.length === 0) return { camel: value, snakes }
  return { camel: Object.fromEntries(Object.entries(value).map(([name, each]) => [camelCase(name), each])), snakes }
}

/** One name; names that are none of the API's own stay readable either way. */
export function camelCase(name: string): string {
  return name.replace(/([a-z0-9])_([a-z])/g, (_, before: string, letter: string) => before + letter.toUpperCase())
}

/** Values that are the client's, not the API's. */
const FOREIGN = new Set([
  'args',
  'response',
  'parameters',
  'parametersJsonSchema',
  'responseSchema',
  'responseJsonSchema'
])

/** A written body as it was before reading evened it out. */
export function respell<Value extends Json>(value: Value): Value {
  if (Array.isArray(value)) return value.map(respell) as Value
  return isObject(value) ? (respelt(value) as Value) : value
}

function respelt(native: JsonObject): JsonObject {
  const { [SNAKE]: snakes, [SINGLE]: single, [ABSENT]: absent, ...members } = native
  const written = new Map(strings(snakes).map(name => [camelCase(name), name]))
  const entries = Object.entries(members)
    .filter(([name]) => !strings(absent).includes(name))
    .map(([name, value]): [string, Json | undefined] => {
      const inner = value === undefined || FOREIGN.has(name) ? value : respell(value)
      const alone = strings(single).includes(name) && Array.isArray(inner) && inner.length === 1
      return [written.get(name) ?? name, alone ? inner[0]! : inner]
    })
  return Object.fromEntries(entries)
}

function strings(value: Json | undefined): string[] {
  return Array.isArray(value) ? (value as string[]) : []
}
