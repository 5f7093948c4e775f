import type { DialectName } from '../dialects/canonical.ts'
import type { Operation } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { CODES, type Code, type Kind } from '../errors.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import type { Demands } from '../residency.ts'
import type { Fact } from '../routing/conditions.ts'
import { readPerCall } from '../routing/per-call.ts'
import type { Call } from '../stages/call.ts'
import { SESSION_HEADERS } from '../stages/payers.ts'
import { factsOfCall } from '../stages/route-call.ts'
import type { Payers, RequestRow } from '../stores/rows.ts'
import type { Usage } from '../usage.ts'

/** What of a row of the log decides where its call goes. Many are held at once, so it is no more than that. */
export interface LoggedCall {
  id: string
  atMs: number
  dialect: DialectName
  operation: Operation
  stream: boolean
  modelAsked: string
  /** A route that a header named instead of the model. */
  route: string | undefined
  /** What it demanded of its providers. */
  require: readonly Demands[]
  payers: Payers
  /** It was refused so early that its row does not say whose it was, nor what it said of itself. */
  isStranger: boolean
  /** A guard's or a replay's: what its key may ask for did not bind it. */
  isInner: boolean
  /** `provider/model` that answered; undefined: none did. */
  answeredBy: string | undefined
  costNano: number | null
  usage: Partial<Usage> | null
  totalMs: number
}

/** Kinds of failure that say something of the target, not of the request: another target, or time, may mend them. */
export const TARGET_FAULTS: ReadonlySet<string> = new Set<Kind>([
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed',
  'rate_limited',
  'our_credential',
  'spend_limit',
  'no_such_model'
])
/** Refusals by what a configuration says; another one may let the call pass. */
const BY_CONFIGURATION: ReadonlySet<string> = new Set<Code>([
  'unknown_model',
  'not_allowed',
  'residency_refused',
  'unpriced_model'
])
const ROUTED: ReadonlySet<string> = new Set<Operation>(['chat', 'embeddings', 'count-tokens'])

/** The call of a row; a text: why a configuration has no say in what becomes of it. */
export function loggedCall(row: RequestRow): LoggedCall | string {
  const { outcome, code, provider, model, payers } = row
  if (!ROUTED.has(row.operation)) return `operation: ${row.operation}`
  if (!Object.hasOwn(dialects, row.dialect)) return `dialect: ${row.dialect}`
  if (outcome === 'failed' && !mayChange(code)) return `failed: ${code}`
  const isAnswered = outcome !== 'failed' && provider !== null && model !== null
  if (outcome === 'aborted' && !isAnswered) return 'the client left before anybody answered'
  return {
    id: row.id,
    atMs: row.startedAtMs,
    dialect: row.dialect as DialectName,
    operation: row.operation as Operation,
    stream: row.stream,
    modelAsked: row.modelAsked,
    route: routeByHeader(row),
    require: demandsBefore(row),
    payers,
    isStranger: row.admittedMs === null && payers.key === undefined,
    isInner: row.parent !== null && (payers.tags ?? []).some(tag => tag.startsWith('purpose:')),
    answeredBy: isAnswered ? `${provider}/${model}` : undefined,
    costNano: row.costNano,
    usage: row.usage,
    totalMs: row.totalMs
  }
}

function mayChange(code: string | null): boolean {
  if (code === null || !Object.hasOwn(CODES, code)) return false
  return BY_CONFIGURATION.has(code) || TARGET_FAULTS.has(CODES[code as Code].kind)
}

/** The row says by which route it went; that the model asked for does not lead there shows that a header did. */
export function routeByHeader({ details, modelAsked }: Pick<RequestRow, 'details' | 'modelAsked'>): string | undefined {
  const route = details?.route
  if (typeof route !== 'string' || modelAsked === route || modelAsked.startsWith(`${route}:`)) return undefined
  return route
}

/** What the call itself demanded of its providers, as its row has it. */
export function demandsBefore({ details }: Pick<RequestRow, 'details'>): Demands[] {
  return Array.isArray(details?.require) ? (details.require as Demands[]) : []
}

/** Which door of those that keys are held to. */
export function doorOf({ operation, dialect }: LoggedCall): string {
  if (operation !== 'chat') return operation
  return (
    { 'anthropic-messages': 'messages', 'openai-responses': 'responses', gemini: 'gemini' }[dialect as string] ?? 'chat'
  )
}

const EMPTY = JsonBody.from({})
const NEVER = new AbortController().signal

/**
 * The call, as far as its row tells; `received`: and its body, where it was kept. Headers never are. `ownTags`: those that
 * its key puts on every call. Throws what the call would get for what its body says of its routing.
 */
export function callAsLogged(
  logged: LoggedCall,
  { ownTags, startedMs, received }: { ownTags: readonly string[]; startedMs: number; received: string | undefined }
): Call {
  const { id, operation, modelAsked, stream, route, require, payers } = logged
  const dialect = dialects[logged.dialect]
  const body = received === undefined ? EMPTY : JsonBody.of(Buffer.from(received))
  const said = readPerCall(body, {})
  return {
    id,
    operation,
    dialect,
    doorProvider: dialect.maker,
    body,
    model: modelAsked,
    stream,
    framing: 'sse',
    headers: {},
    routing: { ...said, require, route, metadata: { ...said.metadata, ...metadataOf(payers, ownTags) } },
    credentials: [],
    signal: NEVER,
    startedMs,
    waitedMs: 0
  }
}

/** What the call must have said of itself, for its row to name whom it names. */
function metadataOf({ customer, agent, session, tags = [] }: Payers, ownTags: readonly string[]): JsonObject {
  const said = tags.filter(tag => !ownTags.includes(tag))
  return {
    ...(customer !== undefined && { customer }),
    ...(agent !== undefined && { agent }),
    ...(session !== undefined && { session }),
    ...(said.length > 0 && { tags: said })
  }
}

/** Members of `metadata` that rows have; any other may have been in a header, and nobody wrote it down. */
const METADATA = ['customer', 'agent', 'session', 'tags']

/** What the row cannot tell is answered as absent, and named here: from it the report says how far it can be believed. */
export type Missing = (name: string) => void

/** The facts of conditions. */
export function loggedFact(logged: LoggedCall, call: Call, key: string | undefined, missing: Missing): Fact {
  const { metadata } = call.routing!
  const ofCall = factsOfCall(call, key, logged.atMs)
  return (name, zone) => {
    if (name === 'time' || name === 'weekday' || name === 'model' || name === 'stream') return ofCall(name, zone)
    const [kind, member] = name.split('.', 2)
    if (kind === 'body' || kind === 'estimated_tokens') {
      if (call.body !== EMPTY) return ofCall(name, zone)
      const estimated = kind === 'body' ? undefined : logged.usage?.inputTokens
      if (estimated !== undefined) return estimated
    } else if (kind === 'metadata' && Object.hasOwn(metadata, member!)) return ofCall(name, zone)
    else if (name === 'header.x-gatehouse-agent' && metadata.agent !== undefined) return metadata.agent
    else if (kind === 'key' || kind === 'tags' || (kind === 'metadata' && METADATA.includes(member!))) {
      if (!logged.isStranger) return ofCall(name, zone)
    }
    missing(name)
    return undefined
  }
}

const STICKY_SESSIONS: ReadonlySet<string> = new Set([
  ...SESSION_HEADERS.map(name => `header:${name}`),
  'metadata.session',
  'metadata.session_id'
])
const STICKY_CUSTOMERS: ReadonlySet<string> = new Set([
  'user',
  'safety_identifier',
  'metadata.user_id',
  'metadata.customer'
])

/**
 * What a sticky split goes by. A row has the session and the customer, and not where the call had them: a split by a
 * place that either may have come from is taken to be by it.
 */
export function loggedSticky(logged: LoggedCall, call: Call, by: string, missing: Missing): string | undefined {
  const isHeader = by.startsWith('header:')
  const place = isHeader ? by.toLowerCase() : by
  if (!isHeader && call.body !== EMPTY) {
    const value = factsOfCall(call, undefined, logged.atMs)(`body.${place}`, undefined)
    return value === undefined ? undefined : String(value)
  }
  if (STICKY_SESSIONS.has(place)) return logged.payers.session
  if (STICKY_CUSTOMERS.has(place)) return logged.payers.customer
  missing(isHeader ? place.replace(':', '.') : `body.${place}`)
  return undefined
}
