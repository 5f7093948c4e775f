import { type Code, Failure, type Kind } from '../errors.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { given } from './members.ts'

/** What an error body says, in whichever shape: OpenAI's, Mistral's flat one, xAI's and Hugging Face's plain text. */
interface Said {
  message: string
  type: string
  code: string
  param?: string
  /** Status that the body itself names (OpenRouter in `code`, Groq in `status_code`). */
  status?: number
}

/** A provider's error answer, classified (D13) by its status and by the words of OpenAI and of its kin. */
export function readFailure(status: number, body: JsonObject | string, headers: Record<string, string>): Failure {
  const said = readBody(body)
  const effective = status >= 400 ? status : (said.status ?? 500)
  const [code, kind] = classify(effective, said)
  const facts = given({
    kind,
    status: CODE_KEEPS_STATUS.has(code) ? effective : undefined,
    param: said.param,
    retryAfterMs: readRetryAfter(headers) ?? retryInWords(code, said.message),
    details: given({
      status: effective,
      type: said.type || undefined,
      code: said.code || undefined
    })
  })
  return new Failure(code, said.message || `The provider answered with status ${effective}.`, facts)
}

/** Errors about the client's request keep the provider's own 4xx. */
const CODE_KEEPS_STATUS: ReadonlySet<Code> = new Set(['provider_bad_request', 'content_filtered'])

/** An `error` inside a 200: a whole body, or the data of a stream event. */
export function failureInBody(body: JsonObject): Failure {
  const said = readBody(body)
  return readFailure(said.status ?? (said.type === 'invalid_request_error' ? 400 : 500), body, {})
}

function readBody(body: JsonObject | string): Said {
  if (typeof body === 'string') return { message: body.trim().slice(0, 1000), type: '', code: '' }
  const error = body.error
  if (typeof error === 'string') return { message: error, type: word(body.type), code: word(body.code) }
  const source = isObject(error) ? error : body
  const status = [source.status_code, source.code, source.status].find(
    value => typeof value === 'number' && value >= 400 && value < 600
  )
  return {
    message: messageOf(source, body),
    type: word(source.type),
    code: word(source.code),
    ...(typeof source.param === 'string' && { param: source.param }),
    ...(status !== undefined && { status: status as number })
  }
}

/** The message; OpenRouter's own is empty talk where `metadata.raw` has the provider's. */
function messageOf(source: JsonObject, body: JsonObject): string {
  const { message, metadata } = source
  const raw = isObject(metadata) && typeof metadata.raw === 'string' ? metadata.raw : undefined
  if (typeof message === 'string') return raw && raw.length <= 1000 ? `${message}: ${raw}` : message
  const detail = source.detail ?? body.detail ?? message
  if (typeof detail === 'string') return detail
  return detail === undefined || detail === null ? '' : JSON.stringify(detail).slice(0, 1000)
}

function word(value: Json | undefined): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}

type Verdict = readonly [code: Code, kind?: Kind]

interface Rule {
  /** Words of `code` or `type`. */
  words?: readonly string[]
  statuses?: readonly number[]
  /** Of the message, for providers that say it nowhere else. */
  message?: RegExp
  verdict: Verdict
}

const TOO_LONG =
  /context (?:length|window|size)|maximum (?:context|prompt) length|too many (?:prompt )?tokens|prompt is too long|messages? (?:is|are) too long|input (?:is )?too long|reduce the length of (?:the|either)/i
const NO_MODEL =
  /model\b.{0,120}\b(?:not found|does ?n[o']t exist|not exist|decommissioned|has ended)|invalid model|no endpoints found|supported api model names/i
const BAD_KEY = /incorrect api key|invalid api key|api key.{0,40}(?:invalid|expired)|invalid.{0,20}credential/i
const NO_MONEY =
  /exceeded your current quota|insufficient (?:balance|credits?|quota|funds)|billing|out of credits|requires more credits/i
const OVERLOADED = /overloaded|over capacity|at capacity|temporarily unavailable due to (?:high )?(?:load|demand)/i

/** First match decides. Words before statuses: `insufficient_quota` comes as 429, a wrong key at xAI as 400. */
const RULES: readonly Rule[] = [
  {
    words: ['context_length_exceeded', 'exceed_context_size_error', 'too_many_prompt_tokens'],
    verdict: ['context_too_long']
  },
  {
    words: [
      'content_filter',
      'content_policy_violation',
      'ResponsibleAIPolicyViolation',
      'moderation_blocked',
      'data_inspection_failed'
    ],
    verdict: ['content_filtered']
  },
  {
    words: [
      'insufficient_quota',
      'billing_hard_limit_reached',
      'billing_not_active',
      'insufficient_balance',
      'exceeded_current_quota_error'
    ],
    verdict: ['provider_refused_us', 'spend_limit']
  },
  // OpenRouter: "your input was flagged".
  { statuses: [403], message: /flagged|moderation/i, verdict: ['content_filtered'] },
  // More than the limit of a whole minute: waiting cannot help, a shorter request can.
  { statuses: [429], message: /^request too large/i, verdict: ['context_too_long'] },
  { statuses: [402], verdict: ['provider_refused_us', 'spend_limit'] },
  { statuses: [429, 403], message: NO_MONEY, verdict: ['provider_refused_us', 'spend_limit'] },
  { words: ['invalid_api_key', 'account_deactivated'], verdict: ['provider_refused_us', 'our_credential'] },
  { statuses: [401, 403], verdict: ['provider_refused_us', 'our_credential'] },
  { statuses: [400], message: BAD_KEY, verdict: ['provider_refused_us', 'our_credential'] },
  {
    words: ['model_not_found', 'model_decommissioned', 'DeploymentNotFound', 'invalid_model', 'model_not_available'],
    verdict: ['provider_refused_us', 'no_such_model']
  },
  { statuses: [400, 404, 422], message: NO_MODEL, verdict: ['provider_refused_us', 'no_such_model'] },
  { statuses: [404], verdict: ['provider_refused_us', 'no_such_model'] },
  { statuses: [413], verdict: ['provider_too_large'] },
  { statuses: [429], verdict: ['provider_rate_limited'] },
  { words: ['rate_limit_exceeded', 'rate_limited', 'too_many_requests'], verdict: ['provider_rate_limited'] },
  { statuses: [400, 422, 500], message: TOO_LONG, verdict: ['context_too_long'] },
  { statuses: [529], verdict: ['provider_overloaded'] },
  { words: ['overloaded_error', 'engine_overloaded_error', 'overloaded'], verdict: ['provider_overloaded'] },
  { statuses: [500, 502, 503], message: OVERLOADED, verdict: ['provider_overloaded'] },
  { statuses: [408, 504, 524], verdict: ['provider_error', 'server_error'] }
]

function classify(status: number, said: Said): Verdict {
  const rule = RULES.find(each => matches(each, status, said))
  if (rule) return rule.verdict
  return status >= 500 ? ['provider_error'] : ['provider_bad_request']
}

function matches(rule: Rule, status: number, said: Said): boolean {
  if (rule.words && !rule.words.includes(said.code) && !rule.words.includes(said.type)) return false
  if (rule.statuses && !rule.statuses.includes(status)) return false
  return rule.message === undefined || rule.message.test(said.message)
}

/** `retry-after-ms`, or `retry-after` in seconds. The date form needs a clock, which a dialect has not. */
function readRetryAfter(headers: Record<string, string>): number | undefined {
  const exact = Number(headers['retry-after-ms'])
  if (headers['retry-after-ms'] !== undefined && exact >= 0) return Math.round(exact)
  const seconds = Number(headers['retry-after'])
  return headers['retry-after'] !== undefined && seconds >= 0 ? Math.round(seconds * 1000) : undefined
}

/** OpenAI also writes it into the message: "Please try again in 1.2s" (or `20ms`, `6m0s`). */
function retryInWords(code: Code, message: string): number | undefined {
  if (code !== 'provider_rate_limited') return undefined
  const found = /try again in (?:(\d+)m(?!s))?(?:([\d.]+)(ms|s))?/i.exec(message)
  if (!found || (found[1] === undefined && found[2] === undefined)) return undefined
  const rest = Number(found[2] ?? 0) * (found[3] === 'ms' ? 1 : 1000)
  return Math.round(Number(found[1] ?? 0) * 60_000 + rest)
}

/** OpenAI's `type` for a status. */
function typeOf(failure: Failure): string {
  const { status, kind } = failure
  if (kind === 'budget_exceeded') return 'insufficient_quota'
  if (status === 401) return 'authentication_error'
  if (status === 403) return 'permission_error'
  if (status === 429) return 'rate_limit_error'
  return status >= 500 ? 'server_error' : 'invalid_request_error'
}

/** Our failure as OpenAI says one, with the request id and our stable code. */
export function encodeError(failure: Failure, requestId: string): JsonObject {
  const { message, param, code } = failure
  const id = requestId === '' ? {} : { request_id: requestId }
  return { error: { message, type: typeOf(failure), param: param ?? null, code }, ...id }
}
