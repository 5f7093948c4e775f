import type { ChatRequest } from '../dialects/canonical.ts'
import type { Known } from '../dialects/crossing.ts'
import type { Dialect, MemberPath } from '../dialects/dialect.ts'
import { readRequest, sayRequest } from '../dialects/translate.ts'
import { Failure } from '../errors.ts'
import { type Edit, type Json, JsonBody, type JsonObject } from '../json.ts'
import { adjust, fitHeaders, modelName, written } from '../providers/adjust.ts'
import { type Endpoint, endpointPath, type Outgoing, type Provider } from '../providers/provider.ts'
import type { Params, PromptCache, Target } from '../routing/route.ts'
import { READERS } from '../wire/framing.ts'
import { addressOf, type Call } from './call.ts'
import { conversationOf } from './conversation.ts'
import { cacheMarks } from './prompt-cache.ts'

/** A call made ready for one target: what goes on the wire, and what that cost the request. */
export interface Prepared {
  dialect: Dialect
  endpoint: Endpoint
  method: Outgoing['method']
  /** Below the endpoint's base URL. */
  path: string
  /** All but the credential. */
  headers: string[]
  body: Buffer | undefined
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
  /** What a crossed reply is given where the provider's dialect does not say it. */
  known?: Known
}

export interface PrepareOptions {
  target: Target
  provider: Provider
  endpoint: Endpoint
  /** Dialect of the endpoint. */
  dialect: Dialect
  attemptId: string
  /** Losses refuse the call. */
  strict: boolean
  /** Same-dialect calls go through the canonical form too (law e). */
  forceCanonical: boolean
  userAgent: string
  /** Milliseconds since 1970. */
  wallMs: number
  /** Puts bytes in the place of addresses that providers of the dialect don't fetch; undefined: there are none. */
  fetchMedia(request: ChatRequest, call: Call, dialect: Dialect): Promise<void> | undefined
  /** The header of W3C Trace Context for this attempt; undefined: providers hear nothing of traces. */
  traceparent?: ((call: Call, attemptId: string) => string) | undefined
}

/** The client's request as this target must hear it. Works on a body of its own, so that a fallback inherits nothing. */
export function prepare(call: Call, options: PrepareOptions): Prepared | Promise<Prepared> {
  const { dialect } = options
  const isNative = dialect === call.dialect && !options.forceCanonical
  if (isNative) return finish(call, options, withoutForeign(call.body, dialect), undefined)
  const request = readRequest(call.dialect, dialect, call.body.object(), addressOf(call), call.operation)
  const say = () => {
    const { body, losses } = sayRequest(dialect, request, call.operation)
    return finish(call, options, { body: JsonBody.from(body), losses, touches: [] }, request)
  }
  const fetched = options.fetchMedia(request, call, dialect)
  return fetched ? fetched.then(say) : say()
}

/** A call of an operation that has no dialects: its body as it came. The path is for whoever knows the operation. */
export function prepareAsIs(call: Call, options: PrepareOptions): Prepared {
  return finish(call, options, { body: call.body, losses: [], touches: [] }, undefined)
}

interface Draft {
  body: JsonBody
  losses: string[]
  touches: string[]
}

function finish(call: Call, options: PrepareOptions, draft: Draft, request: ChatRequest | undefined): Prepared {
  const { dialect, target, endpoint } = options
  const { members } = dialect
  if (target.params) draft.body = draft.body.edit(paramEdits(draft, target.params))
  const usagePath = call.operation === 'chat' && call.stream ? members.streamUsage : undefined
  // One splice for all of it: a body of 40 MB is copied once.
  const edits: Edit[] = []
  const model = modelName(endpoint, target.model)
  if (members.model) set(draft, edits, [members.model], model)
  if (usagePath && !endpoint.quirks.usage_unasked) set(draft, edits, usagePath, true)
  if (target.promptCache && call.operation === 'chat')
    edits.push(...cacheEdits(call, options, target.promptCache, draft))
  edits.push(...adjust(endpoint, draft.body, { ...draft, headers: dialect === call.dialect ? call.headers : {} }))
  if (options.strict && draft.losses.length > 0) throw lossRefused(draft.losses, options)
  return {
    dialect,
    endpoint,
    method: 'POST',
    path: pathFor(call, options, model, request === undefined),
    headers: requestHeaders(call, options),
    body: (edits.length > 0 ? draft.body.edit(edits) : draft.body).bytes,
    losses: draft.losses,
    touches: draft.touches,
    native: request === undefined,
    request,
    hideUsage: usagePath !== undefined && !asksUsage(call),
    choices: choicesIn(draft.body, dialect),
    known: { id: call.id, model, created: Math.floor(options.wallMs / 1000) }
  }
}

/** What helps the provider to find in its own cache what it has read before. */
function cacheEdits(
  call: Call,
  { dialect, endpoint, target }: PrepareOptions,
  policy: PromptCache,
  draft: Draft
): Edit[] {
  const edits = cacheMarks(draft.body, { dialect, model: target.model, policy })
  const { cache_key: key } = endpoint.quirks
  if (key !== undefined && !draft.body.has(key)) {
    edits.push({ path: [key], value: conversationOf(call, call.account?.payers.key) })
  }
  draft.touches.push(...edits.map(({ path }) => written(path)))
  return edits
}

/** A client that has a framing of its own gets it from the provider, where both speak the same dialect. */
function pathFor(call: Call, { endpoint, dialect }: PrepareOptions, model: string, isNative: boolean): string {
  const framing = isNative && dialect.framing === 'sse' ? call.framing : dialect.framing
  return (
    endpointPath(endpoint, call.operation, model, call.stream) ??
    dialect.path(call.operation, model, call.stream && framing)
  )
}

function choicesIn(body: JsonBody, { members }: Dialect): number {
  const value = members.choices === undefined ? undefined : body.at(members.choices)
  return typeof value === 'number' ? value : 1
}

/** A native body without what we wrote into earlier replies for another maker: nothing is read unless it is there. */
function withoutForeign(body: JsonBody, dialect: Dialect): Draft {
  if (!body.holds([dialect.foreignMark])) return { body, losses: [], touches: [] }
  const copy: JsonObject = body.copy()
  const losses = dialect.dropForeign(copy)
  if (losses.length === 0) return { body, losses, touches: [] }
  const { conversation } = dialect.members
  return { body: body.edit([{ path: [conversation], value: copy[conversation] }]), losses, touches: [conversation] }
}

/** One member to set, unless it already says so; every other byte stays the client's. */
function set(draft: Draft, edits: Edit[], path: MemberPath, value: Json | undefined): void {
  if (draft.body.at(path) === value) return
  edits.push({ path: [...path], value })
  draft.touches.push(path.join('.'))
}

/** Whether the client itself wants usage in its stream; dialects without such a member always send it. */
export function asksUsage(call: Call): boolean {
  const path = call.dialect.members.streamUsage
  return path === undefined || call.body.at(path) === true
}

/**
 * The client's request for who writes its answer without having prepared the call: a body that stayed native may be one
 * that only its provider understands.
 */
export function requestIn(call: Call): Partial<ChatRequest> {
  try {
    return call.dialect.decodeRequest(call.body.object(), addressOf(call))
  } catch {
    return { streamUsage: asksUsage(call) }
  }
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

/** What a strict call ends with where something of it cannot be said. */
export function lossRefused(losses: readonly string[], options: PrepareOptions): Failure {
  const where = `${options.provider.name} (${options.dialect.name})`
  return new Failure('loss_refused', `Strict mode: ${where} cannot be told ${losses.join(', ')}.`, {
    details: { losses: [...losses] },
    ...(losses[0] !== undefined && { param: losses[0] })
  })
}

/** All but the credential, as [name, value, …]. */
export function requestHeaders(
  call: Call,
  options: Pick<PrepareOptions, 'dialect' | 'provider' | 'endpoint' | 'userAgent' | 'attemptId' | 'traceparent'>
): string[] {
  const { dialect, provider, endpoint } = options
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: call.stream ? READERS[endpoint.framing ?? dialect.framing].contentType : 'application/json',
    'user-agent': options.userAgent,
    ...dialect.defaultHeaders
  }
  if (dialect === call.dialect) {
    for (const name of dialect.requestHeaders) {
      const value = call.headers[name]
      if (value !== undefined) headers[name] = value
    }
  }
  // What such a provider reads in the body, or does not know, is no header of its.
  fitHeaders(endpoint, headers)
  Object.assign(headers, provider.headers)
  if (provider.passRequestId) headers['x-client-request-id'] = options.attemptId
  const traceparent = options.traceparent?.(call, options.attemptId)
  if (traceparent !== undefined) headers.traceparent = traceparent
  return Object.entries(headers).flat()
}
