import { type Code, Failure, type Kind } from '../../errors.ts'
import { isObject, type JsonObject } from '../../json.ts'
import type { WriteEvent } from '../dialect.ts'
import { given, NAME } from './members.ts'

/** What a provider's error means: our code, and the kind where the code covers several. */
interface Meaning {
  code: Code
  kind?: Kind
  /** The provider's status says more than our code's. */
  status?: number
}

/**
 * A provider's error answer, classified (D13). The name of the exception is in a header, `x-amzn-errortype`, or in the
 * body, with an address behind it. Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 * and https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html
 */
export function readFailure(status: number, body: JsonObject | string, headers: Record<string, string>): Failure {
  const said = isObject(body) ? body : {}
  const name = bareName(headers['x-amzn-errortype'] ?? textOf(said.__type) ?? textOf(said.code))
  const message = messageOf(body, `The provider answered with status ${status}.`)
  const { code, ...facts } = meaningOf(name, status, message)
  const native = {
    dialect: NAME,
    status,
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  }
  return new Failure(code, ours(code, facts.kind) ?? message, {
    ...facts,
    ...given({ retryAfterMs: retryAfterMs(headers) }),
    native,
    details: { status, ...(name === '' ? {} : { type: name }) }
  })
}

/** An exception in a stream: it has no status, so its name alone says what it is. */
export function failureOf(event: string, data: JsonObject): Failure {
  const name = event.charAt(0).toUpperCase() + event.slice(1)
  const message = messageOf(data, `The provider ended the stream with ${event}.`)
  const { code, ...facts } = meaningOf(name, 0, message)
  return new Failure(code, ours(code, facts.kind) ?? message, { ...facts, details: { type: event } })
}

/** `ThrottlingException:http://internal.amazon.com/coral/` and `com.amazon.coral#ThrottlingException` are one. */
function bareName(said: string | undefined): string {
  const [name = ''] = (said ?? '').split(':')
  return name.slice(name.lastIndexOf('#') + 1)
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const TEXT_MAX = 500

function messageOf(body: JsonObject | string, otherwise: string): string {
  const said = isObject(body)
    ? (textOf(body.message) ?? textOf(body.Message) ?? textOf(body.originalMessage))
    : body.slice(0, TEXT_MAX).trim()
  return said || otherwise
}

/** What the provider says of our account is for the log, not for the client (D34). */
function ours(code: Code, kind: Kind | undefined): string | undefined {
  if (code === 'provider_rate_limited') return "The provider limits the rate of the gateway's account."
  if (code !== 'provider_refused_us') return undefined
  if (kind === 'spend_limit') return "The gateway's account has reached its quota at the provider."
  if (kind === 'no_such_model') return 'The provider has no such model for the account of the gateway.'
  return 'The provider did not accept the credential of the gateway.'
}

const REFUSED: Meaning = { code: 'provider_refused_us' }
const NO_MODEL: Meaning = { code: 'provider_refused_us', kind: 'no_such_model' }

const MEANINGS = new Map<string, Meaning>([
  ['ThrottlingException', { code: 'provider_rate_limited' }],
  ['TooManyRequestsException', { code: 'provider_rate_limited' }],
  ['ServiceQuotaExceededException', { code: 'provider_refused_us', kind: 'spend_limit' }],
  ['ServiceUnavailableException', { code: 'provider_overloaded' }],
  ['ModelNotReadyException', { code: 'provider_overloaded' }],
  ['ModelTimeoutException', { code: 'provider_timeout' }],
  ['RequestTimeoutException', { code: 'provider_timeout' }],
  ['ModelErrorException', { code: 'provider_error' }],
  ['ModelStreamErrorException', { code: 'provider_error' }],
  ['InternalServerException', { code: 'provider_error' }],
  ['InternalFailure', { code: 'provider_error' }],
  ['ResourceNotFoundException', NO_MODEL],
  ['UnknownOperationException', { code: 'provider_bad_request' }],
  ['AccessDeniedException', REFUSED],
  ['ExpiredTokenException', REFUSED],
  ['UnrecognizedClientException', REFUSED],
  ['InvalidSignatureException', REFUSED],
  ['SignatureDoesNotMatch', REFUSED],
  ['IncompleteSignature', REFUSED],
  ['IncompleteSignatureException', REFUSED],
  ['MissingAuthenticationToken', REFUSED],
  ['MissingAuthenticationTokenException', REFUSED],
  ['InvalidClientTokenId', REFUSED],
  ['NotAuthorized', REFUSED],
  ['OptInRequired', REFUSED]
])

const TOO_LONG = new RegExp(
  [
    '(?:prompt|input|request|conversation)[^.]{0,40} too long',
    'too many (?:input |total )?(?:tokens|text bytes)',
    'tokens exceed',
    'exceed\\w*[^.]{0,60}(?:context|maximum (?:number of )?(?:input )?(?:tokens|length)|token limit)',
    'context (?:window|limit|length)',
    'expected max ?length'
  ].join('|'),
  'i'
)
const WRONG_MODEL =
  /model identifier|invocation of model id|model id\b.*(?:not supported|isn.t supported)|end of its life|legacy/i
const FILTERED = /content (?:filter|policy)|blocked by/i

function meaningOf(name: string, status: number, message: string): Meaning {
  return MEANINGS.get(name) ?? byStatus(name === 'ValidationException' ? 400 : status, message)
}

function byStatus(status: number, message: string): Meaning {
  switch (status) {
    case 400:
      return refusal(status, message)
    case 401:
    case 403:
      return REFUSED
    case 404:
      return NO_MODEL
    case 408:
    case 504:
      return { code: 'provider_timeout' }
    case 413:
      return { code: 'provider_too_large' }
    case 429:
      return { code: 'provider_rate_limited' }
    case 503:
      return { code: 'provider_overloaded' }
    default:
      return status >= 500 || status === 0 || status === 424 ? { code: 'provider_error' } : refusal(status, message)
  }
}

function refusal(status: number, message: string): Meaning {
  if (TOO_LONG.test(message)) return { code: 'context_too_long' }
  if (WRONG_MODEL.test(message)) return NO_MODEL
  if (FILTERED.test(message)) return { code: 'content_filtered' }
  return { code: 'provider_bad_request', ...(status >= 400 ? { status } : {}) }
}

/** `retry-after` in seconds; as a date it counts from the answer's own: we have no clock here. */
function retryAfterMs(headers: Record<string, string>): number | undefined {
  const said = headers['retry-after']
  if (said === undefined) return undefined
  const seconds = Number(said)
  if (Number.isFinite(seconds)) return Math.max(0, Math.round(seconds * 1000))
  const waitMs = Date.parse(said) - Date.parse(headers.date ?? '')
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined
}

const NAMES = new Map<number, string>([
  [401, 'UnrecognizedClientException'],
  [403, 'AccessDeniedException'],
  [404, 'ResourceNotFoundException'],
  [408, 'ModelTimeoutException'],
  [429, 'ThrottlingException'],
  [503, 'ServiceUnavailableException'],
  [504, 'ModelTimeoutException'],
  [529, 'ServiceUnavailableException']
])

/** The exception of this dialect that is nearest to a failure of ours. */
function nameOf({ status }: Failure): string {
  return NAMES.get(status) ?? (status >= 500 ? 'InternalServerException' : 'ValidationException')
}

/**
 * Our failure as the body of an error answer. AWS SDKs read the name from `__type`; `reason` and `param` are ours,
 * since they would take a `code` for the name.
 */
export function error(failure: Failure, requestId: string): JsonObject {
  return {
    __type: nameOf(failure),
    message: failure.message,
    reason: failure.code,
    ...given({ param: failure.param }),
    ...(requestId === '' ? {} : { requestId })
  }
}

/** Exceptions that a stream can hold. */
const IN_STREAM = new Set(['ThrottlingException', 'ValidationException', 'ServiceUnavailableException'])

/** Our failure as the last event of a stream. */
export function streamError(failure: Failure, requestId: string, write: WriteEvent): string {
  const { __type: name, ...members } = error(failure, requestId)
  const known = IN_STREAM.has(String(name)) ? String(name) : 'InternalServerException'
  return write(known.charAt(0).toLowerCase() + known.slice(1), JSON.stringify(members))
}
