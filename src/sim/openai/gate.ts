import { Refusal } from '../refusal.ts'
import type { Gate } from '../voice.ts'
import { badKey, invalid } from './errors.ts'

/** What OpenAI refuses before a model is asked, in every one of its APIs. */
export const openaiGate: Gate = {
  claims: () => true,
  unknown: ({ method, path }) => new Refusal(404, 'invalid_request_error', `Invalid URL (${method} ${path})`),
  wrongMethod: ({ method, path }) =>
    new Refusal(
      405,
      'invalid_request_error',
      `Not allowed to ${method} on ${path}. (HINT: Perhaps you meant to use a different HTTP method?)`,
      { code: 'method_not_supported' }
    ),
  admit({ house, request: { headers, method, body } }) {
    if (house.keys.length > 0) checkKey(headers.authorization, house.keys)
    // calls without a body, such as the cancelling of a response, need no type
    if (method === 'POST' && body.length > 0) checkContentType(headers['content-type'] ?? '')
  },
  notJson: () =>
    invalid(
      "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library " +
        'correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON.)'
    ),
  tooLarge: () => new Refusal(413, 'invalid_request_error', 'Request exceeds the maximum size')
}

function checkKey(authorization: string | undefined, keys: readonly string[]): void {
  const sent = /^Bearer\s+(.*)$/i.exec(authorization ?? '')?.[1] ?? ''
  if (sent === '') {
    throw new Refusal(
      401,
      'invalid_request_error',
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth " +
        '(i.e. Authorization: Bearer YOUR_KEY).'
    )
  }
  if (!keys.includes(sent)) throw badKey(`${sent.slice(0, 3)}***${sent.slice(-4)}`)
}

export function checkContentType(contentType: string): void {
  const mediaType = contentType.split(';')[0]!.trim().toLowerCase()
  if (mediaType === 'application/json') return
  throw invalid(
    `Unsupported content type: '${mediaType}'. This API method only accepts 'application/json' requests, but you ` +
      `specified the header 'Content-Type: ${contentType}'. Please try again with a supported content type.`,
    { code: 'unsupported_content_type' }
  )
}
