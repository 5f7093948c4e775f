import { isObject, type JsonObject } from '../../json.ts'
import type { ChatRequest } from '../canonical.ts'
import type { Address, TokenCounter } from '../dialect.ts'
import { given, NAME, ours, sealed } from './members.ts'
import { decodeRequest, encodeRequest } from './request.ts'

/** The member that was written, where the whole request stood inside of it. */
const WRAPPED = '\u0000wrapped'

/** What a count needs; Google's counter refuses the rest of a request. */
const COUNTED = new Set(['contents', 'systemInstruction', 'tools', 'toolConfig'])

/**
 * `models/{model}:countTokens` (ai.google.dev/api/tokens). The Gemini API takes bare `contents` or a whole request
 * within `generateContentRequest`; Vertex AI takes the members of a request as they are.
 */
export const tokens: TokenCounter = {
  decodeRequest(body: JsonObject, address?: Address): ChatRequest {
    const name = ['generateContentRequest', 'generate_content_request'].find(each => isObject(body[each]))
    if (name === undefined) return decodeRequest(body, address)
    const request = decodeRequest(body[name] as JsonObject, address)
    return { ...request, spelling: sealed({ ...ours(request.spelling), [WRAPPED]: name }) }
  },

  encodeRequest(request, losses) {
    const { [WRAPPED]: wrapped, ...spelling } = ours(request.spelling)
    if (request.maker === NAME) {
      const body = encodeRequest({ ...request, spelling: sealed(spelling) }, losses)
      return typeof wrapped === 'string' ? { [wrapped]: body } : body
    }
    const body = encodeRequest(request, losses)
    const counted = Object.fromEntries(Object.entries(body).filter(([member]) => COUNTED.has(member)))
    if (Object.keys(counted).length === 1) return counted
    const model = request.model.includes('/') ? request.model : `models/${request.model}`
    return { generateContentRequest: { model, ...counted } as JsonObject }
  },

  decodeResponse: ({ totalTokens, total_tokens: snake }) => {
    const count = totalTokens ?? snake
    return typeof count === 'number' ? count : undefined
  },

  encodeResponse: count => given({ totalTokens: count }) as JsonObject
}
