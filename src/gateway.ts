import type { Caller } from './access/caller.ts'
import { Failure, type Kind } from './errors.ts'
import type { Step } from './routing/facts.ts'
import { attemptsIn, type Call, type Reply } from './stages/call.ts'
import type { GoOn } from './stages/recover.ts'
import { endedBy } from './wire/exchange.ts'

/** What the pipeline may call, and nothing else. `build.ts` makes the real ones; tests pass fakes. */
export interface Rooms {
  authenticate(call: Call): Caller | Promise<Caller>
  /** The call with ids that we gave out put back into their provider's own, and bound to who knows them (D6). */
  unwrap(call: Call, caller: Caller): Call
  /** Model asked for → plan: a generator that is told each failure and names the next step. */
  resolve(call: Call, caller: Caller): Generator<Step, Failure | undefined, Failure>
  /**
   * Takes the call in (D3): rates, its place, and the worst case of its first step over every budget of who pays, all
   * or none. What it reserves is the call's from then on, until it is recorded.
   */
  admit(call: Call, caller: Caller, first: Step | undefined): void | Promise<void>
  /**
   * The call as its guards let it go on, with what they mask replaced; the same one where no guard is attached. Throws
   * what stops it.
   */
  guardRequest(call: Call, caller: Caller): Call | Promise<Call>
  /**
   * The kept answer to the call as its guards let it go on, or that of an identical one in flight (D1, D28); undefined:
   * somebody must be asked. It lies under the guards of replies, as every answer does.
   */
  lookup(call: Call, caller: Caller): Reply | undefined | Promise<Reply | undefined>
  /** Waits before a retry; rejects with `client_closed` when the client leaves meanwhile. */
  wait(call: Call, milliseconds: number): Promise<void>
  /**
   * One attempt at one target, up to the commit point. Rejects with the Failure that the plan is told. Where a step may
   * race two targets, what becomes of the other one goes onto the trail.
   */
  attempt(call: Call, step: Step, trail: Failure[]): Promise<Reply>
  /** A stream that can be gone on with when it breaks, where its route says so; every other reply as it is. */
  recover(call: Call, reply: Reply, trail: Failure[], goOn: GoOn): Reply
  /**
   * The reply as its guards let it go to the client: all of it before anything is sent, or a stream that waits for what
   * it may say. Rejects with what the client is told, or, of kind `guard_…` or the provider's, the plan.
   */
  guardReply(call: Call, caller: Caller, reply: Reply): Reply | Promise<Reply>
  /** The call with the verdict of its guards on an answer, for who is to answer again. */
  heed(call: Call, verdict: Failure): Call
  /** The reply with ids of ours for what its provider keeps; as it is where it names nothing. */
  wrap(call: Call, caller: Caller, reply: Reply): Reply
  /** Watches the reply to its end and records the call; the same reply goes on to the client. */
  observe(call: Call, caller: Caller, trail: readonly Failure[], reply: Reply): Reply
  /** Records a call that got no reply. */
  failed(call: Call, caller: Caller | undefined, trail: readonly Failure[], failure: Failure): void
}

/** The whole gateway, top to bottom. Read this first. */
export async function handle(asked: Call, rooms: Rooms): Promise<Reply> {
  const trail: Failure[] = []
  let call = asked
  let caller: Caller | undefined
  try {
    const known = rooms.authenticate(call)
    caller = known instanceof Promise ? await known : known
    call = rooms.unwrap(call, caller)
    const steps = rooms.resolve(call, caller)
    const first = await admitted(call, caller, rooms, steps, trail)
    const allowed = rooms.guardRequest(call, caller)
    call = allowed instanceof Promise ? await allowed : allowed
    const found = first.done ? undefined : rooms.lookup(call, caller)
    const kept = found instanceof Promise ? await found : found
    const reply = kept ?? (await follow(call, rooms, steps, trail, first))
    const guarded = call.guarding && answered(call, caller, rooms, steps, trail, reply)
    const answer = guarded ? await guarded : recovering(call, rooms, steps, trail, reply)
    return rooms.observe(call, caller, trail, rooms.wrap(call, caller, answer))
  } catch (thrown) {
    const met = Failure.from(thrown)
    // What stopped the call may be the gateway's own leaving, and then the client is still there to hear of it.
    const failure = (met.kind === 'aborted' && endedBy(call.signal)) || met
    failure.attempts = attemptsIn(trail)
    rooms.failed(call, caller, trail, failure)
    throw failure
  }
}

type Steps = ReturnType<Rooms['resolve']>
type Next = ReturnType<Steps['next']>

/** Admits the call with the first step of its plan; where a budget has no room for that one, a later one may be cheaper. */
async function admitted(call: Call, caller: Caller, rooms: Rooms, steps: Steps, trail: Failure[]): Promise<Next> {
  let next = steps.next()
  for (;;) {
    // Where nobody may be asked, the call ends for that, and takes nothing.
    if (next.done) return next
    try {
      const admission = rooms.admit(call, caller, next.value)
      if (admission instanceof Promise) await admission
      return next
    } catch (thrown) {
      const failure = Failure.from(thrown)
      const isTargets = failure.kind === 'budget_exceeded' || failure.provider !== undefined
      if (!isTargets) throw failure
      next = told(steps, trail, failure)
      if (next.done) throw failure
    }
  }
}

/** Walks the plan from a step of it: attempts each until one answers. Every failure goes onto the trail and to the plan. */
async function follow(call: Call, rooms: Rooms, steps: Steps, trail: Failure[], first: Next): Promise<Reply> {
  let next = first
  while (!next.done) {
    const step = next.value
    try {
      if (step.waitMs > 0) await rooms.wait(call, step.waitMs)
      return await rooms.attempt(call, step, trail)
    } catch (thrown) {
      const failure = Failure.from(thrown)
      // Nobody is there to hear another answer; and a fault of ours would only repeat itself.
      if (failure.kind === 'aborted' || failure.kind === 'internal') throw failure
      next = told(steps, trail, failure)
    }
  }
  throw next.value ?? new Failure('provider_unreachable', 'No target of the route can be called.')
}

/** The reply; a stream that breaks is gone on with, by whoever the plan names next. */
function recovering(call: Call, rooms: Rooms, steps: Steps, trail: Failure[], reply: Reply): Reply {
  const goOn: GoOn = (rest, broken) => follow(rest, rooms, steps, trail, told(steps, trail, broken))
  return rooms.recover(call, reply, trail, goOn)
}

/** The reply that the guards let pass (D2): up to its first word, another one can be asked for. */
async function answered(
  asked: Call,
  caller: Caller,
  rooms: Rooms,
  steps: Steps,
  trail: Failure[],
  first: Reply
): Promise<Reply> {
  let call = asked
  let reply = first
  for (;;) {
    try {
      return await rooms.guardReply(call, caller, recovering(call, rooms, steps, trail, reply))
    } catch (thrown) {
      const failure = Failure.from(thrown)
      // What is refused for good, and a fault of ours, no other target mends.
      if (FINAL.has(failure.kind)) throw failure
      failure.provider ??= reply.answered.provider
      failure.model ??= reply.answered.model
      call = rooms.heed(call, failure)
      reply = await follow(call, rooms, steps, trail, told(steps, trail, failure))
    }
  }
}

const FINAL: ReadonlySet<Kind> = new Set(['refused_here', 'aborted', 'internal'])

/** The plan's next step after this failure; also after that of a stream which broke when it had begun. */
function told(steps: Steps, trail: Failure[], failure: Failure): Next {
  trail.push(failure)
  return steps.next(failure)
}
