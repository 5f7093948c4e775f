import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import fc from 'fast-check'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import type { Event, Finish, Part, Seal } from '../../../src/dialects/canonical.ts'
import { collect, unroll } from '../../../src/dialects/collect.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { accumulate, decodeStream, encodeStream, onlyOneOpen, sseEvents, terse } from './support.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/anthropic-messages')
const names = readdirSync(join(fixtures, 'streams')).map(name => name.replace(/\.sse$/, ''))
const stream = (name: string): Buffer => readFileSync(join(fixtures, `streams/${name}.sse`))
const whole = (name: string): JsonObject => JSON.parse(readFileSync(join(fixtures, `responses/${name}.json`), 'utf8'))

const finish = (unified: Finish['unified'], raw: string = unified): Event => ({
  type: 'finish',
  choice: 0,
  finish: { unified, raw, maker: 'openai-chat' }
})
const open = (index: number, part: Part): Event => ({ type: 'open', choice: 0, index, part })
const delta = (index: number, text: string): Event => ({ type: 'delta', choice: 0, index, text })
const close = (index: number): Event => ({ type: 'close', choice: 0, index })
const call = (index: number): Part => ({ type: 'tool-call', id: `call_${index}`, name: `f${index}`, input: '' })
const start: Event = { type: 'start', id: 'chatcmpl-1', model: 'gpt-5' }

describe('reading a stream', () => {
  for (const name of names) {
    it(`${name} folds to the whole reply, read and written again`, () => {
      const losses: string[] = []
      const events = decodeStream([stream(name)])
      assert.deepEqual(terse(accumulate(encodeStream(events, losses))), terse(whole(name)))
      assert.deepEqual(losses, [])
    })

    it(`${name} collects to what the whole reply decodes to`, () => {
      assert.deepEqual(collect(decodeStream([stream(name)])), dialect.decodeResponse(whole(name)))
    })

    it(`${name} unrolled and written is the whole reply`, () => {
      const sse = encodeStream(unroll(dialect.decodeResponse(whole(name))))
      const { usage, ...said } = accumulate(sse)
      const { usage: counts, ...meant } = whole(name)
      assert.deepEqual(terse(said), terse(meant))
      // Counts come at the end; clients got zeros before.
      const zeros = { cache_creation_input_tokens: 0, cache_read_input_tokens: 0 }
      assert.deepEqual(usage, { ...zeros, ...(counts as JsonObject) })
    })

    it(`${name} says the same cut at every byte`, () => {
      const bytes = stream(name)
      const expected = decodeStream([bytes])
      // Every byte of a short one; two hundred places of a long one.
      const stride = bytes.length <= 1024 ? 1 : Math.ceil(bytes.length / 200)
      for (let at = 1; at < bytes.length; at += stride) {
        assert.deepEqual(decodeStream([bytes.subarray(0, at), bytes.subarray(at)]), expected)
      }
      assert.deepEqual(decodeStream([...bytes].map(byte => Buffer.from([byte]))), expected)
    })
  }

  it('the usage at the end is the usage of the whole', () => {
    const usage = decodeStream([stream('fullest')]).findLast(event => event.type === 'usage')
    assert.deepEqual(usage?.usage, dialect.decodeResponse(whole('fullest')).usage)
  })

  it('a call without arguments still has an empty object', () => {
    const events = decodeStream([stream('fullest')])
    const empty = events.find(
      event => event.type === 'open' && event.part.type === 'tool-call' && event.part.name === 'no_arguments'
    )
    const index = empty?.type === 'open' ? empty.index : -1
    const input = events.map(event => (event.type === 'delta' && event.index === index ? event.text : '')).join('')
    assert.equal(input, '{}')
  })

  it('a hosted block is whole when it closes', () => {
    const closes = decodeStream([stream('fullest')]).filter(event => event.type === 'close' && event.index === 2)
    assert.deepEqual(closes, [
      { ...close(2), seal: { maker: 'anthropic-messages', value: (whole('fullest').content as JsonObject[])[2]! } }
    ])
  })

  it('an error event is a classified failure', () => {
    const cases: [string, string][] = [
      ['overloaded_error', 'overloaded'],
      ['rate_limit_error', 'rate_limited'],
      ['api_error', 'server_error'],
      ['invalid_request_error', 'bad_request'],
      ['an_error_of_next_year', 'server_error']
    ]
    for (const [type, kind] of cases) {
      const [event] = dialect.decoder()('error', JSON.stringify({ type: 'error', error: { type, message: 'm' } }))
      assert.equal(event?.type === 'failed' && event.failure.kind, kind)
    }
  })

  it('events and deltas we do not know pass through', () => {
    const decode = dialect.decoder()
    const unknown = { type: 'message_aside', words: 1 }
    const events = decode('message_aside', JSON.stringify(unknown))
    assert.deepEqual(events, [{ type: 'native', seal: { maker: 'anthropic-messages', value: unknown } }])
    assert.match(
      encodeStream([start, ...events]),
      /event: message_aside\ndata: \{"type":"message_aside","words":1\}\n\n/
    )
    const losses: string[] = []
    encodeStream([start, { type: 'native', seal: { maker: 'openai-chat', value: {} } }], losses)
    assert.deepEqual(losses, ['event'])
  })

  it('a block of a type we do not know grows as its deltas say', () => {
    const decode = dialect.decoder()
    const say = (event: JsonObject) => decode(String(event.type), JSON.stringify(event))
    say({ type: 'content_block_start', index: 0, content_block: { type: 'compaction', content: null } })
    say({ type: 'content_block_delta', index: 0, delta: { type: 'compaction_delta', content: 'So ' } })
    say({ type: 'content_block_delta', index: 0, delta: { type: 'compaction_delta', content: 'far.' } })
    const [closed] = say({ type: 'content_block_stop', index: 0 })
    const value = { type: 'compaction', content: 'So far.' }
    assert.deepEqual(closed, { ...close(0), seal: { maker: 'anthropic-messages', value } })
  })

  it('an exception of the cloud that the stream came through is a failure, whatever its name', () => {
    const kinds = {
      throttlingException: 'rate_limited',
      serviceUnavailableException: 'overloaded',
      modelTimeoutException: 'silent',
      modelStreamErrorException: 'server_error',
      internalServerException: 'server_error',
      validationException: 'bad_request',
      newlyInventedException: 'server_error'
    }
    for (const [name, kind] of Object.entries(kinds)) {
      const [event, ...more] = dialect.decoder()(name, JSON.stringify({ message: 'Something broke.' }))
      assert.ok(event?.type === 'failed' && more.length === 0, name)
      assert.equal(event.failure.kind, kind)
      if (kind !== 'rate_limited') assert.equal(event.failure.message, 'Something broke.')
      assert.ok(!dialect.isQuiet(name), 'one that cannot be read is not passed over')
    }
  })

  it('what is no event is the fault of the provider', () => {
    for (const data of [
      '{',
      '[]',
      '{"type":"content_block_delta","index":4,"delta":{"type":"text_delta","text":"x"}}'
    ]) {
      assert.throws(
        () => dialect.decoder()('content_block_delta', data),
        thrown => thrown instanceof Failure && thrown.code === 'provider_malformed'
      )
    }
  })
})

/** What the official client makes of a stream, with its checks. */
async function sdkMessage(sse: string): Promise<Anthropic.Message> {
  const headers = { 'content-type': 'text/event-stream' }
  const client = new Anthropic({
    apiKey: 'none',
    maxRetries: 0,
    fetch: async () => new Response(sse, { headers })
  })
  return client.messages
    .stream({ model: 'm', max_tokens: 1, messages: [{ role: 'user', content: 'hi' }] })
    .finalMessage()
}

describe('writing a stream', () => {
  it('the official client accepts it: text, reasoning, parallel calls, usage', async () => {
    const sse = encodeStream([
      start,
      open(0, { type: 'thinking', text: '' }),
      delta(0, 'Let me see.'),
      open(1, { type: 'text', text: '' }),
      delta(1, 'I shall '),
      delta(1, 'look.'),
      open(2, call(2)),
      delta(2, '{"a":'),
      open(3, call(3)),
      delta(3, '{"b":2}'),
      delta(2, '1}'),
      { type: 'ping' },
      close(0),
      close(1),
      close(2),
      close(3),
      finish('tool-calls', 'tool_calls'),
      { type: 'usage', usage: { inputTokens: 30, cacheReadTokens: 10, outputTokens: 9, reasoningTokens: 4 } },
      { type: 'end' }
    ])
    const message = await sdkMessage(sse)
    assert.deepEqual(message.content, [
      { type: 'thinking', thinking: 'Let me see.', signature: 'gatehouse:unsigned' },
      { type: 'text', text: 'I shall look.' },
      { type: 'tool_use', id: 'call_2', name: 'f2', input: { a: 1 } },
      { type: 'tool_use', id: 'call_3', name: 'f3', input: { b: 2 } }
    ])
    assert.equal(message.stop_reason, 'tool_use')
    assert.equal(message.id, 'chatcmpl-1')
    assert.equal(message.usage.input_tokens, 20)
    assert.equal(message.usage.cache_read_input_tokens, 10)
    assert.equal(message.usage.output_tokens, 9)
  })

  it('and what it reads from the provider is what it reads from us', async () => {
    for (const name of names) {
      const direct = await sdkMessage(stream(name).toString())
      const through = await sdkMessage(encodeStream(decodeStream([stream(name)])))
      assert.deepEqual(terse(through as unknown as JsonObject), terse(direct as unknown as JsonObject))
    }
  })

  it('parts that grow side by side come out one after the other, whole, in order of opening', () => {
    const part = fc.constantFrom<'call' | 'text' | 'thinking'>('call', 'text', 'thinking')
    const script = fc.record({
      kinds: fc.array(part, { minLength: 1, maxLength: 6 }),
      steps: fc.array(fc.tuple(fc.nat(5), fc.string({ maxLength: 5 })), { maxLength: 40 })
    })
    fc.assert(
      fc.property(script, ({ kinds, steps }) => {
        const texts = kinds.map(() => '')
        const events: Event[] = [start]
        kinds.forEach((kind, index) => {
          events.push(open(index, kind === 'call' ? call(index) : { type: kind, text: '' }))
        })
        for (const [at, words] of steps) {
          const index = at % kinds.length
          const json = JSON.stringify(words).slice(1, -1)
          texts[index] += json
          events.push(delta(index, json))
        }
        // Arguments are one JSON string a call.
        kinds.forEach((kind, index) => {
          if (kind === 'call')
            events.splice(events.findIndex(e => e.type === 'open' && e.index === index) + 1, 0, delta(index, '"'))
          if (kind === 'call') events.push(delta(index, '"'))
          events.push(close(index))
        })
        const sse = encodeStream([...events, finish('stop'), { type: 'end' }])
        onlyOneOpen(sse)
        const content = accumulate(sse).content as JsonObject[]
        const calls = content.filter(block => block.type === 'tool_use')
        assert.deepEqual(
          calls.map(block => [block.id, block.input]),
          kinds.flatMap((kind, index) => (kind === 'call' ? [[`call_${index}`, JSON.parse(`"${texts[index]}"`)]] : []))
        )
        for (const kind of ['text', 'thinking'] as const) {
          const said = content.map(block => (block.type === kind ? String(block[kind]) : '')).join('')
          const meant = kinds.map((each, index) => (each === kind ? texts[index]! : '')).join('')
          assert.deepEqual([...said].toSorted(), [...meant].toSorted())
        }
      }),
      { numRuns: 300 }
    )
  })

  it('only so much is held back', () => {
    const encoder = dialect.encoder({ losses: [], request: {}, write: formatSse })
    for (const event of [start, open(0, call(0)), open(1, call(1))]) encoder.push(event)
    const big = 'x'.repeat(1024 * 1024)
    assert.throws(
      () => {
        for (let times = 0; times < 9; times += 1) encoder.push(delta(1, big))
      },
      thrown => thrown instanceof Failure && thrown.code === 'provider_malformed'
    )
  })

  it('empty texts are no blocks, and nothing comes after the end or a failure', () => {
    const empty = encodeStream([
      start,
      open(0, { type: 'text', text: '' }),
      delta(0, ''),
      close(0),
      finish('stop'),
      { type: 'end' }
    ])
    assert.deepEqual(accumulate(empty).content, [])
    const failed: Event = { type: 'failed', failure: new Failure('provider_overloaded', 'Busy.') }
    const sse = encodeStream([start, failed, delta(0, 'x'), { type: 'end' }])
    const events = sseEvents([Buffer.from(sse)])
    assert.deepEqual(
      events.map(event => event.event),
      ['message_start', 'error']
    )
    assert.equal(JSON.parse(events[1]!.data).error.type, 'overloaded_error')
  })

  it('sealed reasoning of another maker comes back with its seal', () => {
    const seal: Seal = { maker: 'openai-chat', value: [{ data: 'x' }] }
    const sealed: Event = { type: 'close', choice: 0, index: 0, seal }
    const sse = encodeStream([start, open(0, { type: 'thinking', text: '' }), sealed, finish('stop'), { type: 'end' }])
    const content = accumulate(sse).content!
    const again = dialect.decodeRequest({ model: 'm', messages: [{ role: 'assistant', content }] })
    assert.deepEqual(again.messages[0]?.parts, [{ type: 'thinking', text: '', seal }])
  })

  it('other choices, log probabilities and foreign citations are named once', () => {
    const losses: string[] = []
    const second = { type: 'delta', choice: 1, index: 0, text: 'b' } as const
    const cited: Event = {
      type: 'delta',
      choice: 0,
      index: 0,
      text: 'a',
      logprobs: {},
      citation: { type: 'url_citation' }
    }
    const sse = encodeStream(
      [start, open(0, { type: 'text', text: '' }), cited, cited, second, second, { type: 'end' }],
      losses
    )
    assert.deepEqual(losses, ['choices[0].logprobs', 'choices[0].citations', 'choices[1]'])
    assert.deepEqual(accumulate(sse).content, [{ type: 'text', text: 'aa' }])
  })

  it('a stream whose end was never said has no stop reason', () => {
    assert.equal(accumulate(encodeStream([start, { type: 'end' }])).stop_reason, null)
  })
})
