import type { Ask } from './ask.ts'
import type { CacheUse, PrefixCache } from './cache.ts'
import type { IdSource } from './ids.ts'
import type { JsonObject } from './json.ts'
import type { Behaviour } from './models.ts'
import type { Plan } from './plan.ts'
import type { Refusal } from './refusal.ts'
import type { Sealer } from './seal.ts'

/** One stream event, framed. Faults look only at its kind. */
export interface Frame {
  text: string
  /** `lead`: before the content. `content`: carries some. `between`: frames of content. `finish`: says why it ended. */
  kind: 'lead' | 'content' | 'between' | 'finish' | 'usage' | 'end'
  /** The final counts are in it. */
  tellsUsage?: true
}

/** Errors a behaviour can ask for; each dialect says them in its own words. */
export type ErrorName =
  | 'rate-limited'
  | 'server-error'
  | 'unavailable'
  | 'overloaded'
  | 'context-length'
  | 'content-filter'
  | 'prefill'
  | 'no-such-model'
  | 'bad-key'
  | 'spend-limit'
  | 'in-stream'

/** A good reply, ready to be sent whole or as frames. */
export interface Reply {
  body(): JsonObject
  frames(): Frame[]
  usage: JsonObject
}

/** What a dialect's writer may use. */
export interface Studio {
  ids: IdSource
  sealer: Sealer
  /** Seconds since 1970 for `created` members. */
  nowS: number
  cache: CacheUse
  /** Factor on all token counts (`usage-over-estimate`). */
  usageFactor: number
}

/** One dialect: how requests are read and refused, and how replies and errors are said. */
export interface Voice {
  readonly dialect: 'openai-chat' | 'anthropic-messages'
  /** Validates as strictly as the real provider; throws a `Refusal`. */
  read(body: JsonObject, behaviour: Behaviour, context: ReadContext): Ask
  /** What the provider's prompt cache does with this prompt; it remembers it. */
  cacheUse(ask: Ask, cache: PrefixCache, nowMs: number): CacheUse
  reply(ask: Ask, plans: Plan[], studio: Studio): Reply
  error(name: ErrorName, model: string): Refusal
  errorBody(refusal: Refusal, requestId: string): JsonObject
  /** An error as an event of a stream that began with status 200. */
  errorFrame(refusal: Refusal, requestId: string): string
  headers(requestId: string, times: Times): Record<string, string>
  newRequestId(ids: IdSource): string
  readonly streamContentType: string
  errorContentType(status: number): string
}

export interface Times {
  /** Milliseconds since 1970. */
  wallMs: number
  /** Milliseconds since the request had been read. */
  tookMs: number
}

export interface ReadContext {
  sealer: Sealer
  /** Beta fields are accepted (`anthropic-beta` header or `?beta=true`). */
  isBeta: boolean
}
