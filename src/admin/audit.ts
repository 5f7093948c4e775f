import * as z from 'zod'
import { append, verify } from '../access/audit.ts'
import { notFound } from '../access/changes.ts'
import type { AuditRow } from '../stores/rows.ts'
import type { AuditStore } from '../stores/stores.ts'
import { jsonLines } from './export.ts'
import { moment, momentText, text, textOrNull } from './replies.ts'
import { type Download, type Route, route } from './route.ts'

const auditReply = z
  .object({
    seq: z.number(),
    at: momentText,
    actor: text,
    role: text,
    address: textOrNull,
    action: text,
    object: text,
    before: textOrNull.describe('SHA-256 of the object before; what it was is not kept.'),
    after: textOrNull,
    request_id: text,
    hash: text
  })
  .meta({ id: 'AuditRow' })

const checkpointReply = z.object({
  checkpoint: z.object({
    seq: z.number(),
    hash: text,
    atMs: z.number(),
    signature: text.describe('Ed25519, base64.')
  }),
  public_key: text.describe('PEM: whoever has it can verify, and sign nothing.')
})

const verifyReply = z.object({
  ok: z.boolean(),
  rows: z.number().optional(),
  hash: text.optional().describe('Of the last row.'),
  seq: z.number().optional().describe('The first row that is wrong.'),
  why: text.optional()
})

const permission = 'audit:read'
const tag = 'audit'
const PAGE = 1_000

export const auditRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/audit',
    permission,
    tag,
    summary: 'Lists the audit log, the oldest first.',
    query: z.strictObject({
      from_seq: z.coerce.number().int().min(1).default(1).describe('From this row on.'),
      limit: z.coerce.number().int().min(1).max(1_000).default(100)
    }),
    reply: z.object({ data: z.array(auditReply), next: z.number().nullable().describe('Ask for `from_seq` this.') }),
    async run({ governance, query: { from_seq, limit } }) {
      const rows = await governance.stores.audit.list(from_seq, limit + 1)
      return { data: rows.slice(0, limit).map(shown), next: rows[limit]?.seq ?? null }
    }
  }),
  route({
    method: 'GET',
    path: '/audit/export',
    permission,
    tag,
    summary: 'The whole audit log as `gatehouse audit verify` reads it: a row a line, as its hash was taken of it.',
    download: true,
    async run({ governance, actor: { id, role }, tools: { address, requestId } }): Promise<Download> {
      const noted = { actor: id, role, address, requestId, action: 'audit:export', object: 'audit' }
      const { stores } = governance
      await stores.transaction(tx => append(tx, { ...noted, before: null, after: null }))
      return { name: 'audit.jsonl', type: 'application/x-ndjson', lines: jsonLines(auditRows(stores.audit)) }
    }
  }),
  route({
    method: 'GET',
    path: '/audit/verify',
    permission,
    tag,
    summary:
      'Goes through the chain and says which row is the first wrong one. A whole new chain is found by checkpoints.',
    reply: verifyReply,
    async run({ governance }): Promise<z.input<typeof verifyReply>> {
      const found = await verify(auditRows(governance.stores.audit))
      return found.ok ? { ok: true, rows: found.rows, ...(found.last && { hash: found.last.hash }) } : found
    }
  }),
  route({
    method: 'GET',
    path: '/audit/checkpoint',
    permission,
    tag,
    summary: 'The newest row, signed. Kept elsewhere, it shows what is done to the log later.',
    reply: checkpointReply,
    async run({ governance: { stores, signer } }) {
      // Only a transaction may ask for the newest: the chain is locked meanwhile.
      const last = await stores.transaction(tx => tx.audit.last())
      if (!last) throw notFound('row: nothing has been changed yet')
      return { checkpoint: signer.sign(last, await stores.nowMs()), public_key: signer.publicKey }
    }
  })
]

async function* auditRows(audit: AuditStore): AsyncGenerator<AuditRow> {
  let from = 1
  for (;;) {
    const rows = await audit.list(from, PAGE)
    yield* rows
    if (rows.length < PAGE) return
    from = rows.at(-1)!.seq + 1
  }
}

function shown(row: AuditRow): z.input<typeof auditReply> {
  const { seq, atMs, actor, role, address, action, object, before, after, requestId, hash } = row
  return { seq, at: moment(atMs), actor, role, address, action, object, before, after, request_id: requestId, hash }
}
