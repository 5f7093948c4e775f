import type { Freshness } from '../access/freshness.ts'
import type { Log } from '../log.ts'
import type { Stores, Table } from '../stores/stores.ts'
import type { Kept } from './kept.ts'

/** How often it is looked whether somebody told of a change, or a poll found one. */
const LOOK_MS = 250
const PAGE = 1_000

/**
 * Keeps what governs money in memory as the stores have it: calls must not wait for a query. Resolves when it has been
 * read for the first time; returns how to stop.
 */
export async function followGoverned(
  { stores, freshness, log }: { stores: Stores; freshness: Freshness; log: Log },
  kept: Kept
): Promise<() => void> {
  let known = freshness.generation
  let isReading = false
  const read = async () => {
    const generation = freshness.generation
    const [budgets, rateLimits, prices] = await Promise.all([
      all(stores.budgets),
      all(stores.rateLimits),
      all(stores.prices)
    ])
    kept.governed = Object.freeze({ budgets, rateLimits, prices })
    known = generation
  }
  await read()
  const timer = setInterval(() => {
    if (isReading || freshness.generation === known) return
    isReading = true
    read()
      .catch(thrown => log.warn({ why: String(thrown) }, 'budgets, limits and prices were not read again'))
      .finally(() => {
        isReading = false
      })
  }, LOOK_MS)
  timer.unref()
  return () => clearInterval(timer)
}

/** Every row of a table, page by page. */
export async function all<Row extends { id: string }>(table: Table<Row>): Promise<Row[]> {
  const rows: Row[] = []
  for (;;) {
    const page = await table.list({ after: rows.at(-1)?.id, limit: PAGE })
    rows.push(...page)
    if (page.length < PAGE) return rows
  }
}
