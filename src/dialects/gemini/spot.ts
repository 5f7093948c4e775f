import type { Losses } from '../dialect.ts'
import { lose } from './members.ts'
import type { Model } from './models.ts'

/** Where a part is written, which decides what can be said there. */
export interface Spot {
  /** Its path, for the names of losses. */
  path: string
  losses: Losses
  /** It comes from this dialect: written as it was said, without fitting. */
  own: boolean
  side: 'request' | 'response'
  role: 'system' | 'user' | 'model'
  /** Names of the functions that were called, by the ids of their calls. */
  names: ReadonlyMap<string, string>
  /** Of a request. */
  model?: Model
}

/** Names what cannot be said there; nothing is what is written. */
export function lost(spot: Spot, what: string): [] {
  lose(spot.losses, `${spot.path}.${what}`)
  return []
}
