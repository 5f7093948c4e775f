import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'

const read = (status: number, name: string, message = 'No.') =>
  dialect.readFailure(status, { message }, { 'x-amzn-errortype': `${name}:http://internal.amazon.com/coral/x/` })

describe('what a provider says', () => {
  for (const [status, name, message, kind] of [
    [429, 'ThrottlingException', 'Too many tokens, please wait.', 'rate_limited'],
    [503, 'ServiceUnavailableException', 'Bedrock is unable to process your request.', 'overloaded'],
    [429, 'ModelNotReadyException', 'The model is not ready.', 'overloaded'],
    [408, 'ModelTimeoutException', 'The model took too long.', 'silent'],
    [424, 'ModelErrorException', 'The model failed.', 'server_error'],
    [500, 'InternalServerException', 'Oops.', 'server_error'],
    [403, 'AccessDeniedException', 'You are not allowed.', 'our_credential'],
    [403, 'ExpiredTokenException', 'Expired.', 'our_credential'],
    [403, 'UnrecognizedClientException', 'The security token is invalid.', 'our_credential'],
    [403, 'SomethingNew', 'No.', 'our_credential'],
    [400, 'ServiceQuotaExceededException', 'Your quota is used up.', 'spend_limit'],
    [404, 'ResourceNotFoundException', 'No such model.', 'no_such_model'],
    [400, 'ValidationException', 'The provided model identifier is invalid.', 'no_such_model'],
    [
      400,
      'ValidationException',
      "Invocation of model ID x with on-demand throughput isn't supported.",
      'no_such_model'
    ],
    [400, 'ValidationException', 'Input is too long for requested model.', 'too_long'],
    [
      400,
      'ValidationException',
      'The model returned the following errors: prompt is too long: 210000 tokens > 200000',
      'too_long'
    ],
    [400, 'ValidationException', 'Input Tokens Exceeded: Number of input tokens exceeds maximum length.', 'too_long'],
    [400, 'ValidationException', 'messages.0.content is blank.', 'bad_request'],
    [413, 'RequestEntityTooLargeException', 'Too large.', 'too_large']
  ] as const) {
    it(`${name}: ${message}`, () => assert.equal(read(status, name, message).kind, kind))
  }

  it('the name may be in the body, the message in capitals, or all of it in no JSON', () => {
    const { kind, message, details } = dialect.readFailure(
      400,
      { __type: 'com.amazon.x#ValidationException', Message: 'Blank.' },
      {}
    )
    assert.deepEqual([kind, message, details], ['bad_request', 'Blank.', { status: 400, type: 'ValidationException' }])
    assert.equal(dialect.readFailure(502, '<html>', {}).kind, 'server_error')
    assert.equal(dialect.readFailure(500, '', {}).message, 'The provider answered with status 500.')
  })

  it('is kept as it came, with the time to wait; what it says of our account is not told', () => {
    const failure = dialect.readFailure(429, { message: 'Account 1234 is over.' }, { 'retry-after': '3' })
    assert.equal(failure.retryAfterMs, 3000)
    assert.ok(!failure.message.includes('1234'))
    assert.deepEqual(JSON.parse(failure.native!.body.toString()), { message: 'Account 1234 is over.' })
    assert.equal(failure.native!.dialect, 'bedrock-converse')
  })
})

describe('what we say', () => {
  it('has the name where AWS SDKs look for it', () => {
    const said = (failure: Failure): JsonObject => dialect.error(failure, 'r-1')
    assert.deepEqual(said(new Failure('wrong_type', 'No.', { param: 'messages' })), {
      __type: 'ValidationException',
      message: 'No.',
      reason: 'wrong_type',
      param: 'messages',
      requestId: 'r-1'
    })
    const names = (
      ['invalid_key', 'unknown_model', 'provider_rate_limited', 'overloaded', 'internal', 'provider_timeout'] as const
    ).map(code => said(new Failure(code, 'No.')).__type)
    assert.deepEqual(names, [
      'UnrecognizedClientException',
      'ResourceNotFoundException',
      'ThrottlingException',
      'ServiceUnavailableException',
      'InternalServerException',
      'ModelTimeoutException'
    ])
  })
})
