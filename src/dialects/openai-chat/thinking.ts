import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { DialectName, Part, Seal } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { dropCallSeals } from './call-seals.ts'
import { isForeign, lose, type Members, NAME, sealed, spelt } from './members.ts'

type Thinking = Extract<Part, { type: 'thinking' }>
type Native = Extract<Part, { type: 'native' }>
type Text = Extract<Part, { type: 'text' }>

/**
 * OpenAI's own chat completions show no reasoning; its kin do: DeepSeek and many others in `reasoning_content`, Groq
 * and OpenRouter in `reasoning`, OpenRouter besides in `reasoning_details`, a list that its clients send back as it is.
 *
 * That list is also how an OpenAI client carries what another dialect signed. One entry a part:
 *
 *     { type: 'reasoning.text', text, signature, format: 'gatehouse/anthropic-messages', index }
 *
 * `format` names the maker of the seal, `signature` is the seal where that is a text; any other seal, and a part that
 * has no counterpart here at all, travels as JSON text: `{ type: 'reasoning.encrypted', data, … }`, with `part:
 * 'native'` for the latter. A text that was signed (Gemini does) is told by its place in the whole text of the message:
 * `part: 'text'`, with `start` and `end`. `index` is the part's place in the turn. On the next turn `decodeThinking`
 * makes the same parts again, to the bit.
 */
const FORMAT = 'gatehouse/'

/** A part and, where it is known, its place in the turn. */
export interface Placed {
  part: Thinking | Native | Text
  at?: number
  /** The text that a seal covers, by its place in the whole text of the message; the part itself has none then. */
  range?: readonly [start: number, end: number]
}

const TEXT_MEMBERS = ['reasoning_content', 'reasoning'] as const

/** Thinking of an assistant message or a choice, from whichever members say it. */
export function decodeThinking(members: Members): Placed[] {
  const details = members.array('reasoning_details') ?? []
  const [carried, own] = divide(details)
  if (carried.length > 0) {
    // The list is complete; the flat text beside it may be a fragment (the SDK's accumulator keeps the last one only).
    for (const name of TEXT_MEMBERS) members.take(name)
    return own.length > 0 ? [...carried, { part: ownDetails(own, 'details') }] : carried
  }
  const spelling = TEXT_MEMBERS.find(name => typeof members.peek(name) === 'string' && members.peek(name) !== '')
  if (spelling === undefined && own.length === 0) return []
  if (spelling === undefined) return [{ part: ownDetails(own, 'details') }]
  const text = members.string(spelling)!
  const seal = own.length > 0 ? { seal: sealed(own) } : {}
  return [{ part: { type: 'thinking', text, ...seal, spelling: sealed({ member: spelling }) } }]
}

function divide(details: readonly Json[]): [Placed[], Json[]] {
  const carried: Placed[] = []
  const own: Json[] = []
  for (const entry of details) {
    const placed = isObject(entry) ? decodeCarried(entry) : undefined
    if (placed) carried.push(placed)
    else own.push(entry)
  }
  return [carried, own]
}

/** Provider-native details: their text, sealed as the list that goes back. */
function ownDetails(entries: Json[], member: string): Thinking {
  return { type: 'thinking', text: detailsText(entries), seal: sealed(entries), spelling: sealed({ member }) }
}

export function detailsText(entries: readonly Json[]): string {
  const texts = entries.map(entry => (isObject(entry) ? (entry.text ?? entry.summary) : undefined))
  return texts.filter(text => typeof text === 'string').join('')
}

/** Whether a `reasoning_details` entry is one we made for another dialect. */
export function isCarried(entry: Json): boolean {
  return isObject(entry) && typeof entry.format === 'string' && entry.format.startsWith(FORMAT)
}

function decodeCarried(entry: JsonObject): Placed | undefined {
  if (!isCarried(entry)) return undefined
  const maker = String(entry.format).slice(FORMAT.length) as DialectName
  const at = typeof entry.index === 'number' ? { at: entry.index } : {}
  const value = typeof entry.data === 'string' ? parse(entry.data) : entry.signature
  const seal = value === undefined || value === null ? undefined : { maker, value }
  if (entry.part === 'native') return seal && { part: { type: 'native', seal }, ...at }
  if (entry.part === 'text') {
    const range = [Number(entry.start), Number(entry.end)] as const
    return seal && { part: { type: 'text', text: '', seal }, ...at, range }
  }
  const text = typeof entry.text === 'string' ? entry.text : ''
  return { part: { type: 'thinking', text, ...(seal && { seal }) }, ...at }
}

function parse(text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** Puts placed parts back among the others of their turn: at their own index, or in front. */
export function place(parts: readonly Part[], placed: readonly Placed[]): Part[] {
  const covers = placed.filter(each => each.range !== undefined && each.range[0] < each.range[1])
  const others = placed.filter(each => !covers.includes(each))
  const all: Part[] = [
    ...others.filter(each => each.at === undefined).map(each => each.part),
    ...sealTexts(parts, covers)
  ]
  const indexed = others.filter(each => each.at !== undefined).sort((left, right) => left.at! - right.at!)
  for (const { part, at } of indexed) all.splice(at!, 0, part)
  return all
}

/** The one text of a turn as the several it was, each with its seal. A text that became another is nobody's any more. */
function sealTexts(parts: readonly Part[], covers: readonly Placed[]): Part[] {
  return parts.flatMap((part): Part[] => {
    if (part.type !== 'text' || covers.length === 0 || covers.at(-1)!.range![1] > part.text.length) return [part]
    const pieces: Part[] = []
    let from = 0
    for (const { part: cover, range } of covers) {
      const [start, end] = range!
      if (start > from) pieces.push({ type: 'text', text: part.text.slice(from, start) })
      pieces.push({ ...cover, text: part.text.slice(start, end) } as Part)
      from = end
    }
    return from < part.text.length ? [...pieces, { type: 'text', text: part.text.slice(from) }] : pieces
  })
}

/** For a client: what a turn thought, seals of other dialects carried in `reasoning_details`. */
export function encodeThinkingForClient(parts: readonly Part[]): JsonObject {
  const carried = carriedDetails(parts)
  const thinking = parts.filter(part => part.type === 'thinking' && spelt(part, 'member') !== 'content')
  const native = carried.length > 0 ? {} : encodeOwn(thinking as Thinking[])
  if (carried.length === 0) return native
  const text = (thinking as Thinking[]).map(part => part.text).join('')
  return { ...(text !== '' && { reasoning_content: text }), reasoning_details: carried }
}

/**
 * The entries for parts that only their maker can read; none unless there is such a part. `lengths` of texts, by part,
 * where the parts do not hold them.
 */
export function carriedDetails(parts: readonly Part[], lengths?: ReadonlyMap<number, number>): JsonObject[] {
  if (!parts.some(isCarriable)) return []
  let start = 0
  return parts.flatMap((part, index) => {
    if (part.type === 'text') {
      const end = start + (lengths ? (lengths.get(index) ?? 0) : part.text.length)
      const range = { part: 'text', start, end }
      start = end
      return isForeign(part.seal) ? [{ ...carry('', part.seal, index), ...range }] : []
    }
    if (part.type === 'thinking') return [carry(part.text, part.seal, index)]
    return part.type === 'native' && isForeign(part.seal) ? [{ ...carry('', part.seal, index), part: 'native' }] : []
  })
}

function isCarriable(part: Part): boolean {
  return (part.type === 'thinking' || part.type === 'native' || part.type === 'text') && isForeign(part.seal)
}

function carry(text: string, seal: Seal | undefined, index: number): JsonObject {
  const format = `${FORMAT}${seal?.maker ?? NAME}`
  if (seal === undefined) return { type: 'reasoning.text', text, format, index }
  if (typeof seal.value === 'string') return { type: 'reasoning.text', text, signature: seal.value, format, index }
  const data = JSON.stringify(seal.value)
  return { type: 'reasoning.encrypted', ...(text !== '' && { text }), data, format, index }
}

/**
 * For a provider: only thinking of this dialect's own kind, under the member it came in. What another dialect signed
 * is for its maker alone, and OpenAI refuses members of messages it does not know.
 */
export function encodeThinkingForProvider(parts: readonly Part[], path: string, losses: Losses): JsonObject {
  const own: Thinking[] = []
  for (const [index, part] of parts.entries()) {
    if (part.type === 'text' && isForeign(part.seal)) lose(losses, `${path}.content[${index}].signature`)
    if (part.type !== 'thinking' || spelt(part, 'member') === 'content') continue
    const isSigned = isForeign(part.seal) && part.seal?.value !== ''
    if (!isSigned) {
      own.push(part)
      continue
    }
    if (part.text !== '') lose(losses, `${path}.content[${index}].thinking`)
    lose(losses, `${path}.content[${index}].signature`)
  }
  return encodeOwn(own)
}

function encodeOwn(thinking: readonly Thinking[]): JsonObject {
  const native: JsonObject = {}
  for (const part of thinking) {
    const member = spelt(part, 'member') ?? 'reasoning_content'
    if (typeof member === 'string' && member !== 'details' && part.text !== '') {
      native[member] = `${native[member] ?? ''}${part.text}`
    }
    const entries = part.seal?.maker === NAME && Array.isArray(part.seal.value) ? part.seal.value : []
    if (entries.length > 0) native.reasoning_details = [...((native.reasoning_details as Json[]) ?? []), ...entries]
  }
  return native
}

/**
 * Takes what was carried for another dialect out of a native request that goes to an OpenAI provider as it came, since
 * OpenAI refuses members of messages it does not know. Returns what was taken, as losses; edits `body` in place.
 */
export function dropCarriedThinking(body: JsonObject): Losses {
  const losses: Losses = []
  const messages = Array.isArray(body.messages) ? body.messages : []
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    if (dropCallSeals(message)) lose(losses, `messages[${index}].tool_calls.signature`)
    if (!Array.isArray(message.reasoning_details)) continue
    const own = message.reasoning_details.filter(entry => !isCarried(entry))
    if (own.length === message.reasoning_details.length) continue
    lose(losses, `messages[${index}].reasoning_details`)
    if (own.length > 0) message.reasoning_details = own
    else for (const name of ['reasoning_details', ...TEXT_MEMBERS]) delete message[name]
  }
  return losses
}
