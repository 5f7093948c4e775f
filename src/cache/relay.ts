import type { Failure } from '../errors.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'

/** Beside its bytes, what a frame takes in memory. */
const FRAME_OVERHEAD_BYTES = 200

export interface RelayOptions {
  /** So much of the stream is held, for riders that are behind; above it the source waits for the slowest. */
  bytesMax: number
  /** No further rider can get all of it: its beginning is gone, or it is over. */
  closed(): void
}

/**
 * One stream for many: each rider is a Source of its own that begins with the first frame, however late it joined. The
 * source flows as fast as the fastest rider reads, and as far as the slowest is not more than `bytesMax` behind. A
 * rider that leaves is gone; when the last has left, so is the source. The owner, whom the stream is charged to, is told
 * of its end only when it has ended, also where it left before.
 */
export class Relay<F extends { raw: Buffer }> implements Sink<F> {
  readonly #source: Source<F>
  readonly #options: RelayOptions
  readonly #riders = new Set<Rider<F>>()
  /** The frames from number `#first` on. */
  #frames: F[] = []
  #first = 0
  #bytes = 0
  #outcome: Outcome | undefined
  #isStarted = false
  #isPaused = false
  #isClosed = false

  constructor(source: Source<F>, options: RelayOptions) {
    this.#source = source
    this.#options = options
  }

  /** The stream from its beginning; undefined where it can no longer be had. */
  rider(isOwner = false): Source<F> | undefined {
    if (this.#isClosed) return undefined
    const rider = new Rider<F>(this, isOwner)
    this.#riders.add(rider)
    return rider
  }

  begin(): void {
    if (this.#isStarted) return
    this.#isStarted = true
    this.#source.start(this)
  }

  frame(frame: F): boolean {
    this.#frames.push(frame)
    this.#bytes += sizeOf(frame)
    for (const rider of [...this.#riders]) this.hand(rider)
    if (this.#bytes > this.#options.bytesMax) this.#forget()
    this.#isPaused = !this.#isFlowing
    return !this.#isPaused
  }

  close(outcome: Outcome): void {
    this.#outcome = outcome
    this.#noMore()
    for (const rider of [...this.#riders]) this.hand(rider)
  }

  /** Hands a rider what it does not have, for as long as it takes it. */
  hand(rider: Rider<F>): void {
    const end = this.#first + this.#frames.length
    while (rider.isReading && rider.next < end) rider.take(this.#frames[rider.next - this.#first]!)
    if (!this.#outcome || (rider.next < end && !rider.isLeft)) return
    if (rider.close(this.#outcome)) this.#riders.delete(rider)
  }

  /** A rider takes more again. */
  goOn(rider: Rider<F>): void {
    this.hand(rider)
    if (this.#isClosed && this.#bytes > this.#options.bytesMax) this.#forget()
    if (!this.#isPaused || this.#outcome || !this.#isFlowing) return
    this.#isPaused = false
    this.#source.resume()
  }

  left(rider: Rider<F>, reason: Failure | undefined): void {
    if (this.#outcome) {
      this.hand(rider)
      return
    }
    if (!rider.isOwner) {
      this.#riders.delete(rider)
      rider.close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
    }
    if ([...this.#riders].some(({ isLeft }) => !isLeft)) {
      // It may have been the one that all waited for.
      this.goOn(rider)
      return
    }
    this.#noMore()
    this.begin()
    this.#source.destroy(reason)
  }

  get #isFlowing(): boolean {
    const readers = [...this.#riders].filter(({ isLeft }) => !isLeft)
    return this.#bytes <= this.#options.bytesMax && readers.some(({ isFull }) => !isFull)
  }

  /** Lets go of what every rider has, and with it of the beginning. */
  #forget(): void {
    this.#noMore()
    const readers = [...this.#riders].filter(({ isLeft }) => !isLeft)
    const needed = Math.min(...readers.map(({ next }) => next), this.#first + this.#frames.length)
    const gone = this.#frames.splice(0, needed - this.#first)
    this.#first = needed
    for (const frame of gone) this.#bytes -= sizeOf(frame)
  }

  #noMore(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#options.closed()
  }
}

function sizeOf({ raw }: { raw: Buffer }): number {
  return raw.length + FRAME_OVERHEAD_BYTES
}

class Rider<F extends { raw: Buffer }> implements Source<F> {
  readonly #relay: Relay<F>
  readonly isOwner: boolean
  /** Number of the frame that it gets next. */
  next = 0
  isFull = false
  isLeft = false
  #sink: Sink<F> | undefined
  #reason: Failure | undefined
  #isClosed = false

  constructor(relay: Relay<F>, isOwner: boolean) {
    this.#relay = relay
    this.isOwner = isOwner
  }

  get isReading(): boolean {
    return this.#sink !== undefined && !this.isFull && !this.isLeft
  }

  start(sink: Sink<F>): void {
    this.#sink = sink
    this.#relay.begin()
    this.#relay.hand(this)
  }

  resume(): void {
    this.isFull = false
    this.#relay.goOn(this)
  }

  destroy(reason?: Failure): void {
    if (this.isLeft || this.#isClosed) return
    this.isLeft = true
    this.#reason = reason
    this.#relay.left(this, reason)
  }

  take(frame: F): void {
    this.next++
    if (!this.#sink!.frame(frame)) this.isFull = true
  }

  /** Returns whether it is over for this rider: one that has not begun is told when it does. */
  close(outcome: Outcome): boolean {
    if (this.#isClosed) return true
    if (!this.#sink) return this.isLeft
    this.#isClosed = true
    this.#sink.close(this.isLeft ? this.#afterLeaving(outcome) : outcome)
    return true
  }

  /** The answer that a rider no longer heard was read to its end, or not. */
  #afterLeaving(outcome: Outcome): Outcome {
    if (this.#reason) return { how: 'failed', failure: this.#reason }
    if (!this.isOwner || outcome.how === 'aborted') return outcome.how === 'aborted' ? outcome : { how: 'aborted' }
    return { how: 'aborted', drained: outcome.how === 'done' }
  }
}
