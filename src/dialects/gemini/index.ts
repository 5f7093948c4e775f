import { type Edit, isObject, type JsonBody } from '../../json.ts'
import type { Dialect } from '../dialect.ts'
import { error, readFailure, streamError } from './failure.ts'
import { streamTexts, texts } from './lens.ts'
import { AT_GOOGLE } from './media.ts'
import { NAME } from './members.ts'
import { owned } from './owned.ts'
import { decodeRequest, encodeRequest } from './request.ts'
import { decodeResponse, encodeResponse, readOutcome } from './response.ts'
import { dropCarried, MARK } from './signature.ts'
import { decoder } from './stream-decode.ts'
import { encoder } from './stream-encode.ts'
import { tokens } from './tokens.ts'

/** Google's generateContent, as Google AI Studio and Vertex AI speak it. Base URLs end before `/models/…`. */
export const dialect: Dialect = {
  name: NAME,
  framing: 'sse',
  auth: 'x-goog-api-key',
  maker: 'google',
  requestHeaders: ['x-server-timeout', 'x-vertex-ai-llm-request-type', 'x-vertex-ai-llm-shared-request-type'],
  responseHeaders: ['x-gemini-service-tier'],
  defaultHeaders: {},
  requestIdHeader: 'x-request-id',
  keepAlive: () => '',
  streamEnd: () => '',
  isQuiet: () => false,
  prefill,
  path(operation, model, stream) {
    if (operation === 'count-tokens') return `${resource(model)}:countTokens`
    if (!stream) return `${resource(model)}:generateContent`
    return `${resource(model)}:streamGenerateContent${stream === 'sse' ? '?alt=sse' : ''}`
  },
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  readOutcome,
  decoder,
  encoder,
  foreignMark: `"${MARK}`,
  dropForeign: dropCarried,
  texts,
  streamTexts,
  readFailure,
  error,
  streamError,
  takesAddress: ({ url }) => AT_GOOGLE.test(url ?? ''),
  tokens,
  owned,
  members: {
    conversation: 'contents',
    outputTokensMax: [
      ['generationConfig', 'maxOutputTokens'],
      ['generationConfig', 'max_output_tokens'],
      ['generation_config', 'max_output_tokens'],
      ['generation_config', 'maxOutputTokens']
    ],
    unheard: [],
    ofTheMoment: ['cachedContent', 'cached_content'],
    reasoning: [
      ['generationConfig', 'thinkingConfig'],
      ['generationConfig', 'thinking_config'],
      ['generation_config', 'thinking_config']
    ],
    choices: ['generationConfig', 'candidateCount']
  }
}

/** `/models/gemini-3-pro`; a name that says its collection (`tunedModels/…`) keeps it. */
function resource(model: string): string {
  const collection = /^(models|tunedModels)\/(.+)$/.exec(model)
  const [kind = 'models', name = model] = collection?.slice(1) ?? []
  return `/${kind}/${encodeURIComponent(name)}`
}

/** A last turn of the model's that it goes on from. */
function prefill(body: JsonBody, text: string): Edit[] {
  const contents = body.get('contents')
  const count = Array.isArray(contents) ? contents.length : 0
  const last = Array.isArray(contents) ? contents[count - 1] : undefined
  if (isObject(last) && last.role === 'model' && Array.isArray(last.parts)) {
    return [{ path: ['contents', count - 1, 'parts', last.parts.length], value: { text } }]
  }
  return [{ path: ['contents', count], value: { role: 'model', parts: [{ text }] } }]
}
