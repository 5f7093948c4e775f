import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI, { AzureOpenAI } from 'openai'
import { dialects } from '../../src/dialects/index.ts'
import type { JsonObject } from '../../src/json.ts'
import { Secret } from '../../src/secret.ts'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

const KEY = 'canary-key-in-an-address'
const ADMIN = 'gh_admin_for-these-tests-only'
const SAYS = 'sim/assistant'
const CLAUDE =
  '  claude: { base_url: "SIM/v1", dialect: anthropic-messages, keys: [claude-key-00], allow_private: ["127.0.0.0/8"] }'

let at: TestGateway

before(async () => {
  at = await startTestGateway({
    bare: true,
    providers: CLAUDE,
    yaml: `sim: true\nkeys: [{ name: team, key: ${KEY} }]`,
    adminToken: new Secret(ADMIN)
  })
})
after(() => at?.close())

const contents = [{ role: 'user', parts: [{ text: 'hello' }] }]

describe('clients in the ways that they are set up', () => {
  test('OpenAI: with the version in its base URL, and without', async () => {
    for (const base of ['/v1', '', '/openai/v1', '/v1/v1']) {
      const openai = new OpenAI({ apiKey: KEY, baseURL: at.gateway.url + base, maxRetries: 0 })
      const chat = await openai.chat.completions.create({ model: SAYS, messages: [{ role: 'user', content: 'hello' }] })
      assert.ok(chat.choices[0]?.message.content)
      const response = await openai.responses.create({ model: SAYS, input: 'hello', store: false })
      assert.ok(response.output_text)
      const listed = await openai.models.retrieve(SAYS.replace('assistant', 'echo')).catch(() => undefined)
      assert.ok(listed === undefined || listed.object === 'model')
    }
  })

  test('Azure OpenAI: the deployment is the model', async () => {
    const azure = new AzureOpenAI({
      apiKey: KEY,
      endpoint: at.gateway.url,
      apiVersion: '2025-04-01-preview',
      maxRetries: 0
    })
    const chat = await azure.chat.completions.create({ model: SAYS, messages: [{ role: 'user', content: 'hello' }] })
    assert.ok(chat.choices[0]?.message.content)
    const stream = await azure.chat.completions.create({
      model: SAYS,
      stream: true,
      messages: [{ role: 'user', content: 'hello' }]
    })
    let text = ''
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? ''
    assert.equal(text, chat.choices[0]?.message.content)
    const response = await azure.responses.create({ model: SAYS, input: 'hello', store: false })
    assert.ok(response.output_text)
    // The body need not say it, also where another dialect is to hear of it.
    for (const model of [SAYS, 'claude/assistant']) {
      const answer = await send(`${at.gateway.url}/openai/deployments/${model}/chat/completions`, {
        headers: { 'api-key': KEY },
        body: { messages: [{ role: 'user', content: 'hello' }] }
      })
      assert.equal(answer.status, 200, answer.text)
    }
  })

  test('Anthropic: with a version too many', async () => {
    for (const base of ['', '/v1', '/anthropic']) {
      const anthropic = new Anthropic({ apiKey: KEY, baseURL: at.gateway.url + base, maxRetries: 0 })
      const messages = [{ role: 'user' as const, content: 'hello' }]
      const message = await anthropic.messages.create({ model: SAYS, max_tokens: 100, messages })
      assert.equal(message.type, 'message')
      assert.ok((await anthropic.messages.countTokens({ model: SAYS, messages })).input_tokens > 0)
    }
  })

  test('Google: a model with a slash, whole, streamed and counted; its list of models', async () => {
    const google = new GoogleGenAI({ apiKey: KEY, httpOptions: { baseUrl: at.gateway.url } })
    const whole = await google.models.generateContent({ model: SAYS, contents: 'hello' })
    assert.ok(whole.text)
    let text = ''
    for await (const chunk of await google.models.generateContentStream({ model: SAYS, contents: 'hello' })) {
      text += chunk.text ?? ''
    }
    assert.equal(text, whole.text)
    const { totalTokens } = await google.models.countTokens({ model: SAYS, contents: 'hello' })
    assert.ok((totalTokens ?? 0) > 0)
    const names: string[] = []
    for await (const { name } of await google.models.list({ config: { pageSize: 3 } })) names.push(name ?? '')
    const { data } = (await send(`${at.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${KEY}` } })).json()
    assert.deepEqual(
      names,
      (data as JsonObject[]).map(({ id }) => `models/${id}`)
    )
    if (names[0]) assert.equal((await google.models.get({ model: names[0] })).name, names[0])
  })

  test('Google on Vertex AI: project, location and publisher in the address', async () => {
    const path = '/v1beta1/projects/p/locations/l/publishers/google/models'
    const answer = await send(`${at.gateway.url}${path}/sim%2Fassistant:generateContent`, {
      headers: { authorization: `Bearer ${KEY}` },
      body: { contents }
    })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(answer.json().candidates)
  })

  test('a Gemini stream is one JSON array unless server-sent events are asked for', async () => {
    const url = `${at.gateway.url}/v1beta/models/${SAYS}:streamGenerateContent`
    const headers = { 'x-goog-api-key': KEY }
    const array = await send(url, { headers, body: { contents } })
    assert.match(array.headers['content-type'] ?? '', /^application\/json/)
    const chunks = JSON.parse(array.text) as JsonObject[]
    assert.ok(Array.isArray(chunks) && chunks.length > 1)
    const sse = await send(`${url}?alt=sse`, { headers, body: { contents } })
    assert.match(sse.headers['content-type'] ?? '', /^text\/event-stream/)
    assert.equal(sse.events().length, chunks.length)
  })
})

describe('a key in the address', () => {
  const ask = (query: string, headers: Record<string, string> = {}) =>
    send(`${at.gateway.url}/v1beta/models/${SAYS}:generateContent?${query}`, { headers, body: { contents } })

  test('is as good as one in a header; two equal ones are one, two differing ones are refused', async () => {
    assert.equal((await ask(`key=${KEY}`)).status, 200)
    assert.equal(
      (await ask(`alt=json&key=${KEY}`, { 'x-goog-api-key': KEY, authorization: `Bearer ${KEY}` })).status,
      200
    )
    for (const [query, headers] of [
      [`key=${KEY}`, { 'x-goog-api-key': 'another' }],
      [`key=${KEY}`, { authorization: 'Bearer another' }],
      [`key=${KEY}&key=another`, {}]
    ] as const) {
      const refused = await ask(query, headers)
      assert.equal(refused.status, 401)
      assert.match(refused.text, /Two differing keys/)
    }
    assert.match((await ask('alt=json')).text, /asks for a key/)
    assert.equal((await ask('key=unknown')).status, 401)
  })

  test('is told to nobody: no log line, no error, no header, no provider', async () => {
    at.seen()
    const secret = 'canary-in-the-query-9f3a'
    const told: string[] = []
    const note = async (path: string, method = 'POST', body: JsonObject | string = { contents }) => {
      const answer = await send(at.gateway.url + path, method === 'POST' ? { method, body } : { method })
      told.push(JSON.stringify(answer.headers), answer.text)
    }
    const query = `?key=${KEY}&note=${secret}`
    await note(`/v1beta/models/${SAYS}:generateContent${query}`)
    await note(`/v1beta/models/${SAYS}:streamGenerateContent${query}`)
    await note(`/v1beta/models/nobody-has-it:generateContent${query}`)
    await note(`/v1beta/models/${SAYS}:generateContent${query}`, 'POST', '{"contents":')
    await note(`/v1beta/models/sim/401:generateContent${query}`)
    await note(`/v1beta/models/${SAYS}:generateContent?key=${secret}`)
    await note(`/v1/responses/resp_1${query}`, 'GET')
    await note(`/v1/models/nothing${query}`, 'GET')
    await note(`/v1beta/models/${SAYS}:generateContent${query}`, 'PUT')
    await note(`/nowhere${query}`, 'GET')
    at.gateway.reload()
    const all = [...told, JSON.stringify(at.lines), JSON.stringify(at.seen())].join('\n')
    assert.ok(at.lines.length > 5)
    for (const canary of [secret, KEY]) assert.ok(!all.includes(canary), `${canary} is told`)
  })
})

test('explain knows every dialect, and the provider that a new model goes to from its door', async () => {
  const explain = (body: JsonObject) =>
    send(`${at.gateway.url}/admin/explain`, { headers: { authorization: `Bearer ${ADMIN}` }, body })
  for (const dialect of Object.keys(dialects)) {
    const { status, text } = await explain({ dialect, model: SAYS })
    assert.equal(status, 200, text)
    assert.match(text, /"target":"sim\/assistant"/)
  }
  const unknown = await explain({ dialect: 'esperanto', model: SAYS })
  assert.equal(unknown.status, 400)
  for (const dialect of Object.keys(dialects)) assert.ok(unknown.text.includes(dialect))
})
