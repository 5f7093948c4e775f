import type { Failure } from '../../errors.ts'
import type { JsonObject } from '../../json.ts'
import type { WriteEvent } from '../dialect.ts'
import { encodeError } from '../openai-failure.ts'

/** OpenAI's words for why an answer failed; clients decide by them whether to ask again. */
function codeOf({ kind }: Failure): string {
  switch (kind) {
    case 'too_long':
      return 'context_length_exceeded'
    case 'rate_limited':
    case 'limited_here':
      return 'rate_limit_exceeded'
    case 'spend_limit':
    case 'budget_exceeded':
      return 'insufficient_quota'
    case 'overloaded':
      return 'server_is_overloaded'
    case 'bad_request':
    case 'content_filter':
    case 'refused_here':
      return 'invalid_prompt'
    default:
      return 'server_error'
  }
}

/** A response object that failed, as far as it is known. */
export function failedResponse(failure: Failure, response: JsonObject): JsonObject {
  return { ...response, status: 'failed', error: { code: codeOf(failure), message: failure.message } }
}

/**
 * A failure inside a stream, in the provider's own two events: `error`, at which the official SDKs throw, and
 * `response.failed`, the only one that Codex reads.
 */
export function encodeFailure(
  failure: Failure,
  requestId: string,
  response: JsonObject,
  next: () => number
): [string, JsonObject][] {
  return [
    ['error', { type: 'error', sequence_number: next(), ...encodeError(failure, requestId) }],
    [
      'response.failed',
      { type: 'response.failed', sequence_number: next(), response: failedResponse(failure, response) }
    ]
  ]
}

/** The same where nobody remembers what was said before it. */
export function streamError(failure: Failure, requestId: string, write: WriteEvent): string {
  let said = 0
  const response = {
    id: '',
    object: 'response',
    created_at: 0,
    model: '',
    output: [],
    usage: null,
    incomplete_details: null
  }
  const events = encodeFailure(failure, requestId, response, () => said++)
  return events.map(([event, data]) => write(event, JSON.stringify(data))).join('')
}
