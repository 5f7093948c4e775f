import type { Dialect } from '../dialects/dialect.ts'
import { translateResponse } from '../dialects/translate.ts'
import { Failure } from '../errors.ts'
import { isObject, type JsonObject } from '../json.ts'
import { holdsSecret, type Secret } from '../secret.ts'
import type { Usage } from '../usage.ts'
import type { Headers } from '../wire/exchange.ts'
import type { Call } from './call.ts'
import type { Prepared } from './prepare.ts'

export interface WholeAnswer {
  body: Buffer
  losses: string[]
  usage: Partial<Usage> | undefined
  finish: string | undefined
}

/** A whole answer: read, and put into the client's dialect. Native ones keep every byte. Throws a Failure. */
export function readWhole(call: Call, prepared: Prepared, bytes: Buffer): WholeAnswer {
  const body = parse(bytes)
  // Some providers answer 200 and say the error inside.
  if (isObject(body.error) && !CONTENT.some(name => name in body)) {
    const code = body.error.code
    throw prepared.dialect.readFailure(typeof code === 'number' && code >= 400 ? code : 500, body, {})
  }
  if (call.object || call.operation === 'embeddings') return { ...UNUSED, body: bytes, losses: prepared.losses }
  if (call.operation === 'count-tokens')
    return { ...UNUSED, body: readCount(call, prepared, body, bytes), losses: prepared.losses }
  if (prepared.native) return { body: bytes, losses: prepared.losses, ...prepared.dialect.readOutcome(body) }
  const {
    body: translated,
    losses,
    response
  } = translateResponse(prepared.dialect, call.dialect, body, {
    force: true,
    request: prepared.request,
    known: prepared.known
  })
  return {
    body: Buffer.from(JSON.stringify(translated)),
    losses: [...prepared.losses, ...losses],
    usage: response.usage,
    finish: response.choices[0]?.finish.unified
  }
}

/** Members by which a reply of some dialect is known to be one, whatever it says of errors. */
const CONTENT = ['choices', 'content', 'output', 'candidates']

const UNUSED = { usage: undefined, finish: undefined }

/** The answer to a count, in the client's dialect. */
function readCount(call: Call, prepared: Prepared, body: JsonObject, bytes: Buffer): Buffer {
  if (prepared.native) return bytes
  const tokens = prepared.dialect.tokens?.decodeResponse(body)
  if (tokens === undefined) throw new Failure('provider_malformed', 'The provider answered without a count of tokens.')
  return Buffer.from(JSON.stringify(call.dialect.tokens!.encodeResponse(tokens)))
}

function parse(bytes: Buffer): JsonObject {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (isObject(value)) return value
  } catch {}
  throw new Failure('provider_malformed', 'The provider answered with something that is no JSON object.')
}

export interface ErrorAnswer {
  dialect: Dialect
  status: number
  headers: Headers
  bytes: Buffer
  /** The credential that the provider was sent, and may say back. */
  secret: Secret | undefined
  /** The address wraps the dialect in a way of its own: its errors are none that the dialect's clients would know. */
  isWrapped: boolean
}

/** No client's dialect: what is said so is said anew to everybody. */
const WRAPPED = 'wrapped'

/** Headers of a provider's error that its own dialect's clients act upon. */
const ERROR_HEADERS = ['content-type', 'retry-after', 'retry-after-ms', 'x-should-retry']

/** A provider's error answer, classified by its dialect and kept as it came (D34). */
export function readError(answer: ErrorAnswer): Failure {
  const { dialect, status, headers, bytes, secret, isWrapped } = answer
  const tells = (said: string) => holdsSecret(said) || secret?.isIn(said) === true
  const text = bytes.toString('utf8')
  let body: JsonObject | string = text
  try {
    const value: unknown = JSON.parse(text)
    if (isObject(value)) body = value
  } catch {}
  if (status < 400) {
    return new Failure(
      'provider_error',
      `The provider answered with status ${status}, a redirect that is not followed.`
    )
  }
  const failure = dialect.readFailure(status, body, headers)
  const kept: Record<string, string> = {}
  for (const name of [...ERROR_HEADERS, ...dialect.responseHeaders]) {
    const value = headers[name]
    if (value !== undefined) kept[name] = value
  }
  const shown = tells(failure.message) ? `The provider answered with status ${status}.` : failure.message
  return new Failure(failure.code, shown, {
    kind: failure.kind,
    status: failure.status,
    details: failure.details,
    ...(failure.param !== undefined && { param: failure.param }),
    ...(failure.retryAfterMs !== undefined && { retryAfterMs: failure.retryAfterMs }),
    ...(!tells(text) && { native: { dialect: isWrapped ? WRAPPED : dialect.name, status, headers: kept, body: bytes } })
  })
}
