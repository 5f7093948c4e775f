import { Failure } from '../../errors.ts'
import { isObject, type JsonObject } from '../../json.ts'
import type { TokenCounter } from '../dialect.ts'
import { lose } from './members.ts'
import { decodeRequest, encodeRequest } from './request.ts'

/** What a count depends on, and the counter takes. */
const COUNTED = ['messages', 'system', 'toolConfig', 'additionalModelRequestFields']

/** Bedrock's counter: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html */
export const tokens: TokenCounter = {
  decodeRequest: ({ input }, address) => decodeRequest(converseOf(input), address),
  encodeRequest: (request, losses) => {
    const body = encodeRequest(request, losses)
    if (body.outputConfig !== undefined) lose(losses, 'response_format')
    const counted = Object.entries(body).filter(([name]) => COUNTED.includes(name))
    return { input: { converse: Object.fromEntries(counted) as JsonObject } }
  },
  decodeResponse: ({ inputTokens }) => (typeof inputTokens === 'number' ? inputTokens : undefined),
  encodeResponse: inputTokens => ({ inputTokens })
}

/** A body of InvokeModel may be counted too, but only a model's own dialect can read it. */
function converseOf(input: unknown): JsonObject {
  const converse = isObject(input) ? input.converse : undefined
  if (isObject(converse)) return converse
  throw new Failure('missing_field', '`input.converse` is missing.', { param: 'input.converse' })
}
