import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { AdminRow } from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'
import { invalid, notFound, record, type Tools, tenantOf } from './changes.ts'
import type { AdminInput, AdminPatch } from './inputs.ts'
import { type Actor, mayGrant, must, sees } from './permissions.ts'
import { makeToken } from './tokens.ts'

/**
 * Makes a token of the admin API, shown this once. Its role allows nothing that the actor may not do. Failures:
 * `not_allowed`, `invalid_input`.
 */
export async function createAdmin(
  actor: Actor,
  input: AdminInput,
  tx: Stores,
  tools: Tools
): Promise<{ admin: AdminRow; token: Secret }> {
  must(actor, 'admins:write')
  const org = input.org ?? actor.org ?? null
  if (org !== null && ((actor.org !== undefined && org !== actor.org) || !(await tenantOf(tx, tools, 'org', org)))) {
    throw invalid('org', 'There is no such organisation.')
  }
  checkGrant(actor, { role: input.role, org })
  const { id, token, hint } = makeToken('admin', size => tools.randomBytes(size))
  const admin: AdminRow = {
    id,
    name: input.name,
    role: input.role,
    org,
    digest: tools.digests.ofAdmin(token.reveal()),
    hint,
    createdAtMs: await tx.nowMs(),
    expiresAtMs: input.expires ?? null,
    disabled: false
  }
  await checkUser(admin, tx, tools)
  await tx.admins.put(admin)
  await record(tx, actor, tools, { action: 'admins:create', object: `admin:${id}`, before: undefined, after: admin })
  return { admin, token }
}

/** Changes another's token; nobody changes their own. Failures: `not_found`, `not_allowed`, `invalid_input`. */
export async function updateAdmin(
  actor: Actor,
  id: string,
  patch: AdminPatch,
  tx: Stores,
  tools: Tools
): Promise<AdminRow> {
  const before = await changeable(actor, id, tx)
  const admin: AdminRow = {
    ...before,
    name: patch.name ?? before.name,
    role: patch.role ?? before.role,
    disabled: patch.disabled ?? before.disabled,
    expiresAtMs: patch.expires === undefined ? before.expiresAtMs : patch.expires
  }
  checkGrant(actor, admin)
  await checkUser(admin, tx, tools)
  await tx.admins.put(admin)
  await record(tx, actor, tools, { action: 'admins:update', object: `admin:${id}`, before, after: admin })
  return admin
}

export async function removeAdmin(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<void> {
  const before = await changeable(actor, id, tx)
  await tx.admins.remove(id)
  await record(tx, actor, tools, { action: 'admins:remove', object: `admin:${id}`, before, after: undefined })
}

async function changeable(actor: Actor, id: string, tx: Stores): Promise<AdminRow> {
  must(actor, 'admins:write')
  const admin = await tx.admins.find(id)
  if (!admin || !sees(actor, { org: admin.org })) throw notFound('admin token')
  if (admin.id === actor.id) throw new Failure('not_allowed', 'Nobody changes their own admin token.')
  // Who may do more than the actor is not theirs to turn off either.
  checkGrant(actor, admin)
  return admin
}

function checkGrant(actor: Actor, row: Pick<AdminRow, 'role' | 'org'>): void {
  if (mayGrant(actor, row)) return
  throw new Failure('not_allowed', `The role ${actor.role} may not hand out the role ${row.role}: it allows more.`, {
    param: 'role'
  })
}

/** A developer is a user, whose keys and usage the token shows: somebody else's must not be had by choosing a name. */
async function checkUser({ role, name, org }: AdminRow, tx: Stores, tools: Tools): Promise<void> {
  if (role !== 'developer') return
  const user = await tenantOf(tx, tools, 'user', name)
  if (!user || user.org !== org)
    throw invalid('name', 'There is no such user; a developer has the id of a user as name.')
}
