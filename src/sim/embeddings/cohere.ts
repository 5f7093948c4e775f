import { z } from 'zod'
import { firstFinding } from '../issues.ts'
import type { JsonObject } from '../json.ts'
import { bareName } from '../models.ts'
import { openaiVoice } from '../openai/index.ts'
import { Refusal } from '../refusal.ts'
import { countTokens } from '../tokens.ts'
import type { ErrorName, Gate, Voice } from '../voice.ts'
import { inBits, LENGTH, vectorOf } from './vector.ts'
import { type Embedded, embeddingsVoice } from './voice.ts'

/** https://docs.cohere.com/reference/embed */

const TEXTS_MAX = 96
const LENGTHS = [256, 512, 1024, 1536]
const TYPES = ['float', 'int8', 'uint8', 'binary', 'ubinary'] as const
const PURPOSES = ['search_document', 'search_query', 'classification', 'clustering', 'image'] as const

/** What it takes wherever it runs; beside it, at home, the model. */
export const texts = {
  texts: z.array(z.string()).min(1),
  input_type: z.enum(PURPOSES),
  embedding_types: z.array(z.enum(TYPES)).nullish(),
  truncate: z.enum(['NONE', 'START', 'END', 'LEFT', 'RIGHT']).nullish(),
  output_dimension: z.int().min(1).nullish(),
  max_tokens: z.int().min(1).nullish()
}

const bodySchema = z.strictObject({ model: z.string(), ...texts, priority: z.int().nullish() })

export interface Texts {
  texts: string[]
  embedding_types?: (typeof TYPES)[number][] | null | undefined
  output_dimension?: number | null | undefined
}

/** What cannot be told by types; the reason, or undefined where there is none. */
export function problemOf(model: string, { texts, output_dimension: length }: Texts): string | undefined {
  if (texts.length > TEXTS_MAX) {
    return `total number of texts must be at most ${TEXTS_MAX} - received ${texts.length}`
  }
  const blank = texts.indexOf('')
  if (blank >= 0) return `texts[${blank}] must not be empty`
  if (length === undefined || length === null) return undefined
  if (/-v3/.test(model)) return 'output_dimension is not supported by this model'
  const takesFew = /embed-v4/.test(model)
  return takesFew && !LENGTHS.includes(length) ? `output_dimension must be one of ${LENGTHS.join(', ')}` : undefined
}

/** The vectors by type, as they were asked for. */
export function byType({ texts, embedding_types: types, output_dimension: length }: Texts): JsonObject {
  const vectors = texts.map(text => vectorOf(text, length ?? LENGTH))
  const wanted = new Set(types && types.length > 0 ? types : ['float' as const])
  return Object.fromEntries([...wanted].map(type => [type, vectors.map(vector => WAYS[type](vector))]))
}

const WAYS: Record<(typeof TYPES)[number], (vector: number[]) => number[]> = {
  float: vector => vector,
  int8: vector => vector.map(value => Math.round(value * 127)),
  uint8: vector => vector.map(value => Math.round(value * 127) + 128),
  binary: vector => inBits(vector).map(bits => bits - 128),
  ubinary: inBits
}

export function tokensOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + countTokens(text), 0)
}

function embed(body: JsonObject): Embedded {
  const parsed = bodySchema.safeParse(body)
  if (!parsed.success) {
    const { path, fault } = firstFinding(parsed.error, body)
    const at = path.join('.')
    if (fault.kind === 'missing') throw invalid(`${at} is required`)
    throw invalid(fault.kind === 'unknown' ? `unknown field: ${fault.keys[0]}` : `${at} is not valid`)
  }
  const { model, ...request } = parsed.data
  const problem = problemOf(bareName(model), request)
  if (problem !== undefined) throw invalid(problem)
  const input_tokens = tokensOf(request.texts)
  const meta = { api_version: { version: '2' }, billed_units: { input_tokens } }
  const said = { id: ID, texts: request.texts, embeddings: byType(request), meta, response_type: 'embeddings_by_type' }
  return {
    model,
    text: request.texts[0]!,
    body: said,
    usage: { input_tokens },
    headers: { num_tokens: String(input_tokens) }
  }
}

const ID = '00000000-0000-4000-8000-000000000000'

function invalid(reason: string): Refusal {
  return new Refusal(400, 'invalid_request', `invalid request: ${reason}`)
}

const gate: Gate = {
  claims: ({ path }) => path.startsWith('/v2/'),
  unknown: ({ path }) => new Refusal(404, 'not_found', `page not found: ${path}`),
  wrongMethod: ({ method }) => new Refusal(405, 'method_not_allowed', `method ${method} is not allowed`),
  admit({ house, request: { headers } }) {
    if (house.keys.length === 0) return
    const sent = /^Bearer\s+(.*)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
    if (sent === '') throw new Refusal(401, 'unauthorized', 'no api key supplied')
    if (!house.keys.includes(sent)) throw new Refusal(401, 'unauthorized', 'invalid api token')
  },
  notJson: reason => invalid(`body is not JSON: ${reason}`),
  tooLarge: () => new Refusal(413, 'too_large', 'request body too large')
}

function errorNamed(name: ErrorName, model: string): Refusal {
  switch (name) {
    case 'rate-limited':
      return new Refusal(429, 'too_many', 'rate limit exceeded, limit is 2000 api calls per minute')
    case 'no-such-model':
      return new Refusal(
        404,
        'not_found',
        `model '${model}' not found, make sure the correct model ID was used and that you have access to the model.`
      )
    case 'bad-key':
      return new Refusal(401, 'unauthorized', 'invalid api token')
    case 'spend-limit':
      return new Refusal(402, 'payment', 'your billing limit has been reached')
    case 'context-length':
    case 'content-filter':
    case 'prefill':
      return invalid('the texts are not acceptable to this model')
    case 'unavailable':
    case 'overloaded':
      return new Refusal(503, 'unavailable', 'the service is temporarily unavailable')
    case 'server-error':
    case 'in-stream':
      return new Refusal(500, 'internal', 'internal server error, this has been reported to our developers')
  }
}

const cohereVoice: Voice = {
  ...openaiVoice,
  dialect: 'cohere',
  gate,
  error: errorNamed,
  errorBody: ({ message }) => ({ id: ID, message }),
  newRequestId: ids => ids.nextHex('', 32),
  headers: requestId => ({ 'x-debug-trace-id': requestId }),
  errorContentType: () => 'application/json'
}

export const cohereEmbeddings = embeddingsVoice(cohereVoice, embed)
