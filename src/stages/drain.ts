import type { Frame } from '../dialects/canonical.ts'
import { Failure } from '../errors.ts'
import { mergeUsage, type Usage } from '../usage.ts'
import type { Sink } from '../wire/frames.ts'

/** A provider is read on for this long, and for so much, at most. */
const DRAIN_MS_MAX = 60_000
const DRAIN_BYTES_MAX = 16 * 1024 * 1024

/** An answer that is read on after its client has left (`on_abort: drain`), to learn what the provider says it used. */
export class Drain {
  readonly #giveUp: () => void
  readonly #timer: NodeJS.Timeout
  #bytes = 0

  constructor(giveUp: () => void) {
    this.#giveUp = giveUp
    this.#timer = setTimeout(giveUp, DRAIN_MS_MAX)
  }

  took(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > DRAIN_BYTES_MAX) this.#giveUp()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** What the waiting pipeline hears at the end: the client has left, and perhaps what was used all the same. */
  over(isComplete: boolean, usage?: Partial<Usage>): Failure {
    const failure = new Failure('client_closed', 'The client left before the answer began.', {
      details: { after_abort: isComplete ? 'drained' : 'cut_short' }
    })
    failure.usage = usage
    return failure
  }

  /** For a stream that nobody has begun to take: gathers its usage. */
  sink(done: (failure: Failure) => void): Sink<Frame> {
    let usage: Partial<Usage> | undefined
    return {
      frame: ({ events }) => {
        for (const event of events) {
          if ((event.type === 'usage' || event.type === 'start') && event.usage) usage = mergeUsage(usage, event.usage)
        }
        return true
      },
      close: outcome => done(this.over(outcome.how === 'done', usage))
    }
  }
}
