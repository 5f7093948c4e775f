import type { Caller } from '../access/caller.ts'
import type { Plant } from '../build.ts'
import type { Operation } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { handle, type Rooms } from '../gateway.ts'
import type { Tools } from '../guards/guard.ts'
import { isObject, JsonBody, type JsonObject } from '../json.ts'
import type { Demands } from '../residency.ts'
import type { Call } from '../stages/call.ts'

type Asking = Pick<Required<Tools>, 'ask' | 'embed'>

interface Inner {
  operation: Operation
  body: JsonObject & { model: string }
  purpose: string
  signal: AbortSignal
}

const DIALECT = dialects['openai-chat']

/**
 * Calls that a check makes for the call it looks at (D25): by our own routes, charged to the same caller in a hold of
 * their own, tagged with their purpose, and looked at by no guard. What the key may ask for does not bind them: whoever
 * configured the check chose the model. What is demanded of providers does: they are sent the same text.
 */
export function innerCalls(
  rooms: () => Rooms,
  { clock, random }: Pick<Plant, 'clock' | 'random'>,
  demandsOf: (outer: Call, caller: Caller) => readonly Demands[]
) {
  return (outer: Call, caller: Caller): Asking => {
    const answer = async (inner: Inner): Promise<JsonObject> => {
      const unguarded: Rooms = {
        ...rooms(),
        authenticate: () => ({ ...caller, scopes: demandsOf(outer, caller).map(require => ({ require })) }),
        guardRequest: call => call
      }
      const reply = await handle(callOf(inner, outer, { id: random.id(), startedMs: clock.monotonicMs() }), unguarded)
      if (reply.how === 'whole') return JSON.parse(reply.body.toString('utf8')) as JsonObject
      reply.source.destroy()
      throw new Failure('internal', 'A stream came where a whole answer was asked for.')
    }
    return {
      async ask({ model, system, text, purpose, signal }) {
        const messages = [
          ...(system === undefined ? [] : [{ role: 'system', content: system }]),
          { role: 'user', content: text }
        ]
        const answered = await answer({ operation: 'chat', body: { model, messages }, purpose, signal })
        const { choices } = DIALECT.decodeResponse(answered)
        return (choices[0]?.parts ?? []).map(part => (part.type === 'text' ? part.text : '')).join('')
      },
      async embed({ model, texts, purpose, signal }) {
        const answered = await answer({ operation: 'embeddings', body: { model, input: [...texts] }, purpose, signal })
        const data = Array.isArray(answered.data) ? answered.data.filter(isObject) : []
        if (data.length === texts.length) return data.map(({ embedding }) => embedding as number[])
        throw new Failure('provider_malformed', 'The provider answered with another number of embeddings than texts.')
      }
    }
  }
}

function callOf(
  { operation, body, purpose, signal }: Inner,
  outer: Call,
  made: { id: string; startedMs: number }
): Call {
  const { tags = [], ...payers } = outer.account?.payers ?? {}
  return {
    ...made,
    operation,
    dialect: DIALECT,
    doorProvider: DIALECT.maker,
    body: JsonBody.from(body),
    model: body.model,
    stream: false,
    framing: 'sse',
    parent: outer.id,
    headers: {},
    routing: {
      models: [],
      wishes: {},
      sortsAcross: false,
      members: {},
      totalMs: undefined,
      route: undefined,
      metadata: { ...payers, tags: [...tags, `purpose:${purpose}`] } as JsonObject
    },
    credentials: [],
    signal,
    waitedMs: 0
  }
}
