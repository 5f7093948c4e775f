import * as z from 'zod'
import type { DialectName } from '../dialects/canonical.ts'
import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure, type Kind } from '../errors.ts'
import { JsonBody, type JsonObject } from '../json.ts'
import { PER_CALL_MEMBERS, readPerCall } from '../routing/per-call.ts'
import { ROUTE_KINDS } from '../routing/schema.ts'
import type { Call } from '../stages/call.ts'
import type { CallExplanation } from '../stages/route-call.ts'
import { type Route, readInput, route } from './route.ts'

/** A call as its client would send it; every member but the model may be left out. */
const explainSchema = z.strictObject({
  model: z.string().min(1).optional(),
  dialect: z.enum(Object.keys(dialects) as DialectName[]).default('openai-chat'),
  body: z.record(z.string(), z.unknown()).default({}),
  headers: z.record(z.string(), z.string()).default({}),
  key: z.string().optional(),
  assuming: z.enum(ROUTE_KINDS).default('server_error')
})

/** A call to explain is as large as a call; those that carry films need not. */
const EXPLAIN_BYTES_MAX = 8 * 1024 * 1024

export const explainRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/explain',
    permission: 'routes:explain',
    tag: 'routes',
    summary:
      'Where a call would go if every target failed, and why each other candidate was left out. No call is made.',
    body: explainSchema,
    bodyBytesMax: EXPLAIN_BYTES_MAX,
    reply: z.looseObject({}),
    keepsNothing: true,
    run: ({ body, explain }) => explained(body, explain)
  })
]

/** What an explanation is worked out with: the plan in force, and now. */
export interface ExplainRooms {
  explain(call: Call, key: string | undefined, assuming: Kind): CallExplanation
  monotonicMs(): number
}

/**
 * `POST /admin/explain`: where a call would go if every target failed, and why each other candidate was left out. No
 * call is made. Failures: `invalid_input` for a request that is none, and those that the call itself would get.
 */
export function explainRequest(request: unknown, rooms: ExplainRooms): CallExplanation {
  return explained(readInput(explainSchema, request) as z.output<typeof explainSchema>, rooms)
}

function explained(data: z.output<typeof explainSchema>, rooms: ExplainRooms): CallExplanation {
  const { headers, key, assuming } = data
  const dialect: Dialect = dialects[data.dialect]
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
    dialect,
    doorProvider: dialect.maker,
    body: JsonBody.from({
      [dialect.members.conversation]: [],
      ...Object.fromEntries(kept),
      ...(dialect.members.model && { [dialect.members.model]: model })
    }),
    model,
    stream: sent.stream === true,
    framing: 'sse',
    headers: lower,
    routing,
    credentials: [],
    signal: new AbortController().signal,
    startedMs: rooms.monotonicMs(),
    waitedMs: 0
  }
  return rooms.explain(call, key, assuming)
}
