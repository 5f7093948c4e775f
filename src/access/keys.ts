import { hash } from 'node:crypto'
import { Failure } from '../errors.ts'
import type { Secret } from '../secret.ts'

/** Keys that may call, by the SHA-256 of their secret: a look-up by digest takes the same time for every wrong key. */
export class KeyRing {
  readonly #names = new Map<string, string>()

  constructor(keys: readonly { name: string; key: Secret }[]) {
    for (const { name, key } of keys) this.#names.set(digest(key.reveal()), name)
  }

  /**
   * The name of the key that was presented. Failures: `missing_key`, `invalid_key`, and `ambiguous_credentials` when
   * two differing ones came on one call (D26).
   */
  authenticate(credentials: readonly string[]): string {
    const [first, ...others] = credentials
    if (first === undefined) {
      throw new Failure(
        'missing_key',
        'This gateway asks for a key: send it as "Authorization: Bearer …", "x-api-key: …" or "x-goog-api-key: …".'
      )
    }
    if (others.some(other => other !== first)) {
      throw new Failure('ambiguous_credentials', 'Two differing keys came on one call; send one of them.')
    }
    const name = this.#names.get(digest(first))
    if (name === undefined) throw new Failure('invalid_key', 'This key is not known here.')
    return name
  }
}

function digest(text: string): string {
  return hash('sha256', text, 'base64')
}
