import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import type { Secret } from '../secret.ts'
import { type Anchor, canonicalJson } from './audit.ts'
import { derived } from './tokens.ts'

/** The newest row of the audit chain at a moment, signed: kept outside of the database, it shows what was done to it. */
export interface Checkpoint extends Anchor {
  /** Milliseconds since 1970. */
  atMs: number
  /** Ed25519, base64. */
  signature: string
}

/** What PKCS #8 puts before the 32 bytes of an Ed25519 key (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PURPOSE = 'gatehouse audit checkpoint 1'

/** Signs checkpoints with a key that follows from the process secret: replicas have one, and no file holds another. */
export class CheckpointSigner {
  readonly #key: KeyObject
  /** PEM: whoever has it can verify, and sign nothing. Keep it with the checkpoints. */
  readonly publicKey: string

  constructor(secret: Secret) {
    const der = Buffer.concat([PKCS8_HEAD, derived(secret, PURPOSE)])
    this.#key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    this.publicKey = createPublicKey(this.#key).export({ format: 'pem', type: 'spki' }).toString()
  }

  sign({ seq, hash }: Anchor, atMs: number): Checkpoint {
    const signature = sign(null, signedBytes({ seq, hash, atMs }), this.#key).toString('base64')
    return { seq, hash, atMs, signature }
  }
}

/** A line of a checkpoint file (JSON Lines). */
export function checkpointLine({ seq, hash, atMs, signature }: Checkpoint): string {
  return `${JSON.stringify({ seq, hash, atMs, signature })}\n`
}

/**
 * The checkpoints of a file, or the number of its first line (from 1) that is none or was not signed with this key: an
 * anchor that anybody could have written holds nothing.
 */
export function readCheckpoints(
  text: string,
  publicKey: string
): { ok: true; checkpoints: Checkpoint[] } | { ok: false; line: number; why: string } {
  const key = createPublicKey(publicKey)
  const checkpoints: Checkpoint[] = []
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue
    const checkpoint = readLine(line)
    if (!checkpoint) return { ok: false, line: index + 1, why: 'it is no checkpoint' }
    if (!verify(null, signedBytes(checkpoint), key, Buffer.from(checkpoint.signature, 'base64'))) {
      return { ok: false, line: index + 1, why: 'it was not signed with this key' }
    }
    checkpoints.push(checkpoint)
  }
  return { ok: true, checkpoints }
}

function readLine(line: string): Checkpoint | undefined {
  try {
    const { seq, hash, atMs, signature } = JSON.parse(line) as Checkpoint
    const isOne = Number.isSafeInteger(seq) && Number.isSafeInteger(atMs) && /^[\da-f]{64}$/.test(hash)
    return isOne && typeof signature === 'string' ? { seq, hash, atMs, signature } : undefined
  } catch {
    return undefined
  }
}

function signedBytes({ seq, hash, atMs }: Omit<Checkpoint, 'signature'>): Buffer {
  return Buffer.from(`${PURPOSE}\n${canonicalJson({ seq, hash, atMs })}`)
}
