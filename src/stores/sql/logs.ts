import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { GuardRate, LogCursor, LogField, LogFilter, LogStore, SessionQuery, SessionRow } from '../logs.ts'
import type { RequestRow } from '../rows.ts'
import { requestRow } from './rows.ts'
import type { RequestColumns, Tables } from './tables.ts'
import { indexed } from './text.ts'

type Sql = RawBuilder<unknown>

/** In which column a field is, where it is not the one of its name. */
const COLUMNS: Partial<Record<LogField, keyof RequestColumns>> = {
  user: 'user_id',
  key: 'key_name',
  config: 'config_digest'
}

export class SqlLogs implements LogStore {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  search(filter: LogFilter, { before, limit }: { before?: LogCursor | undefined; limit: number }) {
    const from = fromOf(filter)
    const { at, id } = from
    const older = before && sql`(${at}, ${id}) < (${before.startedAtMs}, ${before.id})`
    return this.#rows(from, filter, older, { order: sql`${at} desc, ${id} desc`, limit })
  }

  since(filter: LogFilter, { after, limit }: { after: LogCursor; limit: number }) {
    const from = fromOf(filter)
    const { at, id } = from
    const newer = sql`(${at}, ${id}) > (${after.startedAtMs}, ${after.id})`
    return this.#rows(from, filter, newer, { order: sql`${at}, ${id}`, limit })
  }

  async sessions({ fromMs, toMs, org, limit }: SessionQuery): Promise<SessionRow[]> {
    const ofOrg = org === undefined ? sql`` : sql`and org = ${indexed(org)}`
    const { rows } = await sql<SessionColumns>`
      select session, min(started_at) as first, max(started_at) as last, count(*) as calls,
        sum(case when outcome = 'failed' then 1 else 0 end) as failed,
        cast(coalesce(sum(input_tokens), 0) as text) as input_tokens,
        cast(coalesce(sum(output_tokens), 0) as text) as output_tokens,
        cast(coalesce(sum(cost_nano), 0) as text) as cost,
        sum(case when cost_nano is null then 1 else 0 end) as unpriced,
        max(app) as app, max(agent) as agent, max(key_name) as key_name
      from requests where session is not null and started_at >= ${fromMs} and started_at < ${toMs} ${ofOrg}
      group by session order by max(started_at) desc limit ${limit}`.execute(this.#db)
    return rows.map(row => ({
      session: row.session,
      firstMs: Number(row.first),
      lastMs: Number(row.last),
      calls: Number(row.calls),
      failed: Number(row.failed),
      inputTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      costNano: BigInt(row.cost),
      unpriced: Number(row.unpriced),
      app: row.app,
      agent: row.agent,
      key: row.key_name
    }))
  }

  async guardRates({ fromMs, toMs, org }: Omit<SessionQuery, 'limit'>): Promise<GuardRate[]> {
    const ofOrg = org === undefined ? sql`` : sql`and r.org = ${indexed(org)}`
    const joined = org === undefined ? sql`` : sql`join requests as r on r.id = v.request_id`
    const { rows } = await sql<Record<'guard' | 'calls' | 'hits' | 'errors' | 'took', string | number>>`
      select v.guard, count(distinct v.request_id) as calls,
        count(distinct case when v.action not in ('pass', 'error') then v.request_id end) as hits,
        count(distinct case when v.action = 'error' then v.request_id end) as errors, avg(v.took_ms) as took
      from request_verdicts as v ${joined}
      where v.started_at >= ${fromMs} and v.started_at < ${toMs} ${ofOrg}
      group by v.guard order by v.guard`.execute(this.#db)
    return rows.map(({ guard, calls, hits, errors, took }) => ({
      guard: String(guard),
      calls: Number(calls),
      hits: Number(hits),
      errors: Number(errors),
      tookMs: Math.round(Number(took) * 1_000) / 1_000
    }))
  }

  async #rows(
    from: From,
    filter: LogFilter,
    beyond: Sql | undefined,
    { order, limit }: { order: Sql; limit: number }
  ): Promise<RequestRow[]> {
    const conditions = [...from.conditions, ...conditionsOf(filter), ...(beyond ? [beyond] : [])]
    const where = conditions.length === 0 ? sql`` : sql`where ${all(conditions)}`
    const { rows } = await sql<RequestColumns>`select r.* from ${from.tables} ${where}
      order by ${order} limit ${limit}`.execute(this.#db)
    return rows.map(requestRow)
  }
}

interface SessionColumns extends Pick<RequestColumns, 'app' | 'agent' | 'key_name'> {
  session: string
  first: number
  last: number
  calls: number
  failed: number
  input_tokens: string
  output_tokens: string
  cost: string
  unpriced: number
}

/** What is read, and the columns that its order goes by. */
interface From {
  tables: Sql
  conditions: Sql[]
  at: Sql
  id: Sql
}

/**
 * Tags and verdicts have tables of their own, with the time in their indexes: a page of them begins there, where the
 * newest stand first, however rare they are.
 */
function fromOf(filter: LogFilter): From {
  const { tag } = filter
  const said = verdictConditions(filter)
  const beside = (table: Sql, conditions: Sql[]): From => ({
    tables: sql`${table} as t join requests as r on r.id = t.request_id`,
    conditions: [...conditions, ...inTime(filter, 't')],
    at: sql`t.started_at`,
    id: sql`t.request_id`
  })
  if (tag !== undefined) {
    const isSaid = sql`exists (select 1 from request_verdicts as v where v.request_id = r.id and ${all(said)})`
    return beside(sql`request_tags`, [sql`t.tag = ${tag}`, ...(said.length > 0 ? [isSaid] : [])])
  }
  if (said.length > 0) {
    const found = all([...said, ...inTime(filter, 'v')])
    return beside(sql`(select distinct v.started_at, v.request_id from request_verdicts as v where ${found})`, [])
  }
  return { tables: sql`requests as r`, conditions: inTime(filter, 'r'), at: sql`r.started_at`, id: sql`r.id` }
}

function conditionsOf({ is = {}, least = {}, most = {}, stream, unpriced, ids }: LogFilter): Sql[] {
  const conditions: Sql[] = []
  for (const [field, values] of Object.entries(is)) {
    conditions.push(oneOf(sql.ref(`r.${COLUMNS[field as LogField] ?? field}`), values))
  }
  // In so many words, for the index of what is not done.
  if (is.outcome && !is.outcome.includes('done')) conditions.push(sql`r.outcome <> 'done'`)
  for (const [figure, value] of Object.entries(least)) conditions.push(sql`${sql.ref(`r.${figure}`)} >= ${value}`)
  for (const [figure, value] of Object.entries(most)) conditions.push(sql`${sql.ref(`r.${figure}`)} <= ${value}`)
  if (stream !== undefined) conditions.push(sql`r.stream = ${stream ? 1 : 0}`)
  if (unpriced !== undefined) conditions.push(unpriced ? sql`r.cost_nano is null` : sql`r.cost_nano is not null`)
  if (ids) conditions.push(ids.length === 0 ? sql`1 = 0` : sql`r.id in (${sql.join(ids)})`)
  return conditions
}

function verdictConditions({ guard, rule, action }: LogFilter): Sql[] {
  const conditions = Object.entries({ guard, rule, action }).flatMap(([name, value]) =>
    value === undefined ? [] : [sql`${sql.ref(`v.${name}`)} = ${value}`]
  )
  // Who asks for a guard means what it found, not that it looked.
  if (conditions.length > 0 && action === undefined) conditions.push(sql`v.action <> 'pass'`)
  return conditions
}

function inTime({ fromMs, toMs }: LogFilter, table: 'r' | 't' | 'v'): Sql[] {
  const at = sql.ref(`${table}.started_at`)
  return [
    ...(fromMs === undefined ? [] : [sql`${at} >= ${fromMs}`]),
    ...(toMs === undefined ? [] : [sql`${at} < ${toMs}`])
  ]
}

function oneOf(column: Sql, values: readonly string[]): Sql {
  const named = values.filter(value => value !== '').map(indexed)
  if (named.length === 0) return sql`${column} is null`
  const isAny = named.length === 1 ? sql`${column} = ${named[0]}` : sql`${column} in (${sql.join(named)})`
  return named.length === values.length ? isAny : sql`(${isAny} or ${column} is null)`
}

function all(conditions: readonly Sql[]): Sql {
  return sql.join(conditions, sql` and `)
}
