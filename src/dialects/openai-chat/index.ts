import type { Dialect } from '../dialect.ts'
import { encodeError, readFailure } from '../openai-failure.ts'
import { prefillMessages } from '../prefill.ts'
import { encodeStreamError } from './failure.ts'
import { streamTexts, texts } from './lens.ts'
import { NAME } from './members.ts'
import { owned } from './owned.ts'
import { decodeRequest, encodeRequest, members } from './request.ts'
import { decodeResponse, encodeResponse, readOutcome } from './response.ts'
import { decoder } from './stream.ts'
import { encoder, streamEnd } from './stream-encoder.ts'
import { dropCarriedThinking } from './thinking.ts'

/** Its events have no names; some of its kin keep connections open by events of these. */
const QUIET = new Set(['ping', 'keepalive', 'keep-alive', 'heartbeat'])

/** OpenAI's chat completions (platform.openai.com/docs/api-reference/chat) and what its kin add to them. */
export const dialect: Dialect = {
  name: NAME,
  framing: 'sse',
  auth: 'bearer',
  maker: 'openai',
  requestHeaders: ['openai-organization', 'openai-project', 'openai-beta'],
  responseHeaders: ['openai-processing-ms', 'openai-version'],
  defaultHeaders: {},
  requestIdHeader: 'x-request-id',
  keepAlive: () => '',
  streamEnd,
  isQuiet: event => QUIET.has(event),
  prefill: prefillMessages,
  path: () => '/chat/completions',
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  readOutcome,
  decoder,
  encoder,
  foreignMark: '"gatehouse',
  dropForeign: dropCarriedThinking,
  texts,
  streamTexts,
  readFailure,
  error: encodeError,
  streamError: encodeStreamError,
  takesAddress: ({ url }) => /^https?:/i.test(url ?? ''),
  owned,
  members
}
