import { isObject, type Json, type JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { Message, Part } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { decodeCalls, encodeCalls } from './calls.ts'
import { belongsInContent, decodeContent, encodeContent, type Indexed } from './content.ts'
import { compact, lose, loseForeign, Members, restore, spelt, wrongType } from './members.ts'
import { decodeCache, encodePart, loseCache } from './parts.ts'
import { decodeThinking, encodeThinkingForProvider, place } from './thinking.ts'

type ToolResult = Extract<Part, { type: 'tool-result' }>

/** The `messages` of a request. Roles `tool` and the legacy `function` become user messages with one tool result. */
export function decodeMessages(list: readonly Json[]): Message[] {
  const ids = new CallIds('')
  return list.map((value, index) => decodeMessage(value, `messages[${index}]`, ids))
}

function decodeMessage(value: Json, path: string, ids: CallIds): Message {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  const members = new Members(value, path, { lenient: false })
  const role = members.required('role', members.string('role'))
  const cache = decodeCache(members)
  const message = decodeRole(members, role, ids)
  return { ...message, ...cache, ...members.kept() }
}

function decodeRole(members: Members, role: string, ids: CallIds): Message {
  switch (role) {
    case 'system':
    case 'developer':
    case 'user': {
      requireContent(members)
      return { role, ...decodeContent(members), ...decodeName(members) }
    }
    case 'assistant':
      return { role, ...decodeTurn(members, ids), ...decodeName(members) }
    case 'tool':
      return decodeToolMessage(members)
    case 'function':
      return decodeFunctionMessage(members, ids)
    default:
      throw wrongType(members.at('role'), "'system', 'developer', 'user', 'assistant' or 'tool'", role)
  }
}

function decodeName(members: Members): { name?: string } {
  const name = members.string('name')
  return name === undefined ? {} : { name }
}

function requireContent(members: Members): void {
  const content = members.peek('content')
  if (content === undefined) members.required('content', content)
  if (content === null) throw wrongType(members.at('content'), 'a string or an array of parts', null)
}

/** What an assistant said, in a request's history or a reply's choice: thinking, content, refusal, calls. */
export function decodeTurn(members: Members, ids: CallIds): { parts: Part[]; plain?: boolean } {
  const { parts: content, plain } = decodeContent(members)
  const isEmpty = plain === true && content[0]?.type === 'text' && content[0].text === ''
  if (isEmpty) members.verbatim('content', '')
  const thinking = decodeThinking(members)
  const refusal = members.string('refusal')
  // Snowflake sends an empty refusal with every answer.
  if (refusal === '') members.verbatim('refusal', '')
  const parts: Part[] = isEmpty ? [] : content
  if (refusal) parts.push({ type: 'refusal', text: refusal })
  parts.push(...decodeCalls(members, ids))
  return { parts: place(parts, thinking), ...(plain && !isEmpty && { plain }) }
}

function decodeToolMessage(members: Members): Message {
  requireContent(members)
  const id = members.required('tool_call_id', members.string('tool_call_id'))
  const { parts, plain } = decodeContent(members)
  return {
    role: 'user',
    parts: [{ type: 'tool-result', id, content: parts, ...(plain && { plain }) }],
    ...decodeName(members)
  }
}

function decodeFunctionMessage(members: Members, ids: CallIds): Message {
  const name = members.required('name', members.string('name'))
  const { parts, plain } = decodeContent(members)
  members.spell('legacy', true)
  const result: ToolResult = { type: 'tool-result', id: ids.result(name), content: parts, ...(plain && { plain }) }
  return { role: 'user', name, parts: [result] }
}

/** One canonical message as one or several of OpenAI's: each tool result is a message of its own. */
export function encodeMessage(message: Message, path: string, losses: Losses): JsonObject[] {
  loseCache(message, path, losses)
  const indexed = message.parts.map((part, index): Indexed => [part, index])
  const results = indexed.filter(([part]) => part.type === 'tool-result')
  if (results.length === 0) return [encodeOne(message, indexed, path, losses)]
  const moved: JsonObject[] = []
  const natives = results.map(([part, index]) => {
    const own = results.length === 1 ? message : { role: message.role, parts: [] }
    return encodeResult(part as ToolResult, own, { path: `${path}.content[${index}]`, losses, moved })
  })
  if (results.length > 1) loseForeign(message.rest, path, losses)
  const others = indexed.filter(([part]) => part.type !== 'tool-result')
  const content = others.map(([part, index]) => encodePart(part, `${path}.content[${index}]`, losses))
  const said = [...moved, ...content.filter(native => native !== undefined)]
  if (said.length === 0) return natives
  const [only] = said
  const isText = said.length === 1 && only!.type === 'text'
  return [...natives, { role: message.role, content: isText ? only!.text : said }]
}

function encodeOne(message: Message, parts: readonly Indexed[], path: string, losses: Losses): JsonObject {
  const content = parts.filter(([part]) => belongsInContent(part))
  const join = message.role === 'assistant'
  const saysMore = parts.some(([part]) => part.type === 'tool-call' || part.type === 'refusal')
  const empty = join && saysMore ? null : ''
  const native = compact<JsonObject>({
    role: message.role,
    content: encodeContent(content, { kept: message, path, losses, join, empty }),
    name: message.name
  })
  if (message.role === 'assistant') encodeTurnMembers(native, message.parts, path, losses)
  return restore(native, message, path, losses)
}

function encodeTurnMembers(native: JsonObject, parts: readonly Part[], path: string, losses: Losses): void {
  Object.assign(native, encodeThinkingForProvider(parts, path, losses), encodeRefusal(parts))
  const calls = parts.filter(part => part.type === 'tool-call')
  Object.assign(native, encodeCalls(calls, path, { losses, side: 'provider' }))
}

/** The `refusal` member: refusals that did not stand among the content. */
export function encodeRefusal(parts: readonly Part[]): JsonObject {
  const refusals = parts.filter(part => part.type === 'refusal' && !belongsInContent(part))
  return refusals.length === 0 ? {} : { refusal: refusals.map(part => (part as { text: string }).text).join('') }
}

interface ResultOptions {
  path: string
  losses: Losses
  /** Collects what a tool message cannot hold (OpenAI allows text only); it goes into the user message that follows. */
  moved: JsonObject[]
}

function encodeResult(result: ToolResult, message: Message, options: ResultOptions): JsonObject {
  const { path, losses, moved } = options
  if (result.failed) lose(losses, `${path}.is_error`)
  loseCache(result, path, losses)
  loseForeign(result.rest, path, losses)
  const staysWhole = spelt(message, 'content') === 'parts'
  const kept: Indexed[] = []
  result.content.forEach((part, index) => {
    if (staysWhole || part.type === 'text') kept.push([part, index])
    else {
      const native = encodePart(part, `${path}.content[${index}]`, losses)
      if (native) moved.push(native)
    }
  })
  const content = encodeContent(kept, { kept: message, path, losses, join: false, empty: '' })
  const isLegacy = spelt(message, 'legacy') === true
  const native = compact<JsonObject>({
    role: isLegacy ? 'function' : 'tool',
    tool_call_id: isLegacy ? undefined : result.id,
    content,
    name: message.name
  })
  return restore(native, message, path, losses)
}
