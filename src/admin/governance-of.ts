import { randomBytes } from 'node:crypto'
import type { Declared } from '../access/changes.ts'
import { CheckpointSigner } from '../access/checkpoints.ts'
import {
  declaredBudgetId,
  declaredRateLimitId,
  toBudgetRow,
  toKeyRow,
  toPriceRow,
  toRateLimitRow,
  toTenantRow
} from '../access/inputs.ts'
import { buildMoney } from '../build/money.ts'
import type { Access } from '../build/open.ts'
import type { Plan, Plant } from '../build.ts'
import { linesInForce, type PriceLine } from '../catalog/prices.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'
import { windowAt } from '../money/windows.ts'
import type { Secret } from '../secret.ts'
import type { BudgetRow } from '../stores/rows.ts'
import type { BudgetReading, DeclaredRows, EffectivePrice, Governance } from './governance.ts'

/** What the admin API governs a running gateway with; undefined where the gateway keeps nothing. */
export function governanceOf(
  plant: Plant,
  /** The one in force. */
  plan: () => Plan,
  access: Access | undefined,
  secret: Secret | undefined
): Governance | undefined {
  const { kept, clock, log } = plant
  const { stores, bus } = kept
  if (!stores || !access || !secret) return undefined
  const declared = new Map<Config, ReturnType<Governance['declared']>>()
  return {
    stores,
    bodies: kept.bodyStore,
    cache: { stats: () => kept.answers.stats(), purged: seq => kept.purged(seq) },
    digests: access.digests,
    signer: new CheckpointSigner(secret),
    randomBytes: size => randomBytes(size),
    declared() {
      const { config } = plan()
      const known = declared.get(config) ?? declaredIn(config)
      declared.clear()
      declared.set(config, known)
      return known
    },
    reading: (budget, value) => reading(budget, value, plant),
    priceOf: (provider, model) => priceOf({ provider, model }, plan(), plant),
    async flush() {
      // Bodies are for people to read: what is late of them holds up no figure.
      await kept.bodies?.flush().catch(() => {})
      await kept.ledger.flush().catch(cause => {
        throw new Failure('store_unavailable', 'The ledger does not answer: what it has is not all.', { cause })
      })
    },
    async settle() {
      await kept.bodies?.flush()
      await kept.ledger.settle()
    },
    async changed(topic) {
      access.freshness.heard()
      // Who misses it finds out by the version, a little later.
      Promise.resolve(bus?.publish(topic)).catch(thrown => log.warn({ why: String(thrown) }, 'a change was not told'))
      // The next call here goes by it; where it cannot be read now, that is tried again, and said in the log.
      await kept.refreshed().catch(() => {})
    },
    wallMs: () => clock.wallMs(),
    log
  }
}

function declaredIn(config: Config): { names: Declared; rows: DeclaredRows } {
  const made = { createdAtMs: 0 }
  const rows: DeclaredRows = {
    keys: config.keys.map(key => toKeyRow(key, { id: key.name, ...made })),
    tenants: config.teams.map(team => toTenantRow({ kind: 'team', ...team }, 0)),
    budgets: config.budgets.map(input => toBudgetRow(input, { id: declaredBudgetId(input), ...made })),
    rateLimits: config.rateLimits.map(input => toRateLimitRow(input, { id: declaredRateLimitId(input), ...made })),
    prices: config.prices.map((input, at) => toPriceRow(input, { id: `file ${at}`, ...made }))
  }
  const tenants = new Map(rows.tenants.map(row => [`${row.kind} ${row.id}`, row]))
  const names: Declared = {
    keys: new Set(rows.keys.map(({ id }) => id)),
    rules: new Set([...rows.budgets, ...rows.rateLimits, ...rows.prices].map(({ id }) => id)),
    tenant: (kind, id) => tenants.get(`${kind} ${id}`)
  }
  return { names, rows }
}

/** As the counter has it; what has no counter yet, or lost it, is asked of the ledger (D29). */
async function reading(budget: BudgetRow, value: string, { kept }: Plant): Promise<BudgetReading> {
  const nowMs = await kept.counters.nowMs()
  const { name, slice, slices, startMs, resetMs } = windowAt(budget.window, nowMs)
  const key = `b:${budget.id}:${value}:${name}`
  const [counted = { spent: 0, held: 0 }] = await kept.counters.read([{ key, slice, slices }])
  if (counted.spent > 0 || counted.held > 0) return { ...counted, resetMs }
  const { spent } = kept.holds.rooms
  const known = await spent({ kind: budget.scope.kind, value }, budget.unit, startMs, nowMs + 1)
  return { spent: Number(known), held: 0, resetMs }
}

function priceOf({ provider, model }: { provider: string; model: string }, plan: Plan, plant: Plant): EffectivePrice {
  const nowMs = plant.clock.wallMs()
  const { prices, factor, version } = buildMoney(plan, plant).prices().pricesFor(provider, model, nowMs)
  const lines = linesInForce(prices, nowMs)
  return { version, lines: lines && scaled(lines, factor) }
}

function scaled(lines: Readonly<Record<string, PriceLine>>, factor: number): Record<string, PriceLine> {
  const by = (nanoUsd: number) => Math.round(nanoUsd * factor)
  return Object.fromEntries(
    Object.entries(lines).map(([unit, { nanoUsdPerMillion, tiers }]) => [
      unit,
      {
        nanoUsdPerMillion: by(nanoUsdPerMillion),
        ...(tiers && {
          tiers: tiers.map(tier => ({ ...tier, nanoUsdPerMillion: by(tier.nanoUsdPerMillion) }))
        })
      }
    ])
  )
}
