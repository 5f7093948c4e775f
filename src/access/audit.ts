import { hash } from 'node:crypto'
import type { Json, JsonObject } from '../json.ts'
import type { AuditRow } from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'

/** What the row before the first one would have as its hash. */
const GENESIS = '0'.repeat(64)

export type AuditEntry = Omit<AuditRow, 'seq' | 'atMs' | 'hash'>

/** Adds a row to the chain, in the transaction of the change that it tells of (D27). */
export async function append(tx: Pick<Stores, 'audit' | 'nowMs'>, entry: AuditEntry): Promise<AuditRow> {
  const last = await tx.audit.last()
  const unsealed = {
    seq: (last?.seq ?? 0) + 1,
    // Two replicas and one clock that is set back must not make the log look out of order.
    atMs: Math.max(await tx.nowMs(), last?.atMs ?? 0),
    actor: entry.actor,
    role: entry.role,
    address: entry.address,
    action: entry.action,
    object: entry.object,
    before: entry.before,
    after: entry.after,
    requestId: entry.requestId
  }
  const row: AuditRow = { ...unsealed, hash: hashOf(unsealed, last?.hash ?? GENESIS) }
  await tx.audit.append(row)
  return row
}

/** What an anchor outside of the database says: this row was there, with this hash. */
export interface Anchor {
  seq: number
  hash: string
}

export type Verified =
  | { ok: true; rows: number; last: Anchor | undefined }
  /** The first row that is wrong (or missing), and how. */
  | { ok: false; seq: number; why: string }

/**
 * Goes through the chain from its first row on. Whoever may write to the database can make a whole new chain: that is
 * found by anchors alone, and so is a chain without its last rows.
 */
export async function verify(
  rows: Iterable<AuditRow> | AsyncIterable<AuditRow>,
  anchors: readonly Anchor[] = []
): Promise<Verified> {
  const anchored = new Map(anchors.map(({ seq, hash }) => [seq, hash]))
  let last: Anchor = { seq: 0, hash: GENESIS }
  for await (const row of rows) {
    const why =
      faultOf(row, last) ?? (differs(anchored, row) ? 'it is not the row that the checkpoint has seen' : undefined)
    if (why !== undefined) return { ok: false, seq: row.seq > last.seq + 1 ? last.seq + 1 : row.seq, why }
    last = { seq: row.seq, hash: row.hash }
  }
  const beyond = Math.max(0, ...anchored.keys())
  if (beyond > last.seq) {
    return { ok: false, seq: last.seq + 1, why: `it and all after it are gone; a checkpoint has seen row ${beyond}` }
  }
  return { ok: true, rows: last.seq, last: last.seq === 0 ? undefined : last }
}

function faultOf(row: AuditRow, last: Anchor): string | undefined {
  if (row.seq > last.seq + 1) return 'it is missing'
  if (row.seq !== last.seq + 1) return `it stands after row ${last.seq}`
  return hashOf(row, last.hash) === row.hash ? undefined : 'it, or the row before it, was changed'
}

function differs(anchored: ReadonlyMap<number, string>, { seq, hash }: AuditRow): boolean {
  return anchored.has(seq) && anchored.get(seq) !== hash
}

/** SHA-256 (hex) of what an object is at a moment, for `before` and `after`; null where there is none. */
export function digestOf(object: object | undefined | null): string | null {
  return object ? hash('sha256', canonicalJson(object as JsonObject), 'hex') : null
}

/** JSON in one spelling only (RFC 8785): members by name in UTF-16 order, no white space, numbers as the language has them. */
export function canonicalJson(value: Json): string {
  if (typeof value === 'string' && !value.isWellFormed()) throw new RangeError('a text with half a character')
  if (typeof value === 'number' && !Number.isFinite(value)) throw new RangeError('no number of JSON')
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const members = Object.keys(value)
    .filter(name => value[name] !== undefined)
    .sort()
    .map(name => `${JSON.stringify(name)}:${canonicalJson(value[name]!)}`)
  return `{${members.join(',')}}`
}

function hashOf(row: Omit<AuditRow, 'hash'>, hashBefore: string): string {
  const { seq, atMs, actor, role, address, action, object, before, after, requestId } = row
  const sealed = { seq, atMs, actor, role, address, action, object, before, after, requestId }
  return hash('sha256', `${hashBefore}\n${canonicalJson(sealed)}`, 'hex')
}
