import { z } from 'zod'
import { exception, invalid } from '../bedrock/errors.ts'
import { bedrockVoice } from '../bedrock/index.ts'
import type { Visit } from '../door.ts'
import { type Finding, firstFinding } from '../issues.ts'
import type { JsonObject } from '../json.ts'
import type { Refusal } from '../refusal.ts'
import { countTokens } from '../tokens.ts'
import { byType, problemOf, texts, tokensOf } from './cohere.ts'
import { inBits, LENGTH, vectorOf } from './vector.ts'
import { type Embedded, embeddingsVoice } from './voice.ts'

/**
 * InvokeModel of models that embed: a body of the maker's own, and the count in a header.
 * https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html and …-embed.html
 */

const TITAN_LENGTHS = [256, 512, 1024]
const TITAN_TOKENS_MAX = 8192

const titanSchema = z.strictObject({
  inputText: z.string().min(1),
  dimensions: z.literal(TITAN_LENGTHS).optional(),
  normalize: z.boolean().optional(),
  embeddingTypes: z
    .array(z.enum(['float', 'binary']))
    .min(1)
    .optional()
})
/** The first generation is of one length. */
const titanOneSchema = z.strictObject({ inputText: z.string().min(1) })

function titan(body: JsonObject, { params: { model = '' } }: Visit): Embedded {
  const schema: z.ZodType<z.output<typeof titanSchema>> = /titan-embed-text-v2/.test(model)
    ? titanSchema
    : titanOneSchema
  const { inputText, dimensions = LENGTH, normalize, embeddingTypes = ['float'] } = read(schema, body)
  const tokens = countTokens(inputText)
  if (tokens > TITAN_TOKENS_MAX) {
    throw exception(
      400,
      'ValidationException',
      `400 Bad Request: Too many input tokens. Max input tokens: ${TITAN_TOKENS_MAX}, request input token count: ${tokens}`
    )
  }
  const unit = vectorOf(inputText, dimensions)
  const embedding = normalize === false ? unit.map(value => Math.fround(value * LENGTH)) : unit
  const ways = { float: embedding, binary: inBits(unit).flatMap(bitsOf) }
  const said = {
    ...(embeddingTypes.includes('float') && { embedding }),
    embeddingsByType: Object.fromEntries(embeddingTypes.map(type => [type, ways[type]])),
    inputTextTokenCount: tokens
  }
  return { model, text: inputText, body: said, ...counted(tokens) }
}

function bitsOf(byte: number): number[] {
  return Array.from({ length: 8 }, (_, at) => (byte >> (7 - at)) & 1)
}

const cohereSchema = z.strictObject(texts)

function cohere(body: JsonObject, { params: { model = '' } }: Visit): Embedded {
  const request = read(cohereSchema, body)
  const problem = problemOf(model, request)
  if (problem !== undefined) throw malformed(problem)
  const vectors = byType(request)
  const asked = request.embedding_types !== undefined && request.embedding_types !== null
  const said = {
    id: '00000000-0000-4000-8000-000000000000',
    texts: request.texts,
    embeddings: asked ? vectors : vectors.float,
    response_type: asked ? 'embeddings_by_type' : 'embeddings_floats'
  }
  return { model, text: request.texts[0]!, body: said, ...counted(tokensOf(request.texts)) }
}

function counted(tokens: number): Pick<Embedded, 'usage' | 'headers'> {
  return { usage: { inputTokens: tokens }, headers: { 'x-amzn-bedrock-input-token-count': String(tokens) } }
}

function read<Output>(schema: z.ZodType<Output>, body: JsonObject): Output {
  const parsed = schema.safeParse(body)
  if (parsed.success) return parsed.data
  throw malformed(saying(firstFinding(parsed.error, body)))
}

function saying({ path, value, fault }: Finding): string {
  const at = `#${path.map(step => `/${step}`).join('')}`
  switch (fault.kind) {
    case 'missing':
      return `#: required key [${path.at(-1)}] not found`
    case 'unknown':
      return `#: extraneous key [${fault.keys[0]}] is not permitted`
    case 'value':
      return `${at}: ${JSON.stringify(value)} is not a valid enum value`
    case 'type':
      return `${at}: expected type: ${fault.expected.join(' or ')}, found: ${typeof value}`
    case 'small':
    case 'big':
      return `${at}: expected ${fault.kind === 'small' ? 'minimum' : 'maximum'}: ${fault.bound}`
    default:
      return `${at}: the value is not valid`
  }
}

function malformed(what: string): Refusal {
  return invalid(`Malformed input request: ${what}, please reformat your input and try again.`)
}

export const titanEmbeddings = embeddingsVoice(bedrockVoice, titan)
export const bedrockCohereEmbeddings = embeddingsVoice(bedrockVoice, cohere)
