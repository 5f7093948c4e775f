import type { JsonObject } from '../../json.ts'
import type { ChatRequest, Message } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { encodeParts, type Fit, fitTo, type Spot } from './encode-part.ts'
import { lose, ours, restore } from './members.ts'
import type { Family } from './models.ts'

/** Stands where Bedrock requires a user turn and the conversation has none. */
const FILLER = 'Continue.'
/** Bedrock takes a document only beside words. */
const BESIDE_DOCUMENT = 'See the document.'

/** `system` and `messages` as they were said. */
export function encodeOwnTurns(request: ChatRequest, losses: Losses): JsonObject {
  const [first, ...others] = request.messages
  // A system message between the turns has its role spelt.
  const system = first?.role === 'system' && ours(first.spelling).role === undefined ? first : undefined
  const messages = (system ? others : request.messages).map((message, index) => {
    const path = `messages[${index}]`
    return restore({ role: message.role, content: encodeOwn(message, path, losses) }, message, path, losses)
  })
  return {
    ...(system ? { system: encodeOwn(system, 'system', losses) } : {}),
    ...(messages.length > 0 ? { messages } : {})
  }
}

function encodeOwn(message: Message, path: string, losses: Losses): JsonObject[] {
  return encodeParts(message.parts, { path, losses, side: 'request', role: roleOf(message) })
}

function roleOf({ role }: Message): 'system' | 'user' | 'assistant' {
  return role === 'developer' ? 'system' : role
}

interface Turn {
  role: 'user' | 'assistant'
  blocks: JsonObject[]
  /** The message whose place this turn has. */
  index: number
}

/**
 * `system` and `messages` of another dialect's conversation. Turns must alternate and begin with the user's: system
 * and developer messages go to `system`, their place lost where they stood between turns; neighbours of one role become
 * one turn; tool results come first in theirs.
 */
export function fitTurns(request: ChatRequest, family: Family, thinks: boolean, losses: Losses): JsonObject {
  const fit = fitTo(family)
  const system: JsonObject[] = []
  const turns: Turn[] = []
  request.messages.forEach((message, index) => {
    const role = roleOf(message)
    const blocks = encodeMessage(message, { path: `messages[${index}]`, losses, fit, side: 'request', role })
    if (blocks.length === 0) return
    if (role === 'system') {
      if (turns.length > 0) lose(losses, `messages[${index}].place`)
      system.push(...blocks)
    } else if (turns.at(-1)?.role === role) turns.at(-1)!.blocks.push(...blocks)
    else turns.push({ role, blocks, index })
  })
  fitEnds(turns, family.prefill && !thinks, losses)
  return {
    ...(system.length > 0 ? { system } : {}),
    messages: turns.map(({ role, blocks }) => ({ role, content: arranged(blocks) }))
  }
}

function encodeMessage(message: Message, spot: Spot & { fit: Fit }): JsonObject[] {
  const { parts, cache } = message
  const { path, losses } = spot
  // Who speaks has no place here; which tool answered is said by the call.
  const onlyResults = parts.length > 0 && parts.every(part => part.type === 'tool-result')
  if (message.name !== undefined && !onlyResults) lose(losses, `${path}.name`)
  restore({}, message, path, losses)
  // A mark on the whole message is one on its last part.
  const last = parts.at(-1)
  const marked = cache && last ? [...parts.slice(0, -1), { ...last, cache: last.cache ?? cache }] : parts
  return encodeParts(marked, spot)
}

function fitEnds(turns: Turn[], prefill: boolean, losses: Losses): void {
  const filler = (): Turn => ({ role: 'user', blocks: [{ text: FILLER }], index: -1 })
  const first = turns[0]
  if (first?.role !== 'user') {
    lose(losses, first ? `messages[${first.index}].place` : 'messages')
    turns.unshift(filler())
  }
  const last = turns.at(-1)!
  if (last.role !== 'assistant') return
  if (!prefill) {
    lose(losses, `messages[${last.index}].place`)
    turns.push(filler())
    return
  }
  // A last assistant turn that ends in white space is refused.
  const block = last.blocks.at(-1)!
  const text = typeof block.text === 'string' ? block.text : ''
  if (text.trimEnd() === text) return
  lose(losses, `messages[${last.index}].trailing_space`)
  block.text = text.trimEnd()
}

/** Tool results first, with the cache points behind them; words beside a document. */
function arranged(blocks: JsonObject[]): JsonObject[] {
  const results: JsonObject[] = []
  const others: JsonObject[] = []
  let before = others
  for (const block of blocks) {
    if (block.cachePoint === undefined) before = block.toolResult === undefined ? others : results
    before.push(block)
  }
  const wordless = others.some(block => block.document) && !others.some(block => block.text !== undefined)
  return [...results, ...(wordless ? [{ text: BESIDE_DOCUMENT }] : []), ...others]
}
