import { Failure } from '../errors.ts'
import type { JsonObject } from '../json.ts'
import type { KeyRow, KeyScopes } from '../stores/rows.ts'
import { isInRanges } from './addresses.ts'
import { matchesAny } from './patterns.ts'

/** Who is calling, and what they may do. Frozen; the same object for every call with the same token until it changes. */
export interface Caller {
  /** Id of the key; undefined in open mode. */
  readonly key: string | undefined
  /** What rows and budgets call it. */
  readonly name: string | undefined
  readonly org: string | undefined
  readonly team: string | undefined
  readonly user: string | undefined
  /** Names of the keys it was made from, the nearest first. */
  readonly parents: readonly string[]
  /** Its own scopes and those of all the keys it was made from: a thing is allowed where every one of them allows it. */
  readonly scopes: readonly KeyScopes[]
  readonly tags: readonly string[]
  readonly metadata: JsonObject
  /** Milliseconds since 1970; undefined: never. */
  readonly expiresAtMs: number | undefined
}

/** Whoever reaches a gateway that asks for no key. */
export const OPEN_CALLER: Caller = Object.freeze({
  key: undefined,
  name: undefined,
  org: undefined,
  team: undefined,
  user: undefined,
  parents: Object.freeze([]),
  scopes: Object.freeze([]),
  tags: Object.freeze([]),
  metadata: Object.freeze({}),
  expiresAtMs: undefined
})

/** A key with everything that decides whether it may be used now. */
export interface KnownKey {
  caller: Caller
  /** Why it is refused at all, in words for whoever sent it. */
  disabled: string | undefined
}

/**
 * A key with those it was made from, the nearest first. What an ancestor says of tenant or metadata wins over what is
 * below it, and tags add up: a child can neither leave the budgets of its parent nor become somebody else.
 * `secretExpiresAtMs` is that of the token which was sent.
 */
export function knownKey(
  key: KeyRow,
  ancestors: readonly KeyRow[],
  facts: { disabled?: string | undefined; secretExpiresAtMs?: number | null } = {}
): KnownKey {
  const chain = [key, ...ancestors]
  const oldest = <Value>(of: (row: KeyRow) => Value | null) =>
    chain.map(of).findLast(value => value !== null) ?? undefined
  const expiries = [...chain.map(row => row.expiresAtMs), facts.secretExpiresAtMs ?? null].filter(at => at !== null)
  const caller: Caller = Object.freeze({
    key: key.id,
    name: key.name,
    org: oldest(row => row.org),
    team: oldest(row => row.team),
    user: oldest(row => row.user),
    parents: Object.freeze(ancestors.map(row => row.name)),
    scopes: Object.freeze(chain.map(row => row.scopes)),
    // Those of the oldest first: they are the last that a limit on their number would cut off.
    tags: Object.freeze([...new Set(chain.toReversed().flatMap(row => row.tags))]),
    metadata: Object.freeze(Object.assign({}, ...chain.map(row => row.metadata))),
    expiresAtMs: expiries.length > 0 ? Math.min(...expiries) : undefined
  })
  const off = chain.find(row => row.disabled)
  const disabled = off && (off === key ? 'This key is disabled.' : 'A key that this one was made from is disabled.')
  return { caller, disabled: disabled ?? facts.disabled }
}

/** The caller, where the key may be used now and from there. Failures: `key_disabled`, `key_expired`, `address_refused`. */
export function admit({ caller, disabled }: KnownKey, at: { address: string | undefined; nowMs: number }): Caller {
  if (disabled !== undefined) throw new Failure('key_disabled', disabled)
  if (caller.expiresAtMs !== undefined && at.nowMs >= caller.expiresAtMs) {
    throw new Failure('key_expired', 'This key has expired.')
  }
  if (!allowsAddress(caller, at.address)) {
    throw new Failure('address_refused', 'This key may not be used from this address.')
  }
  return caller
}

/**
 * Whether a model may be asked for, by any of the names that lead to it: `gpt-5`, `openai/gpt-5`, or that of a route.
 */
export function allowsModel(caller: Caller, names: readonly string[]): boolean {
  return every(caller, 'models', patterns => names.some(name => matchesAny(patterns, name)))
}

/** Whether a provider may answer. */
export function allowsProvider(caller: Caller, provider: string): boolean {
  return every(caller, 'providers', patterns => matchesAny(patterns, provider))
}

/** Whether it may come in by this door (`DOORS`); where nobody knows which it is, a key that is held to some is refused. */
export function allowsDoor(caller: Caller, door: string | undefined): boolean {
  return every(caller, 'doors', doors => door !== undefined && doors.includes(door))
}

/** Where nobody knows the address, a key that is held to some is refused. */
export function allowsAddress(caller: Caller, address: string | undefined): boolean {
  return every(caller, 'addresses', ranges => address !== undefined && isInRanges(ranges, address))
}

/**
 * Whose something is that a provider keeps (D6): the team's, so that its members share it, else the key's; undefined in
 * open mode. Names of keys and teams hold no control characters, so that no key can be called like a team.
 */
export function ownerOf({ team, key }: Caller): string | undefined {
  return team === undefined ? key : `team\u0000${team}`
}

function every(
  caller: Caller,
  name: Exclude<keyof KeyScopes, 'require' | 'bodies' | 'cache'>,
  allows: (list: readonly string[]) => boolean
): boolean {
  for (const scopes of caller.scopes) {
    const list = scopes[name]
    if (list !== undefined && !allows(list)) return false
  }
  return true
}
