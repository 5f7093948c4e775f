import { type Code, Failure } from '../errors.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Usage } from '../usage.ts'
import type { DialectName, Seal } from './canonical.ts'
import type { Losses } from './dialect.ts'

/** Whose mistake a member of the wrong type is: the client's in a request, the provider's in a reply. */
export type Fault = 'request' | 'reply'

function complaint(fault: Fault, path: string, code: Code, problem: string): Failure {
  const where = path === '' ? 'The body' : `\`${path}\``
  if (fault === 'reply') return new Failure('provider_malformed', `${where} of the provider's reply ${problem}.`)
  return new Failure(code, `${where} ${problem}.`, { param: path })
}

const isString = (value: unknown): value is string => typeof value === 'string'
const isNumber = (value: unknown): value is number => typeof value === 'number'
const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean'
const isArray = (value: unknown): value is Json[] => Array.isArray(value)

/** What is carried beside a canonical element for this dialect to write it back as it was. */
export interface Kept {
  rest?: Seal
  spelling?: Seal
}

/**
 * The members of one native object, taken one by one. What nobody took is kept: as `rest` (a loss for others), or as
 * `spelling` where it says nothing (`null`, an empty list). So members we do not model survive at every level without
 * a list of them. An optional member that is `null` counts as absent.
 */
export class Members {
  readonly path: string
  readonly #maker: DialectName
  readonly #fault: Fault
  readonly #left: JsonObject
  readonly #spelling: JsonObject = {}
  readonly #inner: { name: string; members: Members }[] = []

  constructor(value: Json | undefined, path: string, fault: Fault, maker: DialectName) {
    if (value === undefined) throw complaint(fault, path, 'missing_field', 'is missing')
    if (!isObject(value)) throw complaint(fault, path, 'wrong_type', 'must be an object')
    this.path = path
    this.#maker = maker
    this.#fault = fault
    this.#left = { ...value }
  }

  string = (name: string): string => this.#required(name, isString, 'a string')
  array = (name: string): Json[] => this.#required(name, isArray, 'an array')

  maybeString = (name: string): string | undefined => this.#optional(name, isString, 'a string')
  maybeNumber = (name: string): number | undefined => this.#optional(name, isNumber, 'a number')
  maybeBoolean = (name: string): boolean | undefined => this.#optional(name, isBoolean, 'a boolean')
  maybeArray = (name: string): Json[] | undefined => this.#optional(name, isArray, 'an array')
  maybeObject = (name: string): JsonObject | undefined => this.#optional(name, isObject, 'an object')

  maybeStrings(name: string): string[] | undefined {
    const list = this.maybeArray(name)
    const stranger = list?.findIndex(item => !isString(item)) ?? -1
    if (stranger >= 0) throw this.wrong(`${name}[${stranger}]`, 'must be a string')
    return list as string[] | undefined
  }

  /** An object inside this one; what it keeps is kept here under its name. */
  nested(name: string): this | undefined {
    const value = this.maybeObject(name)
    if (value === undefined) return undefined
    const members = this.inside(value, this.at(name))
    this.#inner.push({ name, members })
    if (Object.keys(value).length === 0) this.spell(name, {})
    return members
  }

  /** The members of an object within this one: a dialect that reads names its own way makes its own kind. */
  protected inside(value: JsonObject, path: string): this {
    return new Members(value, path, this.#fault, this.#maker) as this
  }

  peek(name: string): Json | undefined {
    return this.#left[name]
  }

  /** Takes a member whatever it is. */
  take(name: string): Json | undefined {
    const value = this.#left[name]
    delete this.#left[name]
    return value
  }

  /** Has this member written back so, where the canonical form says the same in other words. */
  spell(name: string, value: Json): void {
    this.#spelling[name] = value
  }

  at(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`
  }

  wrong(name: string, problem: string): Failure {
    return complaint(this.#fault, this.at(name), 'wrong_type', problem)
  }

  /** What is left, or of it only the members of these names, which are taken then. */
  kept(names: readonly string[] = Object.keys(this.#left)): Kept {
    const rest: JsonObject = {}
    const spelling: JsonObject = { ...this.#spelling }
    for (const name of names) {
      const value = this.take(name)
      if (value !== undefined) (saysNothing(value) ? spelling : rest)[name] = value
    }
    for (const { name, members } of this.#inner) {
      const inside = members.kept()
      if (inside.rest) rest[name] = inside.rest.value
      if (inside.spelling) spelling[name] = inside.spelling.value
    }
    return given({ rest: this.#sealIf(rest), spelling: this.#sealIf(spelling) })
  }

  #sealIf(members: JsonObject): Seal | undefined {
    return Object.keys(members).length > 0 ? { maker: this.#maker, value: members } : undefined
  }

  #required<T extends Json>(name: string, is: (value: unknown) => value is T, expected: string): T {
    const value = this.take(name)
    if (value === undefined) throw complaint(this.#fault, this.at(name), 'missing_field', 'is missing')
    if (!is(value)) throw this.wrong(name, `must be ${expected}`)
    return value
  }

  #optional<T extends Json>(name: string, is: (value: unknown) => value is T, expected: string): T | undefined {
    if (this.#left[name] === undefined || this.#left[name] === null) return undefined
    return this.#required(name, is, expected)
  }
}

/** The same object without its undefined members. */
export function given<T extends object>(members: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const kept = Object.entries(members).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [K in keyof T]?: Exclude<T[K], undefined> }
}

function saysNothing(value: Json): boolean {
  return value === null || (Array.isArray(value) && value.length === 0)
}

/** Adds a name to the losses, once. */
export function lose(losses: Losses, name: string): void {
  if (!losses.includes(name)) losses.push(name)
}

/**
 * Names what is told of usage and cannot be told on: members that only another maker knows, and the counts that this
 * dialect has no place for, where they are not zero.
 */
export function loseUsage(
  usage: Partial<Usage> | undefined,
  maker: DialectName,
  losses: Losses,
  unsaid: readonly (keyof Usage)[] = []
): void {
  const rest = usage?.rest
  if (rest && rest.maker !== maker && isObject(rest.value)) {
    for (const name of Object.keys(rest.value)) lose(losses, `usage.${name}`)
  }
  for (const name of unsaid) {
    if (usage?.[name]) lose(losses, `usage.${name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)}`)
  }
}

/** What a dialect does with what it alone can read again: bound to its name once, in its own `members.ts`. */
export function keeper(maker: DialectName) {
  /** Ours alone to read again. */
  const sealed = (value: Json): Seal => ({ maker, value })

  /** What this dialect itself put away in a seal; nothing where another made it. */
  const ours = (seal: Seal | undefined): JsonObject => (seal?.maker === maker && isObject(seal.value) ? seal.value : {})

  /** The native object with what was kept of it; what another dialect kept as rest is named below `path`. */
  const restore = (native: JsonObject, kept: Kept, path: string, losses: Losses): JsonObject => {
    const { rest } = kept
    if (rest && rest.maker !== maker && isObject(rest.value)) {
      for (const name of Object.keys(rest.value)) lose(losses, path === '' ? name : `${path}.${name}`)
    }
    return merge(merge(native, ours(kept.rest)), ours(kept.spelling))
  }

  /** A native object to be read member by member. */
  const members = (value: Json | undefined, path: string, fault: Fault): Members =>
    new Members(value, path, fault, maker)

  return { sealed, ours, restore, members }
}

/** `over` laid upon `under`, objects member by member. */
export function merge(under: JsonObject, over: JsonObject): JsonObject {
  const merged = { ...under }
  for (const [name, value] of Object.entries(over)) {
    const below = merged[name]
    merged[name] = isObject(below) && isObject(value) ? merge(below, value) : value
  }
  return merged
}
