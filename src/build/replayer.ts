import { type Caller, OPEN_CALLER } from '../access/caller.ts'
import type { Plan, Plant } from '../build.ts'
import type { DialectName } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { handle } from '../gateway.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import { PER_CALL_MEMBERS, readPerCall } from '../routing/per-call.ts'
import { demandsBefore, routeByHeader } from '../simulate/logged-call.ts'
import type { Call, Reply } from '../stages/call.ts'
import { routesAsked, routesBelow } from '../stages/route-call.ts'
import { BODY_LEVELS, type BodyLevel, type RequestRow } from '../stores/rows.ts'
import { callersOf, storedKeys } from './callers-of.ts'

/** A call of the past, and what is to be other about it. */
export interface Replay {
  row: RequestRow
  /** The body as its client sent it, and how much of what is said in it may be kept. */
  received: string
  level: BodyLevel
  /** A route, or a model, instead of what it asked for then. */
  instead: { route?: string | undefined; model?: string | undefined }
  /** Aborted when nobody waits for it any more. */
  signal: AbortSignal
}

/** What came of it; the rest is in its row. */
export interface Replayed {
  id: string
  /** The answer in the dialect of the call; a Failure where its client would have got an error. */
  outcome: JsonObject | Failure
}

export interface Replayer {
  replay(asked: Replay): Promise<Replayed>
}

/**
 * Makes calls of the past again, as calls from within (D25): charged to whoever they were charged to, in a hold of their
 * own, tagged `purpose:replay`, with the first call as their parent. Guards look at them as at any call. What the key may
 * ask for does not bind them: whoever replays chose the model. What is demanded of providers does.
 */
export function buildReplayer(plant: Plant, running: () => Plan): Replayer {
  return {
    async replay(asked) {
      const plan = running()
      const { clock, random } = plant
      const caller = await callerOf(asked.row, plan, plant)
      const call = callAgain(asked, caller, { id: random.id(), startedMs: clock.monotonicMs() })
      const bound = boundAsBefore(asked, caller, call, plan)
      try {
        const reply = await handle(call, { ...plan.rooms, authenticate: () => bound })
        return { id: call.id, outcome: wholeOf(reply) }
      } catch (thrown) {
        return { id: call.id, outcome: Failure.from(thrown) }
      }
    }
  }
}

function wholeOf(reply: Reply): JsonObject {
  if (reply.how === 'whole') return JSON.parse(reply.body.toString('utf8')) as JsonObject
  reply.source.destroy()
  throw new Failure('internal', 'A stream came where a whole answer was asked for.')
}

/**
 * The caller, who by another way is bound to what holds of the way of the first call: another model must not be told
 * what the guards of a route keep from its own, nor a provider in another region. And no more may be kept than was.
 */
function boundAsBefore({ row, level, instead }: Replay, caller: Caller, call: Call, { names, config }: Plan): Caller {
  const isSame = instead.model === undefined && instead.route === undefined
  const first = { ...call, model: row.modelAsked, routing: { ...call.routing!, route: routeByHeader(row) } }
  const routes = isSame ? [] : routesAsked(first, names).flatMap(route => [...routesBelow(route, names)])
  const further = routes.map(({ guards, require }) => ({ ...(guards && { guards }), ...(require && { require }) }))
  // Where nobody says how much may be kept, the gateway does; who says it here speaks for both.
  const isSaid = caller.scopes.some(({ bodies }) => bodies !== undefined)
  const bodies = isSaid ? level : leastOf(level, config.bodies.level)
  return { ...caller, scopes: [...caller.scopes, ...further, { bodies }] }
}

function leastOf(one: BodyLevel, other: BodyLevel): BodyLevel {
  return BODY_LEVELS[Math.min(BODY_LEVELS.indexOf(one), BODY_LEVELS.indexOf(other))]!
}

/** Who the call was charged to, with what the key, where it is still there, asks of guards and providers. */
async function callerOf({ payers }: RequestRow, { config }: Plan, plant: Plant): Promise<Caller> {
  const { key, org, team, user } = payers
  const keys = new Set([key])
  const known = (await callersOf(keys, await storedKeys(keys, plant), config, plant)).get(key)
  const { parents, scopes, tags } = known && !(known instanceof Failure) ? known : OPEN_CALLER
  const held = scopes.map(({ guards, require, bodies }) => ({
    ...(guards && { guards }),
    ...(require && { require }),
    ...(bodies && { bodies })
  }))
  return Object.freeze({ ...OPEN_CALLER, key, name: key, org, team, user, parents, tags, scopes: held })
}

function callAgain(
  { row, received, instead, signal }: Replay,
  caller: Caller,
  made: { id: string; startedMs: number }
): Call {
  const dialect: Dialect = dialects[row.dialect as DialectName]
  const sent = JsonBody.of(Buffer.from(received))
  const said = readPerCall(sent, {})
  const model = instead.model ?? row.modelAsked
  const { tags = [], customer, agent, session } = row.payers
  const further = tags.filter(tag => !caller.tags.includes(tag) && !tag.startsWith('purpose:'))
  return {
    ...made,
    operation: 'chat',
    dialect,
    doorProvider: dialect.maker,
    body: bodyAgain(sent, dialect, model),
    model,
    stream: false,
    framing: 'sse',
    parent: row.id,
    received: sent.bytes,
    headers: {},
    routing: {
      ...said,
      // Further models, and wishes for providers, were for the model that was asked for then.
      ...(instead.model !== undefined && { models: [], wishes: {}, members: {} }),
      require: demandsBefore(row),
      route: instead.model === undefined ? (instead.route ?? routeByHeader(row)) : undefined,
      metadata: {
        ...said.metadata,
        ...(customer !== undefined && { customer }),
        ...(agent !== undefined && { agent }),
        ...(session !== undefined && { session }),
        tags: [...further, 'purpose:replay']
      }
    },
    credentials: [],
    signal,
    waitedMs: 0
  }
}

/** The same request for one whole answer, without the members that were for the gateway alone. */
function bodyAgain(sent: JsonBody, { members }: Dialect, model: string): JsonBody {
  const body = sent.copy()
  for (const name of [...PER_CALL_MEMBERS, 'stream_options']) delete body[name]
  if (members.stream !== undefined && body[members.stream] !== undefined) body[members.stream] = false
  if (members.model !== undefined) body[members.model] = model
  return JsonBody.from(body)
}
