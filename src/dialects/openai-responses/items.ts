import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { decodeCitation, encodeCitation } from './citations.ts'
import { decodeContent } from './content.ts'
import {
  type Fault,
  given,
  isForeign,
  lose,
  loseForeign,
  Members,
  merge,
  NAME,
  objectOf,
  ours,
  sealed,
  sealedIf,
  spelt
} from './members.ts'
import type { ToolNames } from './names.ts'
import { carrierFor, carries, decodeCarried, decodeReasoning, holdsReasoning, reasoningItem } from './reasoning.ts'

type Thinking = Extract<Part, { type: 'thinking' }>
export type ToolCall = Extract<Part, { type: 'tool-call' }>
/** What stands in a message; kinds that are new do natively. */
export type Words = Extract<Part, { type: 'text' | 'refusal' | 'native' }>

/**
 * What an assistant said is a list of items: messages, reasoning, calls, and what the provider's own tools did. One
 * turn is a run of them; its parts are theirs in order. How an item was written besides what it says (`id`, `status`)
 * is spelt with its first part: `item` holds that, or `same` where a part goes on in the message of the one before it.
 */
export function decodeItem(value: Json, path: string, fault: Fault, names: ToolNames): Part[] {
  const type = isObject(value) ? (value.type ?? 'message') : undefined
  switch (type) {
    case 'message':
      return decodeMessage(value, path, fault)
    case 'reasoning':
      return [decodeReasoning(value as JsonObject, path, fault)]
    case 'function_call':
    case 'custom_tool_call':
      return [decodeCall(new Members(value, path, fault), type, names)]
    default:
      new Members(value, path, fault)
      return [nativeItem(value)]
  }
}

export function nativeItem(value: Json): Part {
  return { type: 'native', seal: sealed(value) }
}

/** Adds an item to the turn it belongs to; what was carried for another maker goes back to where it came from. */
export function addItem(parts: Part[], value: Json, path: string, fault: Fault, names: ToolNames): void {
  const carried = isObject(value) && value.type === 'reasoning' ? decodeCarried(value) : undefined
  if (!carried) parts.push(...decodeItem(value, path, fault, names))
  else if (carried.part) parts.push(carried.part)
  else if (carried.seals) {
    const { id, seal } = carried.seals
    const of = parts.findLast(part =>
      id === undefined ? part.type === 'text' : part.type === 'tool-call' && part.id === id
    )
    if (of) Object.assign(of, { seal })
  }
}

/** Members of an item that only its maker asks for. */
const MANNER = ['type', 'id', 'status'] as const

function decodeMessage(value: Json, path: string, fault: Fault): Part[] {
  const members = new Members(value, path, fault)
  const content = members.take('content')
  members.take('role')
  const manner: JsonObject = {}
  for (const name of MANNER) if (members.peek(name) !== undefined) manner[name] = members.take(name)!
  const { rest, spelling } = members.kept()
  const item = { ...manner, ...ours(spelling) }
  if (typeof content === 'string') {
    return [wordsOf({ type: 'text', text: content }, { item, plain: true }, ours(rest))]
  }
  if (!Array.isArray(content)) throw members.wrong('content', 'must be a string or an array of parts')
  if (content.length === 0) return [nativeItem(value)]
  return content.map((each, index) => {
    const part = decodeWords(each, `${path}.content[${index}]`, fault)
    return index === 0 ? wordsOf(part, { item }, ours(rest)) : wordsOf(part, { item: 'same' }, {})
  })
}

/** A part of a message: what it keeps itself stands below `part`, beside what its item keeps. */
function wordsOf(part: Part, item: JsonObject, itemRest: JsonObject): Part {
  const { rest, spelling, ...bare } = part
  const kept = ours(spelling)
  const own = ours(rest)
  return {
    ...bare,
    spelling: sealed({ ...item, ...(Object.keys(kept).length > 0 && { part: kept }) }),
    ...given({ rest: sealedIf({ ...itemRest, ...(Object.keys(own).length > 0 && { part: own }) }) })
  } as Part
}

function decodeWords(value: Json, path: string, fault: Fault): Part {
  if (!isObject(value)) return decodeContent(value, path, 'output', fault)
  const { annotations, logprobs, ...said } = value
  const part = decodeContent(said, path, 'output', fault)
  if (part.type !== 'text') return decodeContent(value, path, 'output', fault)
  const spelling: JsonObject = { ...ours(part.spelling) }
  if (logprobs !== undefined) spelling.logprobs = logprobs
  const cited = Array.isArray(annotations) && annotations.length > 0
  if (annotations !== undefined && !cited) spelling.annotations = annotations
  const absent = ['annotations', 'logprobs'].filter(name => value[name] === undefined)
  if (fault === 'reply' && absent.length > 0) spelling.absent = absent
  return {
    ...part,
    ...(cited && { citations: annotations.map(decodeCitation) }),
    ...given({ spelling: sealedIf(spelling) })
  }
}

export function decodeCall(members: Members, type: Json, names: ToolNames): ToolCall {
  members.take('type')
  for (const name of MANNER) {
    const value = members.take(name)
    if (value !== undefined) members.spell(name, value)
  }
  const said = members.string('name')
  const namespace = members.maybeString('namespace')
  const id = members.maybeString('call_id')
  if (id === undefined) members.take('call_id')
  const call = { type: 'tool-call', id: id ?? String(members.peek('id') ?? said), name: said } as const
  if (namespace !== undefined) {
    members.spell('name', said)
    members.spell('namespace', namespace)
  }
  const name = namespace === undefined ? said : names.joined(namespace, said)
  if (type === 'custom_tool_call') {
    return { ...call, name, input: members.maybeString('input') ?? '', freeform: true, ...members.kept() }
  }
  return { ...call, name, input: members.maybeString('arguments') ?? '', ...members.kept() }
}

/** Where items are written. */
export interface ItemSpot {
  /** Path of the turn, for the names of losses. */
  path: string
  losses: Losses
  side: 'request' | 'response'
  /** It comes from this dialect: written as it was said. */
  own: boolean
  names: ToolNames
  /** A reply's items have ids: the provider's, or ours. */
  id(prefix: string, index: number): string
}

/** The items of one turn. */
export function encodeItems(parts: readonly Part[], spot: ItemSpot): JsonObject[] {
  const items: JsonObject[] = []
  let words: [Words, number][] = []
  const flush = (): void => {
    if (words.length > 0) items.push(messageItem(words, spot.id('msg', items.length), spot))
    words = []
  }
  parts.forEach((part, index) => {
    if (isWords(part)) {
      if (!goesOn(part)) flush()
      words.push([part, index])
    } else {
      flush()
      const item = encodeItem(part, index, items.length, spot)
      if (item) items.push(item)
    }
    if (spot.side === 'request' || !carries(part)) return
    flush()
    items.push(carrierFor(part, spot.id('rs', items.length))!)
  })
  flush()
  return items
}

/** Whether a part is written inside a message. */
export function isWords(part: Part): part is Words {
  if (part.type === 'native') return spelt(part, 'item') !== undefined
  return part.type === 'text' || part.type === 'refusal'
}

/** Whether a part stands in the same message as the one before it. Words of another dialect that touch are one. */
export function goesOn(part: Part): boolean {
  return !isObject(spelt(part, 'item'))
}

function encodeItem(part: Part, index: number, at: number, spot: ItemSpot): JsonObject | undefined {
  const path = `${spot.path}.content[${index}]`
  switch (part.type) {
    case 'tool-call':
      return callItem(part, spot.id(part.freeform ? 'ctc' : 'fc', at), path, spot)
    case 'thinking':
      loseForeign(part.rest, path, spot.losses)
      if (spot.side === 'response') return reasoningItem(part, spot.id('rs', at))
      return encodeThinking(part, path, spot)
    case 'native':
      if (!isForeign(part.seal)) return part.seal.value as JsonObject
      lose(spot.losses, `${path}.${nativeName(part.seal)}`)
      return undefined
    default:
      lose(spot.losses, `${path}.${part.type}`)
      return undefined
  }
}

function nativeName({ value }: Seal): string {
  return isObject(value) && typeof value.type === 'string' ? value.type : 'native'
}

/**
 * For the provider: its own reasoning alone. Where another dialect's client brings it back, nothing is kept at the
 * provider, so an item that holds nothing but its id would not be found there.
 */
function encodeThinking(part: Thinking, path: string, { losses, own }: ItemSpot): JsonObject | undefined {
  const item = ours(part.seal)
  if (part.seal?.maker === NAME && (own || holdsReasoning(item))) return item
  if (part.text !== '') lose(losses, `${path}.thinking`)
  if (part.seal) lose(losses, `${path}.signature`)
  return undefined
}

/** A function or custom tool call. */
export function callItem(part: ToolCall, id: string, path: string, spot: ItemSpot): JsonObject {
  const { losses, names, side } = spot
  if (isForeign(part.seal) && side === 'request') lose(losses, `${path}.signature`)
  loseForeign(part.rest, path, losses)
  const body = part.freeform
    ? { type: 'custom_tool_call', call_id: part.id, input: part.input }
    : { type: 'function_call', call_id: part.id, arguments: isSilent(part) ? '{}' : part.input }
  const native = { ...(side === 'response' && { id, status: 'completed' }), ...body, ...names.split(part.name) }
  return merge(merge(native, ours(part.rest)), ours(part.spelling))
}

/** A call without arguments that another dialect's provider made: clients of this one read JSON there, unasked. */
export function isSilent({ input, freeform, spelling }: ToolCall): boolean {
  return input === '' && !freeform && spelling?.maker !== NAME
}

/** A message of these parts. */
export function messageItem(words: readonly [Words, number][], id: string, spot: ItemSpot): JsonObject {
  const first = words[0]![0]
  const item = objectOf(spelt(first, 'item'))
  const { part: _, ...rest } = ours(first.rest)
  const content = words.map(([part, index]) => encodeWords(part, `${spot.path}.content[${index}]`, spot))
  const [only] = content
  const shape = item.type === undefined && spelt(first, 'item') !== undefined ? {} : { type: 'message' }
  const native = {
    ...(spot.side === 'response' ? { id, status: 'completed', type: 'message' } : shape),
    role: 'assistant'
  }
  return { ...native, content: spelt(first, 'plain') === true ? only!.text! : content, ...rest, ...item }
}

/** A part of a message's content. */
export function encodeWords(part: Words, path: string, spot: ItemSpot): JsonObject {
  const { losses, side } = spot
  if (part.type === 'native') return part.seal.value as JsonObject
  loseForeign(part.rest, path, losses)
  if (part.cache) lose(losses, `${path}.cache_control`)
  const { absent, ...spelling } = objectOf(spelt(part, 'part'))
  const own = merge(objectOf(ours(part.rest).part), spelling)
  if (part.type === 'refusal') return merge({ type: 'refusal', refusal: part.text }, own)
  if (isForeign(part.seal) && side === 'request') lose(losses, `${path}.signature`)
  const said = { type: 'output_text', text: part.text }
  const annotations = encodeCitations(part, path, losses)
  if (side === 'request') return merge({ ...said, ...(annotations.length > 0 && { annotations }) }, own)
  const full = merge({ ...said, annotations, logprobs: [] }, own)
  for (const name of Array.isArray(absent) ? absent : []) if (saysNothing(full[String(name)])) delete full[String(name)]
  return full
}

function encodeCitations(part: Extract<Part, { type: 'text' }>, path: string, losses: Losses): JsonObject[] {
  return (part.citations ?? []).flatMap(citation => {
    const annotation = encodeCitation(citation, 0, part.text.length)
    if (annotation === undefined) lose(losses, `${path}.citations`)
    return annotation === undefined ? [] : [annotation]
  })
}

function saysNothing(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 0
}
