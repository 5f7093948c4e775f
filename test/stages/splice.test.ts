import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Event, Part } from '../../src/dialects/canonical.ts'
import { collect } from '../../src/dialects/collect.ts'
import { dialects } from '../../src/dialects/index.ts'
import { DIVERGED, Splice } from '../../src/stages/splice.ts'
import { Told } from '../../src/stages/told.ts'
import { decodeSse, encodeSse, readSse } from '../support/dialects.ts'

const START: Event = { type: 'start', id: 'one', model: 'm' }
const FINISH: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }
const END: Event = { type: 'end' }

/** The text in pieces, cut after these many characters each. */
function pieces(text: string, sizes: readonly number[]): string[] {
  const found: string[] = []
  const characters = Array.from(text)
  for (let at = 0, nth = 0; at < characters.length; nth++) {
    const size = sizes[nth % sizes.length]!
    found.push(characters.slice(at, at + size).join(''))
    at += size
  }
  return found
}

interface Written {
  parts: [type: 'text' | 'thinking', pieces: readonly string[]][]
}

function eventsOf({ parts }: Written): Event[] {
  return parts.flatMap(([type, texts], index): Event[] => [
    { type: 'open', choice: 0, index, part: { type, text: '' } as Part },
    ...texts.map((text): Event => ({ type: 'delta', choice: 0, index, text })),
    { type: 'close', choice: 0, index }
  ])
}

/** What the client gets of these events; undefined where they do not fit. */
function give(told: Told, events: readonly Event[], splice?: Splice): Event[] | undefined {
  const given: Event[] = []
  for (const event of events) {
    const fitted = splice ? splice.fit(event) : [event]
    if (fitted === DIVERGED) return undefined
    for (const each of fitted) {
      told.push(each)
      given.push(each)
    }
  }
  return given
}

/** Every part opens once, speaks while it is open, and is closed before the finish. */
function assertWellFormed(events: readonly Event[]): void {
  const open = new Set<number>()
  const opened = new Set<number>()
  for (const event of events) {
    if (event.type === 'open') {
      assert.ok(!opened.has(event.index), 'opened twice')
      opened.add(event.index)
      open.add(event.index)
    }
    if (event.type === 'delta') assert.ok(open.has(event.index), 'a delta of a part that is not open')
    if (event.type === 'close') assert.ok(open.delete(event.index), 'closed without being open')
    if (event.type === 'finish') assert.equal(open.size, 0, 'finished with an open part')
  }
  assert.equal(events.filter(event => event.type === 'start').length, 1)
  // Some dialects have no word for the end: it comes with the end of the bytes.
  const last = events.findLast(event => event.type !== 'usage' && event.type !== 'close')
  assert.match(last?.type ?? '', /^(?:end|finish)$/)
}

function textOf(events: readonly Event[]): string {
  return collect(events)
    .choices[0]!.parts.map(part => (part.type === 'text' ? part.text : ''))
    .join('')
}

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 4 })
const words = fc
  .array(fc.constantFrom('lamp', 'ledger', ' ', '  ', '\n', 'Ö', '🚂', '.', 'the', 'a a '), {
    minLength: 1,
    maxLength: 20
  })
  .map(list => list.join(''))

const broken = fc
  .record({
    text: words,
    cut: fc.integer({ min: 0, max: 60 }),
    oldSizes: sizes,
    newSizes: sizes,
    isOpen: fc.boolean(),
    thought: fc.boolean(),
    thinksAgain: fc.boolean(),
    inTwo: fc.boolean()
  })
  .map(given => ({ ...given, said: Array.from(given.text).slice(0, given.cut).join('') }))

test('a restart or a prefill, cut and chunked in any way, gives the whole text once, as one well-formed stream', () => {
  fc.assert(
    fc.property(broken, fc.constantFrom('restart', 'prefill'), (given, how) => {
      const { text, said, oldSizes, newSizes, isOpen, thought, thinksAgain, inTwo } = given
      const told = new Told()
      const before: Written = { parts: [] }
      if (thought) before.parts.push(['thinking', ['hm']])
      if (said !== '') before.parts.push(['text', pieces(said, oldSizes)])
      const old = eventsOf(before)
      // It broke inside its last part, or between two.
      if (isOpen && old.length > 0) old.pop()
      const first = give(told, [START, ...old])!
      assert.ok(told.canGoOn)
      assert.equal(told.text, said)

      const coming = how === 'restart' ? text : text.slice(said.trimEnd().length)
      const after: Written = { parts: [] }
      if (thinksAgain) after.parts.push(['thinking', ['hm', ' again']])
      const chunks = pieces(coming, newSizes)
      const half = inTwo ? Math.floor(chunks.length / 2) : chunks.length
      for (const part of [chunks.slice(0, half), chunks.slice(half)]) {
        if (part.length > 0) after.parts.push(['text', part])
      }
      const answer: Event[] = [{ ...START, id: 'two' }, ...eventsOf(after), FINISH, END]
      const second = give(told, answer, new Splice(told, how as 'restart' | 'prefill'))
      assert.ok(second, 'it fits')
      const whole = [...first, ...second]
      assertWellFormed(whole)
      assert.equal(whole.at(-1)?.type, 'end')
      assert.equal(textOf(whole), text)
      for (const dialect of Object.values(dialects)) {
        const native = decodeSse(dialect, readSse([Buffer.from(encodeSse(dialect, whole))]))
        assertWellFormed(native)
        assert.equal(textOf(native), text, dialect.name)
      }
    }),
    { numRuns: 400 }
  )
})

test('a restart that says anything else, or less, does not fit', () => {
  const cases: [said: string, again: string][] = [
    ['You said: a', 'You said: b and more'],
    ['You said: a', 'You sai'],
    ['You said: a', 'You said: A'],
    ['abc', 'ab'],
    ['abc', '']
  ]
  for (const [said, again] of cases) {
    const told = new Told()
    give(told, [START, ...eventsOf({ parts: [['text', [said]]] }).slice(0, -1)])
    const answer: Event[] = [START, ...eventsOf({ parts: [['text', [again]]] }), FINISH, END]
    assert.equal(give(told, answer, new Splice(told, 'restart')), undefined, again)
  }
})

test('a restart that calls a tool before it has said what was said does not fit; after it, it does', () => {
  const call: Part = { type: 'tool-call', id: 'c', name: 'look', input: '' }
  const told = () => {
    const made = new Told()
    give(made, [START, ...eventsOf({ parts: [['text', ['Let me look.']]] }).slice(0, -1)])
    return made
  }
  const tool: Event[] = [
    { type: 'open', choice: 0, index: 7, part: call },
    { type: 'delta', choice: 0, index: 7, text: '{}' },
    { type: 'close', choice: 0, index: 7 },
    FINISH,
    END
  ]
  const early = told()
  assert.equal(give(early, [START, ...tool], new Splice(early, 'restart')), undefined)
  const late = told()
  const text = eventsOf({ parts: [['text', ['Let me', ' look.']]] })
  const given = give(late, [START, ...text, ...tool], new Splice(late, 'restart'))!
  assert.deepEqual(
    given.map(event => [event.type, 'index' in event ? event.index : undefined]),
    [
      ['close', 0],
      ['open', 1],
      ['delta', 1],
      ['close', 1],
      ['finish', undefined],
      ['end', undefined]
    ]
  )
  assert.equal(late.canGoOn, false, 'and then it is never gone on with')
})

test('thinking that was cut off is closed, and begins anew where no text had come', () => {
  const told = new Told()
  give(told, [START, ...eventsOf({ parts: [['thinking', ['I wonder']]] }).slice(0, -1)])
  const seal = { maker: 'anthropic-messages', value: 'signed' } as const
  const answer: Event[] = eventsOf({
    parts: [
      ['thinking', ['I see']],
      ['text', ['Yes.']]
    ]
  }).map((event): Event => (event.type === 'close' && event.index === 0 ? { ...event, seal } : event))
  const given = give(told, [START, ...answer, FINISH, END], new Splice(told, 'restart'))!
  assert.deepEqual(given.slice(0, 4), [
    { type: 'close', choice: 0, index: 0 },
    { type: 'open', choice: 0, index: 1, part: { type: 'thinking', text: '' } },
    { type: 'delta', choice: 0, index: 1, text: 'I see' },
    { type: 'close', choice: 0, index: 1, seal }
  ])
})

test('what cannot be gone on with: tool calls, refusals, other choices, what is finished', () => {
  const at = { choice: 0, index: 0 }
  const cases: Event[][] = [
    [{ type: 'open', ...at, part: { type: 'tool-call', id: 'c', name: 'n', input: '' } }],
    [
      { type: 'open', ...at, part: { type: 'tool-call', id: 'c', name: 'n', input: '' } },
      { type: 'close', ...at }
    ],
    [{ type: 'open', ...at, part: { type: 'refusal', text: '' } }],
    [{ type: 'open', choice: 1, index: 0, part: { type: 'text', text: '' } }],
    [{ type: 'open', ...at, part: { type: 'text', text: '' } }, { type: 'close', ...at }, FINISH]
  ]
  for (const events of cases) {
    const told = new Told()
    give(told, [START, ...events])
    assert.equal(told.canGoOn, false)
  }
})

test('usage is that of all attempts together, each counted once', () => {
  const told = new Told()
  assert.deepEqual(told.used({ inputTokens: 10, outputTokens: 1 }), { inputTokens: 10, outputTokens: 1 })
  told.used({ outputTokens: 4 })
  told.broke()
  told.broke()
  told.used({ inputTokens: 12, outputTokens: 1, tier: 'standard' })
  assert.deepEqual(told.used({ outputTokens: 9 }), { inputTokens: 22, outputTokens: 13, tier: 'standard' })
})
