import * as z from 'zod'
import { type RouteCache, routeCacheSchema } from '../cache-rules.ts'
import type { Kind } from '../errors.ts'
import { duration, named } from '../fields.ts'
import type { JsonObject } from '../json.ts'
import { type Demands, demandsSchema } from '../residency.ts'
import { conditionSchema } from './condition-schema.ts'
import { promptCacheSchema } from './prompt-cache-schema.ts'
import type { Params, PromptCache, Route, StreamPolicy, Timeouts } from './route.ts'

/** The failures a route may answer; what is the client's or our own doing (`aborted`, `internal`, …) is not among them. */
export const ROUTE_KINDS = [
  'connect',
  'reset',
  'server_error',
  'overloaded',
  'rate_limited',
  'silent',
  'slow_first_token',
  'stalled',
  'truncated',
  'malformed',
  'our_credential',
  'spend_limit',
  'no_such_model',
  'too_long',
  'content_filter',
  'bad_request',
  'too_large',
  'budget_exceeded',
  'limited_here',
  'cannot_cross',
  'guard_reroute',
  'guard_retry'
] as const satisfies readonly Kind[]

const TIMEOUT_FIELDS = {
  connect: duration.describe('To a connected (with TLS: secured) socket.'),
  head: duration.describe('To the head of a streamed answer. A whole answer has `attempt`.'),
  first_token: duration.describe('To the first content of a stream.'),
  first_token_reasoning: duration.describe('To the first content of a stream where the request asks for reasoning.'),
  idle: duration.describe('Between any two pieces of an answer, pings too.'),
  idle_content: duration.describe('Between two pieces of content; pings do not count.'),
  attempt: duration.describe('One attempt at a whole answer.'),
  total: duration.describe('The whole call: every attempt and every wait together.')
}

/** Timeouts of one route or target: what is absent is inherited. */
export const timeoutsSchema = z
  .strictObject(TIMEOUT_FIELDS)
  .partial()
  .transform(renameTimeouts)
  .meta({ id: 'Timeouts', description: 'How long things may take.' })

/** The timeouts that hold where no route says otherwise (D12). */
export const timeoutDefaultsSchema = z
  .strictObject({
    connect: TIMEOUT_FIELDS.connect.prefault('5s'),
    head: TIMEOUT_FIELDS.head.prefault('30s'),
    first_token: TIMEOUT_FIELDS.first_token.prefault('60s'),
    first_token_reasoning: TIMEOUT_FIELDS.first_token_reasoning.prefault('300s'),
    idle: TIMEOUT_FIELDS.idle.prefault('60s'),
    idle_content: TIMEOUT_FIELDS.idle_content.prefault('300s'),
    attempt: TIMEOUT_FIELDS.attempt.prefault('300s'),
    total: TIMEOUT_FIELDS.total.prefault('600s')
  })
  .transform(times => renameTimeouts(times) as Timeouts)

function renameTimeouts(times: { [Name in keyof typeof TIMEOUT_FIELDS]?: number | undefined }): Partial<Timeouts> {
  const renamed = {
    connectMs: times.connect,
    headMs: times.head,
    firstTokenMs: times.first_token,
    firstTokenReasoningMs: times.first_token_reasoning,
    idleMs: times.idle,
    idleContentMs: times.idle_content,
    attemptMs: times.attempt,
    totalMs: times.total
  }
  return Object.fromEntries(Object.entries(renamed).filter(([, valueMs]) => valueMs !== undefined))
}

const jsonObject = z.record(z.string(), z.unknown()).transform(object => object as JsonObject)

const paramsSchema = z
  .strictObject({
    set: jsonObject.optional().describe('Members written into the request; they win over what the client sent.'),
    default: jsonObject.optional().describe('Members written where the client sent none.'),
    drop: z.array(z.string().min(1)).optional().describe('Names of members taken out of the request.')
  })
  .transform((params): Params => params)

const target = z
  .string({ error: () => ROUTE_SHAPES })
  .min(1)
  .meta({
    title: 'target',
    description: '`provider/model`, or the name of another route.',
    examples: ['anthropic/claude-opus-4-7']
  })

const kind = z.enum(ROUTE_KINDS).meta({ id: 'Kind', description: 'What went wrong with an attempt.' })
const kinds = z.array(kind).min(1)

const ROUTE_SHAPES =
  'expected a route: "provider/model", the name of a route, or one of { use }, { fallback }, { retry, times }, { split }, ' +
  '{ when, else }, { best, of }, { hedge, with, after }'

const useSchema = z
  .strictObject({
    use: target,
    params: paramsSchema
      .optional()
      .describe('Changes to the request for this target, in the words of its own dialect.'),
    timeouts: timeoutsSchema.optional().describe('Timeouts of this target.'),
    upstream_stream: z
      .boolean()
      .optional()
      .describe(
        'Whole answers are asked for as a stream and put together here, so that a silent provider is noticed early.'
      ),
    prompt_cache: promptCacheSchema.optional().describe('Marks for the provider’s own cache, at this target.')
  })
  .meta({ id: 'Use', description: 'One target with changes.' })

const fallbackSchema = z
  .strictObject({
    // Members that hold routes again are getters: the schema below is not there yet when this line runs.
    get fallback() {
      return z
        .array(routeSchema, { error: () => 'expected a list of routes' })
        .min(1, { error: () => 'an empty fallback leads nowhere' })
        .describe('Tried in order, each when the one before it failed.')
    },
    on: kinds
      .optional()
      .describe('The failures that lead to the next one. Without it: all that another target may cure.')
  })
  .meta({ id: 'Fallback', description: 'The first that answers.' })

const retrySchema = z
  .strictObject({
    get retry() {
      return routeSchema.describe('What is tried again.')
    },
    times: z.int().min(1).max(10).describe('How many more times after the first.'),
    on: kinds.optional().describe('The failures that lead to another try. Without it: all that time may cure.')
  })
  .meta({ id: 'Retry', description: 'The same again.' })

const splitSchema = z
  .strictObject({
    split: z
      .array(
        z.strictObject({
          weight: z.number().min(0).max(1_000_000).describe('Share of the calls, relative to the other weights.'),
          get to() {
            return routeSchema.describe('Where this share goes.')
          }
        }),
        { error: () => 'expected a list of { weight, to }' }
      )
      .min(1, { error: () => 'an empty split leads nowhere' })
      .refine(branches => branches.length === 0 || branches.some(branch => branch.weight > 0), {
        error: () => 'every weight is 0'
      })
      .describe('The shares.'),
    sticky_by: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Calls with the same value of this go the same way: a member of the body (`metadata.user_id`), or `header:x-session-id`.'
      )
  })
  .meta({ id: 'Split', description: 'By chance, in shares.' })

const whenSchema = z
  .strictObject({
    when: z
      .array(
        z.strictObject({
          // Lazy, so that the JSON Schema refers to the condition instead of unfolding it once.
          if: z.lazy(() => conditionSchema).describe('What must hold of the call.'),
          // biome-ignore lint/suspicious/noThenProperty: the word of the configuration; nobody awaits a schema.
          get then() {
            return routeSchema.describe('Where such calls go.')
          }
        }),
        { error: () => 'expected a list of { if, then }' }
      )
      .min(1, { error: () => 'an empty when leads nowhere' })
      .describe('Looked at in order; the first that holds decides.'),
    get else() {
      return routeSchema.describe('Where all other calls go.')
    }
  })
  .meta({ id: 'When', description: 'By what the call is.' })

const bestSchema = z
  .strictObject({
    best: z
      .enum(['fastest', 'cheapest', 'idle'])
      .describe(
        'By time to the first content as measured here, by the price of this request, or by calls under way. What is not known comes last.'
      ),
    get of() {
      return z
        .array(routeSchema, { error: () => 'expected a list of routes' })
        .min(1, { error: () => 'an empty choice leads nowhere' })
        .describe('The candidates. The best goes first; the others, in order, are its fallbacks.')
    },
    on: kinds.optional().describe('The failures that lead to the next one. Without it: all that another may cure.')
  })
  .meta({ id: 'Best', description: 'The best one now.' })

const hedgeSchema = z
  .strictObject({
    get hedge() {
      return routeSchema.describe('Where the call goes first.')
    },
    get with() {
      return routeSchema.describe(
        'What begins beside it when it is slow, and follows it when it fails. The first content wins, the other is cancelled.'
      )
    },
    after: z
      .union([duration, z.literal('p95')], { error: () => 'expected a duration (800ms, 2s) or p95' })
      .describe(
        'How slow: without content for so long; `p95`: for longer than 95 of 100 of its own calls (20 of them must have been seen).'
      )
  })
  .meta({ id: 'Hedge', description: 'Two, if the first is slow.' })

/** One node of a routing policy (HOUSE 7): says itself what may be below it. */
export const routeSchema: z.ZodType<Route> = z
  .union([target, useSchema, fallbackSchema, retrySchema, splitSchema, whenSchema, bestSchema, hedgeSchema], {
    error: () => ROUTE_SHAPES
  })
  .meta({ id: 'Route', description: 'A target by name, or a policy over further routes.' })

/** What the configuration says of one model name that clients may ask for. */
export interface RouteEntry {
  to: Route
  timeouts: Partial<Timeouts>
  streams: StreamPolicy
  /** Names of the guards of calls that may come by here. */
  guards?: readonly string[]
  /** Whether its answers are kept, and how; absent: as the gateway says. */
  cache?: RouteCache
  /** Marks for the providers' own caches. */
  promptCache?: PromptCache | 'off'
  /** Calls of one session keep to one credential and one branch of a split. */
  sticky?: 'session'
  /** What every target of its calls must fulfil, beside what is demanded further out. */
  require?: Demands
}

/** An entry of `routes`: a route, or a route with settings of its own. */
const entrySchema = z
  .union(
    [
      routeSchema,
      z.strictObject({
        to: routeSchema.describe('The policy.'),
        timeouts: timeoutsSchema.optional().describe('Timeouts of calls to this route.'),
        stream_recovery: z
          .enum(['error', 'continue'])
          .optional()
          .describe(
            'What becomes of a stream that breaks after its first content: it ends with an error (default), or the next target goes on with it.'
          ),
        reply_mode: z
          .enum(['stream', 'whole'])
          .optional()
          .describe(
            'A stream is passed on as it comes (default), or held until it is whole, so that a break of it is never seen.'
          ),
        guards: z
          .array(z.string())
          .optional()
          .describe('Guards of calls to this route, beside those of the gateway, the key and its team.'),
        require: demandsSchema.optional(),
        cache: routeCacheSchema.optional(),
        prompt_cache: promptCacheSchema
          .optional()
          .describe('Marks for the providers’ own caches, of calls to this route.'),
        sticky: z
          .literal('session')
          .optional()
          .describe('Calls of one session keep to one credential and one branch of a split; implied by `prompt_cache`.')
      })
    ],
    {
      error: () =>
        `${ROUTE_SHAPES}; or { to, timeouts, stream_recovery, reply_mode, guards, require, cache, prompt_cache, sticky }`
    }
  )
  .transform((entry): RouteEntry => {
    if (typeof entry !== 'object' || !('to' in entry)) return { to: entry, timeouts: {}, streams: {} }
    const { to, timeouts = {}, stream_recovery, reply_mode, guards, require, cache, prompt_cache, sticky } = entry
    // What is absent stays so: the route further out may say it.
    const streams = {
      ...(stream_recovery !== undefined && { recovery: stream_recovery }),
      ...(reply_mode !== undefined && { replyMode: reply_mode })
    }
    return {
      to,
      timeouts,
      streams,
      ...(guards && { guards }),
      ...(require && { require }),
      ...(cache && { cache }),
      ...(prompt_cache && { promptCache: prompt_cache }),
      ...(sticky && { sticky })
    }
  })
  .describe(
    'A route, or `{ to: route, timeouts, stream_recovery, reply_mode, guards, require, cache, prompt_cache, sticky }`.'
  )

/** The section `routes`: the model names clients may ask for beside `provider/model`. */
export const routesSchema = named(entrySchema)
