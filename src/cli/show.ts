import type { Json, JsonObject } from '../json.ts'

/**
 * A text that moves no cursor and turns no line around: names in the stores may come from strangers. What is invisible
 * is written as `\u001b` is in JSON, so that this is right for JSON too.
 */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, character =>
    [...Array(character.length).keys()]
      .map(at => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join('')
  )
}

/** JSON for programs, and for people who look at it. */
export function jsonText(value: Json): string {
  return `${JSON.stringify(value, null, 2).split('\n').map(plain).join('\n')}\n`
}

/** Rows under the names of their members, the widest text of a column as its width. */
export function table(rows: readonly JsonObject[], columns: readonly string[]): string {
  if (rows.length === 0) return 'none\n'
  const cells = [columns.map(name => name.toUpperCase()), ...rows.map(row => columns.map(name => cell(row[name])))]
  const widths = columns.map((_, at) => Math.max(...cells.map(line => line[at]!.length)))
  return cells
    .map(
      line =>
        `${line
          .map((text, at) => text.padEnd(widths[at]!))
          .join('  ')
          .trimEnd()}\n`
    )
    .join('')
}

/** One thing: a line a member. */
export function record(row: JsonObject): string {
  const shown = Object.entries(row).filter(([, value]) => value !== undefined)
  const width = Math.max(0, ...shown.map(([name]) => name.length))
  return shown.map(([name, value]) => `${name.padEnd(width)}  ${cell(value)}\n`).join('')
}

function cell(value: Json | undefined): string {
  if (value === null || value === undefined) return '-'
  if (Array.isArray(value)) return value.map(cell).join(', ') || '-'
  if (typeof value === 'object') {
    const members = Object.entries(value).map(([name, member]) => `${plain(name)}: ${cell(member)}`)
    return members.join(', ') || '-'
  }
  return plain(String(value))
}
