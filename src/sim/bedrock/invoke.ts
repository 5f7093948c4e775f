import { anthropicVoice } from '../anthropic/index.ts'
import { asSold } from '../anthropic/sold.ts'
import type { Ask } from '../ask.ts'
import type { Door, Visit } from '../door.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { type Behaviour, bareName } from '../models.ts'
import { Refusal } from '../refusal.ts'
import type { Frame, Reply, Voice } from '../voice.ts'
import { bedrockError, errorBody, errorFrames, invalid } from './errors.ts'
import { chunkStream } from './frames.ts'
import { bedrockGate } from './gate.ts'

const VERSION = 'bedrock-2023-05-31'

/** `us.anthropic.claude-…`: an id with a maker in it. Without one it is a model of the simulator's own table. */
const MAKER = /^(?:(?:us|eu|apac|au|jp|ca|global|us-gov)\.)?([a-z0-9]+)\./

/** InvokeModel with Claude: Anthropic's body without model and stream, which the address says, and with a version. */
export const prepare: NonNullable<Door['prepare']> = (body, { params, stream }) => {
  const model = params.model ?? ''
  const maker = MAKER.exec(bareName(model))?.[1]
  if (maker !== undefined && maker !== 'anthropic')
    throw malformed('extraneous key [anthropic_version] is not permitted')
  const { anthropic_version: version, anthropic_beta: _, ...request } = body
  const stray = ['model', 'stream'].find(name => request[name] !== undefined)
  if (stray !== undefined) throw invalid(`${stray}: Extra inputs are not permitted`)
  if (version === undefined) throw invalid('anthropic_version: Field required')
  if (version !== VERSION) throw invalid(`anthropic_version: Input should be '${VERSION}'`)
  return { ...request, model, stream: stream === true }
}

function malformed(what: string): Refusal {
  return invalid(`Malformed input request: #: ${what}, please reformat your input and try again.`)
}

/** Reads a prepared body as Anthropic would; its refusals become Bedrock's. Betas are named in the body here. */
function read(body: JsonObject, behaviour: Behaviour, visit: Visit): Ask {
  const betas = visit.json().anthropic_beta
  return asBedrock(() => readAsAnthropic(body, betas, behaviour, visit))
}

function readAsAnthropic(body: JsonObject, betas: Json | undefined, behaviour: Behaviour, visit: Visit): Ask {
  if (betas !== undefined && !(Array.isArray(betas) && betas.every(beta => typeof beta === 'string'))) {
    throw invalid('anthropic_beta: Input should be a valid list')
  }
  const headers = { ...visit.request.headers }
  if (betas === undefined) delete headers['anthropic-beta']
  else headers['anthropic-beta'] = betas.join(',')
  const ask = anthropicVoice.read(body, behaviour, { ...visit, request: { ...visit.request, headers } })
  const address = addressIn(body)
  if (address !== undefined) throw invalid(`${address}.source.base64.data: URL sources are not supported`)
  return ask
}

function asBedrock<T>(reads: () => T): T {
  try {
    return reads()
  } catch (thrown) {
    if (thrown instanceof Refusal && thrown.status === 400) throw invalid(thrown.message)
    throw thrown
  }
}

/** Where the first image or document stands of which only an address is given: Bedrock fetches none. */
function addressIn({ messages }: JsonObject): string | undefined {
  for (const [index, message] of (messages as JsonObject[]).entries()) {
    const content = Array.isArray(message.content) ? message.content : []
    for (const [at, block] of content.entries()) {
      if (!isObject(block) || !isObject(block.source) || block.source.type !== 'url') continue
      return `messages.${index}.content.${at}.${block.type}`
    }
  }
  return undefined
}

/** The body that a request for a count carries as base64. */
export function readInvoke(base64: string, behaviour: Behaviour, visit: Visit): Ask {
  const body = parse(Buffer.from(base64, 'base64').toString())
  if (!isObject(body)) throw malformed('expected a JSON object')
  return asBedrock(() => readAsAnthropic(prepare(body, visit), body.anthropic_beta, behaviour, visit))
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Claude's own name, without region, maker and version. */
function claudeOf(model: string): string {
  return /(claude-.+?)(?:-v\d+)?(?::\d+)?$/.exec(model)?.[1] ?? model
}

function frameOf(frame: Frame, { usage }: Reply): Frame {
  const data = asSold(JSON.parse(frame.data) as JsonObject)
  if (data.type === 'message_stop') {
    data['amazon-bedrock-invocationMetrics'] = {
      inputTokenCount: usage.input_tokens,
      outputTokenCount: usage.output_tokens,
      invocationLatency: LATENCY_MS,
      firstByteLatency: LATENCY_MS / 2,
      cacheReadInputTokenCount: usage.cache_read_input_tokens,
      cacheWriteInputTokenCount: usage.cache_creation_input_tokens
    }
  }
  return { ...frame, data: JSON.stringify(data) }
}

const LATENCY_MS = 420

/** Claude's messages as InvokeModel sells them. */
export const invokeVoice: Voice = {
  ...anthropicVoice,
  gate: bedrockGate,
  framing: chunkStream,
  read,
  reply: (ask, plans, studio) => {
    const reply = anthropicVoice.reply({ ...ask, model: claudeOf(ask.model) }, plans, studio)
    return {
      usage: reply.usage,
      body: () => asSold(reply.body()),
      frames: () => reply.frames().flatMap(frame => (frame.event === 'ping' ? [] : [frameOf(frame, reply)]))
    }
  },
  error: bedrockError,
  errorBody,
  errorFrames,
  newRequestId: ids => uuidOf(ids.nextHex('', 32)),
  headers: requestId => ({ 'x-amzn-requestid': requestId, 'x-amzn-bedrock-content-type': 'application/json' })
}

export function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
