import type { Log } from '../log.ts'
import { Journal } from '../records/journal.ts'
import type { Batch } from '../records/merging.ts'
import { Shipper } from '../records/shipping.ts'
import type { TenantKind } from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'
import type { Ledger } from './kept.ts'

export interface LedgerOptions {
  stores: Stores
  /** Of the journals. */
  directory: string
  durable: 'kernel' | 'strict'
  log: Log
  /** Nothing is written to the journal, to show that a proof notices. */
  isBroken?: boolean
}

/** Customers and agents that are known to be known. */
const SEEN_MAX = 10_000

/** The journal, and what brings it into the ledger (D4). */
export function openLedger({
  stores,
  directory,
  durable,
  log,
  isBroken
}: LedgerOptions): Ledger & { close(): Promise<void> } {
  const journal = new Journal({
    directory,
    log,
    durable: durable === 'strict' ? 'strict' : 'process',
    ...(isBroken && { write: (_, bytes) => bytes.length })
  })
  const seen = new Set<string>()
  const onBatch = ({ requests, repeats }: Batch) => {
    const found: { kind: TenantKind; id: string; org: string | null; atMs: number }[] = []
    for (const { payers, startedAtMs } of [...requests, ...repeats.map(({ request }) => request)]) {
      for (const kind of ['customer', 'agent'] as const) {
        const id = payers[kind]
        if (id === undefined || seen.has(`${kind} ${id}`)) continue
        if (seen.size >= SEEN_MAX) seen.clear()
        seen.add(`${kind} ${id}`)
        found.push({ kind, id, org: null, atMs: startedAtMs })
      }
    }
    if (found.length === 0) return
    stores.tenants.seen(found).catch(thrown => log.warn({ why: String(thrown) }, 'not written down: who was seen'))
  }
  let gather = () => {}
  const shipper = new Shipper({ journal, ledger: stores.ledger, log, onBatch })
  return {
    started: row => journal.started(row),
    finished: (id, end) => journal.finished(id, end),
    request: (row, ended) => journal.request(row, ended),
    repeated: repeats => journal.repeated(repeats),
    get full() {
      return journal.full
    },
    gather(rest) {
      gather = rest
    },
    flush(withinMs) {
      gather()
      return shipper.flush(withinMs)
    },
    settle() {
      gather()
      return shipper.settle()
    },
    async close() {
      gather()
      await shipper.close()
      journal.close()
    }
  }
}
