import { Refusal } from '../refusal.ts'
import type { Gate } from '../voice.ts'
import { invalid } from './errors.ts'

/** What Anthropic refuses before a model is asked. */
export const anthropicGate: Gate = {
  claims: ({ headers }) => headers['anthropic-version'] !== undefined,
  unknown: () => new Refusal(404, 'not_found_error', 'Not found'),
  wrongMethod: () => new Refusal(405, 'invalid_request_error', 'Method Not Allowed'),
  admit({ house, request: { headers, method } }) {
    if (house.keys.length > 0) {
      const bearer = /^Bearer\s+(.*)$/i.exec(headers.authorization ?? '')?.[1]
      const sent = String(headers['x-api-key'] ?? '') || bearer || ''
      if (sent === '') throw new Refusal(401, 'authentication_error', 'x-api-key header is required')
      if (!house.keys.includes(sent)) throw new Refusal(401, 'authentication_error', 'invalid x-api-key')
    }
    if (headers['anthropic-version'] === undefined) throw invalid('anthropic-version: header is required')
    const mediaType = (headers['content-type'] ?? '').split(';')[0]!.trim().toLowerCase()
    if (method === 'POST' && mediaType !== 'application/json') {
      throw invalid('content-type: must be application/json')
    }
  },
  notJson: reason => invalid(`The request body is not valid JSON: ${reason}`),
  tooLarge: () => new Refusal(413, 'request_too_large', 'Request exceeds the maximum size')
}
