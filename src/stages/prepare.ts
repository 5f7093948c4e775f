import type { ChatRequest } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { translateRequest } from '../dialects/translate.ts'
import { Failure } from '../errors.ts'
import { type Edit, isObject, type Json, JsonBody } from '../json.ts'
import { adjust, authorize, type Credential, type Endpoint, modelName, type Provider } from '../providers/provider.ts'
import type { Params, Target } from '../routing/route.ts'
import type { Call } from './call.ts'

/** A call made ready for one target: what goes on the wire, and what that cost the request. */
export interface Prepared {
  dialect: Dialect
  endpoint: Endpoint
  /** Below the endpoint's base URL. */
  path: string
  headers: string[]
  body: Buffer
  losses: string[]
  touches: string[]
  /** The client's dialect is the provider's: its bytes pass through. */
  native: boolean
  /** The request in no dialect; undefined where the call stays native and nobody read it. */
  request: ChatRequest | undefined
  /** Usage was asked for on our behalf: the client must not see the event that brings it. */
  hideUsage: boolean
  /** How many choices the target was asked for. */
  choices: number
}

export interface PrepareOptions {
  target: Target
  provider: Provider
  endpoint: Endpoint
  credential: Credential
  /** Dialect of the endpoint. */
  dialect: Dialect
  attemptId: string
  /** Losses refuse the call. */
  strict: boolean
  /** Same-dialect calls go through the canonical form too (law e). */
  forceCanonical: boolean
  userAgent: string
}

/** The client's request as this target must hear it. Works on a body of its own, so that a fallback inherits nothing. */
export function prepare(call: Call, options: PrepareOptions): Prepared {
  const { dialect, target, endpoint } = options
  const native = dialect === call.dialect && !options.forceCanonical
  const translated = native ? undefined : translateRequest(call.dialect, dialect, call.body.object(), { force: true })
  const draft: Draft = translated
    ? { body: JsonBody.from(translated.body), losses: translated.losses, touches: [] }
    : withoutForeign(call.body, dialect)
  if (target.params) draft.body = draft.body.edit(paramEdits(draft, target.params))
  const usagePath = call.operation === 'chat' && call.stream ? dialect.members.streamUsage : undefined
  // One splice for all of it: a body of 40 MB is copied once.
  const edits: Edit[] = []
  set(draft, edits, ['model'], modelName(endpoint, target.model))
  if (usagePath && !endpoint.quirks.usage_unasked) set(draft, edits, usagePath, true)
  edits.push(...adjust(endpoint, draft.body, draft.losses, draft.touches))
  if (options.strict && draft.losses.length > 0) throw lossRefused(draft.losses, options)
  return {
    dialect,
    endpoint,
    path: dialect.path(call.operation, target.model, call.stream),
    headers: requestHeaders(call, options),
    body: (edits.length > 0 ? draft.body.edit(edits) : draft.body).bytes,
    losses: draft.losses,
    touches: draft.touches,
    native,
    request: translated?.request,
    hideUsage: usagePath !== undefined && !asksUsage(call),
    choices: choicesIn(draft.body, dialect)
  }
}

function choicesIn(body: JsonBody, { members }: Dialect): number {
  const value = members.choices === undefined ? undefined : body.get(members.choices)
  return typeof value === 'number' ? value : 1
}

interface Draft {
  body: JsonBody
  losses: string[]
  touches: string[]
}

/** A native body without what we wrote into earlier replies for another maker: nothing is read unless it is there. */
function withoutForeign(body: JsonBody, dialect: Dialect): Draft {
  if (!body.bytes.includes(dialect.foreignMark)) return { body, losses: [], touches: [] }
  const copy = body.copy()
  const losses = dialect.dropForeign(copy)
  if (losses.length === 0) return { body, losses, touches: [] }
  return { body: body.edit([{ path: ['messages'], value: copy.messages }]), losses, touches: ['messages'] }
}

/** One member to set, unless it already says so; every other byte stays the client's. */
function set(draft: Draft, edits: Edit[], path: readonly string[], value: Json | undefined): void {
  if (read(draft.body, path) === value) return
  edits.push({ path, value })
  draft.touches.push(path.join('.'))
}

function read(body: JsonBody, path: readonly string[]): Json | undefined {
  let value: Json | undefined = body.get(path[0]!)
  for (const name of path.slice(1)) value = isObject(value) ? value[name] : undefined
  return value
}

/** Whether the client itself wants usage in its stream; dialects without such a member always send it. */
export function asksUsage(call: Call): boolean {
  const path = call.dialect.members.streamUsage
  return path === undefined || read(call.body, path) === true
}

/** A route's changes. A member that is dropped counts as not said, so its default applies. */
function paramEdits(draft: Draft, { drop = [], default: defaults = {}, set: forced = {} }: Params): Edit[] {
  const edits: Edit[] = []
  const dropped = new Set(drop)
  for (const name of drop) set(draft, edits, [name], undefined)
  for (const [name, value] of Object.entries(defaults)) {
    if (dropped.has(name) || !draft.body.has(name)) set(draft, edits, [name], value)
  }
  for (const [name, value] of Object.entries(forced)) set(draft, edits, [name], value)
  return edits
}

function lossRefused(losses: readonly string[], options: PrepareOptions): Failure {
  const where = `${options.provider.name} (${options.dialect.name})`
  return new Failure('loss_refused', `Strict mode: ${where} cannot be told ${losses.join(', ')}.`, {
    details: { losses: [...losses] },
    ...(losses[0] !== undefined && { param: losses[0] })
  })
}

function requestHeaders(call: Call, options: PrepareOptions): string[] {
  const { dialect, provider, endpoint, credential } = options
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: call.stream ? 'text/event-stream' : 'application/json',
    'user-agent': options.userAgent,
    ...dialect.defaultHeaders
  }
  if (dialect === call.dialect) {
    for (const name of dialect.requestHeaders) {
      const value = call.headers[name]
      if (value !== undefined) headers[name] = value
    }
  }
  Object.assign(headers, provider.headers)
  if (provider.passRequestId) headers['x-client-request-id'] = options.attemptId
  return [...Object.entries(headers).flat(), ...authorize(endpoint, credential)]
}
