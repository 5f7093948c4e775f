import type { Frame } from '../dialects/canonical.ts'
import type { Dialect, TextRef } from '../dialects/dialect.ts'
import { Failure } from '../errors.ts'
import { endedBy } from '../wire/exchange.ts'
import type { Outcome, Sink, Source } from '../wire/frames.ts'
import { lookAt } from './aside.ts'
import { type Guard, isNoted } from './attached.ts'
import {
  dropTokens,
  endsOf,
  type FramingOfClient,
  isWholePassage,
  type Said,
  saidIn,
  unknownTexts
} from './frame-texts.ts'
import { judgesOf } from './judges.ts'
import { Lane } from './lane.ts'
import { placeOf, type Reading } from './passages.ts'
import { Heard, judgePieces, type Piece, write } from './pieces.ts'
import type { GuardThreads } from './threads.ts'

interface Waiting {
  frame: Frame
  said: { said: Said; pieces: Piece[] }[]
  /** When it came, on the guards' clock. */
  atMs: number
}

export interface WindowOptions {
  dialect: Dialect
  framing: FramingOfClient
  reading: Reading
  /** So much may wait to be decided, in bytes; more stops the stream. */
  waitingBytesMax?: number
  /** For texts that would hold the event loop for too long. */
  threads?: GuardThreads
}

const NOTHING = Buffer.alloc(0)
const NO_PIECES: Piece[] = []
const WAITING_BYTES_MAX = 8_000_000

/**
 * A stream that its client gets as far as it is decided. Frames wait in their order until nothing in their texts could
 * still become part of a finding or of a placeholder; then they go on, byte for byte where nothing was replaced. What a
 * guard does not let pass ends the stream with its refusal. Checks that judge the whole hold all of it to its end;
 * those that only note something hold nothing, and are asked when all of it is gone.
 */
export class GuardedStream implements Source<Frame> {
  readonly #source: Source<Frame>
  readonly #dialect: Dialect
  readonly #framing: FramingOfClient
  readonly #reading: Reading
  readonly #guards: readonly Guard[]
  /** Checks of the whole. */
  readonly #judges: readonly Guard[]
  /** One of them may change the text, or keep it from passing. */
  readonly #isHeld: boolean
  /** Where none of them may: what they are to judge. */
  readonly #heard: Heard | undefined
  readonly #threads: GuardThreads | undefined
  readonly #waitingBytesMax: number
  readonly #lanes = new Map<string, Lane>()
  #waiting: Waiting[] = []
  /** How many of the waiting ones were handed on. */
  #passed = 0
  #waitingBytes = 0
  /** A text is being read in another thread, or all of it judged: what comes meanwhile waits unread. */
  #isAside = false
  #unread: Frame[] = []
  /** When something was last decided, on the guards' clock: what a slow client waits for is not counted. */
  #nowMs = 0
  #sink: Sink<Frame> | undefined
  #isFull = false
  /** The source was told to pause. */
  #isPaused = false
  /** How the source ended. */
  #outcome: Outcome | undefined
  /** All is decided that ever will be. */
  #isSettled = false
  #isClosed = false
  /** The client is gone; the source may be read on all the same. */
  #isLeft = false
  #readying: { resolve: () => void; reject: (failure: Failure) => void } | undefined

  constructor(source: Source<Frame>, { dialect, framing, reading, waitingBytesMax, threads }: WindowOptions) {
    this.#source = source
    this.#dialect = dialect
    this.#framing = framing
    this.#reading = reading
    this.#guards = reading.guarding.of('response')
    this.#judges = judgesOf(this.#guards)
    this.#isHeld = this.#judges.some(guard => !isNoted(guard))
    this.#waitingBytesMax = waitingBytesMax ?? WAITING_BYTES_MAX
    this.#heard = this.#judges.length > 0 && !this.#isHeld ? new Heard(this.#waitingBytesMax) : undefined
    this.#threads = threads
  }

  /**
   * Reads on until the first content may go to the client. Until then whatever goes wrong, a refusal too, rejects:
   * nobody has been sent anything, and another target may answer.
   */
  ready(): Promise<void> {
    const { signal } = this.#reading
    // Nobody else looks after the source yet.
    const leave = () => {
      this.#isLeft = true
      this.#source.destroy(endedBy(signal))
    }
    return new Promise<void>((resolve, reject) => {
      this.#readying = { resolve, reject }
      this.#source.start({ frame: frame => this.#take(frame), close: outcome => this.#sourceClosed(outcome) })
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave, { once: true })
    }).finally(() => signal.removeEventListener('abort', leave))
  }

  start(sink: Sink<Frame>): void {
    this.#sink = sink
    this.#handOn()
  }

  resume(): void {
    this.#isFull = false
    this.#handOn()
    this.#readOn()
  }

  #readOn(): void {
    if (this.#isFull || this.#isAside || !this.#isPaused) return
    this.#isPaused = false
    this.#source.resume()
  }

  destroy(reason?: Failure): void {
    this.#drop()
    this.#isLeft = true
    for (const { events } of this.#unread.splice(0)) this.#sink?.frame({ raw: NOTHING, events })
    if (!this.#outcome) this.#source.destroy(reason)
    // It was over, but not all of it has been handed on.
    if (this.#outcome) this.#close(reason ? { how: 'failed', failure: reason } : { how: 'aborted' })
  }

  #take(frame: Frame): boolean {
    if (this.#isSettled) return true
    // What it used is of interest still.
    if (this.#isLeft) return this.#sink?.frame({ raw: NOTHING, events: frame.events }) ?? true
    if (this.#isAside) this.#unread.push(frame)
    else {
      this.#step(() => this.#read(frame))
      if (this.#isSettled) return true
      // What comes although it was asked to pause was read already; it pushes on what waits.
      this.#isFull = false
      this.#handOn()
    }
    if (!this.#isFull && !this.#isAside) return true
    this.#isPaused = true
    return false
  }

  /** Does the next thing. Where that takes time, everything else waits for it. What it throws ends the stream. */
  #step(next: () => void | Promise<void>): void {
    try {
      const going = next()
      if (!going) return
      this.#isAside = true
      going.then(
        () => this.#goOn(),
        thrown => this.#stop(Failure.from(thrown))
      )
    } catch (thrown) {
      this.#stop(Failure.from(thrown))
    }
  }

  #goOn(): void {
    this.#isAside = false
    this.#nowMs = this.#reading.guarding.nowMs()
    if (this.#isSettled || this.#isLeft) return
    this.#handOn()
    const unread = this.#unread.splice(0)
    while (unread.length > 0 && !this.#isAside) this.#take(unread.shift()!)
    this.#unread.unshift(...unread)
    if (this.#isAside || this.#isSettled) return
    if (this.#outcome) this.#finish()
    else this.#readOn()
  }

  #read(frame: Frame): void | Promise<void> {
    const said = frame.raw.length === 0 ? [] : saidIn(frame.raw, this.#framing)
    const touched: Lane[] = []
    const read = said.map(each => ({ said: each, pieces: this.#pieces(each, frame, touched) }))
    this.#nowMs = this.#reading.guarding.nowMs()
    this.#waiting.push({ frame, said: read, atMs: this.#nowMs })
    this.#waitingBytes += frame.raw.length
    if (said.length === 0) this.#end(endsOf(this.#dialect, undefined, frame), touched)
    for (const { data } of said) this.#end(endsOf(this.#dialect, data, frame), touched)
    const looking = lookAt(touched, this.#guards, this.#threads)
    if (this.#waitingBytes > this.#waitingBytesMax) {
      looking?.catch(() => {})
      throw new Failure('guard_unavailable', 'The guards would have to hold back more of the answer than they may.')
    }
    return looking
  }

  #pieces({ data }: Said, frame: Frame, touched: Lane[]): Piece[] {
    if (!data) return NO_PIECES
    const known = this.#dialect.streamTexts(data)
    const refs = known.length > 0 ? known : unknownTexts(data, frame)
    return refs.map(ref => {
      const key = `${ref.lane} ${ref.kind}`
      const isWhole = refs !== known || isWholePassage(this.#dialect, ref)
      const lane = isWhole ? this.#newLane(ref) : this.#laneOf(key, ref)
      const { start, end } = lane.push(ref.get(), ref.sealed)
      if (isWhole) lane.end()
      if (!touched.includes(lane)) touched.push(lane)
      return { ref, lane, key, isWhole, start, end, isChanged: false }
    })
  }

  #laneOf(key: string, ref: TextRef): Lane {
    let lane = this.#lanes.get(key)
    if (!lane) {
      lane = this.#newLane(ref)
      this.#lanes.set(key, lane)
    }
    return lane
  }

  #newLane(ref: TextRef): Lane {
    const { guarding } = this.#reading
    const restores = !this.#isHeld
    return new Lane({ place: placeOf(ref, 'response'), guards: this.#guards, guarding, restores })
  }

  #end(ends: readonly string[] | 'all', touched: Lane[]): void {
    if (ends.length === 0) return
    for (const [key, lane] of this.#lanes) {
      const name = key.slice(0, key.lastIndexOf(' '))
      if (ends !== 'all' && !ends.some(end => name === end || name.startsWith(`${end}/`))) continue
      lane.end()
      if (!touched.includes(lane)) touched.push(lane)
    }
  }

  #sourceClosed(outcome: Outcome): void {
    if (this.#outcome) return
    this.#outcome = outcome
    if (this.#isSettled) {
      this.#handOn()
      return
    }
    if (outcome.how === 'aborted' || this.#isLeft) {
      this.#drop()
      this.#settle()
      return
    }
    if (!this.#isAside) this.#finish()
  }

  /** Nothing more will come: the rest is decided. */
  #finish(): void {
    this.#step(() => {
      for (const lane of this.#lanes.values()) lane.end()
      const looking = lookAt([...this.#lanes.values()], this.#guards, this.#threads)
      return looking ? looking.then(() => this.#judge()) : this.#judge()
    })
  }

  #judge(): void | Promise<void> {
    if (!this.#isHeld || this.#outcome!.how === 'failed') this.#settle()
    else return judgePieces(this.#waitingPieces(), this.#judges, this.#reading).then(() => this.#settle())
  }

  #settle(): void {
    this.#isSettled = true
    this.#nowMs = this.#reading.guarding.nowMs()
    const { how } = this.#outcome!
    if (how !== 'done' && this.#readying) this.#reject(failureOf(this.#outcome!))
    this.#handOn()
  }

  #waitingPieces(): Piece[] {
    return this.#waiting.flatMap(({ said }) => said.flatMap(({ pieces }) => pieces))
  }

  /** The stream ends here, with this. */
  #stop(failure: Failure): void {
    if (this.#readying || this.#isLeft) this.#drop()
    else this.#keepDecided()
    this.#isSettled = true
    if (this.#readying) this.#reject(failure)
    if (!this.#outcome) this.#source.destroy(failure)
    this.#outcome = { how: 'failed', failure }
    this.#handOn()
  }

  #reject(failure: Failure): void {
    const readying = this.#readying
    this.#readying = undefined
    readying?.reject(failure)
  }

  /** What the receiver has not taken yet, but may have, goes out before the end. */
  #keepDecided(): void {
    const waiting = this.#waiting.slice(this.#passed)
    const undecided = waiting.findIndex(each => !this.#isDecided(each))
    this.#waiting = undecided === -1 ? waiting : waiting.slice(0, undecided)
    this.#passed = 0
  }

  #drop(): void {
    this.#waiting = []
    this.#passed = 0
    this.#waitingBytes = 0
  }

  /** Hands on what is decided, in order, for as long as it is taken. */
  #handOn(): void {
    if (this.#readying) {
      if (!this.#mayBegin()) return
      const { resolve } = this.#readying
      this.#readying = undefined
      resolve()
    }
    if (!this.#sink || this.#isClosed) return
    while (!this.#isFull && this.#passed < this.#waiting.length) {
      const next = this.#waiting[this.#passed]!
      if (!this.#isDecided(next)) break
      this.#passed++
      this.#waitingBytes -= next.frame.raw.length
      if (!this.#sink.frame(this.#written(next))) this.#isFull = true
    }
    if (this.#passed === this.#waiting.length) {
      this.#drop()
      if (this.#isSettled && this.#outcome) this.#close(this.#outcome)
    } else if (this.#passed > 256) {
      this.#waiting = this.#waiting.slice(this.#passed)
      this.#passed = 0
    }
  }

  /** The first text is decided, or all that there will be. */
  #mayBegin(): boolean {
    if (this.#isSettled) return true
    const first = this.#waiting.findIndex(({ said }) =>
      said.some(({ pieces }) => pieces.some(({ start, end }) => end > start))
    )
    if (first === -1) return false
    return this.#waiting.slice(0, first + 1).every(waiting => this.#isDecided(waiting))
  }

  #isDecided({ said }: Waiting): boolean {
    if (this.#isSettled) return true
    if (this.#isHeld) return false
    for (const { pieces } of said) for (const { lane, end } of pieces) if (end > lane.decided) return false
    return true
  }

  #written({ frame, said, atMs }: Waiting): Frame {
    const { guarding } = this.#reading
    if (this.#nowMs - atMs > guarding.heldMs) guarding.heldMs = this.#nowMs - atMs
    let isChanged = false
    for (const { pieces } of said) {
      for (const piece of pieces) {
        const text = write(piece)
        this.#heard?.add(piece, text)
        isChanged ||= piece.isChanged
      }
    }
    if (!isChanged) return frame
    const events = said.map(({ said: each, pieces }) => {
      if (!pieces.some(piece => piece.isChanged)) return each.raw
      dropTokens(each.data)
      return each.written()
    })
    return { raw: Buffer.concat(events), events: frame.events }
  }

  #close(outcome: Outcome): void {
    if (this.#isClosed || !this.#sink) return
    this.#isClosed = true
    const sink = this.#sink
    if (!this.#heard || outcome.how !== 'done') {
      sink.close(outcome)
      return
    }
    // Who has all of the answer may leave; what is noted of it is for the record.
    const reading = { ...this.#reading, signal: new AbortController().signal }
    const close = () => sink.close(outcome)
    this.#heard.judge(this.#judges, reading).then(close, close)
  }
}

function failureOf(outcome: Outcome): Failure {
  if (outcome.how === 'failed') return outcome.failure
  return new Failure('client_closed', 'The client left before the answer was complete.')
}
