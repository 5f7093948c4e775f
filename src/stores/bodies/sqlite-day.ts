import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { BodyHit, BodyQuery, RequestPlace } from '../bodies.ts'
import type { DayReader, DayWriter, KeptRequest, Link } from './content.ts'
import { hitsOf } from './content.ts'
import type { Digest, Node } from './cut.ts'
import { dayOf, dayStartMs } from './days.ts'
import type { Packed } from './packing.ts'

const VERSION = 1
/** For the other connection to let go: a reader that closes, a writer that tidies. */
const BUSY_MS = 5_000
const CACHE_KIB = 4 * 1024
/**
 * Ids are in the order of time, so that the index of words gives the newest first; and no farther apart than that takes,
 * since the index is made of their differences. More calls than that in a millisecond take those of the next ones.
 */
const IDS_PER_MS = 4

/** Words: as they come, one after another, in ASCII's own way, since they are folded already (words.ts). */
const TABLES = `
  create table piece (id integer primary key, digest blob not null unique, packing integer not null, data blob not null);
  create table node (
    digest blob primary key, parent blob, glue blob not null, child blob, is_list integer not null
  ) without rowid;
  create table request (
    id integer primary key, request_id text not null unique, at_ms integer not null, session text, org text,
    level text not null, dialect text not null, brought blob not null
  );
  create table body (
    request integer not null, slot text not null, place integer not null, root blob, ending blob not null,
    primary key (request, place)
  ) without rowid;
  create virtual table words using fts5 (
    text, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii'
  );
  pragma user_version = ${VERSION};`

const UP = `
  with recursive up (digest, parent, glue, child, is_list, depth) as (
    select digest, parent, glue, child, is_list, 0 from node where digest = ?
    union all
    select node.digest, node.parent, node.glue, node.child, node.is_list, depth + 1
      from up join node on node.digest = up.parent
  )
  select glue, child, is_list, packing, data
    from up left join piece on is_list = 0 and piece.digest = up.child order by depth desc`

/** All that the erased refer to; of it, what others refer to as well, and what that refers to; the rest goes. */
const ERASE = [
  `create temp table reached as with recursive up (digest) as (
     select root from body where root is not null and request in (select id from temp.erased)
     union select parent from node join up using (digest) where parent is not null
     union select child from node join up using (digest) where is_list = 1
   ) select digest from up`,
  'create unique index temp.reached_digest on reached (digest)',
  `create temp table reached_piece as select distinct child as digest
     from node join temp.reached using (digest) where is_list = 0 and child is not null`,
  'create unique index temp.reached_piece_digest on reached_piece (digest)',
  'delete from words where rowid in (select id from temp.erased)',
  'delete from body where request in (select id from temp.erased)',
  'delete from request where id in (select id from temp.erased)',
  `with recursive kept (digest) as (
     select root from body where root in (select digest from temp.reached)
     union select parent from node
       where parent in (select digest from temp.reached) and digest not in (select digest from temp.reached)
     union select child from node where is_list = 1
       and child in (select digest from temp.reached) and digest not in (select digest from temp.reached)
     union select parent from node join kept using (digest) where parent is not null
     union select child from node join kept using (digest) where is_list = 1
   ) delete from temp.reached where digest in (select digest from kept)`,
  'delete from node where digest in (select digest from temp.reached)',
  `delete from temp.reached_piece where digest in
     (select child from node where is_list = 0 and child in (select digest from temp.reached_piece))`,
  'delete from piece where digest in (select digest from temp.reached_piece)'
]

interface RequestRow {
  id: number
  request_id: string
  at_ms: number
  session: string | null
  org: string | null
  level: KeptRequest['level']
  dialect: string
  brought: Uint8Array
}

interface BodyRow {
  slot: string
  root: Uint8Array | null
  ending: Uint8Array
}

interface LinkRow {
  glue: Uint8Array
  child: Uint8Array
  is_list: number
  packing: number
  data: Uint8Array | null
}

/** One day's file, on a connection of its own. Everything here holds the thread it is in. */
export class SqliteDay implements DayReader, DayWriter {
  readonly #day: number
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  private constructor(day: number, db: DatabaseSync) {
    this.#day = day
    this.#db = db
  }

  static toWrite(path: string, day: number): SqliteDay {
    // Its own user's alone from the first byte on.
    closeSync(openSync(path, 'a', 0o600))
    const db = new DatabaseSync(path, { timeout: BUSY_MS })
    try {
      db.exec('pragma journal_mode = wal; pragma synchronous = normal')
      db.exec(`pragma cache_size = -${4 * CACHE_KIB}; pragma temp_store = memory`)
      if (versionOf(db, path) === 0) db.exec(`begin immediate; ${TABLES} commit`)
      return new SqliteDay(day, db)
    } catch (thrown) {
      db.close()
      throw thrown
    }
  }

  /** Undefined: nothing was written yet. */
  static toRead(path: string, day: number): SqliteDay | undefined {
    const db = new DatabaseSync(path, { timeout: BUSY_MS })
    try {
      db.exec(`pragma query_only = on; pragma cache_size = -${CACHE_KIB}`)
      if (versionOf(db, path) === VERSION) return new SqliteDay(day, db)
    } catch (thrown) {
      db.close()
      throw thrown
    }
    db.close()
    return undefined
  }

  close(): void {
    this.#db.close()
  }

  async transaction(work: () => Promise<void>): Promise<void> {
    this.#db.exec('begin immediate')
    try {
      await work()
      this.#db.exec('commit')
    } catch (thrown) {
      if (this.#db.isTransaction) this.#db.exec('rollback')
      throw thrown
    }
  }

  async knownNodes(digests: readonly Digest[]): Promise<Set<Digest>> {
    return this.#known('select 1 from node where digest = ?', digests)
  }

  async knownPieces(digests: readonly Digest[]): Promise<Set<Digest>> {
    return this.#known('select 1 from piece where digest = ?', digests)
  }

  async addPieces(pieces: ReadonlyMap<Digest, Packed>): Promise<Set<Digest>> {
    const insert = this.#prepared('insert into piece (digest, packing, data) values (?, ?, ?)')
    for (const [digest, { packing, data }] of pieces) insert.run(blob(digest), packing, data)
    return new Set(pieces.keys())
  }

  async addNodes(nodes: ReadonlyMap<Digest, Node>): Promise<void> {
    const insert = this.#prepared('insert into node (digest, parent, glue, child, is_list) values (?, ?, ?, ?, ?)')
    for (const [digest, { parent, glue, child, isList }] of nodes) {
      insert.run(blob(digest), optional(parent), glue, optional(child), isList ? 1 : 0)
    }
  }

  async addRequests(requests: readonly KeptRequest[]): Promise<void> {
    let last = -1
    for (const request of requests) {
      if (this.#idOf(request.requestId) !== undefined) continue
      last = this.#freeId(Math.max(last + 1, this.#firstId(request.atMs)))
      this.#add(last, request)
    }
  }

  #add(id: number, { requestId, atMs, session, org, level, dialect, brought, words, bodies }: KeptRequest): void {
    this.#prepared('insert into request values (?, ?, ?, ?, ?, ?, ?, ?)').run(
      ...[id, requestId, atMs, session ?? null, org ?? null, level, dialect, blob(brought)]
    )
    const insert = this.#prepared('insert into body (request, place, slot, root, ending) values (?, ?, ?, ?, ?)')
    bodies.forEach(({ slot, root, ending }, place) => void insert.run(id, place, slot, optional(root), ending))
    this.#prepared('insert into words (rowid, text) values (?, ?)').run(id, words.join(' '))
  }

  #freeId(id: number): number {
    const isTaken = this.#prepared('select 1 from request where id = ?')
    while (isTaken.get(id) !== undefined) id++
    return id
  }

  #idOf(requestId: string): number | undefined {
    return this.#prepared('select id from request where request_id = ?').get(requestId)?.id as number | undefined
  }

  /** The first id of a millisecond; those of other days are outside of this one's. */
  #firstId(atMs: number): number {
    return Math.floor(atMs - dayStartMs(this.#day)) * IDS_PER_MS
  }

  request(requestId: string): KeptRequest | undefined {
    const row = this.#prepared('select * from request where request_id = ?').get(requestId)
    return row && this.#requestOf(row as unknown as RequestRow)
  }

  #requestOf({ id, request_id, at_ms, session, org, level, dialect, brought }: RequestRow): KeptRequest {
    const bodies = this.#prepared('select slot, root, ending from body where request = ? order by place').all(id)
    return {
      ...{ requestId: request_id, atMs: at_ms, session: session ?? undefined, org: org ?? undefined, level, dialect },
      ...{ brought: digest(brought), words: [] },
      bodies: (bodies as unknown as BodyRow[]).map(({ slot, root, ending }) => ({
        slot,
        root: root ? digest(root) : undefined,
        ending: Buffer.from(ending)
      }))
    }
  }

  async chain(last: Digest): Promise<Link[]> {
    return (this.#prepared(UP).all(blob(last)) as unknown as LinkRow[]).map(linkOf)
  }

  async links(digests: readonly Digest[]): Promise<Map<Digest, Link>> {
    const select = this.#prepared(`
      select glue, child, is_list, packing, data from node left join piece on is_list = 0 and piece.digest = child
      where node.digest = ?`)
    const rows = digests.map(each => [each, select.get(blob(each)) as unknown as LinkRow | undefined] as const)
    return new Map(rows.flatMap(([each, row]) => (row ? [[each, linkOf(row)]] : [])))
  }

  async search(words: readonly string[], query: BodyQuery): Promise<BodyHit[]> {
    const { fromMs, toMs, before, limit, org } = query
    const conditions = ['words match ?', 'words.rowid >= ?', 'words.rowid < ?', 'at_ms >= ?', 'at_ms < ?']
    const parameters: SQLInputValue[] = [words.map(word => `"${word}"`).join(' AND ')]
    parameters.push(Math.max(0, this.#firstId(fromMs)), this.#endId(before), fromMs, toMs)
    if (org !== undefined) {
      conditions.push('org = ?')
      parameters.push(org)
    }
    // The index of words first, newest first: it stops as soon as the page is full.
    const sql = `select request.* from words cross join request on request.id = words.rowid
      where ${conditions.join(' and ')} order by words.rowid desc limit ?`
    const rows = this.#prepared(sql).all(...parameters, limit) as unknown as RequestRow[]
    return await hitsOf(
      this,
      rows.map(row => this.#requestOf(row)),
      words
    )
  }

  /** The id before which a page begins. */
  #endId(before: RequestPlace | undefined): number {
    if (!before || dayOf(before.atMs) !== this.#day) return Number.MAX_SAFE_INTEGER
    return this.#idOf(before.requestId) ?? this.#firstId(before.atMs)
  }

  count(): number {
    return this.#prepared('select count(*) as requests from request').get()!.requests as number
  }

  /** Overwrites what goes, and the log of changes with it. */
  erase(requestIds: readonly string[]): void {
    const db = this.#db
    db.exec('pragma secure_delete = on; create temp table erased (id integer primary key)')
    try {
      const add = db.prepare('insert or ignore into temp.erased select id from request where request_id = ?')
      for (const requestId of requestIds) add.run(requestId)
      if ((db.prepare('select count(*) as erased from temp.erased').get()!.erased as number) === 0) return
      db.exec(`begin immediate; ${ERASE.join('; ')}; insert into words (words) values ('optimize'); commit`)
    } finally {
      if (db.isTransaction) db.exec('rollback')
      for (const table of ['erased', 'reached', 'reached_piece']) db.exec(`drop table if exists temp.${table}`)
      db.exec('pragma secure_delete = off; pragma wal_checkpoint (truncate)')
    }
  }

  #known(sql: string, digests: readonly Digest[]): Set<Digest> {
    const select = this.#prepared(sql)
    return new Set(digests.filter(each => select.get(blob(each)) !== undefined))
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }
}

function linkOf({ glue, child, is_list, packing, data }: LinkRow): Link {
  return {
    glue: Buffer.from(glue),
    list: is_list === 1 ? digest(child) : undefined,
    piece: data ? { packing, data } : undefined
  }
}

/** 0: nothing is in it. */
function versionOf(db: DatabaseSync, path: string): number {
  const version = db.prepare('pragma user_version').get()!.user_version as number
  if (version > VERSION) throw new Error(`${path} was written by a newer gatehouse`)
  return version
}

function blob(digest: Digest): Buffer {
  return Buffer.from(digest, 'latin1')
}

function optional(digest: Digest | undefined): Buffer | null {
  return digest === undefined ? null : blob(digest)
}

function digest(bytes: Uint8Array): Digest {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
