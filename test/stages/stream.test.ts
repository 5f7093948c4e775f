import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, Frame } from '../../src/dialects/canonical.ts'
import { Failure } from '../../src/errors.ts'
import { ReplyStream } from '../../src/stages/stream.ts'
import type { Outcome } from '../../src/wire/frames.ts'
import type { SseEvent } from '../../src/wire/sse.ts'

const START: Event = { type: 'start', id: '1', model: 'm' }
const TEXT: Event = { type: 'delta', choice: 0, index: 0, text: 'a' }
const FINISH: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }
const END: Event = { type: 'end' }

/** A stream whose events are given as values, and everything that happens to it. */
function rig(full = false) {
  const happened: string[] = []
  const upper = {
    commit: () => void happened.push('commit'),
    fail: (failure: Failure) => void happened.push(`fail ${failure.code}`),
    abort: () => void happened.push('abort'),
    resume: () => void happened.push('resume')
  }
  const script: Event[][] = []
  const maker = {
    frame: (event: SseEvent): Frame => {
      const events = script.shift()
      if (!events) throw new Failure('provider_malformed', 'not in the script')
      return { raw: event.raw, events }
    },
    comment: (event: SseEvent): Frame => ({ raw: event.raw, events: [] }),
    end: (): Frame => ({ raw: Buffer.from('END'), events: [END] })
  }
  const stream = new ReplyStream(maker, upper)
  const got: string[] = []
  const closed: Outcome[] = []
  const sink = {
    frame: (frame: Frame) => {
      assert.equal(closed.length, 0, 'a frame after close')
      got.push(frame.raw.toString())
      return !full
    },
    close: (outcome: Outcome) => void closed.push(outcome)
  }
  let count = 0
  const push = (...events: Event[]) => {
    script.push(events)
    return stream.event({ comment: false, event: '', data: '', raw: Buffer.from(String(count++)), unterminated: false })
  }
  return { stream, sink, push, got, closed, happened }
}

test('frames before the first content are held, and come first when the stream is taken', () => {
  const { stream, sink, push, got, happened } = rig()
  push(START)
  assert.deepEqual(happened, [])
  push(TEXT)
  assert.deepEqual(happened, ['commit'])
  assert.equal(stream.flowing, false, 'nobody takes the frames yet')
  stream.start(sink)
  push(TEXT)
  assert.deepEqual(got, ['0', '1', '2'])
})

test('a failure before content goes to the plan and never to a client', () => {
  const { stream, sink, push, happened, closed } = rig()
  push(START)
  push({ type: 'failed', failure: new Failure('provider_overloaded', 'busy') })
  assert.deepEqual(happened, ['abort', 'fail provider_overloaded'])
  assert.equal(stream.over, true)
  stream.start(sink)
  assert.equal(closed.length, 1)
})

test('an end before every begun choice has finished is a truncation', () => {
  const { stream, sink, push, closed, happened } = rig()
  push(START, TEXT, { type: 'delta', choice: 1, index: 0, text: 'b' }, FINISH)
  stream.start(sink)
  stream.end()
  assert.deepEqual(happened, ['commit', 'resume', 'abort'])
  assert.equal(closed.length, 1)
  assert.equal(closed[0]?.how === 'failed' && closed[0].failure.code, 'provider_truncated')
})

test('a stream that never said anything is a truncation that another target may answer', () => {
  const { stream, push, happened } = rig()
  push(START)
  stream.end()
  assert.deepEqual(happened, ['abort', 'fail provider_truncated'])
})

test('a complete stream without its end marker gets one, and is a success', () => {
  const { stream, sink, push, got, closed } = rig()
  push(START, TEXT, FINISH)
  stream.start(sink)
  stream.end()
  assert.deepEqual(got, ['0', 'END'])
  assert.deepEqual(closed, [{ how: 'done' }])
})

test('the end marker closes at once, and nothing follows it', () => {
  const { stream, sink, push, got, closed } = rig()
  push(START, TEXT, FINISH, END)
  stream.start(sink)
  push(TEXT)
  stream.end()
  stream.fail(new Failure('provider_malformed', 'late'))
  stream.destroy()
  assert.deepEqual(got, ['0'])
  assert.deepEqual(closed, [{ how: 'done' }])
})

test('a failure between commit and start reaches the sink after what was held', () => {
  const { stream, sink, push, got, closed } = rig()
  push(START, TEXT)
  stream.fail(new Failure('provider_unreachable', 'gone'))
  assert.equal(closed.length, 0)
  stream.start(sink)
  assert.deepEqual(got, ['0'])
  assert.equal(closed[0]!.how, 'failed')
})

test('a full sink stops the flow until it resumes', () => {
  const { stream, sink, push, happened } = rig(true)
  push(START, TEXT)
  stream.start(sink)
  assert.equal(stream.flowing, false)
  stream.resume()
  assert.equal(stream.flowing, true)
  assert.deepEqual(happened, ['commit', 'resume'])
})

test('destroy aborts the provider and closes the sink once, as aborted', () => {
  const { stream, sink, push, closed, happened } = rig()
  push(START, TEXT)
  stream.start(sink)
  stream.destroy()
  stream.destroy()
  assert.deepEqual(closed, [{ how: 'aborted' }])
  assert.deepEqual(happened.at(-1), 'abort')
})

test('a provider that sends only pings is not held for ever', () => {
  const { push, happened } = rig()
  for (let i = 0; i < 2_000; i++) push({ type: 'ping' })
  assert.deepEqual(happened, ['abort', 'fail provider_malformed'])
})
