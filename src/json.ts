import { Failure } from './errors.ts'
import { JsonReader, JsonScanner, type Layout, type Member, type ScanLimits } from './json-scan.ts'
import { mayHold } from './json-strings.ts'

/** Any JSON value. */
export type Json = null | boolean | number | string | Json[] | JsonObject

/** A JSON object; a member that is absent reads as `undefined`. */
export interface JsonObject {
  [name: string]: Json | undefined
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export type { ScanLimits } from './json-scan.ts'

/** Names of members, indexes of elements, from the outside in. */
export type Path = readonly (string | number)[]

/** Replaces the value at `path`, adds it (at the end of its object or array), or removes it (`undefined`). */
export interface Edit {
  path: Path
  value: Json | undefined
}

/**
 * A body that is one JSON object, kept as the bytes it came in. Members are parsed when asked for, edits are splices:
 * whatever nobody touches leaves as it came, number spellings, order, white space and escapes included (D20). Where a
 * name is there twice, the last one counts, as with `JSON.parse`.
 */
export class JsonBody {
  readonly bytes: Buffer
  #layout: Layout | undefined
  readonly #parsed = new Map<string, Json>()
  #object: JsonObject | undefined

  private constructor(bytes: Buffer, layout?: Layout) {
    this.bytes = bytes
    this.#layout = layout
  }

  /**
   * Checks all the bytes, as strictly as `JSON.parse`, and that they are valid UTF-8. Failures: `invalid_json` (the
   * message has line, column and what was expected), `json_too_deep`, `duplicate_key`.
   */
  static scan(bytes: Buffer, limits: ScanLimits): JsonBody {
    return new JsonBody(bytes, new JsonScanner(bytes, limits).body())
  }

  /** Bytes that are known to be one JSON object. */
  static of(bytes: Buffer): JsonBody {
    return new JsonBody(bytes)
  }

  static from(value: JsonObject): JsonBody {
    return new JsonBody(Buffer.from(JSON.stringify(value)))
  }

  has(name: string): boolean {
    return this.#laidOut().members.has(name)
  }

  /** What the member's value is, without reading it. */
  kind(name: string): 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null' | undefined {
    const member = this.#laidOut().members.get(name)
    if (member === undefined) return undefined
    return KINDS[String.fromCharCode(this.bytes[member.valueStart] as number)] ?? 'number'
  }

  /** Parses that member alone. What it returns is shared: read, don't edit. */
  get(name: string): Json | undefined {
    const member = this.#laidOut().members.get(name)
    if (member === undefined) return undefined
    let value = this.#parsed.get(name)
    if (value === undefined) {
      value = JSON.parse(this.bytes.toString('utf8', member.valueStart, member.end)) as Json
      this.#parsed.set(name, value)
    }
    return value
  }

  /** What stands at this path of names; undefined where anything on the way is no object. Shared: read, don't edit. */
  at(path: readonly string[]): Json | undefined {
    let value = this.get(path[0]!)
    for (const name of path.slice(1)) value = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
    return value
  }

  /** The whole, parsed once and shared: read, don't edit. */
  object(): JsonObject {
    this.#object ??= this.copy()
    return this.#object
  }

  /**
   * Whether a string, a name or a value, is or begins like one of these marks (`"name"`, `"begin`), as it is written.
   * Where a scan has seen all strings, most bodies need no search: a search of a long one costs as much as its scan.
   */
  holds(marks: readonly string[]): boolean {
    const strings = this.#layout?.strings
    return marks.some(mark => (!strings || mayHold(strings, mark)) && this.bytes.includes(mark))
  }

  /** Whether a string may be written with `\u` escapes. */
  get mayHaveCodes(): boolean {
    return this.#layout?.strings?.hasCodes ?? this.bytes.includes('\\u')
  }

  /** The whole as a fresh copy that may be edited. */
  copy(): JsonObject {
    return JSON.parse(this.bytes.toString('utf8')) as JsonObject
  }

  /**
   * A new body with the edits; this one stays as it is. All paths speak of the body as it is *before* any of them: an
   * element that one edit removes does not shift the paths of the others. A later edit of the same place wins, and one
   * below an earlier edit's value is made in that value. Objects that are missing (or null) on the way are made;
   * anything else in the way is Failure `wrong_type`. Earlier doubles of an edited name go, or they would escape the
   * edit at a provider that takes the first.
   */
  edit(edits: readonly Edit[]): JsonBody {
    const changes: Changes = new Map()
    for (const { path, value } of edits) note(changes, path, 0, value)
    return new JsonBody(new Splicer(this.bytes).apply(changes, this.#laidOut()))
  }

  #laidOut(): Layout {
    this.#layout ??= new JsonReader(this.bytes).layout()
    return this.#layout
  }
}

/** By the first byte of a value; anything else begins a number. */
const KINDS = {
  '{': 'object',
  '[': 'array',
  '"': 'string',
  t: 'boolean',
  f: 'boolean',
  n: 'null'
} as const satisfies Record<string, string> as Readonly<
  Record<string, 'object' | 'array' | 'string' | 'boolean' | 'null'>
>

/** Edits of one object or array, by name or index. */
type Changes = Map<string | number, Change>
type Change = { value: Json | undefined } | { inside: Changes }

function note(changes: Changes, path: Path, depth: number, value: Json | undefined): void {
  const name = path[depth]
  if (name === undefined || (typeof name === 'number' && !(Number.isInteger(name) && name >= 0))) {
    throw new RangeError('the path of an edit is names and indexes, at least one')
  }
  if (depth === path.length - 1) {
    changes.set(name, { value })
    return
  }
  const earlier = changes.get(name)
  const inside: Changes = earlier !== undefined && 'inside' in earlier ? earlier.inside : new Map()
  note(inside, path, depth + 1, value)
  if (earlier === undefined) changes.set(name, { inside })
  else if ('value' in earlier) {
    changes.set(name, { value: changed(earlier.value, inside, path.slice(0, depth + 1)) })
  }
}

/** The value with the changes, itself untouched. Where there is none, what they need is made; removals need nothing. */
function changed(value: Json | undefined, changes: Changes, path: Path): Json | undefined {
  const isArray = wantsArray(changes)
  if (value !== undefined && value !== null && !(isArray ? Array.isArray(value) : isObject(value))) {
    throw wrongType(path, isArray)
  }
  const members = new Map<string | number, Json | undefined>(
    isArray ? ((value ?? []) as Json[]).entries() : Object.entries(value ?? {})
  )
  for (const [name, change] of changes) {
    const below = 'inside' in change ? changed(members.get(name), change.inside, [...path, name]) : change.value
    if (below === undefined) members.delete(name)
    else members.set(name, below)
  }
  if (members.size === 0 && (value === undefined || value === null)) return value
  if (!isArray) return Object.fromEntries(members)
  return [...members].sort(([one], [other]) => Number(one) - Number(other)).map(([, element]) => element as Json)
}

function wantsArray(changes: Changes): boolean {
  const [first] = changes.keys()
  return typeof first === 'number'
}

function wrongType(path: Path, isArray: boolean): Failure {
  const param = path.reduce<string>((text, name) => {
    if (typeof name === 'number') return `${text}[${name}]`
    return text === '' ? name : `${text}.${name}`
  }, '')
  return new Failure('wrong_type', `${param} must be an ${isArray ? 'array' : 'object'}.`, { param })
}

/** Goes through the containers on the way to the changes, and copies everything else as it stands. */
class Splicer {
  readonly #reader: JsonReader
  readonly #pieces: Buffer[] = []
  /** The first byte not yet copied, nor left out. */
  #from = 0

  constructor(bytes: Buffer) {
    this.#reader = new JsonReader(bytes)
  }

  apply(changes: Changes, { members, distinct }: Layout): Buffer {
    const open = this.#reader.spaceEnd(0)
    this.#container(open, distinct ? [...members.values()] : [...this.#reader.membersAt(open)], changes, [])
    this.#copyTo(this.#reader.bytes.length)
    return Buffer.concat(this.#pieces)
  }

  #container(open: number, members: readonly Member[], changes: Changes, path: Path): void {
    const last = new Map(members.map((member, index) => [member.name, index]))
    let kept = 0
    let previousEnd = open + 1
    for (const [index, member] of members.entries()) {
      const change = changes.get(member.name)
      const isDouble = change !== undefined && last.get(member.name) !== index
      const value = change === undefined || isDouble ? undefined : this.#replacement(member, change, path)
      if (isDouble || (change !== undefined && 'value' in change && change.value === undefined)) {
        // The comma before it goes with it; the comma after it does where nothing is kept yet (below).
        this.#copyTo(previousEnd)
        this.#from = member.end
      } else {
        if (kept === 0 && index > 0) this.#from = this.#reader.spaceEnd(previousEnd) + 1
        kept++
        if (value !== undefined) this.#put(member.valueStart, value, member.end)
        else if (change !== undefined && 'inside' in change) {
          const open = member.valueStart
          this.#container(open, [...this.#reader.membersAt(open)], change.inside, [...path, member.name])
        }
      }
      previousEnd = member.end
    }
    const additions = changed(undefined, new Map([...changes].filter(([name]) => !last.has(name))), path)
    if (additions === undefined) return
    const inner = JSON.stringify(additions).slice(1, -1)
    this.#put(previousEnd, kept === 0 ? inner : `,${inner}`, previousEnd)
  }

  /** The text that takes the place of the member's value; `undefined` where the changes are inside it, or remove it. */
  #replacement(member: Member, change: Change, path: Path): string | undefined {
    if ('value' in change) return change.value === undefined ? undefined : JSON.stringify(change.value)
    const isArray = wantsArray(change.inside)
    const first = String.fromCharCode(this.#reader.bytes[member.valueStart] as number)
    if (first === (isArray ? '[' : '{')) return undefined
    const way = [...path, member.name]
    if (first !== 'n') throw wrongType(way, isArray)
    return JSON.stringify(changed(null, change.inside, way))
  }

  #put(start: number, text: string, end: number): void {
    this.#copyTo(start)
    this.#pieces.push(Buffer.from(text))
    this.#from = end
  }

  #copyTo(end: number): void {
    if (end > this.#from) this.#pieces.push(this.#reader.bytes.subarray(this.#from, end))
    this.#from = Math.max(this.#from, end)
  }
}
