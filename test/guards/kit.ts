import type { Event, Frame } from '../../src/dialects/canonical.ts'
import { dialects } from '../../src/dialects/index.ts'
import { Failure } from '../../src/errors.ts'
import { type Guard, Guarding } from '../../src/guards/attached.ts'
import { type FramingOfClient, saidIn } from '../../src/guards/frame-texts.ts'
import type { Check, Finding } from '../../src/guards/guard.ts'
import { guardTexts, type Reading } from '../../src/guards/passages.ts'
import { GuardedStream } from '../../src/guards/window.ts'
import type { JsonObject } from '../../src/json.ts'
import type { Outcome, Sink, Source } from '../../src/wire/frames.ts'
import { CLIENT_FRAMINGS } from '../../src/wire/framing.ts'

/** The dialects that clients speak, each in the framings that it can be sent in. */
export const SPOKEN = [
  ['openai-chat', 'sse'],
  ['openai-responses', 'sse'],
  ['anthropic-messages', 'sse'],
  ['gemini', 'sse'],
  ['gemini', 'json-array']
] as const satisfies readonly (readonly [keyof typeof dialects, FramingOfClient])[]

const FOUND = /[a-z0-9][a-z0-9.]{0,30}@[a-z0-9]{1,20}\.[a-z]{2,6}/g

/** Finds what looks like an e-mail address. A longer name may still come for one that stands at the end. */
export const EMAIL: Check = {
  reach: 64,
  find: text =>
    [...text.matchAll(FOUND)].map(({ 0: { length }, index }) => spot('test.email', index, index + length, 'EMAIL'))
}

/** Finds a word. */
export const wordCheck = (word: string, label = 'WORD'): Check => ({
  reach: word.length,
  find: text => {
    const found: Finding[] = []
    for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
      found.push(spot(`test.${label.toLowerCase()}`, at, at + word.length, label))
    }
    return found
  }
})

const spot = (rule: string, start: number, end: number, label: string): Finding => ({
  rule,
  start,
  end,
  score: 1,
  label
})

export function guardOf(check: Check, more: Partial<Guard> = {}): Guard {
  return {
    name: 'test',
    kind: 'test',
    check,
    options: {},
    sides: ['request', 'response'],
    action: 'mask',
    scope: 'everything',
    failsClosed: true,
    timeoutMs: 1_000,
    group: undefined,
    onStream: 'hold',
    ...more
  }
}

export const guardingOf = (...guards: Guard[]) => new Guarding(guards, () => performance.now())

export function readingOf(side: Reading['side'], guarding: Guarding): Reading {
  return {
    side,
    guarding,
    tools: { wallMs: () => 0, post: () => Promise.reject(new Error('nobody is there')) },
    signal: new AbortController().signal,
    facts: () => ({ operation: 'chat', dialect: 'test', model: 'm', tools: [], calls: [], request: {}, metadata: {} })
  }
}

/** A body with its texts guarded in place; the paths that were changed. */
export async function guarded(
  name: keyof typeof dialects,
  body: JsonObject,
  side: Reading['side'],
  guarding: Guarding
): Promise<string[]> {
  return guardTexts([...dialects[name].texts(body, side)], readingOf(side, guarding))
}

/** What a model says in one answer. */
export interface Answer {
  thinking?: string
  text?: string
  /** JSON. */
  input?: string
}

/** The frames of a stream that says this, each text cut into pieces of these lengths in turn. */
export function framesOf(
  name: keyof typeof dialects,
  framing: FramingOfClient,
  answer: Answer,
  cuts: readonly number[]
): Frame[] {
  const { event: write } = CLIENT_FRAMINGS[framing]
  const encoder = dialects[name].encoder({ losses: [], request: { streamUsage: true }, write })
  const frames = eventsOf(answer, cuts).map(event => ({ raw: Buffer.from(encoder.push(event)), events: [event] }))
  return frames
}

function eventsOf({ thinking, text, input }: Answer, cuts: readonly number[]): Event[] {
  const events: Event[] = [{ type: 'start', id: 'm1', model: 'm' }]
  let index = 0
  let turn = 0
  const say = (part: Extract<Event, { type: 'open' }>['part'], said: string) => {
    events.push({ type: 'open', choice: 0, index, part })
    for (let at = 0; at < said.length; ) {
      const length = cuts[turn++ % cuts.length]!
      events.push({ type: 'delta', choice: 0, index, text: said.slice(at, at + length) })
      at += length
    }
    events.push({ type: 'close', choice: 0, index: index++ })
  }
  if (thinking !== undefined) say({ type: 'thinking', text: '' }, thinking)
  if (text !== undefined) say({ type: 'text', text: '' }, text)
  if (input !== undefined) say({ type: 'tool-call', id: 'c1', name: 'tool', input: '' }, input)
  const unified = input === undefined ? 'stop' : 'tool-calls'
  events.push({ type: 'finish', choice: 0, finish: { unified, raw: unified, maker: 'bedrock-converse' } })
  events.push({ type: 'usage', usage: { inputTokens: 1, outputTokens: 1 } }, { type: 'end' })
  return events
}

export interface Received {
  raw: Buffer
  frames: Frame[]
  /** What was received when each frame of the source had been pushed. */
  outcome: Outcome | undefined
  /** The stream never began, for this. */
  refused: Failure | undefined
}

/** A source that hands over its frames when it is started, and is told when it is given up. */
export class Playing implements Source<Frame> {
  readonly #frames: readonly Frame[]
  #next = 0
  readonly #last: Outcome
  readonly told: string[] = []
  #sink: Sink<Frame> | undefined
  #isOver = false
  isPaused = false

  constructor(frames: readonly Frame[], last: Outcome = { how: 'done' }) {
    this.#frames = frames
    this.#last = last
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    this.#play()
  }

  #play(): void {
    while (!this.#isOver && this.#next < this.#frames.length) {
      if (this.#sink!.frame(this.#frames[this.#next++]!)) continue
      this.isPaused = true
      return
    }
    this.#close(this.#last)
  }

  resume(): void {
    this.told.push('resume')
    this.isPaused = false
    this.#play()
  }

  destroy(reason?: Failure): void {
    this.told.push(`destroy ${reason?.code ?? 'left'}`)
    this.#close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
  }

  #close(outcome: Outcome): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#sink!.close(outcome)
  }
}

/** Everything that comes through the guards of a stream. */
export async function through(
  name: keyof typeof dialects,
  framing: FramingOfClient,
  source: Source<Frame>,
  guarding: Guarding
): Promise<Received> {
  const stream = new GuardedStream(source, {
    dialect: dialects[name],
    framing,
    reading: readingOf('response', guarding)
  })
  const received: Received = { raw: Buffer.alloc(0), frames: [], outcome: undefined, refused: undefined }
  try {
    await stream.ready()
  } catch (thrown) {
    return { ...received, refused: Failure.from(thrown) }
  }
  stream.start({
    frame: frame => {
      received.frames.push(frame)
      return true
    },
    close: outcome => {
      received.outcome = outcome
    }
  })
  received.raw = Buffer.concat(received.frames.map(({ raw }) => raw))
  return received
}

/** All texts of a client's stream, by kind; those that repeat others apart. */
export function heard(name: keyof typeof dialects, framing: FramingOfClient, frames: readonly Frame[]) {
  const texts = new Map<string, string>()
  for (const { raw } of frames) {
    for (const { data } of raw.length === 0 ? [] : saidIn(raw, framing)) {
      for (const ref of data ? dialects[name].streamTexts(data) : []) {
        const isRepeat = name === 'openai-responses' && ref.path !== 'delta'
        const key = isRepeat ? `${ref.kind} again ${ref.lane}` : ref.kind
        texts.set(key, (texts.get(key) ?? '') + ref.get())
      }
    }
  }
  return texts
}
