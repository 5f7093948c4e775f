import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'

/** Something that a provider keeps under our account, for one of our callers (D6). */
export interface Owned {
  /** What it is, in one word: part of the id that is handed out. */
  kind: string
  provider: string
  /** Id of the credential it was made with: another one may belong to another account. */
  credential: string
  /** The provider's own id. */
  id: string
  /** Name of the key it was made with; undefined in open mode, where there is one owner. */
  owner: string | undefined
}

const PREFIX = 'gh_'
const NONCE_BYTES = 12
const TAG_BYTES = 16
const KEY_BYTES = 32

/**
 * Ids as clients see them: `gh_<kind>_…`, the whole `Owned` encrypted and authenticated (AES-256-GCM). Many callers share
 * one account at a provider, so that a provider's own id would open to each what is another's. The nonce follows from
 * the content (as in SIV, RFC 5297): the same thing has the same id each time it is named, and no table is kept.
 */
export class OwnedIds {
  readonly #key: Buffer
  readonly #nonceKey: Buffer

  constructor(secret: Secret) {
    const keys = Buffer.from(hkdfSync('sha256', secret.reveal(), '', 'gatehouse owned ids 1', 2 * KEY_BYTES))
    this.#key = keys.subarray(0, KEY_BYTES)
    this.#nonceKey = keys.subarray(KEY_BYTES)
  }

  wrap({ kind, provider, credential, id, owner }: Owned): string {
    const prefix = `${PREFIX}${kind}_`
    const text = JSON.stringify([provider, credential, id, owner ?? null])
    const nonce = createHmac('sha256', this.#nonceKey).update(prefix).update(text).digest().subarray(0, NONCE_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(Buffer.from(prefix))
    const sealed = Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
    return prefix + sealed.toString('base64url')
  }

  /** Whether it looks like an id of ours: others are a provider's own. */
  isWrapped(text: string): boolean {
    return text.startsWith(PREFIX)
  }

  /**
   * What the id names. Failure `unknown_object` where it is none of ours, of another kind or another owner's: in the same
   * words, so that nobody learns which ids there are.
   */
  unwrap(text: string, expected: { kind: string; owner: string | undefined; param?: string }): Owned {
    const { kind, owner, param } = expected
    const found = this.#open(text, kind)
    if (found === undefined || found.owner !== owner) throw unknownObject(kind, param)
    return found
  }

  #open(text: string, kind: string): Owned | undefined {
    const prefix = `${PREFIX}${kind}_`
    const body = text.startsWith(prefix) ? text.slice(prefix.length) : ''
    const sealed = Buffer.from(body, 'base64url')
    // One spelling only: what is decoded leniently would make many ids of one.
    if (sealed.length <= NONCE_BYTES + TAG_BYTES || sealed.toString('base64url') !== body) return undefined
    const nonce = sealed.subarray(0, NONCE_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', this.#key, nonce, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.from(prefix)).setAuthTag(sealed.subarray(-TAG_BYTES))
    try {
      const opened = Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()])
      const [provider, credential, id, owner] = JSON.parse(opened.toString('utf8')) as [
        string,
        string,
        string,
        string | null
      ]
      return { kind, provider, credential, id, owner: owner ?? undefined }
    } catch {
      return undefined
    }
  }
}

/** What a caller hears of an id that names nothing of theirs. */
export function unknownObject(kind: string, param?: string): Failure {
  return new Failure('unknown_object', `There is no ${kind} of this id.`, param === undefined ? {} : { param })
}
