import type { Json, JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import type { Address, Losses } from '../dialect.ts'
import { withFunctions } from '../freeform.ts'
import { decodeParts } from './decode-part.ts'
import { given, type Kept, lose, Members, NAME, ours, respell, restore, sealed } from './members.ts'
import { modelOf } from './models.ts'
import { decodeSettings, dotted, encodeOwnSettings, fitSettings, undotted } from './settings.ts'
import { decodeToolChoice, decodeTools, encodeOwnTools, encodeToolChoice, fitTooling } from './tools.ts'
import { encodeOwnTurns, fitTurns } from './turns.ts'

/** Objects whose unmodelled members are named one by one. */
const GROUPS = ['generationConfig', 'toolConfig']

/**
 * Reads a body of `models/{model}:generateContent` (ai.google.dev/api/generate-content), Google AI Studio's and Vertex
 * AI's. Throws a Failure `wrong_type` or `missing_field` with the `param` path.
 */
export function decodeRequest(body: JsonObject, address?: Address): ChatRequest {
  const members = new Members(body, '', 'request')
  const ids = new CallIds('')
  const named = members.maybeString('model')
  if (named !== undefined) members.spell('model', named)
  const system = decodeSystem(members, ids)
  const contents = members.list('contents').map((each, index) => decodeContent(each, `contents[${index}]`, ids))
  const settings = decodeSettings(members)
  const tools = decodeTools(members)
  const toolChoice = decodeToolChoice(members)
  const tier = members.maybeString('serviceTier')
  if (tier !== undefined) members.spell('serviceTier', tier)
  const cached = members.peek('cachedContent')
  const kept = members.kept()
  return {
    maker: NAME,
    model: address?.model ?? named?.replace(/^models\//, '') ?? '',
    stream: address?.stream ?? false,
    messages: [...system, ...contents],
    ...settings,
    ...given({ tools, toolChoice, serviceTier: tier && (TIERS[tier] ?? tier) }),
    // The greater part of the prompt is at the provider.
    ...(typeof cached === 'string' ? { bound: ['cachedContent'] } : {}),
    ...kept,
    ...given({ rest: kept.rest && sealed(dotted(kept.rest.value, GROUPS)) })
  }
}

/** Google's words and those that others use for the same. */
const TIERS: Readonly<Record<string, string>> = { standard: 'default', default: 'standard', standard_only: 'standard' }

/** `systemInstruction` leads the messages. */
function decodeSystem(body: Members, ids: CallIds): Message[] {
  const value = body.maybeObject('systemInstruction')
  if (value === undefined) return []
  const members = new Members(value, 'systemInstruction', 'request')
  const role = members.take('role')
  if (role !== undefined) members.spell('role', role)
  return [{ role: 'system', parts: decodePartsOf(members, ids), ...members.kept() }]
}

const ROLES: Readonly<Record<string, Message['role']>> = { user: 'user', model: 'assistant', function: 'user' }

function decodeContent(value: Json, path: string, ids: CallIds): Message {
  const members = new Members(value, path, 'request')
  const said = members.maybeString('role')
  const role = said === undefined || said === '' ? 'user' : ROLES[said]
  if (role === undefined) throw members.wrong('role', 'must be `user`, `model` or `function`')
  if (said === undefined) members.omit('role')
  else members.spell('role', said)
  return { role, parts: decodePartsOf(members, ids), ...members.kept() }
}

function decodePartsOf(members: Members, ids: CallIds): Message['parts'] {
  const parts = members.maybeList('parts')
  if (parts === undefined) members.omit('parts')
  return decodeParts(parts ?? [], members.at('parts'), { fault: 'request', ids })
}

/**
 * Writes a body of `generateContent`; model and stream stand in the address. A request of this dialect comes out as it
 * went in. One of another dialect is fitted to what the named model takes, and what is left out or changed is named.
 */
export function encodeRequest(request: ChatRequest, losses: Losses): JsonObject {
  return request.maker === NAME ? encodeOwn(request, losses) : encodeForeign(withFunctions(request, losses), losses)
}

function encodeOwn(request: ChatRequest, losses: Losses): JsonObject {
  const { tools, toolChoice } = request
  const made: JsonObject = {
    ...encodeOwnTurns(request, losses),
    ...(tools && { tools: encodeOwnTools(tools, losses) }),
    ...encodeToolChoice(toolChoice),
    ...encodeOwnSettings(request)
  }
  const kept: Kept = given({
    rest: request.rest && sealed(undotted(ours(request.rest), GROUPS)),
    spelling: request.spelling
  })
  return respell(restore(made, kept, '', losses))
}

function encodeForeign(request: ChatRequest, losses: Losses): JsonObject {
  const model = modelOf(request.model)
  const made: JsonObject = {
    ...fitTurns(request, losses),
    ...fitTooling(request, losses),
    ...fitSettings(request, model, losses),
    ...fitTier(request.serviceTier, losses)
  }
  if (request.user !== undefined) lose(losses, 'user')
  return restore(made, request, '', losses)
}

function fitTier(tier: string | undefined, losses: Losses): JsonObject {
  if (tier === undefined || tier === 'auto') return {}
  const fitted = TIERS[tier] ?? tier
  if (['standard', 'flex', 'priority'].includes(fitted)) return { serviceTier: fitted }
  lose(losses, 'service_tier')
  return {}
}
