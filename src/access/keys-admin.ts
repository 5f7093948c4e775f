import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { KeyRow, TenantKind } from '../stores/rows.ts'
import type { Stores } from '../stores/stores.ts'
import { type Declared, inFile, invalid, keyNamed, notFound, record, type Tools, tenantOf } from './changes.ts'
import { type KeyInput, type KeyPatch, scopesOf, toKeyRow } from './inputs.ts'
import { type Actor, may, must, sees } from './permissions.ts'
import { ANCESTORS_MAX, ancestorsOf } from './stored-keys.ts'
import { makeToken } from './tokens.ts'
import { checkWithin } from './within.ts'

/** A key with its token, which is shown this once and kept nowhere. */
export interface KeyMade {
  key: KeyRow
  token: Secret
}

/**
 * Makes a key. One with a parent belongs to the same organisation, team and user, and may never do more; developers make
 * keys of their own keys only. Failures: `not_allowed`, `invalid_input`, `conflict` where the name is taken.
 */
export async function createKey(actor: Actor, input: KeyInput, tx: Stores, tools: Tools): Promise<KeyMade> {
  must(actor, 'keys:write', 'keys:write_own')
  const ancestors = await parentsFor(actor, input.parent, tx)
  const createdAtMs = await tx.nowMs()
  const { id, token, hint } = makeToken('live', size => tools.randomBytes(size))
  const tenant = await tenantFor(actor, input, ancestors, tx, tools)
  const key: KeyRow = { ...toKeyRow(input, { id, createdAtMs }), ...tenant }
  checkWithin(key.scopes, key.expiresAtMs, ancestors)
  await checkName(key, tx, tools.declared)
  await tx.keys.put(key)
  const digest = tools.digests.ofKey(token.reveal())!
  await tx.keys.addSecret({ keyId: id, ...digest, hint, createdAtMs, expiresAtMs: null })
  await record(tx, actor, tools, { action: 'keys:create', object: `key:${id}`, before: undefined, after: key })
  return { key, token }
}

/** Changes what the patch names. Failures: `not_found`, `declared_in_file`, `not_allowed`, `invalid_input`, `conflict`. */
export async function updateKey(actor: Actor, id: string, patch: KeyPatch, tx: Stores, tools: Tools): Promise<KeyRow> {
  const before = await ownKey(actor, id, tx, tools)
  const ancestors = (await ancestorsOf(tx.keys, before)) ?? []
  checkOwnChange(actor, ancestors[0], patch)
  const key: KeyRow = { ...before, ...patched(before, patch) }
  if (patch.team !== undefined || patch.user !== undefined) {
    Object.assign(key, await tenantFor(actor, { ...tenantIn(key) }, ancestors, tx, tools))
  }
  checkWithin(key.scopes, key.expiresAtMs, ancestors)
  await tx.keys.put(key)
  await record(tx, actor, tools, { action: 'keys:update', object: `key:${id}`, before, after: key })
  return key
}

/** The key, and all that were made from it, is refused from now on; its rows and its tokens stay. */
export function disableKey(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<KeyRow> {
  return updateKey(actor, id, { disabled: true }, tx, tools)
}

/** A new token for the key; those it has go on being taken for `overlapMs`. */
export async function rotateKey(
  actor: Actor,
  id: string,
  { overlapMs }: { overlapMs: number },
  tx: Stores,
  tools: Tools
): Promise<KeyMade> {
  const key = await ownKey(actor, id, tx, tools)
  const older = await tx.keys.secretsOf(id)
  const nowMs = await tx.nowMs()
  const made = makeToken('live', size => tools.randomBytes(size), /^[0-9A-Za-z]{10}$/.test(id) ? id : undefined)
  const { token, hint } = made
  const digest = tools.digests.ofKey(token.reveal())!
  // Later than all others, also within one millisecond: the newest is the one that stays.
  const createdAtMs = Math.max(nowMs, ...older.map(secret => secret.createdAtMs + 1))
  await tx.keys.addSecret({ keyId: id, ...digest, hint, createdAtMs, expiresAtMs: null })
  await tx.keys.expireOlderSecrets(id, nowMs + overlapMs)
  await record(tx, actor, tools, {
    action: 'keys:rotate',
    object: `key:${id}`,
    before: { hints: older.map(secret => secret.hint) },
    after: { hints: [...older.map(secret => secret.hint), hint] }
  })
  return { key, token }
}

/** Removes a key for good. Failure `conflict` while there are keys made from it. */
export async function removeKey(actor: Actor, id: string, tx: Stores, tools: Tools): Promise<void> {
  const before = await ownKey(actor, id, tx, tools)
  const parent = before.parent === null ? undefined : await tx.keys.find(before.parent)
  if (!may(actor, 'keys:write') && !(parent && sees(actor, parent))) throw notYours()
  if ((await tx.keys.childrenOf(id)).length > 0) {
    throw new Failure('conflict', 'Keys were made from this one; remove them first, or disable it.')
  }
  await tx.keys.remove(id)
  await record(tx, actor, tools, { action: 'keys:remove', object: `key:${id}`, before, after: undefined })
}

/** The key, where it is in the stores and the actor may change keys of its kind. */
async function ownKey(actor: Actor, id: string, tx: Stores, { declared }: Tools): Promise<KeyRow> {
  must(actor, 'keys:write', 'keys:write_own')
  const key = await tx.keys.find(id)
  if (key && sees(actor, key)) return key
  if (!key && declared.keys.has(id) && actor.org === undefined && actor.user === undefined) throw inFile('key')
  throw notFound('key')
}

/**
 * What developers may change: keys that were made from a key of theirs, since that one holds them; of any other key of
 * theirs only that it is off. Nobody but who may write all keys turns one on again.
 */
function checkOwnChange(actor: Actor, parent: KeyRow | undefined, patch: KeyPatch): void {
  if (may(actor, 'keys:write')) return
  const turnsOff = patch.disabled === true && Object.keys(patch).length === 1
  const isHeld = parent !== undefined && sees(actor, parent)
  // Guards and demands of a key itself may be there for a reason that its holder does not share.
  const isLoosened = patch.disabled === false || ['guards', 'require', 'bodies', 'cache'].some(name => name in patch)
  if (isLoosened || !(isHeld || turnsOff)) throw notYours()
}

function notYours(): Failure {
  return new Failure('not_allowed', 'This change of a key is for those who may write all keys (keys:write).')
}

/** The key that a new one is made from, with those above it; none where it has no parent. */
async function parentsFor(actor: Actor, id: string | undefined, tx: Stores): Promise<KeyRow[]> {
  if (id === undefined) {
    if (may(actor, 'keys:write')) return []
    throw invalid('parent', 'Say which of your keys it is made from: it may do what that one may.')
  }
  const parent = await tx.keys.find(id)
  if (!parent || !sees(actor, parent)) throw invalid('parent', 'There is no such key.')
  const above = await ancestorsOf(tx.keys, parent)
  if (!above || above.length + 1 > ANCESTORS_MAX) {
    throw invalid('parent', `Keys are made from keys at most ${ANCESTORS_MAX} deep.`)
  }
  return [parent, ...above]
}

type Tenancy = Pick<KeyRow, 'org' | 'team' | 'user'>

/** Whose the key is: what it says, what its parent is, and what goes with its team, all in agreement. */
async function tenantFor(
  actor: Actor,
  said: { [Kind in keyof Tenancy]?: string | undefined },
  ancestors: readonly KeyRow[],
  tx: Stores,
  tools: Tools
): Promise<Tenancy> {
  const tenancy: Tenancy = { org: null, team: null, user: null }
  for (const kind of ['org', 'team', 'user'] as const) {
    const above = ancestors.map(row => row[kind]).findLast(id => id !== null) ?? (kind === 'user' ? actor.user : null)
    if (above && said[kind] !== undefined && said[kind] !== above) {
      throw invalid(kind, `A key has the ${WORDS[kind]} of the one it was made from.`)
    }
    tenancy[kind] = above ?? said[kind] ?? null
  }
  tenancy.org ??= actor.org ?? null
  for (const kind of ['team', 'user'] as const) {
    const id = tenancy[kind]
    if (id === null) continue
    const { org } = await visible(actor, kind, id, tx, tools)
    tenancy.org ??= org
    if (org !== null && org !== tenancy.org) throw invalid(kind, `The ${WORDS[kind]} is of another organisation.`)
  }
  if (tenancy.org !== null) {
    if (actor.org !== undefined && tenancy.org !== actor.org) throw invalid('org', 'There is no such organisation.')
    await visible(actor, 'org', tenancy.org, tx, tools)
  }
  return tenancy
}

const WORDS = { org: 'organisation', team: 'team', user: 'user' } as const

/** A tenant that the actor may put keys into. */
async function visible(actor: Actor, kind: keyof Tenancy & TenantKind, id: string, tx: Stores, tools: Tools) {
  const tenant = await tenantOf(tx, tools, kind, id)
  const org = kind === 'org' ? id : (tenant?.org ?? null)
  if (!tenant || (actor.org !== undefined && org !== actor.org)) {
    throw invalid(kind, `There is no such ${WORDS[kind]}.`)
  }
  return tenant
}

/** Budgets and reports go by names, so that two keys of one name would share them. */
async function checkName({ name }: KeyRow, tx: Stores, declared: Declared): Promise<void> {
  if (!declared.keys.has(name) && !(await keyNamed(tx, name))) return
  throw new Failure('conflict', 'Another key has this name.', { param: 'name' })
}

function patched(before: KeyRow, patch: KeyPatch): Partial<KeyRow> {
  return {
    ...(patch.team !== undefined && { team: patch.team }),
    ...(patch.user !== undefined && { user: patch.user }),
    ...(patch.tags !== undefined && { tags: patch.tags }),
    ...(patch.metadata !== undefined && { metadata: patch.metadata }),
    ...(patch.disabled !== undefined && { disabled: patch.disabled }),
    ...(patch.expires !== undefined && { expiresAtMs: patch.expires }),
    scopes: scopesOf({ ...before.scopes, ...patch })
  }
}

function tenantIn({ org, team, user }: KeyRow): { [Kind in keyof Tenancy]?: string | undefined } {
  return { org: org ?? undefined, team: team ?? undefined, user: user ?? undefined }
}
