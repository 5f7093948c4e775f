import * as z from 'zod'
import { notFound, ownsScope } from '../access/changes.ts'
import { rateLimitInput } from '../access/inputs.ts'
import { putRateLimit, removeRateLimit } from '../access/rules-admin.ts'
import type { RateLimitRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import { moment, momentOrNull, source, text } from './replies.ts'
import { type Route, route } from './route.ts'

const limitReply = z
  .object({
    id: text,
    scope: z.record(z.string(), z.string()).describe('`{ team: platform }`'),
    requests: text.optional().describe('`60/minute`'),
    tokens: text.optional(),
    calls: z.number().optional().describe('In flight at once.'),
    burst: z.number(),
    created_at: momentOrNull,
    source
  })
  .meta({ id: 'Limit' })

const tag = 'limits'

export const limitRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/limits',
    permission: 'limits:read',
    tag,
    summary: 'Lists rate limits, those of the file first.',
    query: z.strictObject(pageQuery),
    reply: pageReply(limitReply),
    async run({ actor, governance, tools, query: { limit, after } }) {
      const { stores } = governance
      const found = rowsFrom(governance.declared().rows.rateLimits, page => stores.rateLimits.list(page), after)
      const { data, next } = await pageOf(found, limit, ({ scope }) => ownsScope(actor, scope, stores, tools))
      return { data: data.map(row => shown(row, governance)), next }
    }
  }),
  route({
    method: 'POST',
    path: '/limits',
    permission: 'limits:write',
    tag,
    summary: 'Makes a rate limit under an id of ours.',
    body: rateLimitInput,
    status: 201,
    reply: limitReply,
    run: async ({ actor, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putRateLimit(actor, undefined, body, tx, tools)), governance)
  }),
  route({
    method: 'GET',
    path: '/limits/:id',
    permission: 'limits:read',
    tag,
    summary: 'One rate limit.',
    reply: limitReply,
    async run({ actor, params, governance, tools }) {
      const declared = governance.declared().rows.rateLimits.find(({ id }) => id === params.id)
      const row = declared ?? (await governance.stores.rateLimits.find(params.id!))
      if (!row || !(await ownsScope(actor, row.scope, governance.stores, tools))) throw notFound('limit')
      return shown(row, governance)
    }
  }),
  route({
    method: 'PUT',
    path: '/limits/:id',
    permission: 'limits:write',
    tag,
    summary: 'Makes a rate limit under an id of yours, or replaces it.',
    body: rateLimitInput,
    reply: limitReply,
    run: async ({ actor, params, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putRateLimit(actor, params.id!, body, tx, tools)), governance)
  }),
  route({
    method: 'DELETE',
    path: '/limits/:id',
    permission: 'limits:write',
    tag,
    summary: 'Removes a rate limit.',
    run: ({ actor, params, change }) => change('money', (tx, tools) => removeRateLimit(actor, params.id!, tx, tools))
  })
]

const PER: Readonly<Record<number, string>> = { 1000: 'second', 60000: 'minute', 3600000: 'hour', 86400000: 'day' }

function shown(row: RateLimitRow, governance: Governance): z.input<typeof limitReply> {
  const isDeclared = governance.declared().names.rules.has(row.id)
  return {
    id: row.id,
    scope: { [row.scope.kind]: row.scope.match },
    ...(row.unit === 'calls' ? { calls: row.amount } : { [row.unit]: `${row.amount}/${PER[row.perMs]}` }),
    burst: row.burst,
    created_at: isDeclared ? null : moment(row.createdAtMs),
    source: isDeclared ? 'file' : 'api'
  }
}
