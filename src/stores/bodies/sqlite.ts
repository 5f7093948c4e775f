import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { BodyHit, BodyPartition, BodyQuery, BodyRow, RequestPlace } from '../bodies.ts'
import { keep, restore } from './content.ts'
import { dayName, dayNamed, dayOf, dayStartMs } from './days.ts'
import { type BodyReader, type BodyWriter, byDay, daysOfQuery } from './engine.ts'
import { SqliteDay } from './sqlite-day.ts'

/** Calls end today, or began yesterday: who writes needs no more. */
const WRITTEN_DAYS_MAX = 3
/** A search goes through a month, and a page turns the same files again. */
const READ_DAYS_MAX = 40
/** A file, its log of changes, and the index of that. */
const SUFFIXES = ['', '-wal', '-shm']

/** One file a day in a directory. */
class Days {
  readonly directory: string
  readonly #max: number
  readonly #open: (path: string, day: number) => SqliteDay | undefined
  /** The one used last is the last. */
  readonly #days = new Map<number, SqliteDay>()

  constructor(directory: string, max: number, open: (path: string, day: number) => SqliteDay | undefined) {
    this.directory = directory
    this.#max = max
    this.#open = open
  }

  pathOf(day: number): string {
    return join(this.directory, `${dayName(day)}.db`)
  }

  /** Oldest first. */
  list(): number[] {
    const names = readdirSync(this.directory).filter(name => name.endsWith('.db'))
    return names.flatMap(name => dayNamed(name.slice(0, -'.db'.length)) ?? []).sort((a, b) => a - b)
  }

  get(day: number): SqliteDay | undefined {
    const opened = this.#days.get(day) ?? this.#open(this.pathOf(day), day)
    if (!opened) return undefined
    this.#days.delete(day)
    this.#days.set(day, opened)
    for (const [oldest] of this.#days) if (this.#days.size > this.#max) this.forget(oldest)
    return opened
  }

  get opened(): number[] {
    return [...this.#days.keys()]
  }

  forget(day: number): void {
    this.#days.get(day)?.close()
    this.#days.delete(day)
  }

  bytesOf(day: number): number {
    const paths = SUFFIXES.map(suffix => `${this.pathOf(day)}${suffix}`)
    return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0)
  }

  close(): void {
    for (const day of this.opened) this.forget(day)
  }
}

export class SqliteBodyWriter implements BodyWriter {
  readonly #days: Days

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#days = new Days(directory, WRITTEN_DAYS_MAX, SqliteDay.toWrite)
    this.#days.list()
  }

  async put(rows: readonly BodyRow<Buffer>[]): Promise<void> {
    for (const [day, those] of byDay(rows)) {
      const opened = this.#days.get(day) as SqliteDay
      await opened.transaction(() => keep(opened, those))
    }
  }

  async dropBefore(ms: number): Promise<number> {
    let bytes = 0
    for (const day of this.#days.list().filter(each => dayStartMs(each + 1) <= ms)) {
      this.#days.forget(day)
      bytes += this.#days.bytesOf(day)
      for (const suffix of SUFFIXES) rmSync(`${this.#days.pathOf(day)}${suffix}`, { force: true })
    }
    return bytes
  }

  async erase(requests: readonly RequestPlace[]): Promise<void> {
    for (const [day, those] of byDay(requests)) {
      if (!existsSync(this.#days.pathOf(day))) continue
      this.#days.get(day)?.erase(those.map(each => each.requestId))
    }
  }

  async close(): Promise<void> {
    this.#days.close()
  }
}

export class SqliteBodyReader implements BodyReader {
  readonly #days: Days

  constructor(directory: string) {
    this.#days = new Days(directory, READ_DAYS_MAX, SqliteDay.toRead)
  }

  async find(requestId: string, atMs: number): Promise<BodyRow | undefined> {
    const day = this.#day(dayOf(atMs))
    const request = day?.request(requestId)
    return day && request && restore(day, request)
  }

  async search(words: readonly string[], query: BodyQuery): Promise<BodyHit[]> {
    const hits: BodyHit[] = []
    for (const day of daysOfQuery(this.#days.list(), query)) {
      if (hits.length >= query.limit) break
      const found = await this.#day(day)?.search(words, { ...query, limit: query.limit - hits.length })
      hits.push(...(found ?? []))
    }
    return hits
  }

  async stats(): Promise<{ partitions: BodyPartition[] }> {
    const partitions = this.#days.list().map(day => ({
      day: dayName(day),
      bytes: this.#days.bytesOf(day),
      bodies: this.#day(day)?.count() ?? 0
    }))
    return { partitions }
  }

  async forget(beforeMs: number): Promise<void> {
    for (const day of this.#days.opened) if (dayStartMs(day + 1) <= beforeMs) this.#days.forget(day)
  }

  async close(): Promise<void> {
    this.#days.close()
  }

  /** Undefined: it is not there, or no longer. */
  #day(day: number): SqliteDay | undefined {
    if (existsSync(this.#days.pathOf(day))) return this.#days.get(day)
    this.#days.forget(day)
    return undefined
  }
}
