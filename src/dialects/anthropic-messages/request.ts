import type { Json, JsonObject } from '../../json.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import { modelOf } from '../claude.ts'
import type { Losses } from '../dialect.ts'
import { withFunctions } from '../freeform.ts'
import { decodeContent, decodeParts } from './decode-part.ts'
import { given, lose, Members, NAME, restore } from './members.ts'
import { decodeOutputConfig, decodeThinking, encodeOwnSettings, fitSettings } from './settings.ts'
import { decodeTool, decodeToolChoice, encodeToolChoice, encodeTools } from './tools.ts'
import { encodeOwnTurns, fitTurns } from './turns.ts'

/**
 * Reads a body of `POST /v1/messages` or `/v1/messages/count_tokens` (the latter has no `max_tokens`, so it is not
 * asked for here). Throws a Failure `wrong_type` or `missing_field` with the `param` path.
 */
export function decodeRequest(body: JsonObject): ChatRequest {
  const members = new Members(body, '', 'request')
  const model = members.string('model')
  const system = decodeSystem(members)
  const turns = members.array('messages').map((value, index) => decodeMessage(value, `messages[${index}]`))
  const metadata = members.nested('metadata')
  const thinking = decodeThinking(members)
  const { format, effort } = decodeOutputConfig(members, thinking)
  const reasoning = given({ ...thinking, effort: thinking?.effort ?? effort })
  const stream = members.maybeBoolean('stream')
  if (stream === false) members.spell('stream', false)
  return {
    maker: NAME,
    model,
    stream: stream ?? false,
    messages: [...system, ...turns],
    ...given({
      plainSystem: system[0]?.plain,
      tools: members.maybeArray('tools')?.map((value, index) => decodeTool(value, `tools[${index}]`)),
      outputTokensMax: members.maybeNumber('max_tokens'),
      temperature: members.maybeNumber('temperature'),
      topP: members.maybeNumber('top_p'),
      topK: members.maybeNumber('top_k'),
      stop: members.maybeStrings('stop_sequences'),
      user: metadata?.maybeString('user_id'),
      serviceTier: members.maybeString('service_tier'),
      format,
      reasoning: Object.keys(reasoning).length > 0 ? reasoning : undefined
    }),
    ...decodeToolChoice(members),
    ...members.kept()
  }
}

/** The top-level `system` leads the messages, as one. */
function decodeSystem(members: Members): Message[] {
  const system = members.peek('system')
  if (system === undefined || system === null) return []
  members.take('system')
  if (typeof system === 'string') return [{ role: 'system', parts: [{ type: 'text', text: system }], plain: true }]
  if (!Array.isArray(system)) throw members.wrong('system', 'must be a string or an array of text blocks')
  return [{ role: 'system', parts: decodeParts(system, 'system', 'request') }]
}

const ROLES = ['user', 'assistant', 'system'] as const

function decodeMessage(value: Json, path: string): Message {
  const members = new Members(value, path, 'request')
  const said = members.string('role')
  const role = ROLES.find(known => known === said)
  if (role === undefined) throw members.wrong('role', 'must be `user`, `assistant` or `system`')
  // Read before the rest is gathered; a missing one is named by `array`.
  const content = members.take('content') ?? members.array('content')
  return { role, ...decodeContent(content, members, 'request'), ...members.kept() }
}

/**
 * Writes a body of `POST /v1/messages`. A request of this dialect comes out as it went in. One of another dialect is
 * fitted to what the provider and the named model take, and everything that is left out or changed is named.
 */
export function encodeRequest(request: ChatRequest, losses: Losses): JsonObject {
  return request.maker === NAME ? encodeOwn(request, losses) : encodeForeign(withFunctions(request, losses), losses)
}

function encodeOwn(request: ChatRequest, losses: Losses): JsonObject {
  const made: JsonObject = {
    model: request.model,
    ...encodeOwnTurns(request, losses),
    ...encodeOwnSettings(request),
    ...encodeCommon(request),
    ...given({
      temperature: request.temperature,
      top_p: request.topP,
      top_k: request.topK,
      service_tier: request.serviceTier,
      tools: request.tools && encodeTools(request.tools, true, losses),
      tool_choice: encodeToolChoice(request, { own: true, tools: true, forced: true }, losses)
    })
  }
  return restore(made, request, '', losses)
}

function encodeForeign(request: ChatRequest, losses: Losses): JsonObject {
  const model = modelOf(request.model)
  const { thinks, ...settings } = fitSettings(request, model, losses)
  const tools = encodeTools(request.tools ?? [], false, losses)
  const choice = { own: false, tools: tools.length > 0, forced: model.forcedTools && !thinks }
  nameStrangers(request, losses)
  const made: JsonObject = {
    model: request.model,
    ...fitTurns(request, { model, thinks }, losses),
    ...settings,
    ...encodeCommon({ ...request, ...fitStop(request.stop, losses) }),
    ...given({
      service_tier: fitTier(request.serviceTier, losses),
      tools: tools.length > 0 ? tools : undefined,
      tool_choice: encodeToolChoice(request, choice, losses)
    })
  }
  return restore(made, request, '', losses)
}

function encodeCommon(request: ChatRequest): JsonObject {
  return given({
    stop_sequences: request.stop,
    stream: request.stream ? true : undefined,
    metadata: request.user === undefined ? undefined : { user_id: request.user }
  }) as JsonObject
}

/** What no request of this dialect can say. Usage in a stream needs no asking here: it always comes. */
function nameStrangers(request: ChatRequest, losses: Losses): void {
  if (request.n !== undefined && request.n !== 1) lose(losses, 'n')
  if (request.seed !== undefined) lose(losses, 'seed')
  if (request.frequencyPenalty) lose(losses, 'frequency_penalty')
  if (request.presencePenalty) lose(losses, 'presence_penalty')
  if (request.logprobs) lose(losses, 'logprobs')
}

/** The provider refuses stop sequences that are blank. */
function fitStop(stop: string[] | undefined, losses: Losses): { stop?: string[] } {
  if (stop === undefined) return {}
  const kept = stop.filter((sequence, index) => {
    if (sequence.trim() === '') lose(losses, `stop[${index}]`)
    return sequence.trim() !== ''
  })
  // An empty list of ours replaces the request's own.
  return { stop: kept }
}

const TIERS: Record<string, string> = { auto: 'auto', default: 'standard_only', standard_only: 'standard_only' }

function fitTier(tier: string | undefined, losses: Losses): string | undefined {
  if (tier === undefined) return undefined
  const fitted = Object.hasOwn(TIERS, tier) ? TIERS[tier] : undefined
  if (fitted === undefined) lose(losses, 'service_tier')
  return fitted
}
