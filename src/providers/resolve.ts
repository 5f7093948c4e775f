import { Secret } from '../secret.ts'
import { trimUrl } from './address.ts'
import type { Identity } from './auth/identity.ts'
import { AMBIENT, awsIdentity, entraIdentity, googleIdentity, projectIn } from './auth/said.ts'
import { declaredModel } from './declared.ts'
import { type Located, locate, type Open } from './places.ts'
import type { Preset } from './presets/preset.ts'
import { PRESETS, presetOf } from './presets.ts'
import { homeDialect, keyId, type ProviderProblem, problemsOf } from './problems.ts'
import { type Credential, defaultAuth, type Endpoint, type Provider } from './provider.ts'
import type { Entry } from './schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** A provider that would be there, or nearer to it, if one of the variables were set. */
export interface Missing {
  name: string
  title: string
  variables: readonly string[]
  /** What it has none of: `key`, or a place of its addresses, as `region`. */
  lacks: string
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

function fromPreset(name: string, preset: Preset, env: Environment): Provider | Missing {
  const credentials = environmentCredentials(preset, env, preset.meant?.some(variable => isOn(env[variable])) ?? false)
  const located = locate(preset, {}, env)
  if ('place' in located) return credentials.length > 0 ? notFound(name, preset, located) : notFound(name, preset)
  const { endpoints, allowPrivate, named } = located
  if (credentials.length === 0 && (!named || preset.cloud)) return notFound(name, preset)
  return {
    ...base(name, preset),
    endpoints,
    credentials: credentials.length > 0 ? credentials : [keyless(preset.address?.variable ?? name)],
    allowPrivate,
    ...billing(preset),
    catalogId: preset.catalog ?? name
  }
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^\s*(?:0|false|no|off)?\s*$/i.test(value)
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

/** What is wanted next: a place, where one is open, else a key. */
function notFound(name: string, preset: Preset, open?: Open): Missing {
  if (open) return { name, title: preset.title, variables: open.variables, lacks: open.place }
  const address = preset.address ? [preset.address.variable] : []
  const all = [...address, ...preset.variables]
  return { name, title: preset.title, variables: all.length > 0 ? all : (preset.meant ?? []), lacks: 'key' }
}

/** The preset's key, else who we are at its cloud; `isMeant`: also where nobody wrote that down. */
function environmentCredentials(preset: Preset, env: Environment, isMeant: boolean): Credential[] {
  const variable = preset.variables.find(each => env[each]?.trim())
  if (variable !== undefined)
    return [Object.freeze({ id: 'key1', secret: new Secret(env[variable]!.trim()), weight: 1, source: variable })]
  if (preset.cloud === undefined || !isMeant) return []
  const { identity, source } = AMBIENT[preset.cloud](env)
  return [Object.freeze({ id: preset.cloud, secret: undefined, identity, weight: 1, source })]
}

function keyless(source: string): Credential {
  return Object.freeze({ id: 'none', secret: undefined, weight: 1, source })
}

// ---- entries -----------------------------------------------------------------------------------------------------

function fromEntry(name: string, entry: Entry, env: Environment): Provider | Missing {
  const preset = presetOf(entry.like ?? name)
  const said = entry.keys && configuredKeys(name, entry.keys, env)
  const known = projectIn(said?.map(({ identity }) => identity) ?? [])
  const { own, located } = locateEntry(preset, entry, { known, env })
  if (located && 'place' in located) return notFound(name, preset!, located)
  const atHome = entry.origin === undefined && own !== undefined && staysAt(own, entry)
  const keys = said ?? (preset && atHome ? environmentCredentials(preset, env, true) : [])
  const homeKept = own !== undefined && staysAt(own, { ...entry, endpoints: undefined })
  const wantsKey = homeKept && (!preset?.address || preset.cloud) && !entry.keys && entry.auth !== 'none'
  if (preset && keys.length === 0 && wantsKey) return notFound(name, preset)
  const catalogId = entry.catalog ?? (atHome ? (preset?.catalog ?? entry.like ?? name) : undefined)
  return {
    ...base(name, preset),
    endpoints: endpointsOf(entry, located?.endpoints ?? []),
    credentials: keys.length > 0 ? keys : [keyless(`config providers.${name}`)],
    headers: Object.freeze(lowerNames(entry.headers ?? {})),
    allowPrivate: entry.allow_private ?? located?.allowPrivate ?? [],
    ...(catalogId !== undefined && { catalogId }),
    models: Object.freeze((entry.models ?? []).map(model => declaredModel(name, model))),
    ...(entry.data && { data: Object.freeze(entry.data) }),
    ...(atHome && billing(preset)),
    onAbort: entry.on_abort ?? 'cancel',
    passRequestId: entry.pass_request_id ?? (atHome && preset?.passRequestId === true)
  }
}

interface LocatedEntry {
  /** The preset's addresses as this entry moves them; undefined where they leave something open, or there is no preset. */
  own: readonly Endpoint[] | undefined
  /** The same, for an entry with an address of its own without what that does not need. */
  located: Located | Open | undefined
}

function locateEntry(
  preset: Preset | undefined,
  { base_url, origin, places }: Entry,
  { known, env }: { known: Readonly<Record<string, string>>; env: Environment }
): LocatedEntry {
  if (!preset) return { own: undefined, located: undefined }
  const located = locate(preset, { origin, places, known }, env)
  if ('endpoints' in located) return { own: located.endpoints, located }
  return {
    own: undefined,
    located: base_url === undefined ? located : locate(preset, { base_url, places, known }, env)
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
  const further = (entry.endpoints ?? []).map(each => furtherEndpoint(entry, each))
  const home = homeEndpoint(entry, preset)
  const [first, ...others] = home ? [home, ...further] : further
  const said = new Set(further.map(each => each.dialect))
  const known = knownHome(entry, preset)
  // Beside the home there may be others of its dialect, for other models or operations.
  const kept = entry.base_url === undefined ? preset.filter(each => each !== known && !said.has(each.dialect)) : []
  // Without any address there was a problem, and no provider is made.
  return Object.freeze([first!, ...others, ...kept])
}

function knownHome(entry: Entry, preset: readonly Endpoint[]): Endpoint | undefined {
  const dialect = homeDialect(entry, preset)
  return preset.find(endpoint => endpoint.dialect === dialect)
}

function homeEndpoint(entry: Entry, preset: readonly Endpoint[]): Endpoint | undefined {
  const dialect = homeDialect(entry, preset)
  const known = knownHome(entry, preset)
  const baseUrl = entry.base_url === undefined ? known?.baseUrl : trimUrl(entry.base_url)
  if (baseUrl === undefined) return undefined
  // Whoever imitates OpenAI mostly has its embeddings too.
  const inherited: Partial<Endpoint> = known ?? (dialect === 'openai-chat' ? { embeddings: 'openai' } : {})
  return {
    ...inherited,
    dialect,
    baseUrl,
    auth: entry.auth ?? known?.auth ?? defaultAuth(dialect),
    quirks: entry.quirks ?? known?.quirks ?? {}
  }
}

function furtherEndpoint(entry: Entry, each: NonNullable<Entry['endpoints']>[number]): Endpoint {
  const { base_url: baseUrl, auth, quirks, ...rest } = each
  return {
    ...rest,
    baseUrl: trimUrl(baseUrl),
    auth: auth ?? entry.auth ?? defaultAuth(each.dialect),
    quirks: quirks ?? {}
  }
}

function configuredKeys(name: string, keys: NonNullable<Entry['keys']>, env: Environment): Credential[] {
  return keys.map((key, index) => {
    const said = key instanceof Secret ? { key, weight: undefined } : key
    const source = `config providers.${name}.keys[${index}]`
    const { weight = 1 } = said
    const who = 'key' in said ? { secret: said.key } : { secret: undefined, identity: identityOf(said, env) }
    return Object.freeze({ id: keyId(key, index), ...who, weight, source })
  })
}

type IdentityKey = Extract<
  NonNullable<Entry['keys']>[number],
  { aws: unknown } | { google: unknown } | { entra: unknown }
>

function identityOf(said: IdentityKey, env: Environment): Identity {
  if ('aws' in said) return awsIdentity(said.aws, env)
  return 'google' in said ? googleIdentity(said.google) : entraIdentity(said.entra, env)
}

function lowerNames(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
