import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import { type Change, Overload, type Pressure } from './overload.ts'
import type { Vitals } from './vitals.ts'

export interface OverloadLimits {
  /** The event loop may be late by so much, in milliseconds (99th percentile). */
  loopLagMs: number
  /** The part of the memory that may be used, from 0 to 1. */
  memoryShare: number
}

export interface SheddingOptions {
  vitals: Vitals
  /** Those of the configuration in force. */
  limits(): OverloadLimits
  /** Connections open now, clients' and providers'. */
  sockets(): number
  /** Bodies held now, as a part of what may be held, from 0 to 1. */
  inFlightShare(): number
  clock: Clock
  log: Log
}

/** The rest is for files, and for connections that are only being refused. */
const SOCKETS_SHARE = 0.9
/** Thousand calls at one time, a socket on either side of each, and what a process needs besides. */
const OPEN_FILES_WANTED = 3_000
const RETRY_AFTER_MS = 1_000

const WORDS: Readonly<Record<Pressure, string>> = {
  loop_lag: 'its event loop is late',
  memory: 'its memory is nearly full',
  sockets: 'nearly all its sockets are in use',
  in_flight: 'the bodies it holds are at their limit'
}

interface Episode {
  sinceMs: number
  shed: number
}

/**
 * Turns new calls away while the process has too much to do (D35), and says so in the log once when it begins and once
 * when it ends, with their number: a line for each would be load of its own. Open streams are never touched.
 */
export class Shedding {
  readonly #options: SheddingOptions
  readonly #overload = new Overload()
  readonly #episodes = new Map<Pressure, Episode>()
  readonly #socketsMax: number
  readonly #timer: NodeJS.Timeout

  constructor(options: SheddingOptions) {
    const { vitals, log } = options
    const { openFilesMax } = vitals
    this.#options = options
    this.#socketsMax = openFilesMax === undefined ? Number.POSITIVE_INFINITY : Math.floor(openFilesMax * SOCKETS_SHARE)
    if (openFilesMax !== undefined && openFilesMax < OPEN_FILES_WANTED) {
      log.warn(
        { openFilesMax, socketsMax: this.#socketsMax },
        `only ${openFilesMax} files may be open (ulimit -n), so about ${Math.floor(this.#socketsMax / 2)} calls at one time; raise it`
      )
    }
    this.#timer = setInterval(() => this.#look(), vitals.everyMs).unref()
  }

  /** Why a new call is not taken; undefined where it is. `open`: calls under way, the new one included. */
  refusal(open: number): Failure | undefined {
    this.#read('sockets', this.#options.sockets(), this.#socketsMax)
    const pressure = this.#pressure(open)
    return pressure && this.#shed(pressure)
  }

  /** Whether no new call is turned away just now. */
  get isCalm(): boolean {
    return this.#episodes.size === 0
  }

  /** A body was refused because too many bytes are held already. */
  refusedBody(): void {
    this.#change('in_flight', this.#overload.read('in_flight', Number.POSITIVE_INFINITY, 1), 1, 1)
    this.#shed('in_flight')
  }

  close(): void {
    clearInterval(this.#timer)
    this.#options.vitals.close()
  }

  #pressure(open: number): Pressure | undefined {
    if (this.#overload.isOver('sockets')) return 'sockets'
    if (this.#overload.isOver('loop_lag')) return 'loop_lag'
    // With nothing else open nothing would free memory: refusing would be for ever.
    return open > 1 && this.#overload.isOver('memory') ? 'memory' : undefined
  }

  #shed(pressure: Pressure): Failure {
    const episode = this.#episodes.get(pressure)
    if (episode) episode.shed++
    return new Failure('overloaded', `The gateway takes no new calls: ${WORDS[pressure]}.`, {
      retryAfterMs: RETRY_AFTER_MS,
      details: { reason: pressure }
    })
  }

  #look(): void {
    const { vitals, limits, sockets, inFlightShare } = this.#options
    const { loopLagMs, memoryShare } = limits()
    this.#read('loop_lag', vitals.loopLagMs(), loopLagMs)
    this.#read('memory', vitals.memoryShare(), memoryShare)
    this.#read('sockets', sockets(), this.#socketsMax)
    // It begins only with a body that was refused.
    if (this.#overload.isOver('in_flight')) this.#read('in_flight', inFlightShare(), 1)
  }

  #read(pressure: Pressure, value: number, limit: number): void {
    this.#change(pressure, this.#overload.read(pressure, value, limit), value, limit)
  }

  #change(reason: Pressure, change: Change | undefined, value: number, limit: number): void {
    const { clock, log } = this.#options
    if (change === 'begins') {
      this.#episodes.set(reason, { sinceMs: clock.monotonicMs(), shed: 0 })
      log.warn({ reason, value, limit }, `overloaded, new calls are turned away: ${WORDS[reason]}`)
    } else if (change === 'ends') {
      const { sinceMs, shed } = this.#episodes.get(reason)!
      this.#episodes.delete(reason)
      log.warn(
        { reason, value, limit, shed, lastedMs: Math.round(clock.monotonicMs() - sinceMs) },
        'overloaded no more'
      )
    }
  }
}
