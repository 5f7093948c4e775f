import * as z from 'zod'
import { budgetInput, declaredKey, priceInput, rateLimitInput, teamInput } from '../access/inputs.ts'
import { type CacheSettings, cacheSchema } from '../cache/settings.ts'
import { duration, named, percent, secret, size } from '../fields.ts'
import { entrySchema } from '../providers/schema.ts'
import { type Demands, demandsSchema } from '../residency.ts'
import { routesSchema, timeoutDefaultsSchema } from '../routing/schema.ts'
import type { Secret } from '../secret.ts'
import type { WebhookSettings } from '../telemetry/webhook.ts'
import { type BodySettings, bodiesSchema } from './bodies.ts'
import { type GuardEntry, guardsSchema } from './guards.ts'
import { alertSchema, telemetrySchema } from './telemetry.ts'

export interface Listen {
  /** A host name or address, without brackets. */
  host: string
  /** 0: any free port. */
  port: number
}

/** The largest things the gateway takes; everything above is refused (D20, D35). */
export interface Limits {
  bodyBytesMax: number
  inFlightBytesMax: number
  headerBytesMax: number
  depthMax: number
}

/** How the gateway leaves (D35). */
export interface Drain {
  /** New calls are still taken for so long: balancers take an address out when they get to it. */
  graceMs: number
  /** Calls under way may go on for so long, the grace included. */
  timeoutMs: number
}

/** When new calls are turned away (D35). */
export interface MediaSettings {
  fetch: boolean
  /** For one call. */
  bytesMax: number
  allowPrivate: readonly string[]
}

export interface OverloadSettings {
  loopLagMs: number
  /** From 0 to 1. */
  memoryShare: number
}

/** Where things are kept. */
export interface StoreSettings {
  /** A directory. */
  data: string
  databaseUrl: Secret | undefined
  redisUrl: Secret | undefined
  durable: 'kernel' | 'strict'
}

/** `127.0.0.1:8080`, `[::1]:8080`, `gateway.internal:80`; undefined for anything else. */
export function parseListen(text: string): Listen | undefined {
  const match = /^(?:\[([\da-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  return host !== undefined && port <= 65_535 ? { host, port } : undefined
}

/** Two months: the longest window of a budget, and the one before. */
const KEEP_LEAST_MS = 62 * 86_400_000

const LISTEN_EXPECTED = 'expected an address and a port: 127.0.0.1:8080'

const listenSchema = z
  .string({ error: () => LISTEN_EXPECTED })
  .meta({ title: 'address:port', pattern: '^(\\[[0-9a-fA-F:.]+\\]|[^\\s:\\[\\]/]+):[0-9]{1,5}$' })
  .transform((text, context) => {
    const listen = parseListen(text)
    if (listen) return listen
    context.addIssue({ code: 'custom', message: LISTEN_EXPECTED })
    return z.NEVER
  })

const storesSchema = z
  .strictObject({
    data: z.string().min(1).default('./data').describe('Directory of everything kept, from the working directory.'),
    database_url: secret
      .optional()
      .describe('`postgres://…` (15 or newer), for several replicas. Without it: SQLite in `data`.'),
    redis_url: secret
      .optional()
      .describe(
        '`redis://…` (7.0 or newer): counters that replicas share. Without it they are in PostgreSQL, or with SQLite in memory.'
      ),
    durable: z
      .enum(['kernel', 'strict'])
      .default('kernel')
      .describe(
        '`kernel`: the ledger survives the process; `strict`: the power cut too, at the price of a disk write a call.'
      )
  })
  .transform(
    (stores): StoreSettings => ({
      data: stores.data,
      databaseUrl: stores.database_url,
      redisUrl: stores.redis_url,
      durable: stores.durable
    })
  )

const limitsSchema = z
  .strictObject({
    body: size.prefault('40MB').describe('Largest body of a request; a larger one gets 413.'),
    in_flight: size
      .prefault('512MB')
      .describe('All bodies in memory together; a call that would go over it gets 503 before its body is read.'),
    header: size
      .prefault('16KB')
      .describe('Largest head of a request (request line and headers); a larger one gets 431.'),
    depth: z.int().min(1).max(1_000).default(64).describe('Deepest nesting of a JSON body.')
  })
  .transform(
    (limits): Limits => ({
      bodyBytesMax: limits.body,
      inFlightBytesMax: limits.in_flight,
      headerBytesMax: limits.header,
      depthMax: limits.depth
    })
  )

const mediaSchema = z
  .strictObject({
    fetch: z
      .boolean()
      .default(true)
      .describe('Fetch pictures and documents that a client names by address, for providers that take bytes alone.'),
    size: size.prefault('20MB').describe('The most that is fetched for one call.'),
    allow_private: z
      .array(z.union([z.cidrv4(), z.cidrv6()]))
      .default([])
      .describe('Private address ranges that may be fetched from: every client of the gateway can then read there.')
  })
  .transform(
    (media): MediaSettings => ({ fetch: media.fetch, bytesMax: media.size, allowPrivate: media.allow_private })
  )

const webhooksSchema = z
  .strictObject({
    allow_private: z
      .array(z.union([z.cidrv4(), z.cidrv6()]))
      .default([])
      .describe('Private address ranges that webhooks may lead to.'),
    secret: secret
      .optional()
      .describe(
        'Signs every message: `x-gatehouse-signature: t=…,v1=…`, the HMAC-SHA-256 of `t.body`. Without it: unsigned.'
      )
  })
  .transform((webhooks): WebhookSettings => ({ allowPrivate: webhooks.allow_private, secret: webhooks.secret }))

const drainSchema = z
  .strictObject({
    grace: duration
      .prefault('5s')
      .describe('New calls are still taken for so long, while balancers notice that `/readyz` says no.'),
    timeout: duration
      .prefault('300s')
      .describe('Calls under way may go on for so long, the grace included; then they end with the error `draining`.')
  })
  .transform((drain): Drain => ({ graceMs: drain.grace, timeoutMs: drain.timeout }))

const overloadSchema = z
  .strictObject({
    loop_lag: duration.prefault('200ms').describe('How late the event loop may be (99th percentile over 2 s, twice).'),
    memory: percent
      .prefault('85%')
      .describe("How much of its memory (the machine's, the container's, or the heap's) the process may use.")
  })
  .transform((overload): OverloadSettings => ({ loopLagMs: overload.loop_lag, memoryShare: overload.memory }))

const origin = z
  .string()
  .regex(/^https?:\/\/[^/\s]+$/, { error: () => 'expected an origin: https://app.example.com, no path' })

const logSchema = z.strictObject({
  level: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The least that is worth a line.'),
  format: z.enum(['json', 'text']).default('json').describe('One JSON object a line, or a line for people.')
})

/** The whole configuration (D23). Every section comes from the room it is for; this is only their list. */
export const configSchema = z
  .strictObject({
    $schema: z.string().optional().describe('For editors: where the JSON Schema of this file is. Not read.'),
    listen: listenSchema.prefault('127.0.0.1:8080').describe('Address and port of the one listener.'),
    auth: z
      .enum(['open', 'keys'])
      .optional()
      .describe(
        '`open` takes every call, on a loopback address only and not from web pages; `keys` takes calls with a known key. Without it: `keys` where there is a key, else `open`.'
      ),
    providers: named(entrySchema)
      .prefault({})
      .describe(
        'Providers by name. Those known by name need no entry: their variable (`OPENAI_API_KEY`, …) is enough.'
      ),
    routes: routesSchema
      .prefault({})
      .describe('Model names that clients may ask for beside `provider/model`, and where such calls go.'),
    guards: guardsSchema
      .prefault({})
      .describe(
        'Checks of what goes to providers and comes back, under names of your own, and what becomes of findings.'
      ),
    require: demandsSchema.optional(),
    keys: z.array(declaredKey).default([]).describe('Keys that clients may use; more can be made by the admin API.'),
    teams: z.array(teamInput).default([]).describe('Teams; more can be made by the admin API.'),
    budgets: z
      .array(budgetInput)
      .default([])
      .describe('How much may be spent, by whom, in what time; more can be made by the admin API.'),
    budget_status: z
      .union([z.literal(429), z.literal(402)])
      .default(429)
      .describe('The status of a call that a budget has no room for.'),
    rate_limits: z
      .array(rateLimitInput)
      .default([])
      .describe('How many requests, tokens and calls in flight; more can be made by the admin API.'),
    prices: z
      .array(priceInput)
      .default([])
      .describe('Prices of your own models, discounts and markups; more can be made by the admin API.'),
    unknown_price: z
      .enum(['allow', 'block'])
      .default('allow')
      .describe('What happens to a call whose price nobody knows: its cost is `null` and counted, or it is refused.'),
    stores: storesSchema.prefault({}).describe('Where things are kept.'),
    strict: z
      .boolean()
      .default(false)
      .describe(
        'Refuse a call of which a part cannot be said in the dialect of its target, instead of naming the loss.'
      ),
    limits: limitsSchema.prefault({}).describe('The largest things taken; everything above is refused.'),
    keep_records: duration
      .refine(ms => ms >= KEEP_LEAST_MS, { error: 'at least 62d: budgets of a month are reckoned from them' })
      .prefault('400d')
      .describe('Rows of calls that are older are removed; those of the audit log never are.'),
    cache: cacheSchema.prefault({}).describe('Answers that are kept, and given again.'),
    bodies: bodiesSchema.prefault({}).describe('What is kept of what is said in calls, and for how long.'),
    webhooks: webhooksSchema.prefault({}).describe('How addresses that want to be told (of budgets) are told.'),
    telemetry: telemetrySchema.prefault({}).describe('Metrics and traces, for systems that watch.'),
    alerts: z.array(alertSchema).default([]).describe('Addresses that are told when something passes a bound.'),
    media: mediaSchema.prefault({}).describe('Pictures and documents that are named by address.'),
    drain: drainSchema.prefault({}).describe('How the gateway leaves when it is told to (SIGTERM).'),
    overload: overloadSchema
      .prefault({})
      .describe('From when on new calls get 503 `overloaded`; those under way are never touched.'),
    timeouts: timeoutDefaultsSchema
      .prefault({})
      .describe('Timeouts of every call; routes and targets may say otherwise.'),
    sim: z
      .boolean()
      .optional()
      .describe(
        'The simulated provider (`sim/echo`, …). Without it: on where there is neither a file nor a provider with a key.'
      ),
    allowed_origins: z.array(origin).default([]).describe('Origins of web pages that may call while `auth` is `open`.'),
    log: logSchema.prefault({}).describe('Logging.')
  })
  .describe('The configuration of Gatehouse.')

export type ParsedConfig = z.output<typeof configSchema>

/** What every room is built from: read, checked, complete with defaults and frozen. */
export interface Config {
  readonly listen: Listen
  readonly auth: 'open' | 'keys'
  readonly providers: ParsedConfig['providers']
  readonly routes: ParsedConfig['routes']
  readonly guards: Readonly<Record<string, GuardEntry>>
  /** What every provider must fulfil; undefined: nothing. */
  readonly require: Demands | undefined
  readonly keys: ParsedConfig['keys']
  readonly teams: ParsedConfig['teams']
  readonly budgets: ParsedConfig['budgets']
  readonly budgetStatus: number
  readonly rateLimits: ParsedConfig['rate_limits']
  readonly prices: ParsedConfig['prices']
  readonly unknownPrice: ParsedConfig['unknown_price']
  readonly stores: ParsedConfig['stores']
  readonly strict: boolean
  readonly limits: Limits
  /** Milliseconds. */
  readonly keepRecordsMs: number
  readonly cache: CacheSettings
  readonly bodies: BodySettings
  readonly webhooks: WebhookSettings
  readonly telemetry: ParsedConfig['telemetry']
  readonly alerts: ParsedConfig['alerts']
  readonly media: MediaSettings
  readonly drain: Drain
  readonly overload: OverloadSettings
  readonly timeouts: ParsedConfig['timeouts']
  /** Undefined: on where there is neither a file nor a provider with a key (D36). */
  readonly sim: boolean | undefined
  readonly allowedOrigins: readonly string[]
  readonly log: ParsedConfig['log']
}
