import { type Kysely, sql } from 'kysely'
import type { RequestPlace } from '../bodies.ts'
import type { Subject } from '../stores.ts'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'
import { indexed } from './text.ts'

/** What stands where a name was. Never a pseudonym: rows that had it must not be joined by it. */
export const ERASED = 'erased'

const COLUMNS = { user: 'user_id', customer: 'customer', key: 'key_name' } as const

/** Requests that a subject is in, also those whose own row is not there (a process was killed). */
export async function placesOf(db: Kysely<Tables>, { kind, id }: Subject, limit: number): Promise<RequestPlace[]> {
  const column = sql.ref(COLUMNS[kind])
  const { rows } = await sql<{ id: string; at: number }>`
    select id, started_at as at from requests where ${column} = ${indexed(id)}
    union select request_id as id, min(started_at) as at from attempts where ${column} = ${indexed(id)} group by request_id
    limit ${limit}`.execute(db)
  const places = new Map(rows.map(row => [row.id, { requestId: row.id, atMs: Number(row.at) }]))
  return [...places.values()]
}

export async function callsOf(db: Kysely<Tables>, { kind, id }: Subject): Promise<number> {
  const column = sql.ref(COLUMNS[kind])
  const { rows } = await sql<{ count: number }>`select count(distinct request_id) as count from attempts
    where ${column} = ${indexed(id)}`.execute(db)
  const { rows: unsent } = await sql<{ count: number }>`select count(*) as count from requests as r
    where r.${column} = ${indexed(id)} and not exists (select 1 from attempts as a where a.request_id = r.id)`.execute(
    db
  )
  return Number(rows[0]!.count) + Number(unsent[0]!.count)
}

/** Takes out of these rows whatever names the subject, or was chosen by who called. What it cost, and whom else, stays. */
export async function eraseRows(db: Kysely<Tables>, { kind }: Subject, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return
  const column = sql.ref(COLUMNS[kind])
  const those = sql.join([...ids])
  const statements = [
    sql`delete from attempt_tags where attempt_id in (select id from attempts where request_id in (${those}))`,
    sql`delete from request_tags where request_id in (${those})`,
    sql`update requests set ${column} = ${ERASED}, session = null, trace = null, parent = null, app = null, tags = null,
      details = null where id in (${those})`,
    sql`update attempts set ${column} = ${ERASED}, session = null, tags = null where request_id in (${those})`,
    sql`update feedback set comment = null, label = null, key_name = null where request_id in (${those})`
  ]
  for (const statement of statements) await statement.execute(db)
}

/** What was erased leaves the files as well: what the log of changes still holds of it goes into them and is overwritten. */
export async function settle(db: Kysely<Tables>, engine: Engine['name']): Promise<void> {
  // PostgreSQL overwrites what is dead when it vacuums, by itself.
  if (engine === 'sqlite') await sql`pragma wal_checkpoint(truncate)`.execute(db)
}

/** Removes requests that began before then, and their attempts; at most so many. Resolves to how many they were. */
export async function dropBefore(db: Kysely<Tables>, ms: number, limit: number): Promise<number> {
  const { rows } = await sql<{ id: string }>`select id from requests where started_at < ${ms}
    order by started_at limit ${limit}`.execute(db)
  const old = await sql<{ id: string }>`select id from attempts where started_at < ${ms} and state = 'finished'
    order by started_at limit ${limit}`.execute(db)
  await removeAll(
    db,
    'requests',
    'request',
    rows.map(({ id }) => id)
  )
  await removeAll(
    db,
    'attempts',
    'attempt',
    old.rows.map(({ id }) => id)
  )
  return rows.length + old.rows.length
}

async function removeAll(
  db: Kysely<Tables>,
  table: 'requests' | 'attempts',
  name: 'request' | 'attempt',
  ids: readonly string[]
): Promise<void> {
  if (ids.length === 0) return
  const those = sql.join([...ids])
  await sql`delete from ${sql.table(`${name}_tags`)} where ${sql.ref(`${name}_id`)} in (${those})`.execute(db)
  if (name === 'request') {
    await sql`delete from request_verdicts where request_id in (${those})`.execute(db)
    await sql`delete from feedback where request_id in (${those})`.execute(db)
  }
  await sql`delete from ${sql.table(table)} where id in (${those})`.execute(db)
}
