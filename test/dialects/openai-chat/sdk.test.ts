import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import type { ChatResponse, Event } from '../../../src/dialects/canonical.ts'
import { collect, unroll } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { decodeSse, encodeSse, fixtures, readSse } from '../../support/dialects.ts'

/** The official client, answered by our encoder without a network. */
function client(answer: { body: string; status?: number; type: string }): OpenAI {
  return new OpenAI({
    apiKey: 'sk-test',
    maxRetries: 0,
    fetch: async () =>
      new Response(answer.body, {
        status: answer.status ?? 200,
        headers: { 'content-type': answer.type, 'x-request-id': 'r1' }
      })
  })
}

const streaming = (events: Iterable<Event>) => client({ body: encodeSse(dialect, events), type: 'text/event-stream' })
const messages = [{ role: 'user', content: 'hi' }] as const
const accumulate = (events: Iterable<Event>, n = 1) =>
  streaming(events)
    .chat.completions.stream({ model: 'm', messages: [...messages], n, stream_options: { include_usage: true } })
    .finalChatCompletion()

const SEAL = { maker: 'anthropic-messages', value: 'c2lnbmVk' } as const

/** As a Messages provider would have answered. */
const foreign: ChatResponse = {
  id: 'msg_1',
  model: 'claude',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'thinking', text: 'First this, ', seal: SEAL },
        { type: 'text', text: 'Let me see. ' },
        { type: 'thinking', text: 'then that.', seal: { ...SEAL, value: 'bW9yZQ==' } },
        {
          type: 'text',
          text: 'Calling.',
          citations: [{ type: 'web_search_result_location', url: 'https://a.example/', title: 'A' }]
        },
        { type: 'tool-call', id: 'toolu_1', name: 'f', input: '{"a":1}' },
        { type: 'tool-call', id: 'toolu_2', name: 'g', input: '{}' }
      ],
      finish: { unified: 'tool-calls', raw: 'tool_use', maker: 'anthropic-messages' }
    }
  ],
  usage: { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, cacheWriteTokens: 10, reasoningTokens: 8 }
}

describe('the official client accepts', () => {
  for (const { name, text } of fixtures('openai-chat', 'streams')) {
    it(`the stream ${name}, and accumulates what it says`, async () => {
      const events = decodeSse(dialect, readSse([text]))
      const completion = await accumulate(events, 2)
      const expected = dialect.encodeResponse(collect(events), []) as unknown as OpenAI.ChatCompletion
      for (const [index, choice] of completion.choices.entries()) {
        const wanted = expected.choices[index]!
        assert.equal(choice.message.content ?? '', wanted.message.content ?? '')
        assert.equal(choice.message.refusal, wanted.message.refusal)
        assert.deepEqual(choice.message.tool_calls?.map(withoutParsed), wanted.message.tool_calls)
        assert.deepEqual(choice.message.function_call, wanted.message.function_call)
        assert.equal(choice.finish_reason, wanted.finish_reason)
        assert.deepEqual(choice.logprobs, wanted.logprobs)
      }
      assert.deepEqual(completion.usage, expected.usage)
    })
  }

  it('a stream of another dialect: text, parallel calls, usage with the cached part inside', async () => {
    const completion = await accumulate(unroll(foreign))
    const { message, finish_reason } = completion.choices[0]!
    assert.equal(message.content, 'Let me see. Calling.')
    assert.deepEqual(
      message.tool_calls?.map(
        call => call.type === 'function' && [call.id, call.function.name, call.function.arguments]
      ),
      [
        ['toolu_1', 'f', '{"a":1}'],
        ['toolu_2', 'g', '{}']
      ]
    )
    assert.equal(finish_reason, 'tool_calls')
    assert.deepEqual(completion.usage, {
      prompt_tokens: 100,
      completion_tokens: 20,
      total_tokens: 120,
      prompt_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
      completion_tokens_details: { reasoning_tokens: 8 }
    })
  })

  it('an error in the stream as an error', async () => {
    const failure = new Failure('provider_overloaded', 'busy')
    const events: Event[] = [
      { type: 'start', id: 'x', model: 'm' },
      { type: 'open', choice: 0, index: 0, part: { type: 'text', text: 'a' } },
      { type: 'failed', failure },
      { type: 'end' }
    ]
    await assert.rejects(accumulate(events), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.APIError)
      assert.equal(thrown.code, 'provider_overloaded')
      return true
    })
    assert.ok(!encodeSse(dialect, events).includes('[DONE]'))
  })

  it('an error answer by its class, type and code', async () => {
    const failure = new Failure('provider_rate_limited', 'later')
    const body = JSON.stringify(dialect.error(failure, 'r1'))
    const refused = client({ body, status: failure.status, type: 'application/json' })
    await assert.rejects(
      refused.chat.completions.create({ model: 'm', messages: [...messages] }),
      (thrown: unknown) => {
        assert.ok(thrown instanceof OpenAI.RateLimitError)
        assert.deepEqual(
          [thrown.code, thrown.type, thrown.requestID],
          ['provider_rate_limited', 'rate_limit_error', 'r1']
        )
        return true
      }
    )
  })
})

describe('signed thinking comes back to its maker', () => {
  const expected = foreign.choices[0]!.parts.filter(part => part.type === 'thinking')

  function returned(message: JsonObject): unknown[] {
    const { messages: read } = dialect.decodeRequest({ model: 'm', messages: [JSON.parse(JSON.stringify(message))] })
    return read[0]!.parts
  }

  it('from a whole reply', async () => {
    const body = JSON.stringify(dialect.encodeResponse(foreign, []))
    const whole = client({ body, type: 'application/json' })
    const completion = await whole.chat.completions.create({ model: 'm', messages: [...messages] })
    const parts = returned(completion.choices[0]!.message as unknown as JsonObject) as { type: string }[]
    assert.deepEqual(
      parts.filter(part => part.type === 'thinking'),
      expected
    )
    assert.deepEqual(
      parts.map(part => part.type),
      ['thinking', 'text', 'thinking', 'tool-call', 'tool-call']
    )
  })

  it('from a stream put together by the official accumulator', async () => {
    const completion = await accumulate(unroll(foreign))
    const parts = returned(completion.choices[0]!.message as unknown as JsonObject) as { type: string }[]
    assert.deepEqual(
      parts.filter(part => part.type === 'thinking'),
      expected
    )
  })

  it('from a stream whose deltas are appended, or merged by index', async () => {
    const chunks = await streaming(unroll(foreign)).chat.completions.create({
      model: 'm',
      messages: [...messages],
      stream: true
    })
    const appended: JsonObject[] = []
    const merged = new Map<unknown, JsonObject>()
    for await (const chunk of chunks) {
      const delta = chunk.choices[0]?.delta as unknown as { reasoning_details?: JsonObject[] } | undefined
      for (const entry of delta?.reasoning_details ?? []) {
        appended.push(entry)
        const known = merged.get(entry.index) ?? {}
        merged.set(entry.index, { ...entry, text: `${known.text ?? ''}${entry.text ?? ''}` })
      }
    }
    for (const details of [appended, [...merged.values()]]) {
      const parts = returned({ role: 'assistant', content: 'a', reasoning_details: details }) as { type: string }[]
      assert.deepEqual(
        parts.filter(part => part.type === 'thinking'),
        expected
      )
    }
  })
})

function withoutParsed(call: object): object {
  const { function: body, ...rest } = call as { function?: { parsed_arguments?: unknown } }
  if (!body) return rest
  const { parsed_arguments: _, ...bare } = body
  return { ...rest, function: bare }
}
