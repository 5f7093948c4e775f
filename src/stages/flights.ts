import { Relay } from '../cache/relay.ts'
import type { Frame } from '../dialects/canonical.ts'
import { Failure, type Kind } from '../errors.ts'
import type { CachedAnswer } from '../stores/cache.ts'
import { endedBy } from '../wire/exchange.ts'
import type { Call, Reply } from './call.ts'

/** What becomes of a call that waited for another. */
export type Landing =
  /** The other one was given a kept answer. */
  | { how: 'found'; answer: CachedAnswer; score?: number }
  /** The same answer, from its beginning. */
  | { how: 'shared'; reply: Reply; leader: Call }
  /** The other one is gone: this call asks itself, for all who still wait. */
  | { how: 'lead' }

/** Failures that are a call's own, or its caller's: another call of the same words need not meet them. */
const OWN: ReadonlySet<Kind> = new Set([
  'aborted',
  'internal',
  'refused_here',
  'limited_here',
  'budget_exceeded',
  'guard_reroute',
  'guard_retry'
])

/** Calls in flight, by all that their answers follow from. One process's: replicas have flights of their own. */
export class Flights {
  readonly #flights = new Map<string, Flight>()
  readonly #bytesMax: number

  /** `bytesMax`: what is held of one stream for those who join it late, or read it slowly. */
  constructor({ bytesMax }: { bytesMax: number }) {
    this.#bytesMax = bytesMax
  }

  /** The flight of this key; undefined: none that could be joined is under way. */
  find(key: string): Flight | undefined {
    return this.#flights.get(key)
  }

  /** A flight that this call leads. */
  open(key: string, leader: Call): Flight {
    const flight = new Flight(leader, {
      bytesMax: this.#bytesMax,
      closed: () => {
        if (this.#flights.get(key) === flight) this.#flights.delete(key)
      }
    })
    this.#flights.set(key, flight)
    return flight
  }
}

interface FlightOptions {
  bytesMax: number
  /** Nobody may join any more. */
  closed(): void
}

interface Waiting {
  resolve(landing: Landing): void
  reject(failure: Failure): void
}

/**
 * One call upstream for identical calls. It is charged to the call that opened it, the leader, and goes on as long as
 * one of them wants it. Where the leader ends for reasons of its own, the next one leads.
 */
export class Flight {
  readonly #options: FlightOptions
  readonly #waiting: Waiting[] = []
  readonly #ending = new AbortController()
  /** How many still want the answer, and have nothing of it. */
  #aboard = 0
  #relay: Relay<Frame> | undefined
  #reply: Reply | undefined
  #isOver = false
  #leader: Call

  constructor(leader: Call, options: FlightOptions) {
    this.#options = options
    this.#leader = leader
    this.#board(leader.signal)
  }

  /** Aborted when nobody wants the answer any more: for the attempts of the leader. */
  get signal(): AbortSignal {
    return this.#ending.signal
  }

  /** Another call of the same words. Rejects with the failure that all of them meet, or `client_closed`. */
  join({ signal }: Call): Promise<Landing> {
    const shared = this.#shared()
    if (shared) return Promise.resolve(shared)
    return new Promise<Landing>((resolve, reject) => {
      const leave = () => {
        const at = this.#waiting.indexOf(waiting)
        if (at !== -1) this.#waiting.splice(at, 1)
        reject(endedBy(signal) ?? new Failure('client_closed', 'The client left before the answer came.'))
      }
      const settled = () => signal.removeEventListener('abort', leave)
      const waiting = {
        resolve(landing: Landing) {
          settled()
          resolve(landing)
        },
        reject(failure: Failure) {
          settled()
          reject(failure)
        }
      }
      this.#waiting.push(waiting)
      signal.addEventListener('abort', leave, { once: true })
      this.#board(signal)
      if (signal.aborted) leave()
    })
  }

  /** The call that was told to lead does. */
  leads(call: Call): void {
    this.#leader = call
  }

  /** The leader was given a kept answer: so are all. */
  found(answer: CachedAnswer, score?: number): void {
    this.#settle(waiting => waiting.resolve({ how: 'found', answer, ...(score !== undefined && { score }) }))
  }

  /** The answer has come, or begins. Returns what the leader gets of it. */
  landed(reply: Reply): Reply {
    if (reply.how === 'whole') {
      this.#reply = reply
      this.#settle(waiting => waiting.resolve(this.#shared()!))
      return reply
    }
    this.#relay = new Relay(reply.source, { bytesMax: this.#options.bytesMax, closed: () => this.#close() })
    const own = { ...reply, source: this.#relay.rider(true)! }
    this.#reply = reply
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(this.#shared()!)
    return own
  }

  /** The leader ended without an answer. `isTheirs`: a provider was asked and this is what came of it. */
  failed(failure: Failure, isTheirs: boolean): void {
    if (this.#isOver || this.#reply) return
    if (isTheirs && !OWN.has(failure.kind)) {
      this.#settle(waiting => waiting.reject(copyOf(failure)))
      return
    }
    const next = this.#waiting.shift()
    if (next) next.resolve({ how: 'lead' })
    else this.#close()
  }

  #shared(): Landing | undefined {
    const reply = this.#reply
    if (!reply) return undefined
    const leader = this.#leader
    if (reply.how === 'whole') return { how: 'shared', reply, leader }
    // A flight that cannot be joined any more is found by nobody.
    return { how: 'shared', reply: { ...reply, source: this.#relay!.rider()! }, leader }
  }

  #board(signal: AbortSignal): void {
    this.#aboard++
    const leave = () => {
      if (--this.#aboard > 0 || this.#reply) return
      this.#close()
      this.#ending.abort(signal.reason)
    }
    if (signal.aborted) leave()
    else signal.addEventListener('abort', leave, { once: true })
  }

  #settle(each: (waiting: Waiting) => void): void {
    this.#close()
    for (const waiting of this.#waiting.splice(0)) each(waiting)
  }

  #close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#options.closed()
  }
}

/** Each of those who meet it makes it their own: what they fill in is not that of the others. */
function copyOf(failure: Failure): Failure {
  const { kind, status, param, retryAfterMs, native, details, provider, model } = failure
  return new Failure(failure.code, failure.message, {
    kind,
    status,
    details: { ...details },
    ...(param !== undefined && { param }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    ...(native && { native }),
    ...(provider !== undefined && { provider }),
    ...(model !== undefined && { model }),
    cause: failure.cause
  })
}
