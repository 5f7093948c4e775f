import { hash } from 'node:crypto'
import { Failure } from '../errors.ts'
import type { KeyRow } from '../stores/rows.ts'
import { admit, type Caller, type KnownKey, knownKey } from './caller.ts'
import { type DeclaredKey, toKeyRow } from './inputs.ts'
import type { StoredKeys } from './stored-keys.ts'

/** Where and when a key was presented. */
export interface Presented {
  /** The client's address; undefined where it has none. */
  address: string | undefined
  /** Milliseconds since 1970: what expiries are compared with. */
  nowMs: number
}

type Stored = Pick<StoredKeys, 'find' | 'withTenants' | 'used'>

/** Keys that may call: those of the configuration file, then those in the stores. */
export class KeyRing {
  /** By the SHA-256 of their secret: a look-up by digest takes the same time for every wrong key. */
  readonly #declared = new Map<string, KnownKey>()
  readonly #stored: Stored | undefined
  readonly #offTeams: ReadonlySet<string>

  /** `offTeams`: ids of teams that the file has disabled. */
  constructor(declared: readonly DeclaredKey[], stored?: Stored, offTeams: ReadonlySet<string> = new Set()) {
    const known = declaredKeys(declared)
    for (const { name, key } of declared) this.#declared.set(digest(key.reveal()), known.get(name)!)
    this.#stored = stored
    this.#offTeams = offTeams
  }

  /**
   * Who presented these credentials; at once wherever the key is in memory. Failures: `missing_key`, `invalid_key`,
   * `ambiguous_credentials` when two differing ones came on one call (D26), `key_disabled`, `key_expired`,
   * `address_refused`, and `store_unavailable` where nobody can tell just now.
   */
  authenticate(credentials: readonly string[], at: Presented): Caller | Promise<Caller> {
    const text = oneOf(credentials)
    const declared = this.#declared.get(digest(text))
    const found = declared ? (this.#stored?.withTenants(declared) ?? declared) : this.#stored?.find(text)
    const isStored = declared === undefined
    return found instanceof Promise
      ? found.then(key => this.#admit(key, at, isStored))
      : this.#admit(found, at, isStored)
  }

  #admit(key: KnownKey | undefined, at: Presented, isStored: boolean): Caller {
    if (!key) throw new Failure('invalid_key', 'This key is not known here.')
    const caller = admit(key, at)
    if (caller.team !== undefined && this.#offTeams.has(caller.team)) {
      throw new Failure('key_disabled', 'The team of this key is disabled.')
    }
    if (isStored) this.#stored?.used(caller.key!, at.nowMs)
    return caller
  }
}

/** Keys of the file by their names. */
export function declaredKeys(declared: readonly DeclaredKey[]): ReadonlyMap<string, KnownKey> {
  // Their name is their id: it is the same on every replica, and after every reload.
  const rows = new Map(declared.map(key => [key.name, toKeyRow(key, { id: key.name, createdAtMs: 0 })]))
  return new Map(Array.from(rows.values(), row => [row.name, declaredKey(row, rows)]))
}

function oneOf([first, ...others]: readonly string[]): string {
  if (first === undefined) {
    throw new Failure(
      'missing_key',
      'This gateway asks for a key: send it as "Authorization: Bearer …", "x-api-key: …" or "x-goog-api-key: …".'
    )
  }
  if (others.some(other => other !== first)) {
    throw new Failure('ambiguous_credentials', 'Two differing keys came on one call; send one of them.')
  }
  return first
}

/** A key of the file with those it says it was made from; one that is not there, or a circle, keeps it from being used. */
function declaredKey(key: KeyRow, rows: ReadonlyMap<string, KeyRow>): KnownKey {
  const ancestors: KeyRow[] = []
  for (let { parent } = key; parent !== null; ) {
    const row = rows.get(parent)
    if (!row || row === key || ancestors.includes(row)) {
      return knownKey(key, [], { disabled: 'A key that this one was made from is not declared.' })
    }
    ancestors.push(row)
    parent = row.parent
  }
  return knownKey(key, ancestors)
}

function digest(text: string): string {
  return hash('sha256', text, 'base64')
}
