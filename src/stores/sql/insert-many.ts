import { CompiledQuery, type Kysely } from 'kysely'
import type { Engine } from './stores.ts'
import type { Tables } from './tables.ts'

/** Rows of one statement at most: engines take some ten thousand parameters. */
const ROWS_MAX = 256

/** Texts of statements, by engine, table, columns and number of rows: few, since the numbers are powers of two. */
const texts = new Map<string, string>()

/** Columns of each table that ever had a value here, in order. They only grow, so that statements stay the same ones. */
const used = new Map<keyof Tables, readonly string[]>()

export interface Insert {
  table: keyof Tables
  /** All with the same members: every column of the table that is not null by default. */
  rows: readonly object[]
  /** What follows `on conflict`. */
  conflict: string
}

/**
 * Inserts many rows. A ledger has thousands a second: their statement is written once, by hand, instead of being built
 * from a tree at every batch, and columns that no row has had a value in yet are left out of it. Only names of columns
 * become text; every value is a parameter.
 */
export async function insertMany(db: Kysely<Tables>, engine: Engine['name'], insert: Insert): Promise<void> {
  const { table, conflict } = insert
  const rows = insert.rows as readonly Columns[]
  if (rows.length === 0) return
  const columns = columnsOf(table, rows)
  for (let at = 0; at < rows.length; ) {
    const count = Math.min(ROWS_MAX, 2 ** Math.floor(Math.log2(rows.length - at)))
    const name = `${engine} ${table} ${columns.length} ${count} ${conflict}`
    const text = texts.get(name) ?? textOf(engine, table, columns, count, conflict)
    texts.set(name, text)
    const parameters: unknown[] = []
    for (const end = at + count; at < end; at++) for (const column of columns) parameters.push(rows[at]![column])
    await db.executeQuery(CompiledQuery.raw(text, parameters))
  }
}

type Columns = Readonly<Record<string, unknown>>

/** A column that is left out of an insert is null, and `excluded` has it as null too. */
function columnsOf(table: keyof Tables, rows: readonly Columns[]): readonly string[] {
  const known = used.get(table) ?? []
  const all = Object.keys(rows[0]!)
  if (known.length === all.length) return known
  const columns = all.filter(column => known.includes(column) || rows.some(row => row[column] !== null))
  if (columns.length === known.length) return known
  used.set(table, columns)
  return columns
}

function textOf(engine: Engine['name'], table: string, columns: readonly string[], count: number, conflict: string) {
  const place = (at: number) => (engine === 'postgres' ? `$${at + 1}` : '?')
  const row = (at: number) => `(${columns.map((_, column) => place(at * columns.length + column)).join(', ')})`
  const values = Array.from({ length: count }, (_, at) => row(at)).join(', ')
  const names = columns.map(column => `"${column}"`).join(', ')
  return `insert into "${table}" (${names}) values ${values} on conflict ${conflict}`
}
