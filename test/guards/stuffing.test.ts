import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { CHECKS } from '../../src/config/guards.ts'
import type { Check } from '../../src/guards/guard.ts'
import { normalize } from '../../src/guards/normalize.ts'
import { Folding } from '../../src/guards/patterns/fold.ts'
import { backBy, STUFFING_MAX } from '../../src/guards/stretch.ts'
import { framesOf, guardingOf, guardOf, heard, Playing, through } from './kit.ts'

const made = (name: string, options: object = {}) =>
  CHECKS[name]!.create(CHECKS[name]!.options.parse(options) as never) as Check
const words = made('words', { words: ['open sesame'] })

/** What stuffing leaves of a text for a reader. */
const bare = (text: string) => normalize(text).text.replace(/\s+/g, ' ')

/** Values that may not leave, each with the check that finds it however it is stuffed. */
const FORBIDDEN: readonly (readonly [string, Check])[] = [
  ['ann.smith@example.com', made('pii')],
  ['4111 1111 1111 1111', made('pii')],
  ['AKIAQ3EGRZ7XWL2MNV4T', made('secrets')],
  ['open sesame', words]
]

const stuffing = fc
  .tuple(
    fc.constantFrom('\u200b', '\u00ad', '\u2060', '\ufeff', '\u0301', '\ufe0f', '\u{e0041}', '\u200d\u0300'),
    fc.nat(900)
  )
  .map(([char, count]) => char.repeat(count))
const cuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 6 })

for (const [value, check] of FORBIDDEN) {
  for (const action of ['mask', 'block'] as const) {
    test(`${value}: stuffed with what has no width and cut anywhere, ${action} lets none of it go`, async () => {
      const stuffed = fc
        .array(fc.option(stuffing, { nil: '', freq: 4 }), { minLength: value.length, maxLength: value.length })
        .map(between => [...value].map((char, at) => char + (at < value.length - 1 ? between[at] : '')).join(''))
      await fc.assert(
        fc.asyncProperty(stuffed, cuts, async (hidden, lengths) => {
          // Where the check does not see it in the whole text, nothing is forbidden.
          const place = { side: 'response', role: 'assistant', kind: 'text', path: 'x' } as const
          const text = `So here it is for you: ${hidden} and that was it.`
          if (check.find!(text, place).length === 0) return
          const guarding = guardingOf(guardOf(check, { action }))
          const frames = framesOf('openai-chat', 'sse', { text, input: JSON.stringify({ to: text }) }, lengths)
          const { frames: got } = await through('openai-chat', 'sse', new Playing(frames), guarding)
          const texts = heard('openai-chat', 'sse', got)
          const said = bare(texts.get('text') ?? '')
          const input = texts.get('tool-input') ?? ''
          const given = action === 'mask' ? bare(String(JSON.parse(input).to)) : bare(input)
          for (const part of [value.slice(0, 5), value.slice(-5)]) {
            assert.ok(!said.includes(part), said)
            assert.ok(!given.includes(part), given)
          }
        }),
        { numRuns: 15 }
      )
    })
  }
}

test('spaces between the words of a phrase are as good as one, however many there are', async () => {
  const text = `Say open${' \n'.repeat(3_000)}sesame and it opens.`
  const guarding = guardingOf(guardOf(words))
  const frames = framesOf('openai-chat', 'sse', { text }, [50])
  const { frames: got } = await through('openai-chat', 'sse', new Playing(frames), guarding)
  assert.equal(heard('openai-chat', 'sse', got).get('text'), 'Say [[WORD_1]] and it opens.')
})

test('more stuffing than a window holds: what must be checked is stopped, what need not goes on', async () => {
  const text = `open ses${'\u200b'.repeat(STUFFING_MAX + 10_000)}ame, and on`
  const answered = async (more: object) => {
    const guarding = guardingOf(guardOf(words, more))
    const frames = framesOf('openai-chat', 'sse', { text }, [1_000])
    const { frames: got, outcome, refused } = await through('openai-chat', 'sse', new Playing(frames), guarding)
    const failure = refused ?? (outcome?.how === 'failed' ? outcome.failure : undefined)
    const said = bare(heard('openai-chat', 'sse', got).get('text') ?? '')
    return { code: failure?.code, said, actions: guarding.verdicts.map(({ action }) => action) }
  }
  const closed = await answered({ action: 'block' })
  assert.equal(closed.code, 'guard_unavailable')
  assert.ok(!closed.said.includes('open'), closed.said)
  for (const more of [{ action: 'block', failsClosed: false }, { action: 'flag' }, { action: 'shadow' }]) {
    const open = await answered(more)
    assert.equal(open.code, undefined)
    assert.ok(open.said.endsWith('and on'), open.said)
    assert.ok(open.actions.includes('error'))
  }
})

test('whatever a check leaves out of a text counts nothing in a window', () => {
  const folding = new Folding({ ignoreAccents: true })
  const counted: string[] = []
  for (let code = 0x20; code < 0xe1000; code++) {
    // Surrogates, and planes with ideographs alone or nothing.
    if ((code >= 0xd800 && code <= 0xdfff) || (code >= 0x20000 && code < 0xe0000)) continue
    const char = String.fromCodePoint(code)
    const isLeftOut = (code > 0x7f && normalize(char).text === '') || folding.of(code) === ''
    if (isLeftOut && backBy(`a${char}b`, 1 + char.length + 1, 2) !== 0) counted.push(code.toString(16))
  }
  assert.deepEqual(counted, [])
})

test('a distance is never less than in units, and never more than there is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat(80), (text, distance) => {
      const at = backBy(text, text.length, distance)
      assert.ok(at >= 0 && at <= Math.max(0, text.length - distance))
    }),
    { numRuns: 50 }
  )
  assert.equal(backBy('abc', 3, 2), 1)
  assert.equal(backBy('a\u200b\u200bbc', 5, 3), 0)
  assert.equal(backBy('a  \n b', 6, 3), 0)
  assert.equal(backBy('\ud835\udc00b', 3, 2), 0)
})
