import { digestOf } from '../cache/key.ts'
import type { Config } from '../config/index.ts'
import type { Provider } from '../providers/provider.ts'
import { type Condition, isFact } from '../routing/conditions.ts'
import { branchesOf, fill, namesIn } from '../routing/reasons.ts'
import type { Route } from '../routing/route.ts'
import type { WhereTo } from '../stages/cache-key.ts'
import type { Call } from '../stages/call.ts'
import { type NamedRoute, type Names, resolveName } from '../stages/resolve.ts'

/** Names come from clients: so many are remembered. */
const NAMES_MAX = 1_000
/** What they say of a call is in its answer's key anyway, or says only when it was made. */
const OF_THE_CALL_ANYWAY: ReadonlySet<string> = new Set(['time', 'weekday', 'estimated_tokens', 'model'])

interface Planned {
  config: Pick<Config, 'strict'>
  names: Names
  providers: ReadonlyMap<string, Provider>
}

/** Where calls may go, in one version of the configuration: another digest where anything on a call's way is another. */
export function whereTo(plan: Planned): (call: Call) => WhereTo {
  const known = new Map<string, WhereTo>()
  const ofName = (name: string, call: Call): WhereTo => {
    const place = `${call.doorProvider} ${name}`
    let found = known.get(place)
    if (!found) {
      found = reached(name, call, plan)
      if (known.size >= NAMES_MAX) known.clear()
      known.set(place, found)
    }
    return found
  }
  return call => {
    const { routing, model } = call
    const all = [routing?.route ?? model, ...(routing?.models ?? [])].map(name => ofName(name, call))
    if (all.length === 1) return all[0]!
    return { digest: digestOf(all.map(({ digest }) => digest)), facts: [...new Set(all.flatMap(({ facts }) => facts))] }
  }
}

/** Everything that a name leads to, by whatever way. */
function reached(name: string, { doorProvider }: Call, { names, providers, config }: Planned): WhereTo {
  const routes = new Set<NamedRoute>()
  const targets = new Set<string>()
  const facts = new Set<string>()
  const follow = (each: string) => {
    const found = resolveName(each, names, doorProvider)
    if (found?.target) targets.add(found.target.provider)
    // A name with a wish of its own (`:floor`): any provider may be what it leads to.
    else if (!found) for (const provider of providers.keys()) targets.add(provider)
    if (!found?.route || routes.has(found.route)) return
    routes.add(found.route)
    for (const fact of factsIn(found.route.to)) facts.add(fact)
    for (const below of namesIn(found.route.to)) follow(fill(below, found.star))
  }
  follow(name)
  // Several providers have a model of this name: a wish of the call may choose any of them.
  for (const provider of names.providersOf(name)) if (providers.has(provider)) targets.add(provider)
  const digest = digestOf([
    String(config.strict),
    ...[...routes].map(({ to, streams, require }) => JSON.stringify([to, streams, require])),
    ...[...targets].sort().map(provider => addressOf(providers.get(provider)!))
  ])
  return { digest, facts: [...facts].sort() }
}

/** How a provider is asked; not as whom. */
function addressOf({ name, endpoints, headers, models, catalogId, data }: Provider): string {
  return JSON.stringify([name, endpoints, headers, models, catalogId, data])
}

/** The facts that the conditions of a route ask for. */
function factsIn(route: Route): string[] {
  const own = typeof route === 'object' && 'when' in route ? route.when.flatMap(branch => factsOf(branch.if)) : []
  return [...own, ...branchesOf(route).flatMap(factsIn)]
}

function factsOf(condition: Condition): string[] {
  return Object.entries(condition).flatMap(([name, wanted]) => {
    if (name === 'all' || name === 'any') return (wanted as readonly Condition[]).flatMap(factsOf)
    if (name === 'not') return factsOf(wanted as Condition)
    return isFact(name) && !OF_THE_CALL_ANYWAY.has(name) ? [name] : []
  })
}
