import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'
import type { AdminRow } from '../stores/rows.ts'
import { type Actor, actor, isRole, OWNER } from './permissions.ts'
import { isSameText, readToken, type TokenDigests } from './tokens.ts'

export interface ActorRooms {
  /** The token of the data directory; undefined: there is none, and nobody is the owner by it. */
  owner: Secret | undefined
  admins: { find(id: string): Promise<AdminRow | undefined> }
  digests: Pick<TokenDigests, 'ofAdmin'>
  /** Milliseconds since 1970. */
  nowMs(): number
}

/** As long as any digest, and no digest of anything. */
const NO_DIGEST = '0'.repeat(64)

/**
 * Who sends this `Authorization` header to the admin API. What is wrong with a token that nobody has is not told, and
 * takes the same time to find. Failures: `missing_key`, `invalid_key`, `key_disabled`, `key_expired`.
 */
export async function actorOf(authorization: string | undefined, rooms: ActorRooms): Promise<Actor> {
  const sent = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (sent === undefined) {
    throw new Failure('missing_key', 'The admin API asks for an admin token: "Authorization: Bearer …".')
  }
  if (rooms.owner !== undefined && isSameText(sent, rooms.owner.reveal())) return OWNER
  const read = readToken(sent)
  if (read.is !== 'admin') throw unknown()
  const row = await rooms.admins.find(read.id)
  if (!isSameText(rooms.digests.ofAdmin(sent), row?.digest ?? NO_DIGEST) || !row) throw unknown()
  const { id, name, role, org } = row
  if (row.disabled) throw new Failure('key_disabled', 'This admin token is disabled.')
  if (row.expiresAtMs !== null && rooms.nowMs() >= row.expiresAtMs) {
    throw new Failure('key_expired', 'This admin token has expired.')
  }
  // Of a role that this version does not know, nobody can say what it may do.
  if (!isRole(role)) throw unknown()
  return actor({ id, name, role, org })
}

function unknown(): Failure {
  return new Failure(
    'invalid_key',
    'This is no admin token of this gateway; that of its owner is in its data directory.'
  )
}
