import type { Caller } from '../access/caller.ts'
import type { Frame } from '../dialects/canonical.ts'
import { Collector } from '../dialects/collect.ts'
import { Failure } from '../errors.ts'
import { BODY_LEVELS, type BodyLevel } from '../stores/rows.ts'
import type { Source } from '../wire/frames.ts'
import type { Call, Reply } from './call.ts'

const HEADER = 'x-gatehouse-log'

/** What is kept of what is said in one call, as it goes by. */
export class Capture {
  readonly level: Exclude<BodyLevel, 'none'>
  readonly received: Buffer | undefined
  readonly attempts: { attemptId: string; body: Buffer }[] = []
  #answered: Buffer | undefined
  #collector: Collector | undefined
  readonly #call: Call

  constructor(level: Exclude<BodyLevel, 'none'>, call: Call) {
    this.level = level
    this.received = call.received
    this.#call = call
  }

  sent(attemptId: string, body: Buffer): void {
    this.attempts.push({ attemptId, body })
  }

  /** The reply, whose answer is kept as its client gets it. */
  watch(reply: Reply): Reply {
    if (reply.how === 'whole') {
      this.#answered = reply.body
      return reply
    }
    this.#collector = new Collector()
    return { ...reply, source: this.#watched(reply.source) }
  }

  /** A stream as the whole answer that it comes to, as far as it came; undefined: there was none. */
  get answered(): Buffer | undefined {
    if (this.#answered || !this.#collector) return this.#answered
    try {
      const { dialect, model } = this.#call
      const folded = dialect.encodeResponse(this.#collector.response(), [])
      return Buffer.from(JSON.stringify({ model, ...folded }))
    } catch {
      // Cut before anything could be made of it.
      return undefined
    }
  }

  #watched(source: Source<Frame>): Source<Frame> {
    return {
      start: sink =>
        source.start({
          frame: frame => {
            for (const event of frame.events) this.#collector!.push(event)
            return sink.frame(frame)
          },
          close: outcome => sink.close(outcome)
        }),
      resume: () => source.resume(),
      destroy: reason => source.destroy(reason)
    }
  }
}

/**
 * How much is kept of a call: what its keys, team and organisation say, of several the least; where none does, what the
 * gateway says. The call itself may ask for less, never for more. Failure `invalid_header`.
 */
export function levelOf({ headers }: Pick<Call, 'headers'>, { scopes }: Caller, gateway: BodyLevel): BodyLevel {
  const said = scopes.flatMap(({ bodies }) => (bodies === undefined ? [] : [bodies]))
  const asked = headers[HEADER]
  const most = least(said.length > 0 ? said : [gateway])
  if (asked === undefined) return most
  const level = BODY_LEVELS.find(each => each === asked.trim().toLowerCase())
  if (level === undefined) {
    throw new Failure('invalid_header', `The header "${HEADER}" is one of ${BODY_LEVELS.join(', ')}.`, {
      param: HEADER
    })
  }
  return least([most, level])
}

function least(levels: readonly BodyLevel[]): BodyLevel {
  return BODY_LEVELS[Math.min(...levels.map(level => BODY_LEVELS.indexOf(level)))]!
}
