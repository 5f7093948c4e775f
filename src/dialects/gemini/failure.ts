import { type Code, Failure, type FailureFacts, type Kind } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { WriteEvent } from '../dialect.ts'
import { given } from './members.ts'

/** What Google's error says (cloud.google.com/apis/design/errors): `{error: {code, status, message, details}}`. */
interface Said {
  code: number
  status: string
  message: string
  /** Reasons of `ErrorInfo` details, as `API_KEY_INVALID`. */
  reasons: readonly string[]
  /** Names of the quotas that were used up. */
  quotas: string
  retryAfterMs?: number
}

/** A provider's error answer, classified (D13). */
export function readFailure(status: number, body: JsonObject | string, headers: Record<string, string>): Failure {
  const said = readBody(body, status)
  const effective = status >= 400 ? status : said.code
  const [code, kind] = classify(effective, said)
  return new Failure(code, said.message || `The provider answered with status ${effective}.`, {
    ...facts(code, kind, effective),
    ...given({ retryAfterMs: said.retryAfterMs ?? retryAfterMs(headers) }),
    details: { status: effective, ...given({ type: said.status || undefined, reason: said.reasons[0] }) } as JsonObject
  } as FailureFacts)
}

function facts(code: Code, kind: Kind | undefined, status: number): FailureFacts {
  const keeps = code === 'provider_bad_request' && status >= 400 && status < 500
  return { ...given({ kind }), ...(keeps ? { status } : {}) } as FailureFacts
}

/** An `error` inside a 200: a whole body, or the data of a stream event. */
export function failureInBody(body: JsonObject): Failure {
  return readFailure(200, body, {})
}

const TEXT_MAX = 1000

function readBody(body: JsonObject | string | readonly Json[], status: number): Said {
  const nothing = { status: '', reasons: [], quotas: '' }
  if (typeof body === 'string') {
    const parsed = parse(body)
    return parsed ? readBody(parsed, status) : { ...nothing, code: status, message: body.trim().slice(0, TEXT_MAX) }
  }
  // The answer to a stream that was asked for as one JSON array.
  const [first] = Array.isArray(body) ? body : [body]
  const holder = isObject(first) ? first : {}
  const error = isObject(holder.error) ? holder.error : holder
  const details = (Array.isArray(error.details) ? error.details : []).filter(isObject)
  const code = typeof error.code === 'number' && error.code >= 400 && error.code < 600 ? error.code : undefined
  return {
    code: code ?? STATUSES[textOf(error.status)] ?? (status >= 400 ? status : 500),
    status: textOf(error.status),
    message: textOf(error.message) || textOf(holder.message),
    reasons: details.map(({ reason }) => textOf(reason)).filter(reason => reason !== ''),
    quotas: JSON.stringify(details.map(({ violations }) => violations ?? '')),
    ...given({ retryAfterMs: retryDelayMs(details) })
  }
}

function parse(text: string): JsonObject | undefined {
  try {
    const json: unknown = JSON.parse(text)
    const [first] = Array.isArray(json) ? json : [json]
    return isObject(first) ? first : undefined
  } catch {
    return undefined
  }
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** `RetryInfo`, a duration in seconds as `48.9s`. */
function retryDelayMs(details: readonly JsonObject[]): number | undefined {
  const delay = details
    .map(({ retryDelay }) => /^([\d.]+)s$/.exec(textOf(retryDelay))?.[1])
    .find(each => each !== undefined)
  return delay === undefined ? undefined : Math.round(Number(delay) * 1000)
}

function retryAfterMs(headers: Record<string, string>): number | undefined {
  const seconds = Number(headers['retry-after'])
  return headers['retry-after'] !== undefined && seconds >= 0 ? Math.round(seconds * 1000) : undefined
}

/** HTTP statuses of Google's own (google.rpc.Code). */
const STATUSES: Readonly<Record<string, number>> = {
  INVALID_ARGUMENT: 400,
  FAILED_PRECONDITION: 400,
  OUT_OF_RANGE: 400,
  UNAUTHENTICATED: 401,
  PERMISSION_DENIED: 403,
  NOT_FOUND: 404,
  ABORTED: 409,
  ALREADY_EXISTS: 409,
  RESOURCE_EXHAUSTED: 429,
  CANCELLED: 499,
  INTERNAL: 500,
  UNKNOWN: 500,
  DATA_LOSS: 500,
  UNIMPLEMENTED: 501,
  UNAVAILABLE: 503,
  DEADLINE_EXCEEDED: 504
}

type Verdict = readonly [code: Code, kind?: Kind]

const REFUSED: Verdict = ['provider_refused_us', 'our_credential']
const SPENT: Verdict = ['provider_refused_us', 'spend_limit']
const NO_MODEL: Verdict = ['provider_refused_us', 'no_such_model']

interface Rule {
  statuses: readonly number[]
  message?: RegExp
  reasons?: readonly string[]
  quotas?: RegExp
  verdict: Verdict
}

const BAD_KEYS = ['API_KEY_INVALID', 'API_KEY_SERVICE_BLOCKED', 'ACCESS_TOKEN_EXPIRED', 'CREDENTIALS_MISSING']

/** First match decides. */
const RULES: readonly Rule[] = [
  { statuses: [400, 401, 403], reasons: BAD_KEYS, verdict: REFUSED },
  { statuses: [400], message: /api key (?:not valid|not found|expired|is invalid)/i, verdict: REFUSED },
  { statuses: [400, 403], message: /billing|prepay|spend(?:ing)? (?:cap|limit)/i, verdict: SPENT },
  { statuses: [403], reasons: ['BILLING_DISABLED'], verdict: SPENT },
  { statuses: [400], message: /location is not supported/i, verdict: REFUSED },
  { statuses: [400], message: /payload size exceeds|request (?:is )?too large/i, verdict: ['provider_too_large'] },
  {
    statuses: [400],
    message:
      /token count.{0,60}exceeds|exceeds the maximum (?:number of )?(?:input )?tokens|context (?:length|window)/i,
    verdict: ['context_too_long']
  },
  // A file or a cache that the client named: nothing of ours.
  { statuses: [403, 404], message: /\b(?:file|cachedcontent)\b/i, verdict: ['provider_bad_request'] },
  { statuses: [401, 403], verdict: REFUSED },
  { statuses: [404], message: /models?[\s/`]|publisher model|tunedmodels/i, verdict: NO_MODEL },
  { statuses: [404], verdict: ['provider_bad_request'] },
  { statuses: [413], verdict: ['provider_too_large'] },
  // What a day or a budget allows: waiting for a minute does not help.
  { statuses: [429], quotas: /perday/i, verdict: SPENT },
  { statuses: [429], message: /limit: 0\b|prepay|credits are depleted|spend(?:ing)? (?:cap|limit)/i, verdict: SPENT },
  { statuses: [402], verdict: SPENT },
  { statuses: [429], verdict: ['provider_rate_limited'] },
  { statuses: [408, 504], verdict: ['provider_timeout'] },
  { statuses: [503], message: /overloaded|high demand|capacity/i, verdict: ['provider_overloaded'] },
  { statuses: [529], verdict: ['provider_overloaded'] }
]

function classify(status: number, said: Said): Verdict {
  const rule = RULES.find(each => matches(each, status, said))
  if (rule) return rule.verdict
  return status >= 499 ? ['provider_error'] : ['provider_bad_request']
}

function matches({ statuses, message, reasons, quotas }: Rule, status: number, said: Said): boolean {
  if (!statuses.includes(status)) return false
  if (reasons && !said.reasons.some(reason => reasons.includes(reason))) return false
  return (message === undefined || message.test(said.message)) && (quotas === undefined || quotas.test(said.quotas))
}

/** Google's word for an HTTP status; its first in the table, where there are several. */
function statusOf(status: number): string {
  const word = Object.entries(STATUSES).find(([, code]) => code === status)?.[0]
  if (word !== undefined) return word
  if (status === 529 || status === 502) return 'UNAVAILABLE'
  return status >= 500 ? 'INTERNAL' : 'INVALID_ARGUMENT'
}

const TYPE = 'type.googleapis.com/google.rpc.'

/** Our failure as the body of an error answer; our stable code is the reason in its details. */
export function error(failure: Failure, requestId: string): JsonObject {
  const { status, message, code, param, retryAfterMs } = failure
  const metadata = given({ param, code })
  const details: JsonObject[] = [
    { '@type': `${TYPE}ErrorInfo`, reason: code.toUpperCase(), domain: 'gatehouse', metadata: metadata as JsonObject }
  ]
  if (requestId !== '') details.push({ '@type': `${TYPE}RequestInfo`, requestId })
  if (retryAfterMs !== undefined) details.push({ '@type': `${TYPE}RetryInfo`, retryDelay: `${retryAfterMs / 1000}s` })
  return { error: { code: status, message, status: statusOf(status), details } }
}

/** The same inside a stream: Google's SDKs throw on data with an `error` that has a status of HTTP as its code. */
export function streamError(failure: Failure, requestId: string, write: WriteEvent): string {
  return write('', JSON.stringify(error(failure, requestId)))
}
