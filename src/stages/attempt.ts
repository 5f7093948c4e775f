import type { Dialect } from '../dialects/dialect.ts'
import { dialects } from '../dialects/index.ts'
import { Failure } from '../errors.ts'
import { type Endpoint, embeddingsEndpoint, endpointFor, type Outgoing, type Provider } from '../providers/provider.ts'
import type { Step } from '../routing/facts.ts'
import type { AttemptRooms } from './attempt-rooms.ts'
import type { AttemptWatch, Call, Reply } from './call.ts'
import { estimate } from './count-tokens.ts'
import { embed, type WholeReply } from './embed.ts'
import { prepareObject } from './objects.ts'
import { withPrefill } from './prefill.ts'
import { type Prepared, type PrepareOptions, prepare } from './prepare.ts'
import { Sending } from './sending.ts'

/**
 * One attempt at one target: prepare, send, classify. Resolves at the commit point: with the whole answer, or with a
 * stream whose first content has come. Rejects with the Failure that the plan is told.
 */
export async function attempt(call: Call, step: Step, rooms: AttemptRooms, watch: AttemptWatch): Promise<Reply> {
  const provider = rooms.provider(step.target.provider)
  if (call.object) return send(call, step, rooms, prepareObject(call, call.object, provider, rooms, watch.id), watch)
  const endpoint = endpointIn(call, provider, step.target.model)
  const dialect: Dialect = dialects[endpoint.dialect]
  if (call.operation === 'count-tokens' && !dialect.tokens) return estimate(call, step)
  const begun = rooms.prefills(step.target) ? withPrefill(call) : undefined
  const options: PrepareOptions = {
    target: step.target,
    provider,
    endpoint,
    dialect,
    attemptId: watch.id,
    strict: rooms.strict,
    forceCanonical: rooms.forceCanonical,
    userAgent: rooms.userAgent,
    wallMs: rooms.clock.wallMs(),
    fetchMedia: rooms.fetchMedia,
    traceparent: rooms.traceparent
  }
  if (call.operation === 'embeddings') {
    return embed(call, options, prepared => sendWhole(call, step, rooms, prepared, watch))
  }
  const making = prepare(begun ?? call, options)
  const prepared = making instanceof Promise ? await making : making
  if (begun) prepared.touches.push(dialect.members.conversation)
  const reply = await send(call, step, rooms, prepared, watch)
  return begun && reply.how === 'stream' ? { ...reply, prefilled: true } : reply
}

function endpointIn({ operation, dialect }: Call, provider: Provider, model: string): Endpoint {
  if (operation !== 'embeddings') return endpointFor(provider, dialect.name, model, operation)
  const endpoint = embeddingsEndpoint(provider, model)
  if (endpoint) return endpoint
  throw new Failure('unknown_model', `${provider.name} gives no embeddings by ${model}, as far as is known here.`, {
    kind: 'no_such_model',
    param: 'model'
  })
}

async function sendWhole(
  call: Call,
  step: Step,
  rooms: AttemptRooms,
  prepared: Prepared,
  watch: AttemptWatch
): Promise<WholeReply> {
  const reply = await send(call, step, rooms, prepared, watch)
  if (reply.how === 'whole') return reply
  throw new Failure('internal', 'A stream came where a whole answer was asked for.')
}

/** Sends it, and once more where all that was wrong was a token that had been revoked before its time. */
async function send(
  call: Call,
  step: Step,
  rooms: AttemptRooms,
  prepared: Prepared,
  watch: AttemptWatch,
  isAgain = false
): Promise<Reply> {
  const provider = rooms.provider(step.target.provider)
  const credential = rooms.credential(provider, step.credential)
  const { method, endpoint, body } = prepared
  const { origin, path: base } = rooms.address(endpoint)
  const outgoing: Outgoing = { method, origin, path: base + prepared.path, headers: prepared.headers, body }
  const signing = rooms.authorize(provider, endpoint, credential, outgoing)
  const headers = [...prepared.headers, ...(signing instanceof Promise ? await signing : signing)]
  try {
    return await new Promise<Reply>((resolve, reject) =>
      new Sending(call, step, rooms, provider, prepared, watch, resolve, reject).send({ ...outgoing, headers })
    )
  } catch (thrown) {
    const isRefused = thrown instanceof Failure && thrown.kind === 'our_credential'
    if (!isRefused || !rooms.refused(provider, endpoint, credential) || isAgain) throw thrown
    return send(call, step, rooms, prepared, watch, true)
  }
}
