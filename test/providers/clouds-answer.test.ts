import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { EventStreamCodec } from '@smithy/eventstream-codec'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import {
  assertionFault,
  json,
  type ServiceAccount,
  type StandIn,
  serviceAccount,
  sigV4Fault,
  standIn
} from './auth/support.ts'

const CLAUDE = { type: 'message', role: 'assistant', stop_sequence: null }
const USAGE = { input_tokens: 3, output_tokens: 2 }
const ANSWER = {
  ...CLAUDE,
  id: 'msg_1',
  model: 'claude',
  content: [{ type: 'text', text: 'hello' }],
  stop_reason: 'end_turn',
  usage: USAGE
}

let cloud: StandIn
let account: ServiceAccount
let test: TestGateway
let tokens = 0
/** The token that Vertex takes now. */
let valid = ''

const codec = new EventStreamCodec(
  bytes => Buffer.from(bytes).toString(),
  text => Buffer.from(text)
)

/** One event of Claude's as invoke wraps it. */
function chunk(event: object): Uint8Array {
  const text = (value: string) => ({ type: 'string' as const, value })
  const bytes = Buffer.from(JSON.stringify(event)).toString('base64')
  return codec.encode({
    headers: {
      ':message-type': text('event'),
      ':event-type': text('chunk'),
      ':content-type': text('application/json')
    },
    body: Buffer.from(JSON.stringify({ bytes }))
  })
}

const EVENTS = [
  {
    type: 'message_start',
    message: { ...CLAUDE, id: 'msg_2', model: 'claude', content: [], stop_reason: null, usage: USAGE }
  },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'streamed' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 2 } },
  { type: 'message_stop' }
]

before(async () => {
  cloud = await standIn((request, response) => {
    const { url, headers, form } = request
    if (url === '/token') {
      const fault = assertionFault(form.get('assertion') ?? '', account.publicKey, `${cloud.url}/token`)
      if (fault !== undefined) return json(response, 400, { error: 'invalid_grant', error_description: fault })
      valid = `ya29.token-${++tokens}`
      return json(response, 200, { access_token: valid, expires_in: 3_600, token_type: 'Bearer' })
    }
    if (url.includes('/publishers/')) {
      if (headers.authorization === `Bearer ${valid}`) return json(response, 200, ANSWER)
      return json(response, 401, {
        error: { code: 401, message: `Invalid credentials: ${headers.authorization}`, status: 'UNAUTHENTICATED' }
      })
    }
    if (url.includes('/openai/deployments/')) {
      if (headers['api-key'] !== 'azure-key-1234567890')
        return json(response, 401, { error: { code: '401', message: 'no' } })
      const message = { role: 'assistant', content: 'azure' }
      const choices = [{ index: 0, message, finish_reason: 'stop' }]
      return json(response, 200, { id: 'c', object: 'chat.completion', created: 1, model: 'm', choices })
    }
    const secretOf = (id: string) => (id === 'AKIDEXAMPLE' ? 'aws-secret-key-1234' : undefined)
    const fault = sigV4Fault(request, { secretOf, service: 'bedrock', region: 'eu-west-1', nowMs: Date.now() })
    if (fault !== undefined) return json(response, 403, { message: fault })
    if (url.endsWith('/invoke')) return json(response, 200, ANSWER)
    response.writeHead(200, { 'content-type': 'application/vnd.amazon.eventstream' })
    for (const event of EVENTS) response.write(chunk(event))
    response.end()
  })
  account = serviceAccount(`${cloud.url}/token`)
  const at = `origin: "${cloud.url}", allow_private: ["127.0.0.0/8"]`
  test = await startTestGateway({
    bare: true,
    env: { GOOGLE_KEY: account.json, AWS_SECRET: 'aws-secret-key-1234', AZURE_KEY: 'azure-key-1234567890' },
    providers: `
  vertex: { ${at}, places: { project: p-1 }, keys: [{ google: { credentials: "\${GOOGLE_KEY}" } }] }
  bedrock: { ${at}, places: { region: eu-west-1 }, keys: [{ aws: { access_key_id: AKIDEXAMPLE, secret_access_key: "\${AWS_SECRET}" } }] }
  broken: { like: bedrock, ${at}, places: { region: eu-west-1 }, keys: [{ aws: { access_key_id: AKIDEXAMPLE, secret_access_key: wrong-secret-0987 } }] }
  azure: { ${at}, places: { resource: r, api_version: "2024-10-21" }, keys: ["\${AZURE_KEY}"] }`
  })
})
after(async () => {
  await test.close()
  await cloud.close()
})

async function ask(path: string, body: object, headers: Record<string, string> = {}) {
  const response = await fetch(`${test.gateway.url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body)
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const MESSAGES = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] }
const BETAS = { 'anthropic-beta': 'claude-code-20250219,context-1m-2025-08-07' }
const last = () => cloud.heard.at(-1)!

describe('Claude on Vertex', () => {
  it('is asked as Vertex wants to be, with a token of ours', async () => {
    const answer = await ask('/v1/messages', { model: 'vertex/claude-haiku-4-5@20251001', ...MESSAGES }, BETAS)
    assert.equal(answer.status, 200, answer.text)
    assert.deepEqual(JSON.parse(answer.text), ANSWER)
    const { url, headers, body } = last()
    const path = '/v1/projects/p-1/locations/global/publishers/anthropic/models/claude-haiku-4-5%4020251001:rawPredict'
    assert.equal(url, path)
    assert.deepEqual(JSON.parse(body), { ...MESSAGES, anthropic_version: 'vertex-2023-10-16' })
    assert.equal(headers['anthropic-beta'], 'context-1m-2025-08-07')
    assert.match(answer.headers.get('x-gatehouse-lost') ?? '', /claude-code-20250219/)
  })

  it('is asked again, with a new token, where the old one was revoked', async () => {
    valid = 'another'
    const before = tokens
    const answer = await ask('/v1/messages', { model: 'vertex/claude-haiku-4-5@20251001', ...MESSAGES })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(tokens, before + 1)
  })

  it('leaves no token in what the log says of it', () => {
    const logged = JSON.stringify(test.lines)
    assert.doesNotMatch(logged, /ya29|PRIVATE KEY|eyJ/)
    assert.ok(test.lines.length > 0)
  })
})

describe('Claude on Bedrock', () => {
  const model = 'bedrock/eu.anthropic.claude-haiku-4-5-20251001-v1:0'

  it('is asked by invoke, signed, with what the address says left out', async () => {
    const answer = await ask('/v1/messages', { model, ...MESSAGES }, BETAS)
    assert.equal(answer.status, 200, answer.text)
    assert.equal(last().url, '/model/eu.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke')
    assert.deepEqual(JSON.parse(last().body), {
      ...MESSAGES,
      anthropic_version: 'bedrock-2023-05-31',
      anthropic_beta: ['context-1m-2025-08-07']
    })
    assert.equal(last().headers['anthropic-beta'], undefined)
  })

  it('streams, out of the frames that invoke wraps its events in', async () => {
    const answer = await ask('/v1/messages', { model, stream: true, ...MESSAGES })
    assert.equal(answer.status, 200, answer.text)
    assert.match(last().url, /\/invoke-with-response-stream$/)
    const events = [...answer.text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!))
    // Through the canonical form (law e) the last usage is said as a whole.
    if (process.env.FORCE_CANONICAL !== '1') assert.deepEqual(events, EVENTS)
    assert.deepEqual(
      events.map(({ type }) => type),
      EVENTS.map(({ type }) => type)
    )
  })

  it('refuses keys of ours that are wrong: the client hears of it in our words', async () => {
    const answer = await ask('/v1/messages', { model: model.replace('bedrock', 'broken'), ...MESSAGES })
    assert.equal(answer.status, 502)
    assert.match(answer.text, /broken did not accept/)
    assert.doesNotMatch(answer.text + JSON.stringify(test.lines), /wrong-secret|aws-secret/)
  })
})

describe('Azure in its older shape', () => {
  it('is asked for a deployment in the path, with a date', async () => {
    const { max_tokens, messages } = MESSAGES
    const answer = await ask('/v1/chat/completions', { model: 'azure/my deployment', max_tokens, messages })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(last().url, '/openai/deployments/my%20deployment/chat/completions?api-version=2024-10-21')
  })
})
