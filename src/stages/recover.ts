import type { Event, Frame } from '../dialects/canonical.ts'
import type { StreamEncoder } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'
import { CLIENT_FRAMINGS } from '../wire/framing.ts'
import type { Answered, Call, Continued, Reply } from './call.ts'
import { requestIn } from './prepare.ts'
import { DIVERGED, Splice } from './splice.ts'
import { Told } from './told.ts'

/** Asks the plan for whoever comes after this failure, and begins there; rejects where nobody is left. */
export type GoOn = (call: Call, failure: Failure) => Promise<Reply>

type Gathered = Answered & { losses: string[]; continued: Continued[] }
type StreamReply = Extract<Reply, { how: 'stream' }>

/**
 * A stream that may break after its first content is gone on with where its route says so (`stream_recovery:
 * continue`), at the level of canonical events: whoever answers, the client's stream is written here, by one encoder, as
 * one answer with one id. Other replies are left as they are. The headers name the first who answered; `answered`
 * gathers the others.
 */
export function recover(call: Call, reply: Reply, trail: Failure[], goOn: GoOn): Reply {
  if (reply.how !== 'stream' || !reply.intake?.decoded) return reply
  const answered = { ...reply.answered, losses: [...reply.answered.losses], continued: [] as Continued[] }
  return { ...reply, answered, source: new Recovering(call, reply, answered, trail, goOn) }
}

class Recovering implements Source<Frame> {
  readonly #call: Call
  readonly #answered: Gathered
  readonly #trail: Failure[]
  readonly #goOn: GoOn
  readonly #encoder: StreamEncoder
  readonly #told = new Told()
  #source: Source<Frame> | undefined
  #sink: Sink<Frame> | undefined
  #splice: Splice | undefined
  /** Who is answering now. */
  #current: Pick<Answered, 'provider' | 'model'>
  /** What the client hears where nobody can go on: what broke first, not what was tried in vain. */
  #first: Failure | undefined
  /** The receiving side is gone. */
  #isLeft = false
  #over = false

  constructor(call: Call, reply: StreamReply, answered: Gathered, trail: Failure[], goOn: GoOn) {
    this.#call = call
    this.#trail = trail
    this.#answered = answered
    this.#goOn = goOn
    this.#source = reply.source
    this.#current = answered
    this.#encoder = call.dialect.encoder({
      losses: answered.losses,
      request: requestIn(call),
      write: CLIENT_FRAMINGS[call.framing].event
    })
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    this.#follow(this.#source!)
  }

  resume(): void {
    this.#source?.resume()
  }

  destroy(reason?: Failure): void {
    this.#isLeft = true
    if (this.#source) this.#source.destroy(reason)
    else this.#close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
  }

  #follow(source: Source<Frame>): void {
    this.#source = source
    source.start({
      frame: frame => (this.#source === source ? this.#frame(frame) : true),
      close: outcome => {
        if (this.#source === source) this.#closed(outcome)
      }
    })
  }

  #frame(frame: Frame): boolean {
    const events: Event[] = []
    let raw = ''
    try {
      for (const event of frame.events) {
        const fitted = this.#splice ? this.#splice.fit(event) : [event]
        if (fitted === DIVERGED) {
          this.#trail.push(this.#diverged())
          this.#giveUp(this.#first!)
          return true
        }
        for (const each of fitted) {
          const told = this.#tell(each)
          events.push(told)
          raw += this.#encoder.push(told)
        }
      }
    } catch (thrown) {
      this.#giveUp(Failure.from(thrown))
      return true
    }
    return events.length === 0 || this.#sink!.frame({ raw: Buffer.from(raw), events })
  }

  #tell(event: Event): Event {
    this.#told.push(event)
    if (event.type === 'usage') return { ...event, usage: this.#told.used(event.usage) }
    if (event.type === 'start' && event.usage) this.#told.used(event.usage)
    return event
  }

  #closed(outcome: Outcome): void {
    this.#source = undefined
    if (outcome.how !== 'failed' || this.#isLeft || !this.#told.canGoOn) {
      this.#close(outcome)
      return
    }
    const { failure } = outcome
    failure.provider ??= this.#current.provider
    failure.model ??= this.#current.model
    this.#first ??= failure
    this.#told.broke()
    this.#goOn({ ...this.#call, intake: { decoded: true }, continues: { text: this.#told.text } }, failure).then(
      reply => this.#joined(reply),
      thrown => this.#gaveUp(Failure.from(thrown))
    )
  }

  #joined(reply: Reply): void {
    if (reply.how !== 'stream') {
      this.#gaveUp(new Failure('internal', 'A stream was gone on with by a whole answer.'))
      return
    }
    if (this.#over) {
      reply.source.destroy()
      return
    }
    const { provider, model, losses } = reply.answered
    const how = reply.prefilled ? 'prefill' : 'restart'
    this.#current = reply.answered
    this.#answered.continued.push({ provider, model, how, afterChars: this.#told.text.length })
    this.#answered.losses.push(...losses.filter(loss => !this.#answered.losses.includes(loss)))
    this.#splice = new Splice(this.#told, how)
    this.#follow(reply.source)
  }

  /** Nobody is left to go on. */
  #gaveUp(failure: Failure): void {
    if (failure.kind === 'aborted') this.#close({ how: 'aborted' })
    else this.#close(failed(failure.kind === 'internal' ? failure : this.#first!))
  }

  /** The attempt that is under way is of no use. */
  #giveUp(failure: Failure): void {
    const source = this.#source
    this.#source = undefined
    source?.destroy(failure)
    this.#close(failed(failure))
  }

  #diverged(): Failure {
    const { provider, model } = this.#current
    const message = `${provider} could not go on: its answer begins otherwise than the one that had broken off.`
    return new Failure('provider_malformed', message, { provider, model })
  }

  #close(outcome: Outcome): void {
    if (this.#over) return
    this.#over = true
    this.#sink?.close(outcome)
  }
}

function failed(failure: Failure): Outcome {
  return { how: 'failed', failure }
}
