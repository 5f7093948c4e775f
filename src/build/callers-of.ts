import { type Caller, type KnownKey, knownKey, OPEN_CALLER } from '../access/caller.ts'
import { declaredKeys } from '../access/key-ring.ts'
import { ancestorsOf } from '../access/stored-keys.ts'
import type { Plant } from '../build.ts'
import type { Config } from '../config/index.ts'
import { Failure } from '../errors.ts'

/** Callers by the names that rows have, for calls of the past: nobody shows a key for them. */

const PAGE = 1_000

/** Keys of the stores that have one of the names, with those they were made from. */
export async function storedKeys(
  names: ReadonlySet<string | undefined>,
  { kept }: Plant
): Promise<Map<string, KnownKey>> {
  const found = new Map<string, KnownKey>()
  const { stores } = kept
  if (!stores || names.size === 0) return found
  let after: string | undefined
  for (;;) {
    const page = await stores.keys.list({ after, limit: PAGE })
    for (const row of page.filter(({ name }) => names.has(name))) {
      const ancestors = await ancestorsOf(stores.keys, row)
      found.set(
        row.name,
        knownKey(row, ancestors ?? [], ancestors ? {} : { disabled: 'A key that this one was made from is gone.' })
      )
    }
    if (page.length < PAGE) return found
    after = page.at(-1)!.id
  }
}

/** Who has the keys under a configuration, or why they would be refused. */
export async function callersOf(
  names: ReadonlySet<string | undefined>,
  stored: ReadonlyMap<string, KnownKey>,
  config: Config,
  { storedKeys, clock }: Plant
): Promise<Map<string | undefined, Caller | Failure>> {
  const declared = declaredKeys(config.keys)
  const isOff = (team: string | undefined) => config.teams.some(({ id, disabled }) => disabled && id === team)
  const callers = new Map<string | undefined, Caller | Failure>()
  for (const name of names) {
    if (config.auth === 'open') callers.set(name, OPEN_CALLER)
    else if (name === undefined) callers.set(name, new Failure('missing_key', 'This call came without a key.'))
    else {
      const key = declared.get(name) ?? stored.get(name)
      const held = key && ((await storedKeys?.withTenants(key)) ?? key)
      callers.set(name, held ? admitted(held, isOff, clock.wallMs()) : unknownKey(name))
    }
  }
  return callers
}

function unknownKey(name: string): Failure {
  return new Failure('invalid_key', `No key is called "${name}" there.`)
}

/** From where a call came is not in the log: what a key says of addresses is left out. */
function admitted(
  { caller, disabled }: KnownKey,
  isOff: (team: string | undefined) => boolean,
  nowMs: number
): Caller | Failure {
  if (disabled !== undefined) return new Failure('key_disabled', disabled)
  if (isOff(caller.team)) return new Failure('key_disabled', 'The team of this key is disabled.')
  if (caller.expiresAtMs !== undefined && nowMs >= caller.expiresAtMs) {
    return new Failure('key_expired', 'This key has expired.')
  }
  return caller
}
