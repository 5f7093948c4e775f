import { CompiledQuery, type Kysely } from 'kysely'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'

/** Rows of one statement at most: engines take some ten thousand parameters. */
const ROWS_MAX = 256

/** Texts of statements, by engine, table and number of rows: few, since the numbers are powers of two. */
const texts = new Map<string, string>()

export interface Insert {
  table: keyof Tables
  rows: readonly object[]
  /** What follows `on conflict`. */
  conflict: string
}

/**
 * Inserts many rows. A ledger has thousands a second: their statement is written once, by hand, instead of being built
 * from a tree at every batch. Only names of columns become text; every value is a parameter.
 */
export async function insertMany(db: Kysely<Tables>, engine: Engine['name'], insert: Insert): Promise<void> {
  const { rows, table, conflict } = insert
  if (rows.length === 0) return
  const columns = Object.keys(rows[0]!)
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(ROWS_MAX, 2 ** Math.floor(Math.log2(rows.length - at)))
    const name = `${engine} ${table} ${count} ${conflict}`
    const text = texts.get(name) ?? textOf(engine, table, columns, count, conflict)
    texts.set(name, text)
    const parameters = rows.slice(at, at + count).flatMap(row => columns.map(column => row[column as never]))
    await db.executeQuery(CompiledQuery.raw(text, parameters))
    at += count
  }
}

function textOf(engine: Engine['name'], table: string, columns: readonly string[], count: number, conflict: string) {
  const place = (at: number) => (engine === 'postgres' ? `$${at + 1}` : '?')
  const row = (at: number) => `(${columns.map((_, column) => place(at * columns.length + column)).join(', ')})`
  const values = Array.from({ length: count }, (_, at) => row(at)).join(', ')
  const names = columns.map(column => `"${column}"`).join(', ')
  return `insert into "${table}" (${names}) values ${values} on conflict ${conflict}`
}
