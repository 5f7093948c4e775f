import { catalog, type ModelFacts } from '../catalog/catalog.ts'
import type { Source } from '../catalog/facts.ts'
import type { DialectName } from '../dialects/canonical.ts'
import { type Edit, isObject, type Json, type JsonBody } from '../json.ts'
import type { Secret } from '../secret.ts'

/** How a credential travels: a well-known header, none, or one of the provider's own (`prefix` before the key). */
export type AuthStyle = 'bearer' | 'x-api-key' | 'api-key' | 'none' | { header: string; prefix?: string | undefined }

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
}

export interface Credential {
  /** Stable within the provider: state of a credential (cool-downs, circuits) is kept under it. */
  id: string
  /** Undefined where the server asks for none. */
  secret: Secret | undefined
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

/** The address for a call: in its own dialect where the provider speaks it, so that the call stays native; else home. */
export function endpointFor(provider: Provider, dialect: DialectName): Endpoint {
  return provider.endpoints.find(endpoint => endpoint.dialect === dialect) ?? provider.endpoints[0]
}

/** How each dialect's own clients send a key. */
export const DEFAULT_AUTH: Readonly<Record<DialectName, AuthStyle>> = {
  'openai-chat': 'bearer',
  'anthropic-messages': 'x-api-key'
}

const AUTH_HEADERS: Readonly<Record<'bearer' | 'x-api-key' | 'api-key', { header: string; prefix?: string }>> = {
  bearer: { header: 'authorization', prefix: 'Bearer ' },
  'x-api-key': { header: 'x-api-key' },
  'api-key': { header: 'api-key' }
}

/** The header pair `[name, value]` that carries the credential, or nothing. The only place a secret is revealed. */
export function authorize(endpoint: Endpoint, credential: Credential): string[] {
  if (credential.secret === undefined || endpoint.auth === 'none') return []
  const { header, prefix = '' } = typeof endpoint.auth === 'string' ? AUTH_HEADERS[endpoint.auth] : endpoint.auth
  return [header, prefix + credential.secret.reveal()]
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

/**
 * What must change in a native body for this endpoint, as splices: bytes no quirk names stay the caller's. Losses get
 * the name of each member that could not be said, touches the name of each that is changed (D20). The name of the model
 * is no member here: `modelName` has it.
 */
export function adjust(endpoint: Endpoint, body: JsonBody, losses: string[], touches: string[]): Edit[] {
  const { quirks } = endpoint
  const edits: Edit[] = []
  const touch = (path: Edit['path'], value: Json | undefined) => {
    edits.push({ path, value })
    touches.push(written(path))
  }
  spellValues(quirks, body, touch)
  renameMembers(quirks, body, losses, touch)
  dropMembers(quirks, body, losses, touch)
  adjustMessages(quirks, body, losses, touch)
  if (quirks.usage_unasked && body.has('stream_options')) touch(['stream_options'], undefined)
  return edits
}

/** The model as this endpoint calls it. */
export function modelName({ quirks }: Endpoint, model: string): string {
  return quirks.model_prefix === undefined || model.includes('/') ? model : quirks.model_prefix + model
}

type Touch = (path: Edit['path'], value: Json | undefined) => void

function spellValues(quirks: Quirks, body: JsonBody, touch: Touch): void {
  for (const member of Object.keys(quirks.values ?? {})) {
    const value = body.get(member)
    const theirs = spelled(quirks, member, value)
    if (theirs !== value) touch([member], theirs)
  }
}

function spelled(quirks: Quirks, member: string, value: Json | undefined): Json | undefined {
  const spellings = quirks.values?.[member] ?? {}
  return typeof value === 'string' && Object.hasOwn(spellings, value) ? spellings[value] : value
}

function renameMembers(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  for (const [name, theirs] of Object.entries(quirks.rename ?? {})) {
    if (!body.has(name)) continue
    // Both said: the provider's own name stands, the other cannot be told.
    if (body.has(theirs)) losses.push(name)
    else touch([theirs], spelled(quirks, name, body.get(name)))
    touch([name], undefined)
  }
}

function dropMembers(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  for (const member of quirks.drop ?? []) {
    if (member.startsWith(IN_MESSAGES) || !body.has(member)) continue
    losses.push(member)
    touch([member], undefined)
  }
}

const IN_MESSAGES = 'messages[].'

/** Roles and members of messages. Reads the messages only where a quirk is about them: parsing them is the cost. */
function adjustMessages(quirks: Quirks, body: JsonBody, losses: string[], touch: Touch): void {
  const dropped = (quirks.drop ?? [])
    .filter(member => member.startsWith(IN_MESSAGES))
    .map(member => member.slice(IN_MESSAGES.length))
    // A member that is nowhere in the bytes is in no message.
    .filter(member => body.bytes.includes(`"${member}"`))
  const roles = quirks.roles ?? {}
  if (dropped.length === 0 && Object.keys(roles).length === 0) return
  const messages = body.get('messages')
  if (!Array.isArray(messages)) return
  for (const [index, message] of messages.entries()) {
    if (!isObject(message)) continue
    const role = message.role
    if (typeof role === 'string' && Object.hasOwn(roles, role)) touch(['messages', index, 'role'], roles[role])
    for (const member of dropped) {
      if (message[member] === undefined) continue
      // A member that says nothing is no loss.
      if (message[member] !== null) losses.push(written(['messages', index, member]))
      touch(['messages', index, member], undefined)
    }
  }
}

/** `messages[2].name` */
function written(path: Edit['path']): string {
  return path.map((step, at) => (typeof step === 'number' ? `[${step}]` : at === 0 ? step : `.${step}`)).join('')
}
