import type { Failure, Kind } from '../errors.ts'
import { attempts, type Race, type Shared, type Walk, type Walker } from './attempts.ts'
import { holds } from './conditions.ts'
import { readsMayPay } from './cost.ts'
import type { Facts, Step } from './facts.ts'
import { asWished, inOrder, leadOf, ranked } from './rank.ts'
import { fill, REASONS_TO_LOOK_AGAIN, type Reason } from './reasons.ts'
import { DEPTH_MAX, nameOf, type PromptCache, type Route, type Split, type Target } from './route.ts'

/** Another try at the same target may help (D13, column 2). */
const SAME_AGAIN: ReadonlySet<Kind> = new Set([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'truncated',
  'malformed',
  'rate_limited',
  'guard_retry'
])
/** What a fallback answers unless its `on` says otherwise (D13, column 3). */
export const FALLBACK_ON: ReadonlySet<Kind> = new Set([
  ...SAME_AGAIN,
  'silent',
  'slow_first_token',
  'stalled',
  'our_credential',
  'spend_limit',
  'no_such_model',
  'too_long',
  'budget_exceeded',
  'limited_here',
  'cannot_cross',
  'guard_reroute'
])

/** A walk through a route, and what it has passed over. */
export interface Plan {
  steps: Walker
  shared: Shared
}

/**
 * Walks a route: yields a step, is told that step's failure, yields the next. Returns the failure to show when
 * nothing is left to try; undefined when the route names nothing that can be tried.
 */
export function plan(route: Route, facts: Facts): Walker {
  return planWith(route, facts).steps
}

/** The same, with what was passed over and why: it grows as the steps are walked. */
export function planWith(route: Route, facts: Facts): Plan {
  const shared: Shared = {
    targets: 0,
    attempts: 0,
    considered: 0,
    tried: new Set(),
    triedNames: new Set(),
    passed: [],
    longerThan: undefined,
    lastStanding: false
  }
  return { steps: walkTwice(route, facts, shared), shared }
}

/** Circuits and abilities never remove the last target: where they leave nothing, the walk is done without them. */
function* walkTwice(route: Route, facts: Facts, shared: Shared): Walker {
  const at: Walk = {
    facts,
    retries: 1,
    retryOn: SAME_AGAIN,
    timeouts: {},
    streams: {},
    promptCache: undefined,
    sticky: false,
    demands: facts.demands ?? [],
    depth: 0,
    star: undefined,
    later: false,
    chosen: false,
    race: undefined,
    shared
  }
  const failure = yield* walk(route, at)
  if (shared.attempts > 0 || !shared.passed.some(({ by }) => REASONS_TO_LOOK_AGAIN.has(by))) return failure
  shared.lastStanding = true
  shared.considered = 0
  shared.passed.length = 0
  return yield* walk(route, at)
}

/** The way to go on from here. What needs no steps of its own is no generator: most calls name a target and no more. */
function walk(route: Route, at: Walk): Walker {
  if (at.depth > DEPTH_MAX) return nowhere()
  const down = { ...at, depth: at.depth + 1 }
  if (typeof route === 'string') return named(route, down)
  if ('use' in route) return named(route.use, down, route)
  if ('fallback' in route) {
    if (route.fixed) return inTurn(route.fallback, route.on, down)
    const chosen = at.chosen || at.facts.wishes.sort !== undefined
    return inTurn(asWished(route.fallback, at.star, at.facts), route.on, { ...down, chosen })
  }
  if ('retry' in route) return retry(route, down)
  if ('split' in route) return walk(pick(route, down), down)
  if ('when' in route) return walk(choose(route, down), down)
  if ('best' in route) {
    const routes = ranked(at.facts.wishes.sort ?? route.best, route.of, at.star, at.facts)
    return inTurn(inOrder(routes, at.star, at.facts), route.on, { ...down, chosen: true })
  }
  return hedge(route, down)
}

function named(written: string, at: Walk, use?: Extract<Route, { use: string }>): Walker {
  const name = fill(written, at.star)
  const found = at.facts.lookup(name)
  if (!found) {
    at.shared.passed.push({ target: name, by: 'unknown_target' })
    return nowhere()
  }
  const timeouts = { ...at.timeouts, ...use?.timeouts, ...('route' in found && found.timeouts) }
  if ('route' in found) {
    const streams = { ...at.streams, ...found.streams }
    const demands = found.require ? [...at.demands, found.require] : at.demands
    const promptCache = use?.prompt_cache ?? found.promptCache ?? at.promptCache
    const sticky = at.sticky || found.sticky !== undefined
    return walk(found.route, { ...at, timeouts, streams, promptCache, sticky, demands, star: found.star })
  }
  // The total is the call's own: it was settled before there was any target.
  const totalMs = at.facts.totalMs
  return attempts(
    {
      ...found.target,
      params: use?.params ?? found.target.params,
      timeouts: { ...timeouts, totalMs },
      streams: at.streams,
      upstreamStream: use?.upstream_stream,
      ...cachingOf(found.target, use?.prompt_cache ?? at.promptCache, at)
    },
    at
  )
}

/** Marks, and that calls of one session meet the cache that they left: it is of one account, so of one credential. */
function cachingOf(
  target: Target,
  policy: PromptCache | 'off' | undefined,
  { facts, sticky }: Walk
): Pick<Target, 'promptCache' | 'sticky'> {
  const promptCache = policy === 'off' ? undefined : policy
  if (!promptCache) return sticky ? { sticky } : {}
  return { promptCache, sticky: sticky || readsMayPay(facts.model(target)?.prices, facts.wallMs) }
}

// biome-ignore lint/correctness/useYield: a way that has no step is a way too.
function* nowhere(): Walker {
  return undefined
}

function* inTurn(routes: readonly Route[], kinds: readonly Kind[] | undefined, at: Walk): Walker {
  const on = kinds ? new Set(kinds) : FALLBACK_ON
  let last: Failure | undefined
  for (const [index, route] of routes.entries()) {
    const isLast = index === routes.length - 1
    const failure: Failure | undefined = yield* walk(route, isLast ? at : { ...at, later: true })
    if (!failure) continue
    // What one target cannot be told is no news after what another one, that could be, has answered.
    if (!last || failure.kind !== 'cannot_cross') last = failure
    if (!on.has(failure.kind)) {
      pass(routes.slice(index + 1), 'on', at)
      return failure
    }
  }
  return last
}

function* retry(route: { retry: Route; times: number; on?: readonly Kind[] | undefined }, at: Walk): Walker {
  const on = route.on ? new Set(route.on) : SAME_AGAIN
  const isTarget = typeof route.retry === 'string' || 'use' in route.retry
  // Around a single target `times` replaces its default; around a tree the whole tree is walked again.
  if (isTarget) return yield* walk(route.retry, { ...at, retries: route.times, retryOn: on })
  const before = new Set(at.shared.tried)
  let failure: Failure | undefined
  for (let time = 0; time <= route.times; time++) {
    at.shared.tried = new Set(before)
    const again: Failure | undefined = yield* walk(route.retry, at)
    failure = again ?? failure
    if (!again || !on.has(again.kind)) return failure
  }
  return failure
}

function pick(route: Split, at: Walk): Route {
  const { facts } = at
  const total = route.split.reduce((sum, branch) => sum + branch.weight, 0)
  const sticky = route.sticky_by === undefined ? sessionOf(at) : facts.sticky(route.sticky_by)
  let point = (sticky === undefined ? facts.random(route) : fraction(sticky)) * total
  const drawn = route.split.find(({ weight }) => {
    point -= weight
    return point < 0
  })
  const chosen = drawn ?? route.split.findLast(({ weight }) => weight > 0) ?? route.split.at(-1)!
  pass(
    route.split.filter(branch => branch !== chosen).map(({ to }) => to),
    'split',
    at
  )
  return chosen.to
}

/** What the branch is chosen by where the route keeps sessions together. */
function sessionOf({ facts, sticky, promptCache }: Walk): string | undefined {
  return sticky || (promptCache !== undefined && promptCache !== 'off') ? facts.session?.() : undefined
}

/** FNV-1a over the text, as a number from 0 to 1: the same caller always lands on the same branch. */
function fraction(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  return (hash >>> 0) / 2 ** 32
}

function choose(route: Extract<Route, { when: unknown }>, at: Walk): Route {
  const index = route.when.findIndex(branch => holds(branch.if, at.facts.fact))
  const others = route.when.filter((_, place) => place !== index).map(({ then }) => then)
  pass(index === -1 ? others : [...others, route.else], 'condition', at)
  return index === -1 ? route.else : route.when[index]!.then
}

/** A race if it comes to one; else the second is a fallback of the first. */
function* hedge(route: Extract<Route, { hedge: unknown }>, at: Walk): Walker {
  const { facts } = at
  let second: Walker | undefined
  const race: Race = {
    after: route.after,
    begun: () => second !== undefined,
    begin: () => {
      const lead = leadOf(route.with, at.star, facts)
      // The last targets standing may have to wait; a race is for those that need not.
      if (second || !lead || at.shared.lastStanding || facts.wishes.noFallback) return undefined
      if (!facts.health.takeRetry(nameOf(lead))) return undefined
      const walker = walk(route.with, { ...at, race: undefined, chosen: true })
      const first = walker.next()
      if (first.done) return undefined
      second = walker
      return first.value
    }
  }
  const failure = yield* walk(route.hedge, { ...at, later: true, race })
  if (!second) {
    if (failure && !FALLBACK_ON.has(failure.kind)) {
      pass([route.with], 'on', at)
      return failure
    }
    return (yield* walk(route.with, at)) ?? failure
  }
  return (yield* goOn(second, failure)) ?? failure
}

/** The rest of a walk whose first step was taken elsewhere, and failed. */
function* goOn(walker: Walker, failure: Failure | undefined): Walker {
  if (!failure) return undefined
  let next: IteratorResult<Step, Failure | undefined> = walker.next(failure)
  while (!next.done) next = walker.next(yield next.value)
  return next.value
}

function pass(routes: readonly Route[], by: Reason, at: Walk): void {
  for (const route of routes) at.shared.passed.push({ route, star: at.star, by })
}
