import { isObject, type JsonObject } from '../../json.ts'
import type { ChatResponse, Choice, Finish, Part } from '../canonical.ts'
import type { Losses, Outcome } from '../dialect.ts'
import { replyWithFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { decodeBlocks } from './decode-part.ts'
import { encodeParts, fitTo, type Spot } from './encode-part.ts'
import { given, lose, type Members, members, NAME, restore } from './members.ts'
import { decodeUsage, encodeUsage, metricsOf, UNSAID } from './usage.ts'

/**
 * Reads a whole reply, which says neither an id nor a model. Throws a Failure `provider_malformed` on a body that is
 * no reply of Converse.
 */
export function decodeResponse(native: JsonObject): ChatResponse {
  const body = members(native, '', 'reply')
  const message = messageIn(body)
  message.take('role')
  const parts = decodeBlocks(message.array('content'), message.at('content'), 'reply')
  const choice: Choice = { index: 0, parts, finish: decodeFinish(body) }
  const usage = decodeReport(body)
  const { spelling, rest } = body.kept()
  return {
    id: '',
    model: '',
    choices: [choice],
    ...given({ usage: usage && { inputTokens: 0, outputTokens: 0, ...usage } }),
    ...given({ rest, spelling })
  }
}

function messageIn(body: Members): Members {
  const message = body.nested('output')?.nested('message')
  if (message === undefined) throw body.wrong('output.message', 'must be an object')
  return message
}

/** Usage, and the tier that answered. How long it took is nobody's loss. */
function decodeReport(body: Members): ReturnType<typeof decodeUsage> | undefined {
  const metrics = body.take('metrics')
  if (metrics !== undefined) body.spell('metrics', metrics)
  const usage = body.maybeObject('usage')
  const tier = body.nested('serviceTier')?.maybeString('type')
  return usage && given({ ...decodeUsage(usage, 'usage'), tier })
}

/** See `Dialect.readOutcome`. */
export function readOutcome(native: JsonObject): Outcome {
  const body = members(native, '', 'reply')
  messageIn(body).array('content')
  return { finish: decodeFinish(body).unified, usage: decodeReport(body) }
}

const UNIFIED = new Map<string, Finish['unified']>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool-calls'],
  ['guardrail_intervened', 'content-filter'],
  ['content_filtered', 'content-filter'],
  ['refusal', 'refusal'],
  ['pause_turn', 'pause'],
  ['malformed_model_output', 'error'],
  ['malformed_tool_use', 'error'],
  ['model_context_window_exceeded', 'too-long']
])

/** `stopReason`, of a reply or of a `messageStop`. A word we do not know is `other`. */
export function decodeFinish(body: Members): Finish {
  const raw = body.maybeString('stopReason') ?? ''
  // Which sequence it was is told where the request asked for Claude's own member.
  const asked = body.peek('additionalModelResponseFields')
  const fields = isObject(asked) ? body.nested('additionalModelResponseFields') : undefined
  const said = fields?.peek('stop_sequence')
  const stopSequence = typeof said === 'string' ? said : undefined
  if (stopSequence !== undefined) fields!.spell('stop_sequence', fields!.take('stop_sequence')!)
  return { unified: UNIFIED.get(raw) ?? 'other', raw, maker: NAME, ...given({ stopSequence }) }
}

const NATIVE: Record<Exclude<Finish['unified'], 'error' | 'other'>, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'content_filtered',
  refusal: 'content_filtered',
  pause: 'pause_turn',
  'too-long': 'model_context_window_exceeded'
}

/** What the parts of a choice tell about its end, where the other dialect has no word for it. */
export interface Seen {
  refusal: boolean
  toolCall: boolean
}

/**
 * `stopReason`. A foreign failure keeps its own word, so that it is never taken for `end_turn`. Clients go on with
 * tools only at `tool_use`, which some makers call a natural end.
 */
export function encodeFinish(finish: Finish, seen: Seen, losses: Losses): JsonObject {
  if (finish.maker === NAME) return finish.raw === '' ? {} : { stopReason: finish.raw }
  if (finish.unified === 'error' || finish.unified === 'other') {
    lose(losses, 'stop_reason')
    return { stopReason: finish.raw === '' || UNIFIED.has(finish.raw) ? finish.unified : finish.raw }
  }
  const { stopSequence } = finish
  const named = stopSequence === undefined ? {} : { additionalModelResponseFields: { stop_sequence: stopSequence } }
  if (finish.unified === 'stop') {
    if (seen.refusal) return { stopReason: 'content_filtered' }
    if (seen.toolCall) return { stopReason: 'tool_use' }
    if (stopSequence !== undefined) return { stopReason: 'stop_sequence', ...named }
  }
  return { stopReason: NATIVE[finish.unified], ...named }
}

/** A reply is written by nobody's rules: only what no client could read is left out. */
export function replySpot(own: boolean, losses: Losses): Spot {
  const fit = own ? undefined : fitTo({ caches: 'everywhere' })
  return { path: 'choices[0]', losses, side: 'response', role: 'assistant', fit }
}

/** Writes a whole reply. The dialect has one choice; others are named as lost. */
export function encodeResponse(reply: ChatResponse, losses: Losses): JsonObject {
  const response = replyWithFunctions(reply)
  const [choice, ...others] = response.choices
  for (const other of others) lose(losses, `choices[${other.index}]`)
  if (choice?.logprobs !== undefined) lose(losses, 'choices[0].logprobs')
  loseUsage(response.usage, NAME, losses, UNSAID)
  const own = choice?.finish.maker === NAME
  const { usage } = response
  const made: JsonObject = {
    output: {
      message: { role: 'assistant', content: choice ? encodeParts(choice.parts, replySpot(own, losses)) : [] }
    },
    ...(choice ? encodeFinish(choice.finish, seenIn(choice.parts), losses) : {}),
    ...(usage || !own ? { usage: encodeUsage(usage ?? {}, own) } : {}),
    ...encodeTier(usage?.tier, own),
    ...metricsOf(usage)
  }
  return restore(restore(made, response, '', losses), choice ?? {}, 'choices[0]', losses)
}

/** Which tier answered, where it has a word here. */
export function encodeTier(tier: string | undefined, own: boolean): JsonObject {
  if (tier === undefined) return {}
  const known = own || TIERS.has(tier)
  return known ? { serviceTier: { type: own ? tier : TIERS.get(tier)! } } : {}
}

const TIERS = new Map([
  ['default', 'default'],
  ['standard', 'default'],
  ['flex', 'flex'],
  ['priority', 'priority']
])

function seenIn(parts: readonly Part[]): Seen {
  return {
    refusal: parts.some(part => part.type === 'refusal'),
    toolCall: parts.some(part => part.type === 'tool-call')
  }
}
