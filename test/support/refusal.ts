import assert from 'node:assert/strict'
import { CODES, type Code } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { ANTHROPIC, type Answer, type Door, OPENAI } from './client.ts'
import { CREDENTIALS, type TestGateway } from './gateway.ts'

/** A client's key, and a provider's of no known shape: nothing that is told or logged may hold them. */
export const CLIENT_KEY = 'canary-virtual-key-of-a-client'
export const ODD_CREDENTIAL = 'lab:odd/credential+without#a-known-shape'
const CANARIES = [...CREDENTIALS, ODD_CREDENTIAL, CLIENT_KEY]

/** Codes that no request can bring about from outside, and why. */
const NOT_FROM_OUTSIDE: Readonly<Partial<Record<Code, string>>> = {
  client_closed: 'nobody is there to receive it; streams.test.ts finds it in the log',
  internal: 'only a fault of the gateway itself gives it',
  ledger_full: 'a disk must be full; test/records fills one',
  store_unavailable: 'a store must be down; test/access and test/stores have one that is'
}

/** Which file brings which codes about. What is in no list is for `bad-input.test.ts`, new codes too. */
const BROUGHT_ABOUT_IN: Readonly<Record<string, readonly Code[]>> = {
  'bad-http': ['malformed_http', 'headers_too_large', 'slow_request', 'unknown_endpoint', 'method_not_allowed'],
  // Its own file: a gateway that leaves has more to show than its code.
  drain: ['draining'],
  // Keys, limits and budgets at every door, and the admin API: their own matrices, which name each code.
  'money/matrix': [
    'key_disabled',
    'key_expired',
    'address_refused',
    'not_allowed',
    'budget_exceeded',
    'rate_limited_here',
    'unpriced_model'
  ],
  admin: ['invalid_input', 'not_found', 'declared_in_file', 'conflict'],
  // Which guards look at a call, and what becomes of it: test/e2e/guards.
  guards: ['guardrail_blocked', 'guard_cannot_stream', 'guard_unavailable'],
  // What is kept and given again: test/e2e/cache.
  cache: ['not_cached'],
  // One execution under one key: test/e2e/idempotency.
  idempotency: ['idempotency_in_flight', 'idempotency_spent', 'idempotency_mismatch'],
  // Where data may go; and a call of the log made again.
  residency: ['residency_refused'],
  replay: ['no_stored_body', 'redacted_body'],
  // What providers keep, and what cannot cross.
  media: ['media_unreachable'],
  'doors-stored': ['cannot_cross', 'foreign_id', 'held_apart', 'unknown_object'],
  'provider-errors': [
    'provider_bad_request',
    'context_too_long',
    'content_filtered',
    'provider_too_large',
    'provider_rate_limited',
    'provider_refused_us',
    'provider_error',
    'provider_unreachable',
    'provider_malformed',
    'provider_truncated',
    'provider_timeout',
    'provider_overloaded'
  ]
}

const provoked = new Set<Code>()

/** Codes that the file should have brought about, and has not. */
export function notProvoked(
  file: 'bad-input' | 'bad-http' | 'provider-errors' | 'doors-stored' | 'media' | 'cache'
): Code[] {
  const elsewhere = new Set([...Object.keys(NOT_FROM_OUTSIDE), ...Object.values(BROUGHT_ABOUT_IN).flat()])
  const wanted = BROUGHT_ABOUT_IN[file] ?? (Object.keys(CODES) as Code[]).filter(code => !elsewhere.has(code))
  return wanted.filter(code => !provoked.has(code))
}

/** Everything that holds for every error; the code is noted as provoked. */
export function isRefusal(
  answer: Answer,
  code: Code,
  { door }: { door?: Door | undefined } = {}
): ReturnType<Door['error']> {
  assert.equal(answer.status, CODES[code].status, answer.text)
  assert.match(answer.headers['content-type'] ?? '', /^application\/json/)
  const id = answer.headers['x-gatehouse-request-id']
  assert.match(id ?? '', /^[\w-]{16,}$/, 'an error carries the id of its request')
  const said = (door ?? OPENAI).error(answer.json())
  assert.equal(said.code, code)
  assert.equal(said.id, id, 'the same id in the body')
  assert.ok(said.message.length > 8, 'words for people')
  if (door) {
    assert.equal(answer.headers[door.idHeader], id, "in the header that this dialect's clients read")
    assert.equal(answer.json().type, door === ANTHROPIC ? 'error' : undefined)
    assert.equal(typeof (answer.json().error as JsonObject).type, 'string')
  }
  holdsNoCanary(JSON.stringify(answer.headers) + answer.text)
  provoked.add(code)
  return said
}

export function holdsNoCanary(text: string): void {
  for (const canary of CANARIES) assert.ok(!text.includes(canary), `a secret is told: ${text.slice(0, 500)}`)
}

/** The line that the log has for the request with this id. */
export function lineOf(gateway: TestGateway, answer: Answer): Record<string, unknown> {
  const line = gateway.lines.find(({ id }) => id === answer.headers['x-gatehouse-request-id'])
  assert.ok(line, 'the id of an error is found in the log')
  return line
}
