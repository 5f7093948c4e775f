import { allowsDoor, type Caller, OPEN_CALLER } from '../access/caller.ts'
import type { KeyRing } from '../access/key-ring.ts'
import { Failure } from '../errors.ts'
import type { Call } from './call.ts'

export interface AuthenticateRooms {
  /** Undefined in open mode. */
  keys: Pick<KeyRing, 'authenticate'> | undefined
  /** Milliseconds since 1970. */
  nowMs(): number
}

type Asking = Pick<Call, 'credentials' | 'address' | 'door'>

/**
 * Who calls, by the key that came with the call, and whether that key opens this door. At once wherever the key is in
 * memory, so that most calls wait for nothing. Failures: those of `KeyRing.authenticate`, and `not_allowed`.
 */
export function authenticate(call: Asking, { keys, nowMs }: AuthenticateRooms): Caller | Promise<Caller> {
  if (!keys) return OPEN_CALLER
  const caller = keys.authenticate(call.credentials, { address: call.address, nowMs: nowMs() })
  return caller instanceof Promise ? caller.then(known => atDoor(known, call)) : atDoor(caller, call)
}

function atDoor(caller: Caller, { door }: Asking): Caller {
  if (allowsDoor(caller, door)) return caller
  throw new Failure('not_allowed', `This key may not use this door${door === undefined ? '' : ` (${door})`}.`)
}
