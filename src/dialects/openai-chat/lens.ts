import { isObject, type Json, type JsonObject } from '../../json.ts'
import { describedTexts, schemaTexts } from '../declared.ts'
import type { TextRef } from '../dialect.ts'

type Role = TextRef['role']

/** A member that holds a text, and what is known about where it stands. */
interface Place {
  path: string
  role: Role
  lane: string
}

/** Every human text of a request or a reply, in order; `set` writes into the parsed body. */
export function* texts(body: JsonObject, side: 'request' | 'response'): Generator<TextRef> {
  if (side === 'request') yield* requestTexts(body)
  else yield* replyTexts(body, 'message')
}

/** The texts of one chunk. Lanes: `0/text`, `0/thinking`, `0/refusal`, `0/call1`. */
export function streamTexts(data: JsonObject): TextRef[] {
  return plainTexts(data) ?? [...replyTexts(data, 'delta')]
}

/** What nearly every chunk is, without the way through everything that one can be: a piece of the text, and no more. */
function plainTexts({ choices }: JsonObject): TextRef[] | undefined {
  const choice = Array.isArray(choices) && choices.length === 1 ? choices[0] : undefined
  const delta = isObject(choice) ? choice.delta : undefined
  if (!isObject(delta) || typeof delta.content !== 'string') return undefined
  for (const name in delta) if (name !== 'content' && name !== 'role' && delta[name] !== null) return undefined
  const { index } = choice as JsonObject
  return [
    ...member(delta, 'content', {
      path: 'choices[0].delta',
      role: 'assistant',
      kind: 'text',
      lane: `${typeof index === 'number' ? index : 0}/text`
    })
  ]
}

const ROLES: Record<string, Role> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  assistant: 'assistant',
  tool: 'tool',
  function: 'tool'
}

function* requestTexts(body: JsonObject): Generator<TextRef> {
  yield* toolTexts(body)
  const messages = Array.isArray(body.messages) ? body.messages : []
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    const role = ROLES[String(message.role)] ?? 'user'
    yield* messageTexts(message, { path: `messages[${index}]`, role, lane: `${index}` })
  }
  // A predicted output is the client's text too.
  if (isObject(body.prediction)) {
    yield* contentTexts(body.prediction, { path: 'prediction', role: 'assistant', lane: 'prediction' })
  }
}

/** What the model is told of tools, those of the older `functions` too. */
function* toolTexts(body: JsonObject): Generator<TextRef> {
  for (const [index, tool] of (Array.isArray(body.tools) ? body.tools : []).entries()) {
    if (!isObject(tool)) continue
    for (const name of ['function', 'custom']) yield* declaredTexts(tool[name], `tools[${index}].${name}`)
  }
  for (const [index, declared] of (Array.isArray(body.functions) ? body.functions : []).entries()) {
    yield* declaredTexts(declared, `functions[${index}]`)
  }
}

function* declaredTexts(declared: Json | undefined, path: string): Generator<TextRef> {
  if (!isObject(declared)) return
  yield* describedTexts(declared, path)
  yield* schemaTexts(declared.parameters, `${path}.parameters`)
}

function* replyTexts(body: JsonObject, member: 'message' | 'delta'): Generator<TextRef> {
  const choices = Array.isArray(body.choices) ? body.choices : []
  for (const [position, choice] of choices.entries()) {
    if (!isObject(choice)) continue
    const said = choice[member]
    if (!isObject(said)) continue
    const lane = typeof choice.index === 'number' ? choice.index : position
    yield* messageTexts(said, { path: `choices[${position}].${member}`, role: 'assistant', lane: `${lane}` })
  }
}

function* messageTexts(message: JsonObject, place: Place): Generator<TextRef> {
  yield* thinkingTexts(message, place)
  yield* contentTexts(message, place)
  yield* member(message, 'refusal', { ...place, kind: 'refusal', lane: `${place.lane}/refusal` })
  const calls = Array.isArray(message.tool_calls) ? message.tool_calls : []
  for (const [index, call] of calls.entries()) {
    if (!isObject(call)) continue
    const lane = `${place.lane}/call${typeof call.index === 'number' ? call.index : index}`
    const path = `${place.path}.tool_calls[${index}]`
    yield* callTexts(call.function, 'arguments', { ...place, path: `${path}.function`, lane })
    yield* callTexts(call.custom, 'input', { ...place, path: `${path}.custom`, lane })
  }
  const lane = `${place.lane}/call`
  yield* callTexts(message.function_call, 'arguments', { ...place, path: `${place.path}.function_call`, lane })
  yield* audioTexts(message.audio, place)
}

function* callTexts(body: Json | undefined, name: string, place: Place): Generator<TextRef> {
  if (isObject(body)) yield* member(body, name, { ...place, kind: 'tool-input' })
}

function* audioTexts(audio: Json | undefined, place: Place): Generator<TextRef> {
  if (!isObject(audio)) return
  yield* member(audio, 'transcript', {
    ...place,
    path: `${place.path}.audio`,
    kind: 'text',
    lane: `${place.lane}/audio`
  })
}

/**
 * Reasoning. Where `reasoning_details` holds a signature or an encrypted entry, nothing of the thinking may be edited:
 * the flat text repeats what the signature covers.
 */
function* thinkingTexts(message: JsonObject, place: Place): Generator<TextRef> {
  const details = Array.isArray(message.reasoning_details) ? message.reasoning_details.filter(isObject) : []
  const isSealed = details.some(each => typeof each.signature === 'string' || each.data !== undefined)
  const lane = `${place.lane}/thinking`
  for (const name of ['reasoning_content', 'reasoning']) {
    yield* member(message, name, { ...place, kind: 'thinking', lane, sealed: isSealed })
  }
  for (const [index, entry] of details.entries()) {
    const at = { ...place, path: `${place.path}.reasoning_details[${index}]`, lane: `${place.lane}/details${index}` }
    for (const name of ['text', 'summary']) yield* member(entry, name, { ...at, kind: 'thinking', sealed: isSealed })
  }
}

function* contentTexts(message: JsonObject, place: Place): Generator<TextRef> {
  const kind = place.role === 'tool' ? 'tool-result' : 'text'
  const { content } = message
  yield* member(message, 'content', { ...place, kind, lane: `${place.lane}/text` })
  if (!Array.isArray(content)) return
  for (const [index, part] of content.entries()) {
    if (!isObject(part)) continue
    const path = `${place.path}.content[${index}]`
    const lane = `${place.lane}/${index}`
    yield* member(part, 'text', { ...place, path, kind, lane })
    yield* member(part, 'refusal', { ...place, path, kind: 'refusal', lane })
    yield* mistralThinking(part.thinking, { ...place, path: `${path}.thinking`, lane })
  }
}

function* mistralThinking(chunks: Json | undefined, place: Place): Generator<TextRef> {
  if (!Array.isArray(chunks)) return
  for (const [index, chunk] of chunks.entries()) {
    if (isObject(chunk)) yield* member(chunk, 'text', { ...place, path: `${place.path}[${index}]`, kind: 'thinking' })
  }
}

/** The text in this member, if there is one. */
function* member(
  holder: JsonObject,
  name: string,
  facts: Place & { kind: TextRef['kind']; sealed?: boolean }
): Generator<TextRef> {
  if (typeof holder[name] !== 'string') return
  const { path, role, lane, kind, sealed = false } = facts
  yield {
    path: `${path}.${name}`,
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
