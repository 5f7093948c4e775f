import { ATTEMPTS_MAX, DEPTH_MAX, type Route } from '../routing/route.ts'
import type { RouteEntry } from '../routing/schema.ts'
import type { ValueFault } from './issues.ts'
import { type Path, suggest } from './problems.ts'

export interface RouteSurroundings {
  /** Every name under `routes`, also of entries that are wrong themselves. */
  routeNames: ReadonlySet<string>
  /** Every provider that could be named: configured, found in the environment, or known and not there yet. */
  providers: ReadonlySet<string>
  /** Those of them that cannot be asked now, with what would help. */
  unready: ReadonlyMap<string, string>
  /** Whether a bare model name leads to a provider (D11). */
  knows(model: string): boolean
  /** Where the route of an entry is written: `routes.<name>` or `routes.<name>.to`. */
  pathOf(name: string): Path
}

export interface RouteFindings {
  faults: ValueFault[]
  /** Worth a word, no reason to refuse the file: a key may come later. */
  warnings: ValueFault[]
}

/** What a schema cannot see: names that lead nowhere, in a circle, too deep or too far. */
export function checkRoutes(routes: Readonly<Record<string, RouteEntry>>, around: RouteSurroundings): RouteFindings {
  const checker = new Checker(routes, around)
  for (const [name, entry] of Object.entries(routes)) checker.check(name, entry)
  return checker
}

/** How much a route can ask for: nesting with every alias followed, and attempts if everything fails. */
interface Extent {
  depth: number
  attempts: number
}

class Checker implements RouteFindings {
  readonly faults: ValueFault[] = []
  readonly warnings: ValueFault[] = []
  readonly #routes: Readonly<Record<string, RouteEntry>>
  readonly #around: RouteSurroundings
  readonly #extents = new Map<string, Extent | undefined>()

  constructor(routes: Readonly<Record<string, RouteEntry>>, around: RouteSurroundings) {
    this.#routes = routes
    this.#around = around
  }

  check(name: string, entry: RouteEntry): void {
    const path = this.#around.pathOf(name)
    this.#checkName(name, ['routes', name])
    for (const found of targetsOf(entry.to, path)) this.#checkTarget(found.target, found.path)
    const circle = this.#circleFrom(name)
    if (circle) {
      this.#fault(path, `leads back to itself: ${circle.join(' → ')}; name a target as provider/model`)
      return
    }
    const extent = this.#extentOf(entry.to)
    if (extent.depth > DEPTH_MAX)
      this.#fault(path, `nests ${extent.depth} deep with every name followed; at most ${DEPTH_MAX}`)
    if (extent.attempts > ATTEMPTS_MAX) {
      this.#fault(path, `could make ${extent.attempts} attempts for one call; at most ${ATTEMPTS_MAX}`)
    }
  }

  #checkName(name: string, path: Path): void {
    const atName = true
    if (name.includes('/')) {
      const message = 'the name of a route has no "/": provider/model is how a target is written'
      this.faults.push({ path, atName, message })
    } else if (name === '' || /[\s\p{Cc}]/u.test(name)) {
      this.faults.push({ path, atName, message: 'the name of a route has no spaces and is not empty' })
    }
    const names = [...this.#around.routeNames]
    const shadowed = names.slice(0, names.indexOf(name)).find(other => other.toLowerCase() === name.toLowerCase())
    if (shadowed !== undefined) {
      this.faults.push({ path, atName, message: `shadows ${JSON.stringify(shadowed)}: the two differ in case only` })
    }
  }

  #checkTarget(target: string, path: Path): void {
    const { routeNames, providers, unready, knows } = this.#around
    if (routeNames.has(target)) return
    const slash = target.indexOf('/')
    if (slash === -1) {
      if (knows(target)) return
      const message = `no route has the name "${target}", and no provider is known for such a model: write provider/model`
      this.#fault(path, message, [target, routeNames])
      return
    }
    const provider = target.slice(0, slash)
    if (slash === target.length - 1) {
      this.#fault(path, 'names a provider and no model')
    } else if (!providers.has(provider)) {
      this.#fault(path, `no provider has the name "${provider}"`, [provider, providers])
    } else if (unready.has(provider)) {
      const message = `the provider ${provider} cannot be asked: ${unready.get(provider)}`
      this.warnings.push({ path, atName: false, message })
    }
  }

  #fault(path: Path, message: string, near?: [name: string, candidates: ReadonlySet<string>]): void {
    this.faults.push({ path, atName: false, message, ...(near && suggest(...near)) })
  }

  /** The names from a route back to itself; undefined where it does not lead there. */
  #circleFrom(start: string): string[] | undefined {
    const seen = new Set<string>()
    const follow = (name: string, trail: string[]): string[] | undefined => {
      const entry = Object.hasOwn(this.#routes, name) ? this.#routes[name] : undefined
      if (!entry) return undefined
      for (const { target } of targetsOf(entry.to, [])) {
        if (target === start) return [...trail, target]
        if (seen.has(target)) continue
        seen.add(target)
        const circle = follow(target, [...trail, target])
        if (circle) return circle
      }
      return undefined
    }
    return follow(start, [start])
  }

  #extentOf(route: Route): Extent {
    if (typeof route === 'string') return this.#extentOfName(route)
    if ('use' in route) return this.#extentOfName(route.use)
    if ('retry' in route) {
      const inner = this.#extentOf(route.retry)
      return { depth: inner.depth + 1, attempts: inner.attempts * (route.times + 1) }
    }
    const branches = ('fallback' in route ? route.fallback : route.split.map(branch => branch.to)).map(to =>
      this.#extentOf(to)
    )
    const attempts = branches.map(branch => branch.attempts)
    return {
      depth: 1 + Math.max(...branches.map(branch => branch.depth)),
      // A fallback goes through all of its branches, a split into one.
      attempts: 'fallback' in route ? attempts.reduce((sum, count) => sum + count, 0) : Math.max(...attempts)
    }
  }

  #extentOfName(name: string): Extent {
    const leaf = { depth: 1, attempts: 1 }
    const entry = Object.hasOwn(this.#routes, name) ? this.#routes[name] : undefined
    if (!entry) return leaf
    if (!this.#extents.has(name)) {
      // Held while the name is being followed, so that a circle (reported on its own) ends here.
      this.#extents.set(name, leaf)
      const { depth, attempts } = this.#extentOf(entry.to)
      this.#extents.set(name, { depth: depth + 1, attempts })
    }
    return this.#extents.get(name)!
  }
}

/** Every name that a route may lead to, with the path of each in the file. */
function targetsOf(route: Route, base: Path): { target: string; path: Path }[] {
  if (typeof route === 'string') return [{ target: route, path: base }]
  if ('use' in route) return [{ target: route.use, path: [...base, 'use'] }]
  if ('retry' in route) return targetsOf(route.retry, [...base, 'retry'])
  if ('fallback' in route) return route.fallback.flatMap((to, index) => targetsOf(to, [...base, 'fallback', index]))
  return route.split.flatMap(({ to }, index) => targetsOf(to, [...base, 'split', index, 'to']))
}
