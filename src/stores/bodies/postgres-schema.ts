import type { PoolClient } from 'pg'
import { dayName, dayNamed } from './days.ts'

/** Held by all who make or drop tables, or erase; shared by all who put: what is known to be there stays until they end. */
const CONTENT_LOCK = 4_242_015_011
/** Nobody waits for a table longer than this, with all others waiting behind. */
const LOCK_WAIT_MS = 5_000

/**
 * Bodies live for days: another shape of these tables will have other names, and these go with their last partition.
 * Pieces are compressed by us, so the server need not try.
 */
const TABLES = [
  `create table if not exists body_piece (
    day integer not null, digest bytea not null, packing smallint not null, data bytea not null,
    primary key (day, digest)
  ) partition by list (day)`,
  'alter table body_piece alter column data set storage external',
  `create table if not exists body_node (
    day integer not null, digest bytea not null, parent bytea, glue bytea not null, child bytea,
    is_list boolean not null, primary key (day, digest)
  ) partition by list (day)`,
  `create table if not exists body_request (
    day integer not null, request_id text not null, at_ms bigint not null, session text, org text,
    level text not null, dialect text not null, brought bytea not null, words tsvector not null,
    slots text[] not null, roots bytea[] not null, endings bytea[] not null,
    primary key (day, request_id)
  ) partition by list (day)`,
  'create index if not exists body_request_at on body_request (at_ms desc, request_id desc)',
  // What is not yet in the index proper is read through by every search, and its pages stay: a little only.
  'create index if not exists body_request_words on body_request using gin (words) with (gin_pending_list_limit = 256)'
]

/** In the order in which who puts uses them: who drops cannot meet him half-way. */
const PARENTS = ['body_node', 'body_piece', 'body_request']

export async function createTables(client: PoolClient): Promise<void> {
  await alone(client, async () => {
    const { rows } = await client.query(`select to_regclass('body_request_words') is not null as there`)
    if (rows[0].there) return
    for (const statement of TABLES) await client.query(statement)
  })
}

/** Attached when they are whole: a lock on the parent that nobody who reads or writes waits for. */
export async function createPartitions(client: PoolClient, days: readonly number[]): Promise<void> {
  await alone(client, async () => {
    for (const day of days) {
      for (const parent of PARENTS) {
        const name = partitionName(parent, day)
        const { rows } = await client.query('select to_regclass($1) is not null as there', [name])
        if (rows[0].there) continue
        await client.query(`create table ${name} (like ${parent} including all)`)
        await client.query(`alter table ${parent} attach partition ${name} for values in (${day})`)
      }
    }
  })
}

/** Days that are there, oldest first. */
export async function partitionDays(client: Pick<PoolClient, 'query'>): Promise<number[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid
     where inhparent = to_regclass('body_request') order by relname`
  )
  return rows.flatMap(({ name }) => {
    const [, year, month, date] = /_(\d{4})(\d\d)(\d\d)$/.exec(name) ?? []
    return dayNamed(`${year}-${month}-${date}`) ?? []
  })
}

/** Resolves to the bytes that they took; 0 where another replica was faster. */
export async function dropPartitions(client: PoolClient, day: number): Promise<number> {
  let bytes = 0
  await alone(client, async () => {
    bytes = await partitionBytes(client, day)
    await client.query(`drop table if exists ${PARENTS.map(parent => partitionName(parent, day)).join(', ')}`)
  })
  return bytes
}

export async function partitionBytes(client: Pick<PoolClient, 'query'>, day: number): Promise<number> {
  const { rows } = await client.query(
    'select coalesce(sum(pg_total_relation_size(to_regclass(name))), 0)::bigint as bytes from unnest($1::text[]) name',
    [PARENTS.map(parent => partitionName(parent, day))]
  )
  return Number(rows[0].bytes)
}

export function partitionName(parent: string, day: number): string {
  return `${parent}_${dayName(day).replaceAll('-', '')}`
}

/** In a transaction that is the only one to touch the content. */
export async function alone(client: PoolClient, work: () => Promise<void>): Promise<void> {
  await transaction(client, async () => {
    await client.query(`set local lock_timeout = ${LOCK_WAIT_MS}`)
    await client.query('select pg_advisory_xact_lock($1)', [CONTENT_LOCK])
    await work()
  })
}

/** In a transaction beside others who put. */
export async function beside(client: PoolClient, work: () => Promise<void>): Promise<void> {
  await transaction(client, async () => {
    await client.query('select pg_advisory_xact_lock_shared($1)', [CONTENT_LOCK])
    await work()
  })
}

async function transaction(client: PoolClient, work: () => Promise<void>): Promise<void> {
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (thrown) {
    await client.query('rollback').catch(() => {})
    throw thrown
  }
}
