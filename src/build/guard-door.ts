import type { Caller } from '../access/caller.ts'
import { Failure } from '../errors.ts'
import type { Rooms } from '../gateway.ts'
import { Guarding, type Verdict } from '../guards/attached.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import type { Step } from '../routing/facts.ts'
import { type Answered, type Call, copyOf, type Reply } from '../stages/call.ts'
import { type DoorQuestion, NO_MODEL, namedGuards, readDoorQuestion } from '../stages/guard-question.ts'
import { guardReply } from '../stages/guard-reply.ts'
import { guardRequest } from '../stages/guard-request.ts'
import type { BuiltGuards } from './guards.ts'

/** Who answers at the door of the guards. */
const OURSELVES = { provider: 'gatehouse', model: 'guards' } as const

const STEP: Step = {
  target: OURSELVES,
  credential: '',
  waitMs: 0,
  fallback: 0,
  deadlineMs: Number.POSITIVE_INFINITY,
  retry: false,
  passed: []
}

/**
 * The rooms with the door of the guards: its calls are authenticated, admitted and recorded as every other, and where a
 * provider would be asked, the guards answer. What would stop a call is told as an answer there.
 */
export function withGuardDoor(rooms: Rooms, guards: BuiltGuards | undefined): Rooms {
  return {
    ...rooms,
    resolve: (call, caller) => (isQuestion(call) ? ourselves() : rooms.resolve(call, caller)),
    // It comes to nothing by itself; what a judge is asked, that call pays.
    admit: (call, caller, first) => rooms.admit(call, caller, isQuestion(call) ? undefined : first),
    guardRequest: (call, caller) =>
      isQuestion(call) ? answering(call, caller, rooms, guards) : rooms.guardRequest(call, caller),
    attempt: (call, step, trail) =>
      isQuestion(call) ? Promise.resolve(replyOf(call.body)) : rooms.attempt(call, step, trail),
    guardReply: (call, caller, reply) => (isQuestion(call) ? reply : rooms.guardReply(call, caller, reply))
  }
}

function isQuestion({ operation }: Call): boolean {
  return operation === 'guard'
}

function* ourselves(): Generator<Step, undefined> {
  yield STEP
  return undefined
}

/** The call with the answer in the place of the question. */
async function answering(call: Call, caller: Caller, rooms: Rooms, guards: BuiltGuards | undefined): Promise<Call> {
  const asked = readDoorQuestion(call.body.object())
  const { request, side } = asked.question
  const model = asked.model === NO_MODEL ? undefined : asked.model
  // A question that names a model is judged as a call for it would be: by the guards of its route too.
  const judged =
    model === undefined
      ? copyOf(call, { body: JsonBody.from(request) })
      : copyOf(call, { body: JsonBody.from({ ...request, model }), operation: 'chat', model })
  // Its model must be there for the caller; nobody is asked.
  if (model !== undefined) rooms.resolve(judged, caller).next()
  if (!guards) namedGuards(asked.guards, [], side)
  const answer = guards
    ? await judge(call, judged, caller, asked, guards)
    : told(call, asked, (await rooms.guardRequest(judged, caller)).guarding)
  return copyOf(call, { body: JsonBody.from(answer), ...(model !== undefined && { model }) })
}

/** What the guards of the caller, and those that the question names, say of it. */
async function judge(
  call: Call,
  judged: Call,
  caller: Caller,
  asked: DoorQuestion,
  guards: BuiltGuards
): Promise<JsonObject> {
  const { side, body } = asked.question
  const named = new Set(namedGuards(asked.guards, guards.all, side))
  const attached = new Set(guards.guardsOf(judged, caller))
  const all = guards.all.filter(guard => named.has(guard) || attached.has(guard))
  const rooms = { ...guards, guardsOf: () => all }
  const sinceBegun = () => guards.nowMs() - call.startedMs
  const fromMs = sinceBegun()
  try {
    if (side === 'request') {
      const allowed = await guardRequest(judged, caller, rooms)
      return told(call, asked, allowed.guarding, allowed.body === judged.body ? undefined : allowed.body)
    }
    judged.guarding = new Guarding(all, guards.nowMs)
    const given = JsonBody.from(body).bytes
    const reply = (await guardReply(judged, caller, replyOf(JsonBody.of(given)), rooms)) as Whole
    return told(call, asked, judged.guarding, reply.body === given ? undefined : JsonBody.of(reply.body))
  } catch (thrown) {
    if (!(thrown instanceof Failure) || thrown.code !== 'guardrail_blocked') throw thrown
    return blocked(call, judged.guarding, thrown)
  } finally {
    const { guarding } = judged
    if (guarding) {
      guarding.askedMs = [fromMs, sinceBegun()]
      call.guarding = guarding
    }
  }
}

type Whole = Extract<Reply, { how: 'whole' }>

function told(
  { id }: Call,
  { question }: DoorQuestion,
  guarding: Guarding | undefined,
  changed?: JsonBody | undefined
): JsonObject {
  const verdicts = guarding?.verdicts ?? []
  const isFlagged = verdicts.some(({ action }) => action !== 'shadow' && action !== 'error')
  const action = changed ? 'mask' : isFlagged ? 'flag' : 'allow'
  return { id, action, verdicts: shown(verdicts), ...question.said(changed?.object() ?? question.body) }
}

function blocked({ id }: Call, guarding: Guarding | undefined, { message }: Failure): JsonObject {
  return { id, action: 'block', message, verdicts: shown(guarding?.verdicts ?? []) }
}

/** What is only measured is not shown. */
function shown(verdicts: readonly Verdict[]): JsonObject[] {
  return verdicts
    .filter(({ action }) => action !== 'shadow')
    .map(({ guard, rule, action, count, score }) => ({ guard, rule, action, count, score }))
}

function replyOf({ bytes }: JsonBody): Reply {
  const answered: Answered = { ...OURSELVES, attempts: 1, fallback: 0, losses: [], touches: [], simulated: false }
  return { how: 'whole', status: 200, headers: {}, answered, body: bytes, usage: undefined, finish: undefined }
}
