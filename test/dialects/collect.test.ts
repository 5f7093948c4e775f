import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ChatResponse, Event, Part, Seal } from '../../src/dialects/canonical.ts'
import { collect, unroll } from '../../src/dialects/collect.ts'
import { Failure } from '../../src/errors.ts'
import type { Json } from '../../src/json.ts'

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const word = fc.string({ unit: 'grapheme', maxLength: 12 })
const json = fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>
const maker = fc.constantFrom('openai-chat' as const, 'anthropic-messages' as const)
const seal = fc.record({ maker, value: json }) as fc.Arbitrary<Seal>
const base = { cache: optional(fc.constant({ ttl: '1h' })), rest: optional(seal), spelling: optional(seal) }

const leaf = fc.oneof(
  fc.record({
    type: fc.constant('text' as const),
    text: word,
    citations: optional(fc.array(json, { maxLength: 3 })),
    ...base
  }),
  fc.record({ type: fc.constant('thinking' as const), text: word, seal: optional(seal), ...base }),
  fc.record({ type: fc.constant('refusal' as const), text: word, ...base }),
  fc.record({ type: fc.constant('media' as const), mediaType: fc.constant('image/png'), data: word, ...base }),
  fc.record({
    type: fc.constant('tool-call' as const),
    id: word,
    name: word,
    input: word,
    seal: optional(seal),
    ...base
  }),
  fc.record({ type: fc.constant('native' as const), seal, ...base })
) as fc.Arbitrary<Part>

const finish = fc.record({
  unified: fc.constantFrom('stop' as const, 'length' as const, 'tool-calls' as const, 'error' as const),
  raw: word,
  maker,
  stopSequence: optional(word)
})

const choice = fc.record({
  parts: fc.array(leaf, { maxLength: 5 }),
  finish,
  logprobs: optional(fc.constant<Json>({ content: [{ token: 'a' }], refusal: null })),
  rest: optional(seal),
  spelling: optional(seal)
})

const response = fc
  .record({
    id: word,
    model: word,
    created: optional(fc.nat()),
    choices: fc.array(choice, { minLength: 1, maxLength: 3 }),
    usage: optional(fc.record({ inputTokens: fc.nat(), outputTokens: fc.nat(), cacheReadTokens: fc.nat() })),
    rest: optional(seal),
    spelling: optional(seal)
  })
  .map(whole => {
    const choices = whole.choices.map((each, index) => ({ index, ...each }))
    // Through JSON: absent and undefined are not the same to what is tested here.
    return JSON.parse(JSON.stringify({ ...whole, choices })) as ChatResponse
  })

describe('law c', () => {
  it('any reply comes back from its own events, and neither is edited', () => {
    fc.assert(
      fc.property(response, reply => {
        const before = structuredClone(reply)
        const events = [...unroll(reply)]
        const told = structuredClone(events)
        assert.deepEqual(collect(events), reply)
        assert.deepEqual(reply, before)
        assert.deepEqual(events, told)
      }),
      { numRuns: 300, seed: 11 }
    )
  })

  it('however finely the texts are cut and the choices interleave', () => {
    fc.assert(
      fc.property(response, fc.infiniteStream(fc.nat()), (reply, random) => {
        const next = (below: number) => random.next().value! % below
        const lanes = reply.choices.map(each =>
          [...unroll({ ...reply, choices: [each] })].slice(1).filter(isOfChoice).flatMap(letters)
        )
        const mixed: Event[] = [...unroll({ ...reply, choices: [] })].filter(event => event.type === 'start')
        while (lanes.some(lane => lane.length > 0)) {
          const waiting = lanes.filter(lane => lane.length > 0)
          mixed.push(waiting[next(waiting.length)]!.shift()!)
        }
        if (reply.usage) mixed.push({ type: 'usage', usage: reply.usage })
        assert.deepEqual(collect([...mixed, { type: 'end' }]), reply)
      }),
      { numRuns: 200, seed: 12 }
    )
  })
})

function isOfChoice(event: Event): boolean {
  return 'choice' in event
}

function letters(event: Event): Event[] {
  if (event.type !== 'delta' || event.text === undefined) return [event]
  const { logprobs, ...rest } = event
  const pieces = [...event.text].map(
    (text, at): Event => ({ ...rest, text, ...(at === 0 && logprobs !== undefined && { logprobs }) })
  )
  return pieces
}

describe('a stream that is not whole', () => {
  const start: Event = { type: 'start', id: 'x', model: 'm' }
  const open: Event = { type: 'open', choice: 0, index: 0, part: { type: 'text', text: 'a' } }
  const done: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }

  it('is truncated without a finish for every choice, with or without its end', () => {
    const cut = (thrown: unknown) => thrown instanceof Failure && thrown.code === 'provider_truncated'
    assert.throws(() => collect([]), cut)
    assert.throws(() => collect([start, { type: 'end' }]), cut)
    assert.throws(() => collect([start, open, { type: 'end' }]), cut)
    assert.throws(() => collect([start, open, done, { ...open, choice: 1 }]), cut)
    assert.equal(collect([start, open, done]).choices.length, 1)
  })

  it('throws the failure it ended with', () => {
    const failure = new Failure('provider_error', 'boom')
    assert.throws(() => collect([start, open, done, { type: 'failed', failure }]), failure)
  })

  it('reports usage it was told at the start, and later reports replace it', () => {
    const early: Event = { ...start, usage: { inputTokens: 9, cacheReadTokens: 4 } } as Event
    const { usage } = collect([early, open, done, { type: 'usage', usage: { outputTokens: 3, inputTokens: 10 } }])
    assert.deepEqual(usage, { inputTokens: 10, cacheReadTokens: 4, outputTokens: 3 })
    assert.equal('usage' in collect([{ ...start, usage: { tier: 'default' } } as Event, open, done]), false)
  })

  it('a seal may come with a delta or the close, to thinking that is closed already too', () => {
    const seal: Seal = { maker: 'anthropic-messages', value: 's' }
    const thinking: Event = { type: 'open', choice: 0, index: 0, part: { type: 'thinking', text: '' } }
    const close: Event = { type: 'close', choice: 0, index: 0 }
    const delta: Event = { type: 'delta', choice: 0, index: 0, seal }
    const expected = [{ type: 'thinking', text: '', seal }]
    assert.deepEqual(collect([start, thinking, delta, close, done]).choices[0]!.parts, expected)
    assert.deepEqual(collect([start, thinking, close, delta, done]).choices[0]!.parts, expected)
    assert.deepEqual(collect([start, thinking, { ...close, seal } as Event, done]).choices[0]!.parts, expected)
  })
})
