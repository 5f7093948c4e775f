import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import { moment as momentInput } from '../access/fields.ts'
import { type Actor, may } from '../access/permissions.ts'
import { Failure } from '../errors.ts'
import type { ScopeKind } from '../stores/rows.ts'
import type { UsageGroup, UsageLine, UsageQuery } from '../stores/stores.ts'
import type { EffectivePrice, Governance } from './governance.ts'
import { shownInSlices } from './pages.ts'
import { moment, momentText, text, textOrNull, usd } from './replies.ts'
import { type Route, route } from './route.ts'

const SCOPES = [
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
const TIMES = ['minute', 'hour', 'day', 'week'] as const
const OF_BOTH = [...SCOPES, 'session', 'outcome', 'failure', ...TIMES] as const
/** What calls of clients alone have. */
const OF_REQUESTS = ['app', 'dialect', 'operation', 'code', 'guard', 'label', 'route', 'cache'] as const
const GROUPS: readonly UsageGroup[] = [...OF_BOTH, ...OF_REQUESTS]
const PERCENTILES = ['p50', 'p90', 'p95', 'p99'] as const
const MONTH_MS = 30 * 86_400_000

const where = Object.fromEntries([...SCOPES, 'session'].map(kind => [kind, text.min(1).optional()])) as Record<
  ScopeKind | 'session',
  z.ZodOptional<z.ZodString>
>

const usageQuery = z
  .strictObject({
    of: z
      .enum(['attempts', 'requests'])
      .default('attempts')
      .describe('What is counted: calls to providers, or calls of clients. A figure is always of one of them.'),
    from: momentInput.optional().describe('From then on. Without it: the last 30 days.'),
    to: momentInput.optional().describe('Until then, that moment not included. Without it: until now.'),
    group_by: text.optional().describe(`A line for each of these, by commas: ${GROUPS.join(', ')}.`),
    percentiles: z
      .enum(['true', 'false'])
      .default('false')
      .transform(text => text === 'true')
      .describe('With those of how long it all took, and until the first content.'),
    limit: z.coerce.number().int().min(1).max(10_000).default(1_000).describe('Lines at most.'),
    ...where
  })
  .describe('Rows of `org`, `team`, … alone where they are named.')

const percentilesReply = z
  .object(
    Object.fromEntries(PERCENTILES.map(name => [name, z.number()])) as Record<(typeof PERCENTILES)[number], z.ZodNumber>
  )
  .nullable()
  .optional()
  .describe('Milliseconds; only where `percentiles` was asked for.')

const lineReply = z.object({
  group: z.record(z.string(), textOrNull),
  count: z.number().describe('Attempts or requests, as `of` says.'),
  input_tokens: z.number(),
  output_tokens: z.number(),
  cache_read_tokens: z.number(),
  cache_write_tokens: z.number(),
  reasoning_tokens: z.number(),
  cost_usd: text.describe('Of rows with a price.'),
  unpriced: z.number().describe('Rows without one.'),
  estimated: z.number().describe('Rows whose usage nobody told us.'),
  failed: z.number(),
  cached: z.number().describe('Requests that the cache answered.'),
  saved_usd: text.describe('What they would have cost.'),
  saved_ms: z.number().describe('How much longer they would have taken.'),
  prompt_saved_usd: text.describe("What providers' own caches saved, net of what writing to them cost."),
  waste_usd: text.describe('Of those that brought no answer.'),
  tokens_per_second: z.number().nullable().describe('Of answers, from their first content on; null: none was timed.'),
  score: z.number().nullable().describe('The mean of what people gave, from -1 to 1; null: nobody gave any.'),
  scores: z.number(),
  total_ms: percentilesReply,
  first_token_ms: percentilesReply
})

const rangeMembers = {
  from: momentInput.optional().describe('From then on. Without it: the last 30 days.'),
  to: momentInput.optional().describe('Until then, that moment not included. Without it: until now.')
}
const rangeQuery = z.strictObject({ ...rangeMembers, ...where })

const outcomesReply = z.object({
  from: momentText,
  to: momentText,
  data: z.array(
    z.object({
      provider: textOrNull,
      model: textOrNull,
      calls: z.number().describe('Calls of clients that it answered, or was the last to fail.'),
      calls_failed: z.number(),
      attempts: z.number(),
      attempts_failed: z.number(),
      waste_usd: text.describe('What attempts cost that brought no answer.')
    })
  )
})

const whatIfReply = z.object({
  from: momentText,
  to: momentText,
  cost_usd: text,
  instead_usd: text,
  data: z.array(
    z.object({
      provider: textOrNull,
      model: textOrNull,
      attempts: z.number(),
      cost_usd: text,
      instead_usd: text
    })
  )
})

const usageReply = z.object({
  of: z.enum(['attempts', 'requests']),
  from: momentText,
  to: momentText,
  data: z.array(lineReply)
})

export const usageRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/usage',
    permission: ['usage:read', 'usage:read_own'],
    tag: 'usage',
    summary: 'What was used and what it cost, from the ledger.',
    query: usageQuery,
    reply: usageReply,
    checksItself: true,
    async run({ actor, governance, query }) {
      const { of, limit, percentiles } = query
      const groupBy = groupsIn(query.group_by, of)
      const { fromMs, toMs } = await timeOf(query, governance)
      const asked: UsageQuery = { of, fromMs, toMs, groupBy, where: rowsFor(actor, query), percentiles, limit }
      const lines = await governance.stores.ledger.usage(asked)
      const data = await shownInSlices(lines, lineReply, shown)
      return { of, from: moment(fromMs), to: moment(toMs), data }
    }
  }),
  route({
    method: 'GET',
    path: '/usage/outcomes',
    permission: ['usage:read', 'usage:read_own'],
    tag: 'usage',
    summary: 'What callers saw beside what providers did, by model: calls that failed, and attempts that did.',
    query: rangeQuery,
    reply: outcomesReply,
    async run({ actor, governance, query }) {
      const time = await timeOf(query, governance)
      const figures = (of: UsageQuery['of']) => {
        const asked: UsageQuery = {
          of,
          ...time,
          groupBy: ['provider', 'model'],
          where: rowsFor(actor, query),
          limit: 10_000
        }
        return governance.stores.ledger.usage(asked)
      }
      const [requests, attempts] = await Promise.all([figures('requests'), figures('attempts')])
      return { from: moment(time.fromMs), to: moment(time.toMs), data: outcomes(requests, attempts) }
    }
  }),
  route({
    method: 'GET',
    path: '/usage/unpriced',
    permission: ['usage:read', 'usage:read_own'],
    tag: 'usage',
    summary: 'Models that were used and have no price: what they cost is in no figure.',
    query: rangeQuery,
    reply: z.object({ data: z.array(z.object({ provider: textOrNull, model: textOrNull, attempts: z.number() })) }),
    async run({ actor, governance, query }) {
      const time = await timeOf(query, governance)
      const asked: UsageQuery = {
        of: 'attempts',
        ...time,
        groupBy: ['provider', 'model'],
        where: rowsFor(actor, query),
        limit: 10_000
      }
      const lines = (await governance.stores.ledger.usage(asked)).filter(({ unpriced }) => unpriced > 0)
      const data = lines.map(({ group, unpriced }) => {
        return { provider: group.provider ?? null, model: group.model ?? null, attempts: unpriced }
      })
      return { data }
    }
  }),
  route({
    method: 'GET',
    path: '/usage/what-if',
    permission: ['usage:read', 'usage:read_own'],
    tag: 'usage',
    summary: 'What the same tokens would cost at another model: its price now, without those of long contexts.',
    query: z.strictObject({ ...rangeMembers, ...where, instead: text.min(3).describe('`provider/model`') }),
    reply: whatIfReply,
    async run({ actor, governance, query }) {
      const { instead, ...rest } = query
      const slash = instead.indexOf('/')
      if (slash < 1) throw invalid('instead', 'expected provider/model')
      const price = governance.priceOf(instead.slice(0, slash), instead.slice(slash + 1))
      if (!price.lines?.input) throw invalid('instead', 'no price is known for it')
      const time = await timeOf(rest, governance)
      const asked: UsageQuery = {
        of: 'attempts',
        ...time,
        groupBy: ['provider', 'model'],
        where: rowsFor(actor, rest),
        limit: 10_000
      }
      const lines = await governance.stores.ledger.usage(asked)
      const data = lines.map(line => {
        const thenNano = priced(line, price.lines!)
        const group = { provider: line.group.provider ?? null, model: line.group.model ?? null }
        return {
          ...group,
          attempts: line.count,
          cost_usd: usd(line.costNano)!,
          instead_usd: usd(thenNano)!,
          thenNano,
          line
        }
      })
      const sum = (of: (one: (typeof data)[number]) => bigint) => data.reduce((total, one) => total + of(one), 0n)
      return {
        from: moment(time.fromMs),
        to: moment(time.toMs),
        cost_usd: usd(sum(({ line }) => line.costNano))!,
        instead_usd: usd(sum(({ thenNano }) => thenNano))!,
        data
      }
    }
  })
]

interface Range {
  from?: number | undefined
  to?: number | undefined
}

async function timeOf({ from, to }: Range, { flush, stores }: Governance): Promise<{ fromMs: number; toMs: number }> {
  await flush()
  const toMs = to ?? (await stores.nowMs()) + 1
  const fromMs = from ?? toMs - MONTH_MS
  if (fromMs >= toMs) throw invalid('from', 'It is not before "to".')
  return { fromMs, toMs }
}

const MILLION = 1_000_000n

/** Tokens at the lines of a price; a kind without a line of its own costs what it is a part of. */
function priced(line: UsageLine, prices: NonNullable<EffectivePrice['lines']>): bigint {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens } = line
  const at = (unit: string, parent: bigint) => {
    const found = prices[unit]
    return found ? BigInt(found.nanoUsdPerMillion) : parent
  }
  const input = at('input', 0n)
  const output = at('output', 0n)
  const plainInput = Math.max(0, inputTokens - cacheReadTokens - cacheWriteTokens)
  const plainOutput = Math.max(0, outputTokens - reasoningTokens)
  const sum =
    BigInt(plainInput) * input +
    BigInt(cacheReadTokens) * at('cache_read', input) +
    BigInt(cacheWriteTokens) * at('cache_write', input) +
    BigInt(plainOutput) * output +
    BigInt(reasoningTokens) * at('output_reasoning', output)
  return (sum + MILLION - 1n) / MILLION
}

function outcomes(
  requests: readonly UsageLine[],
  attempts: readonly UsageLine[]
): z.input<typeof outcomesReply>['data'] {
  const named = ({ group }: UsageLine) => JSON.stringify([group.provider, group.model])
  const calls = new Map(requests.map(line => [named(line), line]))
  const tries = new Map(attempts.map(line => [named(line), line]))
  return [...new Set([...calls.keys(), ...tries.keys()])].map(name => {
    const [provider, model] = JSON.parse(name) as [string | null, string | null]
    const [seen, done] = [calls.get(name), tries.get(name)]
    return {
      provider,
      model,
      calls: seen?.count ?? 0,
      calls_failed: seen?.failed ?? 0,
      attempts: done?.count ?? 0,
      attempts_failed: done?.failed ?? 0,
      waste_usd: usd(done?.wasteNano ?? 0n)!
    }
  })
}

function groupsIn(list: string | undefined, of: UsageQuery['of']): UsageQuery['groupBy'] {
  const names = list === undefined ? [] : [...new Set(list.split(',').map(name => name.trim()))]
  return names.map(name => {
    const group = GROUPS.find(each => each === name)
    if (group === undefined) throw invalid('group_by', `expected ${GROUPS.join(', ')}`)
    if (of === 'attempts' && OF_REQUESTS.some(each => each === group)) {
      throw invalid('group_by', `only calls of clients have "${group}": ask with of=requests`)
    }
    return group
  })
}

/** What was asked for, held to what the actor sees. */
function rowsFor(actor: Actor, query: Partial<Record<ScopeKind | 'session', string | undefined>>): UsageQuery['where'] {
  const found: UsageQuery['where'] = {}
  for (const kind of [...SCOPES, 'session'] as const) if (query[kind] !== undefined) found[kind] = query[kind]
  if (actor.org !== undefined) hold(found, 'org', actor.org)
  if (!may(actor, 'usage:read')) hold(found, 'user', actor.user ?? '')
  return found
}

function hold(found: UsageQuery['where'], kind: 'org' | 'user', own: string): void {
  if (found[kind] !== undefined && found[kind] !== own) {
    throw new Failure('not_allowed', `You see the usage of ${kind} ${own} alone.`, { param: kind })
  }
  found[kind] = own
}

function shown(line: UsageLine): z.input<typeof lineReply> {
  return {
    group: line.group,
    count: line.count,
    input_tokens: line.inputTokens,
    output_tokens: line.outputTokens,
    cache_read_tokens: line.cacheReadTokens,
    cache_write_tokens: line.cacheWriteTokens,
    reasoning_tokens: line.reasoningTokens,
    cost_usd: usd(line.costNano)!,
    unpriced: line.unpriced,
    estimated: line.estimated,
    failed: line.failed,
    cached: line.cached,
    saved_usd: usd(line.savedNano)!,
    saved_ms: Math.round(line.savedMs),
    prompt_saved_usd: usd(line.promptSavedNano)!,
    waste_usd: usd(line.wasteNano)!,
    tokens_per_second: line.generationMs > 0 ? tenths((line.generatedTokens * 1_000) / line.generationMs) : null,
    score: line.scores > 0 ? hundredths(line.scoreSum / line.scores) : null,
    scores: line.scores,
    ...(line.percentiles && { total_ms: line.percentiles.totalMs, first_token_ms: line.percentiles.firstTokenMs })
  }
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100
}
