import { type Ask, type Media, readDirectives, type ToolResult } from '../ask.ts'
import type { Block } from '../cache.ts'
import type { Visit } from '../door.ts'
import { isObject, type Json, type JsonObject, listOf } from '../json.ts'
import { bytesOfDataUrl } from '../media.ts'
import { type Behaviour, isReasoningName } from '../models.ts'
import { invalid } from '../openai/errors.ts'
import { countTokens } from '../tokens.ts'
import { type Item, parseRequest, type ResponsesRequest, typeOf } from './request.ts'
import { shelfOf } from './shelf.ts'
import { checkConversation, unknownItem, validate } from './validate.ts'

const ITEM_TOKENS = 4
const IMAGE_TOKENS = 85
const FILE_BYTES_PER_TOKEN = 40

/** What the writer needs of a request beside what it asks for. */
export interface Exchange {
  request: ResponsesRequest
  /** The whole conversation, oldest first; every item has an id. */
  items: Item[]
}

/** Validates a request and says what it asks for. */
export function readResponses(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask {
  const exchange = exchangeOf(body, visit)
  const { request, items } = exchange
  const lastUser = items.findLast(item => item.role === 'user')
  const { text, directives } = readDirectives(textOf(lastUser?.content))
  const shape = shapeOf(request)
  const cap = request.max_output_tokens
  return {
    model: request.model ?? 'assistant',
    behaviour,
    stream: request.stream === true,
    text,
    directives,
    media: mediaOf(lastUser?.content),
    results: resultsOf(items),
    tools: (request.tools ?? []).flatMap(tool => {
      if (tool.type === 'function') return [{ name: String(tool.name), schema: tool.parameters as Json | undefined }]
      return tool.type === 'custom' ? [{ name: String(tool.name), schema: undefined, isFreeform: true }] : []
    }),
    call: callOf(request.tool_choice),
    parallel: request.parallel_tool_calls !== false,
    ...(shape === undefined ? {} : { shape }),
    stop: [],
    ...(typeof cap === 'number' ? { outputTokensMax: cap } : {}),
    choices: 1,
    thinking: thinkingOf(request, behaviour),
    sources: [],
    searchesWeb: (request.tools ?? []).some(tool => tool.type.startsWith('web_search')),
    prefill: '',
    endsWithAssistant: items.at(-1)?.role === 'assistant',
    blocks: blocksOf(exchange),
    body,
    native: exchange
  }
}

/** Validates a request for a count; the answer is the sum of the prompt. */
export function countInput(body: JsonObject, visit: Visit): number {
  return blocksOf(exchangeOf(body, visit)).reduce((sum, block) => sum + block.tokens, 3)
}

function exchangeOf(body: JsonObject, visit: Visit): Exchange {
  const request = parseRequest(body)
  validate(request)
  const shelf = shelfOf(visit)
  const before: Item[] = []
  const previousId = request.previous_response_id
  if (typeof previousId === 'string') {
    const previous = shelf.find(previousId)
    if (!previous) {
      throw invalid(`Previous response with id '${previousId}' not found.`, {
        param: 'previous_response_id',
        code: 'previous_response_not_found'
      })
    }
    before.push(...previous.input, ...listOf(previous.body.output).filter(isObject))
  }
  const sent = typeof request.input === 'string' ? [{ role: 'user', content: request.input }] : (request.input ?? [])
  const own = (sent as Item[]).map(item => {
    if (typeOf(item) !== 'item_reference') return { ...item, type: typeOf(item), id: item.id ?? newId(item, visit) }
    const found = shelf.item(String(item.id))
    if (!found) throw unknownItem(String(item.id))
    return found.item
  })
  const items = [...before, ...own]
  checkConversation(items, before.length, visit.house.sealer, shelf)
  return { request, items }
}

const PREFIXES: Record<string, string> = {
  message: 'msg_',
  function_call: 'fc_',
  custom_tool_call: 'ctc_',
  reasoning: 'rs_'
}

function newId(item: Item, visit: Visit): string {
  return visit.house.ids.nextHex(PREFIXES[typeOf(item)] ?? 'item_', 50)
}

function partsOf(content: Json | undefined): JsonObject[] {
  return typeof content === 'string' ? [{ type: 'input_text', text: content }] : listOf(content).filter(isObject)
}

function textOf(content: Json | undefined): string {
  return partsOf(content)
    .map(part => (typeof part.text === 'string' ? part.text : ''))
    .join('')
}

function mediaOf(content: Json | undefined): Media[] {
  return partsOf(content).flatMap((part): Media[] => {
    const kind = part.type === 'input_image' ? 'image' : part.type === 'input_file' ? 'document' : undefined
    if (kind === undefined) return []
    const at = String(part.image_url ?? part.file_data ?? part.file_url ?? part.file_id)
    const data = bytesOfDataUrl(at)
    const named = typeof part.filename === 'string' ? { name: part.filename } : {}
    if (data) return [{ kind, mediaType: data.mediaType, ...named, bytes: data.bytes.length }]
    return [{ kind, ...named, at }]
  })
}

/** Outputs of the calls at the end of the conversation. */
function resultsOf(items: Item[]): ToolResult[] {
  const from = items.findLastIndex(item => !typeOf(item).endsWith('call_output')) + 1
  return items.slice(from).map(item => {
    const call = items.find(one => one.call_id === item.call_id && one.name !== undefined)
    return {
      id: String(item.call_id),
      name: String(call?.name ?? 'unknown'),
      text: textOf(item.output),
      failed: false,
      media: mediaOf(item.output)
    }
  })
}

function callOf(choice: ResponsesRequest['tool_choice']): Ask['call'] {
  if (typeof choice === 'string') return choice
  if (choice?.type === 'allowed_tools') return choice.mode === 'required' ? 'required' : 'auto'
  return typeof choice?.name === 'string' ? { name: choice.name } : 'auto'
}

function shapeOf(request: ResponsesRequest): Json | undefined {
  const format = request.text?.format
  if (format?.type === 'json_object') return true
  return format?.type === 'json_schema' ? (format.schema as Json) : undefined
}

function thinkingOf(request: ResponsesRequest, behaviour: Behaviour): Ask['thinking'] {
  const { effort, summary, generate_summary } = request.reasoning ?? {}
  if (effort === 'none') return 'none'
  const thinks = typeof effort === 'string' || isReasoningName(request.model ?? '') || behaviour.id === 'reasoner'
  if (!thinks && summary === undefined) return 'none'
  return (summary ?? generate_summary) ? 'shown' : 'counted'
}

/** Tools, instructions, then items: the order in which the provider's cache sees the prompt. */
function blocksOf({ request, items }: Exchange): Block[] {
  const lead = [...(request.tools ?? []), ...(request.instructions ? [request.instructions] : [])]
  const head = lead.map(one => {
    const text = typeof one === 'string' ? one : JSON.stringify(one)
    return { text: () => text, tokens: countTokens(text) }
  })
  return [...head, ...items.map(item => ({ text: () => cacheText(item), tokens: ITEM_TOKENS + tokensOf(item) }))]
}

/** An item without its id: the same words hit the cache under any. */
function cacheText({ id: _, ...item }: Item): string {
  return JSON.stringify(item)
}

function tokensOf(item: Item): number {
  let tokens = 0
  for (const part of [...partsOf(item.content), ...partsOf(item.output), ...partsOf(item.summary)]) {
    if (typeof part.text === 'string') tokens += countTokens(part.text)
    if (typeof part.refusal === 'string') tokens += countTokens(part.refusal)
    if (part.type === 'input_image') tokens += IMAGE_TOKENS
    if (part.type === 'input_file') tokens += Math.ceil(String(part.file_data ?? '').length / FILE_BYTES_PER_TOKEN)
  }
  for (const member of ['name', 'arguments', 'input']) {
    if (typeof item[member] === 'string') tokens += countTokens(item[member])
  }
  return tokens
}
