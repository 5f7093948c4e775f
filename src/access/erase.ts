import { createHash, randomBytes } from 'node:crypto'
import type { BodyStore } from '../stores/bodies.ts'
import type { BudgetRow, RateLimitRow } from '../stores/rows.ts'
import type { Stores, Subject } from '../stores/stores.ts'
import { append } from './audit.ts'
import { eachRow, type Tools } from './changes.ts'
import { type Actor, must } from './permissions.ts'

/** What else holds something of calls, and lets go of it. */
export interface Eraser {
  erase(requests: readonly { requestId: string; atMs: number }[]): Promise<void>
}

export interface EraseRooms {
  stores: Stores
  bodies: Pick<BodyStore, 'erase'> | undefined
  /** The cache, and what else remembers what was said. */
  others: readonly Eraser[]
  /** What was written down so far is in the stores, and nowhere else. */
  settle(): Promise<void>
}

/** What was found of a subject, and erased unless it was only asked. */
export interface Erased {
  calls: number
  keys: number
  /** Of the tenants: the user or customer itself. */
  entries: number
  budgets: number
  limits: number
}

/** Calls of one turn: what takes a lock is over soon. */
const BATCH = 500
const SALT_BYTES = 16

/**
 * Erases a user, a customer or a key: their name and what they said, from rows, bodies and what else remembers. What
 * calls cost stays with their team, organisation and model. It may be asked again as often as one likes: what a crash
 * left is erased then. Calls that are under way are not.
 */
export async function eraseSubject(
  actor: Actor,
  subject: Subject,
  isDry: boolean,
  rooms: EraseRooms,
  tools: Pick<Tools, 'address' | 'requestId'>
): Promise<Erased> {
  must(actor, 'records:erase')
  await rooms.settle()
  const found = await ownThings(subject, rooms.stores)
  const erased: Erased = {
    calls: await rooms.stores.ledger.callsOf(subject),
    keys: found.keys.length,
    entries: found.isListed ? 1 : 0,
    budgets: found.budgets.length,
    limits: found.limits.length
  }
  if (isDry) return erased
  await eraseThings(actor, subject, found, rooms, tools)
  // The name of a user's key may be that of the user.
  const subjects = [subject, ...found.keys.map(({ name }): Subject => ({ kind: 'key', id: name }))]
  for (const each of subjects) await eraseCalls(each, rooms)
  await rooms.stores.ledger.settle()
  await rooms.settle()
  return erased
}

async function eraseCalls(subject: Subject, { stores, bodies, others }: EraseRooms): Promise<void> {
  for (;;) {
    const places = await stores.ledger.placesOf(subject, BATCH)
    if (places.length === 0) return
    // What was said first: as long as the row has the name, what is left is found again.
    await bodies?.erase(places)
    for (const other of others) await other.erase(places)
    const ids = places.map(({ requestId }) => requestId)
    await stores.transaction(tx => tx.ledger.erase(subject, ids))
  }
}

interface OwnThings {
  keys: { id: string; name: string }[]
  budgets: BudgetRow[]
  limits: RateLimitRow[]
  isListed: boolean
}

/** What there is of the subject beside its calls. */
async function ownThings({ kind, id }: Subject, stores: Stores): Promise<OwnThings> {
  const isAbout = ({ scope }: Pick<BudgetRow, 'scope'>) => scope.kind === kind && scope.match === id
  const found: OwnThings = { keys: [], budgets: [], limits: [], isListed: false }
  if (kind === 'user') {
    for await (const key of eachRow(page => stores.keys.list(page))) if (key.user === id) found.keys.push(key)
  }
  for await (const row of eachRow(page => stores.budgets.list(page))) if (isAbout(row)) found.budgets.push(row)
  for await (const row of eachRow(page => stores.rateLimits.list(page))) if (isAbout(row)) found.limits.push(row)
  if (kind !== 'key') found.isListed = (await stores.tenants.find(kind, id)) !== undefined
  return found
}

/** In one transaction with the row of the audit log, which names nobody: a salted digest shows who it was to who knows. */
async function eraseThings(
  actor: Actor,
  { kind, id }: Subject,
  { keys, budgets, limits, isListed }: OwnThings,
  { stores }: EraseRooms,
  { address, requestId }: Pick<Tools, 'address' | 'requestId'>
): Promise<void> {
  const salt = randomBytes(SALT_BYTES).toString('hex')
  const digest = createHash('sha256').update(`${salt} ${kind} ${id}`).digest('hex')
  await stores.transaction(async tx => {
    for (const key of keys) {
      const row = await tx.keys.find(key.id)
      // It opens nothing any more, and says nothing of whose it was.
      if (row)
        await tx.keys.put({ ...row, name: `erased ${row.id}`, user: null, metadata: {}, tags: [], disabled: true })
    }
    for (const row of budgets) await tx.budgets.remove(row.id)
    for (const row of limits) await tx.rateLimits.remove(row.id)
    if (isListed && kind !== 'key') await tx.tenants.remove(kind, id)
    const noted = { actor: actor.id, role: actor.role, address, requestId, before: null, after: null }
    await append(tx, { ...noted, action: 'records:erase', object: `${kind}:${salt}:${digest}` })
    await tx.raiseVersion()
  })
}
