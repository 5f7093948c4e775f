import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Event } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { Json, JsonObject } from '../../../src/json.ts'
import { encodeSse, readSse } from '../../support/dialects.ts'

const HEAD = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' }
const chunk = (delta: JsonObject, more: JsonObject = {}): JsonObject => ({
  ...HEAD,
  choices: [{ index: 0, delta, finish_reason: null, ...more }]
})
const finish = (word = 'stop'): JsonObject => chunk({}, { finish_reason: word })
const call = (fragment: JsonObject): JsonObject => chunk({ tool_calls: [fragment] })

function decode(...chunks: (JsonObject | string)[]): Event[] {
  const decoder = dialect.decoder()
  return chunks.flatMap(each => decoder('', typeof each === 'string' ? each : JSON.stringify(each)))
}

const parts = (...chunks: JsonObject[]) => collect(decode(...chunks)).choices[0]!.parts
const calls = (...chunks: JsonObject[]) =>
  parts(...chunks, finish('tool_calls')).map(part => part.type === 'tool-call' && [part.id, part.name, part.input])

describe('the order of events', () => {
  it('each part opens, grows and closes before the finish; usage and end come last', () => {
    const events = decode(
      chunk({ role: 'assistant', content: null, reasoning_content: '' }),
      chunk({ reasoning_content: 'hm' }),
      chunk({ content: 'hi' }),
      call({ index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '{}' } }),
      finish('tool_calls'),
      { ...HEAD, choices: [], usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } },
      '[DONE]'
    )
    assert.deepEqual(
      events.map(event => ('index' in event ? `${event.type} ${event.index}` : event.type)),
      [
        'start',
        ...['open 0', 'delta 0', 'close 0', 'open 1', 'delta 1', 'close 1', 'open 2', 'delta 2', 'close 2'],
        ...['finish', 'usage', 'end']
      ]
    )
  })

  it('nothing follows the end or a failure', () => {
    assert.deepEqual(decode(finish(), '[DONE]', chunk({ content: 'late' })).at(-1), { type: 'end' })
    const failed = decode(
      chunk({ content: 'a' }),
      { error: { message: 'boom', code: 502 } },
      chunk({ content: 'b' }),
      '[DONE]'
    )
    assert.equal(failed.at(-1)?.type, 'failed')
  })

  it('a stream cut off closes its parts but does not finish', () => {
    const types = decode(chunk({ content: 'a' }), '[DONE]').map(event => event.type)
    assert.deepEqual(types, ['start', 'open', 'delta', 'close', 'end'])
  })
})

describe('what providers do', () => {
  it('no role, empty choices, null usage, an empty first chunk (Azure)', () => {
    const response = collect(
      decode(
        { id: '', model: '', object: '', created: 0, choices: [], prompt_filter_results: [{ prompt_index: 0 }] },
        { ...chunk({ content: 'a' }), usage: null },
        finish()
      )
    )
    assert.deepEqual([response.id, response.model], ['c1', 'm'])
    assert.deepEqual(response.rest?.value, { prompt_filter_results: [{ prompt_index: 0 }] })
  })

  it('usage in every chunk, in the finish chunk, or in x_groq', () => {
    const usage = (completion: number) => ({
      prompt_tokens: 3,
      completion_tokens: completion,
      total_tokens: 3 + completion
    })
    const every = collect(decode({ ...chunk({ content: 'a' }), usage: usage(1) }, { ...finish(), usage: usage(2) }))
    assert.equal(every.usage?.outputTokens, 2)
    const groq = collect(decode(chunk({ content: 'a' }), { ...finish(), x_groq: { id: 'r', usage: usage(4) } }))
    assert.equal(groq.usage?.outputTokens, 4)
    const partial = decode({
      ...chunk({ content: 'a' }),
      usage: { prompt_tokens: 22, completion_tokens: null, total_tokens: null }
    })
    const told = partial.find(event => event.type === 'usage')!.usage
    assert.deepEqual([told.inputTokens, 'outputTokens' in told], [22, false])
  })

  it('reasoning counted beside the completion is output too (xAI)', () => {
    const usage = {
      prompt_tokens: 112,
      completion_tokens: 15,
      total_tokens: 547,
      completion_tokens_details: { reasoning_tokens: 420 }
    }
    const { usage: told } = collect(decode(chunk({ content: 'a' }), { ...finish(), usage }))
    assert.deepEqual([told?.outputTokens, told?.reasoningTokens], [435, 420])
  })

  it('thinking among the content (Mistral), both kinds in one chunk', () => {
    const thinking = (text: string) => ({ type: 'thinking', thinking: [{ type: 'text', text }] })
    const read = parts(
      chunk({ content: [thinking('a')] }),
      chunk({ content: [thinking('b'), { type: 'text', text: 'c' }] }),
      finish()
    )
    assert.deepEqual(
      read.map(part => 'text' in part && [part.type, part.text]),
      [
        ['thinking', 'ab'],
        ['text', 'c']
      ]
    )
  })

  it('a finish reason said twice counts once; a failure is never a stop', () => {
    assert.equal(decode(finish(), finish()).filter(event => event.type === 'finish').length, 1)
    const unified = (word: string) => collect(decode(chunk({ content: 'a' }), finish(word))).choices[0]!.finish.unified
    assert.deepEqual(
      [
        'stop',
        'eos',
        'length',
        'model_length',
        'content_filter',
        'error',
        'insufficient_system_resource',
        'new_word'
      ].map(unified),
      ['stop', 'stop', 'length', 'too-long', 'content-filter', 'error', 'error', 'other']
    )
  })

  it('a tool call that ends with stop, a refusal that ends with stop', () => {
    const called = collect(decode(call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }), finish()))
    assert.deepEqual(called.choices[0]!.finish, { unified: 'tool-calls', raw: 'stop', maker: 'openai-chat' })
    const refused = collect(decode(chunk({ refusal: 'no' }), finish()))
    assert.equal(refused.choices[0]!.finish.unified, 'refusal')
  })

  it('members we do not know pass as native events', () => {
    const events = decode(chunk({ audio: { id: 'a', data: 'x' } }), { ...finish(), timings: { ms: 3 } })
    assert.deepEqual(
      events.filter(event => event.type === 'native').map(event => event.seal.value),
      [{ choices: [{ index: 0, delta: { audio: { id: 'a', data: 'x' } } }] }, { timings: { ms: 3 } }]
    )
    const again = readSse([Buffer.from(encodeSse(dialect, events))]).map(each => each.data)
    assert.ok(again.some(data => data.includes('"audio":{"id":"a","data":"x"}')))
    assert.ok(again.some(data => data.includes('"timings":{"ms":3}')))
  })
})

describe('errors inside a stream', () => {
  const failureOf = (data: JsonObject): Failure => {
    const last = decode(chunk({ content: 'a' }), data).at(-1)
    assert.ok(last?.type === 'failed')
    return last.failure
  }
  it('are classified by what they say', () => {
    const cases: [JsonObject, string, string][] = [
      [
        { error: { message: 'bad tool', type: 'invalid_request_error', code: 'tool_use_failed', status_code: 400 } },
        'provider_bad_request',
        'bad_request'
      ],
      [
        { error: { message: 'Upstream error', code: 502, metadata: { provider_name: 'V' } } },
        'provider_error',
        'server_error'
      ],
      [{ error: { message: 'slow down', code: 429 } }, 'provider_rate_limited', 'rate_limited'],
      [{ error: { message: 'The server had an error', type: 'server_error' } }, 'provider_error', 'server_error'],
      [{ error: 'unknown error' }, 'provider_error', 'server_error'],
      [{ error: { message: 'Overloaded', type: 'overloaded_error' } }, 'provider_overloaded', 'overloaded']
    ]
    for (const [data, code, kind] of cases) {
      const failure = failureOf(data)
      assert.deepEqual([failure.code, failure.kind], [code, kind], JSON.stringify(data))
    }
  })
  it('data that is no JSON object is malformed', () => {
    for (const data of ['{"id":', 'null', '[1]', 'hello']) {
      assert.throws(
        () => decode(data),
        (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_malformed'
      )
    }
  })
})

describe('fragments of tool calls', () => {
  const first = { index: 0, id: 'a', type: 'function', function: { name: 'f', arguments: '' } }
  const cases: [name: string, chunks: JsonObject[], expected: string[][]][] = [
    ['the id in the first only', [call(first), call({ index: 0, function: { arguments: '{}' } })], [['a', 'f', '{}']]],
    [
      'the id and the name in each',
      [
        call({ index: 0, id: 'a', function: { name: 'f', arguments: '{"a"' } }),
        call({ index: 0, id: 'a', function: { name: 'f', arguments: ':1}' } })
      ],
      [['a', 'f', '{"a":1}']]
    ],
    [
      'a name in pieces',
      [
        call({ index: 0, id: 'a', function: { name: 'get_', arguments: '' } }),
        call({ index: 0, function: { name: 'weather' } }),
        call({ index: 0, function: { arguments: '{}' } })
      ],
      [['a', 'get_weather', '{}']]
    ],
    [
      'arguments before the name',
      [
        call({ index: 0, id: 'a', function: { arguments: '{"x":' } }),
        call({ index: 0, function: { name: 'f', arguments: '1}' } })
      ],
      [['a', 'f', '{"x":1}']]
    ],
    [
      'no index: the id tells',
      [
        call({ id: 'a', function: { name: 'f', arguments: '{}' } }),
        call({ id: 'b', function: { name: 'g', arguments: '{"y"' } }),
        call({ function: { arguments: ':2}' } })
      ],
      [
        ['a', 'f', '{}'],
        ['b', 'g', '{"y":2}']
      ]
    ],
    [
      'no index, said once more when complete',
      [
        call({ id: 'a', function: { name: 'f', arguments: '{"x":1}' } }),
        call({ id: 'a', function: { name: 'f', arguments: '{"x":1}' } })
      ],
      [['a', 'f', '{"x":1}']]
    ],
    [
      'one index for two calls',
      [
        call({ index: 0, id: 'a', function: { name: 'f', arguments: '{}' } }),
        call({ index: 0, id: 'b', function: { name: 'f', arguments: '{}' } })
      ],
      [
        ['a', 'f', '{}'],
        ['b', 'f', '{}']
      ]
    ],
    ['no arguments at all', [call(first)], [['a', 'f', '']]],
    [
      'null members (Writer)',
      [call(first), call({ index: 0, id: null, type: null, function: { name: null, arguments: '{}' } })],
      [['a', 'f', '{}']]
    ],
    [
      'an object as arguments',
      [call({ index: 0, id: 'a', function: { name: 'f', arguments: { x: 1 } } })],
      [['a', 'f', '{"x":1}']]
    ],
    ['no id', [call({ index: 0, function: { name: 'f', arguments: '{}' } })], [['call_c1_0', 'f', '{}']]],
    [
      'empty text beside it',
      [
        chunk({ content: '', tool_calls: [first] }),
        chunk({ content: '', tool_calls: [{ index: 0, function: { arguments: '{}' } }] })
      ],
      [['a', 'f', '{}']]
    ]
  ]
  for (const [name, chunks, expected] of cases) {
    it(name, () => assert.deepEqual(calls(...chunks), expected))
  }

  it('any cut of any arguments, interleaved over any calls and choices, gives them back', () => {
    const text = fc.oneof(fc.json(), fc.string({ unit: 'binary' }))
    const aCall = fc.record({
      name: fc.stringMatching(/^[a-z_]{1,12}$/),
      input: text,
      cuts: fc.array(fc.nat(), { maxLength: 5 })
    })
    const aChoice = fc.array(aCall, { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(aChoice, { minLength: 1, maxLength: 3 }), fc.infiniteStream(fc.nat()), (choices, random) => {
        const lanes = choices.flatMap((list, choice) => [list.flatMap((each, index) => opening(choice, index, each))])
        const growing = choices.flatMap((list, choice) => list.map((each, index) => fragments(choice, index, each)))
        const chunks = lanes.flat()
        while (growing.some(lane => lane.length > 0)) {
          const waiting = growing.filter(lane => lane.length > 0)
          chunks.push(waiting[random.next().value! % waiting.length]!.shift()!)
        }
        for (const choice of choices.keys()) chunks.push(at(choice, {}, { finish_reason: 'tool_calls' }))
        const events = decode(...chunks)
        const expected = choices.map(list => list.map(each => [each.name, each.input]))
        assert.deepEqual(told(events), expected)
        const written = readSse([Buffer.from(encodeSse(dialect, [...events, { type: 'end' }]))])
        assert.deepEqual(told(decode(...written.map(each => each.data))), expected)
      }),
      { numRuns: 60, seed: 7 }
    )
  })
})

function at(choice: number, delta: JsonObject, more: JsonObject = {}): JsonObject {
  return { ...HEAD, choices: [{ index: choice, delta, finish_reason: null, ...more }] }
}

function opening(choice: number, index: number, { name }: { name: string }): JsonObject[] {
  return [
    at(choice, {
      tool_calls: [{ index, id: `id_${choice}_${index}`, type: 'function', function: { name, arguments: '' } }]
    })
  ]
}

function fragments(choice: number, index: number, { input, cuts }: { input: string; cuts: number[] }): JsonObject[] {
  const ends = [...cuts.map(cut => cut % (input.length + 1)), input.length].sort((left, right) => left - right)
  return ends.map((end, place) => {
    const piece: Json = { index, function: { arguments: input.slice(ends[place - 1] ?? 0, end) } }
    return at(choice, { tool_calls: [piece] })
  })
}

function told(events: readonly Event[]): Json {
  return collect(events).choices.map(choice =>
    choice.parts.map(part => (part.type === 'tool-call' ? [part.name, part.input] : null))
  )
}
