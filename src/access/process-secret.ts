import { join } from 'node:path'
import { Secret } from '../secret.ts'
import { readOrMakeSecret, SECRET_LENGTH_MIN } from './secret-file.ts'

const SECRET_FILE = 'secret.key'

export interface SecretSources {
  /** `GATEHOUSE_SECRET`: replicas must share one, or what one has given out the others do not know. */
  given: string | undefined
  /** The data directory. */
  directory: string
  randomBytes: (size: number) => Buffer
}

/**
 * The secret that all keys of the process are derived from (D26): given, or `secret.key` in the data directory, made at
 * the first start. Throws where it is no secret, or its file cannot be had.
 */
export function loadProcessSecret({ given, directory, randomBytes }: SecretSources): Secret {
  if (given === undefined || given === '') {
    return readOrMakeSecret(join(directory, SECRET_FILE), { what: 'secret', prefix: 'gh_secret_', randomBytes }).secret
  }
  if (given.trim().length < SECRET_LENGTH_MIN) {
    throw new Error(
      `GATEHOUSE_SECRET must have at least ${SECRET_LENGTH_MIN} characters; \`openssl rand -hex 32\` makes one`
    )
  }
  return new Secret(given.trim())
}
