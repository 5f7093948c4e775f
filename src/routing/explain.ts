import { Failure, type Kind } from '../errors.ts'
import type { Facts, Step } from './facts.ts'
import type { HealthView } from './health.ts'
import { planWith } from './plan.ts'
import { type LeftOut, leftOut } from './reasons.ts'
import { nameOf, type Route } from './route.ts'

/** One target of a plan, if every one before it fails. */
export interface Planned {
  target: string
  /** Credentials in the order they would be used; a repeated one is a retry. */
  credentials: string[]
  attempts: number
  /** What this target may take in all, in milliseconds from its first attempt. */
  deadlineMs: number
  /** A second target would begin beside it after so long, in milliseconds. */
  hedgeAfterMs?: number
}

export interface Explanation {
  targets: Planned[]
  excluded: LeftOut[]
}

/** Where a call would go if every target failed in this way in turn. Walks the plan itself; asks nobody, takes nothing. */
export function explain(route: Route, facts: Facts, failing: Kind): Explanation {
  const { steps, shared } = planWith(route, { ...facts, health: withoutTaking(facts.health) })
  const targets: Planned[] = []
  let index = -1
  let next = steps.next()
  while (!next.done) {
    const step: Step = next.value
    if (step.fallback === index) addTo(targets.at(-1)!, step)
    else targets.push(planned(step))
    index = step.fallback
    const { provider, model } = step.target
    next = steps.next(new Failure('provider_error', 'assumed', { kind: failing, provider, model }))
  }
  return { targets, excluded: leftOut(shared.passed, shared.triedNames) }
}

function planned({ target, credential, deadlineMs, hedge }: Step): Planned {
  return {
    target: nameOf(target),
    credentials: [credential],
    attempts: 1,
    deadlineMs: Math.round(deadlineMs),
    ...(hedge && { hedgeAfterMs: hedge.afterMs })
  }
}

function addTo(target: Planned, { credential }: Step): void {
  target.credentials.push(credential)
  target.attempts++
}

/** To look at a budget is not to spend it. */
function withoutTaking(health: HealthView): HealthView {
  return {
    isOpen: target => health.isOpen(target),
    isCredentialOpen: (target, credential) => health.isCredentialOpen(target, credential),
    coolingMs: (target, credential) => health.coolingMs(target, credential),
    takeRetry: () => true,
    firstContentMs: (target, stream) => health.firstContentMs(target, stream),
    p95Ms: target => health.p95Ms(target),
    inFlight: target => health.inFlight(target),
    cachedShare: target => health.cachedShare(target)
  }
}
