import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { Json, JsonObject } from '../../../src/json.ts'

const read = (code: number, status: string, message: string, details: Json[] = []) =>
  dialect.readFailure(code, { error: { code, status, message, details } }, {})
const info = (reason: string) => ({ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason })

describe('an error answer of Google', () => {
  const cases: [Failure, string, string][] = [
    [
      read(400, 'INVALID_ARGUMENT', 'API key not valid. Please pass a valid API key.', [info('API_KEY_INVALID')]),
      'provider_refused_us',
      'our_credential'
    ],
    [
      read(
        400,
        'INVALID_ARGUMENT',
        'The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).'
      ),
      'context_too_long',
      'too_long'
    ],
    [
      read(400, 'INVALID_ARGUMENT', 'Request payload size exceeds the limit: 20971520 bytes.'),
      'provider_too_large',
      'too_large'
    ],
    [read(400, 'INVALID_ARGUMENT', 'Unknown name "x"'), 'provider_bad_request', 'bad_request'],
    [
      read(400, 'FAILED_PRECONDITION', 'User location is not supported for the API use.'),
      'provider_refused_us',
      'our_credential'
    ],
    [read(400, 'FAILED_PRECONDITION', 'Please enable billing on project 1.'), 'provider_refused_us', 'spend_limit'],
    [read(403, 'PERMISSION_DENIED', 'Permission denied.'), 'provider_refused_us', 'our_credential'],
    [
      read(403, 'PERMISSION_DENIED', 'You do not have permission to access the File x or it may not exist.'),
      'provider_bad_request',
      'bad_request'
    ],
    [
      read(404, 'NOT_FOUND', 'models/gemini-9 is not found for API version v1beta'),
      'provider_refused_us',
      'no_such_model'
    ],
    [read(429, 'RESOURCE_EXHAUSTED', 'Resource exhausted.'), 'provider_rate_limited', 'rate_limited'],
    [
      read(429, 'RESOURCE_EXHAUSTED', 'You exceeded your current quota', [
        { violations: [{ quotaId: 'GenerateRequestsPerDayPerProject' }] }
      ]),
      'provider_refused_us',
      'spend_limit'
    ],
    [read(429, 'RESOURCE_EXHAUSTED', 'Your prepayment credits are depleted.'), 'provider_refused_us', 'spend_limit'],
    [read(500, 'INTERNAL', 'An internal error has occurred.'), 'provider_error', 'server_error'],
    [read(503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.'), 'provider_overloaded', 'overloaded'],
    [read(503, 'UNAVAILABLE', 'The service is currently unavailable.'), 'provider_error', 'server_error'],
    [read(504, 'DEADLINE_EXCEEDED', 'Deadline expired.'), 'provider_timeout', 'silent']
  ]
  for (const [failure, code, kind] of cases) {
    it(`${failure.message} is ${kind}`, () => {
      assert.deepEqual([failure.code, failure.kind], [code, kind])
    })
  }

  it('says how long to wait', () => {
    const retry = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '48.5s' }
    assert.equal(read(429, 'RESOURCE_EXHAUSTED', 'Slow down.', [retry]).retryAfterMs, 48_500)
    assert.equal(dialect.readFailure(429, 'busy', { 'retry-after': '2' }).retryAfterMs, 2000)
  })

  it('may be a list of one, as text or read already, or no JSON at all', () => {
    const error = { error: { code: 404, message: 'models/x is not found', status: 'NOT_FOUND' } }
    for (const body of [JSON.stringify([error]), [error] as unknown as JsonObject]) {
      const failure = dialect.readFailure(404, body, {})
      assert.deepEqual([failure.kind, failure.message], ['no_such_model', 'models/x is not found'])
    }
    assert.equal(dialect.readFailure(502, '<html>Bad gateway</html>', {}).kind, 'server_error')
    assert.equal(dialect.readFailure(500, {}, {}).message, 'The provider answered with status 500.')
  })

  it('in a 200 is the failure it says', () => {
    const body = { error: { code: 429, message: 'Slow down.', status: 'RESOURCE_EXHAUSTED' } }
    assert.throws(() => dialect.decodeResponse(body), { code: 'provider_rate_limited' })
    assert.throws(() => dialect.readOutcome(body), { code: 'provider_rate_limited' })
    assert.throws(() => dialect.decodeResponse({ modelVersion: 'm' }), { code: 'provider_malformed' })
  })
})

describe('our failure', () => {
  it('is said in words of Google, with our code, the place and the request in its details', () => {
    const failure = new Failure('missing_field', '`contents` is missing.', { param: 'contents' })
    const { error } = dialect.error(failure, 'r1') as { error: JsonObject }
    assert.deepEqual([error.code, error.status, error.message], [400, 'INVALID_ARGUMENT', '`contents` is missing.'])
    const [why, which] = error.details as JsonObject[]
    assert.deepEqual(why!.metadata, { param: 'contents', code: 'missing_field' })
    assert.equal(which!.requestId, 'r1')
  })

  it('is read back as the same kind', () => {
    const codes = ['provider_rate_limited', 'provider_error', 'provider_timeout', 'provider_overloaded'] as const
    for (const code of codes) {
      const failure = new Failure(code, 'The model is overloaded.')
      assert.equal(dialect.readFailure(failure.status, dialect.error(failure, 'r'), {}).code, code)
    }
  })
})
