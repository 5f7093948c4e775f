import { type Kysely, sql } from 'kysely'
import type { CachePurge } from '../cache.ts'
import type { OrderedPurge, PurgeLog } from '../stores.ts'
import type { Tables } from './tables.ts'

const LAST = 'cache_purges'

/**
 * The number is raised in a row of its own, which stays locked until the transaction is over: so purges are seen in the
 * order of their numbers, without gaps, and a number is never given twice, though all rows may have been dropped.
 */
export class SqlPurgeLog implements PurgeLog {
  readonly #db: Kysely<Tables>

  constructor(db: Kysely<Tables>) {
    this.#db = db
  }

  append(what: CachePurge, atMs: number): Promise<number> {
    const write = async (db: Kysely<Tables>) => {
      const raised = sql<string>`cast(cast(value as bigint) + 1 as text)`
      await db.updateTable('meta').set({ value: raised }).where('name', '=', LAST).execute()
      const seq = await lastOf(db)
      await db
        .insertInto('cache_purges')
        .values({ seq, at: atMs, what: JSON.stringify(what) })
        .execute()
      return seq
    }
    return this.#db.isTransaction ? write(this.#db) : this.#db.transaction().execute(write)
  }

  async after(seq: number, limit: number): Promise<OrderedPurge[]> {
    const query = this.#db.selectFrom('cache_purges').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit)
    return (await query.execute()).map(row => ({
      seq: row.seq,
      atMs: row.at,
      what: JSON.parse(row.what) as CachePurge
    }))
  }

  last(): Promise<number> {
    return lastOf(this.#db)
  }

  async dropBefore(ms: number): Promise<number> {
    const { numDeletedRows } = await this.#db.deleteFrom('cache_purges').where('at', '<', ms).executeTakeFirstOrThrow()
    return Number(numDeletedRows)
  }
}

async function lastOf(db: Kysely<Tables>): Promise<number> {
  return Number((await db.selectFrom('meta').select('value').where('name', '=', LAST).executeTakeFirstOrThrow()).value)
}
