import { isObject, type Json, type JsonObject } from '../../json.ts'
import { describedTexts, schemaTexts, stepInto } from '../declared.ts'
import type { TextRef } from '../dialect.ts'

type Role = TextRef['role']

/** Where a text stands, and what is known about it. */
interface Place {
  path: string
  role: Role
  lane: string
}

interface Facts extends Place {
  kind: TextRef['kind']
  sealed?: boolean
}

/** Every human text of a request or a reply, in order; `set` writes into the parsed body. */
export function* texts(body: JsonObject, side: 'request' | 'response'): Generator<TextRef> {
  if (side === 'response') yield* itemsTexts(body.output, 'output', '')
  else {
    yield* toolTexts(body.tools, 'tools')
    yield* member(body, 'instructions', { path: 'instructions', role: 'system', lane: 'instructions', kind: 'text' })
    yield* member(body, 'input', { path: 'input', role: 'user', lane: 'input', kind: 'text' })
    yield* itemsTexts(body.input, 'input', '')
    yield* promptTexts(body.prompt)
  }
}

/** What the model is told of tools, of those within a namespace and of those that a server of tools listed. */
function* toolTexts(tools: Json | undefined, path: string): Generator<TextRef> {
  for (const [index, tool] of (Array.isArray(tools) ? tools : []).entries()) {
    if (!isObject(tool)) continue
    const at = `${path}[${index}]`
    for (const name of ['description', 'server_description']) yield* describedTexts(tool, at, name)
    for (const name of ['parameters', 'input_schema']) yield* schemaTexts(tool[name], `${at}.${name}`)
    yield* toolTexts(tool.tools, `${at}.tools`)
  }
}

/** What a client puts into a prompt that is kept at the provider. */
function* promptTexts(prompt: Json | undefined): Generator<TextRef> {
  const variables = isObject(prompt) ? prompt.variables : undefined
  if (!isObject(variables)) return
  for (const [name, value] of Object.entries(variables)) {
    const place = { path: stepInto(variables, name, 'prompt.variables'), role: 'user', lane: `prompt/${name}` } as const
    yield* member(variables, name, { ...place, kind: 'text' })
    if (isObject(value)) yield* partTexts(value, { ...place, kind: 'text' })
  }
}

function* itemsTexts(items: Json | undefined, path: string, lane: string): Generator<TextRef> {
  if (!Array.isArray(items)) return
  for (const [index, item] of items.entries()) {
    if (isObject(item)) yield* itemTexts(item, `${path}[${index}]`, `${lane}${index}`)
  }
}

const ROLES: Record<string, Role> = { system: 'system', developer: 'system', user: 'user', assistant: 'assistant' }

function* itemTexts(item: JsonObject, path: string, lane: string): Generator<TextRef> {
  const said = { path, lane, role: 'assistant' } as const
  switch (item.type ?? 'message') {
    case 'message':
      yield* contentTexts(item, 'content', { path, lane, role: ROLES[String(item.role)] ?? 'user', kind: 'text' })
      return
    case 'reasoning':
      yield* reasoningTexts(item, said)
      return
    case 'function_call':
    case 'mcp_call':
      yield* member(item, 'arguments', { ...said, path: `${path}.arguments`, kind: 'tool-input' })
      yield* member(item, 'output', { ...said, path: `${path}.output`, role: 'tool', kind: 'tool-result' })
      return
    case 'custom_tool_call':
      yield* member(item, 'input', { ...said, path: `${path}.input`, kind: 'tool-input' })
      return
    case 'code_interpreter_call':
      yield* member(item, 'code', { ...said, path: `${path}.code`, kind: 'tool-input' })
      return
    case 'mcp_list_tools':
      for (const ref of toolTexts(item.tools, `${path}.tools`)) yield { ...ref, lane: `${lane}/${ref.path}` }
      return
    default:
      if (String(item.type).endsWith('_output')) {
        yield* contentTexts(item, 'output', { path, lane, role: 'tool', kind: 'tool-result' })
      }
  }
}

function* contentTexts(item: JsonObject, name: string, facts: Facts): Generator<TextRef> {
  const path = `${facts.path}.${name}`
  yield* member(item, name, { ...facts, path })
  const parts = item[name]
  if (!Array.isArray(parts)) return
  for (const [index, part] of parts.entries()) {
    if (isObject(part)) yield* partTexts(part, { ...facts, path: `${path}[${index}]`, lane: `${facts.lane}/${index}` })
  }
}

function* partTexts(part: JsonObject, facts: Facts): Generator<TextRef> {
  const { path } = facts
  yield* member(part, 'text', { ...facts, path: `${path}.text` })
  yield* member(part, 'refusal', { ...facts, path: `${path}.refusal`, kind: 'refusal' })
  // What a command printed.
  for (const name of ['stdout', 'stderr']) yield* member(part, name, { ...facts, path: `${path}.${name}` })
}

/** The summary stands beside what is encrypted and goes back with it; reasoning that nothing seals may be edited. */
function* reasoningTexts(item: JsonObject, place: Place): Generator<TextRef> {
  const sealed = typeof item.encrypted_content === 'string'
  for (const name of ['summary', 'content']) {
    const at = { ...place, lane: `${place.lane}/${name}` }
    if (Array.isArray(item[name])) yield* contentTexts(item, name, { ...at, kind: 'thinking', sealed })
  }
}

const DELTAS: Record<string, TextRef['kind']> = {
  'response.output_text': 'text',
  'response.refusal': 'refusal',
  'response.function_call_arguments': 'tool-input',
  'response.custom_tool_call_input': 'tool-input',
  'response.mcp_call_arguments': 'tool-input',
  'response.code_interpreter_call_code': 'tool-input',
  'response.reasoning_summary_text': 'thinking',
  'response.reasoning_text': 'thinking'
}

/**
 * The texts of one event. The pieces of a passage have a lane; each of the events that repeat it whole (the text, its
 * part, its item, the response) has one of its own, as `0/0:done`.
 */
export function streamTexts(data: JsonObject): TextRef[] {
  const [, subject = '', step = ''] = /^(.*)\.(\w+)$/.exec(String(data.type)) ?? []
  const lane = `${data.output_index ?? 0}/${data.content_index ?? data.summary_index ?? 0}`
  const kind = DELTAS[subject]
  if (kind) {
    // Whether a summary belongs to something encrypted is not known before its item is done.
    const facts = { role: 'assistant', kind, sealed: subject === 'response.reasoning_summary_text' } as const
    if (step === 'delta') return [...member(data, 'delta', { ...facts, path: 'delta', lane: `${lane}:${kind}` })]
    const names = ['text', 'refusal', 'arguments', 'input', 'code']
    return names.flatMap(name => [...member(data, name, { ...facts, path: name, lane: `${lane}:${kind}:done` })])
  }
  if (isObject(data.part)) {
    const sealed = subject === 'response.reasoning_summary_part'
    const thinks = sealed || data.part.type === 'reasoning_text'
    const facts = {
      path: 'part',
      role: 'assistant',
      lane: `${lane}:part:${step}`,
      kind: thinks ? 'thinking' : 'text',
      sealed
    } as const
    return [...partTexts(data.part, facts)]
  }
  if (isObject(data.item)) return [...itemTexts(data.item, 'item', `${data.output_index ?? 0}:item:${step}:`)]
  return isObject(data.response) ? [...itemsTexts(data.response.output, 'response.output', 'response:')] : []
}

/** The text in this member, if there is one. */
function* member(holder: JsonObject, name: string, facts: Facts): Generator<TextRef> {
  if (typeof holder[name] !== 'string') return
  const { path, role, lane, kind, sealed = false } = facts
  yield {
    path,
    role,
    kind,
    sealed,
    lane,
    get: () => holder[name] as string,
    set: text => {
      holder[name] = text
    }
  }
}
