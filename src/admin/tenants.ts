import * as z from 'zod'
import { notFound } from '../access/changes.ts'
import { tenantInput, tenantPatch } from '../access/inputs.ts'
import { createTenant, removeTenant, seesTenant, updateTenant } from '../access/tenants-admin.ts'
import type { TenantKind, TenantRow } from '../stores/rows.ts'
import type { Governance } from './governance.ts'
import { pageOf, pageQuery, pageReply, rowsFrom } from './pages.ts'
import {
  bodiesReply,
  demands,
  demandsReply,
  metadataReply,
  moment,
  momentOrNull,
  source,
  text,
  textOrNull,
  textsOrNull
} from './replies.ts'
import { type Route, route } from './route.ts'

const KINDS = ['org', 'team', 'user', 'customer', 'agent'] as const satisfies readonly TenantKind[]
const kind = z.enum(KINDS)

const tenantReply = z
  .object({
    kind,
    id: text,
    name: text,
    org: textOrNull,
    guards: textsOrNull,
    require: demandsReply,
    bodies: bodiesReply,
    metadata: metadataReply,
    disabled: z.boolean(),
    created_at: momentOrNull,
    as_seen: z.boolean().describe('Nobody made it: a call named it.'),
    source
  })
  .meta({ id: 'Tenant' })

const tag = 'tenants'

export const tenantRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/tenants',
    permission: 'tenants:read',
    tag,
    summary: 'Lists organisations, teams, users, customers or agents.',
    query: z.strictObject({ ...pageQuery, kind, org: text.optional().describe('Those of this organisation.') }),
    reply: pageReply(tenantReply),
    async run({ actor, governance, query: { limit, after, kind: asked, org } }) {
      const declared = governance.declared().rows.tenants.filter(row => row.kind === asked)
      const found = rowsFrom(declared, page => governance.stores.tenants.list(asked, page), after)
      const isSeen = (row: TenantRow) => seesTenant(actor, row) && (org === undefined || row.org === org)
      const { data, next } = await pageOf(found, limit, isSeen)
      return { data: data.map(row => shown(row, governance)), next }
    }
  }),
  route({
    method: 'POST',
    path: '/tenants',
    permission: 'tenants:write',
    tag,
    summary: 'Makes one; what was only seen in calls becomes one that somebody made.',
    body: tenantInput,
    status: 201,
    reply: tenantReply,
    run: async ({ actor, body, change, governance }) =>
      shown(await change('access', (tx, tools) => createTenant(actor, body, tx, tools)), governance)
  }),
  route({
    method: 'GET',
    path: '/tenants/:kind/:id',
    permission: 'tenants:read',
    tag,
    summary: 'One of them.',
    reply: tenantReply,
    async run({ actor, params, governance }) {
      const { kind: asked, id } = named(params)
      const { names } = governance.declared()
      const row = names.tenant(asked, id) ?? (await governance.stores.tenants.find(asked, id))
      if (!row || !seesTenant(actor, row)) throw notFound(asked)
      return shown(row, governance)
    }
  }),
  route({
    method: 'PATCH',
    path: '/tenants/:kind/:id',
    permission: 'tenants:write',
    tag,
    summary: 'Changes what is named. Keys of a disabled one are refused.',
    body: tenantPatch,
    reply: tenantReply,
    run: async ({ actor, params, body, change, governance }) =>
      shown(await change('access', (tx, tools) => updateTenant(actor, named(params), body, tx, tools)), governance)
  }),
  route({
    method: 'DELETE',
    path: '/tenants/:kind/:id',
    permission: 'tenants:write',
    tag,
    summary: 'Removes one that nothing belongs to.',
    run: ({ actor, params, change }) => change('access', (tx, tools) => removeTenant(actor, named(params), tx, tools))
  })
]

function named(params: Readonly<Record<string, string>>): { kind: TenantKind; id: string } {
  const read = kind.safeParse(params.kind)
  if (!read.success) throw notFound('kind of tenant')
  return { kind: read.data, id: params.id! }
}

function shown(row: TenantRow, governance: Governance): z.input<typeof tenantReply> {
  const isDeclared = governance.declared().names.tenant(row.kind, row.id) !== undefined
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    org: row.org,
    guards: row.scopes?.guards ? [...row.scopes.guards] : null,
    require: demands(row.scopes?.require),
    bodies: row.scopes?.bodies ?? null,
    metadata: row.metadata,
    disabled: row.disabled,
    created_at: isDeclared ? null : moment(row.createdAtMs),
    as_seen: row.asSeen,
    source: isDeclared ? 'file' : 'api'
  }
}
