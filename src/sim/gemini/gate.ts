import { Refusal } from '../refusal.ts'
import type { Gate } from '../voice.ts'
import { badKey, invalid } from './errors.ts'

/** What Google refuses before a model is asked. The key is a header or, as old clients send it, in the query. */
export const geminiGate: Gate = {
  claims: ({ path, headers }) => path.startsWith('/v1beta/') || headers['x-goog-api-key'] !== undefined,
  unknown: ({ path }) =>
    new Refusal(404, 'NOT_FOUND', `The requested URL ${path} was not found on this server. That’s all we know.`),
  wrongMethod: ({ path }) =>
    new Refusal(404, 'NOT_FOUND', `The requested URL ${path} was not found on this server. That’s all we know.`),
  admit({ house, request: { headers, query } }) {
    if (house.keys.length === 0) return
    const sent = headers['x-goog-api-key'] ?? query.get('key') ?? ''
    if (sent === '') {
      throw new Refusal(
        403,
        'PERMISSION_DENIED',
        "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or " +
          'other form of API consumer identity to call this API.'
      )
    }
    if (!house.keys.includes(String(sent))) throw badKey()
  },
  notJson: reason => invalid(`Invalid JSON payload received. ${reason}`),
  tooLarge: () => invalid('Request payload size exceeds the limit: 67108864 bytes.')
}
