import { sse } from '../framings.ts'
import type { Voice } from '../voice.ts'
import { errorBody, errorNamed } from './errors.ts'
import { openaiGate } from './gate.ts'
import { readChat } from './read.ts'
import { replyOf } from './reply.ts'

/** OpenAI's chat completions, spoken by the simulator. */
export const openaiVoice: Voice = {
  dialect: 'openai-chat',
  gate: openaiGate,
  framing: sse('text/event-stream; charset=utf-8'),
  read: readChat,
  cacheUse: (ask, cache, nowMs) => ({
    readTokens: cache.automatic(ask.model, ask.blocks, nowMs),
    write5mTokens: 0,
    write1hTokens: 0
  }),
  reply: replyOf,
  error: errorNamed,
  errorBody,
  errorFrames: refusal => [{ kind: 'end', event: '', data: JSON.stringify(errorBody(refusal)) }],
  newRequestId: ids => ids.nextHex('req_', 32),
  headers: (requestId, { tookMs }) => ({
    'x-request-id': requestId,
    'openai-organization': 'org-sim',
    'openai-processing-ms': String(Math.max(1, Math.round(tookMs))),
    'openai-version': '2020-10-01',
    'x-ratelimit-limit-requests': '10000',
    'x-ratelimit-limit-tokens': '2000000',
    'x-ratelimit-remaining-requests': '9999',
    'x-ratelimit-remaining-tokens': '1999985',
    'x-ratelimit-reset-requests': '6ms',
    'x-ratelimit-reset-tokens': '0s'
  }),
  // these come from another layer of the real service, which names a charset
  errorContentType: status =>
    [401, 404, 429].includes(status) ? 'application/json; charset=utf-8' : 'application/json'
}
