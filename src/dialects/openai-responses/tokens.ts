import type { JsonObject } from '../../json.ts'
import type { TokenCounter } from '../dialect.ts'
import { decodeRequest, encodeRequest } from './request.ts'

/** What the counter takes; it refuses the rest of a request. */
// biome-ignore format: a list
const COUNTED = new Set([
  'conversation', 'input', 'instructions', 'model', 'parallel_tool_calls', 'personality', 'previous_response_id',
  'reasoning', 'text', 'tool_choice', 'tools', 'truncation'
])

/** OpenAI's counter: https://platform.openai.com/docs/api-reference/responses/input-tokens */
export const tokens: TokenCounter = {
  decodeRequest,
  encodeRequest: (request, losses) => {
    const body = encodeRequest(request, losses)
    return Object.fromEntries(Object.entries(body).filter(([name]) => COUNTED.has(name))) as JsonObject
  },
  decodeResponse: ({ input_tokens: count }) => (typeof count === 'number' ? count : undefined),
  encodeResponse: count => ({ object: 'response.input_tokens', input_tokens: count })
}
