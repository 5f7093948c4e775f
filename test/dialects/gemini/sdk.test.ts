import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { ApiError, GoogleGenAI } from '@google/genai'
import type { ChatResponse, Event } from '../../../src/dialects/canonical.ts'
import { unroll } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { encodeSse, fixtures } from '../../support/dialects.ts'

/** The official client, answered by our encoder from a server of its own. */
let answer: { status: number; type: string; body: string } = { status: 200, type: '', body: '' }
const asked: { url: string; body: JsonObject }[] = []

const server = createServer((request, response) => {
  let text = ''
  request.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  request.on('end', () => {
    asked.push({ url: request.url ?? '', body: JSON.parse(text) as JsonObject })
    response.writeHead(answer.status, { 'content-type': answer.type })
    response.end(answer.body)
  })
})
let client: GoogleGenAI

before(async () => {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  client = new GoogleGenAI({ apiKey: 'test', httpOptions: { baseUrl } })
})

after(() => {
  server.closeAllConnections()
  server.close()
})

const MODEL = 'gemini-3.1-pro-preview'

function whole(body: JsonObject, status = 200): Promise<Awaited<ReturnType<GoogleGenAI['models']['generateContent']>>> {
  answer = { status, type: 'application/json', body: JSON.stringify(body) }
  return client.models.generateContent({ model: MODEL, contents: 'hi' })
}

async function streamed(events: Iterable<Event>) {
  answer = { status: 200, type: 'text/event-stream', body: encodeSse(dialect, events) }
  const chunks = []
  for await (const chunk of await client.models.generateContentStream({ model: MODEL, contents: 'hi' }))
    chunks.push(chunk)
  return chunks
}

const SEAL = { maker: 'anthropic-messages', value: 'c2lnbmVk' } as const

/** As a Messages provider would have answered. */
const foreign: ChatResponse = {
  id: 'msg_1',
  model: 'claude',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'thinking', text: 'First this.', seal: SEAL },
        { type: 'text', text: 'Calling.' },
        { type: 'tool-call', id: 'toolu_1', name: 'f', input: '{"a":1}' },
        { type: 'tool-call', id: 'toolu_2', name: 'g', input: '' }
      ],
      finish: { unified: 'tool-calls', raw: 'tool_use', maker: 'anthropic-messages' }
    }
  ],
  usage: { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, reasoningTokens: 8 }
}

const USAGE = {
  promptTokenCount: 100,
  cachedContentTokenCount: 60,
  candidatesTokenCount: 12,
  thoughtsTokenCount: 8,
  totalTokenCount: 120
}

describe("Google's official client reads", () => {
  for (const { name, body } of fixtures('gemini', 'responses')) {
    it(`the reply ${name} as it reads the provider's own`, async () => {
      const own = await whole(body())
      const again = await whole(dialect.encodeResponse(dialect.decodeResponse(body()), []))
      const { sdkHttpResponse: _, ...expected } = own
      const { sdkHttpResponse: _again, ...actual } = again
      assert.deepEqual(JSON.parse(JSON.stringify(actual)), JSON.parse(JSON.stringify(expected)))
    })
  }

  it('a reply of another maker: text, calls, finish and usage', async () => {
    const reply = await whole(dialect.encodeResponse(foreign, []))
    assert.equal(reply.text, 'Calling.')
    assert.deepEqual(reply.functionCalls, [
      { id: 'toolu_1', name: 'f', args: { a: 1 } },
      { id: 'toolu_2', name: 'g', args: {} }
    ])
    assert.equal(reply.candidates?.[0]?.finishReason, 'STOP')
    assert.deepEqual({ ...reply.usageMetadata }, USAGE)
    assert.equal(reply.modelVersion, 'claude')
    assert.equal(reply.responseId, 'msg_1')
  })

  it('a stream of another maker: whole calls, the finish and usage in the last chunk', async () => {
    const chunks = await streamed(unroll(foreign))
    const texts = chunks.map(chunk => chunk.text ?? '').join('')
    assert.equal(texts, 'Calling.')
    assert.deepEqual(
      chunks.flatMap(chunk => chunk.functionCalls ?? []).map(({ name, args }) => [name, args]),
      [
        ['f', { a: 1 }],
        ['g', {}]
      ]
    )
    const finishes = chunks.map(chunk => chunk.candidates?.[0]?.finishReason)
    assert.deepEqual(finishes.filter(Boolean), ['STOP'])
    assert.ok(chunks.at(-1)?.candidates?.[0]?.finishReason)
    assert.deepEqual({ ...chunks.at(-1)?.usageMetadata }, USAGE)
  })

  it('an error answer and an error in a stream as errors with their status', async () => {
    const failure = new Failure('provider_rate_limited', 'later', { retryAfterMs: 1500 })
    await assert.rejects(whole(dialect.error(failure, 'r1'), 429), (thrown: unknown) => {
      assert.ok(thrown instanceof ApiError)
      assert.equal(thrown.status, 429)
      const { error } = JSON.parse(thrown.message) as { error: JsonObject }
      assert.equal(error.status, 'RESOURCE_EXHAUSTED')
      assert.ok(JSON.stringify(error.details).includes('"1.5s"'))
      return true
    })
    const events: Event[] = [
      { type: 'start', id: 'x', model: 'm' },
      { type: 'open', choice: 0, index: 0, part: { type: 'text', text: 'a' } },
      { type: 'failed', failure: new Failure('provider_overloaded', 'busy') }
    ]
    await assert.rejects(streamed(events), (thrown: unknown) => {
      assert.ok(thrown instanceof ApiError)
      assert.equal(thrown.status, 529)
      return true
    })
  })

  it('a count of tokens', async () => {
    answer = { status: 200, type: 'application/json', body: JSON.stringify(dialect.tokens!.encodeResponse(31)) }
    const { totalTokens } = await client.models.countTokens({ model: MODEL, contents: 'hi' })
    assert.equal(totalTokens, 31)
    assert.ok(asked.at(-1)!.url.endsWith(dialect.path('count-tokens', MODEL, false)))
    assert.equal(dialect.tokens!.decodeRequest(asked.at(-1)!.body).messages.length, 1)
  })
})

describe("a chat of Google's official client", () => {
  const first: Event[] = [...unroll(foreign)]

  it('keeps what was streamed, and sends back what another maker sealed', async () => {
    const chat = client.chats.create({ model: MODEL })
    answer = { status: 200, type: 'text/event-stream', body: encodeSse(dialect, first) }
    for await (const _ of await chat.sendMessageStream({ message: 'hi' }));
    answer = { status: 200, type: 'application/json', body: JSON.stringify(dialect.encodeResponse(foreign, [])) }
    const results = ['f', 'g'].map((name, index) => ({
      functionResponse: { id: `toolu_${index + 1}`, name, response: { output: 'ok' } }
    }))
    await chat.sendMessage({ message: results })
    const { url, body } = asked.at(-1)!
    assert.ok(url.endsWith(dialect.path('chat', MODEL, false)))
    const request = dialect.decodeRequest(body, { model: MODEL, stream: false })
    const parts = request.messages.flatMap(message => (message.role === 'assistant' ? message.parts : []))
    assert.deepEqual(parts.flatMap(part => (part.type === 'thinking' ? [part.seal] : [])).filter(Boolean), [SEAL])
    assert.deepEqual(
      parts.flatMap(part => (part.type === 'tool-call' ? [[part.id, part.input]] : [])),
      [
        ['toolu_1', '{"a":1}'],
        ['toolu_2', '{}']
      ]
    )
    assert.deepEqual(
      request.messages.flatMap(({ parts }) => parts.flatMap(part => (part.type === 'tool-result' ? [part.id] : []))),
      ['toolu_1', 'toolu_2']
    )
  })

  it('and what was carried is taken out before Google sees it', () => {
    const { body } = asked.at(-1)!
    assert.ok(JSON.stringify(body).includes(dialect.foreignMark))
    assert.ok(dialect.dropForeign(body).length > 0)
    assert.ok(!JSON.stringify(body).includes(dialect.foreignMark))
    const parts = (body.contents as { parts: JsonObject[] }[]).flatMap(content => content.parts)
    const [call] = parts.filter(part => part.functionCall !== undefined)
    assert.equal(call!.thoughtSignature, 'skip_thought_signature_validator')
  })
})
