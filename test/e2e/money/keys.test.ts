/** What a key may do, and nothing more: also by the ways round it. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import type { JsonObject } from '../../../src/json.ts'
import { type Given, send } from '../../support/client.ts'
import type { TestGateway } from '../../support/gateway.ts'
import { startLab } from './support.ts'

const YAML = `
auth: keys
keys:
  - { name: lab, key: key-lab, models: ["lab/*", both, echo], providers: [lab] }
  - { name: wide, key: key-wide, parent: lab, models: ["*"], providers: ["*"] }
  - { name: narrow, key: key-narrow, parent: lab, models: [lab/echo] }
  - { name: here, key: key-here, addresses: [127.0.0.0/8, "::1/128"] }
  - { name: nothing, key: key-nothing, models: [] }
  - { name: off, key: key-off, disabled: true }
  - { name: of-off, key: key-of-off, parent: off }
  - { name: old, key: key-old, expires: 2020-01-01 }
  - { name: of-old, key: key-of-old, parent: old, expires: 2199-01-01 }
  - { name: orphan, key: key-orphan, parent: nobody }
routes:
  both: { fallback: [dear/assistant, lab/assistant] }
  secret: dear/assistant
`

let at: TestGateway

before(async () => {
  at = await startLab(YAML)
})
after(() => at?.close())

const chat = (key: string, more: JsonObject = {}, headers: Given = {}) =>
  send(`${at.gateway.url}/v1/chat/completions`, {
    headers: { authorization: `Bearer key-${key}`, ...headers },
    body: { model: 'lab/assistant', messages: [{ role: 'user', content: 'tell me' }], max_tokens: 64, ...more }
  })
const codeOf = async (asked: ReturnType<typeof chat>) => {
  const answer = await asked
  return answer.status === 200 ? 'ok' : (answer.json().error as JsonObject).code
}

describe('models and providers', () => {
  test('by every name that leads to them', async () => {
    assert.equal(await codeOf(chat('lab')), 'ok')
    assert.equal(await codeOf(chat('lab', { model: 'lab/echo' })), 'ok')
    assert.equal(await codeOf(chat('lab', { model: 'dear/assistant' })), 'not_allowed')
    assert.equal(await codeOf(chat('lab', { model: 'secret' })), 'not_allowed')
    assert.equal(await codeOf(chat('nothing')), 'not_allowed')
  })

  test('a route that is allowed is left to the providers that are', async () => {
    at.seen()
    const answer = await chat('lab', { model: 'both' })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-provider'], 'lab')
    assert.equal(at.seen().length, 1)
  })

  test('no way round it by what a call says of its own routing', async () => {
    at.seen()
    assert.equal(await codeOf(chat('lab', { models: ['dear/assistant'] })), 'not_allowed')
    assert.equal(await codeOf(chat('lab', { model: 'lab/503', models: ['lab/echo', 'secret'] })), 'not_allowed')
    assert.equal(await codeOf(chat('lab', {}, { 'x-gatehouse-route': 'secret' })), 'not_allowed')
    const only = await chat('lab', { model: 'both', provider: { only: ['dear'] } })
    assert.ok(only.status === 403 || only.status === 404, only.text)
    assert.deepEqual(at.seen(), [])
  })

  test('only what may be asked for is listed, in every dialect', async () => {
    const listed = async (key: string, headers: Given) => {
      const answer = await send(`${at.gateway.url}/v1/models`, { headers: { 'x-api-key': `key-${key}`, ...headers } })
      assert.equal(answer.status, 200)
      return (answer.json().data as JsonObject[]).map(({ id }) => id)
    }
    assert.deepEqual(await listed('nothing', {}), [])
    assert.deepEqual((await listed('here', {})).sort(), ['both', 'secret'])
    assert.deepEqual(await listed('lab', {}), ['both'])
    assert.deepEqual(await listed('lab', { 'anthropic-version': '2023-06-01' }), ['both'])
    assert.deepEqual(await listed('narrow', {}), [])
  })
})

describe('keys that were made from keys', () => {
  test('never do more than the one they were made from', async () => {
    assert.equal(await codeOf(chat('wide')), 'ok')
    assert.equal(await codeOf(chat('wide', { model: 'dear/assistant' })), 'not_allowed')
    assert.equal(await codeOf(chat('narrow')), 'not_allowed')
    assert.equal(await codeOf(chat('narrow', { model: 'lab/echo' })), 'ok')
  })

  test('are refused with it', async () => {
    assert.equal(await codeOf(chat('of-off')), 'key_disabled')
    assert.equal(await codeOf(chat('of-old')), 'key_expired')
    assert.equal(await codeOf(chat('orphan')), 'key_disabled')
  })
})

describe('where the key is sent', () => {
  test('in any header of any client, with the same scopes', async () => {
    for (const header of ['x-api-key', 'api-key', 'x-goog-api-key']) {
      const headers = { authorization: undefined, [header]: 'key-lab' }
      assert.equal(await codeOf(chat('lab', {}, headers)), 'ok', header)
      assert.equal(await codeOf(chat('lab', { model: 'secret' }, headers)), 'not_allowed', header)
    }
  })

  test('the official clients are told in their own way', async () => {
    const openai = new OpenAI({ apiKey: 'key-lab', baseURL: `${at.gateway.url}/v1`, maxRetries: 0 })
    const messages = [{ role: 'user' as const, content: 'tell me' }]
    await assert.rejects(openai.chat.completions.create({ model: 'secret', messages }), OpenAI.PermissionDeniedError)
    const anthropic = new Anthropic({ apiKey: 'key-off', baseURL: at.gateway.url, maxRetries: 0 })
    await assert.rejects(
      anthropic.messages.create({ model: 'secret', messages, max_tokens: 9 }),
      Anthropic.AuthenticationError
    )
    const google = new GoogleGenAI({ apiKey: 'key-nothing', httpOptions: { baseUrl: at.gateway.url } })
    await assert.rejects(google.models.generateContent({ model: 'lab/echo', contents: 'tell me' }), { status: 403 })
  })

  test('from an address that is allowed; what a client says of its own address is nothing', async () => {
    assert.equal(await codeOf(chat('here')), 'ok')
    const other = await startLab('keys: [{ name: there, key: key-there, addresses: [192.0.2.7] }]')
    try {
      const answer = await send(`${other.gateway.url}/v1/chat/completions`, {
        headers: { authorization: 'Bearer key-there', 'x-forwarded-for': '192.0.2.7', forwarded: 'for=192.0.2.7' },
        body: { model: 'lab/echo', messages: [{ role: 'user', content: 'tell me' }] }
      })
      assert.equal((answer.json().error as JsonObject).code, 'address_refused')
    } finally {
      await other.close()
    }
  })
})
