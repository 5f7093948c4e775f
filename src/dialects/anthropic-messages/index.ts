import type { Dialect } from '../dialect.ts'
import { prefillMessages } from '../prefill.ts'
import { cacheMarks } from './cache-marks.ts'
import { error, readFailure, streamError } from './failure.ts'
import { streamTexts, texts } from './lens.ts'
import { NAME } from './members.ts'
import { owned } from './owned.ts'
import { decodeRequest, encodeRequest } from './request.ts'
import { decodeResponse, encodeResponse, readOutcome } from './response.ts'
import { dropMarkedThinking } from './signature.ts'
import { decoder } from './stream-decode.ts'
import { encoder, ping, streamEnd } from './stream-encode.ts'
import { tokens } from './tokens.ts'

export { dropMarkedThinking } from './signature.ts'

const LIMITED = ['requests', 'tokens', 'input-tokens', 'output-tokens']
const SAID = ['limit', 'remaining', 'reset']

/** Every event of which an answer consists, or that ends it; all others are for clients to pass over. */
const SPEAKING = /^(?:message_|content_block_|error$|message$|$)|exception$/i

/** Anthropic Messages, version 2023-06-01. Base URLs end in `/v1`, as `https://api.anthropic.com/v1`. */
export const dialect: Dialect = {
  name: NAME,
  framing: 'sse',
  auth: 'x-api-key',
  maker: 'anthropic',
  requestHeaders: ['anthropic-version', 'anthropic-beta'],
  responseHeaders: LIMITED.flatMap(what => SAID.map(which => `anthropic-ratelimit-${what}-${which}`)),
  defaultHeaders: { 'anthropic-version': '2023-06-01' },
  requestIdHeader: 'request-id',
  keepAlive: ping,
  isQuiet: event => !SPEAKING.test(event),
  prefill: prefillMessages,
  streamEnd,
  path: operation => (operation === 'count-tokens' ? '/messages/count_tokens' : '/messages'),
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
  takesAddress: ({ url }) => /^https:/i.test(url ?? ''),
  tokens,
  cacheMarks,
  owned,
  members: {
    model: 'model',
    stream: 'stream',
    conversation: 'messages',
    outputTokensMax: [['max_tokens']],
    unheard: ['stream', 'metadata'],
    ofTheMoment: ['container', 'mcp_servers'],
    reasoning: [['thinking']]
  }
}
