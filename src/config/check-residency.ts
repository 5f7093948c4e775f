import { catalog, familyOwner } from '../catalog/catalog.ts'
import { holdersOf, type Provider } from '../providers/provider.ts'
import { type Demands, unfulfilled } from '../residency.ts'
import { branchesOf } from '../routing/reasons.ts'
import type { Route } from '../routing/route.ts'
import { starOf } from '../stages/resolve.ts'
import type { Path } from './problems.ts'
import type { Report } from './report.ts'
import type { Config } from './schema.ts'

/**
 * Demands that nobody can ever fulfil: each call would be refused. Only the file says what holds of a provider, so that
 * this is known before any call. `found`: providers that can be called, for names of models without a provider.
 */
export function checkResidency(config: Config, found: readonly Provider[], report: Report): void {
  const { require, providers, routes, keys, teams } = config
  const all = require ? [require] : []
  const isAnywhere = (demands: readonly Demands[]) =>
    Object.values(providers).some(({ data }) => unfulfilled(demands, data) === undefined)
  const fault = (path: Path, message: string) => report.add({ path, atName: false, message })
  const nobody = 'no provider fulfils it by what is said of it here (`data`), so that every call would be refused'
  if (require && !isAnywhere(all)) {
    fault(['require'], nobody)
    return
  }
  for (const [section, holders] of Object.entries({ keys, teams })) {
    for (const [index, holder] of holders.entries()) {
      if (holder.require && !isAnywhere([...all, holder.require])) fault([section, index, 'require'], nobody)
    }
  }
  const reach = new Reach(config, found)
  for (const [name, entry] of Object.entries(routes)) {
    if (reach.leadsAnywhere(name, all)) continue
    const path = ['routes', name, ...(entry.require ? ['require'] : [])]
    fault(path, 'no target of it fulfils what is demanded (`require`) by what is said of its provider here (`data`)')
  }
}

/** Whether calls can get anywhere under demands, those of the routes on the way included. */
class Reach {
  readonly #config: Pick<Config, 'providers' | 'routes'>
  readonly #found: readonly Provider[]

  constructor(config: Pick<Config, 'providers' | 'routes'>, found: readonly Provider[]) {
    this.#config = config
    this.#found = found
  }

  /** `above`: names that led here; who comes by one of them again gets no further than before. */
  leadsAnywhere(name: string, demands: readonly Demands[], above: readonly string[] = []): boolean {
    const { routes } = this.#config
    const route = Object.hasOwn(routes, name) ? name : wildcardOf(name, Object.keys(routes))
    if (route === undefined) {
      return demands.length === 0 || this.#providersOf(name).some(provider => this.#fulfils(provider, demands))
    }
    if (above.includes(route)) return demands.length === 0
    const { to, require } = routes[route]!
    return this.#goesAnywhere(to, require ? [...demands, require] : demands, [...above, route])
  }

  #goesAnywhere(route: Route, demands: readonly Demands[], above: readonly string[]): boolean {
    if (typeof route === 'string') return this.leadsAnywhere(route, demands, above)
    if ('use' in route) return this.leadsAnywhere(route.use, demands, above)
    return branchesOf(route).some(branch => this.#goesAnywhere(branch, demands, above))
  }

  #fulfils(provider: string, demands: readonly Demands[]): boolean {
    const { providers } = this.#config
    const entry = Object.hasOwn(providers, provider) ? providers[provider] : undefined
    return unfulfilled(demands, entry?.data) === undefined
  }

  /** Those that may be meant by a name; where a `*` is still open that is everybody. */
  #providersOf(name: string): string[] {
    const slash = name.indexOf('/')
    if (slash > 0) return [name.slice(0, slash)]
    const everybody = Object.keys(this.#config.providers)
    if (name.includes('*')) return everybody
    const owner = familyOwner(name)
    const holders = [...holdersOf(this.#found, name), ...catalog.providersOf(name), ...(owner ? [owner] : [])]
    return holders.length > 0 ? holders : everybody
  }
}

/** As calls find it: a name with a slash is a target's; of several the longest. */
function wildcardOf(name: string, routes: readonly string[]): string | undefined {
  if (name.includes('/')) return undefined
  const fitting = routes.filter(pattern => starOf(pattern, name) !== undefined)
  return fitting.toSorted((a, b) => b.length - a.length)[0]
}
