import { setImmediate as turn } from 'node:timers/promises'
import { type Caller, OPEN_CALLER } from '../access/caller.ts'
import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import type { HealthView } from '../routing/health.ts'
import type { RoutingRooms } from '../stages/route-call.ts'
import type { RequestRow } from '../stores/rows.ts'
import type { UsageLine } from '../stores/stores.ts'
import { EvenDraws } from './draws.ts'
import { doorOf, type LoggedCall, loggedCall } from './logged-call.ts'
import { Observed } from './observed.ts'
import { type Prediction, type PredictionRooms, predict } from './prediction.ts'
import type { Simulation } from './report.ts'
import { type CostAt, Tally } from './tally.ts'

/** A configuration that nothing runs with, as far as calls of the past need it. */
export interface Proposed {
  /** With the health of targets that nobody calls. */
  routing(health: HealthView): RoutingRooms
  /**
   * Who the keys of these names would be; `undefined` stands for a call without one. A Failure: how it is refused.
   */
  callersOf(keys: ReadonlySet<string | undefined>): Promise<ReadonlyMap<string | undefined, Caller | Failure>>
  /** Failure `not_allowed` where the key may not come in by the door. */
  mayEnter(caller: Caller, door: string): Failure | undefined
  /** Tags that the key puts on every call now, by which rows have them. */
  ownTags(key: string | undefined): readonly string[]
  costAt: CostAt
  /** Why a target would not be asked although a plan names it. */
  refusal(provider: string, model: string): Failure | undefined
}

/** What of the log is gone through. */
export interface LogOf {
  /** Pages of rows, newest first. */
  rows: AsyncIterable<readonly RequestRow[]>
  /** Attempts of that time by provider, model and failure, with percentiles; none where no target is taken to fail. */
  attempts: readonly UsageLine[]
  /** Rows are not gone through beyond so many. */
  limit: number
  /** The body of a call as it was received, where it was kept; absent: bodies must not be looked at. */
  bodyOf?: ((call: { id: string; atMs: number }) => Promise<string | undefined>) | undefined
}

/** For so long the event loop may be held; calls go on beside. */
const TURN_MS = 1

/**
 * What a configuration would have made of the calls in the log. Nobody is called. Failures are those of the log: each
 * target fails as often as it did; what chance decides comes out as its weights say.
 */
export async function simulate(
  log: LogOf,
  proposed: Proposed,
  { clock, breaks }: { clock: Clock; breaks?: boolean | undefined }
): Promise<Simulation> {
  const turns = new Turns(clock)
  const observed = new Observed(log.attempts)
  const tally = new Tally(proposed.costAt)
  const calls: LoggedCall[] = []
  let seen = 0
  let truncated = false
  for await (const page of log.rows) {
    for (const row of page) {
      if (seen >= log.limit) {
        truncated = true
        break
      }
      seen++
      observed.saw(row)
      const logged = loggedCall(row)
      if (typeof logged === 'string') tally.leaveAlone(logged)
      else calls.push(logged)
      if (turns.isDue) await turns.rest()
    }
    if (truncated) break
  }
  const callers = await proposed.callersOf(new Set(calls.map(({ payers }) => payers.key)))
  const rooms = {
    routing: proposed.routing(observed.health()),
    draws: new EvenDraws(),
    failing: (target: string) => observed.failing(target),
    refusal: (provider: string, model: string) => proposed.refusal(provider, model),
    breaks
  }
  for (const logged of calls) {
    const caller = callerOf(logged, callers.get(logged.payers.key), proposed)
    const predicting = { ...rooms, ownTags: proposed.ownTags(logged.payers.key) }
    const prediction =
      caller instanceof Failure ? refused(caller) : await foreseen(logged, caller, predicting, log.bodyOf)
    tally.add(logged, prediction)
    if (turns.isDue) await turns.rest()
  }
  return tally.report(observed, truncated)
}

/** By its row; where that lacks something, by its body too, if there is one. */
async function foreseen(
  logged: LoggedCall,
  caller: Caller,
  rooms: PredictionRooms,
  bodyOf: LogOf['bodyOf']
): Promise<Prediction> {
  const byRow = predict(logged, caller, rooms, undefined)
  const received = byRow.missing.size > 0 ? await bodyOf?.(logged) : undefined
  return received === undefined ? byRow : predict(logged, caller, rooms, received)
}

/**
 * Who would make the call. What its key may ask for does not bind a call that guards or replays made for it (D25), nor
 * one of which nobody knows whose it was.
 */
function callerOf(logged: LoggedCall, known: Caller | Failure | undefined, proposed: Proposed): Caller | Failure {
  if (logged.isStranger) return OPEN_CALLER
  if (!known) return new Failure('invalid_key', 'This key is not known.')
  if (known instanceof Failure) return known
  if (!logged.isInner) return proposed.mayEnter(known, doorOf(logged)) ?? known
  return { ...known, scopes: known.scopes.map(({ require }) => (require ? { require } : {})) }
}

function refused(failure: Failure): Prediction {
  return { ways: [], failing: 0, refused: failure, drawn: [], missing: new Set() }
}

/** Lets others have their turn. */
class Turns {
  readonly #clock: Clock
  #sinceMs: number

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.monotonicMs()
  }

  get isDue(): boolean {
    return this.#clock.monotonicMs() - this.#sinceMs > TURN_MS
  }

  async rest(): Promise<void> {
    await turn()
    this.#sinceMs = this.#clock.monotonicMs()
  }
}
