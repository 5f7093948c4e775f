import { setImmediate as immediate } from 'node:timers/promises'
import * as z from 'zod'
import type { Page } from '../stores/stores.ts'

/** As query texts: a page of a list. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many at most.'),
  after: z.string().min(1).max(500).optional().describe('`next` of the page before.')
}

export function pageReply<Row extends z.ZodType>(row: Row) {
  return z.object({
    data: z.array(row),
    next: z.string().nullable().describe('Ask for `after` this to go on; null: that was all.')
  })
}

/** So many rows are made ready at one go: about a millisecond. */
const SLICE = 20

/** Rows as they leave, held to their schema; calls have their turn in between. */
export async function shownInSlices<Row, Shown extends z.ZodType>(
  rows: readonly Row[],
  schema: Shown,
  shown: (row: Row) => z.input<Shown>
): Promise<z.output<Shown>[]> {
  const ready: z.output<Shown>[] = []
  for (const [at, row] of rows.entries()) {
    if (at % SLICE === 0) await immediate()
    ready.push(schema.parse(shown(row)))
  }
  return ready
}

const PAGE = 1_000

/** Those of the file first, then those of the stores, each in its order, from behind `after`. */
export async function* rowsFrom<Row extends { id: string }>(
  declared: readonly Row[],
  list: (page: Page) => Promise<Row[]>,
  after: string | undefined
): AsyncGenerator<Row> {
  const at = declared.findIndex(({ id }) => id === after)
  if (after === undefined || at >= 0) yield* declared.slice(at + 1)
  let last = at >= 0 ? undefined : after
  const names = new Set(declared.map(({ id }) => id))
  for (;;) {
    const rows = await list({ after: last, limit: PAGE })
    // What the file declares wins over a row of the same name.
    for (const row of rows) if (!names.has(row.id)) yield row
    if (rows.length < PAGE) return
    last = rows.at(-1)!.id
  }
}

/** The first `limit` rows that may be seen, and what to ask for next. */
export async function pageOf<Row extends { id: string }>(
  rows: AsyncIterable<Row>,
  limit: number,
  isSeen: (row: Row) => boolean | Promise<boolean>
): Promise<{ data: Row[]; next: string | null }> {
  const data: Row[] = []
  for await (const row of rows) {
    if (!(await isSeen(row))) continue
    if (data.length === limit) return { data, next: data.at(-1)!.id }
    data.push(row)
  }
  return { data, next: null }
}
