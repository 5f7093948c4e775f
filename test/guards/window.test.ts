import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Event, Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import type { Check } from '../../src/guards/guard.ts'
import { GuardedStream } from '../../src/guards/window.ts'
import type { Sink, Source } from '../../src/wire/frames.ts'
import { EMAIL, framesOf, guardingOf, guardOf, heard, Playing, readingOf, SPOKEN, through } from './kit.ts'

const TEXT = 'Write to ann@example.com, or bob.b@mail.org, and not to nobody@ or x@y. Then again: ann@example.com'
const MASKED = 'Write to [[EMAIL_1]], or [[EMAIL_2]], and not to nobody@ or x@y. Then again: [[EMAIL_1]]'
const INPUT = '{"to":"ann@example.com","note":"line\\nbob.b@mail.org \\"ann@example.com\\"","n":3}'
const INPUT_MASKED = '{"to":"[[EMAIL_1]]","note":"line\\n[[EMAIL_2]] \\"[[EMAIL_1]]\\"","n":3}'

for (const [name, framing] of SPOKEN) {
  test(`${name} as ${framing}: what is masked never leaves, however the stream is cut`, async () => {
    for (const cuts of [[1], [2], [3, 1], [7], [1000]]) {
      const frames = framesOf(name, framing, { thinking: 'ann@example.com?', text: TEXT, input: INPUT }, cuts)
      const guarding = guardingOf(guardOf(EMAIL))
      const { frames: got, outcome } = await through(name, framing, new Playing(frames), guarding)
      assert.deepEqual(outcome, { how: 'done' })
      const texts = heard(name, framing, got)
      assert.equal(texts.get('text'), MASKED, `cut by ${cuts}`)
      assert.deepEqual(JSON.parse(texts.get('tool-input')!), JSON.parse(INPUT_MASKED), `cut by ${cuts}`)
      for (const [what, text] of texts) {
        if (!what.startsWith('thinking')) assert.ok(!/ann@example|bob\.b@mail/.test(text), `${what}: ${text}`)
      }
      assert.equal(got.length, frames.length)
    }
  })

  test(`${name} as ${framing}: what nothing is found in goes on byte for byte`, async () => {
    const frames = framesOf(
      name,
      framing,
      { text: 'Nothing here. é 😀 "q" \\ [[NOT_OURS_1]]', input: '{"a":[1,{"b":"c"}]}' },
      [2]
    )
    const { raw } = await through(name, framing, new Playing(frames), guardingOf(guardOf(EMAIL)))
    assert.equal(raw.toString(), Buffer.concat(frames.map(frame => frame.raw)).toString())
  })

  test(`${name} as ${framing}: placeholders are put back, in text and in arguments of tools`, async () => {
    const value = 'quote " back \\ line\n é😀 end'
    for (const cuts of [[1], [4], [1000]]) {
      const guarding = guardingOf(guardOf(EMAIL, { sides: ['request'], action: 'restore' }))
      const token = guarding.placeholders.of('EMAIL', value, true)
      const frames = framesOf(
        name,
        framing,
        { text: `a ${token}${token} [[ [[EMAIL_9]] b`, input: `{"x":"${token}!"}` },
        cuts
      )
      const { frames: got } = await through(name, framing, new Playing(frames), guarding)
      const texts = heard(name, framing, got)
      assert.equal(texts.get('text'), `a ${value}${value} [[ [[EMAIL_9]] b`)
      assert.deepEqual(JSON.parse(texts.get('tool-input')!), { x: `${value}!` })
      for (const [what, text] of texts) assert.ok(!text.includes(token), `${what}: ${text}`)
    }
  })

  test(`${name} as ${framing}: a finding that is blocked ends the stream, and nothing of it was sent`, async () => {
    const long = 'This goes on for quite a while before anything is said that may not be. '.repeat(3)
    for (const cuts of [[1], [5], [1000]]) {
      const source = new Playing(framesOf(name, framing, { text: `${long}ann@example.com and more ${long}` }, cuts))
      const { frames, outcome, refused } = await through(
        name,
        framing,
        source,
        guardingOf(guardOf(EMAIL, { action: 'block' }))
      )
      const failure = refused ?? (outcome?.how === 'failed' ? outcome.failure : undefined)
      assert.equal(failure?.code, 'guardrail_blocked')
      assert.match(failure.message, /test\.email/)
      assert.doesNotMatch(failure.message, /ann@/)
      for (const [what, text] of heard(name, framing, frames))
        assert.doesNotMatch(text, /ann|@/, `${what}, cut by ${cuts}`)
    }
  })

  test(`${name} as ${framing}: whole or streamed, the same text`, async () => {
    const piece = fc.oneof(
      fc.constantFrom(
        'ann@example.com',
        'a@b.de',
        '@',
        '.',
        'x',
        ' ',
        '[[',
        ']]',
        '[[EMAIL_1]]',
        'é',
        '😀',
        'bob.b@mail.org1'
      ),
      fc.string({ maxLength: 5 })
    )
    const words = fc.array(piece, { maxLength: 30 }).map(all => all.join(''))
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 })
    await fc.assert(
      fc.asyncProperty(words, lengths, async (text, cuts) => {
        const told = async (lengths: readonly number[]) => {
          const guarding = guardingOf(guardOf(EMAIL))
          guarding.placeholders.of('EMAIL', 'first', true)
          const frames = framesOf(name, framing, { text, input: JSON.stringify({ a: text }) }, lengths)
          const { frames: got, outcome } = await through(name, framing, new Playing(frames), guarding)
          assert.deepEqual(outcome, { how: 'done' })
          return [...heard(name, framing, got)].map(([what, said]) => `${what}: ${said}`)
        }
        assert.deepEqual(await told(cuts), await told([100_000]))
      }),
      { numRuns: 40 }
    )
  })
}

test('texts of events that the dialect has no name for are looked at too', async () => {
  const frames = framesOf('openai-responses', 'sse', { text: 'Hello.' }, [3])
  const data = {
    type: 'response.new_thing.progress',
    item_id: 'ann@example.com',
    shown: { to: ['see ann@example.com'] }
  }
  const event: Event = { type: 'native', seal: { maker: 'openai-responses', value: data } }
  const raw = Buffer.from(`event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`)
  frames.splice(4, 0, { raw, events: [event] })
  const { raw: got } = await through('openai-responses', 'sse', new Playing(frames), guardingOf(guardOf(EMAIL)))
  assert.match(got.toString(), /"item_id":"ann@example.com","shown":\{"to":\["see \[\[EMAIL_1\]\]"\]\}/)
})

test('what is only noted holds nothing back, and is noted as often as in the whole text', async () => {
  const far: Check = { ...EMAIL, reach: 400 }
  const piece = fc.constantFrom('ann@example.com ', 'bob.b@mail.org', 'and then some words ', ' x ', '. ')
  const texts = fc.array(piece, { minLength: 1, maxLength: 40 }).map(all => all.join(''))
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 30 }), async (text, cut) => {
      const noted = async (cuts: number[], check: Check) => {
        const guarding = guardingOf(
          guardOf(check, { name: 'flagging', action: 'flag' }),
          guardOf({ ...check, reach: 'whole' }, { name: 'measuring', action: 'shadow' }),
          guardOf(EMAIL, { name: 'masking' })
        )
        const frames = framesOf('openai-chat', 'sse', { text }, cuts)
        await through('openai-chat', 'sse', new Playing(frames), guarding)
        return guarding.verdicts.map(({ guard, rule, action, count }) => `${guard} ${rule} ${action} ${count}`).sort()
      }
      const whole = await noted([100_000], EMAIL)
      assert.deepEqual(await noted([cut], EMAIL), whole)
      assert.deepEqual(await noted([cut], far), whole)
    }),
    { numRuns: 60 }
  )
  const frames = framesOf('openai-chat', 'sse', { text: 'so many words '.repeat(20) }, [5]).slice(0, 40)
  const guarding = guardingOf(
    guardOf(far, { action: 'flag' }),
    guardOf({ ...far, reach: 'whole' }, { action: 'shadow' })
  )
  let sink: Sink<Frame> | undefined
  const source: Source<Frame> = {
    start: given => {
      sink = given
    },
    resume: () => {},
    destroy: () => {}
  }
  const reading = readingOf('response', guarding)
  const stream = new GuardedStream(source, { dialect: dialects['openai-chat'], framing: 'sse', reading })
  const ready = stream.ready()
  for (const frame of frames) sink!.frame(frame)
  await ready
  let count = 0
  stream.start({ frame: () => ++count > 0, close: () => {} })
  assert.equal(count, frames.length)
})
