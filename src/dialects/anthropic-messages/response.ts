import type { JsonObject } from '../../json.ts'
import type { ChatResponse, Choice, Finish, Part } from '../canonical.ts'
import type { Losses, Outcome } from '../dialect.ts'
import { replyWithFunctions } from '../freeform.ts'
import { loseUsage } from '../members.ts'
import { decodeParts } from './decode-part.ts'
import { encodeParts } from './encode-part.ts'
import { given, lose, Members, NAME, restore } from './members.ts'
import { decodeUsage, encodeUsage, NO_USAGE } from './usage.ts'

/** Members of a reply that a stream says with its end; they belong to the choice, so that both ways fold alike. */
export const WITH_FINISH = ['stop_details', 'container', 'context_management'] as const

/** Reads a whole reply. Throws a Failure `provider_malformed` on a body that is no message. */
export function decodeResponse(body: JsonObject): ChatResponse {
  const members = new Members(body, '', 'reply')
  if (members.take('type') !== 'message') throw members.wrong('type', 'must be `message`')
  members.take('role')
  const id = members.string('id')
  const model = members.string('model')
  const parts = decodeParts(members.array('content'), 'content', 'reply')
  const choice: Choice = { index: 0, parts, finish: decodeFinish(members), ...members.kept(WITH_FINISH) }
  const usage = members.maybeObject('usage')
  return {
    id,
    model,
    choices: [choice],
    ...(usage ? { usage: { inputTokens: 0, outputTokens: 0, ...decodeUsage(usage, 'usage') } } : {}),
    ...members.kept()
  }
}

/** See `Dialect.readOutcome`. */
export function readOutcome(body: JsonObject): Outcome {
  const members = new Members(body, '', 'reply')
  if (members.take('type') !== 'message') throw members.wrong('type', 'must be `message`')
  members.array('content')
  const usage = members.maybeObject('usage')
  return { finish: decodeFinish(members).unified, usage: usage && decodeUsage(usage, 'usage') }
}

const UNIFIED = new Map<string, Finish['unified']>([
  ['end_turn', 'stop'],
  ['stop_sequence', 'stop'],
  ['max_tokens', 'length'],
  ['tool_use', 'tool-calls'],
  ['pause_turn', 'pause'],
  ['compaction', 'pause'],
  ['refusal', 'refusal'],
  ['model_context_window_exceeded', 'too-long']
])

/** `stop_reason` and `stop_sequence`, of a reply or of a `message_delta`. A word we do not know is `other`. */
export function decodeFinish(members: Members): Finish {
  const raw = members.maybeString('stop_reason') ?? ''
  if (raw === '') members.take('stop_reason')
  const stopSequence = members.maybeString('stop_sequence')
  if (stopSequence === undefined) members.take('stop_sequence')
  return { unified: UNIFIED.get(raw) ?? 'other', raw, maker: NAME, ...given({ stopSequence }) }
}

const NATIVE: Record<Exclude<Finish['unified'], 'error' | 'other'>, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  'content-filter': 'refusal',
  refusal: 'refusal',
  pause: 'pause_turn',
  'too-long': 'model_context_window_exceeded'
}

/** What the parts of a choice tell about its end, where the other dialect has no word for it. */
export interface Seen {
  refusal: boolean
  toolCall: boolean
}

export function seenIn(parts: readonly Part[]): Seen {
  return {
    refusal: parts.some(part => part.type === 'refusal'),
    toolCall: parts.some(part => part.type === 'tool-call')
  }
}

/**
 * `stop_reason` and `stop_sequence`. A foreign failure keeps its own word, so that it is never taken for `end_turn`.
 * Clients go on with tools only at `tool_use`, which some makers call a natural end.
 */
export function encodeFinish(finish: Finish, seen: Seen, losses: Losses): JsonObject {
  const stop_sequence = finish.stopSequence ?? null
  if (finish.maker === NAME) return { stop_reason: finish.raw === '' ? null : finish.raw, stop_sequence }
  if (finish.unified === 'error' || finish.unified === 'other') {
    lose(losses, 'stop_reason')
    const word = finish.raw === '' || UNIFIED.has(finish.raw) ? finish.unified : finish.raw
    return { stop_reason: word, stop_sequence }
  }
  if (finish.unified === 'stop') {
    if (seen.refusal) return { stop_reason: 'refusal', stop_sequence }
    if (seen.toolCall) return { stop_reason: 'tool_use', stop_sequence }
    if (finish.stopSequence !== undefined) return { stop_reason: 'stop_sequence', stop_sequence }
  }
  return { stop_reason: NATIVE[finish.unified], stop_sequence }
}

/** Writes a whole reply. The dialect has one choice; others are named as lost. */
export function encodeResponse(reply: ChatResponse, losses: Losses): JsonObject {
  const response = replyWithFunctions(reply)
  const [choice, ...others] = response.choices
  for (const other of others) lose(losses, `choices[${other.index}]`)
  const own = choice?.finish.maker === NAME
  const spot = { path: 'choices[0]', losses, own, side: 'response', role: 'assistant' } as const
  if (choice?.logprobs !== undefined) lose(losses, 'choices[0].logprobs')
  loseUsage(response.usage, NAME, losses)
  const made: JsonObject = {
    id: response.id,
    type: 'message',
    role: 'assistant',
    model: response.model,
    content: choice ? encodeParts(choice.parts, spot) : [],
    ...(choice
      ? encodeFinish(choice.finish, seenIn(choice.parts), losses)
      : { stop_reason: null, stop_sequence: null }),
    ...(response.usage || !own ? { usage: { ...(own ? {} : NO_USAGE), ...encodeUsage(response.usage ?? {}) } } : {})
  }
  return restore(restore(made, response, '', losses), choice ?? {}, 'choices[0]', losses)
}
