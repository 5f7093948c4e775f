import { type Kysely, sql } from 'kysely'
import { begin } from './migrations/0001-begin.ts'
import { idempotency } from './migrations/0002-idempotency.ts'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'

/** In order; what was released is never changed, only added to. */
const MIGRATIONS = [begin, idempotency] as const

/**
 * A version of the gateway works on a schema that is one migration newer: replicas are replaced one after another. So a
 * migration only adds; what nobody reads any more goes with the one after.
 */
const AHEAD_MAX = 1

/** Any number that no other program is likely to lock. */
const LOCK = 4_242_015_005

/** Brings the schema up to this version, in one transaction and under a lock. Throws where it is too new for us. */
export async function migrate(db: Kysely<Tables>, engine: Engine['name']): Promise<void> {
  await db.transaction().execute(async tx => {
    if (engine === 'postgres') await sql`select pg_advisory_xact_lock(${sql.lit(LOCK)})`.execute(tx)
    await sql`create table if not exists migrations (number integer primary key)`.execute(tx)
    const { newest } = await tx
      .selectFrom('migrations')
      .select(({ fn }) => fn.max('number').as('newest'))
      .executeTakeFirstOrThrow()
    const present = Number(newest ?? 0)
    const known = MIGRATIONS.at(-1)!.number
    if (present > known + AHEAD_MAX) {
      throw new Error(
        `the database is of a newer version (migration ${present}, and this gateway knows ${known}): start a newer one`
      )
    }
    for (const { number, up } of MIGRATIONS) {
      if (number <= present) continue
      await up(tx as unknown as Kysely<never>, engine)
      await tx.insertInto('migrations').values({ number }).execute()
    }
  })
}
