import { invalid } from './errors.ts'
import type { ContentBlock, Message } from './schema.ts'

/** A run of messages of one role, which the provider reads as one turn. `at` is the last message's index. */
interface Turn {
  role: string
  at: number
  blocks: { block: ContentBlock; path: string }[]
}

/** Roles, and the pairing of tool uses with their results. */
export function checkTurns(messages: Message[]): void {
  messages.forEach(({ role }, index) => {
    if (role === 'system') {
      throw invalid(
        'messages: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an ' +
          'input message role.'
      )
    }
    if (role !== 'user' && role !== 'assistant') {
      throw invalid(`messages.${index}.role: Input should be 'user' or 'assistant'`)
    }
  })
  if (messages[0]?.role !== 'user') throw invalid('messages: first message must use the "user" role')
  const turns = turnsOf(messages)
  const used = new Set<string>()
  turns.forEach((turn, index) => {
    checkRoles(turn)
    if (turn.role === 'user') checkResults(turn, turns[index - 1])
    else checkUses(turn, turns[index + 1], used)
  })
}

function turnsOf(messages: Message[]): Turn[] {
  const turns: Turn[] = []
  messages.forEach(({ role, content }, at) => {
    let turn = turns.at(-1)
    if (turn?.role !== role) {
      turn = { role, at, blocks: [] }
      turns.push(turn)
    }
    turn.at = at
    if (typeof content === 'string') {
      turn.blocks.push({ block: { type: 'text', text: content }, path: `messages.${at}.content` })
      return
    }
    const path = `messages.${at}.content`
    turn.blocks.push(...content.map((block, index) => ({ block, path: `${path}.${index}` })))
  })
  return turns
}

const USER_ONLY = new Set(['image', 'document', 'search_result', 'tool_result', 'container_upload'])
const ASSISTANT_ONLY = new Set(['tool_use', 'thinking', 'redacted_thinking', 'server_tool_use', 'mcp_tool_use'])

function checkRoles(turn: Turn): void {
  const [foreign, owner] = turn.role === 'user' ? [ASSISTANT_ONLY, 'assistant'] : [USER_ONLY, 'user']
  const stray = turn.blocks.find(({ block }) => foreign.has(block.type))
  if (stray) throw invalid(`${stray.path}: \`${stray.block.type}\` blocks can only be in \`${owner}\` messages`)
}

function usesOf(turn: Turn | undefined): string[] {
  return (turn?.blocks ?? []).flatMap(({ block }) => (block.type === 'tool_use' ? [block.id] : []))
}

function checkUses(turn: Turn, next: Turn | undefined, used: Set<string>): void {
  for (const { block, path } of turn.blocks) {
    if (block.type !== 'tool_use') continue
    if (used.has(block.id)) throw invalid(`${path}: \`tool_use\` ids must be unique`)
    used.add(block.id)
  }
  // results count only at the head of the next turn: text before one hides it, as at the real provider
  const firstOther = next?.blocks.findIndex(({ block }) => block.type !== 'tool_result') ?? 0
  const head = next?.blocks.slice(0, firstOther < 0 ? undefined : firstOther) ?? []
  const answered = new Set(head.map(({ block }) => (block.type === 'tool_result' ? block.tool_use_id : '')))
  const open = usesOf(turn).filter(id => !answered.has(id))
  if (open.length === 0) return
  throw invalid(
    `messages.${turn.at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${open.join(', ')}. ` +
      'Each `tool_use` block must have a corresponding `tool_result` block in the next message.'
  )
}

function checkResults(turn: Turn, before: Turn | undefined): void {
  const asked = new Set(usesOf(before))
  const seen = new Set<string>()
  for (const { block, path } of turn.blocks) {
    if (block.type !== 'tool_result') continue
    if (!asked.has(block.tool_use_id)) {
      throw invalid(
        `${path}: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${block.tool_use_id}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.'
      )
    }
    if (seen.has(block.tool_use_id)) {
      throw invalid(
        `${path}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${block.tool_use_id}`
      )
    }
    seen.add(block.tool_use_id)
  }
}
