import type { Event, Frame } from '../dialects/canonical.ts'
import { Failure } from '../errors.ts'
import type { Sink, Source } from '../wire/frames.ts'
import type { SseEvent } from '../wire/sse.ts'
import { isContent } from './call.ts'

/** What turns one upstream event into a frame for the client. */
export interface FrameMaker {
  /** Throws a Failure `provider_malformed` on data that cannot be read. */
  frame(event: SseEvent): Frame
  /** A comment of the provider's, where the client may see it; undefined where not. */
  comment(event: SseEvent): Frame | undefined
  /** What ends the stream for the client when the provider left its end marker out (D30). */
  end(): Frame
}

interface Upper {
  /** Content has come: the stream is the answer. */
  commit(): void
  /** It failed before any content: another target may answer instead. */
  fail(failure: Failure): void
  /** The upstream is no longer needed (`abort`) or may go on (`resume`). */
  abort(): void
  resume(): void
}

/** Before content only role, ping and usage frames come; a provider that sends more of them than this is broken. */
const HELD_FRAMES_MAX = 1_000

/**
 * The provider's stream on its way to the client. It is held up to the first content event (the commit point): until
 * then a failure goes back to the plan, after it to the client. It knows whether the reply is complete: every choice
 * that began must have finished (D30); an end without that is a failure, never a success.
 */
export class ReplyStream implements Source<Frame> {
  readonly #maker: FrameMaker
  readonly #upper: Upper
  #held: Frame[] = []
  #sink: Sink<Frame> | undefined
  #committed = false
  #over: 'no' | 'done' | Failure = 'no'
  #closed = false
  #sinkFull = false
  readonly #begun = new Set<number>()
  readonly #finished = new Set<number>()

  constructor(maker: FrameMaker, upper: Upper) {
    this.#maker = maker
    this.#upper = upper
  }

  /** Whether the provider may send more now. */
  get flowing(): boolean {
    return !this.#committed || (this.#sink !== undefined && !this.#sinkFull)
  }

  get committed(): boolean {
    return this.#committed
  }

  get over(): boolean {
    return this.#over !== 'no'
  }

  /** One event from the provider. Returns whether it held content. */
  event(event: SseEvent): boolean {
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
      this.fail(Failure.from(thrown))
      return false
    }
    return this.#take(frame)
  }

  #take(frame: Frame): boolean {
    let content = false
    let ended = false
    for (const event of frame.events) {
      if (event.type === 'failed') {
        this.fail(event.failure)
        return false
      }
      this.#count(event)
      content ||= isContent(event)
      ended ||= event.type === 'end'
    }
    this.#pass(frame)
    if (content && !this.#committed) {
      this.#committed = true
      this.#upper.commit()
    }
    if (ended) this.#end(true)
    return content
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

  #end(marked: boolean): void {
    const complete = this.#finished.size > 0 && this.#finished.size === this.#begun.size
    if (!complete) {
      this.fail(new Failure('provider_truncated', 'The provider ended the stream before the answer was complete.'))
      return
    }
    if (!marked) this.#pass(this.#maker.end())
    this.#over = 'done'
    this.#settle()
  }

  /** The stream cannot go on: before content the plan hears of it, after it the client. */
  fail(failure: Failure): void {
    if (this.#over !== 'no') return
    this.#over = failure
    this.#upper.abort()
    if (this.#committed) this.#settle()
    else this.#upper.fail(failure)
  }

  #pass(frame: Frame): void {
    if (this.#sink && this.#held.length === 0) {
      if (!this.#sink.frame(frame)) this.#sinkFull = true
      return
    }
    this.#held.push(frame)
    if (this.#held.length > HELD_FRAMES_MAX) {
      this.fail(new Failure('provider_malformed', `The provider sent ${HELD_FRAMES_MAX} events without any content.`))
    }
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    const held = this.#held
    this.#held = []
    for (const frame of held) if (!sink.frame(frame)) this.#sinkFull = true
    if (this.#over !== 'no') this.#settle()
    else if (!this.#sinkFull) this.#upper.resume()
  }

  resume(): void {
    this.#sinkFull = false
    if (this.#over === 'no') this.#upper.resume()
  }

  /** The client is gone, or a stage gives the stream up for `reason`. */
  destroy(reason?: Failure): void {
    if (this.#over === 'no') {
      this.#over = reason ?? new Failure('client_closed', 'The client left before the answer was complete.')
      this.#upper.abort()
    }
    this.#settle()
  }

  #settle(): void {
    if (this.#closed || !this.#sink || this.#over === 'no') return
    this.#closed = true
    const over = this.#over
    if (over === 'done') this.#sink.close({ how: 'done' })
    else if (over.kind === 'aborted') this.#sink.close({ how: 'aborted' })
    else this.#sink.close({ how: 'failed', failure: over })
  }
}
