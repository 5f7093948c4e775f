import type { ChatResponse, Frame, Part } from '../dialects/canonical.ts'
import { Collector } from '../dialects/collect.ts'
import { JsonBody } from '../json.ts'
import { mergeUsage, type Usage } from '../usage.ts'
import type { Sink, Source } from '../wire/frames.ts'
import type { Call, Reply } from './call.ts'
import { requestIn } from './prepare.ts'

/** An answer as its provider gave it, whole or as the events it came in; complete, and fit to be given again. */
export interface Tapped {
  form: 'whole' | 'stream'
  body: Buffer
  marks: (readonly [endByte: number, atMs: number])[]
  usage: Partial<Usage> | undefined
  finish: string | undefined
}

export interface Tapping {
  /** The largest answer that is kept. */
  bytesMax: number
  /** On the monotonic clock, in milliseconds. */
  nowMs(): number
  /** The answer is complete; undefined: it is not fit to be kept, or never will be complete. Before its client has the end. */
  done(tapped: Tapped | undefined): void
}

type Whole = Extract<Reply, { how: 'whole' }>

/** A whole reply for the cache; undefined where it must not be kept. */
export function tapWhole(call: Call, reply: Whole, bytesMax: number): Tapped | undefined {
  const { body, usage, finish } = reply
  if (body.length > bytesMax || !isKeepable(call, () => call.dialect.decodeResponse(JsonBody.of(body).object()))) {
    return undefined
  }
  return { form: 'whole', body, marks: [], usage, finish }
}

/** The same stream, of which the bytes are gathered as they pass. */
export function tapStream(call: Call, source: Source<Frame>, tapping: Tapping): Source<Frame> {
  return {
    start: sink => source.start(new Tap(call, sink, tapping)),
    resume: () => source.resume(),
    destroy: reason => source.destroy(reason)
  }
}

class Tap implements Sink<Frame> {
  readonly #call: Call
  readonly #sink: Sink<Frame>
  readonly #tapping: Tapping
  readonly #collector = new Collector()
  readonly #marks: [number, number][] = []
  #pieces: Buffer[] = []
  #bytes = 0
  #firstMs: number | undefined
  #usage: Partial<Usage> | undefined
  #isOver = false

  constructor(call: Call, sink: Sink<Frame>, tapping: Tapping) {
    this.#call = call
    this.#sink = sink
    this.#tapping = tapping
  }

  frame(frame: Frame): boolean {
    if (!this.#isOver) this.#gather(frame)
    return this.#sink.frame(frame)
  }

  close(outcome: Parameters<Sink<Frame>['close']>[0]): void {
    const isComplete = outcome.how === 'done' || (outcome.how === 'aborted' && outcome.drained === true)
    this.#done(isComplete)
    this.#sink.close(outcome)
  }

  #gather({ raw, events }: Frame): void {
    for (const event of events) {
      this.#collector.push(event)
      if ((event.type === 'usage' || event.type === 'start') && event.usage)
        this.#usage = mergeUsage(this.#usage, event.usage)
    }
    if (raw.length > 0) {
      const nowMs = this.#tapping.nowMs()
      this.#firstMs ??= nowMs
      this.#bytes += raw.length
      this.#pieces.push(raw)
      this.#marks.push([this.#bytes, Math.round(nowMs - this.#firstMs)])
    }
    if (this.#bytes > this.#tapping.bytesMax) this.#done(false)
  }

  /** Once. */
  #done(isComplete: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    let finish: string | undefined
    const keepable =
      isComplete &&
      isKeepable(this.#call, () => {
        const response = this.#collector.response()
        finish = response.choices[0]?.finish.unified
        return response
      })
    const body = keepable ? Buffer.concat(this.#pieces) : undefined
    this.#pieces = []
    this.#tapping.done(body && { form: 'stream', body, marks: this.#marks, usage: this.#usage, finish })
  }
}

/**
 * Whether an answer may be given again (D28): it ended by itself, in every choice, with words or calls of tools, none of
 * it fetched by a tool that its maker runs, or refused. A reply to a masked request has none but that request's
 * placeholders (D1): another one may stand for something that it is not to be told of.
 */
function isKeepable(call: Call, response: () => ChatResponse): boolean {
  // A count of embeddings is right or is a failure.
  if (call.operation === 'embeddings') return true
  try {
    const { choices } = response()
    return (
      choices.length > 0 &&
      !hasHostedTools(call) &&
      choices.every(
        ({ finish, parts }) =>
          (finish.unified === 'stop' || finish.unified === 'tool-calls') &&
          parts.length > 0 &&
          parts.every(part => KEPT.has(part.type) && !isForeign(call, part))
      )
    )
  } catch {
    return false
  }
}

/** What a maker's own tools fetch is of that moment, and some dialects do not say where an answer has it from. */
function hasHostedTools(call: Call): boolean {
  return requestIn(call).tools?.some(tool => tool.native !== undefined) ?? false
}

const KEPT: ReadonlySet<Part['type']> = new Set(['text', 'thinking', 'tool-call'])

/** Whether it says a placeholder that the request did not hold. */
function isForeign({ guarding }: Call, part: Part): boolean {
  if (!guarding?.placeholders.isUsed) return false
  const text = part.type === 'tool-call' ? part.input : 'text' in part ? part.text : ''
  return guarding.placeholders.foreignIn(text)
}
