import type { Route } from './route.ts'

/** Why a candidate of a route got no attempt, with the words for people. `docs/guide/routes.md` has the same list. */
export const REASONS = {
  unknown_target: 'the name leads to no route and no provider that can be called',
  condition: 'its condition does not hold, or an earlier one does',
  split: 'another share of the split was drawn',
  on: 'the route does not fall back on this failure',
  tried: 'it was tried already on this call',
  only: 'the call allows other providers only',
  ignore: 'the call wants this provider left out',
  allow_fallbacks: 'the call allows no fallback beyond the order it gave',
  key: 'the key does not allow its provider',
  pinned: 'what the call refers to is kept at another provider',
  region: 'it is not known to be in a region that is demanded',
  zero_retention: 'it is not known to keep nothing, as is demanded',
  no_training: 'it is not known to train no models with calls, as is demanded',
  max_price: 'it costs more than the call allows, or nobody knows its price',
  no_fallback: 'the call wants no fallback',
  context_length: 'its context is too small for the request',
  tools: 'it takes no tools',
  vision: 'it takes no images',
  documents: 'it takes no documents',
  reasoning: 'it does not reason',
  structured: 'it has no structured output',
  temperature: 'it takes no temperature',
  prefill: 'it refuses to go on from a begun answer',
  circuit_open: 'it failed so often that it is left alone for some seconds',
  credential_open: 'its provider refuses every credential',
  cooling: 'its provider asked to be left alone for longer than the call can wait',
  retry_budget: 'it gets no more retries for the moment',
  deadline: 'no time was left for it',
  attempts: 'the call has had all its attempts'
} as const

export type Reason = keyof typeof REASONS

/** What must not leave a call without any attempt: it is looked past for the last targets standing (D13, D32). */
export const REASONS_TO_LOOK_AGAIN: ReadonlySet<Reason> = new Set([
  'circuit_open',
  'credential_open',
  'cooling',
  'context_length',
  'tools',
  'vision',
  'documents',
  'structured',
  'prefill'
])

/** A candidate that was passed over. */
export interface LeftOut {
  /** `provider/model`, or a name that leads nowhere. */
  target: string
  excludedBy: Reason
}

/** What a walk passed over: one target, or a branch whose targets are worked out only when somebody asks. */
export type Passed = { target: string; by: Reason } | { route: Route; star: string | undefined; by: Reason }

/** The list for people: every candidate once, with the first reason; none that got an attempt after all. */
export function leftOut(passed: readonly Passed[], tried: ReadonlySet<string>): LeftOut[] {
  const found = new Map<string, Reason>()
  for (const each of passed) {
    const targets = 'target' in each ? [each.target] : namesIn(each.route).map(name => fill(name, each.star))
    for (const target of targets) {
      const isLate = each.by === 'retry_budget' || each.by === 'deadline'
      if (!found.has(target) && (!tried.has(target) || isLate)) found.set(target, each.by)
    }
  }
  return Array.from(found, ([target, excludedBy]) => ({ target, excludedBy }))
}

/** A `*` in a target stands for what the `*` of the route's name stood for. */
export function fill(name: string, star: string | undefined): string {
  return star === undefined ? name : name.replace('*', () => star)
}

/** Every route directly below this one. */
export function branchesOf(route: Route): readonly Route[] {
  if (typeof route === 'string' || 'use' in route) return []
  if ('fallback' in route) return route.fallback
  if ('retry' in route) return [route.retry]
  if ('split' in route) return route.split.map(({ to }) => to)
  if ('when' in route) return [...route.when.map(({ then }) => then), route.else]
  if ('best' in route) return route.of
  return [route.hedge, route.with]
}

/** Every name in a route, of a target or of another route. */
export function namesIn(route: Route): string[] {
  if (typeof route === 'string') return [route]
  if ('use' in route) return [route.use]
  return branchesOf(route).flatMap(namesIn)
}
