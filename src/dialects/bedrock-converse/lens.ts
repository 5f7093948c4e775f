import { isObject, type Json, type JsonObject } from '../../json.ts'
import { describedTexts, schemaTexts, stepInto } from '../declared.ts'
import type { TextRef } from '../dialect.ts'

type Facts = Pick<TextRef, 'role' | 'kind'> & { sealed?: boolean; lane?: string }

/**
 * Every human text of a body, in its order. Replacing one edits the body in place. Reasoning is covered by a signature:
 * its texts are `sealed`.
 */
export function* texts(body: JsonObject, side: 'request' | 'response'): Iterable<TextRef> {
  if (side === 'response') {
    const message = isObject(body.output) ? body.output.message : undefined
    if (isObject(message)) yield* blocksTexts(message.content, 'output.message.content', ASSISTANT, '0')
    return
  }
  yield* toolTexts(body.toolConfig)
  yield* blocksTexts(body.system, 'system', { role: 'system', kind: 'text' })
  if (Array.isArray(body.messages)) {
    for (const [index, message] of body.messages.entries()) {
      if (!isObject(message)) continue
      const role = message.role === 'assistant' || message.role === 'system' ? message.role : 'user'
      yield* blocksTexts(message.content, `messages[${index}].content`, { role, kind: 'text' })
    }
  }
  if (!isObject(body.promptVariables)) return
  for (const [name, value] of Object.entries(body.promptVariables)) {
    const path = stepInto(body.promptVariables, name, 'promptVariables')
    if (isObject(value)) yield* text(value, 'text', `${path}.text`, { role: 'user', kind: 'text' })
  }
}

/** What the model is told of tools. */
function* toolTexts(config: Json | undefined): Iterable<TextRef> {
  for (const [index, { toolSpec }] of list(isObject(config) ? config.tools : undefined)) {
    if (!isObject(toolSpec)) continue
    const path = `toolConfig.tools[${index}].toolSpec`
    yield* describedTexts(toolSpec, path)
    const schema = isObject(toolSpec.inputSchema) ? toolSpec.inputSchema.json : undefined
    yield* schemaTexts(schema, `${path}.inputSchema.json`)
  }
}

const ASSISTANT: Facts = { role: 'assistant', kind: 'text' }

/** The texts of a list of blocks. In a reply, `choice` and place make the lane. */
function* blocksTexts(blocks: Json | undefined, path: string, facts: Facts, choice?: string): Iterable<TextRef> {
  if (!Array.isArray(blocks)) return
  for (const [index, block] of blocks.entries()) {
    const lane = choice === undefined ? {} : { lane: `${choice}/${index}` }
    if (isObject(block)) yield* blockTexts(block, `${path}[${index}]`, { ...facts, ...lane })
  }
}

function* blockTexts(block: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  yield* text(block, 'text', `${path}.text`, facts)
  if (block.json !== undefined) yield jsonRef(block, 'json', `${path}.json`, facts)
  for (const [kind, read] of READERS) {
    const inner = block[kind]
    if (isObject(inner)) yield* read(inner, `${path}.${kind}`, facts)
  }
}

type Reader = (inner: JsonObject, path: string, facts: Facts) => Iterable<TextRef>

const READERS: readonly (readonly [string, Reader])[] = [
  ['guardContent', guardedTexts],
  ['reasoningContent', reasoningTexts],
  ['document', documentTexts],
  ['searchResult', searchTexts],
  ['citationsContent', citedTexts],
  ['toolUse', callTexts],
  ['toolResult', resultTexts]
]

function* guardedTexts(guarded: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  if (isObject(guarded.text)) yield* text(guarded.text, 'text', `${path}.text.text`, facts)
}

function* reasoningTexts({ reasoningText }: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  const sealed: Facts = { ...facts, kind: 'thinking', sealed: true }
  if (isObject(reasoningText)) yield* text(reasoningText, 'text', `${path}.reasoningText.text`, sealed)
}

function* documentTexts(document: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  const inside: Facts = { ...facts, kind: 'document' }
  yield* text(document, 'name', `${path}.name`, inside)
  yield* text(document, 'context', `${path}.context`, inside)
  if (!isObject(document.source)) return
  yield* text(document.source, 'text', `${path}.source.text`, inside)
  yield* blocksTexts(document.source.content, `${path}.source.content`, inside)
}

function* searchTexts(result: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  const inside: Facts = { ...facts, kind: 'document' }
  yield* text(result, 'title', `${path}.title`, inside)
  yield* blocksTexts(result.content, `${path}.content`, inside)
}

function* citedTexts(cited: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  for (const [index, piece] of list(cited.content)) {
    yield* text(piece, 'text', `${path}.content[${index}].text`, facts)
  }
  for (const [index, citation] of list(cited.citations)) {
    yield* citationTexts(citation, `${path}.citations[${index}]`, facts)
  }
}

function* citationTexts(citation: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  for (const [index, piece] of list(citation.sourceContent)) {
    yield* text(piece, 'text', `${path}.sourceContent[${index}].text`, { ...facts, kind: 'document' })
  }
}

function* callTexts(call: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  if (call.input !== undefined) yield jsonRef(call, 'input', `${path}.input`, { ...facts, kind: 'tool-input' })
}

function* resultTexts(result: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  yield* blocksTexts(result.content, `${path}.content`, { ...facts, role: 'tool', kind: 'tool-result' })
}

function* list(value: Json | undefined): Iterable<[number, JsonObject]> {
  for (const [index, item] of Array.isArray(value) ? value.entries() : []) if (isObject(item)) yield [index, item]
}

function* text(owner: JsonObject, name: string, path: string, facts: Facts): Iterable<TextRef> {
  if (typeof owner[name] !== 'string') return
  yield ref(path, facts, {
    get: () => String(owner[name]),
    set: replaced => {
      owner[name] = replaced
    }
  })
}

/** A whole JSON value as its text; text put back that is no JSON is carried as one string. */
function jsonRef(owner: JsonObject, name: string, path: string, facts: Facts): TextRef {
  return ref(path, facts, {
    get: () => JSON.stringify(owner[name]),
    set: replaced => {
      owner[name] = parse(replaced)
    }
  })
}

function ref(path: string, facts: Facts, access: Pick<TextRef, 'get' | 'set'>): TextRef {
  const { role, kind, sealed = false, lane = path } = facts
  return { path, role, kind, sealed, lane, ...access }
}

function parse(json: string): Json {
  try {
    return JSON.parse(json) as Json
  } catch {
    return { _raw: json }
  }
}

/** The texts of one stream event; pieces of one block share a lane, citations of it have their own. */
export function streamTexts(data: JsonObject): TextRef[] {
  const { delta } = data
  if (!isObject(delta)) return []
  const lane = `0/${data.contentBlockIndex}`
  const facts: Facts = { ...ASSISTANT, lane }
  const refs = [...text(delta, 'text', 'delta.text', facts)]
  const { toolUse, toolResult, reasoningContent, citation } = delta
  if (isObject(toolUse)) refs.push(...text(toolUse, 'input', 'delta.toolUse.input', { ...facts, kind: 'tool-input' }))
  refs.push(...blocksTexts(toolResult, 'delta.toolResult', { ...facts, role: 'tool', kind: 'tool-result' }))
  if (isObject(reasoningContent)) {
    const sealed: Facts = { ...facts, kind: 'thinking', sealed: true }
    refs.push(...text(reasoningContent, 'text', 'delta.reasoningContent.text', sealed))
  }
  if (isObject(citation))
    refs.push(...citationTexts(citation, 'delta.citation', { ...facts, lane: `${lane}/citations` }))
  return refs
}
