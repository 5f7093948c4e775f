import type { Edit, JsonBody } from '../../json.ts'
import { isObject } from '../../json.ts'
import type { Dialect } from '../dialect.ts'
import { cacheMarks } from './cache-marks.ts'
import { error, readFailure, streamError } from './failure.ts'
import { streamTexts, texts } from './lens.ts'
import { NAME } from './members.ts'
import { fitName } from './names.ts'
import { decodeRequest, encodeRequest } from './request.ts'
import { decodeResponse, encodeResponse, readOutcome } from './response.ts'
import { dropMarkedThinking } from './signature.ts'
import { decoder } from './stream-decode.ts'
import { encoder } from './stream-encode.ts'
import { tokens } from './tokens.ts'

/** Every event that may hold content, or ends a stream. */
const SPEAKING = /^(?:message|contentBlock|$)|exception$/i

/**
 * Amazon Bedrock's Converse, ConverseStream and CountTokens. Base URLs are `https://bedrock-runtime.{region}.amazonaws.com`;
 * the model and whether it streams stand in the path.
 */
export const dialect: Dialect = {
  name: NAME,
  framing: 'eventstream',
  auth: 'bearer',
  maker: 'bedrock',
  requestHeaders: [],
  responseHeaders: [],
  defaultHeaders: {},
  requestIdHeader: 'x-amzn-requestid',
  keepAlive: () => '',
  streamEnd: () => '',
  isQuiet: event => !SPEAKING.test(event),
  prefill,
  path: (operation, model, stream) => {
    const verb = operation === 'count-tokens' ? 'count-tokens' : stream ? 'converse-stream' : 'converse'
    return `/model/${encodeURIComponent(model)}/${verb}`
  },
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  readOutcome,
  decoder,
  encoder,
  foreignMark: '"gatehouse',
  dropForeign: dropMarkedThinking,
  texts,
  streamTexts,
  readFailure,
  error,
  streamError,
  toolName: fitName,
  takesAddress: ({ url }) => /^s3:/i.test(url ?? ''),
  tokens,
  cacheMarks,
  members: {
    conversation: 'messages',
    outputTokensMax: [['inferenceConfig', 'maxTokens']],
    unheard: ['requestMetadata'],
    ofTheMoment: ['promptVariables'],
    reasoning: [
      ['additionalModelRequestFields', 'thinking'],
      ['additionalModelRequestFields', 'reasoning_config'],
      ['additionalModelRequestFields', 'reasoningConfig'],
      ['additionalModelRequestFields', 'reasoning_effort'],
      ['outputConfig', 'effort']
    ]
  }
}

/** A last assistant turn that the model goes on from; the client's own, where the conversation ends with one. */
function prefill(body: JsonBody, text: string): Edit[] {
  const messages = body.get('messages')
  const count = Array.isArray(messages) ? messages.length : 0
  const last = Array.isArray(messages) ? messages[count - 1] : undefined
  const content = isObject(last) && last.role === 'assistant' ? last.content : undefined
  if (Array.isArray(content)) return [{ path: ['messages', count - 1, 'content', content.length], value: { text } }]
  return [{ path: ['messages', count], value: { role: 'assistant', content: [{ text }] } }]
}
