import type { Caller } from '../access/caller.ts'
import { Failure } from '../errors.ts'
import type { Facts } from '../routing/facts.ts'
import { nameOf } from '../routing/route.ts'
import { planCall, type RoutingRooms } from '../stages/route-call.ts'
import type { EvenDraws } from './draws.ts'
import { callAsLogged, type LoggedCall, loggedFact, loggedSticky } from './logged-call.ts'
import type { Failing } from './observed.ts'

/** One who may answer a call. */
export interface Way {
  target: string
  provider: string
  model: string
  /** How likely it is that this one answers, from 0 to 1. */
  share: number
  /** What goes by with targets that fail before, in milliseconds. */
  beforeMs: number
}

/** Where a call would go. */
export interface Prediction {
  ways: Way[]
  /** How likely it is that everybody fails, from 0 to 1. */
  failing: number
  /** The call would be refused before anybody is asked. */
  refused: Failure | undefined
  /** What chance decided on the way to the first target. */
  drawn: object[]
  /** What conditions asked for that the log does not have. */
  missing: ReadonlySet<string>
}

export interface PredictionRooms {
  /** Of the proposed configuration, with the health of what the log has seen. */
  routing: RoutingRooms
  draws: EvenDraws
  failing(target: string): Failing
  /** Why a target would not be asked although the plan names it; undefined: it would. */
  refusal(provider: string, model: string): Failure | undefined
  /** Tags that the key of the call put on it. */
  ownTags: readonly string[]
  /** Shows that a proof notices: conditions are told nothing. */
  breaks?: boolean | undefined
}

/** What is less likely is left to the failures: plans must end. */
const SHARE_MIN = 1e-6

/**
 * Walks the plan that the call would have, and asks nobody. Each target fails as often as it does by the log, so that
 * the call ends at several, each with its share: one after the other as the plan names them.
 */
export function predict(
  logged: LoggedCall,
  caller: Caller,
  rooms: PredictionRooms,
  received: string | undefined
): Prediction {
  const missing = new Set<string>()
  const prediction: Prediction = { ways: [], failing: 0, refused: undefined, drawn: [], missing }
  let left = 1
  let beforeMs = 0
  try {
    const steps = stepsOf(logged, caller, rooms, prediction, missing, received)
    let next = steps.next()
    while (!next.done) {
      const { provider, model } = next.value.target
      const refusal = rooms.refusal(provider, model)
      if (refusal) {
        next = steps.next(refusal)
        continue
      }
      const target = nameOf(next.value.target)
      const { share, kind, tookMs } = rooms.failing(target)
      prediction.ways.push({ target, provider, model, share: left * (1 - share), beforeMs })
      left *= share
      beforeMs += tookMs
      if (left < SHARE_MIN) break
      next = steps.next(new Failure('provider_error', 'assumed', { kind, provider, model }))
    }
    if (next.done && prediction.ways.length === 0) prediction.refused = next.value
  } catch (thrown) {
    prediction.refused = Failure.from(thrown)
  }
  if (prediction.refused?.kind === 'internal') throw prediction.refused
  prediction.failing = prediction.refused ? 0 : left
  return prediction
}

/** The plan of the call, with the facts that the log has. */
function stepsOf(
  logged: LoggedCall,
  caller: Caller,
  rooms: PredictionRooms,
  { ways, drawn }: Prediction,
  missing: Set<string>,
  received: string | undefined
): ReturnType<typeof planCall> {
  const { routing, ownTags, draws, breaks } = rooms
  const call = callAsLogged(logged, { ownTags, startedMs: routing.clock.monotonicMs(), received })
  const lacks = (name: string) => void missing.add(name)
  const known: Partial<Facts> = {
    fact: breaks ? () => undefined : loggedFact(logged, call, caller.name, lacks),
    sticky: by => loggedSticky(logged, call, by, lacks),
    wallMs: logged.atMs,
    random(of = rooms) {
      if (ways.length === 0) drawn.push(of)
      return draws.next(of)
    },
    // Without its body nobody knows what the request needs of a model: nothing is left out for that.
    ...(received === undefined && {
      asks: {
        stream: logged.stream,
        estimatedTokens: logged.usage?.inputTokens ?? 0,
        outputTokensMax: undefined,
        abilities: []
      }
    })
  }
  return planCall(call, caller, routing, known)
}
