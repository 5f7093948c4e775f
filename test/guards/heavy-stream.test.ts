import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { CHECKS } from '../../src/config/guards.ts'
import type { Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import type { Guard, Guarding } from '../../src/guards/attached.ts'
import { guardBody } from '../../src/guards/body.ts'
import type { FindWork, HeavyWork } from '../../src/guards/heavy-thread.ts'
import { GuardThreads } from '../../src/guards/threads.ts'
import { GuardedStream } from '../../src/guards/window.ts'
import { JsonBody } from '../../src/json.ts'
import { guardHeavy } from '../../src/stages/guard-heavy.ts'
import type { Outcome, Sink, Source } from '../../src/wire/frames.ts'
import { until } from '../support/until.ts'
import { framesOf, guardingOf, guardOf, heard, Playing, readingOf } from './kit.ts'

/** Says how much it was given to read. */
class CountingThreads extends GuardThreads {
  count = 0
  override run(work: Omit<HeavyWork, 'id'>) {
    this.count++
    return super.run(work)
  }
  override find(work: Omit<FindWork, 'id'>) {
    this.count++
    return super.find(work)
  }
}

const threads = new CountingThreads(1)
after(() => threads.close())

const made = (kind: string, options: object, more: Partial<Guard> = {}) =>
  guardOf(CHECKS[kind]!.create(CHECKS[kind]!.options.parse(options) as never), {
    name: kind,
    kind,
    options: CHECKS[kind]!.options.parse(options),
    ...more
  })
const words = (more: Partial<Guard> = {}) => made('words', { words: ['open sesame'] }, more)
/** So many patterns that a few hundred characters are a lot. */
const patterns = (action: Guard['action']) =>
  [0, 200, 400].map(from => {
    const pattern = (_: unknown, at: number) => ({
      name: `n${from + at}`,
      pattern: `CASE-${from + at}-[0-9]{6}`,
      label: 'CASE'
    })
    return made(
      'regex',
      { longest: 24, patterns: Array.from({ length: 200 }, pattern) },
      { name: `regex${from}`, action }
    )
  })

interface Got {
  frames: Frame[]
  outcomes: Outcome[]
  refused?: string
  stream: GuardedStream
}

/** All that comes of a stream with the threads, or without. */
async function received(source: Source<Frame>, guarding: Guarding, isAside = true): Promise<Got> {
  const options = {
    dialect: dialects['openai-chat'],
    framing: 'sse',
    reading: readingOf('response', guarding)
  } as const
  const stream = new GuardedStream(source, { ...options, ...(isAside && { threads }) })
  const got: Got = { frames: [], outcomes: [], stream }
  try {
    await stream.ready()
  } catch (thrown) {
    return { ...got, refused: Failure.from(thrown).code }
  }
  stream.start({ frame: frame => got.frames.push(frame) > 0, close: outcome => got.outcomes.push(outcome) })
  await until(() => got.outcomes.length > 0, 'the stream ends')
  return got
}

const said = (frames: readonly Frame[]) => heard('openai-chat', 'sse', frames).get('text') ?? ''
const LARGE = 'Nothing to see here, open the door. '.repeat(14_000)

/** How late the event loop was at most while this went on, in milliseconds. */
async function latest(work: () => Promise<unknown>): Promise<number> {
  let lateMs = 0
  let lastMs = performance.now()
  const ticks = setInterval(() => {
    lateMs = Math.max(lateMs, performance.now() - lastMs - 1)
    lastMs = performance.now()
  }, 1)
  await work()
  clearInterval(ticks)
  return lateMs
}

test('a text of a megabyte in one event is read by another thread: the same is decided, and calls go on', async () => {
  const text = `${LARGE}And open sesame! ${LARGE}`
  const frames = framesOf('openai-chat', 'sse', { text }, [text.length - 400, 7])
  const here = await received(new Playing(frames), guardingOf(words()), false)
  const before = threads.count
  const guarding = guardingOf(words())
  let there: Got | undefined
  const lateMs = await latest(async () => {
    there = await received(new Playing(frames), guarding)
  })
  assert.ok(threads.count > before)
  assert.ok(said(there!.frames) === said(here.frames), 'the same text')
  assert.match(said(there!.frames), /And \[\[WORD_1\]\]!/)
  assert.deepEqual(there!.outcomes, [{ how: 'done' }])
  assert.equal(guarding.verdicts[0]?.count, 1)
  assert.ok((guarding.verdicts[0]?.tookMs ?? 0) > 0)
  // The goal is 20 ms, held to by bench:guards; here other tests run at the same time.
  assert.ok(lateMs < 250, `${lateMs.toFixed()} ms`)

  const blocked = await received(new Playing(frames), guardingOf(words({ action: 'block' })))
  assert.equal(blocked.refused, 'guardrail_blocked')
})

test('many patterns are a lot for little text: whole or streamed, here or there, the same', async () => {
  const piece = fc.constantFrom('CASE-7-123456', 'CASE-599-000000 ', 'CASE-', '-', '1', 'some words that go on ', '. ')
  const texts = fc.array(piece, { minLength: 20, maxLength: 80 }).map(all => all.join(''))
  const cuts = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 4 })
  const before = threads.count
  const guards = { mask: patterns('mask'), block: patterns('block'), flag: patterns('flag') }
  await fc.assert(
    fc.asyncProperty(
      texts,
      cuts,
      fc.constantFrom('mask' as const, 'block' as const, 'flag' as const),
      async (text, cut, action) => {
        const told = async (lengths: readonly number[], isAside: boolean) => {
          const guarding = guardingOf(...guards[action])
          const got = await received(new Playing(framesOf('openai-chat', 'sse', { text }, lengths)), guarding, isAside)
          const ends =
            got.refused ?? got.outcomes.map(each => (each.how === 'failed' ? each.failure.code : each.how)).join()
          const verdicts = guarding.verdicts.map(({ rule, action, count }) => `${rule} ${action} ${count}`).sort()
          return { ends, ...(action === 'mask' && { text: said(got.frames) }), ...(action !== 'block' && { verdicts }) }
        }
        const whole = await told([100_000], false)
        const streamed = await told(cut, true)
        // What is stopped before anything was sent is refused, after that the stream ends so: the same decision.
        assert.deepEqual(streamed, whole)
      }
    ),
    { numRuns: 8 }
  )
  assert.ok(threads.count > before)
})

test('what comes while a text is being read waits for it, in order, and the source is asked to wait', async () => {
  const frames = framesOf(
    'openai-chat',
    'sse',
    { text: `${LARGE.slice(0, 200_000)} ${'and so on. '.repeat(30)}` },
    [200_000, 11]
  )
  let sink: Sink<Frame> | undefined
  let resumed = 0
  const source: Source<Frame> = {
    start: given => {
      sink = given
    },
    resume: () => resumed++,
    destroy: () => sink!.close({ how: 'aborted' })
  }
  const guarding = guardingOf(words())
  const reading = readingOf('response', guarding)
  const stream = new GuardedStream(source, { dialect: dialects['openai-chat'], framing: 'sse', reading, threads })
  const ready = stream.ready()
  // It pushes on, whatever it is told.
  const taken = frames.map(frame => sink!.frame(frame))
  assert.ok(taken.includes(false))
  sink!.close({ how: 'done' })
  await ready
  const got: Frame[] = []
  const outcomes: Outcome[] = []
  stream.start({ frame: frame => got.push(frame) > 0, close: outcome => outcomes.push(outcome) })
  await until(() => outcomes.length > 0, 'it ends')
  assert.ok(Buffer.concat(got.map(({ raw }) => raw)).equals(Buffer.concat(frames.map(({ raw }) => raw))))
  assert.deepEqual(outcomes, [{ how: 'done' }])
  assert.equal(resumed, 0)
})

test('a client that leaves while a text is being read, and a thread that cannot read it', async () => {
  const frames = framesOf('openai-chat', 'sse', { text: LARGE.slice(0, 200_000) }, [200, 200, 199_600])
  const source = new Playing(frames)
  const guarding = guardingOf(words())
  const controller = new AbortController()
  const reading = { ...readingOf('response', guarding), signal: controller.signal }
  const stream = new GuardedStream(source, { dialect: dialects['openai-chat'], framing: 'sse', reading, threads })
  await stream.ready()
  const outcomes: Outcome[] = []
  stream.start({ frame: () => true, close: outcome => outcomes.push(outcome) })
  stream.destroy()
  assert.deepEqual(outcomes, [{ how: 'aborted' }])

  const unknown = (failsClosed: boolean) =>
    guardOf({ reach: 0, find: () => [] }, { kind: 'nobody knows it', action: 'block', failsClosed })
  const closed = await received(new Playing(frames), guardingOf(unknown(true)))
  assert.deepEqual(
    [closed.refused, ...closed.outcomes.map(each => each.how === 'failed' && each.failure.code)],
    [undefined, 'guard_unavailable']
  )
  const open = guardingOf(unknown(false))
  assert.deepEqual((await received(new Playing(frames), open)).outcomes, [{ how: 'done' }])
  assert.equal(open.verdicts[0]?.action, 'error')
})

test('a whole reply that a check of the whole sees too: single texts are read there, the rest here', async () => {
  const facts = { dialect: dialects['openai-chat'], operation: 'chat' } as const
  const reply = (token: string) =>
    JsonBody.from({ choices: [{ message: { content: `${LARGE}open sesame ${token} ${LARGE}` } }] })
  const judged: string[] = []
  const guards = [
    words(),
    guardOf(
      {
        reach: 'whole',
        judge: ({ passages }) => {
          judged.push(...passages.map(({ text }) => text))
          return []
        }
      },
      { name: 'judge', action: 'block' }
    )
  ]
  const decided = async (isAside: boolean) => {
    const guarding = guardingOf(...guards)
    const body = reply(guarding.placeholders.of('EMAIL', 'ann@example.com', true))
    const reading = readingOf('response', guarding)
    return isAside ? guardHeavy(body, facts, reading, threads) : guardBody(body, facts, reading)
  }
  const before = threads.count
  const there = await decided(true)
  assert.equal(threads.count, before + 1)
  const here = await decided(false)
  assert.ok(there.body.bytes.equals(here.body.bytes))
  assert.match(there.body.bytes.toString(), /\[\[WORD_1\]\] ann@example\.com/)
  for (const text of judged) assert.match(text, /\[\[WORD_1\]\] \[\[EMAIL_1\]\]/)
})
