import type { Rooms } from '../gateway.ts'
import type { Idempotency } from '../stages/idempotency.ts'

/**
 * The rooms with what calls with an `Idempotency-Key` came to. Whoever is told that counts in limits as a call, and
 * takes nothing of budgets; it is told before its guards where that is a failure (what a guard asks of models costs). A
 * replay takes the place of the cache's answer, and of every attempt that a guard of the reply may want instead: all
 * that comes after, those guards first, is done with it as with a fresh one. What the cache gives is an outcome too.
 */
export function withIdempotency(rooms: Rooms, idempotency: Idempotency): Rooms {
  return {
    ...rooms,
    admit(call, caller, first) {
      const admit = () => rooms.admit(call, caller, idempotency.isTold(call) ? undefined : first)
      const begun = idempotency.begin(call, caller)
      return begun ? begun.then(admit) : admit()
    },
    guardRequest(call, caller) {
      idempotency.refuse(call)
      const allowed = rooms.guardRequest(call, caller)
      return allowed instanceof Promise ? allowed.then(each => idempotency.onward(each)) : idempotency.onward(allowed)
    },
    lookup(call, caller) {
      const replay = idempotency.replayTo(call)
      if (replay) return replay
      const found = rooms.lookup(call, caller)
      if (!found || !idempotency.keeps(call)) return found
      return Promise.resolve(found).then(reply => reply && idempotency.keep(call, reply))
    },
    attempt(call, step, trail) {
      const replay = idempotency.replayTo(call)
      if (replay) return Promise.resolve(replay)
      const reply = rooms.attempt(call, step, trail)
      return idempotency.keeps(call) ? reply.then(each => idempotency.keep(call, each)) : reply
    },
    observe: (call, caller, trail, reply) => rooms.observe(call, caller, trail, idempotency.answered(call, reply)),
    failed(call, caller, trail, failure) {
      idempotency.failed(call, failure)
      rooms.failed(call, caller, trail, failure)
    }
  }
}
