import { BodyDigests } from '../cache/key.ts'
import { Similar } from '../cache/semantic.ts'
import type { Config } from '../config/index.ts'
import type { Rooms } from '../gateway.ts'
import type { Provider } from '../providers/provider.ts'
import { type CacheKeyRooms, cacheKeyOf } from '../stages/cache-key.ts'
import { copyOf } from '../stages/call.ts'
import type { LookupRooms } from '../stages/lookup.ts'
import { questionOf } from '../stages/question.ts'
import type { Names } from '../stages/resolve.ts'
import type { RoutingRooms } from '../stages/route-call.ts'
import type { CachePlant, CacheTools } from './cache.ts'
import { innerCalls } from './inner-calls.ts'
import { demandsBeside } from './residency.ts'
import { whereTo } from './where-to.ts'

interface Planned {
  config: Config
  names: Names
  providers: ReadonlyMap<string, Provider>
}

/**
 * How calls are told apart, and questions compared, in one version of the configuration. `rooms`: what the calls for
 * vectors go by; `isBroken`: whose an answer is is not part of its key, to show that a proof notices.
 */
export function cacheTools(
  plan: Planned,
  plant: CachePlant,
  { demandsOn }: Pick<RoutingRooms, 'demandsOn'>,
  rooms: () => Rooms,
  isBroken = false
): CacheTools {
  const keyRooms = { bodies: new BodyDigests(), whereTo: whereTo(plan), demandsOn, isBroken }
  return {
    keyOf: (call, caller, of) => cacheKeyOf(call, caller, of, keyRooms),
    likeness: likenessIn(plan, plant, keyRooms, rooms)
  }
}

function likenessIn(
  plan: Planned,
  plant: CachePlant,
  keyRooms: CacheKeyRooms,
  rooms: () => Rooms
): LookupRooms['likeness'] {
  const { semantic } = plan.config.cache
  const { answers } = plant.kept
  const { store } = answers
  if (!semantic || !store) return () => Promise.resolve(undefined)
  const similar = new Similar({
    settings: semantic,
    store,
    nowMs: () => plant.clock.monotonicMs(),
    failed: thrown => answers.problem(thrown)
  })
  const asking = innerCalls(rooms, plant, demandsBeside(plan))
  return async (call, caller, { namespace, threshold }, variant) => {
    const question = questionOf(call, semantic)
    if (!question) return undefined
    const keyed = cacheKeyOf(copyOf(call, { body: question.body }), caller, { namespace, variant }, keyRooms)
    if (!('key' in keyed)) return undefined
    const asked = { fingerprint: keyed.key, text: question.text, threshold }
    return similar.find(asked, async (text, signal) => {
      const { embed } = asking(call, caller)
      const both = AbortSignal.any([signal, call.signal])
      const [vector] = await embed({ model: semantic.embeddings, texts: [text], purpose: 'cache', signal: both })
      return vector!
    })
  }
}
