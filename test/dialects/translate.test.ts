import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { collect } from '../../src/dialects/collect.ts'
import type { Dialect } from '../../src/dialects/dialect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { streamReader, streamTranslator, translateRequest, translateResponse } from '../../src/dialects/translate.ts'
import { Failure } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import { formatSse } from '../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse } from '../support/dialects.ts'

const openai: Dialect = dialects['openai-chat']
const anthropic: Dialect = dialects['anthropic-messages']
const pairs = [
  [openai, anthropic],
  [anthropic, openai]
] as const

describe('in the same dialect', () => {
  it('nothing is read until somebody asks what the body says', () => {
    const broken: JsonObject = { model: 7 }
    const translated = translateRequest(openai, openai, broken)
    assert.equal(translated.body, broken)
    assert.throws(
      () => translated.request,
      (thrown: unknown) => thrown instanceof Failure && thrown.param === 'model'
    )
    const reply = translateResponse(openai, openai, {})
    assert.throws(
      () => reply.response,
      (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_malformed'
    )
  })

  it('what it says is read once', () => {
    const { request, ...rest } = translateRequest(openai, openai, { model: 'm', messages: [] })
    assert.equal(request.model, 'm')
    assert.deepEqual(rest.losses, [])
    const translated = translateRequest(openai, openai, { model: 'm', messages: [] })
    assert.equal(translated.request, translated.request)
  })

  it('force goes through the canonical form', () => {
    const body: JsonObject = { model: 'm', messages: [{ role: 'user', content: 'hi' }], stop: 'x' }
    const { body: rebuilt } = translateRequest(openai, openai, body, { force: true })
    assert.notEqual(rebuilt, body)
    assert.deepEqual(rebuilt, body)
  })
})

for (const [from, to] of pairs) {
  describe(`${from.name} to ${to.name}`, () => {
    for (const { name, body } of fixtures(from.name, 'requests')) {
      it(`request ${name}: readable there, deterministic, losses named once, input untouched`, () => {
        const given = body()
        const first = translateRequest(from, to, given)
        assert.deepEqual(given, body())
        assert.deepEqual(translateRequest(from, to, body()), first)
        assert.equal(new Set(first.losses).size, first.losses.length)
        assert.equal(to.decodeRequest(first.body).model, first.request.model)
        assert.deepEqual(JSON.parse(JSON.stringify(first.body)), first.body)
      })
    }

    for (const { name, body } of fixtures(from.name, 'responses')) {
      it(`reply ${name}: readable there, with the same texts, calls and token counts`, () => {
        const { body: said, response, losses } = translateResponse(from, to, body())
        assert.equal(new Set(losses).size, losses.length)
        const again = to.decodeResponse(said)
        const sum = ({ parts }: { parts: readonly { type: string; name?: string; text?: string }[] }) => ({
          calls: parts.flatMap(part => (part.type === 'tool-call' ? [part.name] : [])),
          text: parts.flatMap(part => (part.type === 'text' || part.type === 'refusal' ? [part.text] : [])).join('')
        })
        assert.deepEqual(sum(again.choices[0]!), sum(response.choices[0]!))
        assert.equal(again.usage?.inputTokens, response.usage?.inputTokens)
        assert.equal(again.usage?.outputTokens, response.usage?.outputTokens)
        assert.equal(again.usage?.cacheReadTokens ?? 0, response.usage?.cacheReadTokens ?? 0)
      })
    }

    for (const { name, text } of fixtures(from.name, 'streams')) {
      it(`stream ${name}: the client's stream is whole, and says the same`, () => {
        const losses: string[] = []
        const translator = streamTranslator(from, to, { losses, request: { streamUsage: true }, write: formatSse })
        const steps = readSse([text]).map(({ event, data }) => translator.push(event, data))
        const all = [...steps, translator.end()]
        const sent = all.map(step => step.text).join('')
        const reply = collect(all.flatMap(step => step.events))
        const heard = collect(decodeSse(to, readSse([Buffer.from(sent)])))
        const words = (choice = heard.choices[0]!) =>
          choice.parts.flatMap(part => ('text' in part && part.type !== 'thinking' ? [part.text] : [])).join('')
        const calls = (choice = heard.choices[0]!) =>
          choice.parts.flatMap(part => (part.type === 'tool-call' ? [part.name] : []))
        assert.equal(words(), words(reply.choices[0]))
        assert.deepEqual(calls(), calls(reply.choices[0]))
        assert.equal(heard.usage?.outputTokens, reply.usage?.outputTokens)
        assert.ok(sent.trimEnd().endsWith(to.streamEnd(formatSse).trimEnd()))
        assert.deepEqual(translator.end(), { text: '', events: [] })
        assert.equal(new Set(losses).size, losses.length)
      })
    }
  })
}

describe('a stream that the provider does not end', () => {
  it('is ended for the client, once', () => {
    const translator = streamTranslator(openai, openai, { losses: [], request: {}, force: true, write: formatSse })
    translator.push('', '{"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]}')
    assert.deepEqual(translator.end(), { text: 'data: [DONE]\n\n', events: [{ type: 'end' }] })
    assert.deepEqual(translator.end(), { text: '', events: [] })
  })

  it('is not ended after a failure', () => {
    const translator = streamTranslator(openai, openai, { losses: [], request: {}, force: true, write: formatSse })
    const { text } = translator.push('', '{"error":{"message":"boom","code":502}}')
    assert.match(text, /^data: \{"error"/)
    assert.deepEqual(translator.end(), { text: '', events: [] })
  })
})

describe('events that are read without being written', () => {
  const from: Dialect = dialects['bedrock-converse']
  const tools = [{ name: 'files.read', input: {} }]
  const known = { id: 'req_1', model: 'claude', created: 7 }
  const name = from.toolName!('files.read')

  it('have the names of the client, and what the provider leaves out', () => {
    const read = streamReader(from, openai, { request: { tools }, known })
    assert.deepEqual(read('messageStart', '{"role":"assistant"}'), [
      { type: 'start', id: 'req_1', model: 'claude', created: 7 }
    ])
    const start = { contentBlockIndex: 0, start: { toolUse: { toolUseId: 't', name } } }
    const [opened] = read('contentBlockStart', JSON.stringify(start))
    assert.ok(opened?.type === 'open' && opened.part.type === 'tool-call')
    assert.equal(opened.part.name, 'files.read')
  })

  it('say what was said where both sides speak the same dialect', () => {
    const read = streamReader(from, from, { request: { tools }, known })
    assert.deepEqual(read('messageStart', '{"role":"assistant"}'), [{ type: 'start', id: '', model: '' }])
  })
})

describe('a conversation that crosses twice', () => {
  it('an OpenAI client returns what Anthropic signed, to the bit', () => {
    const reply = fixtures('anthropic-messages', 'responses')
      .find(each => each.name === 'fullest')!
      .body()
    const { body } = translateResponse(anthropic, openai, reply)
    const [{ message }] = body.choices as [{ message: JsonObject }]
    const next: JsonObject = {
      model: 'm',
      messages: [{ role: 'user', content: 'hi' }, message, { role: 'user', content: 'go on' }]
    }
    const { request } = translateRequest(openai, anthropic, next)
    const sealed = (parts: readonly { type: string }[]) =>
      parts.filter(part => part.type === 'thinking' || part.type === 'native')
    assert.deepEqual(
      sealed(request.messages[1]!.parts),
      sealed(anthropic.decodeResponse(reply).choices[0]!.parts).map(
        ({ type, seal, text }: JsonObject & { type?: unknown }) =>
          type === 'native' ? { type, seal } : { type, text, seal }
      )
    )
  })

  it('an Anthropic client returns what an OpenAI-like provider thought, under its own member', () => {
    for (const [name, member] of [
      ['reasoning', 'reasoning_content'],
      ['details', 'reasoning']
    ] as const) {
      const reply = fixtures('openai-chat', 'responses')
        .find(each => each.name === name)!
        .body()
      const { body } = translateResponse(openai, anthropic, reply)
      const next: JsonObject = {
        model: 'm',
        max_tokens: 5,
        messages: [
          { role: 'user', content: 'hi' },
          { role: 'assistant', content: body.content! },
          { role: 'user', content: 'go on' }
        ]
      }
      const { body: sent } = translateRequest(anthropic, openai, next)
      const [, turn] = sent.messages as JsonObject[]
      const [{ message }] = reply.choices as [{ message: JsonObject }]
      assert.equal(turn![member], message[member])
      assert.deepEqual(turn!.reasoning_details, message.reasoning_details)
    }
  })
})
