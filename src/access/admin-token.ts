import { join } from 'node:path'
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
