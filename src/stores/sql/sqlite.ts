import { Kysely } from 'kysely'
import type { Stores } from '../stores.ts'
import { migrate } from './migrate.ts'
import { SqliteThread, sqliteDialect } from './sqlite-driver.ts'
import { type Engine, sqlStores } from './stores.ts'
import type { Tables } from './tables.ts'

/** One writer, in this process: its clock is the machine's, and a transaction is alone. */
const ENGINE: Omit<Engine, 'nowMs'> = { name: 'sqlite', lockAudit: () => Promise.resolve() }

/**
 * The stores in one file (`:memory:` in none), whose only process this is. Rejects where another has it, or where its
 * schema is too new.
 */
export async function openSqlite({ path, clock }: { path: string; clock: { wallMs(): number } }): Promise<Stores> {
  const db = new Kysely<Tables>({ dialect: sqliteDialect(await SqliteThread.open(path)) })
  try {
    await migrate(db, 'sqlite')
    const engine = { ...ENGINE, nowMs: () => Promise.resolve(clock.wallMs()) }
    if (path === ':memory:') return sqlStores(db, engine)
    // Reports read all of a month: neither rows nor keys wait for them.
    const thread = await SqliteThread.open(path, { reads: true })
    const reader = new Kysely<Tables>({ dialect: sqliteDialect(thread) })
    const close = async () => {
      // Kysely leaves alone what it never used.
      await thread.close()
      await db.destroy()
    }
    return { ...sqlStores(db, engine, reader), close }
  } catch (thrown) {
    await db.destroy()
    throw thrown
  }
}
