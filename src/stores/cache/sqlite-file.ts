import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import type { CachedFacts, CachePurge, CacheSize, SimilarQuestion } from '../cache.ts'
import { isBroken, openCacheFile, PURGE_COLUMNS, removeCacheFile } from './sqlite-schema.ts'
import { bytesOf, savedNano } from './worth.ts'

/** As it goes from thread to thread. */
export interface PackedAnswer {
  /** JSON of `CachedFacts`. */
  facts: string
  body: Uint8Array
}

export interface PackedQuestion {
  fingerprint: string
  keptUntilMs: number
  text: string
  /** Little-endian, 32 bits each. */
  vector: Uint8Array
}

/** What goes at a time, so that nobody waits long for who comes next. */
const BATCH = 256
/** What each put frees at least, where it is full. */
const FREED = 32
/** Once it is full, so much of it is freed. */
const KEPT_SHARE = 0.9
/** Pages that are given back to the disk at a time, and only where many are free. */
const FREED_PAGES = 2_000
/** Questions of one fingerprint that a new one is compared with, the newest. */
const COMPARED_MAX = 10_000
const PURGED_UP_TO = 'purged_up_to'

/**
 * The file of kept answers, in the thread that owns it.
 *
 * What goes when it is full follows GreedyDual-Size-Frequency (Cherkasova, 1998): the priority of an answer is the age of
 * the cache + saved × (uses + 1) ÷ bytes, as of its last use; the least goes first, and the age of the cache becomes the
 * priority of what went. So what was useful once is overtaken in time, without a clock.
 */
export class SqliteCacheFile {
  readonly #path: string
  readonly #bytesMax: number
  readonly #statements = new Map<string, StatementSync>()
  #database!: DatabaseSync
  #size: CacheSize = { answers: 0, bytes: 0 }
  #age = 0
  #isFreeing = false

  private constructor(path: string, bytesMax: number) {
    this.#path = path
    this.#bytesMax = bytesMax
  }

  static async open({ path, bytesMax }: { path: string; bytesMax: number }): Promise<SqliteCacheFile> {
    const file = new SqliteCacheFile(path, bytesMax)
    try {
      await file.#open()
    } catch (thrown) {
      if (!isBroken(thrown)) throw thrown
      await file.#replace()
    }
    return file
  }

  get(key: string, nowMs: number): Promise<PackedAnswer | undefined> {
    return this.#whole(() => {
      const [found] = this.#rows(
        'select facts, body, checksum from answers where key = ? and kept_until > ?',
        key,
        nowMs
      )
      if (!found) return undefined
      const answer = { facts: found.facts as string, body: found.body as Uint8Array }
      if (checksum(answer) === found.checksum) return answer
      this.#drop('key = ?', [key])
      return undefined
    })
  }

  put(answer: PackedAnswer, question: PackedQuestion | undefined, nowMs: number): Promise<void> {
    return this.#whole(() =>
      this.#transaction(() => {
        const facts = JSON.parse(answer.facts) as CachedFacts
        this.#drop('key = ?', [facts.key])
        const bytes = bytesOf(answer)
        if (facts.keptUntilMs <= nowMs || bytes > this.#bytesMax) return
        const id = this.#insert(facts, answer, bytes)
        for (const tag of new Set(facts.tags))
          this.#rows('insert into answer_tags (tag, answer) values (?, ?)', tag, id)
        if (question) {
          const { fingerprint, keptUntilMs, text, vector } = question
          const end = Math.trunc(Math.min(keptUntilMs, facts.keptUntilMs))
          const values = [id, fingerprint, vector.length / 4, end, text, vector]
          this.#rows('insert into questions values (?, ?, ?, ?, ?, ?)', ...values)
        }
        this.#makeRoom(nowMs)
      })
    )
  }

  nearest(fingerprint: string, vector: Uint8Array, limit: number, nowMs: number): Promise<SimilarQuestion[]> {
    return this.#whole(() =>
      this.#rows(
        `select key, text, 1 - distance as score from (
           select answer, text, distance from (
             select answer, text, vec_distance_cosine(vector, ?) as distance from questions
             where fingerprint = ? and dimension = ? and kept_until > ? order by answer desc limit ${COMPARED_MAX})
           where distance is not null order by distance limit ?) join answers on id = answer
         order by distance`,
        vector,
        fingerprint,
        vector.length / 4,
        nowMs,
        limit
      ).map(row => ({ key: row.key as string, text: row.text as string, score: row.score as number }))
    )
  }

  used(counts: readonly (readonly [key: string, count: number])[]): Promise<void> {
    const text = `update answers set uses = uses + ?, priority = ? + saved_nano * (uses + ? + 1) / bytes where key = ?`
    return this.#whole(() =>
      this.#transaction(() => {
        for (const [key, count] of counts) this.#rows(text, count, this.#age, count, key)
      })
    )
  }

  /** Some of what is to go; fewer than `PURGED_AT_ONCE`: that was all. Nothing of it is left once it is settled. */
  purge(what: CachePurge): Promise<number> {
    const { tag, requestIds, ...equal } = what
    const given = Object.entries(equal).filter(entry => entry[1] !== undefined) as [
      keyof typeof PURGE_COLUMNS,
      string
    ][]
    const conditions = given.map(([name]) => `${PURGE_COLUMNS[name]} = ?`)
    const values: SQLInputValue[] = given.map(([, value]) => value)
    if (tag !== undefined) {
      conditions.push('id in (select answer from answer_tags where tag = ?)')
      values.push(tag)
    }
    if (requestIds) {
      conditions.push('request_id in (select value from json_each(?))')
      values.push(JSON.stringify(requestIds))
    }
    return this.#whole(async () => {
      if (conditions.length === 0) return await this.#empty()
      return this.#transaction(() => this.#drop(conditions.join(' and '), values, PURGED_AT_ONCE))
    })
  }

  /** What went is in no log of changes either, and the disk gets back what is free. */
  settle(): Promise<void> {
    return this.#whole(() => {
      const { free, pages } = this.#rows(
        'select freelist_count as free, page_count as pages from pragma_freelist_count, pragma_page_count'
      )[0] as { free: number; pages: number }
      if (free > pages / 4) this.#database.exec(`pragma incremental_vacuum(${FREED_PAGES})`)
      this.#database.exec('pragma wal_checkpoint(truncate)')
    })
  }

  /** Removes some of what is over. Whether there may be more. */
  async sweep(nowMs: number): Promise<boolean> {
    const count = await this.#whole(() => this.#transaction(() => this.#drop('kept_until <= ?', [nowMs], BATCH)))
    if (count > 0) await this.settle()
    return count === BATCH
  }

  async size(): Promise<CacheSize> {
    return { ...this.#size }
  }

  purgedUpTo(): Promise<number | undefined> {
    return this.#whole(
      () => this.#rows('select value from meta where name = ?', PURGED_UP_TO)[0]?.value as number | undefined
    )
  }

  setPurgedUpTo(seq: number): Promise<void> {
    const text = 'insert into meta values (?, ?) on conflict do update set value = excluded.value'
    return this.#whole(() => void this.#rows(text, PURGED_UP_TO, seq))
  }

  close(): void {
    this.#statements.clear()
    this.#database.close()
  }

  async #open(): Promise<void> {
    this.#database = await openCacheFile(this.#path)
    const [sums] = this.#rows('select count(*) as answers, coalesce(sum(bytes), 0) as bytes from answers')
    this.#size = { answers: Number(sums?.answers), bytes: Number(sums?.bytes) }
    this.#age = Number(this.#rows('select min(priority) as age from answers')[0]?.age ?? 0)
  }

  /** A file that turns out to be broken while it is used is replaced, and holds nothing then. */
  async #whole<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (thrown) {
      if (!isBroken(thrown)) throw thrown
      await this.#replace()
      return await work()
    }
  }

  async #replace(): Promise<void> {
    this.close()
    removeCacheFile(this.#path)
    await this.#open()
  }

  /** All of it: a new file takes no time, however much there was. */
  async #empty(): Promise<number> {
    const { answers } = this.#size
    const purgedUpTo = await this.purgedUpTo()
    await this.#replace()
    if (purgedUpTo !== undefined) await this.setPurgedUpTo(purgedUpTo)
    return answers
  }

  #insert(facts: CachedFacts, answer: PackedAnswer, bytes: number): number {
    const saved = savedNano(facts, answer.body.length)
    const { key, keptUntilMs, route, namespace, org, team, user, customer, keyName, requestId } = facts
    const text = `insert into answers (key, kept_until, bytes, saved_nano, uses, priority, route, namespace, org, team,
      user_id, customer, key_name, request_id, checksum, facts, body)
      values (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
    const payers = [route, namespace, org, team, user, customer, keyName, requestId]
    const priority = this.#age + saved / bytes
    const kept = [checksum(answer), answer.facts, answer.body]
    const { lastInsertRowid } = this.#statement(text).run(
      key,
      Math.trunc(keptUntilMs),
      bytes,
      saved,
      priority,
      ...payers,
      ...kept
    )
    this.#size.answers += 1
    this.#size.bytes += bytes
    return Number(lastInsertRowid)
  }

  #makeRoom(nowMs: number): void {
    if (this.#size.bytes > this.#bytesMax) {
      this.#isFreeing = true
      this.#drop('kept_until <= ?', [nowMs], BATCH)
    }
    while (this.#isFreeing) {
      const gone = this.#drop('id in (select id from answers order by priority limit ?)', [FREED], FREED, true)
      this.#isFreeing = gone > 0 && this.#size.bytes > this.#bytesMax * KEPT_SHARE
      // The rest goes with those who put next: one alone does not wait for a tenth of a large file.
      if (this.#size.bytes <= this.#bytesMax) break
    }
  }

  #drop(where: string, values: readonly SQLInputValue[], limit = 1, isEviction = false): number {
    const text = `delete from answers where id in (select id from answers where ${where} limit ?) returning bytes, priority`
    const gone = this.#rows(text, ...values, limit)
    for (const { bytes, priority } of gone) {
      this.#size.bytes -= Number(bytes)
      if (isEviction) this.#age = Math.max(this.#age, Number(priority))
    }
    this.#size.answers -= gone.length
    return gone.length
  }

  #transaction<T>(work: () => T): T {
    const before = { ...this.#size }
    this.#database.exec('begin immediate')
    try {
      const value = work()
      this.#database.exec('commit')
      return value
    } catch (thrown) {
      this.#size = before
      if (this.#database.isTransaction) this.#database.exec('rollback')
      throw thrown
    }
  }

  #rows(text: string, ...values: SQLInputValue[]): Record<string, unknown>[] {
    return this.#statement(text).all(...values)
  }

  #statement(text: string): StatementSync {
    let statement = this.#statements.get(text)
    if (!statement) {
      statement = this.#database.prepare(text)
      this.#statements.set(text, statement)
    }
    return statement
  }
}

/** As many go with one `purge`. */
export const PURGED_AT_ONCE = BATCH

function checksum({ facts, body }: PackedAnswer): number {
  return crc32(body, crc32(facts))
}
