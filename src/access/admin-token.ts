import { createHash, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'
import { readOrMakeSecret } from './secret-file.ts'

export const ADMIN_TOKEN_FILE = 'admin-token'

export interface AdminToken {
  token: Secret
  path: string
  /** Made now: there was none before. */
  fresh: boolean
}

/** The token of the admin API (D16), in the data directory. Throws where its file cannot be had, or holds none. */
export function loadAdminToken(directory: string, randomBytes: (size: number) => Buffer): AdminToken {
  const { secret, path, fresh } = readOrMakeSecret(join(directory, ADMIN_TOKEN_FILE), {
    what: 'token',
    prefix: 'gh_admin_',
    randomBytes
  })
  return { token: secret, path, fresh }
}

/** Refuses whoever does not send the token as `Authorization: Bearer …`: `missing_key`, `invalid_key`. */
export function checkAdminToken(token: Secret | undefined, authorization: string | undefined): void {
  const sent = /^bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (sent === undefined) {
    throw new Failure('missing_key', 'The admin API asks for the admin token: "Authorization: Bearer …".')
  }
  if (token === undefined || !isSame(sent, token.reveal())) {
    throw new Failure('invalid_key', 'This is not the admin token of this gateway; it is in its data directory.')
  }
}

/** Digests have one length, and comparing them takes one time, whatever was sent. */
function isSame(one: string, other: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(one), digest(other))
}
