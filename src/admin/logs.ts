import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod'
import { invalid, notFound } from '../access/changes.ts'
import { type Actor, may } from '../access/permissions.ts'
import { Failure } from '../errors.ts'
import { isObject } from '../json.ts'
import type { LogFilter } from '../stores/logs.ts'
import type { FeedbackRow, RequestRow } from '../stores/rows.ts'
import { csvLines, jsonLines } from './export.ts'
import type { Governance } from './governance.ts'
import { attemptReply, REQUEST_COLUMNS, requestReply, shownAttempt, shownRequest } from './ledger-replies.ts'
import { cursorIn, cursorText, type FilterQuery, filterOf, filterQuery } from './log-filter.ts'
import { noted } from './noted.ts'
import { pageReply, shownInSlices } from './pages.ts'
import { moment, momentText, text, textOrNull } from './replies.ts'
import { type Asked, type Download, type Route, route } from './route.ts'

const EXPORT_PAGE = 1_000
/** Pages of hits that are gone through for one page of rows that hold everything else that was asked for. */
const HIT_PAGES_MAX = 20
const HIT_PAGE = 500
const TAIL_MS = 500
const TAIL_PAGE = 500
const TAILS_MAX = 20
/** A line that says nothing, so that whoever is between does not close a stream that is still. */
const STILL_MS = 15_000

const tag = 'logs'
const permission = 'logs:read_metadata'

const page = {
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many at most.'),
  before: text.max(250).optional().describe('`next` of the page before.')
}

export const feedbackReply = z
  .object({
    id: text,
    request_id: text,
    at: momentText,
    score: z.number().nullable(),
    label: textOrNull,
    comment: textOrNull,
    key: textOrNull
  })
  .meta({ id: 'Feedback' })

const contentReply = z.object({
  level: z.enum(['metadata', 'redacted', 'full']),
  dialect: text,
  received: textOrNull.describe('As the client sent it.'),
  sent: z.array(z.object({ attempt_id: text, body: text })).describe('As it went upstream, of each attempt.'),
  answered: textOrNull.describe('As the client got it; a stream as the whole answer that it came to.'),
  similar: z
    .object({ request_id: text, score: z.number(), received: textOrNull })
    .nullable()
    .describe(
      'Where the cache gave the answer to a question like it: that call, how like it is, and what was asked there.'
    )
})

export const logRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/logs',
    permission,
    tag,
    summary:
      'Calls of clients, newest first, by any of their fields. A field may be given several times for any of them.',
    query: z.strictObject({ ...filterQuery, ...page }),
    reply: pageReply(requestReply),
    checksItself: true,
    async run(asked) {
      await asked.governance.flush()
      const { before, limit, ...query } = asked.query
      const rows = await found(asked, query, cursorIn(before, 'before'), limit + 1)
      const data = await shownInSlices(rows.slice(0, limit), requestReply, shownRequest)
      return { data, next: rows.length > limit ? cursorText(rows[limit - 1]!) : null }
    }
  }),
  route({
    method: 'GET',
    path: '/logs/tail',
    permission,
    tag,
    summary: 'Calls as they end, as server-sent events: `event: call` with the row. It ends when its reader leaves.',
    query: z.strictObject({
      ...filterQuery,
      limit: z.coerce.number().int().min(0).optional().describe('It ends after so many; without it: never.')
    }),
    download: true,
    async run({ actor, governance, query: { limit, ...query } }): Promise<Download> {
      if (query.q !== undefined) throw invalid('q', 'Words are found in what is kept, not in what is to come.')
      const lines = tail(filterOf(query, actor), governance, limit)
      return { name: 'tail', type: 'text/event-stream; charset=utf-8', lines }
    }
  }),
  route({
    method: 'GET',
    path: '/logs/export',
    permission,
    tag,
    summary: 'All calls that a filter finds, as a file, newest first. The audit log says who took it.',
    query: z.strictObject({ format: z.enum(['jsonl', 'csv']).default('jsonl'), ...filterQuery }),
    download: true,
    async run(asked): Promise<Download> {
      const { format, ...query } = asked.query
      await asked.governance.flush()
      filterOf(query, asked.actor)
      await noted(asked, 'logs:export', 'requests')
      const rows = exported(asked, query)
      return format === 'csv'
        ? { name: 'logs.csv', type: 'text/csv; charset=utf-8', lines: csvLines(REQUEST_COLUMNS, rows) }
        : { name: 'logs.jsonl', type: 'application/x-ndjson', lines: jsonLines(rows) }
    }
  }),
  route({
    method: 'GET',
    path: '/logs/:id',
    permission,
    tag,
    summary: 'One call, with its attempts, the calls that were made for it, and what people thought of its answer.',
    reply: z.object({
      request: requestReply.nullable().describe('Null while it is under way.'),
      attempts: z.array(attemptReply),
      children: z.array(requestReply).describe('Calls that were made for it: judges, embeddings, replays.'),
      feedback: z.array(feedbackReply)
    }),
    async run({ actor, params, governance }) {
      await governance.flush()
      const { ledger, logs, feedback } = governance.stores
      const { request, attempts } = await ledger.request(params.id!)
      const first = request ?? attempts[0]
      if (!first || !isSeen(actor, first)) throw notFound('call')
      const [children, opinions] = await Promise.all([
        logs.search({ is: { parent: [params.id!] } }, { limit: 100 }),
        feedback.of(params.id!)
      ])
      return {
        request: request ? shownRequest(request) : null,
        attempts: attempts.map(shownAttempt),
        children: children.filter(row => isSeen(actor, row)).map(shownRequest),
        feedback: opinions.map(shownFeedback)
      }
    }
  }),
  route({
    method: 'GET',
    path: '/logs/:id/content',
    permission: 'logs:read_content',
    tag,
    summary: 'What was said in a call, as far as it was kept. The audit log says who looked.',
    reply: contentReply,
    async run(asked) {
      const { request } = await seen(asked, asked.params.id!)
      const kept = await bodiesOf(asked.governance).find(request.id, request.startedAtMs)
      if (!kept) throw notFound('content: none was kept of this call')
      await noted(asked, 'logs:content', request.id)
      const { level, dialect, received = null, answered = null } = kept
      const sent = kept.sent.map(({ attemptId, body }) => ({ attempt_id: attemptId, body }))
      return { level, dialect, received, sent, answered, similar: await similarTo(request, asked) }
    }
  })
]

/** The call whose answer was given to this one, where its question was another; what was asked there as far as it is kept. */
async function similarTo(
  { details }: RequestRow,
  asked: Pick<Asked, 'actor' | 'governance'>
): Promise<z.input<typeof contentReply>['similar']> {
  const cache = details?.cache
  const { of: id, score } = isObject(cache) ? cache : {}
  if (typeof id !== 'string' || typeof score !== 'number') return null
  const { request } = await asked.governance.stores.ledger.request(id)
  const isTheirs = request && isSeen(asked.actor, request)
  const kept = isTheirs ? await bodiesOf(asked.governance).find(id, request.startedAtMs) : undefined
  return { request_id: id, score, received: kept?.received ?? null }
}

/** The row of a call that is over; what may not be seen is told of like what is not there. */
export async function seen(asked: Pick<Asked, 'actor' | 'governance'>, id: string): Promise<{ request: RequestRow }> {
  await asked.governance.flush()
  const { request } = await asked.governance.stores.ledger.request(id)
  if (!request || !isSeen(asked.actor, request)) throw notFound('call')
  return { request }
}

export function bodiesOf({ bodies }: Governance): NonNullable<Governance['bodies']> {
  if (bodies) return bodies
  throw new Failure(
    'not_found',
    'Nothing of what is said in calls is kept here: see `bodies.level` of the configuration.'
  )
}

/** A page of rows; those of a search by words are looked for in what is kept of bodies first. */
async function found(
  { actor, governance }: Pick<Asked, 'actor' | 'governance'>,
  query: FilterQuery,
  before: ReturnType<typeof cursorIn>,
  limit: number
): Promise<RequestRow[]> {
  const filter = filterOf(query, actor)
  const { logs } = governance.stores
  if (query.q === undefined) return logs.search(filter, { before, limit })
  if (!may(actor, 'logs:read_content')) {
    throw new Failure('not_allowed', 'Searching what was said needs logs:read_content.', { param: 'q' })
  }
  const rows: RequestRow[] = []
  let last = before && { requestId: before.id, atMs: before.startedAtMs }
  for (let turn = 0; turn < HIT_PAGES_MAX && rows.length < limit; turn++) {
    const { fromMs = 0, toMs = Number.MAX_SAFE_INTEGER, is } = filter
    const org = is?.org?.length === 1 ? is.org[0] : undefined
    const hits = await bodiesOf(governance).search({ text: query.q, fromMs, toMs, before: last, limit: HIT_PAGE, org })
    const ids = hits.map(({ requestId }) => requestId)
    if (ids.length > 0) rows.push(...(await logs.search({ ...filter, ids }, { limit: limit - rows.length })))
    if (hits.length < HIT_PAGE) break
    last = hits.at(-1)
  }
  return rows
}

async function* exported(asked: Asked, query: FilterQuery): AsyncGenerator<object> {
  let before: ReturnType<typeof cursorIn>
  for (;;) {
    const rows = await found(asked, query, before, EXPORT_PAGE)
    for (const row of rows) yield requestReply.parse(shownRequest(row))
    if (rows.length < EXPORT_PAGE) return
    before = rows.at(-1)
  }
}

let tails = 0

/** Rows as they come into the ledger. */
async function* tail(
  filter: LogFilter,
  { stores, flush, wallMs }: Governance,
  limit = Number.POSITIVE_INFINITY
): AsyncGenerator<string> {
  if (tails >= TAILS_MAX) throw new Failure('overloaded', `${TAILS_MAX} readers follow the log already.`)
  tails++
  try {
    let after = { startedAtMs: await stores.nowMs(), id: '' }
    const shown = new Set<string>()
    let saidMs = wallMs()
    yield ': following\n\n'
    for (let left = limit; left > 0; ) {
      await flush().catch(() => {})
      // A long call begins before others that end first: those of the last minutes are looked at again.
      const rows = await stores.logs.since(filter, { after, limit: TAIL_PAGE })
      for (const row of rows) {
        if (shown.has(row.id)) continue
        shown.add(row.id)
        saidMs = wallMs()
        yield `event: call\ndata: ${JSON.stringify(requestReply.parse(shownRequest(row)))}\n\n`
        if (--left === 0) return
      }
      after = moved(after, rows, shown)
      if (wallMs() - saidMs > STILL_MS) {
        saidMs = wallMs()
        yield ': still here\n\n'
      }
      if (rows.length < TAIL_PAGE) await sleep(TAIL_MS)
    }
  } finally {
    tails--
  }
}

/** How far back calls are looked for that ended after others which began later. */
const LONGEST_MS = 10 * 60_000

/** Goes on behind what is older than any call that may still be under way. */
function moved(after: { startedAtMs: number; id: string }, rows: readonly RequestRow[], shown: Set<string>) {
  const newest = rows.at(-1)
  if (!newest) return after
  const border = newest.startedAtMs - LONGEST_MS
  const passed = rows.length >= TAIL_PAGE ? newest : rows.findLast(({ startedAtMs }) => startedAtMs < border)
  if (!passed) return after
  for (const { id, startedAtMs } of rows) if (startedAtMs < passed.startedAtMs) shown.delete(id)
  return { startedAtMs: passed.startedAtMs, id: passed.id }
}

export function shownFeedback({
  id,
  requestId,
  atMs,
  score,
  label,
  comment,
  key
}: FeedbackRow): z.input<typeof feedbackReply> {
  return { id, request_id: requestId, at: moment(atMs), score, label, comment, key }
}

function isSeen(actor: Actor, { payers }: Pick<RequestRow, 'payers'>): boolean {
  return actor.org === undefined || payers.org === actor.org
}
