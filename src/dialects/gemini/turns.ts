import type { JsonObject } from '../../json.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { encodeParts, signCalls } from './encode-part.ts'
import { lose, restore } from './members.ts'
import { type Model, modelOf } from './models.ts'
import type { Spot } from './spot.ts'

/** Stands where the provider requires a user turn and the conversation has none. */
const FILLER = 'Continue.'

type Common = Pick<Spot, 'losses' | 'own' | 'side' | 'names' | 'model'>

/** Names of functions by the ids of their calls, for results, which must name theirs. */
function namesOf(messages: readonly Message[]): Map<string, string> {
  const calls = messages.flatMap(({ parts }) => parts.filter(part => part.type === 'tool-call'))
  return new Map(calls.map(({ id, name }) => [id, name]))
}

function commonOf(request: ChatRequest, own: boolean, losses: Losses): Common {
  return { losses, own, side: 'request', names: namesOf(request.messages), model: modelOf(request.model) }
}

/** `systemInstruction` and `contents` as they were said. */
export function encodeOwnTurns(request: ChatRequest, losses: Losses): JsonObject {
  const common = commonOf(request, true, losses)
  const [first, ...others] = request.messages
  const system = first?.role === 'system' ? first : undefined
  const contents = (system ? others : request.messages).map((message, index) => {
    const path = `contents[${index}]`
    const role = message.role === 'assistant' ? 'model' : 'user'
    return restore({ role, parts: encodeParts(message.parts, { ...common, path, role }) }, message, path, losses)
  })
  return { ...(system ? { systemInstruction: encodeOwnSystem(system, common) } : {}), contents }
}

function encodeOwnSystem(system: Message, common: Common): JsonObject {
  const path = 'systemInstruction'
  const parts = encodeParts(system.parts, { ...common, path, role: 'system' })
  return restore({ parts }, system, path, common.losses)
}

interface Turn {
  role: 'user' | 'model'
  parts: JsonObject[]
  /** The message whose place this turn has. */
  index: number
}

/**
 * `systemInstruction` and `contents` of another dialect's conversation: system and developer messages go to the
 * former, the place of later ones lost; neighbours of one role become one turn, so that all results of parallel calls
 * stand in one; results come first in theirs; the first turn is the user's.
 */
export function fitTurns(request: ChatRequest, losses: Losses): JsonObject {
  const common = commonOf(request, false, losses)
  const system: JsonObject[] = []
  const turns: Turn[] = []
  request.messages.forEach((message, index) => {
    const role = message.role === 'assistant' ? 'model' : message.role === 'user' ? 'user' : 'system'
    const parts = encodeMessage(message, { ...common, path: `messages[${index}]`, role })
    if (parts.length === 0) return
    if (role === 'system') {
      if (turns.length > 0) lose(losses, `messages[${index}].place`)
      system.push(...parts)
    } else if (turns.at(-1)?.role === role) turns.at(-1)!.parts.push(...parts)
    else turns.push({ role, parts, index })
  })
  if (turns[0]?.role !== 'user') {
    lose(losses, turns[0] ? `messages[${turns[0].index}].place` : 'messages')
    turns.unshift({ role: 'user', parts: [{ text: FILLER }], index: -1 })
  }
  const contents = turns.map(({ role, parts }) => ({ role, parts: fitted(role, parts, common.model!) }))
  return { ...(system.length > 0 ? { systemInstruction: { parts: system } } : {}), contents }
}

function encodeMessage(message: Message, spot: Spot): JsonObject[] {
  // Who speaks has no place here; which function answered is said by the call.
  const isNamed = message.name !== undefined && message.parts.some(part => part.type !== 'tool-result')
  if (isNamed) lose(spot.losses, `${spot.path}.name`)
  if (message.cache) lose(spot.losses, `${spot.path}.cache_control`)
  restore({}, message, spot.path, spot.losses)
  return encodeParts(message.parts, spot)
}

function fitted(role: Turn['role'], parts: JsonObject[], model: Model): JsonObject[] {
  if (role === 'model') return model.signedCalls ? signCalls(parts) : parts
  const isResult = (part: JsonObject) => part.functionResponse !== undefined
  return [...parts.filter(isResult), ...parts.filter(part => !isResult(part))]
}
