import * as z from 'zod'
import { notFound } from '../access/changes.ts'
import { moment as momentInput } from '../access/fields.ts'
import type { Actor } from '../access/permissions.ts'
import type { LogField } from '../stores/logs.ts'
import type { RequestRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { requestReply, shownRequest } from './ledger-replies.ts'
import { moment, momentText, text, textOrNull, usd } from './replies.ts'
import { type Route, route } from './route.ts'

const DAY_MS = 86_400_000
/** Calls of one session or trace that are read at once: what is longer is read by pages of the log. */
const CALLS_MAX = 1_000
/** As many calls in a row that ask the same of the same tool look like a loop. */
const LOOP_CALLS = 5

const tag = 'logs'
const permission = 'logs:read_metadata'

const sessionReply = z
  .object({
    session: text,
    first_at: momentText,
    last_at: momentText,
    calls: z.number(),
    failed: z.number(),
    input_tokens: z.number(),
    output_tokens: z.number(),
    cost_usd: text.describe('Of calls with a price.'),
    unpriced: z.number(),
    app: textOrNull,
    agent: textOrNull,
    key: textOrNull
  })
  .meta({ id: 'Session' })

const nodeReply = z.object({
  call: requestReply,
  depth: z.number().describe('0 for one that no other of these was made for.'),
  cost_so_far_usd: text.describe('Of this call and those before it.'),
  context_tokens: z.number().nullable().describe('What it was asked with: how a conversation grows.')
})

const treeReply = z.object({
  calls: z.array(nodeReply).describe('In the order in which they began, each behind the one it was made for.'),
  cost_usd: text,
  unpriced: z.number(),
  input_tokens: z.number(),
  output_tokens: z.number(),
  looks_like_a_loop: z
    .boolean()
    .describe(`${LOOP_CALLS} calls in a row asked with the same and were answered the same.`),
  complete: z.boolean().describe(`False: there are more than ${CALLS_MAX} calls.`)
})

export const sessionRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/sessions',
    permission,
    tag,
    summary: 'Sessions of that time, the latest first, with what their calls came to in it.',
    query: z.strictObject({
      from: momentInput.optional().describe('Without it: the last day.'),
      to: momentInput.optional(),
      limit: z.coerce.number().int().min(1).max(1_000).default(100)
    }),
    reply: z.object({ data: z.array(sessionReply) }),
    async run({ actor, governance, query: { from, to, limit } }) {
      await governance.flush()
      const toMs = to ?? (await governance.stores.nowMs()) + 1
      const fromMs = from ?? toMs - DAY_MS
      const rows = await governance.stores.logs.sessions({ fromMs, toMs, org: actor.org, limit })
      return {
        data: rows.map(({ firstMs, lastMs, inputTokens, outputTokens, costNano, ...row }) => ({
          ...row,
          first_at: moment(firstMs),
          last_at: moment(lastMs),
          input_tokens: inputTokens,
          output_tokens: outputTokens,
          cost_usd: usd(costNano)!
        }))
      }
    }
  }),
  treeRoute(
    '/sessions/:id',
    'session',
    'The calls of a session, as a tree: what each was made for, and how cost and context grew.'
  ),
  treeRoute('/traces/:id', 'trace', 'The calls of a W3C trace, by its id of 32 hexadecimal digits.')
]

function treeRoute(path: string, field: LogField, summary: string): Route {
  return route({
    method: 'GET',
    path,
    permission,
    tag,
    summary,
    reply: treeReply,
    async run({ actor, governance, params }) {
      const rows = await callsOf(field, params.id!, actor, governance)
      if (rows.length === 0) throw notFound(field)
      return tree(rows.slice(0, CALLS_MAX), rows.length <= CALLS_MAX)
    }
  })
}

/** In the order in which they began. */
async function callsOf(
  field: LogField,
  value: string,
  { org }: Actor,
  { flush, stores }: Governance
): Promise<RequestRow[]> {
  await flush()
  const is = { [field]: [value], ...(org !== undefined && { org: [org] }) }
  return stores.logs.since({ is }, { after: { startedAtMs: 0, id: '' }, limit: CALLS_MAX + 1 })
}

function tree(rows: readonly RequestRow[], complete: boolean): z.input<typeof treeReply> {
  const ids = new Set(rows.map(({ id }) => id))
  const below = Map.groupBy(rows, ({ parent }) => (parent !== null && ids.has(parent) ? parent : null))
  const calls: z.input<typeof nodeReply>[] = []
  let costNano = 0n
  const walk = (parent: string | null, depth: number) => {
    for (const row of below.get(parent) ?? []) {
      costNano += BigInt(row.costNano ?? 0)
      const context_tokens = row.usage?.inputTokens ?? null
      calls.push({ call: shownRequest(row), depth, cost_so_far_usd: usd(costNano)!, context_tokens })
      if (row.id !== parent) walk(row.id, depth + 1)
    }
  }
  walk(null, 0)
  const tokens = (name: 'inputTokens' | 'outputTokens') =>
    rows.reduce((sum, { usage }) => sum + (usage?.[name] ?? 0), 0)
  return {
    calls,
    cost_usd: usd(costNano)!,
    unpriced: rows.filter(row => row.costNano === null).length,
    input_tokens: tokens('inputTokens'),
    output_tokens: tokens('outputTokens'),
    looks_like_a_loop: looksLikeALoop(rows),
    complete
  }
}

/** An agent that gets nowhere says and hears the same again: to the token. */
function looksLikeALoop(rows: readonly RequestRow[]): boolean {
  let same = 1
  for (const [at, { usage, outcome }] of rows.entries()) {
    const before = rows[at - 1]?.usage
    const isSame =
      outcome === 'done' &&
      usage?.inputTokens !== undefined &&
      before?.inputTokens === usage.inputTokens &&
      before.outputTokens === usage.outputTokens
    same = isSame ? same + 1 : 1
    if (same >= LOOP_CALLS) return true
  }
  return false
}
