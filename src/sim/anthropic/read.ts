import { type Ask, type Media, readDirectives, type Source, type ToolResult } from '../ask.ts'
import type { Request, Visit } from '../door.ts'
import { firstFinding } from '../issues.ts'
import type { Json, JsonObject } from '../json.ts'
import { bytesOfBase64 } from '../media.ts'
import type { Behaviour } from '../models.ts'
import { refusalOf } from './errors.ts'
import { promptBlocksOf } from './prompt.ts'
import {
  betaCountSchema,
  betaRequestSchema,
  type ContentBlock,
  countSchema,
  type Message,
  type MessagesRequest,
  requestSchema
} from './schema.ts'
import { isThinking, validate } from './validate.ts'

/** Validates a messages request and says what it asks for. */
export function readMessages(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask {
  const request = parse(isBeta(visit.request) ? betaRequestSchema : requestSchema, body)
  validate(request, visit.house.sealer)
  return askOf(request, body, behaviour)
}

/** Validates a token count request; the answer is the sum of the prompt. */
export function countPrompt(body: JsonObject, visit: Visit): number {
  const request = parse(isBeta(visit.request) ? betaCountSchema : countSchema, body)
  validate(request, visit.house.sealer)
  return promptBlocksOf(request).reduce((sum, block) => sum + block.tokens, 0)
}

/** Whether beta members are accepted. */
function isBeta({ headers, query }: Request): boolean {
  return headers['anthropic-beta'] !== undefined || query.get('beta') === 'true'
}

type Schema = { safeParse: (typeof requestSchema)['safeParse'] } | { safeParse: (typeof countSchema)['safeParse'] }

function parse(schema: Schema, body: JsonObject): MessagesRequest {
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw refusalOf(firstFinding(parsed.error, body), body)
  return parsed.data as MessagesRequest
}

function askOf(request: MessagesRequest, body: JsonObject, behaviour: Behaviour): Ask {
  const { messages, tool_choice: choice } = request
  const endsWithAssistant = messages.at(-1)?.role === 'assistant'
  const turn = lastUserTurn(messages)
  const { text, directives } = readDirectives(turn.map(block => (block.type === 'text' ? block.text : '')).join(''))
  const shape = (request.output_config?.format ?? request.output_format)?.schema as Json | undefined
  return {
    model: request.model,
    behaviour,
    stream: request.stream === true,
    text,
    directives,
    media: turn.flatMap(mediaOf),
    results: endsWithAssistant ? [] : resultsOf(turn, messages),
    tools: (request.tools ?? []).flatMap(tool =>
      'input_schema' in tool ? [{ name: String(tool.name), schema: tool.input_schema as Json }] : []
    ),
    call:
      choice?.type === 'tool' ? { name: choice.name } : choice?.type === 'any' ? 'required' : (choice?.type ?? 'auto'),
    parallel: !(choice && 'disable_parallel_tool_use' in choice && choice.disable_parallel_tool_use === true),
    ...(shape === undefined ? {} : { shape }),
    stop: request.stop_sequences ?? [],
    outputTokensMax: request.max_tokens,
    choices: 1,
    thinking: thinkingOf(request),
    sources: sourcesOf(messages),
    searchesWeb: false,
    prefill: endsWithAssistant ? blocksOf(messages.at(-1)!).map(textOf).join('') : '',
    endsWithAssistant,
    blocks: promptBlocksOf(request),
    body
  }
}

function thinkingOf(request: MessagesRequest): Ask['thinking'] {
  const { thinking } = request
  if (!isThinking(request) || thinking === undefined || thinking.type === 'disabled') return 'none'
  return thinking.display === 'omitted' ? 'sealed' : 'shown'
}

function blocksOf(message: Message): ContentBlock[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content
}

function textOf(block: { type: string }): string {
  return block.type === 'text' && 'text' in block ? String(block.text) : ''
}

/** All blocks of the user messages at the end (before a prefill): the provider reads them as one turn. */
function lastUserTurn(messages: Message[]): ContentBlock[] {
  const end = messages.findLastIndex(message => message.role === 'user') + 1
  const start = messages.slice(0, end).findLastIndex(message => message.role !== 'user') + 1
  return messages.slice(start, end).flatMap(blocksOf)
}

function resultsOf(turn: ContentBlock[], messages: Message[]): ToolResult[] {
  const names = new Map(
    messages.flatMap(blocksOf).flatMap(block => (block.type === 'tool_use' ? [[block.id, block.name] as const] : []))
  )
  return turn.flatMap((block): ToolResult[] => {
    if (block.type !== 'tool_result') return []
    const parts = typeof block.content === 'string' ? [{ type: 'text', text: block.content }] : (block.content ?? [])
    return [
      {
        id: block.tool_use_id,
        name: names.get(block.tool_use_id) ?? 'unknown',
        text: parts.map(textOf).join(''),
        failed: block.is_error === true,
        media: parts.flatMap(part => mediaOf(part as ContentBlock))
      }
    ]
  })
}

function mediaOf(block: ContentBlock): Media[] {
  if (block.type !== 'image' && block.type !== 'document') return []
  const { source } = block
  const named = block.type === 'document' && typeof block.title === 'string' ? { name: block.title } : {}
  const kind = block.type
  switch (source.type) {
    case 'base64':
      return [{ kind, mediaType: source.media_type, ...named, bytes: bytesOfBase64(source.data)?.length ?? 0 }]
    case 'text':
      return [{ kind, mediaType: source.media_type, ...named, bytes: Buffer.byteLength(source.data) }]
    case 'url':
      return [{ kind, ...named, at: source.url }]
    case 'file':
      return [{ kind, ...named, at: source.file_id }]
    case 'content':
      return [{ kind, ...named }]
  }
}

/** Plain-text documents with citations on, numbered as the provider numbers documents: over the whole request. */
function sourcesOf(messages: Message[]): Source[] {
  const documents = messages.flatMap(blocksOf).filter(block => block.type === 'document')
  return documents.flatMap((document, index): Source[] => {
    const { source, citations, title } = document
    if (citations?.enabled !== true || source.type !== 'text') return []
    return [{ index, title: title ?? null, text: source.data }]
  })
}
