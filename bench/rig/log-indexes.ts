import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'

/** Takes away every index of the rows that is not a key: to show that the bench notices. */
export async function dropIndexes({ path, databaseUrl }: { path: string; databaseUrl: string }): Promise<void> {
  if (databaseUrl) {
    const client = new pg.Client({ connectionString: databaseUrl })
    await client.connect()
    const { rows } = await client.query<{ name: string }>(
      "select indexname as name from pg_indexes where tablename in ('requests', 'attempts') and indexname not like '%_pkey'"
    )
    for (const { name } of rows) await client.query(`drop index "${name}"`)
    await client.end()
    return
  }
  const database = new DatabaseSync(path)
  const names = database
    .prepare(
      "select name from sqlite_master where type = 'index' and sql is not null and tbl_name in ('requests', 'attempts')"
    )
    .all()
  for (const { name } of names) database.exec(`drop index "${name}"`)
  database.close()
}
