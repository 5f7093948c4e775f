import { chmodSync, linkSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { Secret } from '../secret.ts'

type RandomBytes = (size: number) => Buffer

export interface SecretFile {
  secret: Secret
  path: string
  /** Made now: there was none before. */
  fresh: boolean
}

/** Less than this is no secret. In characters. */
export const SECRET_LENGTH_MIN = 20

/**
 * A secret of the process: read from its file, or made there at the first start, for its owner's eyes alone (0600).
 * Throws where the file cannot be read or written, or holds less than a secret; `what` it is called then.
 */
export function readOrMakeSecret(
  path: string,
  options: { what: string; prefix: string; randomBytes: RandomBytes }
): SecretFile {
  const { what, prefix, randomBytes } = options
  const known = read(path, what)
  if (known !== undefined) return { secret: known, path, fresh: false }
  const made = `${prefix}${randomBytes(32).toString('base64url')}`
  // Written whole and then named: whoever starts at the same time sees all of it, and the first one counts.
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${made}\n`, { mode: 0o600, flag: 'wx' })
  try {
    linkSync(draft, path)
  } catch (thrown) {
    const other = read(path, what)
    if (other === undefined) throw thrown
    return { secret: other, path, fresh: false }
  } finally {
    unlinkSync(draft)
  }
  return { secret: new Secret(made), path, fresh: true }
}

function read(path: string, what: string): Secret | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8').trim()
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw thrown
  }
  if (text.length < SECRET_LENGTH_MIN) {
    throw new Error(`${path} holds no ${what}; delete it, and the next start makes one`)
  }
  // Somebody may have copied it with other rights.
  chmodSync(path, 0o600)
  return new Secret(text)
}
