import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { LedgerStore } from '../stores/stores.ts'
import { Ingest } from './ingest.ts'
import type { Journal, Position, Written } from './journal.ts'
import { type Batch, Merging } from './merging.ts'
import { readSegment } from './reading.ts'

export interface ShipperOptions {
  journal: Journal
  ledger: Pick<LedgerStore, 'ingest'>
  log: Log
  /** Told of rows when they are in the ledger: for marks of when a key was used, and whom calls named. */
  onBatch?: (batch: Batch) => void
  /** Entries in memory, beyond which they are read from their files again. Default 20,000. */
  queueMax?: number
  /** Entries of a batch. Default 1,000. */
  batchMax?: number
  /** How long an entry waits for others to be shipped with. Default 200. */
  everyMs?: number
  /** Between two tries while the ledger cannot be reached: doubled at each, up to 25 times as long. Default 200. */
  retryMs?: number
}

const QUEUE_MAX = 20_000
const BATCH_MAX = 1_000
const EVERY_MS = 200
const RETRY_MS = 200
const RETRY_FACTOR_MAX = 25
const FLUSH_WITHIN_MS = 10_000
const FLUSH_RETRY_MS = 20
const CLOSE_WITHIN_MS = 5_000
/** A file with as much in the ledger is left for a new one, so that little is to be recovered after a crash. */
const SHIPPED_BYTES = 1024 * 1024

/**
 * Brings what the journal was told into the ledger, in batches, some time later and never in the way of a call. While
 * the ledger cannot be reached it tries again and again; what no longer fits in memory meanwhile is in the files.
 */
export class Shipper {
  readonly #options: ShipperOptions
  readonly #journal: Journal
  readonly #ingest: Ingest
  readonly #merging = new Merging()
  /** What is next, without a gap up to the end of the journal, unless `#isBehind`. */
  #queue: Written[] = []
  /** The queue was given up: what is next is read from the files at `#readTo`. */
  #isBehind = false
  #readTo: Position
  /** Taken from the queue or the files, and not yet in the ledger. */
  #batch: { rows: Batch; entries: number } | undefined
  #firstSegment: number
  #heard = 0
  #shipped = 0
  #failures = 0
  #round: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: ShipperOptions) {
    const { journal, ledger, log } = options
    this.#options = options
    this.#journal = journal
    this.#ingest = new Ingest({ ledger, log, refusedPath: journal.refusedPath })
    this.#readTo = journal.end
    this.#firstSegment = journal.end.segment
    journal.follow(written => this.#hear(written))
  }

  /** Entries that are not in the ledger yet. */
  get queued(): number {
    return this.#heard - this.#shipped
  }

  /** Rows that the ledger would not take; they are in a file beside the journal. */
  get refused(): number {
    return this.#ingest.refused
  }

  /** Ships all that the journal was told until now. Rejects where the ledger did not take it in time. */
  async flush(withinMs = FLUSH_WITHIN_MS): Promise<void> {
    const target = this.#heard
    const over = new AbortController()
    let problem: unknown = 'it does not answer'
    const late = sleep(withinMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`the ledger did not take all within ${withinMs} ms: ${problem}`, { cause: problem })
    })
    late.catch(() => {})
    const ship = () =>
      this.#ship().catch(async thrown => {
        problem = thrown
        await sleep(FLUSH_RETRY_MS)
      })
    try {
      while (this.#shipped < target) await Promise.race([ship(), late])
    } finally {
      over.abort()
    }
  }

  /**
   * Ships all that the journal was told until now, and lets go of its files: what is not over yet is written down anew.
   * Rows that the ledger refused are gone with it.
   */
  async settle(): Promise<void> {
    await this.flush()
    this.#journal.rotate()
    this.#tidy()
    rmSync(this.#journal.refusedPath, { force: true })
  }

  /** Ships what it can in that time, and then no more: the rest stays in the files, for the next process to recover. */
  async close(withinMs = CLOSE_WITHIN_MS): Promise<void> {
    if (this.#isClosed) return
    if (this.#heard > this.#shipped) {
      await this.flush(withinMs).catch(thrown => {
        this.#options.log.warn({ problem: String(thrown), queued: this.queued }, 'rows stay in the journal')
      })
    }
    this.#isClosed = true
    clearTimeout(this.#timer)
    // One that does not come back is not waited for: its rows are in the journal too.
    if (this.queued === 0) await this.#round?.catch(() => {})
    if (this.queued > 0 || this.#journal.open.size > 0) return
    // Nothing is left of a journal that is in the ledger.
    this.#journal.rotate()
    this.#tidy()
  }

  #hear(written: readonly Written[]): void {
    this.#heard += written.length
    if (!this.#isBehind) this.#queue.push(...written)
    if (this.#queue.length > (this.#options.queueMax ?? QUEUE_MAX)) {
      this.#isBehind = true
      this.#queue = []
    }
    if (this.#failures === 0 && this.#queue.length >= this.#batchMax) this.#wake(0)
    else if (!this.#timer) this.#wake(this.#options.everyMs ?? EVERY_MS)
  }

  get #batchMax(): number {
    return this.#options.batchMax ?? BATCH_MAX
  }

  #wake(afterMs: number): void {
    if (this.#isClosed || this.#round) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#ship().catch(() => {}), afterMs)
    this.#timer.unref()
  }

  /** One batch, the one under way or the next. Rejects where it was not taken; another try is arranged for. */
  #ship(): Promise<void> {
    this.#round ??= this.#shipNext().then(
      () => this.#roundOver(),
      thrown => {
        this.#roundOver(thrown)
        throw thrown
      }
    )
    return this.#round
  }

  #roundOver(thrown?: unknown): void {
    this.#round = undefined
    clearTimeout(this.#timer)
    this.#timer = undefined
    const { log, retryMs = RETRY_MS, everyMs = EVERY_MS } = this.#options
    if (thrown === undefined) {
      if (this.#failures > 0) log.info({ queued: this.queued }, 'the ledger takes rows again')
      this.#failures = 0
      if (this.queued > 0) this.#wake(this.#isBehind || this.#queue.length >= this.#batchMax ? 0 : everyMs)
      return
    }
    if (this.#failures === 0) log.warn({ problem: String(thrown), queued: this.queued }, 'the ledger takes no rows')
    this.#wake(retryMs * Math.min(2 ** this.#failures, RETRY_FACTOR_MAX))
    this.#failures++
  }

  async #shipNext(): Promise<void> {
    await this.#fillBatch()
    const batch = this.#batch
    if (!batch) return
    await this.#ingest.take(batch.rows)
    this.#batch = undefined
    this.#shipped += batch.entries
    this.#tidy()
    this.#options.onBatch?.(batch.rows)
  }

  /** A batch that was not taken gets company: who is alone cannot be told from a ledger that takes nothing. */
  async #fillBatch(): Promise<void> {
    const room = this.#batchMax - (this.#batch?.entries ?? 0)
    if (room <= 0) return
    const written = this.#isBehind ? await this.#readNext(room) : this.#queue.splice(0, room)
    const last = written.at(-1)
    if (!last) return
    this.#readTo = { segment: last.segment, offset: last.offset }
    const rows = this.#merging.take(written)
    const { attempts, requests, repeats } = this.#batch?.rows ?? NO_ROWS
    this.#batch = {
      // A later row of an attempt is the one that counts.
      rows: {
        attempts: [...new Map([...attempts, ...rows.attempts].map(row => [row.id, row])).values()],
        requests: [...requests, ...rows.requests],
        repeats: [...repeats, ...rows.repeats]
      },
      entries: (this.#batch?.entries ?? 0) + written.length
    }
  }

  /** What is next in the files. Once there is nothing more, memory is trusted again. */
  async #readNext(max: number): Promise<Written[]> {
    for (;;) {
      const { segment } = this.#readTo
      const until = this.#journal.end
      const written = await readSegment(this.#journal.pathOf(segment), this.#readTo, max)
      if (written.length > 0) return written
      if (segment < until.segment) this.#readTo = { segment: segment + 1, offset: 0 }
      else if (isSame(until, this.#journal.end)) {
        this.#isBehind = false
        this.#readTo = until
        // What could not be read cannot be waited for.
        this.#shipped = this.#heard - (this.#batch?.entries ?? 0)
        return []
      }
    }
  }

  /** Removes segments that are in the ledger, when all that was begun in them is over or is written down anew. */
  #tidy(): void {
    if (this.queued === 0 && this.#journal.end.offset >= SHIPPED_BYTES) this.#journal.rotate()
    while (this.#firstSegment < this.#readTo.segment || this.#isLeft(this.#firstSegment)) {
      if (!this.#carryOver(this.#firstSegment)) return
      this.#journal.remove(this.#firstSegment++)
    }
    if (this.#readTo.segment < this.#firstSegment) this.#readTo = { segment: this.#firstSegment, offset: 0 }
  }

  /** All of it is shipped, and the journal has gone on to another. */
  #isLeft(segment: number): boolean {
    return this.queued === 0 && segment < this.#journal.end.segment
  }

  /** Whether nothing needs the segment any more. */
  #carryOver(segment: number): boolean {
    const open = [...this.#merging.started.values()].filter(start => start.segment <= segment)
    if (open.length === 0) return true
    // One whose end is on its way to the ledger is waited for.
    if (this.#journal.full || !open.every(({ attempt }) => this.#journal.open.has(attempt.id))) return false
    this.#journal.append(open.map(({ attempt }) => ({ kind: 'started', attempt })))
    if (this.#journal.full) return false
    for (const start of open) start.segment = this.#journal.end.segment
    return true
  }
}

const NO_ROWS: Batch = { attempts: [], requests: [], repeats: [] }

function isSame(a: Position, b: Position): boolean {
  return a.segment === b.segment && a.offset === b.offset
}
