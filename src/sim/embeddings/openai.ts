import { z } from 'zod'
import { firstFinding } from '../issues.ts'
import type { JsonObject } from '../json.ts'
import { bareName } from '../models.ts'
import { invalid, refusalOf } from '../openai/errors.ts'
import { openaiVoice } from '../openai/index.ts'
import { Refusal } from '../refusal.ts'
import { countTokens } from '../tokens.ts'
import { inBase64, LENGTH, vectorOf } from './vector.ts'
import { type Embedded, embeddingsVoice } from './voice.ts'

/** https://platform.openai.com/docs/api-reference/embeddings/create */

const INPUTS_MAX = 2048
const INPUT_TOKENS_MAX = 8192
const REQUEST_TOKENS_MAX = 300_000
const LENGTH_MAX = 3072

const ids = z.array(z.int().nonnegative()).min(1)
const requestSchema = z.strictObject({
  input: z.union([z.string(), z.array(z.string()).min(1), ids, z.array(ids).min(1)]),
  model: z.string(),
  encoding_format: z.enum(['float', 'base64']).nullish(),
  dimensions: z.int().min(1).nullish(),
  user: z.string().nullish()
})

type Input = string | number[]

function embed(body: JsonObject): Embedded {
  const { model, input, encoding_format: encoding, dimensions } = read(body)
  const inputs = listed(input)
  const counts = inputs.map(each => (typeof each === 'string' ? countTokens(each) : each.length))
  check(model, inputs, counts)
  const tokens = counts.reduce((sum, count) => sum + count, 0)
  const data = inputs.map((each, index) => {
    const vector = vectorOf(textOf(each), dimensions ?? LENGTH)
    return { object: 'embedding', index, embedding: encoding === 'base64' ? inBase64(vector) : vector }
  })
  const usage = { prompt_tokens: tokens, total_tokens: tokens }
  return { model, text: textOf(inputs[0]!), usage, body: { object: 'list', data, model, usage } }
}

function read(body: JsonObject): z.output<typeof requestSchema> {
  if (body.model === undefined) throw invalid('you must provide a model parameter')
  if (Array.isArray(body.input) && body.input.length > INPUTS_MAX && typeof body.input[0] !== 'number') {
    throw invalid(
      `Invalid 'input': array too long. Expected an array with maximum length ${INPUTS_MAX}, but got an array with ` +
        `length ${body.input.length} instead.`,
      { param: 'input', code: 'array_above_max_length' }
    )
  }
  const parsed = requestSchema.safeParse(body)
  if (parsed.success) return parsed.data
  const finding = firstFinding(parsed.error, body)
  if (finding.path[0] === 'input') {
    throw invalid(
      "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
    )
  }
  throw refusalOf(finding)
}

function check(model: string, inputs: readonly Input[], counts: readonly number[]): void {
  if (/^(?:gpt-|chatgpt-|o\d|claude-)/.test(bareName(model))) {
    throw new Refusal(403, 'invalid_request_error', 'You are not allowed to generate embeddings from this model')
  }
  const blank = inputs.indexOf('')
  if (blank >= 0) throw invalid(`Invalid 'input[${blank}]': input cannot be an empty string.`, { param: 'input' })
  const longest = Math.max(...counts)
  if (longest > INPUT_TOKENS_MAX) {
    throw invalid(
      `This model's maximum context length is ${INPUT_TOKENS_MAX} tokens, however you requested ${longest} tokens ` +
        `(${longest} in your prompt; 0 for the completion). Please reduce your prompt; or completion length.`
    )
  }
  const all = counts.reduce((sum, count) => sum + count, 0)
  if (all > REQUEST_TOKENS_MAX) {
    throw new Refusal(
      400,
      'max_tokens_per_request',
      `Requested ${all} tokens, max ${REQUEST_TOKENS_MAX} tokens per request`,
      { code: 'max_tokens_per_request' }
    )
  }
}

function listed(input: z.output<typeof requestSchema>['input']): Input[] {
  if (typeof input === 'string') return [input]
  return typeof input[0] === 'number' ? [input as number[]] : (input as Input[])
}

function textOf(input: Input): string {
  return typeof input === 'string' ? input : input.map(id => `#${id}`).join(' ')
}

/** Only the third generation can be cut short, and none further than it is long. */
function checkLength(body: JsonObject): void {
  const { model, dimensions } = body
  if (typeof dimensions !== 'number') return
  if (typeof model === 'string' && bareName(model) === 'text-embedding-ada-002') {
    throw invalid('This model does not support specifying dimensions.')
  }
  if (dimensions > LENGTH_MAX) {
    throw invalid(`Invalid value for 'dimensions' = ${dimensions}. Must be less than or equal to ${LENGTH_MAX}.`)
  }
}

export const openaiEmbeddings = embeddingsVoice(openaiVoice, body => {
  checkLength(body)
  return embed(body)
})
