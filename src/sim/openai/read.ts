import { type Ask, type Media, readDirectives, type ToolResult } from '../ask.ts'
import type { Block } from '../cache.ts'
import { firstFinding } from '../issues.ts'
import { isObject, type Json, type JsonObject, listOf } from '../json.ts'
import { bytesOfDataUrl } from '../media.ts'
import { type Behaviour, isReasoningName } from '../models.ts'
import { countTokens } from '../tokens.ts'
import { invalid, refusalOf } from './errors.ts'
import { type ChatRequest, reasonerRequestSchema, requestSchema } from './schema.ts'
import { validate } from './validate.ts'

type Message = ChatRequest['messages'][number]

const MESSAGE_TOKENS = 4
const IMAGE_TOKENS = 85
const FILE_BYTES_PER_TOKEN = 40

/** Validates a chat completion request and says what it asks for. */
export function readChat(body: JsonObject, behaviour: Behaviour): Ask {
  if (body.model === undefined) throw invalid('you must provide a model parameter')
  const schema = behaviour.id === 'reasoner' ? reasonerRequestSchema : requestSchema
  const parsed = schema.safeParse(body)
  if (!parsed.success) throw refusalOf(firstFinding(parsed.error, body))
  const request = parsed.data as ChatRequest
  validate(request)
  const lastUser = request.messages.findLast(message => message.role === 'user')
  const { text, directives } = readDirectives(textOf(lastUser?.content))
  const shape = shapeOf(request)
  const outputTokensMax = request.max_completion_tokens ?? request.max_tokens
  return {
    model: request.model,
    behaviour,
    stream: request.stream === true,
    text,
    directives,
    media: mediaOf(lastUser?.content),
    results: resultsOf(request.messages),
    tools: (request.tools ?? []).map(tool =>
      tool.type === 'function'
        ? { name: tool.function.name, schema: tool.function.parameters as Json | undefined }
        : { name: tool.custom.name, schema: undefined, isFreeform: true }
    ),
    call: callOf(request.tool_choice),
    parallel: request.parallel_tool_calls !== false,
    ...(shape === undefined ? {} : { shape }),
    stop: listOf(request.stop) as string[],
    ...(typeof outputTokensMax === 'number' ? { outputTokensMax } : {}),
    choices: request.n ?? 1,
    thinking: thinkingOf(request, body, behaviour),
    sources: [],
    searchesWeb: request.web_search_options !== undefined,
    prefill: '',
    endsWithAssistant: request.messages.at(-1)?.role === 'assistant',
    blocks: blocksOf(request),
    body
  }
}

function textOf(content: Message['content'] | undefined): string {
  if (typeof content === 'string') return content
  return (content ?? []).map(part => (part.type === 'text' ? part.text : '')).join('')
}

function mediaOf(content: Message['content'] | undefined): Media[] {
  if (content === null || content === undefined || typeof content === 'string') return []
  return content.flatMap((part): Media[] => {
    if (part.type === 'image_url') return [mediaAt('image', part.image_url.url)]
    if (part.type === 'input_audio') {
      const bytes = Buffer.from(part.input_audio.data, 'base64').length
      return [{ kind: 'audio', mediaType: `audio/${part.input_audio.format}`, bytes }]
    }
    if (part.type !== 'file') return []
    const named = part.file.filename === undefined ? {} : { name: part.file.filename }
    const at = part.file.file_data ?? part.file.file_id ?? ''
    return [{ ...mediaAt('document', at), ...named }]
  })
}

function mediaAt(kind: Media['kind'], at: string): Media {
  const data = bytesOfDataUrl(at)
  return data ? { kind, mediaType: data.mediaType, bytes: data.bytes.length } : { kind, at }
}

function resultsOf(messages: Message[]): ToolResult[] {
  const from = messages.findLastIndex(message => message.role !== 'tool') + 1
  const asked = messages[from - 1]
  const calls = (asked?.role === 'assistant' ? asked.tool_calls : undefined) ?? []
  return messages.slice(from).flatMap((message): ToolResult[] => {
    if (message.role !== 'tool') return []
    const call = calls.find(one => one.id === message.tool_call_id)
    const name = call?.type === 'function' ? call.function.name : (call?.custom.name ?? 'unknown')
    return [{ id: message.tool_call_id, name, text: textOf(message.content), failed: false, media: [] }]
  })
}

function callOf(choice: ChatRequest['tool_choice']): Ask['call'] {
  if (choice === undefined) return 'auto'
  if (typeof choice === 'string') return choice
  if (choice.type === 'allowed_tools') return choice.allowed_tools.mode
  return { name: choice.type === 'function' ? choice.function.name : choice.custom.name }
}

function shapeOf(request: ChatRequest): Json | undefined {
  const format = request.response_format
  if (format?.type === 'json_object') return true
  return format?.type === 'json_schema' ? (format.json_schema.schema as Json) : undefined
}

function thinkingOf(request: ChatRequest, body: JsonObject, behaviour: Behaviour): Ask['thinking'] {
  if (behaviour.id === 'reasoner') {
    return isObject(body.thinking) && body.thinking.type === 'disabled' ? 'none' : 'shown'
  }
  const effort = request.reasoning_effort
  if (effort === 'none') return 'none'
  return isReasoningName(request.model) || typeof effort === 'string' ? 'counted' : 'none'
}

/** Tools, then messages: the order in which the provider's cache sees the prompt. */
function blocksOf(request: ChatRequest): Block[] {
  const tools = (request.tools ?? []).map(tool => {
    const text = JSON.stringify(tool)
    return { text: () => text, tokens: countTokens(text) }
  })
  const messages = request.messages.map(message => ({
    text: () => JSON.stringify(message),
    tokens: MESSAGE_TOKENS + tokensOf(message)
  }))
  return [...tools, ...messages]
}

function tokensOf(message: Message): number {
  const { content } = message
  let tokens = 0
  if (typeof content === 'string') tokens += countTokens(content)
  for (const part of Array.isArray(content) ? content : []) {
    if (part.type === 'text') tokens += countTokens(part.text)
    if (part.type === 'refusal') tokens += countTokens(part.refusal)
    if (part.type === 'image_url') tokens += IMAGE_TOKENS
    if (part.type === 'file') tokens += Math.ceil((part.file.file_data ?? '').length / FILE_BYTES_PER_TOKEN)
  }
  if (message.role === 'assistant' && message.tool_calls) tokens += countTokens(JSON.stringify(message.tool_calls))
  return tokens
}
