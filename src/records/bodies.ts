import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { BodyStore, OfferedBodies } from '../stores/bodies.ts'

export interface BodyQueueOptions {
  store: Pick<BodyStore, 'put' | 'dropBefore' | 'stats'>
  log: Log
  clock: Clock
  retention: BodyRetention
  /** What may wait in memory, in bytes. Default 64 MiB. */
  queueBytesMax?: number
  /** Of one batch; a body that is larger travels alone. Default 1 MiB. */
  batchBytesMax?: number
  /** How long a body waits for others to be shipped with. Default 250. */
  everyMs?: number
  /** Between two tries while the store takes none: doubled at each, up to 25 times as long. Default 200. */
  retryMs?: number
  /** After so long a batch is given up. Default 60,000. */
  giveUpMs?: number
}

export interface BodyRetention {
  /** A day is dropped when all of it is older than that. */
  days: number
  /** Of all days together; the oldest go first. */
  bytesMax: number | undefined
}

interface Queued {
  row: OfferedBodies
  bytes: number
}

const MIB = 1024 * 1024
const QUEUE_BYTES_MAX = 64 * MIB
const BATCH_BYTES_MAX = MIB
const BATCH_ROWS_MAX = 500
const EVERY_MS = 250
const RETRY_MS = 200
const RETRY_FACTOR_MAX = 25
const GIVE_UP_MS = 60_000
/** Rows refused one after another: then it is the store that refuses, and not the rows that are at fault. */
const REFUSED_IN_A_ROW_MAX = 3
const FLUSH_WITHIN_MS = 10_000
const FLUSH_RETRY_MS = 20
const CLOSE_WITHIN_MS = 5_000
const WARN_EVERY_MS = 10_000
const DAY_MS = 86_400_000
/** What a row takes beside its texts. */
const ROW_BYTES = 512
/** Between two hours, days are looked at when so much of their share was shipped: a share is not outgrown by noon. */
const TIDY_SHARE = 1 / 16

/**
 * Brings bodies to their store in batches, some time later and never in the way of a call. They are the first to go when
 * something must: rows of the ledger have a journal, bodies have this memory.
 *
 * Where there is no room, it is the new ones that are dropped: what was taken is on its way, and what is missing is
 * one interval that can be seen, not holes all over the time before.
 */
export class BodyQueue {
  readonly #options: BodyQueueOptions
  #queue: Queued[] = []
  #queuedBytes = 0
  /** Taken from the queue, and not kept yet. */
  #batch: Queued[] = []
  #batchFailedAtMs: number | undefined
  #taken = 0
  #kept = 0
  /** Given up after they had been taken. */
  #lost = 0
  #dropped = 0
  #droppedUntold = 0
  #warnedAtMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #shippedBytes = 0
  #isShareFull = false
  #round: Promise<void> | undefined
  #tidying: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(options: BodyQueueOptions) {
    this.#options = options
  }

  /** Requests whose bodies are in the store. */
  get kept(): number {
    return this.#kept
  }

  /** Requests whose bodies are in nothing: there was no room, or the store did not take them. */
  get dropped(): number {
    return this.#dropped
  }

  /** What waits in memory. */
  get queuedBytes(): number {
    return this.#queuedBytes
  }

  /** Never throws, never waits. Whether they are on their way: false where they are dropped. */
  offer(row: OfferedBodies): boolean {
    const bytes = sizeOf(row)
    const { queueBytesMax = QUEUE_BYTES_MAX } = this.#options
    if (this.#isClosed || this.#isShareFull || this.#queuedBytes + bytes > queueBytesMax) {
      this.#drop(1, this.#isShareFull ? 'their share of the disk is full' : 'there is no room to wait in')
      return false
    }
    this.#queue.push({ row, bytes })
    this.#queuedBytes += bytes
    this.#taken++
    const isBatch = this.#queuedBytes >= this.#batchBytesMax || this.#queue.length >= BATCH_ROWS_MAX
    if (isBatch && this.#failures === 0) this.#wake(0)
    else if (!this.#timer) this.#wake(this.#options.everyMs ?? EVERY_MS)
    return true
  }

  /** Ships all that was taken until now. Rejects where the store did not take it in time. */
  async flush(withinMs = FLUSH_WITHIN_MS): Promise<void> {
    const target = this.#taken
    const over = new AbortController()
    let problem: unknown = 'it does not answer'
    const late = sleep(withinMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`the store did not take all bodies within ${withinMs} ms: ${problem}`, { cause: problem })
    })
    late.catch(() => {})
    const ship = () =>
      this.#ship().catch(async thrown => {
        problem = thrown
        await sleep(FLUSH_RETRY_MS)
      })
    try {
      while (this.#kept + this.#lost < target) await Promise.race([ship(), late])
    } finally {
      over.abort()
    }
  }

  /** Ships what it can in that time; the rest is dropped, and counted. The store stays open. */
  async close(withinMs = CLOSE_WITHIN_MS): Promise<void> {
    if (this.#isClosed) return
    await this.flush(withinMs).catch(thrown =>
      this.#options.log.warn({ problem: String(thrown) }, 'bodies are dropped')
    )
    this.#isClosed = true
    clearTimeout(this.#timer)
    const left = this.#queue.length + this.#batch.length
    if (left > 0) this.#drop(left, 'the gateway is leaving')
    this.#queue = []
    this.#batch = []
    this.#queuedBytes = 0
    await this.#tidying
  }

  /** Drops days that are too old or, oldest first, too much; never today's. Never rejects. Meant for every hour. */
  tidy(): Promise<void> {
    this.#tidying ??= this.#tidy()
      .catch(thrown => this.#options.log.warn({ problem: String(thrown) }, 'old bodies could not be dropped'))
      .finally(() => {
        this.#tidying = undefined
      })
    return this.#tidying
  }

  async #tidy(): Promise<void> {
    const { store, clock, log, retention } = this.#options
    const nowMs = clock.wallMs()
    this.#shippedBytes = 0
    let freed = await store.dropBefore(nowMs - retention.days * DAY_MS)
    const { bytesMax } = retention
    if (bytesMax !== undefined) {
      const { partitions } = await store.stats()
      let bytes = partitions.reduce((sum, partition) => sum + partition.bytes, 0)
      for (const partition of partitions) {
        const endMs = Date.parse(partition.day) + DAY_MS
        if (bytes <= bytesMax || endMs > nowMs) break
        freed += await store.dropBefore(endMs)
        bytes -= partition.bytes
      }
      const isFull = bytes > bytesMax
      if (isFull && !this.#isShareFull) log.warn({ bytes, bytesMax }, 'the bodies of today alone fill their share')
      this.#isShareFull = isFull
    }
    if (freed > 0) log.info({ bytes: freed }, 'old bodies were dropped')
  }

  get #batchBytesMax(): number {
    return this.#options.batchBytesMax ?? BATCH_BYTES_MAX
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
    const { log, everyMs = EVERY_MS, retryMs = RETRY_MS, retention } = this.#options
    if (thrown !== undefined) {
      if (this.#failures === 0) log.warn({ problem: String(thrown) }, 'the store takes no bodies')
      this.#wake(retryMs * Math.min(2 ** this.#failures, RETRY_FACTOR_MAX))
      this.#failures++
      return
    }
    if (this.#failures > 0) log.info({ queuedBytes: this.#queuedBytes }, 'the store takes bodies again')
    this.#failures = 0
    if (this.#queue.length > 0) this.#wake(this.#queuedBytes >= this.#batchBytesMax ? 0 : everyMs)
    if (this.#shippedBytes > (retention.bytesMax ?? Number.POSITIVE_INFINITY) * TIDY_SHARE) void this.tidy()
  }

  async #shipNext(): Promise<void> {
    if (this.#batch.length === 0) this.#batch = this.#nextBatch()
    if (this.#batch.length === 0) return
    const { store, clock, giveUpMs = GIVE_UP_MS } = this.#options
    try {
      await store.put(this.#batch.map(each => each.row))
      this.#over(this.#batch, 0)
    } catch (thrown) {
      this.#batchFailedAtMs ??= clock.monotonicMs()
      if (clock.monotonicMs() - this.#batchFailedAtMs < giveUpMs) throw thrown
      const batch = this.#batch
      this.#over(batch, await this.#lostOf(batch))
    }
  }

  #nextBatch(): Queued[] {
    let bytes = 0
    const first = this.#queue.findIndex((each, at) => {
      bytes += each.bytes
      return at > 0 && (bytes > this.#batchBytesMax || at >= BATCH_ROWS_MAX)
    })
    return this.#queue.splice(0, first === -1 ? this.#queue.length : first)
  }

  /** The last try, one by one: a row that no store takes must not cost those beside it. */
  async #lostOf(batch: readonly Queued[]): Promise<number> {
    let refused = 0
    let lost = 0
    for (const { row } of batch) {
      const isKept =
        refused < REFUSED_IN_A_ROW_MAX &&
        (await this.#options.store.put([row]).then(
          () => true,
          () => false
        ))
      if (isKept) refused = 0
      else {
        refused++
        lost++
      }
    }
    return lost
  }

  #over(batch: readonly Queued[], lost: number): void {
    // It was closed meanwhile, and all was counted as dropped.
    if (this.#batch !== batch) return
    const bytes = batch.reduce((sum, each) => sum + each.bytes, 0)
    this.#batch = []
    this.#batchFailedAtMs = undefined
    this.#queuedBytes -= bytes
    this.#shippedBytes += bytes
    this.#kept += batch.length - lost
    this.#lost += lost
    if (lost > 0) this.#drop(lost, 'the store does not take them')
  }

  #drop(count: number, why: string): void {
    this.#dropped += count
    this.#droppedUntold += count
    const nowMs = this.#options.clock.monotonicMs()
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return
    this.#warnedAtMs = nowMs
    this.#options.log.warn({ dropped: this.#droppedUntold, inAll: this.#dropped, why }, 'bodies are dropped')
    this.#droppedUntold = 0
  }
}

/** What they hold in memory, at most: a text has two bytes a character. The same one is there once. */
function sizeOf({ received, sent, answered }: OfferedBodies): number {
  const texts = new Set([received, answered, ...sent.map(each => each.body)])
  let bytes = ROW_BYTES
  for (const text of texts) bytes += typeof text === 'string' ? text.length * 2 : (text?.byteLength ?? 0)
  return bytes
}
