import { catalog, type ModelFacts } from '../catalog/catalog.ts'
import type { Source } from '../catalog/facts.ts'
import type { DialectName } from '../dialects/canonical.ts'
import type { FramingName, Operation } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import type { ShapeName } from '../dialects/operations/embeddings.ts'
import type { Json } from '../json.ts'
import type { DataTerms } from '../residency.ts'
import type { Secret } from '../secret.ts'
import type { Identity } from './auth/identity.ts'

/**
 * How a credential travels: a well-known header, none, one of the provider's own (`prefix` before the key), or a cloud's
 * signature or token. A key that is sent to a cloud's address goes as that cloud takes keys.
 */
export type AuthStyle =
  | 'bearer'
  | 'x-api-key'
  | 'api-key'
  | 'x-goog-api-key'
  | 'none'
  | 'aws'
  | 'google'
  | 'entra'
  | { header: string; prefix?: string | undefined }

/**
 * Where a provider differs from the dialect it speaks, as data: shared code asks these and never who the provider is.
 * Members are the dialect's own, top-level unless written `messages[].name`.
 */
export interface Quirks {
  /** Members it calls by another name: the dialect's → its own. */
  rename?: Readonly<Record<string, string>> | undefined
  /** Members it refuses or misreads. They are removed, and each removal is a named loss. */
  drop?: readonly string[] | undefined
  /** Texts it spells otherwise, by member: the dialect's → its own. */
  values?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined
  /** Roles it does not know → the role that says the same there. */
  roles?: Readonly<Record<string, string>> | undefined
  /** It sends usage in every stream and refuses `stream_options`. */
  usage_unasked?: boolean | undefined
  /** Members it is always sent, with their values. */
  set?: Readonly<Record<string, Json>> | undefined
  /** Members that its address says: they are removed, and nothing is lost. */
  omit?: readonly string[] | undefined
  /** Headers of the dialect's clients that it reads in the body, as a list: the header → its member. */
  headers_in_body?: Readonly<Record<string, string>> | undefined
  /** Headers that are lists, and the values it knows: the dialect's → its own. Any other is refused, so a named loss. */
  header_values?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined
  /** A member by which it finds prefixes again: where a route asks for caching, calls of one session get one value. */
  cache_key?: string | undefined
  /** Put before a model name that has no slash. */
  model_prefix?: string | undefined
}

/** One address of a provider, and the dialect it speaks there. */
export interface Endpoint {
  dialect: DialectName
  /** As `https://api.openai.com/v1`: no trailing slash; the dialect's path follows. */
  baseUrl: string
  auth: AuthStyle
  quirks: Quirks
  /** Paths below `baseUrl` where they are not the dialect's own, with `{model}`. */
  paths?: Readonly<Partial<Record<'chat' | 'stream' | 'count-tokens' | 'embeddings', string | undefined>>> | undefined
  /** Of its streams, where it is not the dialect's own. */
  framing?: FramingName | undefined
  /** How it is asked for embeddings; absent: not at all. */
  embeddings?: ShapeName | undefined
  /** What it is asked for; absent: everything its dialect has. */
  operations?: readonly Operation[] | undefined
  /** Models it serves, as globs; absent: all. */
  only?: readonly string[] | undefined
  /** Models it does not serve. */
  except?: readonly string[] | undefined
  /** What a cloud's signature or token for this address is made out to. */
  audience?: Audience | undefined
}

export interface Audience {
  /** AWS: the name it signs for, as `bedrock`. */
  service?: string
  /** AWS. */
  region?: string
  /** OAuth 2, at Google and Entra. */
  scope?: string
}

/** A request that is about to go out: what a signature is made of. */
export interface Outgoing {
  method: 'POST' | 'GET' | 'DELETE'
  origin: string
  /** Path and query. */
  path: string
  headers: readonly string[]
  body: Buffer | undefined
}

export interface Credential {
  /** Stable within the provider: state of a credential (cool-downs, circuits) is kept under it. */
  id: string
  /** Undefined where the server asks for none, and where there is an identity instead. */
  secret: Secret | undefined
  /** At a cloud: who we are there. Signatures and tokens are made from it. */
  identity?: Identity | undefined
  /** Share of the calls, relative to the provider's other credentials. */
  weight: number
  /** Where it was written down, for error texts: `OPENAI_API_KEY`, `config providers.lab.keys[0]`. */
  source: string
}

/** Whether its chat traffic was recorded and is tested against, or only its documentation was read (D32). */
export type Evidence = 'recorded' | 'documented'

/** Where to say it, and as whom (the dialect is how). Frozen; one config version has one set of these. */
export interface Provider {
  name: string
  title: string
  /** The first is home: where calls in a dialect it does not speak are translated to. */
  endpoints: readonly [Endpoint, ...Endpoint[]]
  /** At least one. */
  credentials: readonly Credential[]
  /** Sent with every call, after the dialect's own. */
  headers: Readonly<Record<string, string>>
  /** Address ranges (CIDR) it may be in although they are private. */
  allowPrivate: readonly string[]
  evidence: Evidence
  source: Source
  /** The name whose facts and prices in the catalogue are this provider's; undefined where nobody says so. */
  catalogId?: string | undefined
  /** Models declared in the configuration: they win over the catalogue. */
  models: readonly ModelFacts[]
  /** What becomes of data there, as the configuration says; undefined where nobody says anything. */
  data?: DataTerms | undefined
  /** The built-in simulated provider: no model is asked, and replies say so (D36). */
  simulated?: true
  /** A router of its own: it reads `models` and `provider` in a body itself. */
  routesItself?: true
  /** It goes on generating, and billing, when a connection is closed early. */
  billsAfterDisconnect?: true
  /** When the client leaves: close the call, or read the rest of the answer for what it used. */
  onAbort: 'cancel' | 'drain'
  /** The attempt id may travel to it as `x-client-request-id`. */
  passRequestId: boolean
}

/**
 * The address for a call: of those that serve the model, the one in the call's own dialect, so that it stays native; else
 * the first of them; where none does, home, whose provider then says so itself.
 */
export function endpointFor(
  provider: Provider,
  dialect: DialectName,
  model: string,
  operation: Operation = 'chat'
): Endpoint {
  const serving = provider.endpoints.filter(endpoint => serves(endpoint, model, operation))
  return serving.find(endpoint => endpoint.dialect === dialect) ?? serving[0] ?? provider.endpoints[0]
}

/** The address to ask for embeddings; undefined where the provider has none for this model. */
export function embeddingsEndpoint(provider: Provider, model: string): Endpoint | undefined {
  return provider.endpoints.find(endpoint => endpoint.embeddings !== undefined && serves(endpoint, model, 'embeddings'))
}

function serves({ operations, only, except }: Endpoint, model: string, operation: Operation): boolean {
  const fits = (glob: string) => matchesGlob(model, glob)
  if (operations && !operations.includes(operation)) return false
  return (only === undefined || only.some(fits)) && !except?.some(fits)
}

/** `*` stands for anything; case does not count. No pattern, since clients choose the name: each piece is looked for once. */
function matchesGlob(model: string, glob: string): boolean {
  const text = model.toLowerCase()
  const [first = '', ...pieces] = glob.toLowerCase().split('*')
  const last = pieces.pop()
  if (last === undefined) return text === first
  if (!text.startsWith(first)) return false
  let at = first.length
  for (const piece of pieces) {
    const found = text.indexOf(piece, at)
    if (found < 0) return false
    at = found + piece.length
  }
  return text.length - last.length >= at && text.endsWith(last)
}

/** The path of a call below `baseUrl` where the address has one of its own. */
export function endpointPath(
  { paths }: Endpoint,
  operation: Operation,
  model: string,
  stream: boolean
): string | undefined {
  // The door of what is kept knows its path; and what the guards are asked, nobody else is.
  if (operation === 'object' || operation === 'guard') return undefined
  const template = paths?.[operation === 'chat' && stream ? 'stream' : operation]
  return template?.replaceAll('{model}', encodeURIComponent(model))
}

/** How an address is sent a key, unless it says otherwise. */
export function defaultAuth(dialect: DialectName): AuthStyle {
  return dialects[dialect].auth
}

/** What is known of one of the provider's models: as its configuration declares it, else as the catalogue has it. */
export function modelFacts(provider: Provider, model: string): ModelFacts | undefined {
  const declared = provider.models.find(each => each.id === model)
  return declared ?? (provider.catalogId === undefined ? undefined : catalog.find(provider.catalogId, model))
}

/** Names of those among `providers` that have a model of this bare name, declared or by the catalogue (D11). */
export function holdersOf(providers: readonly Provider[], model: string): string[] {
  const listed = catalog.providersOf(model)
  const holds = ({ models, catalogId }: Provider) =>
    models.some(each => each.id === model) || (catalogId !== undefined && listed.includes(catalogId))
  return providers.filter(holds).map(provider => provider.name)
}

/** Every model known to be there to call, declared ones first. */
export function modelsOf(provider: Provider): ModelFacts[] {
  const declared = new Set(provider.models.map(model => model.id))
  const listed = provider.catalogId === undefined ? [] : catalog.models(provider.catalogId)
  return [...provider.models, ...listed.filter(model => !declared.has(model.id))]
}
