import type { Visit } from '../door.ts'
import { invalid, unreadable } from '../gemini/errors.ts'
import { geminiVoice } from '../gemini/index.ts'
import { countRequest } from '../gemini/messages.ts'
import { type Message, readMessage } from '../gemini/proto.ts'
import type { JsonObject } from '../json.ts'
import { countTokens } from '../tokens.ts'
import { LENGTH, vectorOf } from './vector.ts'
import { type Embedded, embeddingsVoice } from './voice.ts'

/** https://ai.google.dev/api/embeddings */

const REQUESTS_MAX = 100
const LENGTH_MAX = 3072
const TASKS = [
  'TASK_TYPE_UNSPECIFIED',
  'RETRIEVAL_QUERY',
  'RETRIEVAL_DOCUMENT',
  'SEMANTIC_SIMILARITY',
  'CLASSIFICATION',
  'CLUSTERING',
  'QUESTION_ANSWERING',
  'FACT_VERIFICATION',
  'CODE_RETRIEVAL_QUERY'
]

const embedRequest: Message = {
  name: 'EmbedContentRequest',
  fields: () => ({
    model: { of: 'string' },
    content: { of: countRequest.fields().contents!.of },
    taskType: { of: { enumeration: 'TaskType', values: TASKS } },
    title: { of: 'string' },
    outputDimensionality: { of: 'int' },
    autoTruncate: { of: 'bool' }
  })
}

const batchRequest: Message = {
  name: 'BatchEmbedContentsRequest',
  fields: () => ({ model: { of: 'string' }, requests: { of: embedRequest, form: 'list' } })
}

interface EmbedRequest {
  model?: string
  content?: { parts?: { text?: string }[] }
  taskType?: string
  title?: string
  outputDimensionality?: number
}

function readAs<Request>(message: Message, body: JsonObject): Request {
  const { value, violations } = readMessage(message, body)
  if (violations.length > 0) throw unreadable(violations)
  return value as Request
}

function textOf({ content, taskType, title, outputDimensionality }: EmbedRequest, path: string): string {
  const text = (content?.parts ?? []).map(part => part.text ?? '').join('')
  if (content === undefined) throw invalid(`* ${path}.content: content is not specified\n`)
  if (text === '') throw invalid(`* ${path}.content: content contains an empty Part.\n`)
  if (title !== undefined && taskType !== 'RETRIEVAL_DOCUMENT') {
    throw invalid(`* ${path}.title: title can only be specified with task_type RETRIEVAL_DOCUMENT\n`)
  }
  if (outputDimensionality !== undefined && (outputDimensionality < 1 || outputDimensionality > LENGTH_MAX)) {
    throw invalid(`* ${path}.output_dimensionality: must be between 1 and ${LENGTH_MAX}\n`)
  }
  return text
}

function valuesOf(text: string, { outputDimensionality = LENGTH }: EmbedRequest): JsonObject {
  return { values: vectorOf(text, outputDimensionality) }
}

function embedOne(body: JsonObject, { params: { model = '' } }: Visit): Embedded {
  const request = readAs<EmbedRequest>(embedRequest, body)
  const text = textOf(request, embedRequest.name)
  return answer(model, [text], { embedding: valuesOf(text, request) })
}

/** The model stands in the address, and again in every request. */
function embedMany(body: JsonObject, { params: { model = '' } }: Visit): Embedded {
  const { requests = [] } = readAs<{ requests?: EmbedRequest[] }>(batchRequest, body)
  const { name } = batchRequest
  if (requests.length === 0) throw invalid(`* ${name}.requests: requests is not specified\n`)
  if (requests.length > REQUESTS_MAX) {
    throw invalid(`* ${name}.requests: at most ${REQUESTS_MAX} requests can be in one batch\n`)
  }
  const texts = requests.map((request, index) => {
    const path = `${name}.requests[${index}]`
    if (request.model !== `models/${model}`) {
      throw invalid(`* ${path}.model: the model must be the one of the batch, models/${model}\n`)
    }
    return textOf(request, path)
  })
  return answer(model, texts, { embeddings: texts.map((text, index) => valuesOf(text, requests[index]!)) })
}

/** The first generation of embedding models does not say what it counted. */
function answer(model: string, texts: readonly string[], body: JsonObject): Embedded {
  const tokenCount = texts.reduce((sum, text) => sum + countTokens(text), 0)
  const usage = { promptTokenCount: tokenCount, promptTokenDetails: [{ modality: 'TEXT', tokenCount }] }
  const counts = !/embedding-001$/.test(model)
  return { model, text: texts[0]!, usage, body: { ...body, ...(counts && { usageMetadata: usage }) } }
}

export const geminiEmbedding = embeddingsVoice(geminiVoice, embedOne)
export const geminiEmbeddings = embeddingsVoice(geminiVoice, embedMany)
