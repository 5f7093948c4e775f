import { appendFileSync } from 'node:fs'
import type { Log } from '../log.ts'
import { type AttemptRow, type RequestRow, rowsOfRepeats } from '../stores/rows.ts'
import type { LedgerStore } from '../stores/stores.ts'
import type { Batch } from './merging.ts'

export interface IngestOptions {
  ledger: Pick<LedgerStore, 'ingest'>
  log: Log
  /** Where rows are put that the ledger would not take: a line of JSON each. */
  refusedPath: string
  /** After so many failures in a row it is asked whether it is one row's fault. Default 3. */
  patience?: number
}

const PATIENCE = 3
/** As many rows that fail alone, and none that was taken: it is the store. */
const ALONE_MAX = 2

type Row = { attempt: AttemptRow } | { request: RequestRow }

/** Gives batches to the ledger, and takes out a row that it would not take: all others would wait behind it for ever. */
export class Ingest {
  readonly #options: IngestOptions
  #failures = 0
  refused = 0

  constructor(options: IngestOptions) {
    this.#options = options
  }

  /** Rejects where the ledger takes nothing now. */
  async take(batch: Batch): Promise<void> {
    if (batch.attempts.length + batch.requests.length + batch.repeats.length === 0) return
    try {
      await this.#options.ledger.ingest(batch)
    } catch (thrown) {
      if (++this.#failures < (this.#options.patience ?? PATIENCE)) throw thrown
      await this.#apart(rowsOf(batch), thrown)
    }
    this.#failures = 0
  }

  async #apart(rows: readonly Row[], thrown: unknown): Promise<void> {
    const refused: Row[] = []
    let taken: Row | undefined
    const halve = async (some: readonly Row[]): Promise<void> => {
      if (taken === undefined && refused.length >= ALONE_MAX) throw thrown
      const isTaken = await this.#isTaken(some)
      if (isTaken) taken ??= some[0]
      else if (some.length === 1) refused.push(some[0]!)
      else {
        const middle = some.length >> 1
        await halve(some.slice(0, middle))
        await halve(some.slice(middle))
      }
    }
    await halve(rows)
    // That the store is there at the end too shows that it was there for those it did not take.
    if (taken === undefined || !(await this.#isTaken([taken]))) throw thrown
    for (const row of refused) if (!(await this.#isTaken([row]))) this.#setAside(row, thrown)
  }

  async #isTaken(rows: readonly Row[]): Promise<boolean> {
    const attempts = rows.flatMap(row => ('attempt' in row ? [row.attempt] : []))
    const requests = rows.flatMap(row => ('request' in row ? [row.request] : []))
    return await this.#options.ledger.ingest({ attempts, requests }).then(
      () => true,
      () => false
    )
  }

  #setAside(row: Row, thrown: unknown): void {
    const { log, refusedPath } = this.#options
    this.refused++
    appendFileSync(refusedPath, `${JSON.stringify(row)}\n`, { mode: 0o600 })
    log.error({ problem: String(thrown), file: refusedPath }, 'the ledger refuses a row: it was set aside')
  }
}

function rowsOf({ attempts, requests, repeats }: Batch): Row[] {
  const all = [...requests, ...repeats.flatMap(rowsOfRepeats)]
  return [...attempts.map(attempt => ({ attempt })), ...all.map(request => ({ request }))]
}
