import * as z from 'zod'
import { createAdmin, removeAdmin, updateAdmin } from '../access/admins-admin.ts'
import { notFound } from '../access/changes.ts'
import { adminInput, adminPatch } from '../access/inputs.ts'
import { sees } from '../access/permissions.ts'
import type { AdminRow } from '../stores/rows.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import { moment, momentOrNull, momentText, text, textOrNull } from './replies.ts'
import { type Route, route } from './route.ts'

const adminReply = z
  .object({
    id: text,
    name: text,
    role: text,
    org: textOrNull.describe('Sees and changes this organisation alone; null: all.'),
    hint: text.describe('The last four characters of the token.'),
    created_at: momentText,
    expires: momentOrNull,
    disabled: z.boolean()
  })
  .meta({ id: 'Admin' })

const tag = 'admins'

export const adminRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/admins',
    permission: 'admins:read',
    tag,
    summary: 'Lists admin tokens, beside that of the data directory.',
    query: z.strictObject(pageQuery),
    reply: pageReply(adminReply),
    async run({ actor, governance, query: { limit, after } }) {
      const found = rowsFrom([], page => governance.stores.admins.list(page), after)
      const { data, next } = await pageOf(found, limit, row => sees(actor, row))
      return { data: data.map(shown), next }
    }
  }),
  route({
    method: 'POST',
    path: '/admins',
    permission: 'admins:write',
    tag,
    summary: 'Makes an admin token; it is in this answer and nowhere else.',
    body: adminInput,
    status: 201,
    reply: z.object({ admin: adminReply, token: text.describe('It is shown this once and kept nowhere.') }),
    async run({ actor, body, change }) {
      const { admin, token } = await change('access', (tx, tools) => createAdmin(actor, body, tx, tools))
      return { admin: shown(admin), token: token.reveal() }
    }
  }),
  route({
    method: 'GET',
    path: '/admins/:id',
    permission: 'admins:read',
    tag,
    summary: 'One admin token, without its text.',
    reply: adminReply,
    async run({ actor, params, governance }) {
      const row = await governance.stores.admins.find(params.id!)
      if (!row || !sees(actor, row)) throw notFound('admin token')
      return shown(row)
    }
  }),
  route({
    method: 'PATCH',
    path: '/admins/:id',
    permission: 'admins:write',
    tag,
    summary: 'Changes the token of somebody else; nobody changes their own.',
    body: adminPatch,
    reply: adminReply,
    run: async ({ actor, params, body, change }) =>
      shown(await change('access', (tx, tools) => updateAdmin(actor, params.id!, body, tx, tools)))
  }),
  route({
    method: 'DELETE',
    path: '/admins/:id',
    permission: 'admins:write',
    tag,
    summary: 'Removes the token of somebody else.',
    run: ({ actor, params, change }) => change('access', (tx, tools) => removeAdmin(actor, params.id!, tx, tools))
  })
]

function shown(row: AdminRow): z.input<typeof adminReply> {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    org: row.org,
    hint: row.hint,
    created_at: moment(row.createdAtMs),
    expires: moment(row.expiresAtMs),
    disabled: row.disabled
  }
}
