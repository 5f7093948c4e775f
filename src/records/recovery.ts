import { readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Log } from '../log.ts'
import type { AttemptRow } from '../stores/rows.ts'
import type { LedgerStore } from '../stores/stores.ts'
import { decode } from './entries.ts'
import { Ingest } from './ingest.ts'
import { finishedRow, Merging } from './merging.ts'
import { isRunning, listSegments } from './segments.ts'

export interface RecoverOptions {
  /** Of the journals. */
  directory: string
  ledger: Pick<LedgerStore, 'ingest' | 'attempt'>
  log: Log
}

export interface Recovered {
  files: number
  entries: number
  /** Attempts that were begun and whose end nobody wrote down: charged with their hold. */
  lost: number
  /** Ends of attempts that nobody began: their beginning could not be read. */
  orphans: number
  /** Lines that could not be read, amid others; their files are kept as `*.corrupt`. */
  corrupt: number
}

const BATCH_ENTRIES = 1_000

/**
 * Brings into the ledger what processes that are no more left in their journals. Before any call is taken; as often as
 * one likes, also where it was itself broken off. Rejects where the ledger does not take it, and leaves the files then.
 */
export async function recover({ directory, ledger, log }: RecoverOptions): Promise<Recovered> {
  const segments = (await listSegments(directory)).filter(({ instance }) => !isRunning(instance))
  const merging = new Merging()
  const ingest = new Ingest({ ledger, log, refusedPath: path.join(directory, 'recovered.refused'), patience: 1 })
  const found: Recovered = { files: segments.length, entries: 0, lost: 0, orphans: 0, corrupt: 0 }
  const damaged = new Set<string>()
  for (const { file } of segments) {
    const { entries, corrupt } = decode(await readFile(path.join(directory, file)))
    found.entries += entries.length
    found.corrupt += corrupt
    if (corrupt > 0) damaged.add(file)
    for (let at = 0; at < entries.length; at += BATCH_ENTRIES) {
      const some = entries.slice(at, at + BATCH_ENTRIES)
      await ingest.take(merging.take(some.map(({ entry }) => ({ entry, segment: 0 }))))
    }
  }
  const lost = [...merging.started.values()].map(({ attempt }) => lostRow(attempt))
  const ended: AttemptRow[] = []
  for (const [id, end] of merging.finished) {
    const attempt = await ledger.attempt(id)
    if (!attempt) found.orphans++
    else if (attempt.state === 'started') ended.push(finishedRow(attempt, end))
  }
  await ingest.take({ attempts: [...lost, ...ended], requests: [], repeats: [] })
  found.lost = lost.length
  for (const { file } of segments) {
    const at = path.join(directory, file)
    await (damaged.has(file) ? rename(at, `${at}.corrupt`) : rm(at))
  }
  const { orphans, corrupt } = found
  if (orphans + corrupt > 0) log.error({ ...found }, 'parts of the journal could not be read')
  return found
}

/**
 * Attempts that began before then and have no end, of processes whose journal is gone too (a replica that went with its
 * disk): charged with their hold. To be called with a time that no call lasts. Returns how many.
 */
export async function markLost(
  ledger: Pick<LedgerStore, 'ingest' | 'started'>,
  beforeMs: number,
  limit = BATCH_ENTRIES
): Promise<number> {
  const attempts = (await ledger.started(beforeMs, limit)).filter(({ outcome }) => outcome === null).map(lostRow)
  if (attempts.length > 0) await ledger.ingest({ attempts, requests: [] })
  return attempts.length
}

/** Nobody can say what it came to: it has cost all that was held for it. It stays `started`, until its end is found. */
function lostRow(attempt: AttemptRow): AttemptRow {
  return { ...attempt, costNano: attempt.heldNano, usageSource: 'estimated', outcome: 'lost' }
}
