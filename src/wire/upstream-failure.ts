import { Failure } from '../errors.ts'

/** Where a call is when it fails. */
export type Phase = 'connecting' | 'waiting' | 'streaming'

/** What happened, in words, for codes of the system, of OpenSSL and of undici. */
const WORDS: Record<string, string> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while the request was sent',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'there is no way to the host',
  ENETUNREACH: 'there is no way to the network',
  ENOTFOUND: 'the name has no address',
  EAI_AGAIN: 'the name could not be looked up',
  EMFILE: 'the gateway has no file descriptor left',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer ended before its Content-Length',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate chain is self-signed',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its certificate cannot be verified',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  EPROTO: 'TLS could not be agreed upon'
}

/** The answer came, but cannot be read. An end in the wrong place is a mere cut. */
function isMalformed({ name, code, message }: SystemError, phase: Phase): boolean {
  if (name === 'HTTPParserError') return !/EOF/.test(message)
  // Before the head is through, it means that the head contradicts itself (a length, and chunks).
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') return phase === 'waiting'
  return code === 'UND_ERR_HEADERS_OVERFLOW' || /^bad (response|upgrade)/.test(message)
}

export interface FailureContext {
  /** Host and port as in the request's origin. */
  host: string
  phase: Phase
  /** The connection had served an earlier call: it may have been closed while ours was on its way. */
  reused: boolean
}

/**
 * A connection's error as a Failure. Its message names the host and what happened, and nothing that was sent. Its
 * details: `beforeFirstByte` (nothing of an answer came) and `reusedSocket`, by which a retry is judged.
 */
export function connectionFailure(error: unknown, { host, phase, reused }: FailureContext): Failure {
  const found = innermost(error)
  const code = found.code ?? ''
  // undici's parser keeps what it read: a piece of someone's answer, which must not reach a log.
  if (found.data !== undefined) found.data = undefined
  const facts = { details: { beforeFirstByte: phase !== 'streaming', reusedSocket: reused }, cause: error }
  const words = WORDS[code] ?? (code === '' ? 'the connection broke' : `the connection broke (${code})`)
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH') {
    return new Failure('internal', `The request to ${host} could not be written.`, facts)
  }
  if (phase === 'connecting') {
    return new Failure('provider_unreachable', `No connection to ${host}: ${words}.`, { ...facts, kind: 'connect' })
  }
  if (isMalformed(found, phase)) {
    const what = code === 'UND_ERR_HEADERS_OVERFLOW' ? 'its head is too large' : 'it is not well-formed HTTP/1.1'
    return new Failure('provider_malformed', `The answer of ${host} could not be read: ${what}.`, facts)
  }
  if (phase === 'waiting') {
    return new Failure('provider_unreachable', `No answer from ${host}: ${words}.`, { ...facts, kind: 'reset' })
  }
  return new Failure('provider_truncated', `The answer of ${host} broke off: ${words}.`, { ...facts, kind: 'reset' })
}

interface SystemError extends Error {
  code?: string
  data?: unknown
}

/** Several addresses were tried: the last error tells as much as any. */
function innermost(error: unknown): SystemError {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors.at(-1))
  return error instanceof Error ? error : new Error(String(error))
}

/** The address guard said no (docs/reference: `allow_private`). */
export function addressRefused(host: string, address: string, what: string): Failure {
  const message = `No connection to ${host}: ${address} is not public (${what}); list its range in "allow_private" if it is meant.`
  return new Failure('provider_unreachable', message, { kind: 'connect', details: { beforeFirstByte: true } })
}

export function timedOut(phase: Phase, host: string, ms: number): Failure {
  const within = `within ${ms / 1000} s`
  if (phase === 'connecting') {
    const details = { beforeFirstByte: true }
    return new Failure('provider_unreachable', `No connection to ${host} ${within}.`, { kind: 'connect', details })
  }
  if (phase === 'waiting') {
    return new Failure('provider_timeout', `No answer from ${host} ${within}.`, { kind: 'silent' })
  }
  return new Failure('provider_timeout', `The answer of ${host} did not go on ${within}.`, { kind: 'stalled' })
}
