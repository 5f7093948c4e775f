import { Failure, type Kind } from '../errors.ts'
import { type Demands, unfulfilled } from '../residency.ts'
import { withinPrice } from './cost.ts'
import type { Facts, Step } from './facts.ts'
import { shortfall } from './needs.ts'
import type { Passed, Reason } from './reasons.ts'
import { ATTEMPTS_MAX, nameOf, type PromptCache, type StreamPolicy, type Target, type Timeouts } from './route.ts'

export type Walker = Generator<Step, Failure | undefined, Failure>

/** Where in the tree a walk is: what the way down says about the targets below. */
export interface Walk {
  facts: Facts
  retries: number
  retryOn: ReadonlySet<Kind>
  /** Of the named routes on the way here; the innermost wins. */
  timeouts: Partial<Timeouts>
  /** Likewise. */
  streams: StreamPolicy
  /** Likewise. */
  promptCache: PromptCache | 'off' | undefined
  /** A route on the way here says that calls of one session keep together. */
  sticky: boolean
  /** Of the call, and of all named routes on the way here. */
  demands: readonly Demands[]
  depth: number
  /** What the `*` of the innermost route's name stood for. */
  star: string | undefined
  /** Targets that were not tried may come after this one: it must leave them time. */
  later: boolean
  /** The gateway has picked it from several, so that also the first must be known to be up to it. */
  chosen: boolean
  race: Race | undefined
  shared: Shared
}

/** One per plan. */
export interface Shared {
  /** How many targets were begun, and how many attempts were made. */
  targets: number
  attempts: number
  /** Targets that could have been the first one. */
  considered: number
  /** What was tried, by name and changes; a target is not tried again but by its retries. */
  tried: Set<string>
  triedNames: Set<string>
  passed: Passed[]
  /** The request was too long for a context of so many tokens. */
  longerThan: number | undefined
  /** Nothing healthy is left: the last targets standing are not removed (D13). */
  lastStanding: boolean
}

/** A second target that may begin beside this one. */
export interface Race {
  after: number | 'p95'
  begin(): Step | undefined
  begun(): boolean
}

/** The credential is at fault or used up: another one of the same provider may do. */
const NEXT_CREDENTIAL: ReadonlySet<Kind> = new Set(['rate_limited', 'our_credential', 'spend_limit', 'no_such_model'])

const BACKOFF_BASE_MS = 250
const BACKOFF_CAP_MS = 8_000
const RETRY_AFTER_CAP_MS = 30_000
/** All who were told the same time would otherwise come back in the same instant. */
const RETRY_AFTER_JITTER = 0.1
/** Of the call's total, for targets not yet tried (D12). */
const KEPT_BACK = 0.25

/** One target: whether it may be asked at all, its credentials in turn, and its retries. */
export function* attempts(target: Target, at: Walk): Walker {
  const { facts, shared } = at
  const name = nameOf(target)
  const credentials = usable(target, at)
  const reason = exclusion(target, credentials.length > 0, at)
  if (reason) {
    shared.passed.push({ target: name, by: reason })
    return undefined
  }
  const fallback = shared.considered - 1
  shared.targets++
  shared.tried.add(identity(target))
  let retried = 0
  let waitMs = credentials[0]!.coolingMs
  let last: Failure | undefined
  for (;;) {
    const late = waitMs > RETRY_AFTER_CAP_MS ? 'cooling' : waitMs >= shareMs(at) ? 'deadline' : undefined
    if (late || shared.attempts >= ATTEMPTS_MAX) {
      shared.passed.push({ target: name, by: late ?? 'attempts' })
      return last ?? (waitMs > 0 ? coolingFailure(target, waitMs) : undefined)
    }
    if (last && !facts.health.takeRetry(name)) {
      shared.passed.push({ target: name, by: 'retry_budget' })
      return last
    }
    shared.attempts++
    shared.triedNames.add(name)
    const failure: Failure = yield {
      target,
      credential: credentials[0]!.id,
      waitMs,
      fallback,
      deadlineMs: shareMs(at) - waitMs,
      retry: last !== undefined,
      hedge: hedgeOf(name, at),
      passed: shared.passed
    }
    last = failure
    if (failure.kind === 'too_long') {
      shared.longerThan = Math.max(shared.longerThan ?? 0, facts.model(target)?.contextTokens ?? 0)
    }
    if (at.race?.begun()) return failure
    if (NEXT_CREDENTIAL.has(failure.kind) && credentials.length > 1) {
      credentials.shift()
      waitMs = credentials[0]!.coolingMs
      continue
    }
    const isHopeless = facts.health.isOpen(name) && !shared.lastStanding
    if (retried >= at.retries || !at.retryOn.has(failure.kind) || isHopeless) return failure
    waitMs = waitBefore(failure, retried, facts.random())
    if (waitMs > patienceMs(failure, at)) return failure
    retried++
  }
}

/**
 * How long a target is waited for. Only a rate limit is waited out (D13), and not for long where another target is left
 * that may answer meanwhile.
 */
function patienceMs({ kind }: Failure, { later }: Walk): number {
  return kind === 'rate_limited' && !later ? RETRY_AFTER_CAP_MS * (1 + RETRY_AFTER_JITTER) : BACKOFF_CAP_MS
}

function waitBefore({ retryAfterMs }: Failure, retried: number, random: number): number {
  if (retryAfterMs !== undefined) return retryAfterMs * (1 + RETRY_AFTER_JITTER * random)
  return Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** retried) * random
}

/** Time this target may use, its waits included. */
function shareMs({ facts, later }: Walk): number {
  const remainingMs = facts.remainingMs()
  return later ? Math.max(remainingMs - facts.totalMs * KEPT_BACK, remainingMs / 2) : remainingMs
}

/** Why the target is passed over; undefined where it may be asked. */
function exclusion(target: Target, hasCredential: boolean, at: Walk): Reason | undefined {
  const { facts, shared } = at
  const name = nameOf(target)
  if (shared.tried.has(identity(target))) return 'tried'
  const unwanted = wishExclusion(target, facts) ?? unfulfilled(at.demands, facts.terms?.(target.provider))
  if (unwanted) return unwanted
  if (facts.wishes.noFallback && shared.targets > 0) return 'no_fallback'
  const isFirst = shared.considered++ === 0 && (!at.chosen || shared.lastStanding)
  // The client may know better than we what the target it named can do.
  const short = isFirst ? undefined : shortfall(facts.asks, facts.model(target), shared.longerThan)
  if (short) return short
  if (shared.lastStanding) return undefined
  if (facts.health.isOpen(name)) return 'circuit_open'
  if (hasCredential) return undefined
  const isRefused = facts.credentials(target).every(id => facts.health.isCredentialOpen(name, id))
  return isRefused ? 'credential_open' : 'cooling'
}

function wishExclusion(target: Target, { wishes, model, wallMs }: Facts): Reason | undefined {
  if (wishes.pinned !== undefined && wishes.pinned !== target.provider) return 'pinned'
  if (wishes.allowed && !wishes.allowed(target.provider)) return 'key'
  const provider = target.provider.toLowerCase()
  if (wishes.only && !wishes.only.has(provider)) return 'only'
  if (wishes.ignore?.has(provider)) return 'ignore'
  if (wishes.orderOnly && wishes.order && !wishes.order.includes(provider)) return 'allow_fallbacks'
  if (wishes.maxPrice && !withinPrice(model(target)?.prices, wishes.maxPrice, wallMs)) return 'max_price'
  return undefined
}

/** Credentials to try, in order. Where nothing else is left, also those that are cooling or refused, the soonest first. */
function usable(target: Target, { facts, shared }: Walk): { id: string; coolingMs: number }[] {
  const name = nameOf(target)
  const all = facts.credentials(target).map(id => ({
    id,
    coolingMs: facts.health.coolingMs(name, id),
    isOpen: facts.health.isCredentialOpen(name, id)
  }))
  if (!shared.lastStanding) return all.filter(({ coolingMs, isOpen }) => coolingMs === 0 && !isOpen)
  return all.toSorted((a, b) => Number(a.isOpen) - Number(b.isOpen) || a.coolingMs - b.coolingMs)
}

function hedgeOf(name: string, { race, facts }: Walk): Step['hedge'] {
  if (!race || race.begun()) return undefined
  const afterMs = race.after === 'p95' ? facts.health.p95Ms(name) : race.after
  return afterMs === undefined ? undefined : { afterMs, begin: () => race.begin() }
}

/** With other changes to the request it is another target: what one refuses, the other may take. */
function identity(target: Target): string {
  return target.params ? `${nameOf(target)} ${JSON.stringify(target.params)}` : nameOf(target)
}

/** The provider said when to come back, and that is too late for this call: nobody is asked. */
function coolingFailure({ provider, model }: Target, waitMs: number): Failure {
  const seconds = Math.ceil(waitMs / 1_000)
  return new Failure('provider_rate_limited', `${provider} asked to be left alone for another ${seconds} s.`, {
    retryAfterMs: waitMs,
    provider,
    model
  })
}
