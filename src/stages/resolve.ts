import type { RouteCache } from '../cache-rules.ts'
import { Failure } from '../errors.ts'
import { nearest } from '../nearest.ts'
import type { Demands } from '../residency.ts'
import type { PromptCache, Route, StreamPolicy, Target, Timeouts } from '../routing/route.ts'

/** A configured route: its tree, and what holds for the whole call. */
export interface NamedRoute {
  to: Route
  timeouts?: Partial<Timeouts> | undefined
  streams?: StreamPolicy | undefined
  guards?: readonly string[] | undefined
  require?: Demands | undefined
  cache?: RouteCache | undefined
  promptCache?: PromptCache | 'off' | undefined
  sticky?: 'session' | undefined
}

/** Where names can lead (D11). All of it frozen, from one config version. */
export interface Names {
  routes: ReadonlyMap<string, NamedRoute>
  /** Providers that can be called, in config order. */
  providers: ReadonlySet<string>
  /** Providers that everybody knows and that cannot be called here, with the reason: "has no key (set GROQ_API_KEY)". */
  missing: ReadonlyMap<string, string>
  /** Providers the catalogue lists for a bare model name, in its order. */
  providersOf(model: string): readonly string[]
  /** Whose family the name is (`claude-*` is Anthropic's), known to the catalogue or not. */
  familyOwner(model: string): string | undefined
  /** Every name a client could have meant, for "did you mean". */
  known(): Iterable<string>
}

export type Resolved =
  /** `star`: what the `*` in the route's name stands for. */
  { route: NamedRoute; star?: string; target?: undefined } | { target: Target; route?: undefined; star?: undefined }

/** Which rule of D11 found the name: shown by `explain` and kept in the log. */
export type Rule = 'route' | 'wildcard' | 'provider/model' | 'catalogue' | 'family' | 'door'

/**
 * A model name, as D11 resolves it: a route (by its name, else by one with a `*`), `provider/rest`, a provider of the
 * catalogue that is configured, the owner of its family, the door's own provider. Undefined when none of them applies.
 */
export function resolveName(
  name: string,
  names: Names,
  doorProvider: string | undefined
): (Resolved & { rule: Rule }) | undefined {
  const route = names.routes.get(name)
  if (route) return { route, rule: 'route' }
  const slash = name.indexOf('/')
  const wild = slash === -1 ? wildcardOf(name, names.routes) : undefined
  if (wild) return { ...wild, rule: 'wildcard' }
  if (slash > 0 && names.providers.has(name.slice(0, slash))) {
    return { target: { provider: name.slice(0, slash), model: name.slice(slash + 1) }, rule: 'provider/model' }
  }
  const listed = new Set(names.providersOf(name))
  for (const provider of names.providers) {
    if (listed.has(provider)) return { target: { provider, model: name }, rule: 'catalogue' }
  }
  // Who names a provider means that one; the door's own would only say that it has no such model.
  if (slash > 0 && names.missing.has(name.slice(0, slash))) return undefined
  const owner = names.familyOwner(name)
  if (owner !== undefined)
    return names.providers.has(owner) ? { target: { provider: owner, model: name }, rule: 'family' } : undefined
  if (doorProvider !== undefined && names.providers.has(doorProvider)) {
    return { target: { provider: doorProvider, model: name }, rule: 'door' }
  }
  return undefined
}

/**
 * The route whose name fits with its one `*` for any text; of several the longest name. A name with a slash is a
 * target's, never a wildcard's: else a route could catch its own targets.
 */
function wildcardOf(name: string, routes: Names['routes']): { route: NamedRoute; star: string } | undefined {
  let best: { pattern: string; route: NamedRoute; star: string } | undefined
  for (const [pattern, route] of routes) {
    if (best && pattern.length <= best.pattern.length) continue
    const star = starOf(pattern, name)
    if (star !== undefined) best = { pattern, route, star }
  }
  return best && { route: best.route, star: best.star }
}

/** What the `*` of a pattern stands for in a name; undefined where they do not fit, or there is none. */
export function starOf(pattern: string, name: string): string | undefined {
  const at = pattern.indexOf('*')
  if (at === -1) return undefined
  const [before, after] = [pattern.slice(0, at), pattern.slice(at + 1)]
  const fits = name.startsWith(before) && name.endsWith(after) && name.length >= before.length + after.length
  return fits ? name.slice(at, name.length - after.length) : undefined
}

/** Every configured provider that a model name leads to, in config order: for calls that say which they want. */
export function candidatesOf(name: string, names: Names, doorProvider: string | undefined): Target[] {
  const found = resolveName(name, names, doorProvider)
  if (!found?.target) return []
  if (found.rule !== 'catalogue') return [found.target]
  const listed = new Set(names.providersOf(name))
  return [...names.providers].filter(each => listed.has(each)).map(provider => ({ provider, model: name }))
}

/** The 404 for a name that leads nowhere: the reason, and near names. */
export function unknownModel(name: string, names: Names, param = 'model'): Failure {
  const near = nearest(name, names.known(), 3)
  const reason = reasonFor(name, names)
  const suggestion = near.length > 0 ? ` Did you mean ${near.map(n => `"${n}"`).join(', ')}?` : ''
  return new Failure('unknown_model', `No route or provider for the model "${name}": ${reason}.${suggestion}`, {
    param
  })
}

function reasonFor(name: string, names: Names): string {
  const slash = name.indexOf('/')
  const prefix = slash > 0 ? name.slice(0, slash) : undefined
  const candidates = [prefix, ...names.providersOf(name), names.familyOwner(name)]
  for (const candidate of candidates) {
    const reason = candidate === undefined ? undefined : names.missing.get(candidate)
    if (reason !== undefined) return `provider ${candidate} ${reason}`
  }
  if (prefix !== undefined) return `no provider is called "${prefix}" here`
  return 'it is no route, and no configured provider is known to have it'
}
