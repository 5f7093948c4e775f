/** Exports: a line a row, written as it is read. */

export async function* jsonLines(rows: AsyncIterable<object>): AsyncGenerator<string> {
  for await (const row of rows) yield `${JSON.stringify(row)}\n`
}

/** Comma-separated values (RFC 4180): these columns, of rows whose nested members are found by a dotted name. */
export async function* csvLines(columns: readonly string[], rows: AsyncIterable<object>): AsyncGenerator<string> {
  yield `${columns.map(csvCell).join(',')}\r\n`
  for await (const row of rows) yield `${columns.map(column => csvCell(memberOf(row, column))).join(',')}\r\n`
}

function memberOf(row: object, path: string): unknown {
  let value: unknown = row
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Object.hasOwn(value, name) ? value[name as keyof typeof value] : undefined
  }
  return value
}

/**
 * A cell that no spreadsheet runs: what begins like a formula gets an apostrophe before it, also behind white space. The
 * rows hold names that strangers chose.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = Array.isArray(value)
    ? value.join(' ')
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value)
  const safe = typeof value !== 'number' && /^\s*[=+\-@|%]|^[\t\r\n]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe
}
