import assert from 'node:assert/strict'
import type { JsonObject } from '../../../src/json.ts'
import { type Agent, INSTRUCTIONS, READ_FILE, RUN_SHELL, type Step, stream, type Wire, whole } from './agent.ts'

const HEADERS = {
  authorization: 'Bearer sk-agent',
  'anthropic-version': '2023-06-01',
  'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14,fine-grained-tool-streaming-2025-05-14',
  'anthropic-dangerous-direct-browser-access': 'true',
  'x-app': 'cli',
  'user-agent': 'claude-cli/2.1.0 (external, cli)',
  'x-stainless-lang': 'js'
}

const EPHEMERAL = { type: 'ephemeral' }

/** Claude Code: messages with betas, cache marks that move along, thinking between tool calls, counts of tokens. */
export function claudeCode({ url, model }: Wire): Agent {
  const messages: JsonObject[] = []
  let results: JsonObject[] = []

  const body = (): JsonObject => ({
    model,
    system: [
      { type: 'text', text: 'You are Claude Code.', cache_control: EPHEMERAL },
      { type: 'text', text: INSTRUCTIONS, cache_control: EPHEMERAL }
    ],
    messages: marked(messages),
    tools: [READ_FILE, RUN_SHELL].map(({ name, description, schema }) => ({ name, description, input_schema: schema }))
  })

  return {
    name: 'Claude Code',
    tools: ['read_file', 'run_shell'],
    async ask(said) {
      const words = said === undefined ? [] : [{ type: 'text', text: said }]
      messages.push({ role: 'user', content: [...results, ...words] })
      results = []
      const events = await stream(`${url}/v1/messages?beta=true`, HEADERS, {
        ...body(),
        max_tokens: 32_000,
        metadata: { user_id: 'user_1_account__session_2' },
        thinking: { type: 'enabled', budget_tokens: 2_000 },
        stream: true
      })
      const content = blocksOf(events)
      messages.push({ role: 'assistant', content })
      return stepOf(content)
    },
    result: ({ id }, output) => void results.push({ type: 'tool_result', tool_use_id: id, content: output }),
    async aside() {
      const { input_tokens: tokens } = await whole(`${url}/v1/messages/count_tokens?beta=true`, HEADERS, body())
      assert.ok(Number(tokens) > 100)
    }
  }
}

/** The last block of the last two user messages carries a mark. */
function marked(messages: readonly JsonObject[]): JsonObject[] {
  const users = messages.flatMap(({ role }, index) => (role === 'user' ? [index] : [])).slice(-2)
  return messages.map((message, index) => {
    const content = message.content as JsonObject[]
    if (!users.includes(index)) return message
    return { ...message, content: [...content.slice(0, -1), { ...content.at(-1)!, cache_control: EPHEMERAL }] }
  })
}

/** As its own accumulator does: deltas of five kinds into blocks. */
function blocksOf(events: readonly JsonObject[]): JsonObject[] {
  assert.equal(events[0]?.type, 'message_start')
  assert.equal(events.at(-1)?.type, 'message_stop')
  const blocks: (JsonObject & { json?: string })[] = []
  for (const { type, index, content_block: block, delta } of events) {
    if (type === 'content_block_start') blocks[Number(index)] = { ...(block as JsonObject) }
    if (type !== 'content_block_delta') continue
    const open = blocks[Number(index)]!
    const said = delta as Record<string, string>
    if (said.type === 'text_delta') open.text = String(open.text) + said.text
    else if (said.type === 'thinking_delta') open.thinking = String(open.thinking) + said.thinking
    else if (said.type === 'signature_delta') open.signature = said.signature!
    else if (said.type === 'input_json_delta') open.json = (open.json ?? '') + said.partial_json
  }
  return blocks.map(({ json, ...block }) => (json ? { ...block, input: JSON.parse(json) as JsonObject } : block))
}

function stepOf(content: readonly JsonObject[]): Step {
  return {
    text: content.map(block => (block.type === 'text' ? String(block.text) : '')).join(''),
    calls: content.flatMap(block =>
      block.type === 'tool_use'
        ? [{ id: String(block.id), name: String(block.name), input: JSON.stringify(block.input) }]
        : []
    )
  }
}
