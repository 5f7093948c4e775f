import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { Failure } from '../errors.ts'
import type { Log } from '../log.ts'
import type { AttemptEnd, AttemptRow, FinishedAttempt, RepeatedRequests, RequestRow } from '../stores/rows.ts'
import { type Entry, encode, type Line } from './entries.ts'
import { Reserve } from './reserve.ts'
import { hasRoom, SegmentFile, systemWrite, type Write } from './segment-file.ts'
import { newInstance, noteClosed, noteOpen, reserveFile, segmentFile } from './segments.ts'

export interface JournalOptions {
  /** Made where it is not there. What earlier processes left in it must be recovered first. */
  directory: string
  log: Log
  /** `strict`: on the disk, not just in the kernel, when a call returns: survives a loss of power too. */
  durable?: 'process' | 'strict'
  /** A new file is begun when one has grown to this. Default 16 MB. */
  segmentBytes?: number
  /** Room kept for the ends of open calls on a full disk. Default 1 MB. */
  reserveBytes?: number
  /** How often a full disk is tried again. Default 250. */
  retryMs?: number
  /** Letters, digits and `_`; default: a name of this process. */
  instance?: string
  /** What writes to the disk, for tests and proofs. */
  write?: Write
}

/** A place in the journal: a segment's number, and bytes from its beginning. */
export interface Position {
  segment: number
  offset: number
}

export interface Written extends Position {
  entry: Entry
}

const SEGMENT_BYTES = 16 * 1024 * 1024
const RESERVE_BYTES = 1024 * 1024
const RETRY_MS = 250

/**
 * What happens to money, in files, before anything comes of it (D4): each method returns when its lines are in the
 * kernel, so that they survive the process, however it ends. From there a Shipper brings them into the ledger.
 */
export class Journal {
  readonly instance: string
  readonly #options: JournalOptions
  readonly #segmentBytes: number
  readonly #write: Write
  readonly #reserve: Reserve
  #file: SegmentFile
  #number = 1
  #isClosed = false
  /** What found no room: in the reserve, or in memory alone, until there is room again. */
  #waiting: Line[] = []
  #retry: NodeJS.Timeout | undefined
  readonly #open = new Map<string, AttemptRow>()
  #hear: (written: readonly Written[]) => void = () => {}

  /** Throws where the directory cannot be written to. */
  constructor(options: JournalOptions) {
    this.#options = options
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES
    this.#write = options.write ?? systemWrite
    this.instance = options.instance ?? newInstance()
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    this.#file = this.#create(this.#number)
    this.#reserve = new Reserve(
      path.join(options.directory, reserveFile(this.instance)),
      options.reserveBytes ?? RESERVE_BYTES
    )
    noteOpen(this.instance)
  }

  /** Before the first byte of an attempt leaves. Throws `ledger_full` where it cannot be recorded: then it must not. */
  started(attempt: AttemptRow): void {
    const thrown = this.full ? undefined : this.#appended([encode({ kind: 'started', attempt })])
    if (thrown === undefined && !this.full) {
      this.#open.set(attempt.id, attempt)
      return
    }
    this.#startRetrying(thrown)
    throw new Failure('ledger_full', 'The gateway has no room to record the call.', { cause: thrown })
  }

  finished(id: string, end: AttemptEnd): void {
    this.append([{ kind: 'finished', id, end }])
  }

  /** The row of a call that is over, with those of its attempts that nobody wrote down yet: in one write. */
  request(request: RequestRow, ended: readonly FinishedAttempt[] = []): void {
    this.append([...ended.map(({ id, end }): Entry => ({ kind: 'finished', id, end })), { kind: 'request', request }])
  }

  /** The rows of calls that repeated another: in one write, and one line. */
  repeated(repeats: RepeatedRequests): void {
    this.append([{ kind: 'repeats', ...repeats }])
  }

  /** Several entries in one write. What has happened is always taken: on a full disk into the reserve. */
  append(entries: readonly Entry[]): void {
    if (this.#isClosed) return
    for (const entry of entries) if (entry.kind === 'finished') this.#open.delete(entry.id)
    const lines = entries.map(encode)
    const thrown = this.full ? undefined : this.#appended(lines)
    if (thrown === undefined && !this.full) return
    this.#waiting.push(...lines)
    const isKept = this.#reserve.write(joined(lines))
    if (!isKept) this.#options.log.error({ entries: lines.length }, 'the reserve of the journal is full')
    this.#startRetrying(thrown)
  }

  /** No room on the disk: no new call should begin. */
  get full(): boolean {
    return this.#isClosed || this.#retry !== undefined
  }

  /** Attempts that were started and have not finished. */
  get open(): ReadonlyMap<string, AttemptRow> {
    return this.#open
  }

  /** Where the next line will be. */
  get end(): Position {
    return { segment: this.#number, offset: this.#file.size }
  }

  /** Hears of every entry, with where its line ends, when it has been written. One listener. */
  follow(hear: (written: readonly Written[]) => void): void {
    this.#hear = hear
  }

  pathOf(segment: number): string {
    return path.join(this.#options.directory, segmentFile(this.instance, segment))
  }

  /** Where rows are set aside that the ledger would not take. */
  get refusedPath(): string {
    return path.join(this.#options.directory, `${this.instance}.refused`)
  }

  /** Begins a new file. Where there is no room for one, the old one goes on. */
  rotate(): void {
    // The number of a file that was closed may be another's by now.
    if (this.#isClosed || this.#file.size === 0) return
    let file: SegmentFile
    try {
      file = this.#create(this.#number + 1)
    } catch (thrown) {
      this.#options.log.warn({ problem: String(thrown) }, 'no new file for the journal')
      return
    }
    this.#file.close()
    this.#file = file
    this.#number++
  }

  /** Removes a segment that is in the ledger. */
  remove(segment: number): void {
    rmSync(this.pathOf(segment), { force: true })
  }

  /** Closes the files, and gives back the room of what is empty. Entries after it are lost. */
  close(): void {
    if (this.#isClosed) return
    if (this.full) this.#tryAgain()
    this.#isClosed = true
    clearInterval(this.#retry)
    this.#file.close()
    if (this.#file.size === 0) this.remove(this.#number)
    this.#reserve.close()
    noteClosed(this.instance)
  }

  #create(number: number): SegmentFile {
    return new SegmentFile(this.pathOf(number), this.#write, this.#options.durable === 'strict')
  }

  /** What was thrown where it could not be written; then nothing of it is there. */
  #appended(lines: readonly Line[]): unknown {
    if (this.#file.size >= this.#segmentBytes) this.rotate()
    let offset: number
    try {
      offset = this.#file.append(joined(lines))
    } catch (thrown) {
      return thrown
    }
    this.#hear(
      lines.map(({ entry, bytes }) => {
        offset += bytes.length
        return { entry, segment: this.#number, offset }
      })
    )
    return undefined
  }

  #startRetrying(thrown: unknown): void {
    if (this.#isClosed || this.#retry) return
    this.#options.log.error({ problem: String(thrown) }, 'the journal cannot be written: no new calls are taken')
    this.#retry = setInterval(() => this.#tryAgain(), this.#options.retryMs ?? RETRY_MS)
    this.#retry.unref()
  }

  #tryAgain(): void {
    const probe = path.join(this.#options.directory, `${this.instance}.probe`)
    if (!hasRoom(probe, this.#write)) return
    const waiting = this.#waiting
    if (waiting.length > 0 && this.#appended(waiting) !== undefined) return
    this.#waiting = []
    this.#reserve.empty()
    clearInterval(this.#retry)
    this.#retry = undefined
    this.#options.log.info({ entries: waiting.length }, 'the journal can be written again')
  }
}

function joined(lines: readonly Line[]): Buffer {
  return lines.length === 1 ? lines[0]!.bytes : Buffer.concat(lines.map(({ bytes }) => bytes))
}
