import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Event, Part } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/openai-responses/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { decodeSse, encodeSse, readSse } from '../../support/dialects.ts'

const HEAD = { id: 'resp_1', model: 'm', created_at: 1, status: 'in_progress', output: [] }

function event(type: string, more: JsonObject = {}): JsonObject {
  return { type: `response.${type}`, ...more }
}

function decode(...said: (JsonObject | string)[]): Event[] {
  const read = dialect.decoder()
  return said.flatMap(data => read('', typeof data === 'string' ? data : JSON.stringify(data)))
}

const created = event('created', { response: HEAD })
const completed = (more: JsonObject = {}) => event('completed', { response: { ...HEAD, status: 'completed', ...more } })
const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'in_progress', content: [] }
const added = (item: JsonObject, at = 0) => event('output_item.added', { output_index: at, item })
const done = (item: JsonObject, at = 0) => event('output_item.done', { output_index: at, item })
const text = (delta: string, more: JsonObject = {}) =>
  event('output_text.delta', { output_index: 0, content_index: 0, item_id: 'msg_1', delta, ...more })

function parts(...said: JsonObject[]): unknown[] {
  return collect(decode(created, ...said, completed())).choices[0]!.parts.map(bare)
}

function bare(part: Part): unknown {
  if (part.type === 'tool-call') return [part.id, part.name, part.input]
  return 'text' in part ? [part.type, part.text] : part.type
}

describe('streams that leave something out', () => {
  it('a part that nobody announced', () => {
    assert.deepEqual(parts(added(message), text('Hello'), text(' you')), [['text', 'Hello you']])
  })

  it('text that comes with the end of its part, of its item, or of the response', () => {
    const content = [{ type: 'output_text', text: 'Hello', annotations: [] }]
    const item = { ...message, status: 'completed', content }
    const part = event('content_part.done', { output_index: 0, content_index: 0, part: content[0]! })
    assert.deepEqual(parts(added(message), part), [['text', 'Hello']])
    assert.deepEqual(parts(added(message), text('Hel'), done(item)), [['text', 'Hello']])
    assert.deepEqual(parts(done(item)), [['text', 'Hello']])
    const whole = collect(decode(created, completed({ output: [item] })))
    assert.deepEqual(whole.choices[0]!.parts.map(bare), [['text', 'Hello']])
  })

  it('arguments that come at once, in whichever event', () => {
    const call = { id: 'fc_1', type: 'function_call', call_id: 'c1', name: 'f', arguments: '' }
    const whole = { ...call, arguments: '{"a":1}' }
    const ended = event('function_call_arguments.done', { output_index: 0, arguments: '{"a":1}' })
    for (const said of [
      [added(whole), done(whole)],
      [added(call), ended, done(whole)],
      [done(whole)],
      [added(call), ended]
    ]) {
      assert.deepEqual(parts(...said), [['c1', 'f', '{"a":1}']])
    }
  })

  it('citations that only the whole part has', () => {
    const annotations = [{ type: 'url_citation', url: 'https://a.example/', title: 'A', start_index: 0, end_index: 2 }]
    const content = [{ type: 'output_text', text: 'Hi', annotations }]
    const { choices } = collect(decode(created, added(message), text('Hi'), done({ ...message, content }), completed()))
    const [part] = choices[0]!.parts
    assert.ok(part?.type === 'text')
    assert.deepEqual(part.citations, [
      { type: 'url_citation', url_citation: { url: 'https://a.example/', title: 'A', start_index: 0, end_index: 2 } }
    ])
  })

  it('item ids that change with every event: the place tells', () => {
    assert.deepEqual(parts(added(message), text('a', { item_id: 'x' }), text('b', { item_id: 'y' })), [['text', 'ab']])
  })

  it('paragraphs of a summary that nobody announced', () => {
    const summary = (delta: string, at: number) =>
      event('reasoning_summary_text.delta', { output_index: 0, summary_index: at, delta })
    const item = {
      id: 'rs_1',
      type: 'reasoning',
      summary: [{ text: 'One.' }, { text: 'Two.' }],
      encrypted_content: 'x'
    }
    const said = [
      added({ id: 'rs_1', type: 'reasoning', summary: [] }),
      summary('One.', 0),
      summary('Two.', 1),
      done(item)
    ]
    assert.deepEqual(parts(...said), [['thinking', 'One.\n\nTwo.']])
  })

  it('an end without a finish is no answer', () => {
    const events = decode(created, added(message), text('Hel'))
    assert.throws(
      () => collect(events),
      (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_truncated'
    )
  })
})

describe('what a stream ends with', () => {
  const ended = (response: JsonObject, ...said: JsonObject[]) =>
    collect(decode(created, ...said, event('completed', { response: { ...HEAD, ...response } }))).choices[0]!.finish
      .unified

  it('is a failure where it failed, and never a stop', () => {
    const call = { id: 'fc_1', type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' }
    assert.equal(ended({ status: 'completed' }, added(message), text('a')), 'stop')
    assert.equal(ended({ status: 'completed' }, done(call)), 'tool-calls')
    assert.equal(ended({ status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } }), 'length')
    assert.equal(ended({ status: 'incomplete', incomplete_details: { reason: 'content_filter' } }), 'content-filter')
    assert.equal(ended({ status: 'incomplete', incomplete_details: { reason: 'new_reason' } }), 'other')
    assert.equal(ended({ status: 'incomplete' }), 'other')
    assert.equal(ended({ status: 'cancelled' }), 'error')
  })

  it('errors are classified by what they say, once', () => {
    const failed = (code: string, message: string) =>
      event('failed', { response: { ...HEAD, status: 'failed', error: { code, message } } })
    const cases: [JsonObject, string][] = [
      [{ type: 'error', code: 'rate_limit_exceeded', message: 'slow', param: null }, 'rate_limited'],
      [{ type: 'error', error: { type: 'tokens', code: 'rate_limit_exceeded', message: 'slow' } }, 'rate_limited'],
      [failed('context_length_exceeded', 'too long'), 'too_long'],
      [failed('server_error', 'oh'), 'server_error'],
      [event('failed', { response: { ...HEAD, status: 'failed', error: null } }), 'server_error'],
      [{ error: { message: 'Overloaded', type: 'overloaded_error' } }, 'overloaded']
    ]
    for (const [data, kind] of cases) {
      const events = decode(created, added(message), text('a'), data, failed('server_error', 'again'))
      const failures = events.filter(each => each.type === 'failed')
      assert.deepEqual(
        failures.map(each => each.failure.kind),
        [kind],
        JSON.stringify(data)
      )
    }
  })

  it('data that is no JSON object is malformed; quiet events say so by name', () => {
    for (const data of ['{"type":', 'null', '[1]', 'hello']) {
      assert.throws(
        () => decode(data),
        (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_malformed'
      )
    }
    assert.deepEqual(
      ['keepalive', 'response.in_progress', 'codex.rate_limits', 'response.output_text.delta', 'error', ''].map(name =>
        dialect.isQuiet(name)
      ),
      [true, true, true, false, false, false]
    )
  })
})

describe('events of the provider’s own', () => {
  it('pass numbered and in their place, others lose them by name', () => {
    const search = { id: 'ws_1', type: 'web_search_call', status: 'in_progress' }
    const events = decode(
      created,
      added(search),
      event('web_search_call.searching', { output_index: 0, item_id: 'ws_1' }),
      done({ ...search, status: 'completed' }),
      event('weather.updated', { wind: 3 }),
      completed()
    )
    const again = readSse([Buffer.from(encodeSse(dialect, events))]).map(each => JSON.parse(each.data) as JsonObject)
    assert.deepEqual(
      again.map(each => [each.type, each.sequence_number, each.output_index]),
      [
        ['response.created', 0, undefined],
        ['response.in_progress', 1, undefined],
        ['response.output_item.added', 2, 0],
        ['response.web_search_call.searching', 3, 0],
        ['response.output_item.done', 4, 0],
        ['response.weather.updated', 5, undefined],
        ['response.completed', 6, undefined]
      ]
    )
    const last = again.at(-1)!.response as JsonObject
    assert.deepEqual(last.output, [{ ...search, status: 'completed' }])
  })
})

describe('calls that run side by side', () => {
  const aCall = fc.record({ input: fc.string({ unit: 'binary', maxLength: 12 }), isFreeform: fc.boolean() })

  it('any interleaving of any of them gives them back, in order', () => {
    fc.assert(
      fc.property(fc.array(aCall, { minLength: 1, maxLength: 4 }), fc.infiniteStream(fc.nat()), (calls, random) => {
        const open = calls.map(({ isFreeform }, at) => {
          const call = { id: `x_${at}`, call_id: `c${at}`, name: `f${at}` }
          if (isFreeform) return added({ ...call, type: 'custom_tool_call', input: '' }, at)
          return added({ ...call, type: 'function_call', arguments: '' }, at)
        })
        const growing = calls.map(({ input, isFreeform }, at) => {
          const type = isFreeform ? 'custom_tool_call_input.delta' : 'function_call_arguments.delta'
          return [...input].map(delta => event(type, { output_index: at, delta }))
        })
        const said: JsonObject[] = []
        while (growing.some(lane => lane.length > 0)) {
          const waiting = growing.filter(lane => lane.length > 0)
          said.push(waiting[random.next().value! % waiting.length]!.shift()!)
        }
        const events = decode(created, ...open, ...said, completed())
        const expected = calls.map(({ input }, at) => [`c${at}`, `f${at}`, input])
        assert.deepEqual(collect(events).choices[0]!.parts.map(bare), expected)
        const again = decodeSse(dialect, readSse([Buffer.from(encodeSse(dialect, events))]))
        assert.deepEqual(collect(again).choices[0]!.parts.map(bare), expected)
      }),
      { numRuns: 80, seed: 11 }
    )
  })
})
