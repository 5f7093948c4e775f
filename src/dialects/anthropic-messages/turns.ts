import type { Json, JsonObject } from '../../json.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import type { Model } from '../claude.ts'
import type { Losses } from '../dialect.ts'
import { encodePart, encodeParts, type Spot } from './encode-part.ts'
import { lose, restore } from './members.ts'

/** Stands where the provider requires a user turn and the conversation has none. */
const FILLER = 'Continue.'

/** `system` and `messages` as they were said. */
export function encodeOwnTurns(request: ChatRequest, losses: Losses): JsonObject {
  const [first, ...others] = request.messages
  const system = first?.role === 'system' ? first : undefined
  const messages = (system ? others : request.messages).map((message, index) => {
    const path = `messages[${index}]`
    return restore({ role: message.role, content: encodeOwnContent(message, path, losses) }, message, path, losses)
  })
  return { ...(system ? { system: encodeOwnContent(system, 'system', losses) } : {}), messages }
}

function encodeOwnContent(message: Message, path: string, losses: Losses): Json {
  const role = message.role === 'developer' ? 'system' : message.role
  const spot: Spot = { path, losses, own: true, side: 'request', role }
  const blocks = encodeParts(message.parts, spot)
  const [block] = blocks
  return message.plain && blocks.length === 1 && block?.type === 'text' ? block.text! : blocks
}

interface Turn {
  role: 'system' | 'user' | 'assistant'
  blocks: JsonObject[]
  /** The message whose place this turn has. */
  index: number
}

interface Fit {
  model: Model
  thinks: boolean
}

/**
 * `system` and `messages` of another dialect's conversation: leading system and developer messages go to `system`,
 * later ones stay where the model takes them there and else go to `system` too, their place lost; neighbours of one
 * role become one turn; tool results come first in theirs; the first turn is the user's, and the last one where the
 * model cannot go on with an assistant's.
 */
export function fitTurns(request: ChatRequest, fit: Fit, losses: Losses): JsonObject {
  const system: JsonObject[] = []
  const turns: Turn[] = []
  request.messages.forEach((message, index) => {
    const blocks = encodeMessage(message, `messages[${index}]`, losses)
    if (blocks.length === 0) return
    const role = message.role === 'developer' ? 'system' : message.role
    if (role === 'system' && !(fit.model.systemInside && mayStand(turns, request.messages, index))) {
      if (turns.length > 0) lose(losses, `messages[${index}].place`)
      system.push(...blocks)
    } else if (turns.at(-1)?.role === role) {
      turns.at(-1)!.blocks.push(...blocks)
    } else {
      turns.push({ role, blocks, index })
    }
  })
  fitEnds(turns, fit, losses)
  const messages = turns.map(turn => ({ role: turn.role, content: contentOf(resultsFirst(turn.blocks)) }))
  return { ...(system.length > 0 ? { system: contentOf(system) } : {}), messages }
}

function encodeMessage(message: Message, path: string, losses: Losses): JsonObject[] {
  const role = message.role === 'developer' ? 'system' : message.role
  const spot: Spot = { path, losses, own: false, side: 'request', role }
  // Who speaks has no place here; which tool answered is said by the call.
  if (message.name !== undefined && !onlyResults(message)) lose(losses, `${path}.name`)
  restore({}, message, path, losses)
  if (!message.cache || message.parts.length === 0) return encodeParts(message.parts, spot)
  // A mark on the whole message is one on its last block.
  const before = encodeParts(message.parts.slice(0, -1), spot)
  const last = message.parts.at(-1)!
  const place = `${path}.content[${message.parts.length - 1}]`
  const marked = encodePart({ ...last, cache: last.cache ?? message.cache }, { ...spot, path: place })
  return marked ? [...before, marked] : before
}

/** The provider's rule: a system message follows a user turn and precedes an assistant's or ends the conversation. */
function mayStand(turns: Turn[], messages: readonly Message[], index: number): boolean {
  const before = turns.at(-1)?.role
  const after = messages.slice(index + 1).find(message => message.role !== 'system' && message.role !== 'developer')
  return (before === 'user' || before === 'system') && (after === undefined || after.role === 'assistant')
}

function fitEnds(turns: Turn[], fit: Fit, losses: Losses): void {
  const filler = (index: number): Turn => ({ role: 'user', blocks: [{ type: 'text', text: FILLER }], index })
  const first = turns[0]
  if (first?.role !== 'user') {
    lose(losses, first ? `messages[${first.index}].place` : 'messages')
    turns.unshift(filler(-1))
  }
  const last = turns.at(-1)!
  if (last.role !== 'assistant') return
  if (!fit.model.prefill || fit.thinks) {
    lose(losses, `messages[${last.index}].place`)
    turns.push(filler(-1))
    return
  }
  // The provider refuses a last assistant turn that ends in white space.
  const block = last.blocks.at(-1)!
  if (block.type !== 'text' || String(block.text).trimEnd() === block.text) return
  lose(losses, `messages[${last.index}].trailing_space`)
  block.text = String(block.text).trimEnd()
}

function onlyResults(message: Message): boolean {
  return message.parts.length > 0 && message.parts.every(part => part.type === 'tool-result')
}

function resultsFirst(blocks: JsonObject[]): JsonObject[] {
  const isResult = (block: JsonObject) => block.type === 'tool_result'
  return [...blocks.filter(isResult), ...blocks.filter(block => !isResult(block))]
}

/** One unmarked text is said as a bare string. */
function contentOf(blocks: JsonObject[]): string | JsonObject[] {
  const [block] = blocks
  const bare = blocks.length === 1 && block?.type === 'text' && Object.keys(block).length === 2
  return bare ? (block.text as string) : blocks
}
