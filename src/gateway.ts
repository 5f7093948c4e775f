import { Failure } from './errors.ts'
import type { Step } from './routing/route.ts'
import type { Call, Reply } from './stages/call.ts'

/** Who is calling. */
export interface Caller {
  /** Name of the key; undefined in open mode. */
  key: string | undefined
}

/** What the pipeline may call, and nothing else. `build.ts` makes the real ones; tests pass fakes. */
export interface Rooms {
  authenticate(call: Call): Caller | Promise<Caller>
  /** Model asked for → plan: a generator that is told each failure and names the next step. */
  resolve(call: Call, caller: Caller): Generator<Step, Failure | undefined, Failure>
  /** Waits before a retry; rejects with `client_closed` when the client leaves meanwhile. */
  wait(call: Call, milliseconds: number): Promise<void>
  /** One attempt at one target, up to the commit point. Rejects with the Failure that the plan is told. */
  attempt(call: Call, step: Step): Promise<Reply>
  /** Watches the reply to its end and records the call; the same reply goes on to the client. */
  observe(call: Call, caller: Caller, trail: readonly Failure[], reply: Reply): Reply
  /** Records a call that got no reply. */
  failed(call: Call, caller: Caller | undefined, trail: readonly Failure[], failure: Failure): void
}

/** The whole gateway, top to bottom. Read this first. */
export async function handle(call: Call, rooms: Rooms): Promise<Reply> {
  const trail: Failure[] = []
  let caller: Caller | undefined
  try {
    const known = rooms.authenticate(call)
    caller = known instanceof Promise ? await known : known
    const steps = rooms.resolve(call, caller)
    const reply = await follow(call, rooms, steps, trail)
    return rooms.observe(call, caller, trail, reply)
  } catch (thrown) {
    const failure = Failure.from(thrown)
    failure.attempts = trail.length
    rooms.failed(call, caller, trail, failure)
    throw failure
  }
}

/** Walks the plan: attempts each step until one answers. Every failure goes onto the trail and back to the plan. */
async function follow(call: Call, rooms: Rooms, steps: ReturnType<Rooms['resolve']>, trail: Failure[]): Promise<Reply> {
  let next = steps.next()
  while (!next.done) {
    const step = next.value
    try {
      if (step.waitMs > 0) await rooms.wait(call, step.waitMs)
      return await rooms.attempt(call, step)
    } catch (thrown) {
      const failure = Failure.from(thrown)
      // Nobody is there to hear another answer; and a fault of ours would only repeat itself.
      if (failure.kind === 'aborted' || failure.kind === 'internal') throw failure
      trail.push(failure)
      next = steps.next(failure)
    }
  }
  throw next.value ?? new Failure('provider_unreachable', 'No target of the route can be called.')
}
