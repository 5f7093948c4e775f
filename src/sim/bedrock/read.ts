import { type Ask, type Media, readDirectives, type Source, type ToolResult } from '../ask.ts'
import type { Visit } from '../door.ts'
import { firstFinding } from '../issues.ts'
import type { Json, JsonObject } from '../json.ts'
import { bytesOfBase64 } from '../media.ts'
import type { Behaviour } from '../models.ts'
import { refusalOf } from './errors.ts'
import { readInvoke } from './invoke.ts'
import { promptBlocksOf } from './prompt.ts'
import { type ContentBlock, type ConverseRequest, converseSchema, countSchema, type Message } from './schema.ts'
import { readThinking } from './thinking.ts'
import { shapeOf, validate } from './validate.ts'

/** Validates a request of Converse and says what it asks for. */
export function readConverse(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask {
  const parsed = converseSchema.safeParse(body)
  if (!parsed.success) throw refusalOf(firstFinding(parsed.error, body))
  const model = visit.params.model ?? ''
  validate(parsed.data, model, visit.house.sealer)
  return askOf(parsed.data, { model, body, behaviour, stream: visit.stream === true })
}

/** Validates a request for a count; the answer is the sum of the prompt. */
export function countPrompt(body: JsonObject, behaviour: Behaviour, visit: Visit): number {
  const parsed = countSchema.safeParse(body)
  if (!parsed.success) throw refusalOf(firstFinding(parsed.error, body))
  const { converse, invokeModel } = parsed.data.input
  if (converse) validate(converse, visit.params.model ?? '', visit.house.sealer)
  const blocks = converse ? promptBlocksOf(converse) : readInvoke(invokeModel!.body, behaviour, visit).blocks
  return blocks.reduce((sum, block) => sum + block.tokens, 0)
}

type Facts = Pick<Ask, 'model' | 'body' | 'behaviour' | 'stream'>

function askOf(request: ConverseRequest, facts: Facts): Ask {
  const { messages, toolConfig, inferenceConfig = {} } = request
  const last = messages.at(-1)!
  const endsWithAssistant = last.role === 'assistant'
  const turn = lastUserTurn(messages)
  const { text, directives } = readDirectives(textOf(turn))
  const shape = shapeOf(request)
  const choice = toolConfig?.toolChoice
  const { maxTokens } = inferenceConfig
  return {
    ...facts,
    text,
    directives,
    media: turn.flatMap(mediaOf),
    results: endsWithAssistant ? [] : resultsOf(turn, messages),
    tools: (toolConfig?.tools ?? []).flatMap(({ toolSpec }) =>
      toolSpec ? [{ name: toolSpec.name, schema: toolSpec.inputSchema.json as Json }] : []
    ),
    call: choice?.tool ? { name: choice.tool.name } : choice?.any ? 'required' : 'auto',
    parallel: true,
    ...(shape === undefined ? {} : { shape }),
    stop: inferenceConfig.stopSequences ?? [],
    ...(maxTokens === undefined ? {} : { outputTokensMax: maxTokens }),
    choices: 1,
    thinking: thinkingOf(request),
    sources: sourcesOf(messages),
    searchesWeb: false,
    prefill: endsWithAssistant ? textOf(last.content) : '',
    endsWithAssistant,
    blocks: promptBlocksOf(request),
    native: request
  }
}

function thinkingOf(request: ConverseRequest): Ask['thinking'] {
  const { way, isOmitted } = readThinking(request)
  if (way === 'none') return 'none'
  return isOmitted ? 'sealed' : 'shown'
}

/** The user's turns at the end (before a prefill), which only few models let follow each other. */
function lastUserTurn(messages: Message[]): ContentBlock[] {
  const end = messages.findLastIndex(({ role }) => role === 'user') + 1
  const start = messages.slice(0, end).findLastIndex(({ role }) => role !== 'user') + 1
  return messages.slice(start, end).flatMap(({ content }) => content)
}

function textOf(blocks: ContentBlock[]): string {
  return blocks.map(({ text, guardContent }) => text ?? guardContent?.text?.text ?? '').join('')
}

function resultsOf(turn: ContentBlock[], messages: Message[]): ToolResult[] {
  const uses = messages.flatMap(({ content }) => content.flatMap(({ toolUse }) => (toolUse ? [toolUse] : [])))
  const names = new Map(uses.map(({ toolUseId, name }) => [toolUseId, name]))
  return turn.flatMap(({ toolResult }): ToolResult[] => {
    if (!toolResult) return []
    const { toolUseId: id, content, status } = toolResult
    const text = content.map(part => part.text ?? (part.json === undefined ? '' : JSON.stringify(part.json))).join('')
    const media = content.flatMap(part => mediaOf(part as ContentBlock))
    return [{ id, name: names.get(id) ?? 'unknown', text, failed: status === 'error', media }]
  })
}

const DOCUMENT_TYPES: Record<string, string> = {
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  html: 'text/html',
  csv: 'text/csv'
}

function mediaOf({ image, document, video, audio }: ContentBlock): Media[] {
  const { source, format } = image ?? document ?? video ?? audio ?? {}
  if (!source) return []
  const { bytes, s3Location } = source
  const written = document?.source.text
  const length = bytes === undefined ? written && Buffer.byteLength(written) : (bytesOfBase64(bytes)?.length ?? 0)
  const mediaType = image ? `image/${format}` : audio ? `audio/${format}` : DOCUMENT_TYPES[format ?? 'txt']
  return [
    {
      kind: image ? 'image' : audio ? 'audio' : 'document',
      ...(mediaType === undefined ? {} : { mediaType }),
      ...(document ? { name: document.name } : {}),
      ...(length === undefined ? {} : { bytes: Number(length) }),
      ...(s3Location ? { at: s3Location.uri } : {})
    }
  ]
}

/** Texts with citations on, numbered over all documents of the request. */
function sourcesOf(messages: Message[]): Source[] {
  const documents = messages.flatMap(({ content }) => content.flatMap(({ document }) => (document ? [document] : [])))
  return documents.flatMap(({ name, source, citations, format }, index): Source[] => {
    const isText = format === undefined || format === 'txt' || format === 'md'
    const bytes = isText && source.bytes !== undefined ? Buffer.from(source.bytes, 'base64').toString() : undefined
    const text = source.text ?? bytes
    return citations?.enabled && text ? [{ index, title: name, text }] : []
  })
}
