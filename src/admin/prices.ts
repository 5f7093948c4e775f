import * as z from 'zod'
import { notFound } from '../access/changes.ts'
import { priceInput } from '../access/inputs.ts'
import { putPrice, removePrice } from '../access/rules-admin.ts'
import type { PriceLine } from '../catalog/prices.ts'
import type { PriceRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import { moment, momentOrNull, percentText, source, text, textOrNull, usd } from './replies.ts'
import { type Route, route } from './route.ts'

const priceReply = z
  .object({
    id: text,
    provider: text,
    model: text,
    usd: z.record(z.string(), z.unknown()).nullable().describe('Lines of its own; null: those of the table.'),
    discount: textOrNull,
    markup: textOrNull,
    from: momentOrNull.describe('In force from then on; null: always.'),
    created_at: momentOrNull,
    source
  })
  .meta({ id: 'Price' })

const perMillion = text.describe('US dollars for a million of the unit.')

const effectiveReply = z.object({
  provider: text,
  model: text,
  version: text.describe('Of the price table; it is on every row that was reckoned with it.'),
  lines: z
    .record(
      z.string(),
      z.object({
        usd_per_million: perMillion,
        tiers: z.array(z.object({ above_input_tokens: z.number(), usd_per_million: perMillion })).optional()
      })
    )
    .nullable()
    .describe('By unit, discount or markup in them; null: nobody knows a price.')
})

const tag = 'prices'

export const priceRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/prices',
    permission: 'prices:read',
    tag,
    summary: 'Lists changes of the price table, those of the file first.',
    query: z.strictObject(pageQuery),
    reply: pageReply(priceReply),
    async run({ governance, query: { limit, after } }) {
      const found = rowsFrom(governance.declared().rows.prices, page => governance.stores.prices.list(page), after)
      const { data, next } = await pageOf(found, limit, () => true)
      return { data: data.map(row => shown(row, governance)), next }
    }
  }),
  route({
    method: 'GET',
    path: '/effective-price',
    permission: 'prices:read',
    tag,
    summary: 'What a model of a provider costs now.',
    query: z.strictObject({ provider: text.min(1), model: text.min(1) }),
    reply: effectiveReply,
    run({ governance, query: { provider, model } }) {
      const { version, lines } = governance.priceOf(provider, model)
      return { provider, model, version, lines: lines ? shownLines(lines) : null }
    }
  }),
  route({
    method: 'POST',
    path: '/prices',
    permission: 'prices:write',
    tag,
    summary: 'Changes the price of models, under an id of ours.',
    body: priceInput,
    status: 201,
    reply: priceReply,
    run: async ({ actor, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putPrice(actor, undefined, body, tx, tools)), governance)
  }),
  route({
    method: 'GET',
    path: '/prices/:id',
    permission: 'prices:read',
    tag,
    summary: 'One change of the price table.',
    reply: priceReply,
    async run({ params, governance }) {
      const declared = governance.declared().rows.prices.find(({ id }) => id === params.id)
      const row = declared ?? (await governance.stores.prices.find(params.id!))
      if (!row) throw notFound('price')
      return shown(row, governance)
    }
  }),
  route({
    method: 'PUT',
    path: '/prices/:id',
    permission: 'prices:write',
    tag,
    summary: 'Changes the price of models under an id of yours, or replaces the change.',
    body: priceInput,
    reply: priceReply,
    run: async ({ actor, params, body, change, governance }) =>
      shown(await change('money', (tx, tools) => putPrice(actor, params.id!, body, tx, tools)), governance)
  }),
  route({
    method: 'DELETE',
    path: '/prices/:id',
    permission: 'prices:write',
    tag,
    summary: 'Takes a change of the price table back. Rows keep the cost they have.',
    run: ({ actor, params, change }) => change('money', (tx, tools) => removePrice(actor, params.id!, tx, tools))
  })
]

function shown(row: PriceRow, governance: Governance): z.input<typeof priceReply> {
  const isDeclared = governance.declared().names.rules.has(row.id)
  return {
    id: row.id,
    provider: row.provider,
    model: row.model,
    usd: row.usd,
    discount: row.factor < 1 ? percentText(1 - row.factor) : null,
    markup: row.factor > 1 ? percentText(row.factor - 1) : null,
    from: row.fromMs === 0 ? null : moment(row.fromMs),
    created_at: isDeclared ? null : moment(row.createdAtMs),
    source: isDeclared ? 'file' : 'api'
  }
}

function shownLines(lines: Readonly<Record<string, PriceLine>>): z.input<typeof effectiveReply>['lines'] {
  return Object.fromEntries(
    Object.entries(lines).map(([unit, { nanoUsdPerMillion, tiers }]) => [
      unit,
      {
        usd_per_million: usd(nanoUsdPerMillion)!,
        ...(tiers && {
          tiers: tiers.map(tier => ({
            above_input_tokens: tier.aboveInputTokens,
            usd_per_million: usd(tier.nanoUsdPerMillion)!
          }))
        })
      }
    ])
  )
}
