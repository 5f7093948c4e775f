import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, Frame } from '../../src/dialects/canonical.ts'
import { Failure } from '../../src/errors.ts'
import { type Manner, ReplyStream } from '../../src/stages/stream.ts'
import type { Outcome } from '../../src/wire/frames.ts'
import type { SseEvent } from '../../src/wire/sse.ts'

const START: Event = { type: 'start', id: '1', model: 'm' }
const TEXT: Event = { type: 'delta', choice: 0, index: 0, text: 'a' }
const FINISH: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }
const END: Event = { type: 'end' }

/** A stream whose events are given as values, and everything that happens to it. */
function rig(full = false, manner: Manner = {}) {
  const happened: string[] = []
  const upper = {
    commit: () => void happened.push('commit'),
    content: () => void (manner.held && happened.push('content')),
    drain: () => void happened.push('drain'),
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
    mayMiss: (event: SseEvent) => event.event === 'quiet',
    end: (): Frame => ({ raw: Buffer.from('END'), events: [END] })
  }
  const stream = new ReplyStream(maker, upper, manner)
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

test('a held stream hands on nothing before it is whole, and a break before that goes to the plan', () => {
  const whole = rig(false, { held: true })
  whole.push(START, TEXT)
  whole.push(TEXT)
  assert.deepEqual(whole.happened, ['content'])
  assert.equal(whole.stream.flowing, true)
  whole.push(FINISH, END)
  assert.deepEqual(whole.happened, ['content', 'commit'])
  whole.stream.start(whole.sink)
  assert.deepEqual(whole.got, ['0', '1', '2'])
  assert.deepEqual(whole.closed, [{ how: 'done' }])

  const broken = rig(false, { held: true })
  broken.push(START, TEXT)
  broken.stream.end()
  assert.deepEqual(broken.happened, ['content', 'abort', 'fail provider_truncated'])
})

test('a held stream is handed on as fast as the client takes it, and closed after its last frame', () => {
  const { stream, sink, push, got, closed } = rig(true, { held: true })
  push(START, TEXT)
  push(TEXT)
  push(FINISH, END)
  stream.start(sink)
  assert.deepEqual([got, closed], [['0'], []])
  stream.resume()
  assert.deepEqual([got, closed], [['0', '1'], []])
  stream.resume()
  assert.deepEqual([got, closed], [['0', '1', '2'], [{ how: 'done' }]])
})

test('a client that leaves a held stream half-way gets no more of it, and it is no success', () => {
  const { stream, sink, push, got, closed } = rig(true, { held: true })
  push(START, TEXT)
  push(TEXT)
  push(FINISH, END)
  stream.start(sink)
  stream.destroy()
  stream.resume()
  assert.deepEqual([got, closed], [['0'], [{ how: 'aborted' }]])
})

test('a break after the last finish leaves nothing out: it ends', () => {
  for (const failure of [
    new Failure('provider_unreachable', 'reset', { kind: 'reset' }),
    new Failure('provider_timeout', 'stalled', { kind: 'stalled' }),
    new Failure('provider_malformed', 'bad')
  ]) {
    const { stream, sink, push, got, closed } = rig()
    push(START, TEXT, FINISH)
    stream.start(sink)
    stream.fail(failure)
    assert.deepEqual([got, closed], [['0', 'END'], [{ how: 'done' }]])
  }
  // What the provider itself calls an error is one.
  const { stream, sink, push, closed } = rig()
  push(START, TEXT, FINISH)
  stream.start(sink)
  push({ type: 'failed', failure: new Failure('provider_error', 'no') })
  assert.equal(closed[0]?.how, 'failed')
})

test('an event that cannot be read ends the stream, unless it is certainly no content', () => {
  const { stream, sink, push, got, closed } = rig()
  const garbled = (event: string) =>
    stream.event({ comment: false, event, data: '{"', raw: Buffer.from('garbled'), unterminated: false })
  push(START, TEXT)
  stream.start(sink)
  garbled('quiet')
  push(TEXT)
  assert.deepEqual([got, closed], [['0', '1'], []])
  garbled('')
  assert.equal(closed[0]?.how === 'failed' && closed[0].failure.kind, 'malformed')
})

test('a stream that drains is read to its end after its client has left, and says so', () => {
  const { stream, sink, push, got, closed, happened } = rig(true, { drains: true })
  push(START, TEXT)
  stream.start(sink)
  stream.destroy()
  assert.equal(stream.flowing, true)
  assert.ok(happened.includes('drain') && !happened.includes('abort'))
  push(TEXT)
  push(FINISH, END)
  assert.deepEqual(got, ['0', '1', '2'], 'whoever counts the usage sees all of it')
  assert.deepEqual(closed, [{ how: 'aborted', drained: true }])
})

test('a drain that is cut short says so; a stream given up for a reason is not drained', () => {
  const cut = rig(false, { drains: true })
  cut.push(START, TEXT)
  cut.stream.start(cut.sink)
  cut.stream.destroy()
  cut.stream.fail(new Failure('client_closed', 'enough'))
  assert.deepEqual(cut.closed, [{ how: 'aborted', drained: false }])

  const given = rig(false, { drains: true })
  given.push(START, TEXT)
  given.stream.start(given.sink)
  given.stream.destroy(new Failure('draining', 'leaving'))
  assert.equal(given.closed[0]?.how, 'failed')
  assert.ok(given.happened.includes('abort'))
})

test('a stream without its end marker is complete only with every choice that was asked for', () => {
  const first = rig(false, { choices: 2 })
  first.push(START, TEXT, FINISH)
  first.stream.start(first.sink)
  first.stream.end()
  assert.equal(first.closed[0]?.how, 'failed', 'the other choice never began')

  const fewer = rig(false, { choices: 2 })
  fewer.push(START, TEXT, FINISH, END)
  fewer.stream.start(fewer.sink)
  assert.deepEqual(fewer.closed, [{ how: 'done' }], 'the provider says that this was all')
})
