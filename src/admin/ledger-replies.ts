import * as z from 'zod'
import type { Json, JsonObject } from '../json.ts'
import { isObject } from '../json.ts'
import type { AttemptRow, Payers, RequestRow } from '../stores/rows.ts'
import type { Usage } from '../usage.ts'
import { moment, momentOrNull, momentText, snakeCased, text, textOrNull, texts, usd, usdTextOrNull } from './replies.ts'

/** Rows of the ledger as they leave: what is not named here does not. */

const payersReply = z
  .object({
    org: text,
    team: text,
    user: text,
    key: text,
    customer: text,
    agent: text,
    session: text,
    tags: texts
  })
  .partial()

const usageReply = z
  .record(z.string(), z.union([z.number(), z.string()]))
  .nullable()
  .describe('Tokens: `input_tokens` (cached ones included), `output_tokens`, …; null: none.')

const lineReply = z.object({ units: z.number().nullable(), usd: usdTextOrNull })

export const attemptReply = z
  .object({
    id: text,
    request_id: text,
    number: z.number(),
    state: z.enum(['started', 'finished']),
    started_at: momentText,
    finished_at: momentOrNull,
    provider: text,
    model: text,
    payers: payersReply,
    held_usd: usdTextOrNull,
    cost_usd: usdTextOrNull,
    lines: z.record(z.string(), lineReply).nullable().describe('The lines of the cost, by unit.'),
    price_version: text,
    usage: usageReply,
    usage_source: z.enum(['provider', 'estimated', 'none']),
    outcome: textOrNull,
    failure: textOrNull,
    marks: texts,
    first_token_ms: z.number().nullable().describe('From its beginning to its first content.')
  })
  .meta({ id: 'Attempt' })

const verdictReply = z.object({
  guard: text,
  rule: text.describe('Empty: nothing was found.'),
  side: z.enum(['request', 'response']),
  action: text.describe('What was done; `pass`: nothing was found.'),
  count: z.number(),
  score: z.number(),
  took_ms: z.number()
})

export const requestReply = z
  .object({
    id: text,
    started_at: momentText,
    finished_at: momentText,
    dialect: text,
    operation: text,
    stream: z.boolean(),
    model_asked: text,
    provider: textOrNull,
    model: textOrNull,
    payers: payersReply,
    attempts: z.number(),
    status: z.number(),
    outcome: text,
    code: textOrNull,
    cost_usd: usdTextOrNull,
    usage: usageReply,
    first_token_ms: z.number().nullable(),
    total_ms: z.number(),
    config_digest: text,
    finish: textOrNull,
    app: textOrNull.describe('The application by its user agent.'),
    trace: textOrNull.describe('Trace id of W3C Trace Context.'),
    parent: textOrNull.describe('The call, or the span, that it was made for.'),
    admitted_ms: z.number().nullable().describe('Until it was taken in.'),
    guard_ms: z.number().nullable().describe('What its guards took to look at the request.'),
    waited_ms: z.number().nullable().describe('Waiting for providers and between tries.'),
    held_ms: z.number().nullable().describe('The longest that guards held back a piece of its stream.'),
    cache: textOrNull.describe('`hit`, `miss`, `semantic`, `coalesced`, `bypass`; null: the cache was not asked.'),
    saved_usd: usdTextOrNull.describe('What it would have cost without the cache.'),
    saved_ms: z.number().nullable().describe('How much longer it would have taken without the cache.'),
    prompt_saved_usd: usdTextOrNull.describe("What providers' own caches saved, net of what writing to them cost."),
    verdicts: z.array(verdictReply),
    details: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('Failures, losses, touches, and why it went where it went.')
  })
  .meta({ id: 'Request' })

const PAYERS = ['org', 'team', 'user', 'key', 'customer', 'agent', 'session', 'tags'].map(name => `payers.${name}`)
const COUNTS = ['input', 'output', 'cache_read', 'cache_write', 'reasoning'].map(name => `usage.${name}_tokens`)

/** As columns of a table: what is a list or a record of its own is in the other format alone. */
export const ATTEMPT_COLUMNS = columnsOf(attemptReply)
export const REQUEST_COLUMNS = columnsOf(requestReply)

function columnsOf(reply: z.ZodObject): string[] {
  const names = Object.keys(reply.shape).filter(name => name !== 'lines' && name !== 'verdicts' && name !== 'details')
  return names.flatMap(name => (name === 'payers' ? PAYERS : name === 'usage' ? COUNTS : [name]))
}

export function shownAttempt(row: AttemptRow): z.input<typeof attemptReply> {
  return {
    id: row.id,
    request_id: row.requestId,
    number: row.number,
    state: row.state,
    started_at: moment(row.startedAtMs),
    finished_at: moment(row.finishedAtMs),
    provider: row.provider,
    model: row.model,
    payers: shownPayers(row.payers),
    held_usd: usd(row.heldNano),
    cost_usd: usd(row.costNano),
    lines: row.lines && Object.fromEntries(Object.entries(row.lines).map(([unit, line]) => [unit, shownLine(line)])),
    price_version: row.priceVersion,
    usage: shownUsage(row.usage),
    usage_source: row.usageSource,
    outcome: row.outcome,
    failure: row.failure,
    marks: [...row.marks],
    first_token_ms: row.firstTokenMs
  }
}

export function shownRequest(row: RequestRow): z.input<typeof requestReply> {
  return {
    id: row.id,
    started_at: moment(row.startedAtMs),
    finished_at: moment(row.finishedAtMs),
    dialect: row.dialect,
    operation: row.operation,
    stream: row.stream,
    model_asked: row.modelAsked,
    provider: row.provider,
    model: row.model,
    payers: shownPayers(row.payers),
    attempts: row.attempts,
    status: row.status,
    outcome: row.outcome,
    code: row.code,
    cost_usd: usd(row.costNano),
    usage: shownUsage(row.usage),
    first_token_ms: row.firstTokenMs,
    total_ms: row.totalMs,
    config_digest: row.configDigest,
    finish: row.finish,
    app: row.app,
    trace: row.trace,
    parent: row.parent,
    admitted_ms: row.admittedMs,
    guard_ms: row.guardMs,
    waited_ms: row.waitedMs,
    held_ms: row.heldMs,
    cache: row.cache,
    saved_usd: usd(row.savedNano),
    saved_ms: row.savedMs,
    prompt_saved_usd: usd(row.promptSavedNano),
    verdicts: row.verdicts.map(({ tookMs, ...verdict }) => ({ ...verdict, took_ms: tookMs })),
    details: row.details
  }
}

function shownPayers({ tags, ...payers }: Payers): z.input<typeof payersReply> {
  return { ...payers, ...(tags && { tags: [...tags] }) }
}

function shownLine(line: Json | undefined): z.input<typeof lineReply> {
  const { units, nano }: JsonObject = isObject(line) ? line : {}
  return { units: typeof units === 'number' ? units : null, usd: typeof nano === 'number' ? usd(nano) : null }
}

/** Counts, and the tier. What a provider wrote beside them stays here: it is not ours to know what is in it. */
function shownUsage(usage: Partial<Usage> | null): z.input<typeof usageReply> {
  if (usage === null) return null
  const { rest: _, spelling: __, ...known } = usage
  return snakeCased(known as Record<string, number | string>)
}
