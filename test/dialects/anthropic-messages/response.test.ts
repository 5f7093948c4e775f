import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import type { ChatResponse, Finish, Part, Seal } from '../../../src/dialects/canonical.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/anthropic-messages/responses')
const fixture = (name: string): JsonObject => JSON.parse(readFileSync(join(fixtures, name), 'utf8'))

function fit(parts: Part[], finish: Partial<Finish> = {}, more: Partial<ChatResponse> = {}) {
  const losses: string[] = []
  const end: Finish = { unified: 'stop', raw: 'stop', maker: 'openai-chat', ...finish }
  const response = { id: 'chatcmpl-1', model: 'gpt', choices: [{ index: 0, parts, finish: end }], ...more }
  return { body: dialect.encodeResponse(response, losses), losses }
}

describe('a reply of the same dialect', () => {
  for (const name of readdirSync(fixtures)) {
    it(`${name} comes back as it came`, () => {
      const losses: string[] = []
      assert.deepEqual(dialect.encodeResponse(dialect.decodeResponse(fixture(name)), losses), fixture(name))
      assert.deepEqual(losses, [])
    })
  }

  it('usage includes what was cached', () => {
    assert.deepEqual(dialect.decodeResponse(fixture('fullest.json')).usage, {
      inputTokens: 100,
      outputTokens: 77,
      cacheReadTokens: 50,
      cacheWriteTokens: 30,
      cacheWrite1hTokens: 20,
      reasoningTokens: 40,
      webSearches: 1,
      tier: 'standard',
      rest: { maker: 'anthropic-messages', value: { inference_geo: 'eu', server_tool_use: { web_fetch_requests: 2 } } }
    })
  })

  const ends: [string | null, Finish['unified']][] = [
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['max_tokens', 'length'],
    ['tool_use', 'tool-calls'],
    ['pause_turn', 'pause'],
    ['compaction', 'pause'],
    ['refusal', 'refusal'],
    ['model_context_window_exceeded', 'too-long'],
    ['a_word_of_next_year', 'other'],
    [null, 'other']
  ]
  for (const [raw, unified] of ends) {
    it(`stop_reason ${raw} is ${unified}`, () => {
      const body = { ...fixture('text.json'), stop_reason: raw }
      const decoded = dialect.decodeResponse(body)
      assert.equal(decoded.choices[0]?.finish.unified, unified)
      assert.deepEqual(dialect.encodeResponse(decoded, []), body)
    })
  }

  it('what is no message is the fault of the provider', () => {
    for (const body of [{}, { type: 'message' }, { ...fixture('text.json'), content: 'hi' }, { type: 'error' }]) {
      assert.throws(
        () => dialect.decodeResponse(body),
        thrown => thrown instanceof Failure && thrown.code === 'provider_malformed'
      )
    }
  })
})

describe('a reply of another dialect', () => {
  it('has everything a client of this one reads', () => {
    const { body, losses } = fit([{ type: 'text', text: 'hi' }])
    assert.deepEqual(body, {
      id: 'chatcmpl-1',
      type: 'message',
      role: 'assistant',
      model: 'gpt',
      content: [{ type: 'text', text: 'hi' }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 0, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 0 }
    })
    assert.deepEqual(losses, [])
  })

  it('input tokens leave out the cached ones again', () => {
    const usage = { inputTokens: 100, outputTokens: 7, cacheReadTokens: 64, reasoningTokens: 3 }
    assert.deepEqual(fit([], {}, { usage }).body.usage, {
      input_tokens: 36,
      cache_creation_input_tokens: 0,
      cache_read_input_tokens: 64,
      output_tokens: 7,
      output_tokens_details: { thinking_tokens: 3 }
    })
  })

  const call: Part = { type: 'tool-call', id: 'call_1', name: 'f', input: '{}' }
  const ends: [Partial<Finish>, Part[], string, string[]][] = [
    [{ unified: 'length' }, [], 'max_tokens', []],
    [{ unified: 'tool-calls' }, [call], 'tool_use', []],
    [{ unified: 'stop' }, [call], 'tool_use', []],
    [{ unified: 'content-filter' }, [], 'refusal', []],
    [{ unified: 'stop' }, [{ type: 'refusal', text: 'No.' }], 'refusal', []],
    [{ unified: 'stop', stopSequence: 'X' }, [], 'stop_sequence', []],
    [{ unified: 'error', raw: 'error' }, [], 'error', ['stop_reason']],
    [{ unified: 'error', raw: 'end_turn' }, [], 'error', ['stop_reason']],
    [{ unified: 'other', raw: 'tired' }, [], 'tired', ['stop_reason']]
  ]
  for (const [finish, parts, word, losses] of ends) {
    it(`${finish.unified} (${finish.raw ?? 'stop'}) with ${parts[0]?.type ?? 'nothing'} is ${word}`, () => {
      const made = fit(parts, finish)
      assert.equal(made.body.stop_reason, word)
      assert.deepEqual(made.losses, losses)
    })
  }

  it('reasoning that nobody signed carries a mark, comes back without it, and never goes to the provider', () => {
    const seal: Seal = { maker: 'openai-chat', value: [{ type: 'reasoning.encrypted', data: 'x' }] }
    const spelling = { maker: 'openai-chat', value: { member: 'reasoning' } } as const
    const parts: Part[] = [
      { type: 'thinking', text: 'hm' },
      { type: 'thinking', text: 'so', seal, spelling },
      { type: 'text', text: 'ho' }
    ]
    const { body } = fit(parts)
    const content = body.content as JsonObject[]
    assert.equal(content[0]?.signature, 'gatehouse:unsigned')
    const asked = { model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content }] }
    const again = dialect.decodeRequest(asked)
    assert.deepEqual(again.messages[0]?.parts, parts)
    const losses: string[] = []
    const native = dialect.encodeRequest(again, losses)
    assert.deepEqual(native.messages, [{ role: 'assistant', content: [{ type: 'text', text: 'ho' }] }])
    assert.deepEqual(losses, ['messages[0].content[0].thinking', 'messages[0].content[1].thinking'])
  })

  it('what another maker sealed on a call stands before it, comes back with it, and never goes to the provider', () => {
    const seal: Seal = { maker: 'gemini', value: 'c2lnbmVk' }
    const parts: Part[] = [
      { type: 'text', text: 'Calling.' },
      { ...(call as Part & { type: 'tool-call' }), seal },
      { ...(call as Part & { type: 'tool-call' }), id: 'call_2' }
    ]
    const { body, losses } = fit(parts)
    assert.deepEqual(losses, [])
    const content = body.content as JsonObject[]
    assert.deepEqual(
      content.map(block => block.type),
      ['text', 'thinking', 'tool_use', 'tool_use']
    )
    const asked = { model: 'm', max_tokens: 1, messages: [{ role: 'assistant', content }] }
    assert.deepEqual(dialect.decodeRequest(asked).messages[0]?.parts, parts)
    assert.ok(JSON.stringify(asked).includes(dialect.foreignMark))
    assert.deepEqual(dialect.dropForeign(asked), ['messages[0].content[1].thinking'])
    assert.ok(!JSON.stringify(asked).includes('gatehouse'))
  })

  it('what has no place is named', () => {
    const parts: Part[] = [
      { type: 'text', text: 'see', citations: [{ type: 'url_citation', url_citation: { url: 'https://x.example' } }] },
      { type: 'media', mediaType: 'audio/wav', data: 'AA==' },
      { type: 'tool-call', id: 'c', name: 'f', input: 'oops' }
    ]
    const made = fit(parts)
    assert.deepEqual(made.losses, [
      'choices[0].content[0].citations',
      'choices[0].content[1].media',
      'choices[0].content[2].input'
    ])
    assert.deepEqual((made.body.content as JsonObject[])[1]?.input, { _raw: 'oops' })
    const finish: Finish = { unified: 'stop', raw: 'stop', maker: 'openai-chat' }
    const choice = { parts: [], finish, logprobs: {}, rest: { maker: 'openai-chat', value: { z: 1 } } as const }
    const choices = [0, 1].map(index => ({ ...choice, index }))
    const rest = { maker: 'openai-chat', value: { system_fingerprint: 'f' } } as const
    assert.deepEqual(fit([], {}, { choices, rest }).losses, [
      'choices[1]',
      'choices[0].logprobs',
      'system_fingerprint',
      'choices[0].z'
    ])
  })
})
