import type { Clock } from '../clock.ts'
import type { Failure, Kind } from '../errors.ts'
import { Circuit, type Sign } from './circuit.ts'
import { Window } from './window.ts'

/** D13: beside these, an answer of the provider shows that it is there. */
const COUNTS: ReadonlySet<Kind> = new Set([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed'
])
/** Say nothing about the target: it was never asked, nobody waited for it, or one credential is what is wrong. */
const SAYS_NOTHING: ReadonlySet<Kind> = new Set([
  'aborted',
  'internal',
  'budget_exceeded',
  'limited_here',
  'refused_here',
  'cannot_cross'
])
/** Open the credential's circuit at once, for all models of the provider. */
const REFUSES_CREDENTIAL: ReadonlySet<Kind> = new Set(['our_credential', 'spend_limit'])
/** Open it for this model alone: another one may well be there. */
const REFUSES_MODEL: ReadonlySet<Kind> = new Set(['no_such_model'])
/** Turned away by a provider that works: no reason to keep away from it, nor to count it as an answer. */
const TURNS_AWAY: ReadonlySet<Kind> = new Set([...REFUSES_CREDENTIAL, ...REFUSES_MODEL, 'rate_limited'])

/** A provider's mistake must not silence a credential for a day. */
const COOLING_MAX_MS = 60_000
/** Retries at one target: a fifth of its calls over ten seconds, and ten a second on top. */
const RETRY_SHARE = 0.2
const RETRY_WINDOW_S = 10
/** One less than the ten of D13: they are counted by the clock's seconds, and a minute meets sixty-one of those. */
const RETRIES_FREE_A_SECOND = 9
const EWMA_WEIGHT = 0.2
/** A measurement older than this says nothing about now. */
const MEASURED_MAX_AGE_MS = 300_000
const SAMPLES_KEPT = 64
const SAMPLES_FOR_P95 = 20
/** State of so many targets and credentials is kept; clients name models, so the number must have an end. */
const ENTRIES_MAX = 4_096

/** What a plan asks about the health of targets. Names are stable (`provider/model`), so that a reload keeps them. */
export interface HealthView {
  /** Whether the target's circuit keeps calls away. */
  isOpen(target: string): boolean
  /** Whether this credential of the target is refused, for some time. */
  isCredentialOpen(target: string, credential: string): boolean
  /** How long the provider asked us to leave this credential alone, still, in milliseconds; 0: not at all. */
  coolingMs(target: string, credential: string): number
  /** Takes one retry at this target out of its budget; false when there is none left. */
  takeRetry(target: string): boolean
  /** Moving average of the time to the first content, in milliseconds; undefined where nothing recent is known. */
  firstContentMs(target: string, stream: boolean): number | undefined
  /** 95 of 100 first contents came sooner; undefined before enough of them were seen. */
  p95Ms(target: string): number | undefined
  inFlight(target: string): number
  /** Moving average of the share of the input that came from the provider's cache, from 0 to 1. */
  cachedShare(target: string): number
}

/** How an attempt ended: with an answer, or with a failure (an abort of the client is one). */
export type Outcome = 'answered' | Pick<Failure, 'kind' | 'retryAfterMs'>

/** One attempt that is under way. */
export interface Begun {
  /** The first content has come. Later ones are ignored. */
  firstContent(stream: boolean): void
  /** Must be called; counts once. */
  ended(outcome: Outcome): void
}

interface Measured {
  value: number
  atMs: number
}

interface TargetState {
  circuit: Circuit
  traffic: Window<'calls' | 'free' | 'paid'>
  inFlight: number
  streamFirst: Measured | undefined
  wholeFirst: Measured | undefined
  samples: number[]
  cachedShare: number | undefined
}

interface CredentialState {
  circuit: Circuit
  coolUntilMs: number
}

/** What this process knows about targets and credentials: circuits, cool-downs, retry budgets and measurements. */
export class Health implements HealthView {
  readonly #clock: Clock
  readonly #targets = new Map<string, TargetState>()
  readonly #credentials = new Map<string, CredentialState>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** `retry`: the plan has taken it out of the target's budget, so it is no call of its own. */
  began(target: string, credential: string, retry = false): Begun {
    const nowMs = this.#clock.monotonicMs()
    const state = this.#target(target)
    const provider = this.#credential(providerKey(target, credential))
    const model = this.#credential(modelKey(target, credential))
    const endings = [
      { end: state.circuit.begin(nowMs), signOf: targetSign },
      { end: provider.circuit.begin(nowMs), signOf: signBy(REFUSES_CREDENTIAL) },
      { end: model.circuit.begin(nowMs), signOf: signBy(REFUSES_MODEL) }
    ]
    if (!retry) state.traffic.add('calls', nowMs)
    state.inFlight++
    let first = true
    let over = false
    return {
      firstContent: stream => {
        if (first && !over) this.#measure(state, stream, nowMs)
        first = false
      },
      ended: outcome => {
        if (over) return
        over = true
        state.inFlight--
        const atMs = this.#clock.monotonicMs()
        for (const { end, signOf } of endings) end(signOf(outcome), atMs)
        if (outcome === 'answered') return
        if (REFUSES_CREDENTIAL.has(outcome.kind)) provider.circuit.trip(atMs)
        if (REFUSES_MODEL.has(outcome.kind)) model.circuit.trip(atMs)
        if (outcome.kind === 'rate_limited' && outcome.retryAfterMs !== undefined) {
          model.coolUntilMs = Math.max(model.coolUntilMs, atMs + Math.min(COOLING_MAX_MS, outcome.retryAfterMs))
        }
      }
    }
  }

  /** How much of the input came from the provider's cache. */
  sawUsage(target: string, inputTokens: number, cacheReadTokens: number): void {
    const state = this.#target(target)
    if (inputTokens > 0) state.cachedShare = ewma(state.cachedShare, Math.min(1, cacheReadTokens / inputTokens))
  }

  isOpen(target: string): boolean {
    return this.#targets.get(target)?.circuit.isOpen(this.#clock.monotonicMs()) ?? false
  }

  isCredentialOpen(target: string, credential: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const provider = this.#credentials.get(providerKey(target, credential))
    const model = this.#credentials.get(modelKey(target, credential))
    return (provider?.circuit.isOpen(nowMs) ?? false) || (model?.circuit.isOpen(nowMs) ?? false)
  }

  coolingMs(target: string, credential: string): number {
    const untilMs = this.#credentials.get(modelKey(target, credential))?.coolUntilMs ?? 0
    return Math.max(0, untilMs - this.#clock.monotonicMs())
  }

  takeRetry(target: string): boolean {
    const nowMs = this.#clock.monotonicMs()
    const { traffic } = this.#target(target)
    if (traffic.sum('free', nowMs, 1) < RETRIES_FREE_A_SECOND) {
      traffic.add('free', nowMs)
      return true
    }
    if (traffic.sum('paid', nowMs) + 1 > traffic.sum('calls', nowMs) * RETRY_SHARE) return false
    traffic.add('paid', nowMs)
    return true
  }

  firstContentMs(target: string, stream: boolean): number | undefined {
    const state = this.#targets.get(target)
    const measured = stream ? state?.streamFirst : state?.wholeFirst
    const isOld = measured && this.#clock.monotonicMs() - measured.atMs > MEASURED_MAX_AGE_MS
    return isOld ? undefined : measured?.value
  }

  p95Ms(target: string): number | undefined {
    const samples = this.#targets.get(target)?.samples ?? []
    if (samples.length < SAMPLES_FOR_P95) return undefined
    return samples.toSorted((a, b) => a - b)[Math.floor(samples.length * 0.95)]
  }

  inFlight(target: string): number {
    return this.#targets.get(target)?.inFlight ?? 0
  }

  cachedShare(target: string): number {
    return this.#targets.get(target)?.cachedShare ?? 0
  }

  /** A whole answer's first content is its end: the two are averages of their own. */
  #measure(state: TargetState, stream: boolean, beganMs: number): void {
    const atMs = this.#clock.monotonicMs()
    const tookMs = atMs - beganMs
    const member = stream ? 'streamFirst' : 'wholeFirst'
    state[member] = { value: ewma(state[member]?.value, tookMs), atMs }
    if (!stream) return
    state.samples.push(tookMs)
    if (state.samples.length > SAMPLES_KEPT) state.samples.shift()
  }

  #target(name: string): TargetState {
    return entry(
      this.#targets,
      name,
      () => ({
        circuit: new Circuit(),
        traffic: new Window(['calls', 'free', 'paid'], RETRY_WINDOW_S),
        inFlight: 0,
        streamFirst: undefined,
        wholeFirst: undefined,
        samples: [],
        cachedShare: undefined
      }),
      state => state.inFlight === 0
    )
  }

  #credential(name: string): CredentialState {
    return entry(this.#credentials, name, () => ({ circuit: new Circuit(), coolUntilMs: 0 }))
  }
}

/** A credential as such: what is refused is the account. */
function providerKey(target: string, credential: string): string {
  return `${target.slice(0, target.indexOf('/'))}#${credential}`
}

/** A credential for one model: providers count requests, and grant models, one by one. */
function modelKey(target: string, credential: string): string {
  return `${target}#${credential}`
}

function targetSign(outcome: Outcome): Sign {
  if (outcome === 'answered') return 'good'
  if (COUNTS.has(outcome.kind)) return 'bad'
  if (TURNS_AWAY.has(outcome.kind)) return 'alive'
  return SAYS_NOTHING.has(outcome.kind) ? 'neither' : 'good'
}

/** Only these refusals are held against a credential; an answer to a call made with it clears it again. */
function signBy(refusals: ReadonlySet<Kind>): (outcome: Outcome) => Sign {
  return outcome => (outcome === 'answered' ? 'good' : refusals.has(outcome.kind) ? 'bad' : 'neither')
}

function ewma(known: number | undefined, value: number): number {
  return known === undefined ? value : known + EWMA_WEIGHT * (value - known)
}

function entry<State>(
  entries: Map<string, State>,
  name: string,
  make: () => State,
  isIdle: (state: State) => boolean = () => true
): State {
  let state = entries.get(name)
  if (state !== undefined) return state
  if (entries.size >= ENTRIES_MAX) {
    // The oldest goes, which a client who names models at random would otherwise keep us from forgetting.
    for (const [old, kept] of entries) {
      if (!isIdle(kept)) continue
      entries.delete(old)
      break
    }
  }
  state = make()
  entries.set(name, state)
  return state
}
