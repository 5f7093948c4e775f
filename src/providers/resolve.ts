import { Secret } from '../secret.ts'
import { originFrom, PRIVATE_RANGES, trimUrl } from './address.ts'
import { declaredModel } from './declared.ts'
import type { Preset } from './presets/preset.ts'
import { PRESETS, presetOf } from './presets.ts'
import { homeDialect, keyId, type ProviderProblem, problemsOf } from './problems.ts'
import { type Credential, DEFAULT_AUTH, type Endpoint, type Provider } from './provider.ts'
import type { Entry } from './schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A provider that would be there if one of the variables were set. */
export interface Missing {
  name: string
  title: string
  variables: readonly string[]
}

export interface Resolved {
  /** Configured ones first, in their order, then presets whose variable is set. */
  found: Provider[]
  missing: Missing[]
  problems: ProviderProblem[]
}

/**
 * The providers of a configuration and an environment, both as values. A preset whose variable is set needs no entry;
 * an entry of a preset's name changes that preset; any other entry says its address or what it is `like`.
 * `OPENAI_BASE_URL` and its like are not read: where they are set, they most often point applications at *us*.
 */
export function resolveProviders(configured: Readonly<Record<string, Entry>>, env: Environment): Resolved {
  const resolved: Resolved = { found: [], missing: [], problems: [] }
  for (const [name, entry] of Object.entries(configured)) {
    const problems = problemsOf(name, entry)
    resolved.problems.push(...problems)
    if (problems.length === 0) place(resolved, fromEntry(name, entry, env))
  }
  for (const [name, preset] of Object.entries(PRESETS)) {
    if (!Object.hasOwn(configured, name)) place(resolved, fromPreset(name, preset, env))
  }
  return resolved
}

function place(resolved: Resolved, outcome: Provider | Missing): void {
  if ('endpoints' in outcome) resolved.found.push(Object.freeze(outcome))
  else resolved.missing.push(outcome)
}

// ---- presets -----------------------------------------------------------------------------------------------------

/** A preset where the environment says that it is. */
interface Located {
  endpoints: Preset['endpoints']
  allowPrivate: readonly string[]
  /** The environment names the address. */
  named: boolean
}

function locate(preset: Preset, env: Environment): Located {
  const text = preset.address && env[preset.address.variable]?.trim()
  const origin = preset.address && text ? originFrom(text, preset.address.port) : undefined
  if (origin === undefined) {
    return { endpoints: preset.endpoints, allowPrivate: preset.allowPrivate ?? [], named: false }
  }
  const move = (endpoint: Endpoint) => ({ ...endpoint, baseUrl: origin + trimUrl(new URL(endpoint.baseUrl).pathname) })
  const [home, ...others] = preset.endpoints
  // Who puts a private address into the variable has named it himself.
  return { endpoints: [move(home), ...others.map(move)], allowPrivate: PRIVATE_RANGES, named: true }
}

function fromPreset(name: string, preset: Preset, env: Environment): Provider | Missing {
  const { endpoints, allowPrivate, named } = locate(preset, env)
  const keys = environmentKeys(preset, env)
  if (keys.length === 0 && !named) return missing(name, preset)
  const credentials = keys.length > 0 ? keys : [keyless(preset.address?.variable ?? name)]
  return { ...base(name, preset), endpoints, credentials, allowPrivate, ...billing(preset), catalogId: name }
}

function base(name: string, preset: Preset | undefined): Omit<Provider, 'endpoints' | 'credentials'> {
  return {
    name,
    title: preset?.title ?? name,
    headers: {},
    allowPrivate: preset?.allowPrivate ?? [],
    evidence: preset?.evidence ?? 'documented',
    source: preset?.source ?? { document: `config providers.${name}`, date: '' },
    models: [],
    ...(preset?.routesItself && { routesItself: true as const }),
    onAbort: 'cancel',
    passRequestId: preset?.passRequestId ?? false
  }
}

/** Holds of those who bill, not of whoever speaks like them. */
function billing(preset: Preset | undefined): Pick<Provider, 'billsAfterDisconnect'> {
  return preset?.bills_after_disconnect ? { billsAfterDisconnect: true } : {}
}

function missing(name: string, preset: Preset): Missing {
  const address = preset.address ? [preset.address.variable] : []
  return { name, title: preset.title, variables: [...address, ...preset.variables] }
}

function environmentKeys(preset: Preset, env: Environment): Credential[] {
  const variable = preset.variables.find(each => env[each]?.trim())
  if (variable === undefined) return []
  return [Object.freeze({ id: 'key1', secret: new Secret(env[variable]!.trim()), weight: 1, source: variable })]
}

function keyless(source: string): Credential {
  return Object.freeze({ id: 'none', secret: undefined, weight: 1, source })
}

// ---- entries -----------------------------------------------------------------------------------------------------

function fromEntry(name: string, entry: Entry, env: Environment): Provider | Missing {
  const preset = presetOf(entry.like ?? name)
  const located = preset && locate(preset, env)
  const atHome = located !== undefined && staysAt(located.endpoints, entry)
  const keys = entry.keys ? configuredKeys(name, entry.keys) : preset && atHome ? environmentKeys(preset, env) : []
  const homeKept = located !== undefined && staysAt(located.endpoints, { ...entry, endpoints: undefined })
  const wantsKey = homeKept && !preset?.address && !entry.keys && entry.auth !== 'none'
  if (preset && keys.length === 0 && wantsKey) return missing(name, preset)
  const catalogId = entry.catalog ?? (atHome ? (entry.like ?? name) : undefined)
  return {
    ...base(name, preset),
    endpoints: endpointsOf(entry, located?.endpoints ?? []),
    credentials: keys.length > 0 ? keys : [keyless(`config providers.${name}`)],
    headers: Object.freeze(lowerNames(entry.headers ?? {})),
    allowPrivate: entry.allow_private ?? located?.allowPrivate ?? [],
    ...(catalogId !== undefined && { catalogId }),
    models: Object.freeze((entry.models ?? []).map(model => declaredModel(name, model))),
    ...(atHome && billing(preset)),
    onAbort: entry.on_abort ?? 'cancel',
    passRequestId: entry.pass_request_id ?? (atHome && preset?.passRequestId === true)
  }
}

/** Whether every address of the entry is one of the preset's own: a preset's key and prices go nowhere else. */
function staysAt(preset: readonly Endpoint[], entry: Entry): boolean {
  const origins = new Set(preset.map(endpoint => origin(endpoint.baseUrl)))
  const said = [entry.base_url, ...(entry.endpoints ?? []).map(each => each.base_url)]
  return said.every(url => url === undefined || origins.has(origin(url)))
}

function origin(url: string): string | undefined {
  return URL.parse(url)?.origin
}

/**
 * Home: the entry's own address, else the preset's, else the first of the entry's endpoints. The preset's addresses for
 * other dialects stay while its home does.
 */
function endpointsOf(entry: Entry, preset: readonly Endpoint[]): Provider['endpoints'] {
  const further = (entry.endpoints ?? []).map(each => ({
    dialect: each.dialect,
    baseUrl: trimUrl(each.base_url),
    auth: each.auth ?? entry.auth ?? DEFAULT_AUTH[each.dialect],
    quirks: each.quirks ?? {}
  }))
  const dialect = homeDialect(entry, preset)
  const known = preset.find(endpoint => endpoint.dialect === dialect)
  const baseUrl = entry.base_url === undefined ? known?.baseUrl : trimUrl(entry.base_url)
  const auth = entry.auth ?? known?.auth ?? DEFAULT_AUTH[dialect]
  const home =
    baseUrl === undefined ? undefined : { dialect, baseUrl, auth, quirks: entry.quirks ?? known?.quirks ?? {} }
  const [first, ...others] = home ? [home, ...further] : further
  const said = new Set([first, ...others].map(each => each?.dialect))
  const kept = entry.base_url === undefined ? preset.filter(each => !said.has(each.dialect)) : []
  // Without any address there was a problem, and no provider is made.
  return Object.freeze([first!, ...others, ...kept])
}

function configuredKeys(name: string, keys: NonNullable<Entry['keys']>): Credential[] {
  return keys.map((key, index) => {
    const said = key instanceof Secret ? { key } : key
    const source = `config providers.${name}.keys[${index}]`
    return Object.freeze({ id: keyId(key, index), secret: said.key, weight: said.weight ?? 1, source })
  })
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
