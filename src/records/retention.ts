import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { LedgerStore } from '../stores/stores.ts'

export interface RetentionOptions {
  ledger: Pick<LedgerStore, 'dropBefore'>
  clock: Clock
  log: Log
  /** Rows of calls are kept for so long, in milliseconds; undefined: for ever. */
  keepMs: number | undefined
}

const EVERY_MS = 3_600_000
/** So many rows at one go: a writer waits for no longer than that takes. */
const BATCH = 1_000
const PAUSE_MS = 50

/** Removes rows of calls that are older than they are kept, every hour. Replicas may do it beside each other. */
export class Retention {
  readonly #options: RetentionOptions
  readonly #leaving = new AbortController()
  #round: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
    if (options.keepMs === undefined) return
    this.#timer = setInterval(() => void this.look(), EVERY_MS)
    this.#timer.unref()
    void this.look()
  }

  /** One round; the one under way where there is one. Never rejects. */
  look(): Promise<void> {
    this.#round ??= this.#drop().finally(() => {
      this.#round = undefined
    })
    return this.#round
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    this.#leaving.abort()
    await this.#round
  }

  async #drop(): Promise<void> {
    const { ledger, clock, log, keepMs } = this.#options
    if (keepMs === undefined) return
    const beforeMs = clock.wallMs() - keepMs
    let dropped = 0
    try {
      while (!this.#leaving.signal.aborted) {
        const count = await ledger.dropBefore(beforeMs, BATCH)
        dropped += count
        if (count === 0) break
        await sleep(PAUSE_MS, undefined, { signal: this.#leaving.signal }).catch(() => {})
      }
    } catch (thrown) {
      log.warn({ why: String(thrown) }, 'old rows were not removed')
    }
    if (dropped > 0) log.info({ rows: dropped, before: new Date(beforeMs).toISOString() }, 'old rows were removed')
  }
}
