import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { RequestPlace } from '../bodies.ts'
import {
  type AttemptRow,
  type BudgetUnit,
  type RepeatedCall,
  type RepeatedRequests,
  type RequestRow,
  rowsOfRepeats,
  type ScopeKind
} from '../rows.ts'
import type { LedgerBatch, LedgerStore, Page, Subject, UsageLine, UsageQuery } from '../stores.ts'
import { callsOf, dropBefore, eraseRows, placesOf, settle } from './erase.ts'
import { insertMany } from './insert-many.ts'
import { attemptColumns, attemptRow, requestColumns, requestRow } from './rows.ts'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'
import { indexed } from './text.ts'
import { usageOf } from './usage.ts'

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

  async ingest({ attempts, requests, repeats = [] }: LedgerBatch): Promise<void> {
    if (attempts.length + requests.length + repeats.length === 0) return
    const write = async (db: Kysely<Tables>) => {
      await putAttempts(db, this.#engine, latest(attempts))
      await putRequests(db, this.#engine, [...new Map(requests.map(row => [row.id, row])).values()])
      for (const each of repeats) await putRepeats(db, this.#engine, each)
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

  usage(query: UsageQuery): Promise<UsageLine[]> {
    return usageOf(this.#patient, this.#engine, query)
  }

  callsOf(subject: Subject): Promise<number> {
    return callsOf(this.#patient, subject)
  }

  placesOf(subject: Subject, limit: number): Promise<RequestPlace[]> {
    return placesOf(this.#patient, subject, limit)
  }

  erase(subject: Subject, requestIds: readonly string[]): Promise<void> {
    return eraseRows(this.#db, subject, requestIds)
  }

  settle(): Promise<void> {
    return settle(this.#db, this.#engine)
  }

  dropBefore(ms: number, limit: number): Promise<number> {
    return this.#db.transaction().execute(tx => dropBefore(tx, ms, limit))
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

/** As many rows with one text of JSON as with many parameters each, at half the work. */
async function putRepeats(db: Kysely<Tables>, engine: Engine['name'], repeats: RepeatedRequests): Promise<void> {
  const { request, calls } = repeats
  // Tags have rows of their own.
  if (engine !== 'sqlite' || request.payers.tags || request.verdicts.length > 0) {
    await putRequests(db, engine, rowsOfRepeats(repeats))
    return
  }
  const same = Object.entries(requestColumns(request)).filter(([name, value]) => value !== null && !OWN.has(name))
  const names = [...OWN.keys(), ...same.map(([name]) => name)].map(name => `"${name}"`)
  const values = [...OWN.values(), ...same.map(() => '?')]
  const text = `insert into "requests" (${names.join(', ')}) select ${values.join(', ')} from json_each(?) where true on conflict do nothing`
  for (let at = 0; at < calls.length; at += REPEATS_MAX) {
    const some = JSON.stringify(calls.slice(at, at + REPEATS_MAX).map(ownText))
    await db.executeQuery(CompiledQuery.raw(text, [...same.map(([, value]) => value), some]))
  }
}

/** Of one statement, so that the thread has time for others between. */
const REPEATS_MAX = 1_000

/** What of a repeated call is its own, in a text of columns: a text is read at half the cost of an array of JSON. */
function ownText([id, finishedAtMs, totalMs]: RepeatedCall): string {
  const startedAtMs = Math.round(finishedAtMs - totalMs)
  return `${text13(finishedAtMs)}${text13(startedAtMs)}${String(totalMs).padStart(10)}${id}`
}

const text13 = (ms: number) => String(ms).padStart(13)

/** Where it is in there, by column of the table; what it has the affinity of a number becomes one. */
const OWN: ReadonlyMap<string, string> = new Map([
  ['id', 'substr(value, 37)'],
  ['finished_at', 'substr(value, 1, 13)'],
  ['started_at', 'substr(value, 14, 13)'],
  ['total_ms', 'substr(value, 27, 10)'],
  ['first_token_ms', 'substr(value, 27, 10)'],
  ['admitted_ms', '0'],
  ['waited_ms', '0']
])

async function putRequests(db: Kysely<Tables>, engine: Engine['name'], rows: readonly RequestRow[]): Promise<void> {
  await insertMany(db, engine, { table: 'requests', rows: rows.map(requestColumns), conflict: 'do nothing' })
  const tags = rows.flatMap(({ id, startedAtMs, payers }) =>
    [...new Set(payers.tags)].map(tag => ({ tag, request_id: id, started_at: startedAtMs }))
  )
  await insertMany(db, engine, { table: 'request_tags', rows: tags, conflict: 'do nothing' })
  const verdicts = rows.flatMap(({ id, startedAtMs, verdicts }) =>
    verdicts.map(({ guard, rule, side, action, tookMs }) => {
      return { guard, rule: indexed(rule), side, action, request_id: id, started_at: startedAtMs, took_ms: tookMs }
    })
  )
  await insertMany(db, engine, { table: 'request_verdicts', rows: verdicts, conflict: 'do nothing' })
}
