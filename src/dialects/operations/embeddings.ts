import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Losses } from '../dialect.ts'

/**
 * Embeddings. OpenAI's shape is the hub: clients speak it, and each provider's way is a `Shape` that is reached from it
 * and leads back to it. Other operations beside chat are added like this one: one file, hub and shapes in it.
 */

/** What is asked, as `POST /v1/embeddings` says it (platform.openai.com/docs/api-reference/embeddings). */
export interface EmbeddingsRequest {
  model: string
  /** Texts, or lists of token ids, one vector each. */
  inputs: readonly (string | readonly number[])[]
  /** Length of the vectors, where the model lets one choose. */
  dimensions?: number
  /** `base64`: little-endian 32-bit floats. */
  encoding: 'float' | 'base64'
  /** Members that only some provider knows (`input_type`, `task_type`, `user`, …), as they came. */
  rest: JsonObject
}

/** One vector for each input, in their order: numbers, or base64 where the provider already encodes. */
export interface Embeddings {
  vectors: readonly (readonly number[] | string)[]
  /** Undefined where the provider does not count. */
  inputTokens: number | undefined
}

export interface Shape {
  /** Most inputs that one request of the provider may hold. */
  inputsMax: number
  /** Below the provider's base URL. */
  path(model: string): string
  /** `request.inputs` are at most `inputsMax`. Throws Failure `cannot_cross` on token ids where only text is taken. */
  encodeRequest(request: EmbeddingsRequest, losses: Losses): JsonObject
  /** Throws Failure `provider_malformed`. `headers`: some providers count there. */
  decodeResponse(body: JsonObject, headers: Readonly<Record<string, string>>): Embeddings
}

const READ = new Set(['model', 'input', 'dimensions', 'encoding_format'])

/** Throws Failure `wrong_type` or `missing_field` about the client's body. */
export function decodeRequest(body: JsonObject): EmbeddingsRequest {
  const { model, input, dimensions, encoding_format: encoding = 'float' } = body
  if (typeof model !== 'string') throw wrong('model', 'must be a string')
  if (dimensions !== undefined && dimensions !== null && !isCount(dimensions))
    throw wrong('dimensions', 'must be a positive whole number')
  if (encoding !== 'float' && encoding !== 'base64') throw wrong('encoding_format', 'must be `float` or `base64`')
  const rest = Object.fromEntries(Object.entries(body).filter(([name, value]) => !READ.has(name) && value !== null))
  return { model, inputs: inputsOf(input), ...(isCount(dimensions) && { dimensions }), encoding, rest }
}

function inputsOf(input: Json | undefined): EmbeddingsRequest['inputs'] {
  if (input === undefined) throw new Failure('missing_field', '"input" is required.', { param: 'input' })
  if (typeof input === 'string') return [input]
  if (!Array.isArray(input) || input.length === 0) throw wrong('input', 'must be a text, or a list that is not empty')
  if (isTokens(input)) return [input]
  return input.map((each, index) => {
    if (typeof each === 'string' || isTokens(each)) return each
    throw wrong(`input[${index}]`, 'must be a text or a list of token ids')
  })
}

function isTokens(value: Json): value is number[] {
  return Array.isArray(value) && value.length > 0 && value.every(each => typeof each === 'number')
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0
}

function wrong(param: string, problem: string): Failure {
  return new Failure('wrong_type', `"${param}" ${problem}.`, { param })
}

/** The answer as OpenAI gives it, in the encoding that was asked for. */
export function encodeResponse(
  { model, encoding }: EmbeddingsRequest,
  { vectors, inputTokens }: Embeddings
): JsonObject {
  const data = vectors.map((vector, index) => ({ object: 'embedding', index, embedding: inEncoding(vector, encoding) }))
  return { object: 'list', data, model, usage: { prompt_tokens: inputTokens ?? 0, total_tokens: inputTokens ?? 0 } }
}

const FLOAT_BYTES = 4

function inEncoding(vector: readonly number[] | string, encoding: 'float' | 'base64'): Json {
  if (typeof vector === 'string') return encoding === 'base64' ? vector : floatsOf(vector)
  if (encoding === 'float') return [...vector]
  const bytes = Buffer.alloc(vector.length * FLOAT_BYTES)
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * FLOAT_BYTES)
  return bytes.toString('base64')
}

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: Math.floor(bytes.length / FLOAT_BYTES) }, (_, at) => bytes.readFloatLE(at * FLOAT_BYTES))
}

// ---- shapes ------------------------------------------------------------------------------------------------------

/** OpenAI's own, and that of all who imitate it. */
const openai: Shape = {
  inputsMax: 2048,
  path: () => '/embeddings',
  encodeRequest: ({ model, inputs, dimensions, encoding, rest }) => ({
    model,
    input: inputs.length === 1 ? asJson(inputs[0]!) : inputs.map(asJson),
    ...(dimensions !== undefined && { dimensions }),
    encoding_format: encoding,
    ...rest
  }),
  decodeResponse: ({ data, usage }) => {
    const list = listOf(data).map(each => (isObject(each) ? each : {}))
    // Nobody promises the order: the index is what says whose it is.
    const sorted = list.toSorted((left, right) => Number(left.index ?? 0) - Number(right.index ?? 0))
    const { prompt_tokens, total_tokens } = isObject(usage) ? usage : {}
    return {
      vectors: sorted.map(({ embedding }) => vectorOf(embedding)),
      inputTokens: countOf(prompt_tokens ?? total_tokens)
    }
  }
}

/** Google's (ai.google.dev/api/embeddings), one request for many texts. */
const gemini: Shape = {
  inputsMax: 100,
  path: model => `/models/${encodeURIComponent(model)}:batchEmbedContents`,
  encodeRequest: ({ model, inputs, dimensions, rest }, losses) => {
    const { task_type, title, ...others } = rest
    losses.push(...Object.keys(others))
    return {
      requests: inputs.map(input => ({
        model: `models/${model}`,
        content: { parts: [{ text: textOf(input) }] },
        ...(dimensions !== undefined && { outputDimensionality: dimensions }),
        ...(task_type !== undefined && { taskType: task_type }),
        ...(title !== undefined && { title })
      }))
    }
  },
  decodeResponse: ({ embeddings, usageMetadata }) => ({
    vectors: listOf(embeddings).map(each => vectorOf(isObject(each) ? each.values : undefined)),
    inputTokens: countOf(isObject(usageMetadata) ? usageMetadata.promptTokenCount : undefined)
  })
}

/** Cohere's version 2 (docs.cohere.com/reference/embed). Its newer models must be told what a text is for. */
const cohere: Shape = {
  inputsMax: 96,
  path: () => '/v2/embed',
  encodeRequest: (request, losses) => ({ model: request.model, ...cohereMembers(request, losses) }),
  decodeResponse: ({ embeddings, meta }) => {
    const billed = isObject(meta) && isObject(meta.billed_units) ? meta.billed_units.input_tokens : undefined
    return { vectors: cohereVectors(embeddings), inputTokens: countOf(billed) }
  }
}

function cohereMembers({ inputs, dimensions, rest }: EmbeddingsRequest, losses: Losses): JsonObject {
  const { input_type = 'search_document', truncate, ...others } = rest
  losses.push(...Object.keys(others))
  return {
    texts: inputs.map(textOf),
    input_type,
    embedding_types: ['float'],
    ...(truncate !== undefined && { truncate }),
    ...(dimensions !== undefined && { output_dimension: dimensions })
  }
}

function cohereVectors(embeddings: Json | undefined): number[][] {
  const list = isObject(embeddings) ? embeddings.float : embeddings
  return listOf(list).map(vectorOf) as number[][]
}

/** Amazon Titan on Bedrock (docs.aws.amazon.com/bedrock, model parameters): one text a request. */
const titan: Shape = {
  inputsMax: 1,
  path: invoke,
  encodeRequest: ({ inputs, dimensions, rest }, losses) => {
    const { normalize, ...others } = rest
    losses.push(...Object.keys(others))
    return {
      inputText: textOf(inputs[0]!),
      ...(dimensions !== undefined && { dimensions }),
      ...(normalize !== undefined && { normalize })
    }
  },
  decodeResponse: ({ embedding, inputTextTokenCount }) => ({
    vectors: [vectorOf(embedding)],
    inputTokens: countOf(inputTextTokenCount)
  })
}

/** Cohere's models on Bedrock. */
const bedrockCohere: Shape = {
  inputsMax: 96,
  path: invoke,
  encodeRequest: cohereMembers,
  decodeResponse: ({ embeddings }, headers) => ({
    vectors: cohereVectors(embeddings),
    inputTokens: countOf(Number(headers['x-amzn-bedrock-input-token-count'] ?? Number.NaN))
  })
}

function invoke(model: string): string {
  return `/model/${encodeURIComponent(model)}/invoke`
}

/** Ways of asking for embeddings: an address of a provider names the one it speaks. */
export const SHAPES = { openai, gemini, cohere, titan, 'bedrock-cohere': bedrockCohere } as const

export type ShapeName = keyof typeof SHAPES

function asJson(input: string | readonly number[]): Json {
  return typeof input === 'string' ? input : [...input]
}

function textOf(input: string | readonly number[]): string {
  if (typeof input === 'string') return input
  throw new Failure('cannot_cross', 'Token ids mean something to OpenAI’s models alone; this target takes text.', {
    param: 'input'
  })
}

function listOf(value: Json | undefined): Json[] {
  if (Array.isArray(value)) return value
  throw new Failure('provider_malformed', 'The provider answered without a list of embeddings.')
}

function vectorOf(value: Json | undefined): number[] | string {
  if (typeof value === 'string' || (Array.isArray(value) && value.every(each => typeof each === 'number'))) {
    return value as number[] | string
  }
  throw new Failure('provider_malformed', 'The provider answered with an embedding that is no vector.')
}

function countOf(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined
}
