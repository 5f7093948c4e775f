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

/** A provider's error answer, classified (D13). Source: the provider's page on errors. */
export function readFailure(status: number, body: JsonObject | string, headers: Record<string, string>): Failure {
  const error = isObject(body) && isObject(body.error) ? body.error : {}
  const message = messageOf(error, body, status)
  const { code, ...facts } = meaningOf(status, error, message)
  const told = ours(code, facts.kind) ?? message
  const native = {
    dialect: NAME,
    status,
    headers,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  }
  return new Failure(code, told, {
    ...facts,
    ...given({ retryAfterMs: retryAfterMs(headers) }),
    native,
    details: { status, ...given({ type: textOf(error.type) }) }
  })
}

/** The `error` event of a stream: it has no status, so its type alone says what it is. */
export function failureOf(event: JsonObject): Failure {
  const error = isObject(event.error) ? event.error : {}
  const type = textOf(error.type)
  const message = messageOf(error, event, 0)
  const { code, ...facts } = meaningOf(STATUS.get(type ?? '') ?? 500, error, message)
  return new Failure(code, ours(code, facts.kind) ?? message, { ...facts, details: given({ type }) as JsonObject })
}

const EXCEPTIONS = new Map<string, number>([
  ['validationException', 400],
  ['throttlingException', 429],
  ['modelTimeoutException', 504],
  ['serviceUnavailableException', 529]
])

/** Whether an event is an exception of Amazon Bedrock's: its name alone says so. */
export function isException(event: string): boolean {
  return /exception$/i.test(event)
}

/**
 * An exception that ends a stream which Amazon Bedrock passes on. Source:
 * https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html
 */
export function exceptionOf(event: string, data: JsonObject): Failure {
  const message = textOf(data.message) || `The provider ended the stream with ${event}.`
  const { code, ...facts } = meaningOf(EXCEPTIONS.get(event) ?? 500, {}, message)
  return new Failure(code, ours(code, facts.kind) ?? message, { ...facts, details: { type: event } })
}

/** What the provider says of our account (keys, organisation ids) is for the log, not for the client (D34). */
function ours(code: Code, kind: Kind | undefined): string | undefined {
  if (code === 'provider_rate_limited') return "The provider limits the rate of the gateway's account."
  if (code !== 'provider_refused_us') return undefined
  if (kind === 'spend_limit') return "The gateway's account has reached its spend limit at the provider."
  if (kind === 'no_such_model') return 'The provider has no such model for the account of the gateway.'
  return 'The provider did not accept the credential of the gateway.'
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

const TEXT_MAX = 500

function messageOf(error: JsonObject, body: JsonObject | string, status: number): string {
  const said = textOf(error.message) ?? (isObject(body) ? textOf(body.message) : body.slice(0, TEXT_MAX).trim())
  return said || `The provider answered with status ${status}.`
}

const STATUS = new Map<string, number>([
  ['invalid_request_error', 400],
  ['authentication_error', 401],
  ['billing_error', 402],
  ['permission_error', 403],
  ['not_found_error', 404],
  ['request_too_large', 413],
  ['rate_limit_error', 429],
  ['api_error', 500],
  ['timeout_error', 504],
  ['overloaded_error', 529]
])

const TOO_LONG =
  /prompt is too long|input is too long|exceeds? (the )?(model'?s? )?(maximum )?context|context (window|limit|length)|too many total text bytes/i
const FILTERED = /content filtering policy|blocked by content filter/i
/** Bedrock says so with a 400 and no type. */
const NO_MODEL = /model identifier is invalid|model id\b.*not supported/i
const SPENT = /spend limit|usage limits|credit balance is too low/i

function meaningOf(status: number, error: JsonObject, message: string): Meaning {
  const details = isObject(error.details) ? error.details : {}
  const spent = details.error_code === 'enforced_spend_limit_reached' || SPENT.test(message)
  // The type is the provider's own word; where there is none, a proxy before it or another maker speaks.
  switch (STATUS.get(textOf(error.type) ?? '') ?? status) {
    case 401:
      return { code: 'provider_refused_us' }
    case 402:
      return { code: 'provider_refused_us', kind: 'spend_limit' }
    case 403:
      return { code: 'provider_refused_us' }
    case 404:
      return noSuch(error, message, status)
    case 408:
    case 504:
      return { code: 'provider_timeout' }
    case 413:
      return { code: 'provider_too_large' }
    case 424:
      // Amazon Bedrock's status for a model that broke down behind it.
      return { code: 'provider_error' }
    case 429:
      return spent ? { code: 'provider_refused_us', kind: 'spend_limit' } : { code: 'provider_rate_limited' }
    case 529:
      return { code: 'provider_overloaded' }
    default:
      if (status >= 500 || error.type === 'api_error') return { code: 'provider_error' }
      if (spent) return { code: 'provider_refused_us', kind: 'spend_limit' }
      if (TOO_LONG.test(message)) return { code: 'context_too_long' }
      if (!error.type && NO_MODEL.test(message)) return { code: 'provider_refused_us', kind: 'no_such_model' }
      if (FILTERED.test(message)) return { code: 'content_filtered' }
      return { code: 'provider_bad_request', ...(status >= 400 ? { status } : {}) }
  }
}

/** A model the provider lacks is ours to mend; a file or container the client named is the client's. */
function noSuch(error: JsonObject, message: string, status: number): Meaning {
  const clients = error.type === 'not_found_error' && !/model/i.test(message)
  return clients
    ? { code: 'provider_bad_request', status: status === 404 ? 404 : 400 }
    : { code: 'provider_refused_us', kind: 'no_such_model' }
}

/** `retry-after` in seconds, or as a date beside the answer's own `date`: we have no clock here. */
function retryAfterMs(headers: Record<string, string>): number | undefined {
  const said = headers['retry-after']
  if (said === undefined) return undefined
  const seconds = Number(said)
  if (Number.isFinite(seconds)) return Math.max(0, Math.round(seconds * 1000))
  const waitMs = Date.parse(said) - Date.parse(headers.date ?? '')
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined
}

const TYPES = new Map<number, string>([...STATUS].map(([type, status]) => [status, type]))

/** The type of this dialect that is nearest to a failure of ours. */
function typeOf(failure: Failure): string {
  const type = TYPES.get(failure.status)
  if (type !== undefined) return type
  if (failure.status === 503) return 'overloaded_error'
  return failure.status >= 500 ? 'api_error' : 'invalid_request_error'
}

/** Our failure as the body of an error answer; `code` and `param` are ours, beside the dialect's own members. */
export function error(failure: Failure, requestId: string): JsonObject {
  return {
    type: 'error',
    error: {
      type: typeOf(failure),
      message: failure.message,
      code: failure.code,
      ...given({ param: failure.param })
    },
    ...(requestId === '' ? {} : { request_id: requestId })
  }
}

/** Our failure as the last event of a stream. */
export function streamError(failure: Failure, requestId: string, write: WriteEvent): string {
  return write('error', JSON.stringify(error(failure, requestId)))
}
