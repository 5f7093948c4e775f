import * as z from 'zod'
import { dialects } from '../dialects/index.ts'
import { Failure, type Kind } from '../errors.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import { PER_CALL_MEMBERS, readPerCall } from '../routing/per-call.ts'
import { ROUTE_KINDS } from '../routing/schema.ts'
import type { Call } from '../stages/call.ts'
import type { CallExplanation } from '../stages/route-call.ts'

/** A call as its client would send it; every member but the model may be left out. */
const explainSchema = z.strictObject({
  model: z.string().min(1).optional(),
  dialect: z.enum(['openai-chat', 'anthropic-messages']).default('openai-chat'),
  body: z.record(z.string(), z.unknown()).default({}),
  headers: z.record(z.string(), z.string()).default({}),
  key: z.string().optional(),
  assuming: z.enum(ROUTE_KINDS).default('server_error')
})

/** What an explanation is worked out with: the plan in force, and now. */
export interface ExplainRooms {
  explain(call: Call, key: string | undefined, assuming: Kind): CallExplanation
  monotonicMs(): number
}

/** The provider that a name nobody knows goes to, by the dialect of its door (D11). */
const DOOR_PROVIDERS = { 'openai-chat': 'openai', 'anthropic-messages': 'anthropic' } as const

/**
 * `POST /admin/explain`: where a call would go if every target failed, and why each other candidate was left out. No
 * call is made. Failures: `wrong_type` for a request that is none, and those that the call itself would get.
 */
export function explainRequest(request: unknown, rooms: ExplainRooms): CallExplanation {
  const { success, data, error } = explainSchema.safeParse(request)
  if (!success) {
    const [issue] = error.issues
    const param = issue?.path.join('.') ?? ''
    throw new Failure('wrong_type', `${param === '' ? 'The body' : `"${param}"`}: ${issue?.message}.`, { param })
  }
  const { dialect, headers, key, assuming } = data
  const sent = data.body as JsonObject
  const named = data.model ?? sent.model
  const lower = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const routing = readPerCall(JsonBody.from(sent), lower)
  const model = typeof named === 'string' && named !== '' ? named : routing.models[0]
  if (model === undefined) throw new Failure('missing_field', '"model" is required.', { param: 'model' })
  const kept = Object.entries(sent).filter(([name]) => !(PER_CALL_MEMBERS as readonly string[]).includes(name))
  const call: Call = {
    id: 'explain',
    operation: 'chat',
    dialect: dialects[dialect],
    doorProvider: DOOR_PROVIDERS[dialect],
    body: JsonBody.from({ messages: [], ...Object.fromEntries(kept), model }),
    model,
    stream: sent.stream === true,
    headers: lower,
    routing,
    credentials: [],
    signal: new AbortController().signal,
    startedMs: rooms.monotonicMs(),
    waitedMs: 0
  }
  return rooms.explain(call, key, assuming)
}
