import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import OpenAI from 'openai'
import type { Response as Answer } from 'openai/resources/responses/responses'
import type { ChatRequest, ChatResponse, Event, Message } from '../../../src/dialects/canonical.ts'
import { collect, unroll } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/openai-responses/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse } from '../../support/dialects.ts'

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

function written(events: Iterable<Event>, request: Partial<ChatRequest> = {}): string {
  const encoder = dialect.encoder({ losses: [], request, write: formatSse })
  return [...events].map(event => encoder.push(event)).join('')
}

const ASK = { model: 'm', input: 'hi' }

async function accumulate(events: Iterable<Event>, request: Partial<ChatRequest> = {}): Promise<Answer> {
  const body = written(events, request)
  return client({ body, type: 'text/event-stream' }).responses.stream(ASK).finalResponse()
}

const SEAL = { maker: 'anthropic-messages', value: 'c2lnbmVk' } as const
const CALL_SEAL = { maker: 'gemini', value: 'dGhvdWdodA==' } as const

/** As providers of other dialects would have answered. */
const foreign: ChatResponse = {
  id: 'msg_1',
  model: 'claude',
  choices: [
    {
      index: 0,
      parts: [
        { type: 'thinking', text: 'First this,\n\nthen that. ', seal: SEAL },
        { type: 'text', text: 'Let me see. ' },
        {
          type: 'text',
          text: 'Calling.',
          citations: [{ type: 'web_search_result_location', url: 'https://a.example/' }]
        },
        { type: 'thinking', text: '', seal: { ...SEAL, value: { data: 'cmVkYWN0ZWQ=' } } },
        { type: 'thinking', text: 'Unsigned.' },
        { type: 'tool-call', id: 'toolu_1', name: 'f', input: '{"a":1}', seal: CALL_SEAL },
        { type: 'tool-call', id: 'toolu_2', name: 'sql', input: '{"input": "select \\"a\\"\\n"}' },
        { type: 'tool-call', id: 'toolu_3', name: 'coast__warn', input: '' },
        { type: 'text', text: 'Signed.', seal: CALL_SEAL }
      ],
      finish: { unified: 'tool-calls', raw: 'tool_use', maker: 'anthropic-messages' }
    }
  ],
  usage: { inputTokens: 100, outputTokens: 20, cacheReadTokens: 60, cacheWriteTokens: 10, reasoningTokens: 8 }
}

/** What its client asked. */
const request = dialect.decodeRequest({
  ...ASK,
  instructions: 'Be brief.',
  temperature: 0.5,
  tools: [
    { type: 'function', name: 'f', parameters: {} },
    { type: 'custom', name: 'sql' },
    { type: 'namespace', name: 'coast', description: 'c', tools: [{ type: 'function', name: 'warn', parameters: {} }] }
  ]
})

describe('the official client accepts', () => {
  for (const { name, text } of fixtures('openai-responses', 'streams')) {
    it(`the stream ${name}, and puts together what it says`, async () => {
      const events = decodeSse(dialect, readSse([text]))
      const { output_text: _, ...answer } = await accumulate(events)
      const expected = dialect.encodeResponse(collect(events), []) as unknown as Answer
      assert.deepEqual(answer.output.map(withoutParsed), expected.output)
      assert.deepEqual(answer.usage, expected.usage)
      assert.equal(answer.status, expected.status)
    })
  }

  it('a stream of another dialect as the whole reply would be: text, calls, usage, what the request said', async () => {
    const { output_text, ...answer } = await accumulate(unroll(foreign), request)
    const whole = dialect.encodeResponse(foreign, [], request) as unknown as Answer
    assert.equal(output_text, 'Let me see. Calling.Signed.')
    assert.deepEqual(answer.output.map(withoutParsed), whole.output)
    assert.deepEqual([answer.instructions, answer.temperature], ['Be brief.', 0.5])
    assert.deepEqual(answer.tools, whole.tools)
    assert.deepEqual(
      answer.output.flatMap(item =>
        item.type === 'function_call'
          ? [[item.call_id, item.namespace, item.name, item.arguments]]
          : item.type === 'custom_tool_call'
            ? [[item.call_id, item.name, item.input]]
            : []
      ),
      [
        ['toolu_1', undefined, 'f', '{"a":1}'],
        ['toolu_2', 'sql', 'select "a"\n'],
        ['toolu_3', 'coast', 'warn', '{}']
      ]
    )
    assert.deepEqual(answer.usage, {
      input_tokens: 100,
      input_tokens_details: { cached_tokens: 60, cache_write_tokens: 10 },
      output_tokens: 20,
      output_tokens_details: { reasoning_tokens: 8 },
      total_tokens: 120
    })
  })

  it('every event numbered, every item announced and ended', () => {
    const events = readSse([Buffer.from(written(unroll(foreign), request))]).map(({ event, data }) => {
      const parsed = JSON.parse(data) as JsonObject
      assert.equal(parsed.type, event)
      return parsed
    })
    assert.deepEqual(
      events.map(event => event.sequence_number),
      events.map((_, index) => index)
    )
    const places = (type: string) => events.filter(event => event.type === type).map(event => event.output_index)
    const count = dialect.encodeResponse(foreign, [], request).output as unknown[]
    assert.deepEqual(places('response.output_item.added'), [...count.keys()])
    assert.deepEqual(places('response.output_item.done'), [...count.keys()])
  })

  it('an error in the stream as an error, and tells Codex too', async () => {
    const failure = new Failure('context_too_long', 'too much')
    const events: Event[] = [
      { type: 'start', id: 'x', model: 'm' },
      { type: 'open', choice: 0, index: 0, part: { type: 'text', text: 'a' } },
      { type: 'failed', failure },
      { type: 'end' }
    ]
    await assert.rejects(accumulate(events), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.APIError)
      assert.deepEqual([thrown.code, thrown.message], ['context_too_long', 'too much'])
      return true
    })
    const said = readSse([Buffer.from(written(events))]).map(each => JSON.parse(each.data) as JsonObject)
    const last = said.at(-1) as unknown as { type: string; response: Answer }
    assert.deepEqual(
      [last.type, last.response.id, last.response.status, last.response.error],
      ['response.failed', 'x', 'failed', { code: 'context_length_exceeded', message: 'too much' }]
    )
  })

  it('an error where nobody remembers the stream', async () => {
    const head = written([{ type: 'start', id: 'x', model: 'm' }])
    const body = head + dialect.streamError(new Failure('provider_overloaded', 'busy'), 'r1', formatSse)
    const stream = client({ body, type: 'text/event-stream' }).responses.stream(ASK)
    await assert.rejects(stream.finalResponse(), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.APIError)
      assert.equal(thrown.code, 'provider_overloaded')
      return true
    })
  })

  it('an error answer by its class, type and code', async () => {
    const failure = new Failure('provider_rate_limited', 'later')
    const body = JSON.stringify(dialect.error(failure, 'r1'))
    const refused = client({ body, status: failure.status, type: 'application/json' })
    await assert.rejects(refused.responses.create(ASK), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.RateLimitError)
      assert.deepEqual(
        [thrown.code, thrown.type, thrown.requestID],
        ['provider_rate_limited', 'rate_limit_error', 'r1']
      )
      return true
    })
  })
})

describe('what other makers sealed comes back to them', () => {
  /** The turn that the client sends with its next request: the output as it is. */
  function returned(output: unknown): Message {
    const items = JSON.parse(JSON.stringify(output)) as JsonObject[]
    const { messages } = dialect.decodeRequest({ ...ASK, input: items })
    assert.equal(messages.length, 1)
    return messages[0]!
  }
  /** Thinking, and whatever else bears a seal. */
  const sealed = ({ parts }: Message) =>
    parts.flatMap((part): object[] => {
      const seal = 'seal' in part ? part.seal : undefined
      if (part.type === 'thinking') return [{ text: part.text, seal }]
      return seal ? [{ id: part.type === 'tool-call' ? part.id : part.type, seal }] : []
    })
  const [{ parts }] = foreign.choices as [ChatResponse['choices'][number]]
  const expected = sealed({ role: 'assistant', parts })

  it('from a whole reply', async () => {
    const body = JSON.stringify(dialect.encodeResponse(foreign, [], request))
    const { output } = await client({ body, type: 'application/json' }).responses.create(ASK)
    const turn = returned(output)
    assert.deepEqual(sealed(turn), expected)
    assert.deepEqual(
      turn.parts.map(part => part.type),
      parts.map(part => part.type)
    )
  })

  it('from a stream put together by the official accumulator', async () => {
    const { output } = await accumulate(unroll(foreign), request)
    assert.deepEqual(sealed(returned(output)), expected)
  })

  it('from a stream whose items are kept when done, without their ids (Codex)', () => {
    const items = readSse([Buffer.from(written(unroll(foreign), request))])
      .map(each => JSON.parse(each.data) as JsonObject)
      .filter(event => event.type === 'response.output_item.done')
      .map(event => ({ ...(event.item as JsonObject), id: undefined }))
    assert.deepEqual(sealed(returned(items)), expected)
  })

  it('and never to a provider of this dialect', () => {
    const output = dialect.encodeResponse(foreign, [], request).output as JsonObject[]
    const native: JsonObject = { ...ASK, input: [...output] }
    assert.ok(JSON.stringify(native).includes(dialect.foreignMark))
    const losses = dialect.dropForeign(native)
    assert.equal(losses.length, 5)
    assert.ok(!JSON.stringify(native).includes('gatehouse'))
    const crossing: string[] = []
    const again = dialect.encodeRequest({ ...dialect.decodeRequest({ ...ASK, input: output }) }, crossing)
    assert.ok(!JSON.stringify(again).includes('gatehouse'))
    assert.deepEqual(
      crossing.filter(name => name.endsWith('.thinking')),
      ['messages[0].content[0].thinking', 'messages[0].content[4].thinking']
    )
  })
})

function withoutParsed(item: object): object {
  const { parsed_arguments: _, ...bare } = item as { parsed_arguments?: unknown; content?: unknown }
  if (!Array.isArray(bare.content)) return bare
  return { ...bare, content: bare.content.map(({ parsed: _parsed, ...part }: { parsed?: unknown }) => part) }
}
