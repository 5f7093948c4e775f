import { createHash, timingSafeEqual } from 'node:crypto'
import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors.ts'
import { Secret } from '../secret.ts'

export const ADMIN_TOKEN_FILE = 'admin-token'

export interface AdminToken {
  token: Secret
  path: string
  /** Made now: there was none before. */
  fresh: boolean
}

/**
 * The token of the admin API (D16): read from the data directory, or made there at the first start, for its owner's
 * eyes alone (0600). Throws where the file cannot be read or written, or holds less than a token.
 */
export function loadAdminToken(directory: string, randomBytes: (size: number) => Buffer): AdminToken {
  const path = join(directory, ADMIN_TOKEN_FILE)
  const known = read(path)
  if (known !== undefined) return { token: known, path, fresh: false }
  const made = `gh_admin_${randomBytes(32).toString('base64url')}`
  // Written whole and then named: whoever starts at the same time sees all of it, and the first one counts.
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${made}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (thrown) {
    const other = read(path)
    if (other === undefined) throw thrown
    return { token: other, path, fresh: false }
  } finally {
    unlinkSync(draft)
  }
  return { token: new Secret(made), path, fresh: true }
}

const LENGTH_MIN = 20

function read(path: string): Secret | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
  if (text.length < LENGTH_MIN) throw new Error(`${path} holds no token; delete it, and the next start makes one`)
  // Somebody may have copied it with other rights.
  chmodSync(path, 0o600)
  return new Secret(text)
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
