import * as z from 'zod'
import { percent } from '../fields.ts'
import { type Nano, parseUsd } from '../nano.ts'
import type { BudgetRow, BudgetWindow, PriceRow, RateLimitRow, ScopeKind } from '../stores/rows.ts'
import { parseDuration } from '../units.ts'
import { count, exactlyOne, idText, moment, pattern, readCount } from './fields.ts'

/** What people write about budgets, rate limits and prices: the same in the configuration file and to the admin API. */

const SCOPE_KINDS = [
  'org',
  'team',
  'user',
  'key',
  'customer',
  'agent',
  'tag',
  'model',
  'provider'
] as const satisfies readonly ScopeKind[]

/** `{ team: platform }`, `{ customer: "*" }`. */
const scope = exactlyOne(Object.fromEntries(SCOPE_KINDS.map(kind => [kind, pattern])) as Record<ScopeKind, z.ZodString>)
  .describe('What it is about. With `*` in the name: each one that matches, by itself.')
  .transform(value => {
    const [kind, match] = Object.entries(value)[0] as [ScopeKind, string]
    return { kind, match }
  })

const usd = z
  .union([z.string(), z.number()], { error: 'expected US dollars: "100" or "0.50"' })
  .transform((value, context): Nano => {
    const amount = parseUsd(value)
    if (amount !== undefined) return amount
    context.addIssue({ code: 'custom', message: 'expected US dollars, to nine decimals: "100" or "0.50"' })
    return z.NEVER
  })

const EVERY = ['minute', 'hour', 'day', 'week', 'month'] as const
const MINUTE_MS = 60_000
const YEAR_MS = 366 * 24 * 60 * MINUTE_MS
const WINDOW_EXPECTED = 'expected minute, hour, day, week, month, or rolling with a time from 1m to 366d: "rolling 30d"'

const window = z
  .string({ error: () => WINDOW_EXPECTED })
  .meta({ title: 'window', pattern: '^(minute|hour|day|week|month|rolling \\d+(\\.\\d+)?(s|m|h|d))$' })
  .transform((text, context) => {
    const every = EVERY.find(word => word === text)
    if (every !== undefined) return { every }
    const length = text.startsWith('rolling ') ? parseDuration(text.slice('rolling '.length)) : undefined
    if (length?.ok && length.value >= MINUTE_MS && length.value <= YEAR_MS) return { rollingMs: length.value }
    context.addIssue({ code: 'custom', message: WINDOW_EXPECTED })
    return z.NEVER
  })

const timeZone = z.string().max(60).refine(isTimeZone, { error: 'expected a time zone: UTC, Europe/Berlin' })

/** Where somebody is told. Who calls it looks at the address it leads to; here it is only one. */
const webhook = z
  .string()
  .max(2_000)
  .refine(isWebhook, { error: 'expected an address without a user name: https://hooks.example.com/budget' })

/** A budget: `PUT /admin/budgets/…`, and `budgets` of the configuration. */
export const budgetInput = z
  .strictObject({
    scope,
    limit: exactlyOne({
      usd: usd.describe('US dollars: "100", "0.50".'),
      tokens: count.describe('Tokens, in and out.'),
      requests: count.describe('Calls of clients.')
    }).describe('US dollars, tokens or requests.'),
    window: window.describe('`minute` to `month` by the calendar, or always so long: `rolling 30d`.'),
    time_zone: timeZone.optional().describe('Of a calendar window. Without it: UTC.'),
    mode: z.enum(['hard', 'soft']).default('hard').describe('`hard` refuses calls, `soft` only tells.'),
    thresholds: z.array(percent).max(10).prefault(['80%', '100%']).describe('Shares at which somebody is told.'),
    webhook: webhook.optional().describe('Told beside the log.')
  })
  .refine(input => input.time_zone === undefined || 'every' in input.window, {
    path: ['time_zone'],
    error: 'a rolling window has no time zone'
  })
  .transform(input => {
    const [unit, limit] = Object.entries(input.limit)[0] as [BudgetRow['unit'], number]
    const window: BudgetWindow =
      'every' in input.window ? { every: input.window.every, timeZone: input.time_zone ?? 'UTC' } : input.window
    const thresholds = [...new Set(input.thresholds)].sort((one, other) => one - other)
    return { scope: input.scope, unit, limit, window, mode: input.mode, thresholds, webhook: input.webhook ?? null }
  })

export type BudgetInput = z.output<typeof budgetInput>

export function toBudgetRow(input: BudgetInput, made: { id: string; createdAtMs: number }): BudgetRow {
  return { id: made.id, ...input, createdAtMs: made.createdAtMs }
}

/**
 * The id of a budget that the file declares: what it counts, not how much. So a changed limit goes on with what was
 * spent already, and the same line on every replica is one counter.
 */
export function declaredBudgetId({ scope, unit, window, mode }: BudgetInput): string {
  const span = 'rollingMs' in window ? `rolling ${window.rollingMs}` : `${window.every} ${window.timeZone}`
  return `file ${scope.kind}:${scope.match} ${unit} ${span} ${mode}`
}

const PER_MS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
const RATE_EXPECTED = 'expected an amount for a time: "60/minute", "100k/hour"'

const rate = z
  .string({ error: () => RATE_EXPECTED })
  .meta({ title: 'rate', pattern: '^\\d+(\\.\\d+)?[kKmMbB]?/(second|minute|hour|day)$' })
  .transform((text, context) => {
    const [amount = '', per = ''] = text.split('/', 2)
    const read = readCount(amount)
    if (read !== undefined && Object.hasOwn(PER_MS, per) && text === `${amount}/${per}`) {
      return { amount: read, perMs: PER_MS[per as keyof typeof PER_MS] }
    }
    context.addIssue({ code: 'custom', message: RATE_EXPECTED })
    return z.NEVER
  })

/** A rate limit: `PUT /admin/limits/…`, and `rate_limits` of the configuration. */
export const rateLimitInput = z
  .strictObject({
    scope,
    requests: rate.optional().describe('Requests for a time: `60/minute`.'),
    tokens: rate.optional().describe('Tokens, in and out, for a time: `100k/minute`.'),
    calls: count.optional().describe('Calls in flight at once.'),
    burst: count.optional().describe('How many may come at once; at most the amount, which it is without it.')
  })
  .transform((input, context) => {
    const units = (['requests', 'tokens', 'calls'] as const).filter(unit => input[unit] !== undefined)
    const [unit] = units
    if (unit === undefined || units.length > 1) {
      context.addIssue({ code: 'custom', message: 'expected exactly one of requests, tokens, calls' })
      return z.NEVER
    }
    const { amount, perMs } = unit === 'calls' ? { amount: input.calls!, perMs: 0 } : input[unit]!
    const burst = input.burst ?? amount
    if (burst > amount || (unit === 'calls' && burst !== amount)) {
      const message = unit === 'calls' ? 'calls in flight have no burst' : `at most the amount, ${amount}`
      context.addIssue({ code: 'custom', path: ['burst'], message })
      return z.NEVER
    }
    return { scope: input.scope, unit, amount, perMs, burst }
  })

export type RateLimitInput = z.output<typeof rateLimitInput>

export function toRateLimitRow(input: RateLimitInput, made: { id: string; createdAtMs: number }): RateLimitRow {
  return { id: made.id, ...input, createdAtMs: made.createdAtMs }
}

/** As `declaredBudgetId`, of a rate limit. */
export function declaredRateLimitId({ scope, unit, perMs }: RateLimitInput): string {
  return `file ${scope.kind}:${scope.match} ${unit} ${perMs}`
}

const dollars = z.number().min(0).max(1_000_000)
const priceLine = z.union([
  dollars,
  z.strictObject({
    base: dollars.describe('Up to the first tier.'),
    tiers: z
      .array(
        z.strictObject({
          start: z.int().min(1).describe('Tokens of input above which the price holds, for the whole call.'),
          price: dollars.describe('In place of the base.')
        })
      )
      .max(20)
      .describe('Prices of long contexts, rising.')
  })
])

/** A change of the price table: `PUT /admin/prices/…`, and `prices` of the configuration. */
export const priceInput = z
  .strictObject({
    provider: idText.describe('As it is called here.'),
    model: pattern,
    usd: z
      .record(
        z.string().regex(/^[a-z0-9_]{1,60}_(?:mtok|kcount|kpages|hours)$/, { error: 'expected a unit: input_mtok' }),
        priceLine
      )
      .optional()
      .describe('US dollars: `input_mtok`, `output_mtok` (a million tokens), `requests_kcount` (a thousand), …'),
    discount: percent.optional().describe('Taken off every line.'),
    markup: percent.optional().describe('Put on every line.'),
    from: moment.optional().describe('In force from then on. Without it: always.')
  })
  .refine(({ usd, discount, markup }) => usd !== undefined || discount !== undefined || markup !== undefined, {
    error: 'expected usd, discount or markup'
  })
  .refine(({ discount, markup }) => discount === undefined || markup === undefined, {
    path: ['markup'],
    error: 'a price has a discount or a markup, not both'
  })
  .transform(({ discount = 0, markup = 0, ...input }) => ({
    provider: input.provider,
    model: input.model,
    usd: input.usd ?? null,
    // In decimals, or 20% off would be 0.8 and a little.
    factor: Math.round((1 - discount + markup) * 1e9) / 1e9,
    fromMs: input.from ?? 0
  }))

export type PriceInput = z.output<typeof priceInput>

export function toPriceRow(input: PriceInput, made: { id: string; createdAtMs: number }): PriceRow {
  return { id: made.id, ...input, createdAtMs: made.createdAtMs }
}

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function isWebhook(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}
