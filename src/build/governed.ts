import type { Freshness } from '../access/freshness.ts'
import type { Log } from '../log.ts'
import type { Stores, Table } from '../stores/stores.ts'
import type { Kept } from './kept.ts'

/** How soon it is tried again where the stores could not be read. */
const RETRY_MS = 250
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
  let reading: Promise<void> | undefined
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
  kept.refreshed = async () => {
    // A change during a reading may have come too late for it.
    while (freshness.generation !== known) {
      reading ??= read().finally(() => {
        reading = undefined
      })
      await reading
    }
  }
  const refresh = () =>
    void kept
      .refreshed()
      .catch(thrown => log.warn({ why: String(thrown) }, 'budgets, limits and prices were not read again'))
  await read()
  const stop = freshness.onChange(refresh)
  const timer = setInterval(refresh, RETRY_MS)
  timer.unref()
  return () => {
    stop()
    clearInterval(timer)
  }
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
