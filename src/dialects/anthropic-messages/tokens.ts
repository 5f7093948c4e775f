import type { JsonObject } from '../../json.ts'
import type { TokenCounter } from '../dialect.ts'
import { decodeRequest, encodeRequest } from './request.ts'

/** What a count does not depend on, and the counter refuses. */
const UNCOUNTED = new Set([
  'max_tokens',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'metadata',
  'service_tier'
])

/** Anthropic's counter: https://platform.claude.com/docs/en/api/messages-count-tokens */
export const tokens: TokenCounter = {
  decodeRequest,
  encodeRequest: (request, losses) => {
    const body = encodeRequest(request, losses)
    return Object.fromEntries(Object.entries(body).filter(([name]) => !UNCOUNTED.has(name))) as JsonObject
  },
  decodeResponse: ({ input_tokens: count }) => (typeof count === 'number' ? count : undefined),
  encodeResponse: count => ({ input_tokens: count })
}
