import * as z from 'zod'
import { append } from '../access/audit.ts'
import { notFound } from '../access/changes.ts'
import { moment as momentInput } from '../access/fields.ts'
import type { Actor } from '../access/permissions.ts'
import type { AttemptRow, RequestRow } from '../stores/rows.ts'
import type { Page } from '../stores/stores.ts'
import { csvLines, jsonLines } from './export.ts'
import {
  ATTEMPT_COLUMNS,
  attemptReply,
  REQUEST_COLUMNS,
  requestReply,
  shownAttempt,
  shownRequest
} from './ledger-replies.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import { type Asked, type Download, type Route, route } from './route.ts'

type Row = AttemptRow | RequestRow

/** A kind of row of the ledger: its list and its export are made alike. */
interface Kind {
  name: 'requests' | 'attempts'
  of: string
  reply: z.ZodObject
  columns: readonly string[]
  list(asked: Asked): (page: Page) => Promise<Row[]>
  shown(row: Row): object
}

const REQUESTS: Kind = {
  name: 'requests',
  of: 'calls of clients',
  reply: requestReply,
  columns: REQUEST_COLUMNS,
  list: asked => page => asked.governance.stores.ledger.requests(page),
  shown: row => shownRequest(row as RequestRow)
}

const ATTEMPTS: Kind = {
  name: 'attempts',
  of: 'calls to providers',
  reply: attemptReply,
  columns: ATTEMPT_COLUMNS,
  list: asked => page => asked.governance.stores.ledger.attempts(page),
  shown: row => shownAttempt(row as AttemptRow)
}

const times = {
  from: momentInput.optional().describe('Rows that began then or later.'),
  to: momentInput.optional().describe('Rows that began before then.')
}
const exportQuery = z.strictObject({
  format: z.enum(['jsonl', 'csv']).default('jsonl').describe('A JSON object a line, or a table for a spreadsheet.'),
  ...times
})

const permission = 'logs:read_metadata'
const tag = 'ledger'

export const ledgerRoutes: readonly Route[] = [
  ...listRoutes(REQUESTS),
  ...listRoutes(ATTEMPTS),
  route({
    method: 'GET',
    path: '/requests/:id',
    permission,
    tag,
    summary: 'One call of a client, with its attempts; its row is null while it is under way.',
    reply: z.object({ request: requestReply.nullable(), attempts: z.array(attemptReply) }),
    async run({ actor, params, governance }) {
      await governance.flush()
      const { request, attempts } = await governance.stores.ledger.request(params.id!)
      const first: Row | undefined = request ?? attempts[0]
      if (!first || !isSeen(actor, first)) throw notFound('request')
      return { request: request ? shownRequest(request) : null, attempts: attempts.map(shownAttempt) }
    }
  })
]

function listRoutes(kind: Kind): Route[] {
  return [
    route({
      method: 'GET',
      path: `/${kind.name}`,
      permission,
      tag,
      summary: `Lists ${kind.of}, by id.`,
      query: z.strictObject({ ...pageQuery, ...times }),
      reply: pageReply(kind.reply),
      async run(asked) {
        await asked.governance.flush()
        const { limit, after, from, to } = asked.query
        const wanted = (row: Row) => isSeen(asked.actor, row) && isWithin(row, from, to)
        const { data, next } = await pageOf(rowsFrom([], kind.list(asked), after), limit, wanted)
        return { data: data.map(kind.shown), next }
      }
    }),
    route({
      method: 'GET',
      path: `/${kind.name}/export`,
      permission,
      tag,
      summary: `All ${kind.of}, as a file. The audit log says who took it.`,
      query: exportQuery,
      download: true,
      run: asked => exported(kind, asked)
    })
  ]
}

async function exported(kind: Kind, asked: Asked<z.output<typeof exportQuery>>): Promise<Download> {
  const { governance, actor, tools, query } = asked
  await governance.flush()
  const { id, role } = actor
  const { address, requestId } = tools
  const noted = { actor: id, role, address, requestId, action: 'ledger:export', object: kind.name }
  await governance.stores.transaction(tx => append(tx, { ...noted, before: null, after: null }))
  const rows = shownRows(kind, asked)
  return query.format === 'csv'
    ? { name: `${kind.name}.csv`, type: 'text/csv; charset=utf-8', lines: csvLines(kind.columns, rows) }
    : { name: `${kind.name}.jsonl`, type: 'application/x-ndjson', lines: jsonLines(rows) }
}

async function* shownRows(kind: Kind, asked: Asked<z.output<typeof exportQuery>>): AsyncGenerator<object> {
  const { from, to } = asked.query
  for await (const row of rowsFrom<Row>([], kind.list(asked), undefined)) {
    if (isSeen(asked.actor, row) && isWithin(row, from, to)) yield kind.reply.parse(kind.shown(row))
  }
}

function isSeen(actor: Actor, { payers }: Row): boolean {
  return actor.org === undefined || payers.org === actor.org
}

function isWithin({ startedAtMs }: Row, fromMs = 0, toMs = Number.POSITIVE_INFINITY): boolean {
  return startedAtMs >= fromMs && startedAtMs < toMs
}
