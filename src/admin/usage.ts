import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import { moment as momentInput } from '../access/fields.ts'
import { type Actor, may } from '../access/permissions.ts'
import { Failure } from '../errors.ts'
import type { ScopeKind } from '../stores/rows.ts'
import type { UsageLine, UsageQuery } from '../stores/stores.ts'
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
const GROUPS = [...SCOPES, 'session', 'outcome', 'day', 'hour'] as const
const MONTH_MS = 30 * 86_400_000

const where = Object.fromEntries(SCOPES.map(kind => [kind, text.min(1).optional()])) as Record<
  ScopeKind,
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
    limit: z.coerce.number().int().min(1).max(10_000).default(1_000).describe('Lines at most.'),
    ...where
  })
  .describe('Rows of `org`, `team`, … alone where they are named.')

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
  failed: z.number()
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
    async run({ actor, governance, query }) {
      await governance.flush()
      const { stores } = governance
      const toMs = query.to ?? (await stores.nowMs()) + 1
      const fromMs = query.from ?? toMs - MONTH_MS
      if (fromMs >= toMs) throw invalid('from', 'It is not before "to".')
      const { of, limit } = query
      const asked: UsageQuery = {
        of,
        fromMs,
        toMs,
        groupBy: groupsIn(query.group_by),
        where: rowsFor(actor, query),
        limit
      }
      const lines = await stores.ledger.usage(asked)
      return { of, from: moment(fromMs), to: moment(toMs), data: lines.map(shown) }
    }
  })
]

function groupsIn(list: string | undefined): UsageQuery['groupBy'] {
  const names = list === undefined ? [] : [...new Set(list.split(',').map(name => name.trim()))]
  return names.map(name => {
    const group = GROUPS.find(each => each === name)
    if (group === undefined) throw invalid('group_by', `expected ${GROUPS.join(', ')}`)
    return group
  })
}

/** What was asked for, held to what the actor sees. */
function rowsFor(actor: Actor, query: z.output<typeof usageQuery>): UsageQuery['where'] {
  const found: UsageQuery['where'] = {}
  for (const kind of SCOPES) if (query[kind] !== undefined) found[kind] = query[kind]
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
    failed: line.failed
  }
}
