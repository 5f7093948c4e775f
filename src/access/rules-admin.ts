import { Failure } from '../errors.ts'
import type { BudgetRow, PriceRow, RateLimitRow } from '../stores/rows.ts'
import type { Stores, Table } from '../stores/stores.ts'
import { inFile, invalid, notFound, ownsScope, record, type Tools } from './changes.ts'
import { type Actor, must, type Permission } from './permissions.ts'
import {
  type BudgetInput,
  type PriceInput,
  type RateLimitInput,
  toBudgetRow,
  toPriceRow,
  toRateLimitRow
} from './rule-inputs.ts'
import { newId } from './tokens.ts'

/** Budgets, rate limits and prices: each is put whole, under an id of the user's choosing or one of ours. */

export function putBudget(actor: Actor, id: string | undefined, input: BudgetInput, tx: Stores, tools: Tools) {
  return putRule(BUDGETS, actor, id, made => toBudgetRow(input, made), tx, tools)
}

export function removeBudget(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<void> {
  return removeRule(BUDGETS, actor, id, tx, tools)
}

export function putRateLimit(actor: Actor, id: string | undefined, input: RateLimitInput, tx: Stores, tools: Tools) {
  return putRule(LIMITS, actor, id, made => toRateLimitRow(input, made), tx, tools)
}

export function removeRateLimit(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<void> {
  return removeRule(LIMITS, actor, id, tx, tools)
}

export function putPrice(actor: Actor, id: string | undefined, input: PriceInput, tx: Stores, tools: Tools) {
  return putRule(PRICES, actor, id, made => toPriceRow(input, made), tx, tools)
}

export function removePrice(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<void> {
  return removeRule(PRICES, actor, id, tx, tools)
}

interface Kind<Row> {
  what: string
  permission: Permission
  table(tx: Stores): Table<Row>
  owns(actor: Actor, row: Row, tx: Stores, tools: Tools): boolean | Promise<boolean>
}

const BUDGETS: Kind<BudgetRow> = {
  what: 'budget',
  permission: 'budgets:write',
  table: tx => tx.budgets,
  owns: (actor, { scope }, tx, tools) => ownsScope(actor, scope, tx, tools)
}

const LIMITS: Kind<RateLimitRow> = {
  what: 'limit',
  permission: 'limits:write',
  table: tx => tx.rateLimits,
  owns: (actor, { scope }, tx, tools) => ownsScope(actor, scope, tx, tools)
}

const PRICES: Kind<PriceRow> = {
  what: 'price',
  permission: 'prices:write',
  table: tx => tx.prices,
  // Prices are everybody's, and so is the permission: it is never of one organisation.
  owns: actor => actor.org === undefined
}

async function putRule<Row extends { id: string; createdAtMs: number }>(
  kind: Kind<Row>,
  actor: Actor,
  asked: string | undefined,
  toRow: (made: { id: string; createdAtMs: number }) => Row,
  tx: Stores,
  tools: Tools
): Promise<Row> {
  must(actor, kind.permission)
  const id = asked ?? newId(size => tools.randomBytes(size))
  if (tools.declared.rules.has(id)) throw inFile(kind.what)
  if (!/^[\w.-]{1,64}$/.test(id)) throw invalid('id', 'An id has up to 64 letters, digits, "_", "." and "-".')
  const before = await kind.table(tx).find(id)
  if (before && !(await kind.owns(actor, before, tx, tools))) {
    throw new Failure('conflict', `There is a ${kind.what} of this id already.`, { param: 'id' })
  }
  const row = toRow({ id, createdAtMs: before?.createdAtMs ?? (await tx.nowMs()) })
  if (!(await kind.owns(actor, row, tx, tools))) {
    throw new Failure('not_allowed', 'This is about more than your own organisation.', { param: 'scope' })
  }
  await kind.table(tx).put(row)
  const action = `${kind.what}s:${before ? 'update' : 'create'}`
  await record(tx, actor, tools, { action, object: `${kind.what}:${id}`, before, after: row })
  return row
}

async function removeRule<Row extends { id: string }>(
  kind: Kind<Row>,
  actor: Actor,
  id: string,
  tx: Stores,
  tools: Tools
): Promise<void> {
  must(actor, kind.permission)
  if (tools.declared.rules.has(id)) throw inFile(kind.what)
  const before = await kind.table(tx).find(id)
  if (!before || !(await kind.owns(actor, before, tx, tools))) throw notFound(kind.what)
  await kind.table(tx).remove(id)
  await record(tx, actor, tools, {
    action: `${kind.what}s:remove`,
    object: `${kind.what}:${id}`,
    before,
    after: undefined
  })
}
