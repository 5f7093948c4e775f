import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { append } from '../access/audit.ts'
import { notFound } from '../access/changes.ts'
import { plainText } from '../access/fields.ts'
import type { Actor } from '../access/permissions.ts'
import type { JsonObject } from '../json.ts'
import type { ViewRow } from '../stores/rows.ts'
import { filterQuery } from './log-filter.ts'
import { moment, momentText, text } from './replies.ts'
import { type Asked, type Route, readInput, route } from './route.ts'

const VIEWS_MAX = 500
const tag = 'logs'
const permission = 'logs:read_metadata'

const viewInput = z.strictObject({
  name: plainText,
  query: z
    .partialRecord(z.enum(Object.keys(filterQuery) as [string, ...string[]]), z.union([text, z.array(text)]))
    .describe('As `GET /admin/logs` takes it.')
})

const viewReply = z
  .object({ id: text, name: text, query: z.record(z.string(), z.unknown()), created_at: momentText })
  .meta({ id: 'View' })

/** Filters of the log under a name, for those of an organisation who may see its log: they say what to look for and hold none of it. */
export const viewRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/views',
    permission,
    tag,
    summary: 'Filters of the log that somebody gave a name.',
    reply: z.object({ data: z.array(viewReply) }),
    async run({ actor, governance }) {
      const rows = await governance.stores.views.list({ limit: VIEWS_MAX })
      return { data: rows.filter(row => isOwn(row, actor)).map(shown) }
    }
  }),
  route({
    method: 'POST',
    path: '/views',
    permission: 'logs:write_views',
    tag,
    summary: 'Gives a filter a name.',
    body: viewInput,
    status: 201,
    reply: viewReply,
    async run(asked) {
      const { name, query } = asked.body
      readInput(z.strictObject(filterQuery), query)
      const row: ViewRow = {
        id: randomUUID(),
        name,
        org: asked.actor.org ?? null,
        query: query as JsonObject,
        createdAtMs: await asked.governance.stores.nowMs()
      }
      await changed(asked, 'views:create', row.id, tx => tx.views.put(row))
      return shown(row)
    }
  }),
  route({
    method: 'DELETE',
    path: '/views/:id',
    permission: 'logs:write_views',
    tag,
    summary: 'Forgets a name; no call is removed.',
    async run(asked) {
      const { id } = asked.params
      await changed(asked, 'views:remove', id!, async tx => {
        const row = await tx.views.find(id!)
        if (!row || !isOwn(row, asked.actor)) throw notFound('view')
        await tx.views.remove(id!)
      })
    }
  })
]

async function changed(
  { governance, actor, tools: { address, requestId } }: Asked,
  action: string,
  object: string,
  run: (tx: Asked['governance']['stores']) => Promise<void>
): Promise<void> {
  await governance.stores.transaction(async tx => {
    await run(tx)
    const { id, role } = actor
    await append(tx, { actor: id, role, address, requestId, action, object, before: null, after: null })
  })
}

function isOwn({ org }: ViewRow, actor: Actor): boolean {
  return actor.org === undefined || org === actor.org
}

function shown({ id, name, query, createdAtMs }: ViewRow): z.input<typeof viewReply> {
  return { id, name, query, created_at: moment(createdAtMs) }
}
