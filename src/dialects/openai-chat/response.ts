import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import { CallIds } from '../call-ids.ts'
import type { ChatRequest, ChatResponse, Choice, Part, Seal } from '../canonical.ts'
import type { Losses, Outcome } from '../dialect.ts'
import { replyWithFreeform } from '../freeform.ts'
import { failureInBody } from '../openai-failure.ts'
import { encodeCalls } from './calls.ts'
import { decodeCitations, encodeCitations } from './citations.ts'
import { belongsInContent, encodeContent, type Indexed } from './content.ts'
import { decodeFinish, encodeFinish } from './finish.ts'
import { compact, isForeign, type Kept, lose, loseForeign, Members, ours, restore, sealed } from './members.ts'
import { decodeTurn, encodeRefusal } from './messages.ts'
import { encodeThinkingForClient } from './thinking.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

const OBJECT = 'chat.completion'

/**
 * A whole reply of OpenAI or its kin. Lenient: an odd member stays in the rest. Throws Failure `provider_malformed` on
 * a body without choices, and the provider's own failure where a 200 says `error`.
 */
export function decodeResponse(body: JsonObject): ChatResponse {
  const members = new Members(body, '', { lenient: true })
  const list = members.array('choices')
  if (!list) {
    if (body.error !== undefined && body.error !== null) throw failureInBody(body)
    throw new Failure('provider_malformed', 'The provider answered without choices.')
  }
  const object = members.take('object')
  if (object !== OBJECT) members.verbatim('object', object ?? null)
  const id = members.string('id') ?? ''
  const choices = list.map((choice, index) => decodeChoice(choice, index, id))
  const usage = decodeReplyUsage(members)
  return compact<ChatResponse>({
    id,
    model: members.string('model') ?? '',
    created: members.number('created'),
    choices,
    usage,
    ...members.kept()
  })
}

/** See `Dialect.readOutcome`. */
export function readOutcome(body: JsonObject): Outcome {
  if (!Array.isArray(body.choices)) {
    if (body.error !== undefined && body.error !== null) throw failureInBody(body)
    throw new Failure('provider_malformed', 'The provider answered without choices.')
  }
  const [choice] = body.choices
  if (choice !== undefined && !(isObject(choice) && isObject(choice.message))) throw malformed('choices[0].message')
  const message = choice?.message as JsonObject | undefined
  const raw = choice?.finish_reason
  const finish = decodeFinish(typeof raw === 'string' ? raw : undefined, {
    hasCalls: Array.isArray(message?.tool_calls) && message.tool_calls.length > 0,
    hasRefusal: typeof message?.refusal === 'string'
  })
  const usage = isObject(body.usage) ? decodeUsage(body.usage) : undefined
  const tier = typeof body.service_tier === 'string' ? { tier: body.service_tier } : {}
  return { finish: choice && finish.unified, usage: usage && { ...tier, ...usage } }
}

/** Usage, with the tier that answered; the tier alone (without usage) is spelling. */
function decodeReplyUsage(members: Members): ChatResponse['usage'] {
  const usage = members.object('usage')
  const tier = members.string('service_tier')
  if (tier !== undefined) members.verbatim('service_tier', tier)
  if (!usage) return undefined
  const decoded = decodeUsage(usage)
  return { inputTokens: 0, outputTokens: 0, ...(tier && { tier }), ...decoded }
}

function decodeChoice(value: Json, position: number, responseId: string): Choice {
  const path = `choices[${position}]`
  if (!isObject(value)) throw malformed(path)
  const members = new Members(value, path, { lenient: true })
  const message = members.object('message')
  if (!message) throw malformed(`${path}.message`)
  const nested = new Members(message, members.at('message'), { lenient: true })
  nested.take('role')
  const turn = decodeTurn(nested, new CallIds(`${responseId}${position || ''}`))
  const parts = decodeCitations(nested, turn.parts)
  const stopReason = members.peek('stop_reason')
  const finish = decodeFinish(members.string('finish_reason'), {
    hasCalls: parts.some(part => part.type === 'tool-call'),
    hasRefusal: parts.some(part => part.type === 'refusal'),
    // vLLM says there which sequence stopped it.
    ...(typeof stopReason === 'string' && { stopSequence: stopReason })
  })
  if (typeof stopReason === 'string') members.verbatim('stop_reason', members.take('stop_reason')!)
  const index = members.number('index') ?? position
  const logprobs = members.object('logprobs')
  const flags = ours(nested.kept().spelling) ?? {}
  for (const [flag, kept] of Object.entries(flags)) if (flag !== 'members') members.spell(flag, kept!)
  members.nest('message', nested)
  return compact<Choice>({ index, parts, finish, logprobs, ...members.kept() })
}

function malformed(path: string): Failure {
  return new Failure('provider_malformed', `The provider's answer has no object at ${path}.`)
}

/** A whole reply for an OpenAI client, whoever made it. What cannot be said is named below `choices[0].message`. */
export function encodeResponse(reply: ChatResponse, losses: Losses, request: Partial<ChatRequest> = {}): JsonObject {
  const response = replyWithFreeform(reply, request.tools)
  const choices = response.choices.map((choice, index) => encodeChoice(choice, `choices[${index}]`, losses))
  const { usage } = response
  loseForeign(usage?.rest as Seal | undefined, 'usage', losses)
  const native = compact<JsonObject>({
    id: response.id,
    object: OBJECT,
    // A member of the type; clients take seconds since 1970, and 0 says that nobody told us.
    created: response.created ?? 0,
    model: response.model,
    choices,
    usage: usage && encodeUsage(usage),
    // Mistral says the tier inside its usage.
    service_tier:
      ours(usage?.spelling as Seal | undefined)?.service_tier === undefined ? encodeTier(usage?.tier) : undefined
  })
  const members = ours(response.spelling)?.members
  if (isObject(members) && members.object !== undefined) native.object = members.object
  return restore(native, response, '', losses)
}

/** Anthropic's `standard` is OpenAI's `default`. */
export function encodeTier(tier: string | undefined): string | undefined {
  return tier === 'standard' ? 'default' : tier
}

function encodeChoice(choice: Choice, path: string, losses: Losses): JsonObject {
  const native: JsonObject = {
    index: choice.index,
    message: encodeReply(choice, `${path}.message`, losses),
    logprobs: choice.logprobs ?? null,
    finish_reason: encodeFinish(choice.finish)
  }
  if (choice.finish.stopSequence !== undefined && isForeignFinish(choice)) lose(losses, `${path}.stop_sequence`)
  const members = ours(choice.spelling)?.members
  if (isObject(members) && 'finish_reason' in members) native.finish_reason = members.finish_reason ?? null
  restore(native, choice, path, losses)
  if (isObject(native.message) && native.message.refusal === undefined) native.message.refusal = null
  return native
}

function isForeignFinish({ finish }: Choice): boolean {
  return isForeign({ maker: finish.maker, value: null })
}

function encodeReply(choice: Choice, path: string, losses: Losses): JsonObject {
  const { parts } = choice
  const indexed = parts.map((part, index): Indexed => [part, index])
  for (const [part, index] of indexed) {
    if (isHidden(part)) lose(losses, `${path}.content[${index}]`)
    if (part.type === 'thinking') loseForeign(part.rest, `${path}.content[${index}]`, losses)
  }
  const content = indexed.filter(([part]) => belongsInContent(part) && !isHidden(part)).map(withoutCitations)
  const calls = parts.filter(part => part.type === 'tool-call')
  const native: JsonObject = {
    role: 'assistant',
    content: encodeContent(content, { kept: keptOfMessage(choice), path, losses, join: true, empty: null }) ?? null,
    ...encodeRefusal(parts),
    ...encodeThinkingForClient(parts),
    ...encodeCalls(calls, path, { losses, side: 'client' })
  }
  const annotations = encodeCitations(parts, path, losses)
  if (annotations.length > 0) native.annotations = annotations
  return native
}

/** The choice's spelling as its message sees it. */
function keptOfMessage(choice: Choice): Kept {
  const spelling = ours(choice.spelling)
  if (!spelling) return {}
  const members = isObject(spelling.members) ? spelling.members.message : undefined
  return { spelling: sealed({ ...spelling, members }) }
}

/** Carried for its maker in `reasoning_details`, but nothing that an OpenAI client could show. */
function isHidden(part: Part): boolean {
  return part.type === 'native' && isForeign(part.seal)
}

/** Citations are annotations of the message, not of the part. */
function withoutCitations([part, index]: Indexed): Indexed {
  if (part.type !== 'text' || part.citations === undefined) return [part, index]
  const { citations: _, ...bare } = part
  return [bare, index]
}
