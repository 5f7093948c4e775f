import { type Ask, type Media, readDirectives, type ToolResult } from '../ask.ts'
import type { Block } from '../cache.ts'
import type { Visit } from '../door.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Behaviour } from '../models.ts'
import { countTokens } from '../tokens.ts'
import { invalid, unreadable } from './errors.ts'
import { familyOf } from './families.ts'
import { countRequest, generateRequest, vertexCountRequest } from './messages.ts'
import { type Message, readMessage } from './proto.ts'
import type { Blob, Content, FileData, GenerateRequest, Part } from './request.ts'
import { jsonSchemaOf } from './schema-rules.ts'
import { declarationsOf, validate } from './validate.ts'

const TURN_TOKENS = 2
const MEDIA_TOKENS = 258

/** Validates a request and says what it asks for. */
export function readGenerate(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask {
  const request = readAs(generateRequest, body) as GenerateRequest
  const model = visit.params.model ?? ''
  validate(request, model, visit.house.sealer, isVertex(visit))
  const contents = request.contents ?? []
  const last = contents.at(-1)
  const turn = lastUserTurn(contents)
  const config = request.generationConfig ?? {}
  const { text, directives } = readDirectives(textOf(turn))
  const shape = shapeOf(request)
  return {
    model,
    behaviour,
    stream: visit.stream === true,
    text,
    directives,
    media: turn.flatMap(part => mediaOf(part)),
    results: last?.role === 'model' ? [] : resultsOf(last?.parts ?? []),
    tools: declarationsOf(request).map(({ name = '', parameters, parametersJsonSchema }) => ({
      name,
      schema: parametersJsonSchema ?? (parameters === undefined ? undefined : jsonSchemaOf(parameters))
    })),
    call: callOf(request),
    parallel: true,
    ...(shape === undefined ? {} : { shape }),
    stop: config.stopSequences ?? [],
    ...(config.maxOutputTokens === undefined ? {} : { outputTokensMax: config.maxOutputTokens }),
    choices: config.candidateCount ?? 1,
    thinking: thinkingOf(request, model),
    sources: [],
    searchesWeb: (request.tools ?? []).some(tool => tool.googleSearch ?? tool.googleSearchRetrieval),
    prefill: last?.role === 'model' ? textOf(last.parts ?? []) : '',
    endsWithAssistant: last?.role === 'model',
    blocks: blocksOf(request),
    body,
    native: request
  }
}

/** Validates a request for a count; the answer is the sum of the prompt. */
export function countContents(body: JsonObject, visit: Visit): number {
  const read = readAs(isVertex(visit) ? vertexCountRequest : countRequest, body)
  const { generateContentRequest, ...plain } = read as GenerateRequest & { generateContentRequest?: GenerateRequest }
  if (generateContentRequest && plain.contents) {
    throw invalid('Only one of `contents` and `generate_content_request` may be set.')
  }
  const request = generateContentRequest ?? plain
  validate(request, visit.params.model ?? '', visit.house.sealer, isVertex(visit))
  return blocksOf(request).reduce((sum, block) => sum + block.tokens, 0)
}

export function isVertex({ request }: Visit): boolean {
  return request.path.includes('/publishers/')
}

function readAs(message: Message, body: JsonObject): JsonObject {
  const { value, violations } = readMessage(message, body)
  if (violations.length > 0) throw unreadable(violations)
  return value
}

/** The parts of the last turn of the user's that says something; of all such turns at the end. */
function lastUserTurn(contents: Content[]): Part[] {
  const end = contents.findLastIndex(content => content.role !== 'model') + 1
  const start = contents.slice(0, end).findLastIndex(content => content.role === 'model') + 1
  return contents.slice(start, end).flatMap(content => content.parts ?? [])
}

function textOf(parts: Part[]): string {
  return parts.map(part => (part.thought === true ? '' : (part.text ?? ''))).join('')
}

function mediaOf({ inlineData, fileData }: { inlineData?: Blob; fileData?: FileData }): Media[] {
  const mediaType = inlineData?.mimeType ?? fileData?.mimeType
  if (!inlineData && !fileData) return []
  const group = mediaType?.split('/')[0]
  const kind = group === 'image' || group === 'audio' ? group : 'document'
  const typed = mediaType === undefined ? {} : { mediaType }
  if (inlineData) return [{ kind, ...typed, bytes: Buffer.from(inlineData.data ?? '', 'base64').length }]
  return [{ kind, ...typed, at: fileData?.fileUri ?? '' }]
}

function resultsOf(parts: Part[]): ToolResult[] {
  return parts.flatMap(({ functionResponse }): ToolResult[] => {
    if (!functionResponse) return []
    const { id, name = '', response = {}, parts: media = [] } = functionResponse
    const said = response.output ?? response.result ?? response.error ?? response
    return [
      {
        id: id ?? name,
        name,
        text: typeof said === 'string' ? said : JSON.stringify(said),
        failed: response.error !== undefined,
        media: media.flatMap(mediaOf)
      }
    ]
  })
}

function callOf(request: GenerateRequest): Ask['call'] {
  const { mode, allowedFunctionNames = [] } = request.toolConfig?.functionCallingConfig ?? {}
  if (mode === 'NONE') return 'none'
  if (mode !== 'ANY') return 'auto'
  return allowedFunctionNames.length === 1 ? { name: allowedFunctionNames[0]! } : 'required'
}

function shapeOf(request: GenerateRequest): Json | undefined {
  const config = request.generationConfig ?? {}
  if (config.responseMimeType !== 'application/json') return undefined
  const jsonSchema = config.responseJsonSchema ?? config._responseJsonSchema
  if (jsonSchema !== undefined) return jsonSchema
  return config.responseSchema === undefined ? true : jsonSchemaOf(config.responseSchema)
}

function thinkingOf(request: GenerateRequest, model: string): Ask['thinking'] {
  const { includeThoughts, thinkingBudget, thinkingLevel } = request.generationConfig?.thinkingConfig ?? {}
  if (thinkingBudget === 0) return 'none'
  if (includeThoughts === true) return 'shown'
  const isAsked = thinkingBudget !== undefined || thinkingLevel !== undefined
  return isAsked || familyOf(model).thinks ? 'counted' : 'none'
}

/** System instruction, tools, then contents: the order in which the provider's cache sees the prompt. */
function blocksOf(request: GenerateRequest): Block[] {
  const lead = [...(request.systemInstruction?.parts ?? []), ...(request.tools ?? [])]
  const head = lead.map(one => {
    const text = 'text' in one && typeof one.text === 'string' ? one.text : JSON.stringify(one)
    return { text: () => text, tokens: countTokens(text) }
  })
  const turns = (request.contents ?? []).map(content => ({
    text: () => JSON.stringify(content),
    tokens: TURN_TOKENS + (content.parts ?? []).reduce((sum, part) => sum + tokensOf(part), 0)
  }))
  return [...head, ...turns]
}

function tokensOf(part: Part): number {
  if (part.inlineData || part.fileData) return MEDIA_TOKENS
  if (part.text !== undefined) return countTokens(part.text)
  const { thoughtSignature: _, ...rest } = part
  return countTokens(JSON.stringify(rest))
}
