import { type Kysely, sql } from 'kysely'
import type { AttemptRow, BudgetUnit, RequestRow, ScopeKind } from '../rows.ts'
import type { LedgerStore, Page, UsageLine, UsageQuery } from '../stores.ts'
import { insertMany } from './insert-many.ts'
import { attemptColumns, attemptRow, requestColumns, requestRow } from './rows.ts'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'
import { indexed } from './text.ts'

const HOUR_MS = 3_600_000

/** In which column a scope is. Tags are a table of their own. */
const COLUMNS = {
  org: 'org',
  team: 'team',
  user: 'user_id',
  key: 'key_name',
  customer: 'customer',
  agent: 'agent',
  session: 'session',
  provider: 'provider',
  model: 'model',
  outcome: 'outcome'
} as const

export class SqlLedger implements LedgerStore {
  readonly #db: Kysely<Tables>
  readonly #engine: Engine['name']
  readonly #patient: Kysely<Tables>

  constructor(db: Kysely<Tables>, engine: Engine['name'], patient: Kysely<Tables>) {
    this.#db = db
    this.#engine = engine
    this.#patient = patient
  }

  async ingest({ attempts, requests }: Parameters<LedgerStore['ingest']>[0]): Promise<void> {
    if (attempts.length + requests.length === 0) return
    const write = async (db: Kysely<Tables>) => {
      await putAttempts(db, this.#engine, latest(attempts))
      await putRequests(db, this.#engine, [...new Map(requests.map(row => [row.id, row])).values()])
    }
    if (this.#db.isTransaction) await write(this.#db)
    else await this.#db.transaction().execute(write)
  }

  async spent(
    scope: { kind: ScopeKind; value: string },
    unit: BudgetUnit,
    fromMs: number,
    toMs: number
  ): Promise<bigint> {
    const { kind, value } = scope
    const of = {
      usd: sql<string>`cast(coalesce(sum(a.cost_nano), 0) as text)`,
      tokens: sql<string>`cast(coalesce(sum(coalesce(a.input_tokens, 0) + coalesce(a.output_tokens, 0)), 0) as text)`,
      requests: sql<string>`cast(count(distinct a.request_id) as text)`
    }[unit]
    const query = this.#db
      .selectFrom('attempts as a')
      .select(of.as('sum'))
      .where('a.started_at', '>=', fromMs)
      .where('a.started_at', '<', toMs)
    // Tags have the time too, so that those of another month are not looked at.
    const tagged = sql<string>`(select attempt_id from attempt_tags
      where tag = ${value} and started_at >= ${fromMs} and started_at < ${toMs})`
    const scoped =
      kind === 'tag' ? query.where('a.id', 'in', tagged) : query.where(`a.${COLUMNS[kind]}`, '=', indexed(value))
    const { sum } = await scoped.executeTakeFirstOrThrow()
    return BigInt(sum)
  }

  async attempt(id: string): Promise<AttemptRow | undefined> {
    const found = await this.#db.selectFrom('attempts').selectAll().where('id', '=', id).executeTakeFirst()
    return found && attemptRow(found)
  }

  async request(id: string): Promise<{ request: RequestRow | undefined; attempts: AttemptRow[] }> {
    const request = await this.#db.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()
    const attempts = await this.#db
      .selectFrom('attempts')
      .selectAll()
      .where('request_id', '=', id)
      .orderBy('number')
      .execute()
    return { request: request && requestRow(request), attempts: attempts.map(attemptRow) }
  }

  async started(beforeMs: number, limit: number): Promise<AttemptRow[]> {
    const query = this.#db.selectFrom('attempts').selectAll().where('state', '=', 'started')
    const rows = await query.where('started_at', '<', beforeMs).orderBy('started_at').limit(limit).execute()
    return rows.map(attemptRow)
  }

  async attempts({ after = '', limit }: Page): Promise<AttemptRow[]> {
    const query = this.#db.selectFrom('attempts').selectAll().where('id', '>', after)
    return (await query.orderBy('id').limit(limit).execute()).map(attemptRow)
  }

  async requests({ after = '', limit }: Page): Promise<RequestRow[]> {
    const query = this.#db.selectFrom('requests').selectAll().where('id', '>', after)
    return (await query.orderBy('id').limit(limit).execute()).map(requestRow)
  }

  async usage({ of, fromMs, toMs, groupBy, where, limit }: UsageQuery): Promise<UsageLine[]> {
    const tagOf = of === 'attempts' ? 'attempt' : 'request'
    const tags = sql.table(`${tagOf}_tags`)
    const tagId = sql.ref(`${tagOf}_id`)
    const groups = groupBy.map(name => ({ name, column: groupColumn(name) }))
    const needsTag = groupBy.includes('tag')
    const conditions = [sql`r.started_at >= ${fromMs}`, sql`r.started_at < ${toMs}`]
    for (const [kind, value] of Object.entries(where)) {
      const inTime = sql`started_at >= ${fromMs} and started_at < ${toMs}`
      if (kind === 'tag')
        conditions.push(sql`r.id in (select ${tagId} from ${tags} where tag = ${value} and ${inTime})`)
      else conditions.push(sql`${sql.ref(`r.${COLUMNS[kind as keyof typeof COLUMNS]}`)} = ${indexed(value)}`)
    }
    const selected = groups.map(({ name, column }) => sql`${column} as ${sql.ref(`by_${name}`)}`)
    const estimated = of === 'attempts' ? sql`sum(case when r.usage_source = 'estimated' then 1 else 0 end)` : sql`0`
    const figures = sql`count(*) as count,
      cast(coalesce(sum(r.input_tokens), 0) as text) as input_tokens,
      cast(coalesce(sum(r.output_tokens), 0) as text) as output_tokens,
      cast(coalesce(sum(r.cache_read_tokens), 0) as text) as cache_read_tokens,
      cast(coalesce(sum(r.cache_write_tokens), 0) as text) as cache_write_tokens,
      cast(coalesce(sum(r.reasoning_tokens), 0) as text) as reasoning_tokens,
      cast(coalesce(sum(r.cost_nano), 0) as text) as cost,
      sum(case when r.cost_nano is null then 1 else 0 end) as unpriced,
      ${estimated} as estimated,
      sum(case when r.outcome = 'failed' then 1 else 0 end) as failed`
    const from = needsTag
      ? sql`${sql.table(of)} as r left join ${tags} as t on ${sql.ref(`t.${tagOf}_id`)} = r.id`
      : sql`${sql.table(of)} as r`
    const by = groups.length === 0 ? sql`` : sql`group by ${sql.join(groups.map(({ column }) => column))}`
    const columns = sql.join([...selected, figures])
    const { rows } = await sql<Record<string, string | number | null>>`select ${columns} from ${from}
      where ${sql.join(conditions, sql` and `)} ${by}
      order by coalesce(sum(r.cost_nano), 0) desc, count(*) desc limit ${limit}`.execute(this.#patient)
    return rows.map(row => usageLine(row, groupBy))
  }
}

function groupColumn(name: UsageQuery['groupBy'][number]) {
  if (name === 'day') return sql`r.started_at - r.started_at % ${sql.lit(24 * HOUR_MS)}`
  if (name === 'hour') return sql`r.started_at - r.started_at % ${sql.lit(HOUR_MS)}`
  return name === 'tag' ? sql.ref('t.tag') : sql.ref(`r.${COLUMNS[name]}`)
}

function usageLine(row: Record<string, string | number | null>, groupBy: UsageQuery['groupBy']): UsageLine {
  const group: Record<string, string | null> = {}
  for (const name of groupBy) {
    const value = row[`by_${name}`] ?? null
    const isTime = name === 'day' || name === 'hour'
    group[name] = value === null ? null : isTime ? new Date(Number(value)).toISOString() : String(value)
  }
  return {
    group,
    count: Number(row.count),
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    cacheReadTokens: Number(row.cache_read_tokens),
    cacheWriteTokens: Number(row.cache_write_tokens),
    reasoningTokens: Number(row.reasoning_tokens),
    costNano: BigInt(row.cost ?? 0),
    unpriced: Number(row.unpriced ?? 0),
    estimated: Number(row.estimated ?? 0),
    failed: Number(row.failed ?? 0)
  }
}

/** One row of each id: a statement cannot touch a row twice. A finished one wins. */
function latest(rows: readonly AttemptRow[]): AttemptRow[] {
  const found = new Map<string, AttemptRow>()
  for (const row of rows) if (found.get(row.id)?.state !== 'finished') found.set(row.id, row)
  return [...found.values()]
}

async function putAttempts(db: Kysely<Tables>, engine: Engine['name'], rows: readonly AttemptRow[]): Promise<void> {
  if (rows.length === 0) return
  const values = rows.map(attemptColumns)
  const names = Object.keys(values[0]!).filter(name => name !== 'id')
  const replaced = names.map(name => `"${name}" = excluded."${name}"`).join(', ')
  const conflict = `(id) do update set ${replaced} where attempts.state = 'started'`
  await insertMany(db, engine, { table: 'attempts', rows: values, conflict })
  const tags = rows.flatMap(({ id, startedAtMs, payers }) =>
    [...new Set(payers.tags)].map(tag => ({ tag, attempt_id: id, started_at: startedAtMs }))
  )
  await insertMany(db, engine, { table: 'attempt_tags', rows: tags, conflict: 'do nothing' })
}

async function putRequests(db: Kysely<Tables>, engine: Engine['name'], rows: readonly RequestRow[]): Promise<void> {
  await insertMany(db, engine, { table: 'requests', rows: rows.map(requestColumns), conflict: 'do nothing' })
  const tags = rows.flatMap(({ id, startedAtMs, payers }) =>
    [...new Set(payers.tags)].map(tag => ({ tag, request_id: id, started_at: startedAtMs }))
  )
  await insertMany(db, engine, { table: 'request_tags', rows: tags, conflict: 'do nothing' })
}
