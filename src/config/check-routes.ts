import { type Condition, constant } from '../routing/conditions.ts'
import { branchesOf } from '../routing/reasons.ts'
import { ATTEMPTS_MAX, DEPTH_MAX, type Route } from '../routing/route.ts'
import type { RouteEntry } from '../routing/schema.ts'
import { starOf } from '../stages/resolve.ts'
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
    for (const found of targetsOf(entry.to, path)) this.#checkTarget(found.target, found.path, name.includes('*'))
    this.#checkReach(entry.to, path)
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
    } else if (name.split('*').length > 2) {
      this.faults.push({ path, atName, message: 'the name of a route has at most one "*"' })
    }
    const names = [...this.#around.routeNames]
    const shadowed = names.slice(0, names.indexOf(name)).find(other => other.toLowerCase() === name.toLowerCase())
    if (shadowed !== undefined) {
      this.faults.push({ path, atName, message: `shadows ${JSON.stringify(shadowed)}: the two differ in case only` })
    }
  }

  #checkTarget(target: string, path: Path, hasStar: boolean): void {
    const { routeNames, providers, unready, knows } = this.#around
    if (target.includes('*') && !hasStar) {
      this.#fault(path, 'a "*" here stands for that in the name of the route, which has none')
      return
    }
    if (this.#routeOf(target) !== undefined || routeNames.has(target)) return
    // What the "*" will be is not known yet; a bare name may then be anything.
    if (target.includes('*') && !target.includes('/')) return
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

  /** Branches that no call can come to. */
  #checkReach(route: Route, path: Path): void {
    if (typeof route === 'string' || 'use' in route) return
    if ('when' in route) this.#checkWhen(route.when, path)
    if ('split' in route) {
      for (const [index, { weight }] of route.split.entries()) {
        if (weight === 0) this.#warn([...path, 'split', index, 'weight'], 'is 0: no call goes there')
      }
    }
    const list = 'fallback' in route ? route.fallback : 'best' in route ? route.of : []
    const member = 'fallback' in route ? 'fallback' : 'of'
    const names = list.map(each => (typeof each === 'string' ? each : undefined))
    for (const [index, name] of names.entries()) {
      if (name === undefined || names.indexOf(name) === index) continue
      this.#warn([...path, member, index], 'was tried before it comes to this; to try again, use { retry, times }')
    }
    for (const [index, below] of branchesOf(route).entries())
      this.#checkReach(below, [...path, ...stepTo(route, index)])
  }

  #checkWhen(branches: readonly { if: Condition; then: Route }[], path: Path): void {
    const seen = new Map<string, number>()
    let always: number | undefined
    for (const [index, branch] of branches.entries()) {
      const at = [...path, 'when', index, 'if']
      const written = JSON.stringify(branch.if)
      const value = constant(branch.if)
      if (always !== undefined) this.#fault(at, `is never looked at: when[${always}] always holds`)
      else if (seen.has(written)) this.#fault(at, `is never looked at: when[${seen.get(written)}] says the same`)
      else if (value === false) this.#fault(at, 'can never hold')
      else if (value === true) {
        always = index
        if (index === branches.length - 1) this.#warn(at, 'always holds, so that "else" gets no call')
      }
      seen.set(written, seen.get(written) ?? index)
    }
  }

  #warn(path: Path, message: string): void {
    this.warnings.push({ path, atName: false, message })
  }

  /** The entry that a name leads to, by its own name or by one with a `*`. */
  #routeOf(name: string): RouteEntry | undefined {
    if (Object.hasOwn(this.#routes, name)) return this.#routes[name]
    if (name.includes('/')) return undefined
    const [pattern] = Object.keys(this.#routes)
      .filter(each => starOf(each, name) !== undefined)
      .sort((a, b) => b.length - a.length)
    return pattern === undefined ? undefined : this.#routes[pattern]
  }

  #fault(path: Path, message: string, near?: [name: string, candidates: ReadonlySet<string>]): void {
    this.faults.push({ path, atName: false, message, ...(near && suggest(...near)) })
  }

  /** The names from a route back to itself; undefined where it does not lead there. */
  #circleFrom(start: string): string[] | undefined {
    const seen = new Set<string>()
    const follow = (name: string, trail: string[]): string[] | undefined => {
      const entry = this.#routeOf(name)
      if (!entry) return undefined
      for (const { target } of targetsOf(entry.to, [])) {
        // A name that a wildcard catches leads to it as well as the wildcard's own.
        if (target === start || this.#routeOf(target) === this.#routes[start]) return [...trail, target]
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
    const branches = branchesOf(route).map(to => this.#extentOf(to))
    const attempts = branches.map(branch => branch.attempts)
    const most = Math.max(...attempts)
    const all = attempts.reduce((sum, count) => sum + count, 0)
    return {
      depth: 1 + Math.max(...branches.map(branch => branch.depth)),
      // Of a split and of conditions a call takes one branch; it may go through all of the others.
      attempts: 'split' in route || 'when' in route ? most : 'retry' in route ? all * (route.times + 1) : all
    }
  }

  #extentOfName(name: string): Extent {
    const leaf = { depth: 1, attempts: 1 }
    const entry = this.#routeOf(name)
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
  return branchesOf(route).flatMap((to, index) => targetsOf(to, [...base, ...stepTo(route, index)]))
}

/** Where the branch of that number is written, below its route. */
function stepTo(route: Exclude<Route, string>, index: number): Path {
  if ('fallback' in route) return ['fallback', index]
  if ('retry' in route) return ['retry']
  if ('split' in route) return ['split', index, 'to']
  if ('best' in route) return ['of', index]
  if ('when' in route) return index < route.when.length ? ['when', index, 'then'] : ['else']
  return index === 0 ? ['hedge'] : ['with']
}
