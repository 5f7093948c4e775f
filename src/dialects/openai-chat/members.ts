import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'

export const NAME = 'openai-chat' satisfies DialectName

/** Ours alone to read again. */
export function sealed(value: Json): Seal {
  return { maker: NAME, value }
}

/** What this dialect itself put away in a seal; undefined where another made it. */
export function ours(seal: Seal | undefined): JsonObject | undefined {
  return seal?.maker === NAME && isObject(seal.value) ? seal.value : undefined
}

/** A seal that another dialect made: nothing we can write, something to name. */
export function isForeign(seal: Seal | undefined): boolean {
  return seal !== undefined && seal.maker !== NAME
}

/** The object without its absent members, as `exactOptionalPropertyTypes` wants it. */
export function compact<T extends object>(object: { [K in keyof T]: T[K] | undefined }): T {
  const entries = Object.entries(object).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as T
}

/** Adds a name to the losses, once. */
export function lose(losses: Losses, name: string): void {
  if (!losses.includes(name)) losses.push(name)
}

/** How to write what is in the canonical form the way it was: flags by name, and `members` verbatim. */
export interface Kept {
  rest?: Seal
  spelling?: Seal
}

/**
 * A native object being read. What was asked for is taken; what is left at the end is the `rest`. In a request a wrong
 * type throws; in a reply (`lenient`) it is left where it is, since a provider's oddity must not cost an answer.
 * `null` reads as absent and is remembered as spelling.
 */
export class Members {
  readonly path: string
  readonly #object: JsonObject
  readonly #lenient: boolean
  readonly #left: Set<string>
  readonly #verbatim: JsonObject = {}
  readonly #flags: JsonObject = {}
  readonly #nestedRest: JsonObject = {}

  constructor(object: JsonObject, path: string, options: { lenient: boolean }) {
    this.#object = object
    this.path = path
    this.#lenient = options.lenient
    this.#left = new Set(Object.keys(object))
  }

  get lenient(): boolean {
    return this.#lenient
  }

  /** `messages[0].content`. */
  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  /** The value without taking it. */
  peek(name: string): Json | undefined {
    return this.#object[name]
  }

  /** The value, taken; `null` as undefined. */
  take(name: string): Json | undefined {
    const value = this.#object[name]
    this.#left.delete(name)
    if (value === null) this.verbatim(name, null)
    return value ?? undefined
  }

  string(name: string): string | undefined {
    return this.#typed(name, value => typeof value === 'string', 'a string') as string | undefined
  }

  number(name: string): number | undefined {
    return this.#typed(name, value => typeof value === 'number', 'a number') as number | undefined
  }

  boolean(name: string): boolean | undefined {
    return this.#typed(name, value => typeof value === 'boolean', 'true or false') as boolean | undefined
  }

  object(name: string): JsonObject | undefined {
    return this.#typed(name, isObject, 'an object') as JsonObject | undefined
  }

  array(name: string): Json[] | undefined {
    return this.#typed(name, Array.isArray, 'an array') as Json[] | undefined
  }

  /** A member that must be there. */
  required<T>(name: string, value: T | undefined): T {
    if (value !== undefined) return value
    if (this.#object[name] === null) throw wrongType(this.at(name), 'a value', null)
    throw new Failure('missing_field', `${this.at(name)}: required, but absent.`, { param: this.at(name) })
  }

  /** Leaves a member that was taken to the rest after all. */
  putBack(name: string): void {
    this.#left.add(name)
  }

  /** Keeps what a nested object, read from this member, has left. */
  nest(name: string, nested: Members): void {
    const { rest, spelling } = nested.kept()
    if (rest) this.#nestedRest[name] = rest.value
    const members = ours(spelling)?.members
    if (members !== undefined) this.#verbatim[name] = members
  }

  /** Writes this member back exactly so. */
  verbatim(name: string, value: Json): void {
    this.#verbatim[name] = value
  }

  /** Remembers a way of writing. */
  spell(flag: string, value: Json): void {
    this.#flags[flag] = value
  }

  /** What nobody took, and how it was written. */
  kept(): Kept {
    const rest: JsonObject = { ...this.#nestedRest }
    for (const name of this.#left) {
      const value = this.#object[name]
      if (saysNothing(value)) this.#verbatim[name] = value!
      else if (value !== undefined) rest[name] = value
    }
    const spelling: JsonObject = { ...this.#flags }
    if (Object.keys(this.#verbatim).length > 0) spelling.members = this.#verbatim
    const kept: Kept = {}
    if (Object.keys(rest).length > 0) kept.rest = sealed(rest)
    if (Object.keys(spelling).length > 0) kept.spelling = sealed(spelling)
    return kept
  }

  #typed(name: string, isRight: (value: Json) => boolean, expected: string): Json | undefined {
    const value = this.#object[name]
    if (value === undefined || value === null || isRight(value)) return this.take(name)
    if (this.#lenient) return undefined
    throw wrongType(this.at(name), expected, value)
  }
}

function saysNothing(value: Json | undefined): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0)
}

export function wrongType(path: string, expected: string, got: Json | undefined): Failure {
  return new Failure('wrong_type', `${path}: expected ${expected}, got ${kindOf(got)}.`, { param: path })
}

function kindOf(value: Json | undefined): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'boolean' ? `${value}` : `a ${typeof value}`
}

/**
 * Puts what was kept back into a native object: our own rest and the members our spelling holds verbatim. Members that
 * another dialect kept are named as losses below `path`.
 */
export function restore(native: JsonObject, kept: Kept, path: string, losses: Losses): JsonObject {
  for (const source of [ours(kept.rest), ours(kept.spelling)?.members]) {
    if (isObject(source)) fill(native, source)
  }
  loseForeign(kept.rest, path, losses)
  return native
}

/** Adds what is absent, inside nested objects too; what is there stays. */
function fill(native: JsonObject, source: JsonObject): void {
  for (const [name, value] of Object.entries(source)) {
    const present = native[name]
    if (present === undefined || present === null) native[name] = value
    else if (isObject(present) && isObject(value) && present !== value) fill(present, value)
  }
}

/** Names every member of a rest that another dialect made. */
export function loseForeign(rest: Seal | undefined, path: string, losses: Losses): void {
  if (rest === undefined || !isForeign(rest)) return
  const names = isObject(rest.value) ? Object.keys(rest.value) : ['rest']
  for (const name of names) lose(losses, path === '' ? name : `${path}.${name}`)
}

/** One flag of our own spelling. */
export function spelt(kept: Kept, flag: string): Json | undefined {
  return ours(kept.spelling)?.[flag]
}
