import { isObject, type Json, type JsonObject } from '../json.ts'

/** One message as the conventions have it: who, and parts with a type. */
interface Message {
  role: string
  parts: JsonObject[]
}

/** An attribute is no place for a megabyte: what is longer is cut, and says so. */
const CHARS_MAX = 100_000

/**
 * What a body of any dialect says, as the JSON text of `gen_ai.input.messages` and `gen_ai.output.messages`; undefined
 * where it holds no messages. `role`: whose words they are where the body does not say it.
 */
export function messagesOf(body: Buffer | undefined, role: 'user' | 'assistant'): string | undefined {
  const parsed = body && parse(body)
  if (!isObject(parsed)) return undefined
  const messages = [...systemIn(parsed), ...listIn(parsed, role).flatMap(each => messageOf(each, role))]
  if (messages.length === 0) return undefined
  const text = JSON.stringify(messages)
  if (text.length <= CHARS_MAX) return text
  return JSON.stringify([{ role, parts: [{ type: 'text', content: `${text.slice(0, CHARS_MAX)}…` }] }])
}

function parse(body: Buffer): Json | undefined {
  try {
    return JSON.parse(body.toString()) as Json
  } catch {
    return undefined
  }
}

function systemIn({ system, instructions }: JsonObject): Message[] {
  const said = system ?? instructions
  return said === undefined || said === null ? [] : [{ role: 'system', parts: partsOf(said) }]
}

/** Where the dialects keep their messages: requests first, then answers. */
function listIn(body: JsonObject, role: string): Json[] {
  if (Array.isArray(body.choices)) return body.choices.map(each => (isObject(each) ? (each.message ?? null) : null))
  if (Array.isArray(body.candidates))
    return body.candidates.map(each => (isObject(each) ? (each.content ?? null) : null))
  const output = isObject(body.output) ? body.output.message : body.output
  const list = body.messages ?? body.contents ?? (role === 'user' ? body.input : output) ?? body.content
  if (list === undefined || list === null) return []
  // The whole answer of Anthropic is one message, whose parts stand at the top.
  if (list === body.content) return [{ role: body.role ?? role, content: list }]
  return Array.isArray(list) ? list : [list]
}

function messageOf(message: Json, role: string): Message[] {
  if (typeof message === 'string') return [{ role, parts: partsOf(message) }]
  if (!isObject(message)) return []
  const parts = partsOf(message.content ?? message.parts ?? message)
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls.flatMap(partsOf) : []
  return [{ role: typeof message.role === 'string' ? message.role : role, parts: [...parts, ...calls] }]
}

function partsOf(content: Json): JsonObject[] {
  if (typeof content === 'string') return [{ type: 'text', content }]
  if (Array.isArray(content)) return content.flatMap(partsOf)
  if (!isObject(content)) return []
  if (typeof content.text === 'string') return [{ type: 'text', content: content.text }]
  const { type } = content
  return [{ ...content, type: typeof type === 'string' ? type : 'other' }]
}
