import type { Event, Frame } from '../dialects/canonical.ts'
import { Failure } from '../errors.ts'
import type { Sink, Source } from '../wire/frames.ts'
import type { StreamEvent } from '../wire/framing.ts'
import { isContent } from './call.ts'

/** What turns one upstream event into a frame for the client. */
export interface FrameMaker {
  /** Throws a Failure `provider_malformed` on data that cannot be read. */
  frame(event: StreamEvent): Frame
  /** A comment of the provider's, where the client may see it; undefined where not. */
  comment(event: StreamEvent): Frame | undefined
  /** Whether an event that cannot be read is certainly no content, so that the stream loses nothing without it. */
  mayMiss(event: StreamEvent): boolean
  /** What ends the stream for the client when the provider left its end marker out (D30). */
  end(): Frame
}

interface Upper {
  /** The first content has come. */
  content(): void
  /** The stream is the answer: its content has come, or, where it is held, all of it. */
  commit(): void
  /** It failed before that: another target may answer instead. */
  fail(failure: Failure): void
  /** The upstream is no longer needed (`abort`), may go on (`resume`), or is read on with nobody listening (`drain`). */
  abort(): void
  resume(): void
  drain(): void
}

export interface Manner {
  /** Nothing is handed on before the stream is complete. */
  held?: boolean
  /** How many choices were asked for. Default 1. */
  choices?: number
  /** When the client leaves, the provider is read on to its end, for what it says it used. */
  drains?: boolean
}

/** Before content only role, ping and usage frames come; a provider that sends more of them than this is broken. */
const HELD_FRAMES_MAX = 1_000

/**
 * The provider's stream on its way to the client. It is held up to the first content event (the commit point), or, with
 * `held`, to its end: until then a failure goes back to the plan, after it to the client. It knows whether the reply is
 * complete: every choice that began must have finished (D30); an end without that is a failure, never a success, and a
 * break after that is none.
 */
export class ReplyStream implements Source<Frame> {
  readonly #maker: FrameMaker
  readonly #upper: Upper
  readonly #manner: Manner
  #held: Frame[] = []
  /** How many of the held ones were handed on. */
  #passed = 0
  #sink: Sink<Frame> | undefined
  #hasContent = false
  #committed = false
  #over: 'no' | 'done' | Failure = 'no'
  #closed = false
  #sinkFull = false
  #draining = false
  readonly #begun = new Set<number>()
  readonly #finished = new Set<number>()

  constructor(maker: FrameMaker, upper: Upper, manner: Manner = {}) {
    this.#maker = maker
    this.#upper = upper
    this.#manner = manner
  }

  /** Whether the provider may send more now. */
  get flowing(): boolean {
    // What comes after the end is dropped, but must be read: a socket that stays paused is never free again.
    if (this.#draining || !this.#committed || this.#over !== 'no') return true
    return this.#sink !== undefined && !this.#sinkFull && this.#held.length === 0
  }

  get committed(): boolean {
    return this.#committed
  }

  get over(): boolean {
    return this.#over !== 'no'
  }

  /** Nothing is missing of the answer, whether or not the stream has ended. */
  get complete(): boolean {
    return this.#isComplete(false)
  }

  /** One event from the provider. Returns whether it held content. */
  event(event: StreamEvent): boolean {
    if (this.#over !== 'no') return false
    if (event.comment) {
      const comment = this.#maker.comment(event)
      if (comment && this.#committed) this.#pass(comment)
      return false
    }
    let frame: Frame
    try {
      frame = this.#maker.frame(event)
    } catch (thrown) {
      const failure = Failure.from(thrown)
      // It may have been content; to go on without it would be to leave out words and say nothing.
      if (failure.kind !== 'malformed' || !this.#maker.mayMiss(event)) this.fail(failure)
      return false
    }
    return this.#take(frame)
  }

  #take(frame: Frame): boolean {
    let content = false
    let ended = false
    for (const event of frame.events) {
      if (event.type === 'failed') {
        this.#break(event.failure)
        return false
      }
      this.#count(event)
      content ||= isContent(event)
      ended ||= event.type === 'end'
    }
    this.#pass(frame)
    if (content && !this.#hasContent) {
      this.#hasContent = true
      this.#upper.content()
      if (!this.#manner.held) this.#commit()
    }
    if (ended) this.#end(true)
    return content
  }

  #commit(): void {
    this.#committed = true
    this.#upper.commit()
  }

  #count(event: Event): void {
    if (event.type === 'open' || event.type === 'delta') this.#begun.add(event.choice)
    if (event.type === 'finish') {
      this.#begun.add(event.choice)
      this.#finished.add(event.choice)
    }
  }

  /** The provider's body is over. */
  end(): void {
    if (this.#over === 'no') this.#end(false)
  }

  /** Whether nothing is missing. A provider that ends as it should may have its reasons to give fewer choices. */
  #isComplete(marked: boolean): boolean {
    const expected = marked ? 1 : (this.#manner.choices ?? 1)
    return this.#finished.size >= expected && this.#finished.size === this.#begun.size
  }

  #end(marked: boolean): void {
    if (!this.#isComplete(marked)) {
      this.#break(new Failure('provider_truncated', 'The provider ended the stream before the answer was complete.'))
      return
    }
    if (!marked) this.#pass(this.#maker.end())
    this.#over = 'done'
    if (!this.#committed) this.#commit()
    this.#settle()
  }

  /** The stream cannot go on: if nothing is missing, it has ended; else the plan or the client hears of it. */
  fail(failure: Failure): void {
    if (this.#over !== 'no') return
    const isOurs = failure.kind === 'aborted' || failure.kind === 'internal'
    if (this.#isComplete(false) && !isOurs) {
      this.#end(false)
      this.#upper.abort()
    } else this.#break(failure)
  }

  #break(failure: Failure): void {
    this.#over = failure
    this.#upper.abort()
    if (this.#committed) this.#settle()
    else this.#upper.fail(failure)
  }

  #pass(frame: Frame): void {
    if (this.#committed && this.#sink && this.#held.length === 0 && (this.#draining || !this.#sinkFull)) {
      if (!this.#sink.frame(frame)) this.#sinkFull = true
      return
    }
    this.#held.push(frame)
    if (!this.#hasContent && this.#held.length > HELD_FRAMES_MAX) {
      this.fail(new Failure('provider_malformed', `The provider sent ${HELD_FRAMES_MAX} events without any content.`))
    }
  }

  /** Hands on what is held, for as long as the sink takes it. */
  #handOn(): void {
    while (this.#passed < this.#held.length && (this.#draining || !this.#sinkFull)) {
      if (!this.#sink!.frame(this.#held[this.#passed++]!)) this.#sinkFull = true
    }
    if (this.#passed < this.#held.length) return
    this.#held = []
    this.#passed = 0
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    this.#goOn()
  }

  resume(): void {
    this.#sinkFull = false
    this.#goOn()
  }

  #goOn(): void {
    if (this.#closed || !this.#sink) return
    this.#handOn()
    if (this.#over !== 'no') this.#settle()
    else if (this.flowing) this.#upper.resume()
  }

  /** The client is gone, or a stage gives the stream up for `reason`. */
  destroy(reason?: Failure): void {
    if (this.#over === 'no') {
      if (!reason && this.#manner.drains && this.#sink) {
        this.#draining = true
        this.#upper.drain()
        this.#goOn()
        return
      }
      this.#over = reason ?? new Failure('client_closed', 'The client left before the answer was complete.')
      this.#upper.abort()
    } else if (this.#held.length > 0) {
      // It is over, but not all of it can be handed on any more.
      this.#over = reason ?? new Failure('client_closed', 'The client left before the answer was handed on.')
    }
    this.#held = []
    this.#passed = 0
    this.#settle()
  }

  #settle(): void {
    if (this.#closed || !this.#sink || this.#over === 'no') return
    const over = this.#over
    const isAborted = over !== 'done' && over.kind === 'aborted'
    if (this.#held.length > 0 && !isAborted) {
      // What came before the end is handed on first.
      if (!this.#sinkFull) this.#handOn()
      if (this.#held.length > 0) return
    }
    this.#closed = true
    if (this.#draining) this.#sink.close({ how: 'aborted', drained: over === 'done' })
    else if (over === 'done') this.#sink.close({ how: 'done' })
    else if (isAborted) this.#sink.close({ how: 'aborted' })
    else this.#sink.close({ how: 'failed', failure: over })
  }
}
