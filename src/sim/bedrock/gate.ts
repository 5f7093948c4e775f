import type { Gate } from '../voice.ts'
import { badKey, exception } from './errors.ts'

/**
 * What AWS refuses before a model is asked. A request carries a Bedrock API key as bearer, or a signature in a header
 * or in the query; whether the signature is right is not looked at here.
 */
export const bedrockGate: Gate = {
  claims: ({ path }) => path.startsWith('/model/'),
  unknown: () =>
    exception(404, 'UnknownOperationException', 'The requested operation is not recognized by the service.'),
  wrongMethod: () =>
    exception(405, 'UnknownOperationException', 'The HTTP method is not supported for this operation.'),
  admit({ house, request: { headers, query } }) {
    const authorization = headers.authorization ?? ''
    if (authorization.startsWith('AWS4-') || query.has('X-Amz-Signature')) return
    const sent = /^Bearer\s+(.+)$/i.exec(authorization)?.[1]
    if (sent === undefined) throw exception(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
    if (house.keys.length > 0 && !house.keys.includes(sent)) throw badKey()
  },
  notJson: reason => exception(400, 'SerializationException', `The request body is not valid JSON: ${reason}`),
  tooLarge: () => exception(413, 'ValidationException', 'The request payload is too large.')
}
