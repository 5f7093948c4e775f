import type { Ask } from './ask.ts'
import type { CacheUse, PrefixCache } from './cache.ts'
import type { Request, Visit } from './door.ts'
import type { IdSource } from './ids.ts'
import type { Json, JsonObject } from './json.ts'
import type { Behaviour } from './models.ts'
import type { Plan } from './plan.ts'
import type { Refusal } from './refusal.ts'
import type { Sealer } from './seal.ts'

/** One stream event before its framing. Faults look only at its kind. */
export interface Frame {
  /** `lead`: before the content. `content`: carries some. `between`: frames of content. `finish`: says why it ended. */
  kind: 'lead' | 'content' | 'between' | 'finish' | 'usage' | 'end'
  /** Name of the event where the dialect names its events, else ''. */
  event: string
  data: string
  /** The final counts are in it. */
  tellsUsage?: true
}

/** How the events of a stream are put into bytes. */
export interface Framing {
  contentType: string
  /** The bytes of the event which is the `at`th of its stream, counted from 0. */
  write(frame: Frame, at: number): string | Buffer
  /** A connection that is cut is cut inside the next event, not between two. */
  cutsInside?: true
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
  /** Beside those of the voice: some count in them. */
  headers?: Record<string, string>
}

/** What a dialect's writer may use. */
export interface Studio {
  visit: Visit
  ids: IdSource
  sealer: Sealer
  /** Seconds since 1970 for `created` members. */
  nowS: number
  cache: CacheUse
  /** Factor on all token counts (`usage-over-estimate`). */
  usageFactor: number
}

/** Refusals of what never reaches a model. */
export interface Gate {
  /** Whether a request at no door of any voice is answered in this voice. */
  claims(request: Request): boolean
  unknown(request: Request): Refusal
  wrongMethod(request: Request): Refusal
  /** Checks credential, required headers and content type; throws. */
  admit(visit: Visit): void | Promise<void>
  notJson(reason: string): Refusal
  tooLarge(): Refusal
}

/** One dialect: how requests are read and refused, and how replies and errors are said. */
export interface Voice {
  /** As the gateway names it; the simulator's log shows it. */
  readonly dialect: string
  readonly gate: Gate
  readonly framing: Framing
  /** Validates as strictly as the real provider; throws a `Refusal`. */
  read(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask
  /** What the provider's prompt cache does with this prompt; it remembers it. */
  cacheUse(ask: Ask, cache: PrefixCache, nowMs: number): CacheUse
  reply(ask: Ask, plans: Plan[], studio: Studio): Reply
  /** Status 200: what is refused goes out in the shape of a reply. */
  error(name: ErrorName, model: string): Refusal
  /** The refusal with a time to wait, where the dialect does not say it in `retry-after`. */
  retryAfter?(refusal: Refusal, seconds: number): Refusal
  errorBody(refusal: Refusal, requestId: string): Json
  /** An error as the last of a stream that began with status 200, after the frames sent so far; the last is an `end`. */
  errorFrames(refusal: Refusal, requestId: string, before: readonly Frame[]): Frame[]
  headers(requestId: string, times: Times): Record<string, string>
  newRequestId(ids: IdSource): string
  /** Content type of a whole reply; `application/json` where absent. */
  readonly wholeContentType?: string
  errorContentType(status: number): string
}

export interface Times {
  /** Milliseconds since 1970. */
  wallMs: number
  /** Milliseconds since the request had been read. */
  tookMs: number
}
