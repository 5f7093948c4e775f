import { hash } from 'node:crypto'
import type { Clock } from '../clock.ts'
import { Failure } from '../errors.ts'
import type { KeyRow, KeyScopes, KeySecretRow } from '../stores/rows.ts'
import type { KeyStore, TenantStore } from '../stores/stores.ts'
import { type Caller, type KnownKey, knownKey } from './caller.ts'
import type { Freshness } from './freshness.ts'
import type { KeyDigest, TokenDigests } from './tokens.ts'

/** How many keys are remembered, and as many texts that are none. */
const REMEMBERED_MAX = 10_000
/** How long a text that is no key is known to be none. */
const UNKNOWN_MS = 5_000
/** Look-ups under way at once: what is above it would only wait for a store that is busy with wrong keys. */
const LOOK_UPS_MAX = 128
/** Keys above a key, itself not counted: what was made deeper, or in a circle, is not to be used. */
export const ANCESTORS_MAX = 8

export interface StoredKeysOptions {
  stores: { keys: Pick<KeyStore, 'find' | 'findBySecret'>; tenants: Pick<TenantStore, 'find'> }
  digests: TokenDigests
  freshness: Freshness
  clock: Clock
  /** For so long keys that are remembered are taken while the stores cannot be asked. */
  staleMaxMs: number
}

interface Remembered {
  /** Undefined: there is no such key. */
  key: KnownKey | undefined
  generation: number
  /** When the look-up began, on the monotonic clock. */
  readMs: number
}

/**
 * The keys in the stores, as calls need them: at once from memory, which is known to be no older than the last poll, and
 * from the stores otherwise. Lives as long as the process.
 */
export class StoredKeys {
  readonly #options: StoredKeysOptions
  /** By the digest of the whole text: a part of it is not unique, as a peer's users found out. */
  readonly #keys = new Map<string, Remembered>()
  readonly #unknown = new Map<string, Remembered>()
  readonly #lookUps = new Map<string, Promise<KnownKey | undefined>>()
  #used = new Map<string, number>()

  constructor(options: StoredKeysOptions) {
    this.#options = options
  }

  /** The key that a text opens; undefined: none. Failure `store_unavailable` where nobody can tell. */
  find(text: string): KnownKey | undefined | Promise<KnownKey | undefined> {
    const { stores, digests } = this.#options
    return this.#get(hash('sha256', text, 'base64'), () => {
      const digest = digests.ofKey(text)
      return digest && loadKey(stores, digest)
    })
  }

  /**
   * A key of the file, refused where one of its tenants is disabled in the stores, and held to what they say of its
   * calls. It goes on while the stores cannot be asked, by what was last known of its tenants, however old that is.
   */
  withTenants(key: KnownKey): KnownKey | Promise<KnownKey> {
    const { org, team, user } = key.caller
    if (org === undefined && team === undefined && user === undefined) return key
    const place = `tenants\u0000${org}\u0000${team}\u0000${user}`
    const found = this.#get(place, async () => {
      const { disabled, scopes } = await tenantsOf(this.#options.stores, key)
      return { disabled, caller: { ...key.caller, scopes } }
    })
    const held = (tenants: KnownKey | undefined) => (tenants ? heldTo(key, tenants) : key)
    return found instanceof Promise ? found.then(held, () => held(this.#keys.get(place)?.key)) : held(found)
  }

  /** Notes that a key was used, for `takeUsed`. `atMs` is of the wall clock. */
  used(id: string, atMs: number): void {
    this.#used.set(id, atMs)
  }

  /** When keys were last used, since it was last asked. */
  takeUsed(): { id: string; atMs: number }[] {
    const marks = [...this.#used].map(([id, atMs]) => ({ id, atMs }))
    this.#used = new Map()
    return marks
  }

  /** What is remembered at a place; where that is nothing, or too old, what `load` says: undefined, or how to find out. */
  #get(
    place: string,
    load: () => Promise<KnownKey | undefined> | undefined
  ): KnownKey | undefined | Promise<KnownKey | undefined> {
    const known = this.#recall(place)
    if (known && this.#isCurrent(known)) return known.key
    const running = this.#lookUps.get(place)
    if (running) return running
    // Who would only wait for a store that does not answer is served at once; who is not known hears that nobody can tell.
    if (known?.key && !this.#options.freshness.isReachable && this.#mayServe(known)) return known.key
    return this.#lookUp(place, known, load)
  }

  #recall(place: string): Remembered | undefined {
    const known = this.#keys.get(place)
    if (known) {
      // Back to the end: the first one is always the one that was not asked for the longest.
      this.#keys.delete(place)
      this.#keys.set(place, known)
    }
    return known ?? this.#unknown.get(place)
  }

  /** Whether it is what the stores hold, as far as anybody knows, and known recently enough. */
  #isCurrent(known: Remembered): boolean {
    if (known.generation !== this.#options.freshness.generation) return false
    return this.#mayServe(known)
  }

  #mayServe(known: Remembered): boolean {
    const { freshness, clock, staleMaxMs } = this.#options
    const nowMs = clock.monotonicMs()
    if (known.key === undefined) return nowMs - known.readMs <= UNKNOWN_MS
    const goodMs = Math.max(known.readMs, freshness.confirmedMs(known.generation) ?? known.readMs)
    return nowMs - goodMs <= staleMaxMs
  }

  /** One for all calls that ask for the same key at the same time. */
  #lookUp(
    place: string,
    known: Remembered | undefined,
    load: () => Promise<KnownKey | undefined> | undefined
  ): Promise<KnownKey | undefined> | undefined {
    if (this.#lookUps.size >= LOOK_UPS_MAX) throw unavailable('Too many keys are being looked up at once.')
    const { generation } = this.#options.freshness
    const readMs = this.#options.clock.monotonicMs()
    const lookUp = load()
      ?.then(key => this.#remember(place, { key, generation, readMs }))
      .catch(cause => {
        if (known?.key && this.#mayServe(known)) return known.key
        throw unavailable('Keys cannot be looked up just now.', cause)
      })
      .finally(() => this.#lookUps.delete(place))
    if (lookUp) this.#lookUps.set(place, lookUp)
    return lookUp
  }

  #remember(place: string, known: Remembered): KnownKey | undefined {
    this.#keys.delete(place)
    this.#unknown.delete(place)
    const memory = known.key ? this.#keys : this.#unknown
    if (memory.size >= REMEMBERED_MAX) memory.delete(memory.keys().next().value!)
    memory.set(place, known)
    return known.key
  }
}

/** A key with the keys it was made from, and whether one of them or its tenants keeps it from being used. */
async function loadKey(stores: StoredKeysOptions['stores'], digest: KeyDigest): Promise<KnownKey | undefined> {
  const found = await stores.keys.findBySecret(digest.scheme, digest.digest)
  if (!found) return undefined
  const { key, secret } = found
  const ancestors = await ancestorsOf(stores.keys, key)
  if (!ancestors) return knownKey(key, [], { disabled: 'A key that this one was made from is gone.' })
  const facts = factsOf(secret)
  const known = knownKey(key, ancestors, facts)
  if (known.disabled !== undefined) return known
  const { disabled, scopes } = await tenantsOf(stores, known)
  return heldTo(known, { disabled, caller: { scopes } })
}

/** The key, also refused where its tenants are disabled, and with what they say of its calls added to its scopes. */
function heldTo(key: KnownKey, tenants: { disabled: string | undefined; caller: Pick<Caller, 'scopes'> }): KnownKey {
  const { scopes } = tenants.caller
  if (scopes.length === 0 && tenants.disabled === undefined) return key
  const caller = Object.freeze({ ...key.caller, scopes: Object.freeze([...key.caller.scopes, ...scopes]) })
  return { caller, disabled: key.disabled ?? tenants.disabled }
}

/** The nearest first; undefined where one is missing, or there are too many. */
export async function ancestorsOf(keys: Pick<KeyStore, 'find'>, key: KeyRow): Promise<KeyRow[] | undefined> {
  const ancestors: KeyRow[] = []
  let { parent } = key
  while (parent !== null) {
    const row = ancestors.length < ANCESTORS_MAX ? await keys.find(parent) : undefined
    if (!row) return undefined
    ancestors.push(row)
    parent = row.parent
  }
  return ancestors
}

interface Tenants {
  /** Why keys of theirs are refused at all. */
  disabled: string | undefined
  scopes: readonly KeyScopes[]
}

async function tenantsOf({ tenants }: StoredKeysOptions['stores'], { caller }: KnownKey): Promise<Tenants> {
  const words = { org: 'organisation', team: 'team', user: 'user' } as const
  const found: { disabled: string | undefined; scopes: KeyScopes[] } = { disabled: undefined, scopes: [] }
  for (const kind of ['org', 'team', 'user'] as const) {
    const id = caller[kind]
    const row = id === undefined ? undefined : await tenants.find(kind, id)
    if (row?.disabled) found.disabled ??= `The ${words[kind]} of this key is disabled.`
    if (row?.scopes) found.scopes.push(row.scopes)
  }
  return found
}

function factsOf({ expiresAtMs }: KeySecretRow): { secretExpiresAtMs: number | null } {
  return { secretExpiresAtMs: expiresAtMs }
}

function unavailable(message: string, cause?: unknown): Failure {
  return new Failure('store_unavailable', message, { retryAfterMs: 1_000, ...(cause !== undefined && { cause }) })
}
