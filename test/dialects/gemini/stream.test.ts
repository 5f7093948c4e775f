import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Event, Part } from '../../../src/dialects/canonical.ts'
import { collect } from '../../../src/dialects/collect.ts'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { PartialArgs } from '../../../src/dialects/gemini/partial-args.ts'
import { Failure } from '../../../src/errors.ts'
import type { Json, JsonObject } from '../../../src/json.ts'
import { decodeSse, encodeSse, readSse } from '../../support/dialects.ts'

const chunk = (parts: Json[], more: JsonObject = {}): string =>
  JSON.stringify({
    candidates: [{ content: { parts, role: 'model' }, index: 0, ...more }],
    responseId: 'r',
    modelVersion: 'm'
  })
const read = (...chunks: string[]) =>
  decodeSse(
    dialect,
    chunks.map(data => ({ event: '', data }))
  )
const partsOf = (...chunks: string[]) => collect(read(...chunks)).choices[0]!.parts
const seal = (value: string) => ({ maker: 'gemini', value }) as const
const END = { finishReason: 'STOP' }

describe('a stream read', () => {
  it('a signature in an empty part is that of the words before it; after a call it stands alone', () => {
    const signed = { text: '', thoughtSignature: 's' }
    assert.deepEqual(partsOf(chunk([{ text: 'a' }]), chunk([{ text: 'b' }]), chunk([signed], END)), [
      { type: 'text', text: 'ab', seal: seal('s') }
    ])
    const call = { functionCall: { id: 'c', name: 'f', args: {} } }
    assert.deepEqual(partsOf(chunk([{ text: 'a' }, call]), chunk([signed], END)).at(-1), {
      type: 'text',
      text: '',
      seal: seal('s')
    })
  })

  it('words of two signatures stay two', () => {
    const parts = partsOf(
      chunk([{ text: 'a', thoughtSignature: '1' }]),
      chunk([{ text: 'b', thoughtSignature: '2' }]),
      chunk([{ text: 'c' }], END)
    )
    assert.deepEqual(parts, [
      { type: 'text', text: 'a', seal: seal('1') },
      { type: 'text', text: 'b', seal: seal('2') },
      { type: 'text', text: 'c' }
    ])
  })

  it('is complete with the finish of every candidate, and cut without it', () => {
    assert.throws(() => collect(read(chunk([{ text: 'a' }]))), { code: 'provider_truncated' })
    const one = JSON.stringify({
      candidates: [
        { index: 0, ...END },
        { index: 1, content: { parts: [{ text: 'b' }] } }
      ]
    })
    assert.throws(() => collect(read(one)), { code: 'provider_truncated' })
  })

  it('an error in it is its failure, also as a list of one', () => {
    const error = { error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }
    for (const data of [error, [error]]) {
      const [event] = read(JSON.stringify(data))
      assert.ok(event?.type === 'failed')
      assert.equal(event.failure.kind, 'overloaded')
    }
    assert.throws(() => read('nothing'), { code: 'provider_malformed' })
  })

  it('later usage replaces earlier', () => {
    const usage = (candidatesTokenCount: number) =>
      JSON.stringify({
        candidates: [{ content: { parts: [{ text: 'a' }] }, finishReason: 'STOP' }],
        usageMetadata: {
          promptTokenCount: 5,
          candidatesTokenCount,
          thoughtsTokenCount: 2,
          totalTokenCount: 7 + candidatesTokenCount
        }
      })
    const { usage: used } = collect(read(usage(1), usage(9)))
    assert.deepEqual([used?.inputTokens, used?.outputTokens, used?.reasoningTokens], [5, 11, 2])
  })

  it('pieces of arguments find their places, and only those', () => {
    const args = new PartialArgs()
    const piece = (jsonPath: string, value: JsonObject) => args.add({ partialArgs: [{ jsonPath, ...value }] })
    piece('$.a[1].b', { numberValue: 1 })
    piece('$[\'x y\']["z"]', { boolValue: true })
    piece('$.__proto__.polluted', { stringValue: 'no' })
    piece('$.list[0]', { stringValue: 'x' })
    piece('$.list.__proto__.polluted', { stringValue: 'no' })
    assert.equal(({} as JsonObject).polluted, undefined)
    assert.equal(([] as unknown as JsonObject).polluted, undefined)
    assert.deepEqual(JSON.parse(JSON.stringify(args.args)).a, [null, { b: 1 }])
    assert.deepEqual(JSON.parse(JSON.stringify(args.args))['x y'], { z: true })
  })
})

describe('a stream written', () => {
  const open = (index: number, part: Part): Event => ({ type: 'open', choice: 0, index, part })
  const delta = (index: number, words: string): Event => ({ type: 'delta', choice: 0, index, text: words })
  const close = (index: number): Event => ({ type: 'close', choice: 0, index })
  const start: Event = { type: 'start', id: 'x', model: 'm' }
  const finish: Event = {
    type: 'finish',
    choice: 0,
    finish: { unified: 'tool-calls', raw: 'tool_calls', maker: 'openai-chat' }
  }
  const call = (id: string): Part => ({ type: 'tool-call', id, name: id, input: '' })
  const chunksOf = (events: Event[], losses: string[] = []) =>
    readSse([Buffer.from(encodeSse(dialect, events, losses))]).map(({ data }) => JSON.parse(data) as JsonObject)
  const partsIn = (chunks: JsonObject[]) =>
    chunks.flatMap(each => ((each.candidates as JsonObject[])[0]!.content as { parts: JsonObject[] }).parts)

  it('calls whose arguments interleave are whole, the first signed as nobody’s', () => {
    const events = [
      start,
      open(0, call('f')),
      open(1, call('g')),
      delta(1, '{"b"'),
      delta(0, '{"a":'),
      delta(1, ':2}'),
      delta(0, '1}'),
      close(0),
      close(1),
      finish
    ]
    const [first, second] = partsIn(chunksOf(events))
    assert.deepEqual(first, {
      thoughtSignature: 'skip_thought_signature_validator',
      functionCall: { id: 'f', name: 'f', args: { a: 1 } }
    })
    assert.deepEqual(second, { functionCall: { id: 'g', name: 'g', args: { b: 2 } } })
  })

  it('finish and usage come last, whatever the order they were told in', () => {
    const usage: Event = { type: 'usage', usage: { inputTokens: 3, outputTokens: 4 } }
    const chunks = chunksOf([
      start,
      open(0, { type: 'text', text: '' }),
      delta(0, 'a'),
      close(0),
      finish,
      usage,
      { type: 'end' }
    ])
    assert.equal(chunks.length, 2)
    assert.equal((chunks[1]!.candidates as JsonObject[])[0]!.finishReason, 'STOP')
    assert.deepEqual(chunks[1]!.usageMetadata, { promptTokenCount: 3, candidatesTokenCount: 4, totalTokenCount: 7 })
  })

  it('nothing follows a failure', () => {
    const failed: Event = { type: 'failed', failure: new Failure('provider_timeout', 'late') }
    const chunks = chunksOf([start, failed, finish, { type: 'end' }])
    assert.equal(chunks.length, 1)
    const { code, status } = chunks[0]!.error as JsonObject
    assert.deepEqual([code, status], [504, 'DEADLINE_EXCEEDED'])
  })

  it('a failure of another maker is never a natural end', () => {
    const losses: string[] = []
    const odd: Event = {
      type: 'finish',
      choice: 0,
      finish: { unified: 'error', raw: 'network_error', maker: 'openai-chat' }
    }
    const last = chunksOf([start, odd, { type: 'end' }], losses).at(-1)!
    const [candidate] = last.candidates as JsonObject[]
    assert.deepEqual([candidate!.finishReason, candidate!.finishMessage], ['OTHER', 'network_error'])
    assert.deepEqual(losses, ['candidates[0].finish_reason'])
  })
})
