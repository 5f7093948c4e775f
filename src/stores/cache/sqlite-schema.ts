import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { cosine, unpackVector } from './similarity.ts'

/** Raised with every change of the tables: an older file is thrown away. */
const VERSION = 1
/** "GHca": what tells our file from anybody's. */
const APPLICATION = 0x47486361
/** For another process to let go of the file: one that is just leaving. */
const BUSY_MS = 2_000
const CACHE_KIB = 16 * 1024
const SQLITE_BUSY = 5
const SQLITE_CORRUPT = 11
const SQLITE_NOTADB = 26

/** What can be purged by: a member of `CachePurge` and its column. Tags have a table of their own. */
export const PURGE_COLUMNS = {
  key: 'key',
  route: 'route',
  namespace: 'namespace',
  org: 'org',
  team: 'team',
  user: 'user_id',
  customer: 'customer',
  keyName: 'key_name'
} as const

/** Most answers have no user or customer: nobody looks for those by it. */
const INDEXED = ['route', 'namespace', 'org', 'team', 'user_id', 'customer', 'key_name', 'request_id']

const TABLES = `
create table meta (name text primary key, value integer not null) strict;
create table answers (
  id integer primary key, key text not null unique, kept_until integer not null,
  bytes integer not null, saved_nano real not null, uses integer not null, priority real not null,
  route text, namespace text, org text, team text, user_id text, customer text, key_name text, request_id text,
  checksum integer not null, facts text not null, body blob not null) strict;
create index answers_by_priority on answers (priority, bytes);
create index answers_by_end on answers (kept_until);
${INDEXED.map(name => `create index answers_by_${name} on answers (${name}) where ${name} is not null;`).join('\n')}
create table answer_tags (tag text not null, answer integer not null references answers on delete cascade,
  primary key (tag, answer)) strict, without rowid;
create index answer_tags_by_answer on answer_tags (answer);
create table questions (answer integer primary key references answers on delete cascade, fingerprint text not null,
  dimension integer not null, kept_until integer not null, text text not null, vector blob not null) strict;
create index questions_by_fingerprint on questions (fingerprint, dimension);
`

/**
 * Opens the file, or makes it: one that is broken, older, or somebody else's is thrown away, since all that is lost is
 * time. Throws where it cannot be made at all, or another process is at work on it.
 */
export async function openCacheFile(path: string): Promise<DatabaseSync> {
  try {
    return await open(path)
  } catch (thrown) {
    if (primaryCode(thrown) === SQLITE_BUSY) throw thrown
    removeCacheFile(path)
    return await open(path)
  }
}

export function removeCacheFile(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${path}${suffix}`, { recursive: true, force: true })
}

/** Whether an error says that the file cannot be trusted any more. */
export function isBroken(thrown: unknown): boolean {
  const code = primaryCode(thrown)
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB
}

function primaryCode(thrown: unknown): number {
  return ((thrown as { errcode?: number }).errcode ?? 0) & 0xff
}

async function open(path: string): Promise<DatabaseSync> {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // Its user's alone from the first byte on: it holds what models answered.
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: BUSY_MS, allowExtension: true })
  try {
    // Nothing is waited for on the disk: what a power cut spoils is found by its checksum. What goes is overwritten.
    database.exec('pragma auto_vacuum = incremental; pragma journal_mode = wal; pragma synchronous = off')
    database.exec(`pragma secure_delete = on; pragma cache_size = -${CACHE_KIB}; pragma temp_store = memory`)
    prepare(database)
    await addDistance(database)
    return database
  } catch (thrown) {
    database.close()
    throw thrown
  }
}

function prepare(database: DatabaseSync): void {
  const of = (pragma: string) => database.prepare(`pragma ${pragma}`).get()?.[pragma]
  const isNew = database.prepare('select count(*) as n from sqlite_schema').get()?.n === 0
  if (isNew) {
    database.exec(`begin; ${TABLES} pragma application_id = ${APPLICATION}; pragma user_version = ${VERSION}; commit`)
  } else if (of('application_id') !== APPLICATION || of('user_version') !== VERSION) {
    throw new Error('the file is not of this version of the cache')
  }
}

/** `vec_distance_cosine(a, b)`: one minus the cosine; NULL where a vector has no direction. */
async function addDistance(database: DatabaseSync): Promise<void> {
  try {
    const { load } = await import('sqlite-vec')
    load(database)
  } catch {
    // There is no such library for every platform.
    addOwnDistance(database)
  } finally {
    database.enableLoadExtension(false)
  }
}

/** The same in JavaScript. */
export function addOwnDistance(database: DatabaseSync): void {
  database.function('vec_distance_cosine', { deterministic: true }, (one, other) => {
    const score = cosine(unpackVector(one as Uint8Array), unpackVector(other as Uint8Array))
    return score === undefined ? null : 1 - score
  })
}
