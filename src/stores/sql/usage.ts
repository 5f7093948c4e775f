import { type Kysely, type RawBuilder, sql } from 'kysely'
import type { Percentiles, UsageGroup, UsageLine, UsageQuery } from '../stores.ts'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'
import { indexed } from './text.ts'

type Row = Record<string, string | number | null>
type Sql = RawBuilder<unknown>

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const WEEK_MS = 7 * DAY_MS
/** The first Monday since 1970. */
const MONDAY_MS = 4 * DAY_MS

/** Groups that are times, by their length and where the first of them begins. */
const TIMES: Partial<Record<UsageGroup, { lengthMs: number; fromMs: number }>> = {
  minute: { lengthMs: MINUTE_MS, fromMs: 0 },
  hour: { lengthMs: HOUR_MS, fromMs: 0 },
  day: { lengthMs: DAY_MS, fromMs: 0 },
  week: { lengthMs: WEEK_MS, fromMs: MONDAY_MS }
}

/** In which column a scope is. Tags, guards and labels are in tables of their own. */
const COLUMNS: Partial<Record<UsageGroup, string>> = { user: 'user_id', key: 'key_name' }

/** Groups that a row may be in several of, or in none: each is a table beside the rows, with one line for each of both. */
const BESIDE: Partial<Record<UsageGroup, Record<UsageQuery['of'], Sql | undefined>>> = {
  tag: {
    attempts: sql`(select attempt_id as id, tag as name, started_at from attempt_tags)`,
    requests: sql`(select request_id as id, tag as name, started_at from request_tags)`
  },
  guard: {
    attempts: undefined,
    requests: sql`(select distinct request_id as id, guard as name from request_verdicts where action <> 'pass')`
  },
  label: {
    attempts: undefined,
    requests: sql`(select distinct request_id as id, label as name from feedback where label is not null)`
  }
}

/** Shares of the rows that are as fast or faster. */
const SHARES = [0.5, 0.9, 0.95, 0.99]

/** What was used, as the ledger's rows have it. Either attempts or requests: never both in one figure. */
export async function usageOf(db: Kysely<Tables>, engine: Engine['name'], query: UsageQuery): Promise<UsageLine[]> {
  const { of, groupBy, limit } = query
  const groups = groupBy.map(name => ({ name, column: groupColumn(name, of) }))
  const by = groups.length === 0 ? sql`` : sql`group by ${sql.join(groups.map(({ column }) => column))}`
  const selected = groups.map(({ name, column }) => sql`${column} as ${sql.ref(`by_${name}`)}`)
  const ranks = [
    sql`${percentiles(engine, totalMs(of))} as total_ranks`,
    sql`${percentiles(engine, sql`r.first_token_ms`)} as first_ranks`
  ]
  const columns = sql.join([...selected, figuresOf(of), ...(query.percentiles ? ranks : [])])
  const { rows } = await sql<Row>`select ${columns} from ${fromOf(query)} ${by}
    order by coalesce(sum(r.cost_nano), 0) desc, count(*) desc limit ${limit}`.execute(db)
  return rows.map(row => {
    const line = usageLine(row, groupBy)
    if (!query.percentiles) return line
    return {
      ...line,
      percentiles: { totalMs: percentilesIn(row.total_ranks), firstTokenMs: percentilesIn(row.first_ranks) }
    }
  })
}

/** Values at these shares of a group, as a JSON array: the engine's own aggregate, or the one of our thread. */
function percentiles(engine: Engine['name'], figure: Sql): Sql {
  const shares = JSON.stringify(SHARES)
  return engine === 'postgres'
    ? sql`array_to_json(percentile_disc(${sql.raw(`array${shares}`)}::double precision[]) within group (order by ${figure}))::text`
    : sql`percentiles(${figure}, ${sql.lit(shares)})`
}

function percentilesIn(text: string | number | null | undefined): Percentiles | null {
  const [p50, p90, p95, p99] = typeof text === 'string' ? (JSON.parse(text) as number[]) : []
  return p50 === undefined || p50 === null ? null : { p50, p90: p90!, p95: p95!, p99: p99! }
}

function totalMs(of: UsageQuery['of']): Sql {
  return of === 'requests' ? sql`r.total_ms` : sql`(r.finished_at - r.started_at)`
}

/** The rows that are asked about, with what stands beside them. */
function fromOf({ of, fromMs, toMs, groupBy, where }: UsageQuery): Sql {
  const inTime = sql`started_at >= ${fromMs} and started_at < ${toMs}`
  const conditions: Sql[] = [sql`r.started_at >= ${fromMs}`, sql`r.started_at < ${toMs}`]
  for (const [kind, value] of Object.entries(where)) {
    if (kind === 'tag') {
      conditions.push(sql`r.id in (select id from ${BESIDE.tag![of]} as t where t.name = ${value} and ${inTime})`)
    } else conditions.push(sql`${sql.ref(`r.${COLUMNS[kind as UsageGroup] ?? kind}`)} = ${indexed(value)}`)
  }
  const joins = groupBy.flatMap(name => {
    const beside = BESIDE[name]?.[of]
    return beside
      ? [sql`left join ${beside} as ${sql.ref(`beside_${name}`)} on ${sql.ref(`beside_${name}.id`)} = r.id`]
      : []
  })
  if (of === 'requests') {
    joins.push(sql`left join (select request_id, count(score) as scores, sum(score) as score_sum from feedback
      group by request_id) as f on f.request_id = r.id`)
  }
  return sql`${sql.table(of)} as r ${sql.join(joins, sql` `)} where ${sql.join(conditions, sql` and `)}`
}

/** One row for each group. Sums over many rows are texts: they may be larger than a safe integer. */
function figuresOf(of: UsageQuery['of']): Sql {
  const isRequest = of === 'requests'
  const whole = (column: string) => sql`cast(coalesce(sum(${sql.ref(`r.${column}`)}), 0) as text) as ${sql.ref(column)}`
  const tokens = ['input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens']
  const paced = sql`r.outcome = 'done' and r.first_token_ms is not null and ${totalMs(of)} > r.first_token_ms`
  return sql`count(*) as count, ${sql.join(tokens.map(whole))},
    cast(coalesce(sum(r.cost_nano), 0) as text) as cost,
    sum(case when r.cost_nano is null then 1 else 0 end) as unpriced,
    ${isRequest ? sql`0` : sql`sum(case when r.usage_source = 'estimated' then 1 else 0 end)`} as estimated,
    sum(case when r.outcome = 'failed' then 1 else 0 end) as failed,
    ${isRequest ? CACHED : NOT_CACHED},
    cast(coalesce(sum(case when r.outcome <> 'done' then r.cost_nano end), 0) as text) as waste,
    coalesce(sum(case when ${paced} then ${totalMs(of)} - r.first_token_ms end), 0) as generation_ms,
    cast(coalesce(sum(case when ${paced} then r.output_tokens end), 0) as text) as generated_tokens,
    ${isRequest ? sql`coalesce(sum(f.scores), 0)` : sql`0`} as scores,
    ${isRequest ? sql`coalesce(sum(f.score_sum), 0)` : sql`0`} as score_sum`
}

/** What calls of clients were given of the cache, and saved. */
const CACHED = sql`
    sum(case when r.cache in ('hit', 'semantic', 'coalesced') then 1 else 0 end) as cached,
    cast(coalesce(sum(r.saved_nano), 0) as text) as saved,
    coalesce(sum(r.saved_ms), 0) as saved_ms,
    cast(coalesce(sum(r.prompt_saved_nano), 0) as text) as prompt_saved`
const NOT_CACHED = sql`0 as cached, '0' as saved, 0 as saved_ms, '0' as prompt_saved`

function groupColumn(name: UsageGroup, of: UsageQuery['of']): Sql {
  const time = TIMES[name]
  if (time) return sql`r.started_at - (r.started_at - ${sql.lit(time.fromMs)}) % ${sql.lit(time.lengthMs)}`
  if (BESIDE[name]) return sql.ref(`beside_${name}.name`)
  if (name === 'failure' && of === 'requests') return sql`r.code`
  if (name === 'route') return sql`r.model_asked`
  return sql.ref(`r.${COLUMNS[name] ?? name}`)
}

function groupOf(row: Row, groupBy: readonly UsageGroup[]): Record<string, string | null> {
  const group: Record<string, string | null> = {}
  for (const name of groupBy) {
    const value = row[`by_${name}`] ?? null
    group[name] = value === null ? null : TIMES[name] ? new Date(Number(value)).toISOString() : String(value)
  }
  return group
}

function usageLine(row: Row, groupBy: readonly UsageGroup[]): UsageLine {
  const number = (name: string) => Number(row[name] ?? 0)
  return {
    group: groupOf(row, groupBy),
    count: number('count'),
    inputTokens: number('input_tokens'),
    outputTokens: number('output_tokens'),
    cacheReadTokens: number('cache_read_tokens'),
    cacheWriteTokens: number('cache_write_tokens'),
    reasoningTokens: number('reasoning_tokens'),
    costNano: BigInt(row.cost ?? 0),
    unpriced: number('unpriced'),
    estimated: number('estimated'),
    failed: number('failed'),
    cached: number('cached'),
    savedNano: BigInt(row.saved ?? 0),
    savedMs: number('saved_ms'),
    promptSavedNano: BigInt(row.prompt_saved ?? 0),
    wasteNano: BigInt(row.waste ?? 0),
    generationMs: number('generation_ms'),
    generatedTokens: number('generated_tokens'),
    scores: number('scores'),
    scoreSum: number('score_sum')
  }
}
