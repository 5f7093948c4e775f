import type { Dialect } from '../dialect.ts'
import { encodeError, readFailure } from '../openai-failure.ts'
import { streamError } from './failure.ts'
import { streamTexts, texts } from './lens.ts'
import { NAME } from './members.ts'
import { owned } from './owned.ts'
import { prefill } from './prefill.ts'
import { dropForeign } from './reasoning.ts'
import { decodeRequest, encodeRequest, members } from './request.ts'
import { decodeResponse, encodeResponse, readOutcome } from './response.ts'
import { decoder } from './stream-decode.ts'
import { encoder } from './stream-encode.ts'
import { tokens } from './tokens.ts'

/** Names of events that say at most how far the answer is, or what is left of a limit. */
const QUIET = /^(?:ping|keepalive|keep-alive|heartbeat|codex\.\w+|response\.(?:queued|in_progress))$/

/** OpenAI's Responses (platform.openai.com/docs/api-reference/responses) and what its kin add to them. */
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
  streamEnd: () => '',
  isQuiet: event => QUIET.test(event),
  prefill,
  path: operation => (operation === 'count-tokens' ? '/responses/input_tokens' : '/responses'),
  decodeRequest,
  encodeRequest,
  decodeResponse,
  encodeResponse,
  readOutcome,
  decoder,
  encoder,
  foreignMark: '"gatehouse',
  dropForeign,
  texts,
  streamTexts,
  readFailure,
  error: encodeError,
  streamError,
  takesAddress: ({ url }) => /^https?:/i.test(url ?? ''),
  tokens,
  owned,
  members
}
