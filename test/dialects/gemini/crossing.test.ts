import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import type { Part } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { sayRequest, streamTranslator, translateResponse } from '../../../src/dialects/translate.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse } from '../../support/dialects.ts'

const openai: Dialect = dialects['openai-chat']
const anthropic: Dialect = dialects['anthropic-messages']

/** What Gemini signed, part by part. */
const signed = (parts: readonly Part[]) =>
  parts.flatMap(part => ('seal' in part && part.seal && part.type !== 'native' ? [[part.type, part.seal]] : []))

function crossed(to: Dialect, text: Buffer): string {
  const translator = streamTranslator(dialect, to, { losses: [], request: { streamUsage: true }, write: formatSse })
  const sent = readSse([text]).map(({ event, data }) => translator.push(event, data).text)
  return [...sent, translator.end().text].join('')
}

const answering = (text: string) => async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } })

/** What the official clients make of the stream and send back on the next turn, as our decoder reads it. */
const clients: { to: Dialect; replay: (text: string) => Promise<JsonObject>; carries: (type: string) => boolean }[] = [
  {
    to: openai,
    replay: async text => {
      const client = new OpenAI({ apiKey: 'x', maxRetries: 0, fetch: answering(text) })
      const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'hi' }] }
      const completion = await client.chat.completions.stream(asked).finalChatCompletion()
      return completion.choices[0]!.message as unknown as JsonObject
    },
    carries: () => true
  },
  {
    to: anthropic,
    replay: async text => {
      const client = new Anthropic({ apiKey: 'x', maxRetries: 0, fetch: answering(text) })
      const asked = { model: 'm', max_tokens: 9, messages: [{ role: 'user' as const, content: 'hi' }] }
      const { role, content } = await client.messages.stream(asked).finalMessage()
      return { role, content } as unknown as JsonObject
    },
    // No member of a text block could carry it; Gemini asks for those of calls alone.
    carries: type => type !== 'text'
  }
]

function returned(to: Dialect, message: JsonObject): { body: JsonObject; parts: Part[] } {
  const user = { role: 'user', content: 'go on' }
  const body = { model: 'm', max_tokens: 9, messages: [user, JSON.parse(JSON.stringify(message)) as JsonObject, user] }
  return { body, parts: to.decodeRequest(body).messages[1]!.parts }
}

for (const { to, replay, carries } of clients) {
  describe(`what Gemini signed, with a client of ${to.name}`, () => {
    for (const name of ['text', 'tools', 'partial']) {
      const stream = fixtures('gemini', 'streams').find(each => each.name === name)!.text
      const told = collect(decodeSse(dialect, readSse([stream]))).choices[0]!.parts
      const expected = signed(told).filter(([type]) => carries(String(type)))

      it(`comes back to the bit from the stream ${name}`, async () => {
        const { body, parts } = returned(to, await replay(crossed(to, stream)))
        assert.deepEqual(signed(parts), expected)
        const contents = sayRequest(dialect, to.decodeRequest({ ...body, model: 'gemini-3-pro' })).body.contents
        const values = JSON.stringify(contents).match(/"thoughtSignature":"([^"]*)"/g) ?? []
        assert.equal(values.length, expected.length)
      })

      it(`comes back to the bit from the whole reply ${name}, and is taken out for ${to.name} itself`, () => {
        const { body: said } = translateResponse(
          dialect,
          to,
          fixtures('gemini', 'responses')
            .find(each => each.name === name)!
            .body()
        )
        const [choice] = (said.choices ?? []) as JsonObject[]
        const { body, parts } = returned(
          to,
          (choice?.message as JsonObject) ?? { role: 'assistant', content: said.content! }
        )
        assert.deepEqual(signed(parts), expected)
        if (expected.length === 0) return
        assert.ok(JSON.stringify(body).includes(to.foreignMark))
        assert.ok(to.dropForeign(body).length > 0)
        assert.ok(!JSON.stringify(body).includes('gatehouse'))
      })
    }
  })
}

describe("Google's own OpenAI-compatible endpoint", () => {
  const carried = { google: { thought_signature: 'c2ln' } }
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '{}' }, extra_content: carried }

  it('keeps its signatures within OpenAI chat, and they are Gemini’s elsewhere', () => {
    const body = {
      model: 'gemini-3-pro',
      messages: [
        { role: 'user', content: 'x' },
        { role: 'assistant', content: null, tool_calls: [call] }
      ]
    }
    const request = openai.decodeRequest(body)
    const losses: string[] = []
    assert.deepEqual(openai.encodeRequest(request, losses), body)
    assert.deepEqual(losses, [])
    assert.deepEqual(openai.dropForeign(structuredClone(body)), [])
    const { contents } = sayRequest(dialect, request).body as { contents: { parts: JsonObject[] }[] }
    assert.equal(contents[1]!.parts[0]!.thoughtSignature, 'c2ln')
  })

  it('signs the calls of a stream', () => {
    const delta = { tool_calls: [{ index: 0, ...call }] }
    const chunk = { id: 'x', model: 'm', choices: [{ index: 0, delta, finish_reason: 'tool_calls' }] }
    const [part] = collect(decodeSse(openai, [{ event: '', data: JSON.stringify(chunk) }])).choices[0]!.parts
    assert.deepEqual(signed([part!]), [['tool-call', { maker: 'gemini', value: 'c2ln' }]])
  })
})
