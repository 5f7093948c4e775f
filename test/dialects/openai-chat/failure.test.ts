import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import { CODES, type Code, Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'

describe('a provider says no', () => {
  const said = (message: string, more: JsonObject = {}): JsonObject => ({
    error: { message, type: null, param: null, code: null, ...more }
  })
  const cases: [name: string, status: number, body: JsonObject | string, kind: string, status_: number][] = [
    ['a long prompt', 400, said('…', { code: 'context_length_exceeded' }), 'too_long', 400],
    [
      'a long prompt in words (DeepSeek)',
      400,
      said("This model's maximum context length is 9 tokens.", { code: 'invalid_request_error' }),
      'too_long',
      400
    ],
    [
      'a long prompt (xAI)',
      400,
      { code: 'x', error: "This model's maximum prompt length is 9 but the request contains 10 tokens." },
      'too_long',
      400
    ],
    [
      'a long prompt (llama.cpp)',
      400,
      said('exceeds the available context size', { type: 'exceed_context_size_error', code: 400 }),
      'too_long',
      400
    ],
    [
      'a long prompt (Perplexity)',
      400,
      said('The total length of all messages is too long.', { type: 'too_many_prompt_tokens' }),
      'too_long',
      400
    ],
    [
      'a request over the minute limit',
      429,
      said('Request too large for m: Limit 4, Requested 9', { code: 'rate_limit_exceeded' }),
      'too_long',
      400
    ],
    ['content', 400, said('…', { code: 'content_policy_violation' }), 'content_filter', 400],
    ['content (Azure)', 400, said('…', { code: 'content_filter' }), 'content_filter', 400],
    ['content (OpenRouter)', 403, said('Your input was flagged', { code: 403 }), 'content_filter', 403],
    [
      'no money as 429',
      429,
      said('You exceeded your current quota', { type: 'insufficient_quota' }),
      'spend_limit',
      502
    ],
    ['no money as 402', 402, said('Insufficient Balance'), 'spend_limit', 502],
    ['a wrong key', 401, said('Incorrect API key', { code: 'invalid_api_key' }), 'our_credential', 502],
    [
      'a wrong key as 400 (xAI)',
      400,
      { code: 'x', error: 'Incorrect API key provided: in***ey.' },
      'our_credential',
      502
    ],
    ['forbidden', 403, said('You are not allowed to sample from this model'), 'our_credential', 502],
    ['no such model', 404, said('…', { code: 'model_not_found' }), 'no_such_model', 502],
    [
      'no such model (Mistral)',
      400,
      { object: 'error', message: 'Invalid model: x', type: 'invalid_model', code: '1500' },
      'no_such_model',
      502
    ],
    ['no such model (Venice)', 404, { error: 'Specified model not found: x.' }, 'no_such_model', 502],
    [
      'a model that is gone (Groq)',
      400,
      said('has been decommissioned', { code: 'model_decommissioned' }),
      'no_such_model',
      502
    ],
    ['too many calls', 429, said('Rate limit reached', { code: 'rate_limit_exceeded' }), 'rate_limited', 429],
    [
      'too many calls (Mistral)',
      429,
      { message: 'Rate limit exceeded', type: 'rate_limited', code: '1300' },
      'rate_limited',
      429
    ],
    ['too many calls in plain text', 429, 'Too many requests.', 'rate_limited', 429],
    ['too many bytes', 413, 'Payload Too Large', 'too_large', 413],
    ['overloaded', 529, said('…'), 'overloaded', 529],
    ['overloaded as 503', 503, said('The engine is currently overloaded, please try again later'), 'overloaded', 529],
    ['unavailable', 503, 'upstream connect error or disconnect/reset before headers.', 'server_error', 502],
    ['an error of its own', 500, said('…', { type: 'server_error' }), 'server_error', 502],
    [
      'a wrong parameter',
      400,
      said("Unknown parameter: 'quality'.", { param: 'quality', code: 'unknown_parameter' }),
      'bad_request',
      400
    ],
    [
      'a wrong body (Mistral)',
      422,
      { detail: [{ loc: ['body'], msg: 'Input should be a valid string' }] },
      'bad_request',
      422
    ]
  ]
  for (const [name, status, body, kind, ours] of cases) {
    it(name, () => {
      const failure = dialect.readFailure(status, body, {})
      assert.deepEqual([failure.kind, failure.status], [kind, ours])
    })
  }

  it('its message and parameter are kept', () => {
    const failure = dialect.readFailure(400, said("Unknown parameter: 'quality'.", { param: 'quality' }), {})
    assert.deepEqual([failure.message, failure.param], ["Unknown parameter: 'quality'.", 'quality'])
    const routed = said('Provider returned error', { code: 429, metadata: { raw: 'm is rate-limited upstream' } })
    assert.equal(dialect.readFailure(429, routed, {}).message, 'Provider returned error: m is rate-limited upstream')
  })

  it('when to come back: exact, in seconds, or in words', () => {
    const wait = (headers: Record<string, string>, message = '') =>
      dialect.readFailure(429, said(message), headers).retryAfterMs
    assert.equal(wait({ 'retry-after-ms': '1500', 'retry-after': '9' }), 1500)
    assert.equal(wait({ 'retry-after': '37' }), 37_000)
    assert.equal(wait({ 'retry-after': '0.5' }), 500)
    assert.equal(wait({ 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' }), undefined)
    assert.equal(wait({}, 'Please try again in 1.2s.'), 1200)
    assert.equal(wait({}, 'Please try again in 20ms.'), 20)
    assert.equal(wait({}, 'Please try again in 6m0s.'), 360_000)
    assert.equal(wait({}), undefined)
  })
})

describe('we say no', () => {
  it('as OpenAI does, with our code and the request id', () => {
    const failure = new Failure('wrong_type', 'messages: expected an array.', { param: 'messages' })
    assert.deepEqual(dialect.error(failure, 'req_1'), {
      error: {
        message: 'messages: expected an array.',
        type: 'invalid_request_error',
        param: 'messages',
        code: 'wrong_type'
      },
      request_id: 'req_1'
    })
  })

  it('with the type that goes with each status', () => {
    const types = new Set<string>()
    for (const code of Object.keys(CODES) as Code[]) {
      const { error } = dialect.error(new Failure(code, 'x'), 'r') as { error: JsonObject }
      types.add(`${CODES[code].status >= 500 ? 5 : CODES[code].status} ${error.type}`)
    }
    assert.ok(types.has('401 authentication_error'))
    assert.ok(types.has('429 rate_limit_error'))
    assert.ok(types.has('5 server_error'))
    assert.ok([...types].filter(type => type.startsWith('5')).length === 1)
  })

  it('inside a stream', () => {
    const sent = dialect.streamError(new Failure('provider_timeout', 'too slow'), 'req_2', formatSse)
    assert.match(sent, /^data: \{.*\}\n\n$/)
    assert.equal(JSON.parse(sent.slice(6)).error.code, 'provider_timeout')
  })
})
