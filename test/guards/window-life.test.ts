import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import type { Check } from '../../src/guards/guard.ts'
import { GuardedStream } from '../../src/guards/window.ts'
import type { Sink, Source } from '../../src/wire/frames.ts'
import { RecordingSink, sinkConformance } from '../wire/sink-conformance.ts'
import { EMAIL, framesOf, guardingOf, guardOf, heard, Playing, readingOf, through } from './kit.ts'

const said = (text: string, cuts: readonly number[] = [5]) => framesOf('openai-chat', 'sse', { text }, cuts)

const windowOf = (source: Source<Frame>, guarding = guardingOf(guardOf(EMAIL)), waitingBytesMax?: number) =>
  new GuardedStream(source, {
    dialect: dialects['openai-chat'],
    framing: 'sse',
    reading: readingOf('response', guarding),
    ...(waitingBytesMax !== undefined && { waitingBytesMax })
  })

/** A source whose sink is in the test's hands. */
class Puppet implements Source<Frame> {
  sink!: Sink<Frame>
  readonly told: string[] = []
  start(sink: Sink<Frame>): void {
    this.sink = sink
  }
  resume(): void {
    this.told.push('resume')
  }
  destroy(reason?: Failure): void {
    this.told.push(`destroy ${reason?.code ?? 'left'}`)
    this.sink.close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
  }
}

sinkConformance<Frame>('a guarded stream', {
  make(inner) {
    const puppet = new Puppet()
    const stream = windowOf(puppet)
    stream.ready().catch(() => {})
    stream.start(inner)
    return puppet.sink
  },
  frame: nth => said('So many words that some of them may go out. '.repeat(4))[nth]!
})

test('what waits is bounded: a stream that never lets go of its text is stopped', async () => {
  const hoarding: Check = { reach: 10, find: text => [{ rule: 'r', start: 0, end: text.length, score: 1, label: 'R' }] }
  const source = new Playing(said('x'.repeat(50_000), [10]))
  const stream = windowOf(source, guardingOf(guardOf(hoarding)), 100_000)
  await assert.rejects(stream.ready(), { code: 'guard_unavailable' })
  assert.deepEqual(source.told, ['destroy guard_unavailable'])
})

test('a receiver that is full is waited for, with what was held back too', async () => {
  const frames = said('So many words that some of them may go out. '.repeat(20))
  const source = new Playing(frames)
  const stream = windowOf(source)
  await stream.ready()
  const sink = new RecordingSink<Frame>()
  sink.accepting = false
  stream.start(sink)
  assert.ok(sink.frames.length <= 1, `${sink.frames.length} frames`)
  for (let turn = 0; sink.outcomes.length === 0; turn++) {
    assert.ok(turn < 10_000)
    const before = sink.frames.length
    stream.resume()
    assert.ok(sink.frames.length <= before + 2)
  }
  assert.equal(sink.frames.length, frames.length)
  assert.deepEqual(sink.outcomes, [{ how: 'done' }])
})

test('a client that leaves: the source is given up; read on all the same, it is told what was used', async () => {
  const puppet = new Puppet()
  puppet.destroy = () => {
    puppet.told.push('drains')
  }
  const stream = windowOf(puppet)
  const ready = stream.ready()
  const [begin, open, ...rest] = said('So many words that some of them may go out. '.repeat(20))
  for (const frame of [begin!, open!, ...rest.slice(0, 60)]) puppet.sink.frame(frame)
  await ready
  const sink = new RecordingSink<Frame>()
  stream.start(sink)
  stream.destroy()
  const before = sink.frames.length
  for (const frame of rest.slice(60)) assert.equal(puppet.sink.frame(frame), true)
  puppet.sink.close({ how: 'aborted', drained: true })
  assert.ok(sink.frames.slice(before).every(({ raw }) => raw.length === 0))
  assert.ok(sink.frames.slice(before).some(({ events }) => events.some(({ type }) => type === 'usage')))
  assert.deepEqual(sink.outcomes, [{ how: 'aborted', drained: true }])
})

test('until the first words may go out, whatever goes wrong is for the plan', async () => {
  const cut = new Failure('provider_truncated', 'cut')
  const short = said('Only a few').slice(0, 3)
  assert.equal(
    (
      await through(
        'openai-chat',
        'sse',
        new Playing(short, { how: 'failed', failure: cut }),
        guardingOf(guardOf(EMAIL))
      )
    ).refused,
    cut
  )
  const left = await through('openai-chat', 'sse', new Playing(short, { how: 'aborted' }), guardingOf(guardOf(EMAIL)))
  assert.equal(left.refused?.code, 'client_closed')
  const many = said('So many words that some of them may go out. '.repeat(20)).slice(0, 100)
  const later = await through(
    'openai-chat',
    'sse',
    new Playing(many, { how: 'failed', failure: cut }),
    guardingOf(guardOf(EMAIL))
  )
  assert.deepEqual(later.outcome, { how: 'failed', failure: cut })
  assert.equal(later.frames.length, many.length)
})

test('a check of the whole holds all of it, and has the last word', async () => {
  const judged: string[] = []
  const judge = (found: boolean): Check => ({
    reach: 'whole',
    async judge({ passages }) {
      judged.push(...passages.map(({ text }) => text))
      return passages.flatMap(({ text, path }) => {
        const start = text.indexOf('Ann')
        return found && start >= 0 ? [{ rule: 'names', path, start, end: start + 3, score: 1, label: 'NAME' }] : []
      })
    }
  })
  const text = 'To ann@example.com, who is Ann. '.repeat(3)
  const frames = framesOf('openai-chat', 'sse', { text, input: '{"a":"Ann\\n"}' }, [4])
  const masking = guardingOf(guardOf(EMAIL, { name: 'pii' }), guardOf(judge(true), { name: 'names' }))
  const { frames: got, outcome } = await through('openai-chat', 'sse', new Playing(frames), masking)
  assert.deepEqual(outcome, { how: 'done' })
  const texts = heard('openai-chat', 'sse', got)
  assert.equal(
    texts.get('text'),
    'To [[EMAIL_1]], who is [[NAME_1]]. '
      .repeat(3)
      .replaceAll('is [[NAME_1]]', 'is Ann')
      .replace('is Ann', 'is [[NAME_1]]')
  )
  assert.equal(texts.get('tool-input'), '{"a":"[[NAME_1]]\\n"}')
  assert.deepEqual(judged, ['To [[EMAIL_1]], who is Ann. '.repeat(3), '{"a":"Ann\n"}'])
  const blocking = guardingOf(guardOf(judge(true), { action: 'block' }))
  assert.equal((await through('openai-chat', 'sse', new Playing(frames), blocking)).refused?.code, 'guardrail_blocked')
  const passing = await through('openai-chat', 'sse', new Playing(frames), guardingOf(guardOf(judge(false))))
  assert.deepEqual(passing.raw, Buffer.concat(frames.map(({ raw }) => raw)))
})

test('a text that a stream repeats is judged once, and masked wherever it stands', async () => {
  const judged: string[] = []
  const judge: Check = {
    reach: 'whole',
    async judge({ passages }) {
      judged.push(...passages.map(({ text }) => text))
      return passages.map(({ path }) => ({ rule: 'names', path, start: 3, end: 6, score: 1, label: 'NAME' }))
    }
  }
  const frames = framesOf('openai-responses', 'sse', { text: 'To Ann.' }, [2])
  const { raw, frames: got } = await through('openai-responses', 'sse', new Playing(frames), guardingOf(guardOf(judge)))
  assert.deepEqual(
    judged.filter(text => text !== ''),
    ['To Ann.']
  )
  assert.doesNotMatch(raw.toString(), /Ann/)
  assert.equal(heard('openai-responses', 'sse', got).get('text'), 'To [[NAME_1]].')
})
