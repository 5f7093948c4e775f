import { Failure } from '../errors.ts'
import type { TenantKind, TenantRow } from '../stores/rows.ts'
import type { Page, Stores } from '../stores/stores.ts'
import { eachRow, inFile, invalid, notFound, record, type Tools, tenantOf } from './changes.ts'
import { type TenantInput, type TenantPatch, tenantScopes, toTenantRow } from './inputs.ts'
import { type Actor, must, sees } from './permissions.ts'

/**
 * Makes an organisation, team, user, customer or agent; one that was only seen in calls becomes one that somebody made.
 * Failures: `not_allowed`, `conflict`, `declared_in_file`, `invalid_input`.
 */
export async function createTenant(actor: Actor, input: TenantInput, tx: Stores, tools: Tools): Promise<TenantRow> {
  must(actor, 'tenants:write')
  const { kind, id } = input
  if (tools.declared.tenant(kind, id)) throw inFile(kind)
  const org = await orgFor(actor, input, tx, tools)
  const before = await tx.tenants.find(kind, id)
  // Whose it is stays unsaid: its id is taken, and that is all.
  if (before && (!before.asSeen || !seesTenant(actor, before))) {
    throw new Failure('conflict', `There is a ${kind} of this id already.`, { param: 'id' })
  }
  const tenant = toTenantRow(
    { ...input, org: org ?? before?.org ?? undefined },
    before?.createdAtMs ?? (await tx.nowMs())
  )
  await tx.tenants.put(tenant)
  await record(tx, actor, tools, { action: 'tenants:create', object: `${kind}:${id}`, before, after: tenant })
  return tenant
}

/** Changes what the patch names. Failures: `not_found`, `declared_in_file`, `not_allowed`. */
export async function updateTenant(
  actor: Actor,
  { kind, id }: Pick<TenantRow, 'kind' | 'id'>,
  patch: TenantPatch,
  tx: Stores,
  tools: Tools
): Promise<TenantRow> {
  const before = await changeable(actor, kind, id, tx, tools)
  const { name = before.name, metadata = before.metadata, disabled = before.disabled } = patch
  const { scopes = {}, ...rest } = before
  const { guards = scopes.guards, require = scopes.require, bodies = scopes.bodies } = patch
  checkHeld(actor, kind, patch)
  const held = tenantScopes(kind, { guards, require, bodies })
  const tenant: TenantRow = { ...rest, ...held, name, metadata, disabled, asSeen: false }
  await tx.tenants.put(tenant)
  await record(tx, actor, tools, { action: 'tenants:update', object: `${kind}:${id}`, before, after: tenant })
  return tenant
}

/** Removes one that nothing belongs to. Failures: as above, and `conflict`. */
export async function removeTenant(
  actor: Actor,
  { kind, id }: Pick<TenantRow, 'kind' | 'id'>,
  tx: Stores,
  tools: Tools
): Promise<void> {
  const before = await changeable(actor, kind, id, tx, tools)
  if (await holdsAnything(kind, id, tx)) {
    throw new Failure('conflict', `Something still belongs to this ${kind}; remove that first, or disable it.`)
  }
  await tx.tenants.remove(kind, id)
  await record(tx, actor, tools, { action: 'tenants:remove', object: `${kind}:${id}`, before, after: undefined })
}

/** What an organisation is held to is for those above it: they see all organisations. */
function checkHeld(actor: Actor, kind: TenantKind, { guards, require, bodies }: TenantPatch): void {
  const isHeld = guards !== undefined || require !== undefined || bodies !== undefined
  if (kind !== 'org' || actor.org === undefined || !isHeld) return
  throw new Failure('not_allowed', 'Guards and demands of an organisation are set by those who see all organisations.')
}

/** Whether the actor sees a tenant; an organisation is of itself. */
export function seesTenant(actor: Actor, { kind, id, org }: TenantRow): boolean {
  return sees(actor, { org: kind === 'org' ? id : org, user: kind === 'user' ? id : null })
}

async function orgFor(actor: Actor, input: TenantInput, tx: Stores, tools: Tools): Promise<string | undefined> {
  const { kind, org = actor.org } = input
  if (actor.org !== undefined && (kind === 'org' || kind === 'customer' || kind === 'agent')) {
    throw new Failure('not_allowed', `A ${kind} is made by those who see all organisations.`)
  }
  if (org === undefined) return undefined
  const isSeen = actor.org === undefined || org === actor.org
  if (!isSeen || !(await tenantOf(tx, tools, 'org', org))) throw invalid('org', 'There is no such organisation.')
  return org
}

async function changeable(actor: Actor, kind: TenantKind, id: string, tx: Stores, tools: Tools): Promise<TenantRow> {
  must(actor, 'tenants:write')
  const declared = tools.declared.tenant(kind, id)
  if (declared && seesTenant(actor, declared)) throw inFile(kind)
  const tenant = declared ? undefined : await tx.tenants.find(kind, id)
  if (!tenant || !seesTenant(actor, tenant)) throw notFound(kind)
  return tenant
}

async function holdsAnything(kind: TenantKind, id: string, tx: Stores): Promise<boolean> {
  if (kind === 'customer' || kind === 'agent') return false
  for await (const key of eachRow(page => tx.keys.list(page))) if (key[kind] === id) return true
  if (kind !== 'org') return false
  for (const below of ['team', 'user'] as const) {
    for await (const { org } of eachRow((page: Page) => tx.tenants.list(below, page))) if (org === id) return true
  }
  for await (const { org } of eachRow(page => tx.admins.list(page))) if (org === id) return true
  return false
}
