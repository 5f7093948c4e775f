import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Event, Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import { JsonBody } from '../../src/json.ts'
import type { Call, Reply } from '../../src/stages/call.ts'
import { recover } from '../../src/stages/recover.ts'
import type { Sink, Source } from '../../src/wire/frames.ts'
import { RecordingSink } from '../wire/sink-conformance.ts'

const START: Event = { type: 'start', id: '1', model: 'm' }
const OPEN: Event = { type: 'open', choice: 0, index: 0, part: { type: 'text', text: '' } }
const CLOSE: Event = { type: 'close', choice: 0, index: 0 }
const FINISH: Event = { type: 'finish', choice: 0, finish: { unified: 'stop', raw: 'stop', maker: 'openai-chat' } }
const END: Event = { type: 'end' }
const text = (said: string): Event => ({ type: 'delta', choice: 0, index: 0, text: said })

const cut = () => new Failure('provider_truncated', 'cut')

/** A source that says what it is told to, and remembers what happens to it. */
class Puppet implements Source<Frame> {
  sink: Sink<Frame> | undefined
  readonly happened: string[] = []
  start(sink: Sink<Frame>): void {
    this.sink = sink
  }
  resume(): void {
    this.happened.push('resume')
  }
  destroy(reason?: Failure): void {
    this.happened.push(`destroy ${reason?.code ?? 'left'}`)
    this.sink?.close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
  }
  say(...events: Event[]): boolean {
    return this.sink!.frame({ raw: Buffer.alloc(0), events })
  }
}

function replyOf(source: Source<Frame>, name: string, prefilled = false): Reply {
  return {
    how: 'stream',
    status: 200,
    headers: {},
    source,
    intake: { decoded: true },
    prefilled,
    answered: {
      provider: name,
      model: 'm',
      attempts: 1,
      fallback: 0,
      losses: [`lost by ${name}`],
      touches: [],
      simulated: false
    }
  }
}

interface Rig {
  first: Puppet
  inner: RecordingSink<Frame>
  source: Source<Frame>
  reply: Reply
  trail: Failure[]
  /** What the plan was asked, in order; each waits for its answer. */
  asked: { call: Call; failure: Failure; answer(reply: Reply): Promise<void>; fail(failure: Failure): Promise<void> }[]
}

function rig(): Rig {
  const call: Call = {
    id: 'call',
    operation: 'chat',
    dialect: dialects['openai-chat'],
    doorProvider: 'openai',
    body: JsonBody.from({ model: 'm', messages: [], stream: true }),
    model: 'm',
    stream: true,
    framing: 'sse',
    headers: {},
    credentials: [],
    signal: new AbortController().signal,
    startedMs: 0,
    waitedMs: 0
  }
  const asked: Rig['asked'] = []
  const trail: Failure[] = []
  const first = new Puppet()
  const reply = recover(call, replyOf(first, 'first'), trail, (rest, failure) => {
    trail.push(failure)
    const { promise, resolve, reject } = Promise.withResolvers<Reply>()
    const turn = () => new Promise<void>(setImmediate)
    asked.push({
      call: rest,
      failure,
      answer(made) {
        resolve(made)
        return turn()
      },
      fail(why) {
        reject(why)
        return turn()
      }
    })
    return promise
  })
  assert.ok(reply.how === 'stream')
  const inner = new RecordingSink<Frame>()
  reply.source.start(inner)
  return { first, inner, source: reply.source, reply, trail, asked }
}

const wire = (inner: RecordingSink<Frame>) => inner.frames.map(frame => frame.raw.toString()).join('')
const said = (inner: RecordingSink<Frame>) =>
  [...wire(inner).matchAll(/"content":"([^"]+)"/g)].map(found => found[1]).join('')

test('a stream that does not break is written as one, and the plan hears nothing', () => {
  const { first, inner, asked } = rig()
  first.say(START, OPEN, text('all of it'))
  first.say(CLOSE, FINISH, END)
  first.sink!.close({ how: 'done' })
  assert.equal(said(inner), 'all of it')
  assert.match(wire(inner), /\[DONE\]\n\n$/)
  assert.deepEqual(inner.outcomes, [{ how: 'done' }])
  assert.equal(asked.length, 0)
})

test('a reply whose frames are bytes is left as it is', () => {
  const reply = { ...replyOf(new Puppet(), 'first') } as Extract<Reply, { how: 'stream' }>
  const { intake: _, ...plain } = reply
  assert.equal(
    recover({} as Call, plain, [], () => Promise.reject(cut())),
    plain
  )
})

test('the next one is told what was said, and its answer goes on in the same stream, by name', async () => {
  const { first, inner, asked, reply } = rig()
  first.say(START, OPEN, text('You '))
  const broken = cut()
  first.sink!.close({ how: 'failed', failure: broken })
  assert.equal(inner.outcomes.length, 0)
  assert.deepEqual(asked[0]!.call.continues, { text: 'You ' })
  assert.deepEqual(asked[0]!.call.intake, { decoded: true })
  assert.equal(asked[0]!.failure, broken)
  assert.deepEqual([broken.provider, broken.model], ['first', 'm'])
  const second = new Puppet()
  await asked[0]!.answer(replyOf(second, 'second', true))
  second.say({ ...START, id: '2' }, OPEN, text('said'))
  second.sink!.close({ how: 'failed', failure: cut() })
  const third = new Puppet()
  assert.deepEqual(asked[1]!.call.continues, { text: 'You said' })
  await asked[1]!.answer(replyOf(third, 'third'))
  third.say({ ...START, id: '3' }, OPEN, text('You sa'), text('id so'), CLOSE, FINISH, END)
  third.sink!.close({ how: 'done' })
  assert.equal(said(inner), 'You said so')
  assert.deepEqual([...new Set(wire(inner).match(/"id":"\d"/g))], ['"id":"1"'])
  assert.deepEqual(inner.outcomes, [{ how: 'done' }])
  assert.deepEqual(reply.answered.continued, [
    { provider: 'second', model: 'm', how: 'prefill', afterChars: 4 },
    { provider: 'third', model: 'm', how: 'restart', afterChars: 8 }
  ])
  assert.deepEqual(reply.answered.losses, ['lost by first', 'lost by second', 'lost by third'])
})

test('where nobody goes on, the client hears what broke first', async () => {
  const { first, inner, asked } = rig()
  first.say(START, OPEN, text('You '))
  const broken = cut()
  first.sink!.close({ how: 'failed', failure: broken })
  await asked[0]!.fail(new Failure('provider_bad_request', 'no prefill here'))
  assert.deepEqual(inner.outcomes, [{ how: 'failed', failure: broken }])
})

test('an answer that begins otherwise is given up, and noted', async () => {
  const { first, inner, asked, trail } = rig()
  first.say(START, OPEN, text('You '))
  const broken = cut()
  first.sink!.close({ how: 'failed', failure: broken })
  const second = new Puppet()
  await asked[0]!.answer(replyOf(second, 'second'))
  second.say({ ...START, id: '2' }, OPEN, text('We say'))
  second.say(text('ignored'))
  assert.equal(said(inner), 'You ')
  assert.deepEqual(second.happened, ['destroy provider_truncated'])
  assert.deepEqual(inner.outcomes, [{ how: 'failed', failure: broken }])
  assert.deepEqual(
    trail.map(({ provider, kind }) => [provider, kind]),
    [
      ['first', 'truncated'],
      ['second', 'malformed']
    ]
  )
})

test('a tool call is never gone on with', () => {
  const { first, inner, asked } = rig()
  first.say(START, OPEN, text('Let me look.'), CLOSE)
  first.say({ type: 'open', choice: 0, index: 1, part: { type: 'tool-call', id: 'c', name: 'look', input: '' } })
  first.sink!.close({ how: 'failed', failure: cut() })
  assert.equal(asked.length, 0)
  assert.equal(inner.outcomes[0]?.how, 'failed')
})

test('a client that leaves ends it, whoever is speaking, and nobody is asked to go on', () => {
  const { first, inner, asked, source } = rig()
  first.say(START, OPEN, text('You '))
  source.destroy()
  assert.deepEqual(first.happened, ['destroy left'])
  assert.deepEqual(inner.outcomes, [{ how: 'aborted' }])
  assert.equal(asked.length, 0)
})

test('a stage that gives the stream up for a reason is not mistaken for a break', () => {
  const { first, inner, asked, source } = rig()
  first.say(START, OPEN, text('You '))
  const reason = new Failure('draining', 'leaving')
  source.destroy(reason)
  assert.deepEqual(inner.outcomes, [{ how: 'failed', failure: reason }])
  assert.equal(asked.length, 0)
})

test('a client that leaves while the next one is awaited: closed once, and a late answer is given up', async () => {
  const { first, inner, asked, source } = rig()
  first.say(START, OPEN, text('You '))
  first.sink!.close({ how: 'failed', failure: cut() })
  source.destroy()
  source.destroy()
  assert.deepEqual(inner.outcomes, [{ how: 'aborted' }])
  const late = new Puppet()
  await asked[0]!.answer(replyOf(late, 'late'))
  assert.deepEqual(late.happened, ['destroy left'])
  assert.equal(inner.outcomes.length, 1)
})

test('pressure passes through, and a skipped part asks for more', async () => {
  const { first, inner, asked, source } = rig()
  inner.accepting = false
  assert.equal(first.say(START, OPEN, text('You ')), false)
  source.resume()
  assert.deepEqual(first.happened, ['resume'])
  first.sink!.close({ how: 'failed', failure: cut() })
  const second = new Puppet()
  await asked[0]!.answer(replyOf(second, 'second'))
  assert.equal(second.say({ ...START, id: '2' }, OPEN, text('You')), true)
  assert.equal(second.say(text(' are')), false)
  source.resume()
  assert.deepEqual(second.happened, ['resume'])
})
