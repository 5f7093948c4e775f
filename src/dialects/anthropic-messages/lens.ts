import { isObject, type Json, type JsonObject } from '../../json.ts'
import { describedTexts, schemaTexts, valueTexts } from '../declared.ts'
import type { TextRef } from '../dialect.ts'

type Facts = Pick<TextRef, 'role' | 'kind'> & { sealed?: boolean; lane?: string }

/**
 * Every human text of a body, in its order. Replacing one edits the body in place. Thinking and what a hosted tool
 * returned encrypted are covered by signatures: their texts are `sealed`.
 */
export function* texts(body: JsonObject, side: 'request' | 'response'): Iterable<TextRef> {
  if (side === 'response') {
    yield* contentTexts(body, 'content', 'content', { role: 'assistant', kind: 'text' }, '0')
    return
  }
  yield* toolTexts(body)
  yield* contentTexts(body, 'system', 'system', { role: 'system', kind: 'text' })
  if (!Array.isArray(body.messages)) return
  for (const [index, message] of body.messages.entries()) {
    if (!isObject(message)) continue
    const role = message.role === 'assistant' ? 'assistant' : message.role === 'system' ? 'system' : 'user'
    yield* contentTexts(message, 'content', `messages[${index}].content`, { role, kind: 'text' })
  }
}

/** What the model is told of tools. */
function* toolTexts({ tools }: JsonObject): Iterable<TextRef> {
  for (const [index, tool] of (Array.isArray(tools) ? tools : []).entries()) {
    if (!isObject(tool)) continue
    yield* describedTexts(tool, `tools[${index}]`)
    yield* schemaTexts(tool.input_schema, `tools[${index}].input_schema`)
    yield* valueTexts(tool, 'input_examples', `tools[${index}]`)
  }
}

/** The texts of a bare string, a list of blocks or one block. In a reply, `choice` and place make the lane. */
function* contentTexts(
  owner: JsonObject,
  name: string,
  path: string,
  facts: Facts,
  choice?: string
): Iterable<TextRef> {
  const content = owner[name]
  if (Array.isArray(content)) {
    for (const [index, block] of content.entries()) {
      const lane = choice === undefined ? {} : { lane: `${choice}/${index}` }
      if (isObject(block)) yield* blockTexts(block, `${path}[${index}]`, { ...facts, ...lane })
    }
  } else if (isObject(content)) {
    yield* blockTexts(content, path, facts)
  } else {
    yield* text(owner, name, path, facts)
  }
}

function* blockTexts(block: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  const type = String(block.type)
  if (type === 'thinking') {
    yield* text(block, 'thinking', `${path}.thinking`, { ...facts, kind: 'thinking', sealed: true })
  } else if (type === 'document') {
    yield* documentTexts(block, path, { ...facts, kind: 'document' })
  } else if (type === 'search_result') {
    const inside: Facts = { ...facts, kind: 'document' }
    yield* text(block, 'title', `${path}.title`, inside)
    yield* contentTexts(block, 'content', `${path}.content`, inside)
  } else if (type.endsWith('tool_use')) {
    if (block.input !== undefined) yield inputRef(block, `${path}.input`, facts)
  } else if (type.endsWith('tool_result')) {
    yield* contentTexts(block, 'content', `${path}.content`, { ...facts, role: 'tool', kind: 'tool-result' })
  } else {
    yield* plainTexts(block, path, facts)
  }
}

/** Text blocks, summaries of a compaction, and what tools run by the provider printed. */
function* plainTexts(block: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  for (const name of ['text', 'stdout', 'stderr']) yield* text(block, name, `${path}.${name}`, facts)
  if (Array.isArray(block.citations)) {
    for (const [index, citation] of block.citations.entries()) {
      if (!isObject(citation)) continue
      yield* text(citation, 'cited_text', `${path}.citations[${index}].cited_text`, { ...facts, kind: 'document' })
    }
  }
  if (block.content !== undefined) yield* contentTexts(block, 'content', `${path}.content`, facts)
}

function* documentTexts(block: JsonObject, path: string, facts: Facts): Iterable<TextRef> {
  yield* text(block, 'title', `${path}.title`, facts)
  yield* text(block, 'context', `${path}.context`, facts)
  const source = block.source
  if (!isObject(source)) return
  if (source.type === 'text') yield* text(source, 'data', `${path}.source.data`, facts)
  if (source.type === 'content') yield* contentTexts(source, 'content', `${path}.source.content`, facts)
}

function* text(owner: JsonObject, name: string, path: string, facts: Facts): Iterable<TextRef> {
  if (typeof owner[name] !== 'string') return
  yield {
    path,
    role: facts.role,
    kind: facts.kind,
    sealed: facts.sealed ?? false,
    lane: facts.lane ?? path,
    get: () => String(owner[name]),
    set: replaced => {
      owner[name] = replaced
    }
  }
}

/** The whole input of a call as JSON text; text put back that is no JSON is carried as one string. */
function inputRef(block: JsonObject, path: string, facts: Facts): TextRef {
  return {
    path,
    role: facts.role,
    kind: 'tool-input',
    sealed: false,
    lane: facts.lane ?? path,
    get: () => JSON.stringify(block.input),
    set: replaced => {
      block.input = parseInput(replaced)
    }
  }
}

function parseInput(json: string): Json {
  try {
    return JSON.parse(json) as Json
  } catch {
    return { _raw: json }
  }
}

/** The texts of one stream event; pieces of one block share a lane, citations of it have their own. */
export function streamTexts(data: JsonObject): TextRef[] {
  const lane = `0/${data.index}`
  const facts: Facts = { role: 'assistant', kind: 'text', lane }
  if (data.type === 'content_block_start' && isObject(data.content_block)) {
    // The empty input of a call that only begins is no text.
    const begins = isObject(data.content_block.input) && Object.keys(data.content_block.input).length === 0
    return begins ? [] : [...blockTexts(data.content_block, 'content_block', facts)]
  }
  if (data.type !== 'content_block_delta' || !isObject(data.delta)) return []
  const delta = data.delta
  const cited = isObject(delta.citation) ? delta.citation : {}
  return [
    ...text(delta, 'text', 'delta.text', facts),
    ...text(delta, 'thinking', 'delta.thinking', { ...facts, kind: 'thinking', sealed: true }),
    ...text(delta, 'partial_json', 'delta.partial_json', { ...facts, kind: 'tool-input' }),
    ...text(delta, 'content', 'delta.content', facts),
    ...text(cited, 'cited_text', 'delta.citation.cited_text', { ...facts, kind: 'document', lane: `${lane}/citations` })
  ]
}
