import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { type Kept, type Members, ours, sealed, spelt, wrongType } from './members.ts'
import { decodePart, encodePart } from './parts.ts'

/** A part with its place in the canonical message, which is how losses name it. */
export type Indexed = readonly [part: Part, index: number]

export interface Content {
  parts: Part[]
  plain?: boolean
}

/** The `content` of a message: a string, a list of parts, or nothing. */
export function decodeContent(members: Members): Content {
  const given = members.take('content')
  if (given === undefined) {
    if (members.peek('content') === undefined) members.spell('content', 'absent')
    return { parts: [] }
  }
  if (typeof given === 'string') return { parts: [{ type: 'text', text: given }], plain: true }
  if (Array.isArray(given)) {
    members.spell('content', 'parts')
    const path = members.at('content')
    return { parts: given.map((part, index) => inContent(decodePart(part, `${path}[${index}]`, members))) }
  }
  // Cloudflare answers a JSON schema with the parsed object.
  if (isObject(given) && members.lenient) {
    members.spell('content', 'json')
    return { parts: [{ type: 'text', text: JSON.stringify(given) }], plain: true }
  }
  throw wrongType(members.at('content'), 'a string or an array of parts', given)
}

/** A refusal among the content goes back there; the other kind is a member of the message. */
function inContent(part: Part): Part {
  return part.type === 'refusal' ? { ...part, spelling: sealed({ member: 'content' }) } : part
}

/** Whether the part is written inside `content`, and not as a member of its message. */
export function belongsInContent(part: Part): boolean {
  if (part.type === 'thinking' || part.type === 'refusal') return spelt(part, 'member') === 'content'
  return part.type === 'text' || part.type === 'media' || part.type === 'native'
}

interface ContentOptions {
  /** Of the message, for how its content was written. */
  kept: Kept
  path: string
  losses: Losses
  /** Texts of one turn that are not alone become one string: many providers take no list there. */
  join: boolean
  /** What stands where there is nothing to say, unless the maker wrote otherwise. */
  empty: Json
}

/** The `content` of a message; undefined where it is to be absent. */
export function encodeContent(entries: readonly Indexed[], options: ContentOptions): Json | undefined {
  const { kept, path, losses, join, empty } = options
  const natives = entries
    .map(([part, index]) => encodePart(part, `${path}.content[${index}]`, losses))
    .filter(native => native !== undefined)
  const how = spelt(kept, 'content')
  if (how === 'parts') return natives
  if (natives.length === 0) return how === 'absent' ? undefined : emptyContent(kept, empty)
  if (how === 'json') return parseOr(textOf(natives))
  const isText = natives.every(native => native.type === 'text' && Object.keys(native).length === 2)
  return isText && (join || natives.length === 1) ? textOf(natives) : natives
}

/** `null` or an empty string, as it was written. */
function emptyContent(kept: Kept, empty: Json): Json {
  const members = ours(kept.spelling)?.members
  return isObject(members) && members.content !== undefined ? members.content : empty
}

function textOf(natives: readonly JsonObject[]): string {
  return natives.map(native => native.text).join('')
}

function parseOr(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
