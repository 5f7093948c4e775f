import type { PoolClient } from 'pg'
import { asText } from '../sql/text.ts'
import type { DayReader, DayWriter, KeptRequest, Link } from './content.ts'
import type { Digest, Node } from './cut.ts'
import type { Packed } from './packing.ts'

/** Requests of one statement, which takes some ten thousand values. */
const ROWS_MAX = 256

type Queries = Pick<PoolClient, 'query'>

const UP = `
  with recursive up as (
    select digest, parent, glue, child, is_list, 0 as depth from body_node where day = $1 and digest = $2
    union all
    select node.digest, node.parent, node.glue, node.child, node.is_list, depth + 1
      from up join body_node node on node.day = $1 and node.digest = up.parent
  )
  select glue, child, is_list, packing, data
    from up left join body_piece piece on not is_list and piece.day = $1 and piece.digest = up.child
    order by depth desc`

/** Who erases is alone (postgres-schema.ts); the lists are temporary, and gone with the transaction. */
const ERASE = [
  'create temp table reached (digest bytea primary key) on commit drop',
  'create temp table reached_piece (digest bytea primary key) on commit drop',
  `insert into reached with recursive up (digest) as (
     select root from body_request, unnest(roots) root where day = $1 and request_id = any($2) and root is not null
     union select next from up join body_node node on node.day = $1 and node.digest = up.digest
       cross join lateral (values (node.parent), (case when node.is_list then node.child end)) as refers (next)
       where next is not null
   ) select digest from up`,
  `insert into reached_piece select distinct child
     from body_node join reached using (digest) where day = $1 and not is_list and child is not null`,
  'delete from body_request where day = $1 and request_id = any($2)',
  `with recursive kept (digest) as (
     (
       select root from body_request, unnest(roots) root where day = $1 and root in (select digest from reached)
       union select next from body_node node
         cross join lateral (values (node.parent), (case when node.is_list then node.child end)) as refers (next)
         where day = $1 and next in (select digest from reached) and node.digest not in (select digest from reached)
     )
     union select next from kept join body_node node on node.day = $1 and node.digest = kept.digest
       cross join lateral (values (node.parent), (case when node.is_list then node.child end)) as refers (next)
       where next is not null
   ) delete from reached where digest in (select digest from kept)`,
  'delete from body_node where day = $1 and digest in (select digest from reached)',
  `delete from reached_piece where digest in (
     select child from body_node
       where day = $1 and not is_list and child in (select digest from reached_piece))`,
  'delete from body_piece where day = $1 and digest in (select digest from reached_piece)'
]

/** A day's partitions, within the transaction (or on the pool) that is given. */
export class PostgresDay implements DayReader, DayWriter {
  readonly #queries: Queries
  readonly #day: number

  constructor(queries: Queries, day: number) {
    this.#queries = queries
    this.#day = day
  }

  knownNodes(digests: readonly Digest[]): Promise<Set<Digest>> {
    return this.#digests('select digest from body_node where day = $1 and digest = any($2::bytea[])', [blobs(digests)])
  }

  knownPieces(digests: readonly Digest[]): Promise<Set<Digest>> {
    return this.#digests('select digest from body_piece where day = $1 and digest = any($2::bytea[])', [blobs(digests)])
  }

  addPieces(pieces: ReadonlyMap<Digest, Packed>): Promise<Set<Digest>> {
    const rows = inOrder(pieces)
    return this.#digests(
      `insert into body_piece (day, digest, packing, data)
       select $1, * from unnest($2::bytea[], $3::smallint[], $4::bytea[]) on conflict do nothing returning digest`,
      [
        rows.map(([digest]) => blob(digest)),
        rows.map(([, { packing }]) => packing),
        rows.map(([, { data }]) => Buffer.from(data.buffer, data.byteOffset, data.byteLength))
      ]
    )
  }

  async addNodes(nodes: ReadonlyMap<Digest, Node>): Promise<void> {
    const rows = inOrder(nodes)
    await this.#digests(
      `insert into body_node (day, digest, parent, glue, child, is_list)
       select $1, * from unnest($2::bytea[], $3::bytea[], $4::bytea[], $5::bytea[], $6::boolean[])
       on conflict do nothing returning digest`,
      [
        rows.map(([digest]) => blob(digest)),
        rows.map(([, { parent }]) => optional(parent)),
        rows.map(([, { glue }]) => glue),
        rows.map(([, { child }]) => optional(child)),
        rows.map(([, { isList }]) => isList)
      ]
    )
  }

  async addRequests(requests: readonly KeptRequest[]): Promise<void> {
    const sorted = [...requests].sort((a, b) => (a.requestId < b.requestId ? -1 : 1))
    for (let at = 0; at < sorted.length; at += ROWS_MAX) {
      const rows = sorted.slice(at, at + ROWS_MAX).map(request => valuesOf(request))
      const width = CASTS.length
      const places = rows.map(
        (_, row) => `($1, ${CASTS.map((cast, at) => cast(`$${row * width + at + 2}`)).join(', ')})`
      )
      const sql = `insert into body_request values ${places.join(', ')} on conflict do nothing`
      await this.#queries.query(sql, [this.#day, ...rows.flat()])
    }
  }

  async chain(last: Digest): Promise<Link[]> {
    const { rows } = await this.#queries.query<LinkRow>(UP, [this.#day, blob(last)])
    return rows.map(linkOf)
  }

  async links(digests: readonly Digest[]): Promise<Map<Digest, Link>> {
    const { rows } = await this.#queries.query<LinkRow & { digest: Buffer }>(
      `select node.digest, glue, child, is_list, packing, data from body_node node
       left join body_piece piece on not is_list and piece.day = $1 and piece.digest = child
       where node.day = $1 and node.digest = any($2::bytea[])`,
      [this.#day, blobs(digests)]
    )
    return new Map(rows.map(row => [digest(row.digest), linkOf(row)]))
  }

  async erase(requestIds: readonly string[]): Promise<void> {
    const given = [this.#day, requestIds]
    for (const sql of ERASE) await this.#queries.query(sql, given.slice(0, given.length - missing(sql)))
  }

  async #digests(sql: string, columns: readonly unknown[][]): Promise<Set<Digest>> {
    if (columns[0]?.length === 0) return new Set()
    const { rows } = await this.#queries.query<{ digest: Buffer }>(sql, [this.#day, ...columns])
    return new Set(rows.map(row => digest(row.digest)))
  }
}

interface LinkRow {
  glue: Buffer
  child: Buffer
  is_list: boolean
  packing: number
  data: Buffer | null
}

function linkOf({ glue, child, is_list, packing, data }: LinkRow): Link {
  return { glue, list: is_list ? digest(child) : undefined, piece: data ? { packing, data } : undefined }
}

export interface RequestRow {
  request_id: string
  at_ms: string
  session: string | null
  org: string | null
  level: KeptRequest['level']
  dialect: string
  brought: Buffer
  slots: string[]
  roots: (Buffer | null)[]
  endings: Buffer[]
}

/** The columns of a request, without its words. */
export const REQUEST = 'request_id, at_ms, session, org, level, dialect, brought, slots, roots, endings'

export function requestOf({ slots, roots, endings, ...row }: RequestRow): KeptRequest {
  return {
    requestId: row.request_id,
    atMs: Number(row.at_ms),
    session: row.session ?? undefined,
    org: row.org ?? undefined,
    level: row.level,
    dialect: row.dialect,
    brought: digest(row.brought),
    words: [],
    bodies: slots.map((slot, at) => {
      const root = roots[at]
      return { slot, root: root ? digest(root) : undefined, ending: endings[at] as Buffer }
    })
  }
}

/** How many of its two parameters a statement has no use for: the server wants no others. */
function missing(sql: string): number {
  return sql.includes('$2') ? 0 : sql.includes('$1') ? 1 : 2
}

/** As the columns stand in their table, after the day. */
function valuesOf({ requestId, atMs, session, org, level, dialect, brought, words, bodies }: KeptRequest): unknown[] {
  return [
    ...[requestId, atMs, session ?? null, org ?? null, level, dialect].map(asText),
    ...[blob(brought), words, bodies.map(each => asText(each.slot))],
    ...[bodies.map(each => optional(each.root)), bodies.map(each => each.ending)]
  ]
}

const asIs = (place: string) => place
const CASTS: readonly ((place: string) => string)[] = [
  ...[asIs, asIs, asIs, asIs, asIs, asIs, asIs],
  (place: string) => `array_to_tsvector(${place}::text[])`,
  ...[asIs, asIs, asIs]
]

/** Two who add the same wait for each other in the same order, and not for ever. */
function inOrder<T>(rows: ReadonlyMap<Digest, T>): [Digest, T][] {
  return [...rows].sort(([a], [b]) => (a < b ? -1 : 1))
}

function blob(digest: Digest): Buffer {
  return Buffer.from(digest, 'latin1')
}

function blobs(digests: readonly Digest[]): Buffer[] {
  return digests.map(blob)
}

function optional(digest: Digest | undefined): Buffer | null {
  return digest === undefined ? null : blob(digest)
}

function digest(bytes: Buffer): Digest {
  return bytes.toString('latin1')
}
