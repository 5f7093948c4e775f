import type { Json, JsonObject } from '../../json.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import type { Address, Losses } from '../dialect.ts'
import { withFunctions } from '../freeform.ts'
import { decodeBlocks } from './decode-part.ts'
import { fitSettings } from './fit-settings.ts'
import { given, lose, type Members, members, NAME, restore } from './members.ts'
import { familyOf } from './models.ts'
import { decodeInference, decodeModelFields, decodeOutput, encodeFormat, encodeInference, filled } from './settings.ts'
import { decodeToolConfig, encodeOwnTools, fitTools } from './tools.ts'
import { encodeOwnTurns, fitTurns } from './turns.ts'

/** Without these the call would mean something else: a prompt that only AWS holds, a guard that only AWS has. */
const BOUND = ['promptVariables', 'guardrailConfig'] as const

/**
 * Reads a body of `POST /model/{modelId}/converse` or `converse-stream`; model and stream are in the address. Throws a
 * Failure `wrong_type` or `missing_field` with the `param` path.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html
 */
export function decodeRequest(native: JsonObject, address?: Address): ChatRequest {
  const body = members(native, '', 'request')
  const system = decodeSystem(body)
  const turns = (takeFilled(body, 'messages') ?? []).map((value, index) => decodeMessage(value, `messages[${index}]`))
  const { topK, reasoning } = decodeModelFields(body)
  const { format, effort } = decodeOutput(body)
  const thinking = given({ ...reasoning, effort: reasoning?.effort ?? effort })
  const bound = BOUND.filter(name => body.peek(name) !== undefined)
  return {
    maker: NAME,
    model: address?.model ?? '',
    stream: address?.stream ?? false,
    messages: [...system, ...turns],
    ...decodeToolConfig(body),
    ...decodeInference(body),
    ...given({
      topK,
      format,
      reasoning: Object.keys(thinking).length > 0 ? thinking : undefined,
      user: body.nested('requestMetadata')?.maybeString('user'),
      serviceTier: body.nested('serviceTier')?.maybeString('type'),
      bound: bound.length > 0 ? bound : undefined
    }),
    ...body.kept()
  }
}

/** The top-level `system` leads the messages, as one. */
function decodeSystem(body: Members): Message[] {
  const blocks = takeFilled(body, 'system')
  return blocks ? [{ role: 'system', parts: decodeBlocks(blocks, 'system', 'request') }] : []
}

/** An empty list says nothing, and is left where it is to be written back. */
function takeFilled(body: Members, name: string): Json[] | undefined {
  const list = body.peek(name)
  return Array.isArray(list) && list.length === 0 ? undefined : body.maybeArray(name)
}

const ROLES = ['user', 'assistant', 'system'] as const

function decodeMessage(value: Json, path: string): Message {
  const message = members(value, path, 'request')
  const said = message.string('role')
  const role = ROLES.find(known => known === said)
  if (role === undefined) throw message.wrong('role', 'must be `user` or `assistant`')
  if (role === 'system') message.spell('role', role)
  return { role, parts: decodeBlocks(message.array('content'), message.at('content'), 'request'), ...message.kept() }
}

/**
 * Writes a body of `POST /model/{modelId}/converse`. A request of this dialect comes out as it went in. One of another
 * dialect is fitted to what Bedrock and the named model take, and everything that is left out or changed is named.
 */
export function encodeRequest(request: ChatRequest, losses: Losses): JsonObject {
  return request.maker === NAME ? encodeOwn(request, losses) : encodeForeign(request, losses)
}

function encodeOwn(request: ChatRequest, losses: Losses): JsonObject {
  const made = {
    ...encodeOwnTurns(request, losses),
    ...given({
      inferenceConfig: encodeInference(request),
      toolConfig: encodeOwnTools(request, losses),
      outputConfig: filled({ textFormat: encodeFormat(request.format) }),
      requestMetadata: filled({ user: request.user }),
      serviceTier: filled({ type: request.serviceTier })
    })
  }
  return restore(made as JsonObject, request, '', losses)
}

function encodeForeign(said: ChatRequest, losses: Losses): JsonObject {
  const request = withFunctions(said, losses)
  const family = familyOf(request.model)
  const { thinks, ...settings } = fitSettings(request, losses)
  nameStrangers(request, losses)
  const made = {
    ...fitTurns(request, family, thinks, losses),
    ...given({
      ...settings,
      toolConfig: fitTools(request, { family, thinks }, losses),
      requestMetadata: fitUser(request.user, losses),
      serviceTier: fitTier(request.serviceTier, losses)
    })
  }
  return restore(made as JsonObject, request, '', losses)
}

/** What no request of this dialect can say. Usage in a stream needs no asking here: it always comes. */
function nameStrangers(request: ChatRequest, losses: Losses): void {
  if (request.n !== undefined && request.n !== 1) lose(losses, 'n')
  if (request.seed !== undefined) lose(losses, 'seed')
  if (request.frequencyPenalty) lose(losses, 'frequency_penalty')
  if (request.presencePenalty) lose(losses, 'presence_penalty')
  if (request.logprobs) lose(losses, 'logprobs')
}

/** What Bedrock takes as a value of `requestMetadata`, which it writes into its logs of calls. */
const METADATA = /^[a-zA-Z0-9\s:_@$#=/+,.-]{1,256}$/

function fitUser(user: string | undefined, losses: Losses): JsonObject | undefined {
  if (user === undefined) return undefined
  if (METADATA.test(user)) return { user }
  lose(losses, 'user')
  return undefined
}

/** `auto` leaves it to the account, as saying nothing does here. */
const TIERS = new Map<string, JsonObject | undefined>([
  ['auto', undefined],
  ['default', { type: 'default' }],
  ['standard_only', { type: 'default' }],
  ['flex', { type: 'flex' }],
  ['priority', { type: 'priority' }]
])

function fitTier(tier: string | undefined, losses: Losses): JsonObject | undefined {
  if (tier !== undefined && !TIERS.has(tier)) lose(losses, 'service_tier')
  return tier === undefined ? undefined : TIERS.get(tier)
}
