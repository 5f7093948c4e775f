import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { Secret } from '../secret.ts'
import type { KeySecretRow } from '../stores/rows.ts'
import type { MetaStore } from '../stores/stores.ts'

/**
 * Tokens that we give out: `gh_live_<id>_<secret><check>`, of the admin API `gh_admin_…` (D26). The id is public; the
 * secret has 256 bits; the check (CRC-32) lets us, and scanners of leaked secrets, tell a damaged token from a foreign
 * one without asking anybody.
 */
export type TokenKind = 'live' | 'admin'

const ID_LENGTH = 10
const SECRET_LENGTH = 43
const CHECK_LENGTH = 6
const TOKEN = new RegExp(
  `^gh_(live|admin)_([0-9A-Za-z]{${ID_LENGTH}})_([0-9A-Za-z]{${SECRET_LENGTH}})([0-9A-Za-z]{${CHECK_LENGTH}})$`
)

export interface MadeToken {
  id: string
  token: Secret
  /** Last four characters, for people who must tell tokens apart. */
  hint: string
}

/** A new token; with `id`, another one of the same key. */
export function makeToken(kind: TokenKind, randomBytes: (size: number) => Buffer, id = newId(randomBytes)): MadeToken {
  const body = `gh_${kind}_${id}_${base62(randomBytes(32), SECRET_LENGTH)}`
  const text = body + checkOf(body)
  return { id, token: new Secret(text), hint: text.slice(-4) }
}

/** Ten characters, of 56 bits of chance. */
export function newId(randomBytes: (size: number) => Buffer): string {
  return base62(randomBytes(7), ID_LENGTH)
}

/** What a text is. `damaged`: shaped like a token of ours, and none. `foreign`: anything else. */
export type ReadToken = { is: TokenKind; id: string } | { is: 'damaged' } | { is: 'foreign' }

export function readToken(text: string): ReadToken {
  const match = TOKEN.exec(text)
  if (!match) return { is: 'foreign' }
  if (checkOf(text.slice(0, -CHECK_LENGTH)) !== match[4]) return { is: 'damaged' }
  return { is: match[1] as TokenKind, id: match[2]! }
}

/** What a key's token is looked up by. */
export type KeyDigest = Pick<KeySecretRow, 'scheme' | 'digest'>

/**
 * Digests of tokens as the stores keep them. A token of ours goes through HMAC-SHA-256 under a pepper that follows from
 * the process secret, so that a stolen database opens nothing and cannot even be tried against guesses. A fast digest is
 * the right one for 256 random bits. Any other text (an imported key) is looked up by its plain SHA-256.
 */
export class TokenDigests {
  readonly #keyPepper: Buffer
  readonly #adminPepper: Buffer

  constructor(secret: Secret) {
    this.#keyPepper = derived(secret, 'gatehouse key pepper 1')
    this.#adminPepper = derived(secret, 'gatehouse admin pepper 1')
  }

  /** Undefined where the text is no key and no store needs to be asked: damaged, or for the admin API. */
  ofKey(text: string): KeyDigest | undefined {
    const read = readToken(text)
    if (read.is === 'foreign') return { scheme: 'sha256', digest: hash('sha256', text, 'hex') }
    return read.is === 'live' ? { scheme: 'hmac-v1', digest: hmac(this.#keyPepper, text) } : undefined
  }

  ofAdmin(text: string): string {
    return hmac(this.#adminPepper, text)
  }
}

/** Whether two texts are the same, in a time that tells nothing about either. */
export function isSameText(one: string, other: string): boolean {
  const digest = (text: string) => hash('sha256', text, 'buffer')
  return timingSafeEqual(digest(one), digest(other))
}

const SECRET_CHECK = 'secret_check'

/**
 * Compares the process secret with the one the stores were begun with: with another one no token would be found, and
 * every key would look wrong. Throws an error that says what to do.
 */
export async function checkSecret(secret: Secret, meta: MetaStore): Promise<void> {
  const check = derived(secret, 'gatehouse secret check 1').toString('hex')
  if ((await meta.get(SECRET_CHECK)) === undefined) await meta.putIfAbsent(SECRET_CHECK, check)
  const known = await meta.get(SECRET_CHECK)
  if (known !== undefined && isSameText(known, check)) return
  throw new Error(
    'the secret of this process is not the one its database was begun with, so that no key in it could be recognised; ' +
      'set GATEHOUSE_SECRET (or secret.key in the data directory) to that of the first start'
  )
}

/** 32 bytes for one purpose, which tell nothing about the secret nor about those for another. */
export function derived(secret: Secret, purpose: string): Buffer {
  return Buffer.from(hkdfSync('sha256', secret.reveal(), '', purpose, 32))
}

function hmac(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex')
}

function checkOf(body: string): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(crc32(body))
  return base62(bytes, CHECK_LENGTH)
}

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** The bytes as one number, in so many digits: all of it fits where 62^length is not less than 256^bytes. */
function base62(bytes: Buffer, length: number): string {
  let value = BigInt(`0x${bytes.toString('hex')}`)
  let text = ''
  for (let digit = 0; digit < length; digit++) {
    text = DIGITS[Number(value % 62n)] + text
    value /= 62n
  }
  return text
}
