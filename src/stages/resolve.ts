import { Failure } from '../errors.ts'
import { nearest } from '../nearest.ts'
import type { Route, Target, Timeouts } from '../routing/route.ts'

/** A configured route: its tree, and what holds for the whole call. */
export interface NamedRoute {
  to: Route
  timeouts?: Partial<Timeouts> | undefined
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

export type Resolved = { route: NamedRoute; target?: undefined } | { target: Target; route?: undefined }

/** Which rule of D11 found the name: shown by `explain` and kept in the log. */
export type Rule = 'route' | 'provider/model' | 'catalogue' | 'family' | 'door'

/**
 * A model name, as D11 resolves it: a route, `provider/rest`, a provider of the catalogue that is configured, the
 * owner of its family, the door's own provider. Undefined when none of them applies.
 */
export function resolveName(
  name: string,
  names: Names,
  doorProvider: string | undefined
): (Resolved & { rule: Rule }) | undefined {
  const route = names.routes.get(name)
  if (route) return { route, rule: 'route' }
  const slash = name.indexOf('/')
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

/** The 404 for a name that leads nowhere: the reason, and near names. */
export function unknownModel(name: string, names: Names): Failure {
  const near = nearest(name, names.known(), 3)
  const reason = reasonFor(name, names)
  const suggestion = near.length > 0 ? ` Did you mean ${near.map(n => `"${n}"`).join(', ')}?` : ''
  return new Failure('unknown_model', `No route or provider for the model "${name}": ${reason}.${suggestion}`, {
    param: 'model'
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
