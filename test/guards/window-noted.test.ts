import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { type Guard, Guarding } from '../../src/guards/attached.ts'
import type { Check } from '../../src/guards/guard.ts'
import { GuardedStream } from '../../src/guards/window.ts'
import type { Outcome, Sink, Source } from '../../src/wire/frames.ts'
import { until } from '../support/until.ts'
import { EMAIL, framesOf, guardingOf, guardOf, Playing, readingOf, SPOKEN, through } from './kit.ts'

/** Judges when it is told to. */
function judge() {
  const judged: string[][] = []
  const asked = Promise.withResolvers<void>()
  const check: Check = {
    reach: 'whole',
    async judge({ passages }) {
      judged.push(passages.map(({ text }) => text).filter(text => text !== ''))
      await asked.promise
      return [{ rule: 'judge.bad', score: 0.7 }]
    }
  }
  return { check, judged, answer: asked.resolve, fail: asked.reject }
}

class Feed implements Source<Frame> {
  sink: Sink<Frame> | undefined
  start(sink: Sink<Frame>): void {
    this.sink = sink
  }
  resume(): void {}
  destroy(): void {
    this.sink!.close({ how: 'aborted' })
  }
}

async function begun(guards: Parameters<typeof guardingOf>, frames: readonly Frame[]) {
  const guarding = guardingOf(...guards)
  const feed = new Feed()
  const reading = readingOf('response', guarding)
  const stream = new GuardedStream(feed, { dialect: dialects['openai-chat'], framing: 'sse', reading })
  const ready = stream.ready()
  const got: Frame[] = []
  const outcomes: Outcome[] = []
  for (const frame of frames) feed.sink!.frame(frame)
  await ready
  stream.start({ frame: frame => got.push(frame) > 0, close: outcome => outcomes.push(outcome) })
  return { guarding, feed, stream, got, outcomes }
}

const frames = framesOf('openai-chat', 'sse', { text: 'so many words '.repeat(20), input: '{"a":"b\\n"}' }, [5])

for (const action of ['flag', 'shadow'] as const) {
  test(`a check of the whole that may only ${action} holds nothing; its verdict is there when the stream ends`, async () => {
    const { check, judged, answer } = judge()
    const { guarding, feed, got, outcomes } = await begun([guardOf(check, { action })], frames)
    assert.equal(got.length, frames.length)
    assert.deepEqual(judged, [])
    feed.sink!.close({ how: 'done' })
    await until(() => judged.length === 1, 'it is asked')
    assert.deepEqual(judged, [['so many words '.repeat(20), '{"a":"b\n"}']])
    assert.deepEqual(outcomes, [])
    answer()
    await until(() => outcomes.length === 1, 'it ends')
    assert.deepEqual(outcomes, [{ how: 'done' }])
    assert.deepEqual(
      guarding.verdicts.map(({ rule, action, score }) => ({ rule, action, score })),
      [{ rule: 'judge.bad', action, score: 0.7 }]
    )
  })
}

test('a client that has all of the answer may leave: the verdict is waited for all the same', async () => {
  const { check, judged, answer } = judge()
  const { guarding, feed, stream, outcomes } = await begun([guardOf(check, { action: 'flag' })], frames)
  feed.sink!.close({ how: 'done' })
  await until(() => judged.length === 1, 'it is asked')
  stream.destroy()
  answer()
  await until(() => outcomes.length === 1, 'it ends')
  assert.deepEqual(outcomes, [{ how: 'done' }])
  assert.equal(guarding.verdicts[0]?.rule, 'judge.bad')
})

test('one that fails, or never answers, changes nothing of an answer that is gone', async () => {
  for (const timeoutMs of [1_000, 5]) {
    const { check, fail } = judge()
    const guard = guardOf(check, { action: 'flag', failsClosed: true, timeoutMs })
    const { guarding, feed, outcomes } = await begun([guard], frames)
    feed.sink!.close({ how: 'done' })
    if (timeoutMs === 1_000) fail(new Error('gone'))
    await until(() => outcomes.length === 1, 'it ends')
    assert.deepEqual(outcomes, [{ how: 'done' }])
    assert.deepEqual(
      guarding.verdicts.map(({ action }) => action),
      ['error']
    )
  }
})

test('an answer that was cut, or given up, is judged by nobody', async () => {
  const { check, judged } = judge()
  for (const end of ['source', 'client'] as const) {
    const { feed, stream, outcomes } = await begun([guardOf(check, { action: 'flag' })], frames.slice(0, 20))
    if (end === 'source') feed.sink!.close({ how: 'aborted' })
    else stream.destroy()
    assert.deepEqual(outcomes, [{ how: 'aborted' }])
  }
  assert.deepEqual(judged, [])
})

for (const [name, framing] of SPOKEN) {
  test(`${name} as ${framing}: such a check sees what others masked, and never what placeholders stand for`, async () => {
    const { check, judged, answer } = judge()
    answer()
    const guarding = guardingOf(
      guardOf(check, { name: 'judge', action: 'shadow' }),
      guardOf(EMAIL, { name: 'pii', action: 'restore' })
    )
    const token = guarding.placeholders.of('EMAIL', 'ann@example.com', true)
    for (const cuts of [[3], [1_000]]) {
      judged.length = 0
      const said = { text: `To ${token}, from bob.b@mail.org.`, input: `{"to":"${token}","n":1}` }
      const { raw } = await through(name, framing, new Playing(framesOf(name, framing, said, cuts)), guarding)
      await until(() => judged.length === 1, 'it is asked')
      assert.deepEqual(new Set(judged[0]), new Set([`To ${token}, from [[EMAIL_2]].`, `{"to":"${token}","n":1}`]))
      assert.doesNotMatch(raw.toString(), /bob\.b/)
    }
  })
}

test('beside one that may stop the answer, all of it is held, and both are asked', async () => {
  const noting = judge()
  const stopping = judge()
  noting.answer()
  stopping.answer()
  const guarding = guardingOf(
    guardOf(noting.check, { name: 'noting', action: 'flag' }),
    guardOf(stopping.check, { name: 'stopping', action: 'block' })
  )
  const { refused } = await through('openai-chat', 'sse', new Playing(frames), guarding)
  assert.equal(refused?.code, 'guardrail_blocked')
  assert.equal(noting.judged.length, 1)
})

test('the longest wait of a piece is measured: none where text is only noted, until the judge has spoken where it is held', async () => {
  let nowMs = 0
  const waited = async (guard: Guard) => {
    nowMs = 0
    const guarding = new Guarding([guard], () => nowMs)
    const feed = new Feed()
    const reading = readingOf('response', guarding)
    const stream = new GuardedStream(feed, { dialect: dialects['openai-chat'], framing: 'sse', reading })
    const ready = stream.ready()
    const outcomes: Outcome[] = []
    for (const frame of frames.slice(0, 40)) feed.sink!.frame(frame)
    const start = () => stream.start({ frame: () => true, close: outcome => outcomes.push(outcome) })
    if (!guard.check.judge || guard.action === 'flag') await ready.then(start)
    for (const frame of frames.slice(40)) {
      nowMs += 10
      feed.sink!.frame(frame)
    }
    feed.sink!.close({ how: 'done' })
    if (guard.check.judge && guard.action !== 'flag') await ready.then(start)
    await until(() => outcomes.length === 1, 'it ends')
    return guarding.heldMs
  }
  const slow: Check = {
    reach: 'whole',
    async judge() {
      nowMs += 700
      return []
    }
  }
  const restMs = 10 * (frames.length - 40)
  assert.equal(await waited(guardOf(slow, { action: 'flag' })), 0)
  assert.equal(await waited(guardOf(slow, { action: 'block' })), restMs + 700)
  const windowMs = await waited(guardOf(EMAIL))
  assert.ok(windowMs >= 100 && windowMs <= 300, `${windowMs} ms`)
})
