import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect, dropMarkedThinking } from '../../../src/dialects/anthropic-messages/index.ts'
import { modelOf, nearestEffort } from '../../../src/dialects/claude.ts'
import { type Code, Failure, type Kind } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'

const said = (type: string, message = 'm', more: JsonObject = {}): JsonObject => ({
  type: 'error',
  error: { type, message, ...more },
  request_id: 'req_1'
})

describe('errors of a provider', () => {
  const cases: [number, JsonObject | string, Kind, number][] = [
    [400, said('invalid_request_error', 'messages.0: bad'), 'bad_request', 400],
    [400, said('invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'), 'too_long', 400],
    [400, said('invalid_request_error', 'input length and `max_tokens` exceed context limit'), 'too_long', 400],
    [400, said('invalid_request_error', 'Your credit balance is too low to access the API.'), 'spend_limit', 502],
    [400, said('invalid_request_error', 'You have reached your specified API usage limits.'), 'spend_limit', 502],
    [400, said('invalid_request_error', 'Output blocked by content filtering policy'), 'content_filter', 400],
    [422, '{"detail":"?"}', 'bad_request', 422],
    [401, said('authentication_error'), 'our_credential', 502],
    [402, said('billing_error'), 'spend_limit', 502],
    [403, said('permission_error'), 'our_credential', 502],
    [404, said('not_found_error', 'model: claude-nobody'), 'no_such_model', 502],
    [404, said('not_found_error', 'File not found: file_1'), 'bad_request', 404],
    [404, '<html>no such page</html>', 'no_such_model', 502],
    [409, said('conflict_error'), 'bad_request', 409],
    [413, said('request_too_large'), 'too_large', 413],
    [429, said('rate_limit_error'), 'rate_limited', 429],
    [
      429,
      said('rate_limit_error', 'm', { details: { error_code: 'enforced_spend_limit_reached' } }),
      'spend_limit',
      502
    ],
    [500, said('api_error'), 'server_error', 502],
    [424, '{"message":"The model broke down."}', 'server_error', 502],
    [503, 'upstream connect error', 'server_error', 502],
    [504, said('timeout_error'), 'silent', 504],
    [529, said('overloaded_error'), 'overloaded', 529],
    [529, '', 'overloaded', 529]
  ]
  for (const [status, body, kind, told] of cases) {
    it(`${status} ${JSON.stringify(body).slice(0, 70)} is ${kind}`, () => {
      const failure = dialect.readFailure(status, body, {})
      assert.equal(failure.kind, kind)
      assert.equal(failure.status, told)
      assert.ok(failure.message.length > 0)
      assert.equal(failure.native?.status, status)
    })
  }

  it('says when to come back', () => {
    const wait = (headers: Record<string, string>) =>
      dialect.readFailure(429, said('rate_limit_error'), headers).retryAfterMs
    assert.equal(wait({ 'retry-after': '7' }), 7000)
    assert.equal(
      wait({ 'retry-after': 'Sat, 22 Nov 2026 10:00:30 GMT', date: 'Sat, 22 Nov 2026 10:00:00 GMT' }),
      30_000
    )
    assert.equal(wait({ 'retry-after': 'soon' }), undefined)
    assert.equal(wait({}), undefined)
  })

  it('keeps what concerns our account from the client', () => {
    const failure = dialect.readFailure(401, said('authentication_error', 'invalid x-api-key sk-ant-1'), {})
    assert.doesNotMatch(JSON.stringify(dialect.error(failure, 'r')), /sk-ant/)
    assert.match(String(failure.native?.body), /sk-ant/)
  })
})

describe('our failures, said in this dialect', () => {
  const cases: [Code, string][] = [
    ['wrong_type', 'invalid_request_error'],
    ['invalid_key', 'authentication_error'],
    ['host_refused', 'permission_error'],
    ['unknown_model', 'not_found_error'],
    ['body_too_large', 'request_too_large'],
    ['provider_rate_limited', 'rate_limit_error'],
    ['internal', 'api_error'],
    ['provider_error', 'api_error'],
    ['overloaded', 'overloaded_error'],
    ['provider_timeout', 'timeout_error'],
    ['provider_overloaded', 'overloaded_error'],
    ['unsupported_media_type', 'invalid_request_error']
  ]
  for (const [code, type] of cases) {
    it(`${code} is ${type}`, () => {
      const body = dialect.error(new Failure(code, 'Why.', { param: 'messages' }), 'req_7')
      assert.deepEqual(body, {
        type: 'error',
        error: { type, message: 'Why.', code, param: 'messages' },
        request_id: 'req_7'
      })
    })
  }

  it('within a stream it is the error event', () => {
    const text = dialect.streamError(new Failure('provider_truncated', 'Cut.'), 'req_7', formatSse)
    assert.match(text, /^event: error\ndata: \{"type":"error",.*\}\n\n$/)
  })
})

describe('models', () => {
  const cases: [string, string, string[], string, boolean][] = [
    ['claude-3-haiku-20240307', 'none', [], 'both', false],
    ['claude-3-7-sonnet-20250219', 'budget', [], 'both', false],
    ['claude-opus-4-20250514', 'budget', [], 'both', false],
    ['claude-sonnet-4-5@20250929', 'budget', [], 'one', false],
    ['us.anthropic.claude-opus-4-6-v1', 'adaptive', ['low', 'medium', 'high', 'max'], 'one', false],
    ['anthropic/claude-opus-4.7', 'adaptive', ['low', 'medium', 'high', 'xhigh', 'max'], 'neither', false],
    ['claude-opus-4-8', 'adaptive', ['low', 'medium', 'high', 'xhigh', 'max'], 'neither', true],
    ['claude-sonnet-5', 'adaptive', ['low', 'medium', 'high', 'xhigh', 'max'], 'neither', false],
    ['claude-opus-9', 'adaptive', ['low', 'medium', 'high', 'xhigh', 'max'], 'neither', true],
    ['claude-latest', 'adaptive', ['low', 'medium', 'high', 'xhigh', 'max'], 'neither', true],
    ['minimax-m3', 'budget', [], 'both', false]
  ]
  for (const [name, thinking, efforts, sampling, systemInside] of cases) {
    it(name, () => {
      const model = modelOf(name)
      assert.deepEqual(
        [model.thinking, model.efforts, model.sampling, model.systemInside],
        [thinking, efforts, sampling, systemInside]
      )
    })
  }

  it('what turns thinking off', () => {
    const words = [
      'claude-opus-4-7',
      'claude-opus-5',
      'claude-opus-5-5',
      'claude-sonnet-5-5',
      'claude-haiku-5-5',
      'claude-fable-5'
    ]
    assert.deepEqual(
      words.map(name => modelOf(name).off),
      [undefined, 'disabled', undefined, 'between_tools', 'disabled', undefined]
    )
    assert.deepEqual(
      words.map(name => modelOf(name).thinksUnasked),
      [false, true, true, true, true, true]
    )
  })

  it('the nearest effort is the next lower, else the lowest', () => {
    const opus = modelOf('claude-opus-4-6')
    assert.equal(nearestEffort(opus, 'xhigh'), 'high')
    assert.equal(nearestEffort(opus, 'minimal'), 'low')
    assert.equal(nearestEffort(opus, 'max'), 'max')
  })
})

describe('our marked thinking in a native request', () => {
  it('is taken out before the provider sees it, and named; turns of nothing else go with it', () => {
    const mark = { type: 'thinking', thinking: 'x', signature: 'gatehouse:unsigned' }
    const text = { type: 'text', text: 'y' }
    const own = { type: 'thinking', thinking: 'z', signature: 'c2ln' }
    const body: JsonObject = {
      messages: [
        { role: 'user', content: 'hi' },
        { role: 'assistant', content: [mark] },
        { role: 'assistant', content: [own, mark, text] }
      ]
    }
    assert.deepEqual(dropMarkedThinking(body), ['messages[1].content[0].thinking', 'messages[2].content[1].thinking'])
    assert.deepEqual(body.messages, [
      { role: 'user', content: 'hi' },
      { role: 'assistant', content: [own, text] }
    ])
    const clean = structuredClone(body)
    assert.deepEqual(dropMarkedThinking(body), [])
    assert.deepEqual(body, clean)
  })
})
