import * as z from 'zod'
import { invalid, notFound, ownsScope } from '../access/changes.ts'
import { budgetInput } from '../access/inputs.ts'
import { putBudget, removeBudget } from '../access/rules-admin.ts'
import { matcher } from '../money/rules.ts'
import type { BudgetRow, BudgetWindow } from '../stores/rows.ts'
import { formatDuration } from '../units.ts'
import type { Governance } from './governance.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import { moment, momentOrNull, momentText, percentText, source, text, textOrNull, texts, usd } from './replies.ts'
import { type Asked, type Route, route } from './route.ts'

const number = z.number()

const budgetMembers = {
  id: text,
  scope: z.record(z.string(), z.string()).describe('`{ team: platform }`'),
  limit: z.object({ usd: text, tokens: number, requests: number }).partial(),
  window: text,
  time_zone: textOrNull,
  mode: z.enum(['hard', 'soft']),
  thresholds: texts,
  webhook: textOrNull,
  created_at: momentOrNull,
  source
}

const nowReply = z
  .object({
    of: text.describe('The name that is counted.'),
    spent_usd: text.optional(),
    held_usd: text.optional().describe('Reserved for calls under way.'),
    remaining_usd: text.optional(),
    spent: number.optional(),
    held: number.optional(),
    remaining: number.optional(),
    resets_at: momentText
  })
  .nullable()
  .describe('What is used of it in its present window; null where `*` in its scope stands for many: ask with `of`.')

const budgetReply = z.object(budgetMembers).meta({ id: 'Budget' })
const budgetWithNow = z.object({ ...budgetMembers, now: nowReply }).meta({ id: 'BudgetWithNow' })

const tag = 'budgets'

export const budgetRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/budgets',
    permission: 'budgets:read',
    tag,
    summary: 'Lists budgets, those of the file first, with what is used of them.',
    query: z.strictObject(pageQuery),
    reply: pageReply(budgetWithNow),
    async run({ actor, governance, tools, query: { limit, after } }) {
      const { stores } = governance
      const found = rowsFrom(governance.declared().rows.budgets, page => stores.budgets.list(page), after)
      const { data, next } = await pageOf(found, limit, ({ scope }) => ownsScope(actor, scope, stores, tools))
      return { data: await Promise.all(data.map(row => withNow(row, undefined, governance))), next }
    }
  }),
  route({
    method: 'POST',
    path: '/budgets',
    permission: 'budgets:write',
    tag,
    summary: 'Makes a budget under an id of ours.',
    body: budgetInput,
    status: 201,
    reply: budgetReply,
    run: async ({ actor, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putBudget(actor, undefined, body, tx, tools)), governance)
  }),
  route({
    method: 'GET',
    path: '/budgets/:id',
    permission: 'budgets:read',
    tag,
    summary: 'One budget, with what is used of it.',
    query: z.strictObject({ of: text.optional().describe('Whose, where `*` in its scope stands for many.') }),
    reply: budgetWithNow,
    async run(asked) {
      const row = await findBudget(asked)
      if (asked.query.of !== undefined && !matcher(row.scope.match)(asked.query.of)) {
        throw invalid('of', 'The budget is not about this name.')
      }
      return withNow(row, asked.query.of, asked.governance)
    }
  }),
  route({
    method: 'PUT',
    path: '/budgets/:id',
    permission: 'budgets:write',
    tag,
    summary: 'Makes a budget under an id of yours, or replaces it; what is spent stays spent.',
    body: budgetInput,
    reply: budgetReply,
    run: async ({ actor, params, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putBudget(actor, params.id!, body, tx, tools)), governance)
  }),
  route({
    method: 'DELETE',
    path: '/budgets/:id',
    permission: 'budgets:write',
    tag,
    summary: 'Removes a budget.',
    run: ({ actor, params, change }) => change('money', (tx, tools) => removeBudget(actor, params.id!, tx, tools))
  })
]

async function findBudget({ actor, params, governance, tools }: Asked): Promise<BudgetRow> {
  const declared = governance.declared().rows.budgets.find(({ id }) => id === params.id)
  const row = declared ?? (await governance.stores.budgets.find(params.id!))
  if (!row || !(await ownsScope(actor, row.scope, governance.stores, tools))) throw notFound('budget')
  return row
}

async function withNow(row: BudgetRow, asked: string | undefined, governance: Governance) {
  const of = asked ?? (row.scope.match.includes('*') ? undefined : row.scope.match)
  return { ...shown(row, governance), now: of === undefined ? null : await nowOf(row, of, governance) }
}

async function nowOf(row: BudgetRow, of: string, governance: Governance): Promise<z.input<typeof nowReply>> {
  const { spent, held, resetMs } = await governance.reading(row, of)
  const remaining = Math.max(0, row.limit - spent - held)
  const resets_at = moment(resetMs)
  return row.unit === 'usd'
    ? { of, spent_usd: usd(spent)!, held_usd: usd(held)!, remaining_usd: usd(remaining)!, resets_at }
    : { of, spent, held, remaining, resets_at }
}

function shown(row: BudgetRow, governance: Governance): z.input<typeof budgetReply> {
  const isDeclared = governance.declared().names.rules.has(row.id)
  return {
    id: row.id,
    scope: { [row.scope.kind]: row.scope.match },
    limit: row.unit === 'usd' ? { usd: usd(row.limit)! } : { [row.unit]: row.limit },
    window: windowText(row.window),
    time_zone: 'every' in row.window ? row.window.timeZone : null,
    mode: row.mode,
    thresholds: row.thresholds.map(percentText),
    webhook: row.webhook,
    created_at: isDeclared ? null : moment(row.createdAtMs),
    source: isDeclared ? 'file' : 'api'
  }
}

function windowText(window: BudgetWindow): string {
  return 'every' in window ? window.every : `rolling ${formatDuration(window.rollingMs)}`
}
