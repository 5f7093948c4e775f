import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect as anthropic } from '../../../src/dialects/anthropic-messages/index.ts'
import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import type { ChatResponse, Event } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { jsonInput } from '../../../src/dialects/freeform.ts'
import { dialect as openai } from '../../../src/dialects/openai-chat/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { decodeSse, fixtures, readSse, type Said } from '../../support/dialects.ts'
import { decoded, encoded, frames, readFrames } from './support.ts'

const start = ['messageStart', { role: 'assistant' }] as const
const delta = (contentBlockIndex: number, change: JsonObject) =>
  ['contentBlockDelta', { contentBlockIndex, delta: change }] as const
const stop = (contentBlockIndex: number) => ['contentBlockStop', { contentBlockIndex }] as const
const end = ['messageStop', { stopReason: 'end_turn' }] as const

/** Names of events and the numbers of their blocks, as a client sees them. */
const outline = (said: readonly Said[]) => said.map(({ event, data }) => [event, JSON.parse(data).contentBlockIndex])

describe('reading a stream', () => {
  it('finishes with `messageStop`, and ends with the usage after it', () => {
    const events = decoded([start, delta(0, { text: 'Ahoy.' }), stop(0), end])
    assert.deepEqual(
      events.map(({ type }) => type),
      ['start', 'open', 'delta', 'close', 'finish']
    )
    assert.equal(collect(events).choices[0]!.finish.unified, 'stop')
    const [usage, over] = decoded([
      ['metadata', { usage: { inputTokens: 3, outputTokens: 1, cacheReadInputTokens: 7 } }]
    ])
    assert.deepEqual(usage, { type: 'usage', usage: { inputTokens: 10, outputTokens: 1, cacheReadTokens: 7 } })
    assert.deepEqual(over, { type: 'end' })
  })

  it('that breaks off is no answer', () => {
    assert.throws(() => collect(decoded([start, delta(0, { text: 'Aho' })])), { kind: 'truncated' })
  })

  for (const [event, kind] of [
    ['throttlingException', 'rate_limited'],
    ['modelStreamErrorException', 'server_error'],
    ['internalServerException', 'server_error'],
    ['serviceUnavailableException', 'overloaded'],
    ['modelTimeoutException', 'silent'],
    ['validationException', 'bad_request'],
    ['somethingNewException', 'server_error']
  ] as const) {
    it(`${event} is ${kind}`, () => {
      const [failed] = decoded([[event, { message: 'No.' }]])
      assert.ok(failed?.type === 'failed')
      assert.equal(failed.failure.kind, kind)
      if (kind !== 'rate_limited') assert.equal(failed.failure.message, 'No.')
    })
  }

  it('that cannot be read is malformed', () => {
    const isMalformed = (thrown: unknown) => thrown instanceof Failure && thrown.kind === 'malformed'
    assert.throws(() => dialect.decoder()('contentBlockDelta', '{"delta'), isMalformed)
    assert.throws(() => dialect.decoder()('contentBlockDelta', '[]'), isMalformed)
    assert.throws(() => decoded([['contentBlockDelta', { contentBlockIndex: 0 }]]), isMalformed)
  })

  it('only events without content may be left out unread', () => {
    const speaking = [
      'messageStart',
      'contentBlockStart',
      'contentBlockDelta',
      'messageStop',
      'throttlingException',
      ''
    ]
    assert.ok(speaking.every(event => !dialect.isQuiet(event)))
    assert.ok(['metadata', 'ping'].every(event => dialect.isQuiet(event)))
  })
})

describe('writing a stream', () => {
  const at = { choice: 0 } as const
  const foreign: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }
  const opened = (index: number, id: string): Event => ({
    type: 'open',
    ...at,
    index,
    part: { type: 'tool-call', id, name: 'tide', input: '' }
  })

  it('one block at a time, whatever grows side by side', () => {
    const said = encoded([
      { type: 'start', id: 'x', model: 'm' },
      { type: 'open', ...at, index: 0, part: { type: 'text', text: '' } },
      { type: 'delta', ...at, index: 0, text: 'I look.' },
      opened(1, 'a'),
      opened(2, 'b'),
      { type: 'delta', ...at, index: 2, text: '{"b"' },
      { type: 'delta', ...at, index: 1, text: '{}' },
      { type: 'delta', ...at, index: 2, text: ':1}' },
      { type: 'close', ...at, index: 1 },
      { type: 'delta', ...at, index: 0, text: 'Soon.' },
      { type: 'close', ...at, index: 2 },
      { type: 'close', ...at, index: 0 },
      foreign,
      { type: 'end' }
    ])
    assert.deepEqual(outline(said), [
      ['messageStart', undefined],
      ['contentBlockDelta', 0],
      ['contentBlockStop', 0],
      ['contentBlockStart', 1],
      ['contentBlockDelta', 1],
      ['contentBlockStop', 1],
      ['contentBlockStart', 2],
      ['contentBlockDelta', 2],
      ['contentBlockDelta', 2],
      ['contentBlockStop', 2],
      ['contentBlockDelta', 3],
      ['contentBlockStop', 3],
      ['messageStop', undefined],
      ['metadata', undefined]
    ])
    const { choices } = collect(decodeSse(dialect, said))
    // A client goes on with tools only at `tool_use`.
    assert.equal(choices[0]!.finish.unified, 'tool-calls')
    assert.deepEqual(
      choices[0]!.parts.map(part => (part.type === 'tool-call' ? part.input : part.type === 'text' && part.text)),
      ['I look.', '{}', '{"b":1}', 'Soon.']
    )
  })

  it('says the usage of any maker, the cached part beside the input', () => {
    const usage = {
      inputTokens: 110,
      outputTokens: 5,
      cacheReadTokens: 60,
      cacheWriteTokens: 40,
      cacheWrite1hTokens: 40
    }
    const said = encoded([{ type: 'usage', usage }, foreign, { type: 'end' }])
    assert.deepEqual(JSON.parse(said.at(-1)!.data).usage, {
      inputTokens: 10,
      outputTokens: 5,
      totalTokens: 115,
      cacheReadInputTokens: 60,
      cacheWriteInputTokens: 40,
      cacheDetails: [{ ttl: '1h', inputTokens: 40 }]
    })
  })

  it('a failure is an exception, and the last word', () => {
    const failure = (code: 'provider_rate_limited' | 'provider_truncated' | 'context_too_long') =>
      new Failure(code, 'Broken.')
    const names = (['provider_rate_limited', 'provider_truncated', 'context_too_long'] as const).map(code => {
      const said = encoded([{ type: 'failed', failure: failure(code) }, foreign, { type: 'end' }])
      assert.equal(said.length, 1)
      assert.equal(JSON.parse(said[0]!.data).message, 'Broken.')
      return said[0]!.event
    })
    assert.deepEqual(names, ['throttlingException', 'internalServerException', 'validationException'])
    const written = frames(encoded([{ type: 'failed', failure: failure('provider_rate_limited') }]))
    assert.equal(readFrames([written])[0]!.event, 'throttlingException')
  })

  it('only the first choice can be said', () => {
    const losses: string[] = []
    encoded([{ type: 'open', choice: 1, index: 0, part: { type: 'text', text: '' } }], losses)
    assert.deepEqual(losses, ['choices[1]'])
  })
})

/** What a Bedrock client understands of a stream of another maker. */
const says = ({ choices, usage }: ChatResponse) => ({
  text: choices[0]!.parts.map(part => (part.type === 'text' || part.type === 'refusal' ? part.text : '')).join(''),
  thinking: choices[0]!.parts.map(part => (part.type === 'thinking' ? part.text : '')).join(''),
  calls: choices[0]!.parts.flatMap(part => (part.type === 'tool-call' ? [[part.id, part.name, jsonInput(part)]] : [])),
  usage: [usage?.inputTokens ?? 0, usage?.outputTokens ?? 0]
})

describe('streams of others, through frames, to a client of Bedrock', () => {
  for (const other of [openai, anthropic] as Dialect[]) {
    for (const { name, text } of fixtures(other.name, 'streams')) {
      it(`${other.name} ${name}`, () => {
        const events = decodeSse(other, readSse([text]))
        const said = readFrames([frames(encoded(events))])
        const numbers = outline(said).flatMap(([event, number]) => (event === 'contentBlockStop' ? [number] : []))
        assert.deepEqual(numbers, [...numbers.keys()])
        const folded = collect(decodeSse(dialect, said))
        assert.deepEqual(says(folded), says(collect(events)))
        const failed = collect(events).choices[0]!.finish.unified === 'error'
        assert.equal(folded.choices[0]!.finish.unified === 'stop' && failed, false)
      })
    }
  }

  it('thinking that others signed comes back to them to the bit, and goes to nobody else', () => {
    const signed = fixtures('anthropic-messages', 'streams').find(({ name }) => name === 'fullest')!
    const events = decodeSse(anthropic, readSse([signed.text]))
    const seals = (reply: ChatResponse) =>
      reply.choices[0]!.parts.flatMap(part => (part.type === 'thinking' ? [part.seal] : []))
    const folded = collect(decodeSse(dialect, encoded(events)))
    assert.deepEqual(seals(folded), seals(collect(events)))
    assert.ok(seals(folded).length > 0)
    const body = {
      messages: [{ role: 'user', content: [{ text: '?' }] }, turnOf(folded), { role: 'user', content: [{ text: '!' }] }]
    }
    assert.ok(JSON.stringify(body).includes(dialect.foreignMark))
    const losses = dialect.dropForeign(body)
    assert.ok(losses.every(loss => /^messages\[1\]\.content\[\d+\]\.thinking$/.test(loss)) && losses.length > 0)
    assert.ok(!JSON.stringify(body).includes(dialect.foreignMark))
  })

  function turnOf(reply: ChatResponse): JsonObject {
    const body = dialect.encodeResponse(reply, [])
    return (body.output as JsonObject).message as JsonObject
  }

  it('the same text by any framing', () => {
    const encoder = dialect.encoder({ losses: [], request: {}, write: formatSse })
    assert.equal(
      encoder.push({ type: 'start', id: '', model: '' }),
      'event: messageStart\ndata: {"role":"assistant"}\n\n'
    )
  })
})
