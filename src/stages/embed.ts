import {
  decodeRequest,
  type Embeddings,
  type EmbeddingsRequest,
  encodeResponse,
  SHAPES,
  type Shape,
  type ShapeName
} from '../dialects/operations/embeddings.ts'
import { Failure } from '../errors.ts'
import { isObject, type JsonObject } from '../json.ts'
import { modelName } from '../providers/adjust.ts'
import { endpointPath } from '../providers/provider.ts'
import type { Call, Reply } from './call.ts'
import { lossRefused, type Prepared, type PrepareOptions, prepareAsIs } from './prepare.ts'

/** So many requests of one call are under way at a time. */
const PARALLEL = 4

/** Sends one request of the call and answers with what came back as it came. */
type SendOne = (prepared: Prepared) => Promise<WholeReply>

export type WholeReply = Extract<Reply, { how: 'whole' }>

/**
 * Embeddings of one target: as many requests as the provider's limit on inputs makes necessary, put together in the
 * order of the inputs. Where the target speaks OpenAI's shape and one request will do, the body stays the client's own
 * and the answer the provider's.
 */
export async function embed(call: Call, options: PrepareOptions, sendOne: SendOne): Promise<Reply> {
  const { endpoint, target } = options
  const template = prepareAsIs(call, options)
  const model = modelName(endpoint, target.model)
  const shape: Shape = SHAPES[endpoint.embeddings!]
  const path = endpointPath(endpoint, 'embeddings', model, false) ?? shape.path(model)
  const request = { ...decodeRequest(call.body.object()), model }
  if (shape === SHAPES.openai && request.inputs.length <= shape.inputsMax) {
    return native(await sendOne({ ...template, path }), shape)
  }
  // What is lost is lost in every batch alike: it is told once.
  const prepared = batchesOf(request, shape.inputsMax).map((batch, at) => ({
    ...template,
    path,
    body: Buffer.from(JSON.stringify(shape.encodeRequest(batch, at === 0 ? template.losses : [])))
  }))
  if (options.strict && template.losses.length > 0) throw lossRefused(template.losses, options)
  const replies = await inTurn(prepared, each => sendOne(each).catch(inItsOwnShape(endpoint.embeddings!)))
  const answers = replies.map(reply => shape.decodeResponse(parse(reply.body), reply.providerHeaders ?? {}))
  const vectors = answers.flatMap(answer => answer.vectors)
  if (vectors.length !== request.inputs.length)
    throw new Failure(
      'provider_malformed',
      `The provider gave ${vectors.length} vectors for ${request.inputs.length} inputs.`
    )
  const inputTokens = sumOf(answers)
  return {
    ...replies[0]!,
    body: Buffer.from(JSON.stringify(encodeResponse(request, { vectors, inputTokens }))),
    usage: usageOf(inputTokens)
  }
}

/** What a provider says is only the client's own form where the shape is OpenAI's, whatever dialect the address speaks. */
function inItsOwnShape(name: ShapeName): (thrown: unknown) => never {
  return thrown => {
    if (thrown instanceof Failure && thrown.native && SHAPES[name] !== SHAPES.openai) thrown.native.dialect = name
    throw thrown
  }
}

function native(reply: WholeReply, shape: Shape): Reply {
  const { inputTokens } = shape.decodeResponse(parse(reply.body), reply.providerHeaders ?? {})
  return { ...reply, usage: usageOf(inputTokens) }
}

function usageOf(inputTokens: number | undefined) {
  return inputTokens === undefined ? undefined : { inputTokens, outputTokens: 0 }
}

function sumOf(answers: readonly Embeddings[]): number | undefined {
  const counts = answers.map(answer => answer.inputTokens)
  return counts.includes(undefined) ? undefined : counts.reduce<number>((sum, count) => sum + count!, 0)
}

function batchesOf(request: EmbeddingsRequest, inputsMax: number): EmbeddingsRequest[] {
  const batches: EmbeddingsRequest[] = []
  for (let at = 0; at < request.inputs.length; at += inputsMax) {
    batches.push({ ...request, inputs: request.inputs.slice(at, at + inputsMax) })
  }
  return batches
}

/** A few at a time; the first that fails is the failure of all, and none is begun after it. */
async function inTurn<One, Made>(list: readonly One[], make: (one: One) => Promise<Made>): Promise<Made[]> {
  const made: Made[] = new Array(list.length)
  let next = 0
  const work = async () => {
    while (next < list.length) {
      const at = next++
      made[at] = await make(list[at]!)
    }
  }
  try {
    await Promise.all(Array.from({ length: Math.min(PARALLEL, list.length) }, work))
  } finally {
    next = list.length
  }
  return made
}

function parse(bytes: Buffer): JsonObject {
  const value: unknown = JSON.parse(bytes.toString('utf8'))
  if (isObject(value)) return value
  throw new Failure('provider_malformed', 'The provider answered with something that is no JSON object.')
}
