import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLAUDE, call } from './bedrock-helpers.ts'
import { type Any, simForTests } from './helpers.ts'

const sim = await simForTests()
const STREAM = 'invoke-with-response-stream'

function body(text: string, more: object = {}): Any {
  return {
    anthropic_version: 'bedrock-2023-05-31',
    max_tokens: 4096,
    messages: [{ role: 'user', content: text }],
    ...more
  }
}

const tools = [{ name: 'add', input_schema: { type: 'object', properties: {} } }]

test('Claude answers as at home, without what only home says', async () => {
  const reply = (await call(sim, CLAUDE, 'invoke', body('add', { tools }))).json()
  assert.deepEqual(
    [reply.model, reply.stop_reason, reply.content[0].name],
    ['claude-sonnet-4-5-20250929', 'tool_use', 'add']
  )
  assert.deepEqual(Object.keys(reply.content[0]), ['type', 'id', 'name', 'input'])
  assert.equal(reply.stop_details, undefined)
  assert.equal(reply.usage.service_tier, undefined)
  const { dialect, model, stream, path } = sim.log().at(-1)!
  assert.deepEqual([dialect, model, stream], ['anthropic-messages', CLAUDE, false])
  assert.equal(path, `/model/${encodeURIComponent(CLAUDE)}/invoke`)
})

test('a stream wraps the events, and counts in the last', async () => {
  const answer = await call(sim, CLAUDE, STREAM, body('hi'))
  assert.equal(answer.headers['x-amzn-bedrock-content-type'], 'application/json')
  const frames = answer.frames()
  assert.ok(frames.every(({ event, data }) => event === 'chunk' && data.p.length > 0))
  const events = frames.map(({ data }) => JSON.parse(Buffer.from(data.bytes, 'base64').toString()))
  assert.deepEqual(
    events.map(({ type }) => type),
    [
      'message_start',
      'content_block_start',
      ...['You', 'said:', 'hi'].map(() => 'content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop'
    ]
  )
  const metrics = events.at(-1)['amazon-bedrock-invocationMetrics']
  const { usage } = events.at(-2)
  assert.deepEqual([metrics.inputTokenCount, metrics.outputTokenCount], [usage.input_tokens, usage.output_tokens])
  assert.equal(JSON.stringify(events).includes('service_tier'), false)
})

const REFUSALS: [what: string, model: string, more: object, message: RegExp][] = [
  ['no version', CLAUDE, { anthropic_version: undefined }, /^anthropic_version: Field required$/],
  ['another version', CLAUDE, { anthropic_version: '2023-06-01' }, /^anthropic_version: Input should be/],
  ['a model', CLAUDE, { model: 'x' }, /^model: Extra inputs are not permitted$/],
  ['a stream', CLAUDE, { stream: true }, /^stream: Extra inputs are not permitted$/],
  ['what Anthropic refuses', CLAUDE, { max_tokens: undefined }, /^max_tokens: Field required$/],
  ['a beta member without its beta', CLAUDE, { context_management: {} }, /^context_management: Extra inputs/],
  ['betas that are no list', CLAUDE, { anthropic_beta: 'x' }, /^anthropic_beta: /],
  [
    'an address of a picture',
    CLAUDE,
    { messages: [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'https://a.example/a' } }] }] },
    /^messages\.0\.content\.0\.image\.source\.base64\.data: URL sources are not supported$/
  ],
  ['a model of another maker', 'us.amazon.nova-lite-v1:0', {}, /^Malformed input request/]
]

for (const [what, model, more, message] of REFUSALS) {
  test(`InvokeModel refuses ${what}`, async () => {
    for (const verb of ['invoke', STREAM]) {
      const answer = await call(sim, model, verb, body('x', more))
      assert.equal(answer.status, 400)
      assert.match(answer.headers['x-amzn-errortype']!, /^ValidationException:/)
      assert.match(answer.json().message, message)
    }
  })
}

test('betas are named in the body, and only there', async () => {
  const more = { anthropic_beta: ['context-management-2025-06-27'], context_management: {} }
  assert.equal((await call(sim, CLAUDE, 'invoke', body('x', more))).status, 200)
  const headers = { 'content-type': 'application/json', authorization: 'Bearer x', 'anthropic-beta': 'all' }
  assert.equal((await call(sim, CLAUDE, 'invoke', body('x', { context_management: {} }), headers)).status, 400)
})
