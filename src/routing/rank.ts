import { expectedNanoUsd, OUTPUT_TOKENS_TYPICAL } from './cost.ts'
import type { Facts } from './facts.ts'
import { branchesOf, fill } from './reasons.ts'
import { type Best, DEPTH_MAX, nameOf, type Route, type Target } from './route.ts'

/** How often a target is asked of which no speed is known while that of others is. */
const EXPLORE_SHARE = 0.1

/** Routes, the best first. Ties, and what nothing is known of, stay in the order they were written in. */
export function ranked(by: Best, routes: readonly Route[], star: string | undefined, facts: Facts): Route[] {
  const scored = routes.map(route => {
    const target = leadOf(route, star, facts)
    return { route, score: target ? SCORES[by](target, facts) : undefined, chance: by === 'idle' ? facts.random() : 0 }
  })
  // Equally busy ones take turns by chance, or the first would get every call of a quiet hour.
  const order = scored.toSorted((a, b) => (a.score ?? Infinity) - (b.score ?? Infinity) || a.chance - b.chance || 0)
  if (by === 'fastest') explore(order, facts)
  return order.map(({ route }) => route)
}

const SCORES: Record<Best, (target: Target, facts: Facts) => number | undefined> = {
  fastest: (target, { health, asks }) =>
    health.firstContentMs(nameOf(target), asks.stream) ?? health.firstContentMs(nameOf(target), !asks.stream),
  cheapest: (target, { health, asks, model, wallMs }) => {
    const shape = {
      inputTokens: asks.estimatedTokens,
      outputTokens: Math.min(asks.outputTokensMax ?? OUTPUT_TOKENS_TYPICAL, OUTPUT_TOKENS_TYPICAL),
      cachedShare: health.cachedShare(nameOf(target))
    }
    return expectedNanoUsd(model(target)?.prices, shape, wallMs)
  },
  idle: (target, { health }) => health.inFlight(nameOf(target))
}

/** Now and then one that was not measured goes first, or the first measured one would win for ever. */
function explore(order: { score: number | undefined }[], { random }: Facts): void {
  const unmeasured = order.filter(({ score }) => score === undefined)
  if (unmeasured.length === 0 || unmeasured.length === order.length || random() >= EXPLORE_SHARE) return
  const chosen = unmeasured[Math.floor(random() * unmeasured.length)]!
  order.splice(order.indexOf(chosen), 1)
  order.unshift(chosen)
}

/** The order a call wishes for: its `sort`, and before that its `order` of providers. */
export function asWished(routes: readonly Route[], star: string | undefined, facts: Facts): readonly Route[] {
  const { sort } = facts.wishes
  return inOrder(sort ? ranked(sort, routes, star, facts) : routes, star, facts)
}

/** The order of providers that a call gave; those it did not name stay as they are, after the others. */
export function inOrder(routes: readonly Route[], star: string | undefined, facts: Facts): readonly Route[] {
  const { order } = facts.wishes
  if (!order) return routes
  const placeOf = (route: Route) => {
    const place = order.indexOf(leadOf(route, star, facts)?.provider.toLowerCase() ?? '')
    return place === -1 ? order.length : place
  }
  return routes
    .map(route => ({ route, place: placeOf(route) }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ route }) => route)
}

/** The target a route would most likely begin with: what it is judged by. */
export function leadOf(route: Route, star: string | undefined, facts: Facts, depth = 0): Target | undefined {
  if (depth > DEPTH_MAX) return undefined
  if (typeof route === 'string' || 'use' in route) {
    const found = facts.lookup(fill(typeof route === 'string' ? route : route.use, star))
    if (!found || 'target' in found) return found?.target
    return leadOf(found.route, found.star, facts, depth + 1)
  }
  const [first] =
    'split' in route ? route.split.filter(({ weight }) => weight > 0).map(({ to }) => to) : branchesOf(route)
  return first === undefined ? undefined : leadOf(first, star, facts, depth + 1)
}
