import type { Event, Frame } from '../dialects/canonical.ts'
import type { StreamEncoder } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import type { Usage } from '../usage.ts'
import { CLIENT_FRAMINGS } from '../wire/framing.ts'
import type { Call } from './call.ts'
import { requestIn } from './prepare.ts'

/**
 * Ends a client's stream in the middle as if the cap on its output had been reached: what is open is closed, and every
 * choice finishes with the dialect's `length`. Its encoder follows the stream, so that numbers and ids go on.
 */
export class LengthStop {
  readonly #encoder: StreamEncoder
  readonly #maker: Call['dialect']['name']
  readonly #open = new Map<string, Extract<Event, { type: 'open' }>>()
  readonly #choices = new Set<number>()
  readonly #finished = new Set<number>()

  constructor(call: Call) {
    this.#maker = call.dialect.name
    this.#encoder = call.dialect.encoder({
      losses: [],
      request: requestIn(call),
      write: CLIENT_FRAMINGS[call.framing].event
    })
  }

  /** Every choice that began has finished: there is nothing to cut. */
  get isFinished(): boolean {
    return this.#finished.size > 0 && this.#finished.size === this.#choices.size
  }

  follow({ events }: Frame): void {
    for (const event of events) {
      this.#encoder.push(event)
      if (event.type === 'open') {
        this.#choices.add(event.choice)
        this.#open.set(`${event.choice}/${event.index}`, event)
      } else if (event.type === 'close') this.#open.delete(`${event.choice}/${event.index}`)
      else if (event.type === 'finish') {
        this.#choices.add(event.choice)
        this.#finished.add(event.choice)
      }
    }
  }

  /** What ends the stream; `usage` is what it is charged for. */
  *frames(usage: Partial<Usage>): Generator<Frame> {
    for (const { choice, index } of this.#open.values()) yield this.#frame({ type: 'close', choice, index })
    for (const choice of this.#choices) {
      if (this.#finished.has(choice)) continue
      yield this.#frame({
        type: 'finish',
        choice,
        finish: { unified: 'length', raw: '', maker: otherThan(this.#maker) }
      })
    }
    yield this.#frame({ type: 'usage', usage })
    yield this.#frame({ type: 'end' })
  }

  #frame(event: Event): Frame {
    return { raw: Buffer.from(this.#encoder.push(event)), events: [event] }
  }
}

/** A finish is written in a dialect's own word only where that dialect gave it one: here none did. */
function otherThan(maker: Call['dialect']['name']): Call['dialect']['name'] {
  return (Object.keys(dialects) as Call['dialect']['name'][]).find(name => name !== maker)!
}
