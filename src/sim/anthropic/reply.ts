import type { Ask, Source } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import type { Finish, Plan } from '../plan.ts'
import { countTokens } from '../tokens.ts'
import type { Reply, Studio } from '../voice.ts'
import { framesOf } from './stream.ts'

const STOP_REASONS: Record<Finish, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool: 'tool_use',
  'stop-sequence': 'stop_sequence',
  refusal: 'refusal',
  'content-filter': 'refusal'
}

/** Tokens a reply takes besides its text. */
const REPLY_TOKENS = 3

export function replyOf(ask: Ask, plans: Plan[], studio: Studio): Reply {
  const plan = plans[0]!
  const content = contentOf(ask, plan, studio)
  const usage = usageOf(ask, plan, content, studio)
  const isRefusal = STOP_REASONS[plan.finish] === 'refusal'
  const ending: JsonObject = {
    stop_reason: STOP_REASONS[plan.finish],
    stop_sequence: plan.finish === 'stop-sequence' ? (plan.stopSequence ?? null) : null,
    stop_details: isRefusal ? { type: 'refusal', category: null, explanation: null } : null
  }
  const envelope: JsonObject = {
    model: ask.model,
    id: studio.ids.next('msg_01', 22),
    type: 'message',
    role: 'assistant'
  }
  return {
    usage,
    body: () => ({ ...envelope, content, ...ending, usage }),
    frames: () => framesOf(ask, envelope, content, ending, usage)
  }
}

/** The blocks of the reply: thoughts, text, cited text, tool uses. */
function contentOf(ask: Ask, plan: Plan, studio: Studio): JsonObject[] {
  const blocks: JsonObject[] = []
  if (ask.thinking !== 'none' && plan.thinking !== '') {
    const count = plan.hidden === undefined ? 1 : 2
    const thinking = ask.thinking === 'sealed' ? '' : plan.thinking
    blocks.push({ type: 'thinking', thinking, signature: studio.sealer.sign(thinking, { index: 0, count }) })
    if (plan.hidden !== undefined) {
      blocks.push({ type: 'redacted_thinking', data: studio.sealer.hide(plan.hidden, { index: 1, count }) })
    }
  }
  const text = plan.refusal ?? plan.text
  if (text !== '') blocks.push({ type: 'text', text })
  if (plan.source && plan.finish === 'stop') blocks.push(citedBlock(plan.source))
  for (const call of plan.calls) {
    const id = studio.ids.next('toolu_01', 22)
    blocks.push({ type: 'tool_use', id, name: call.name, input: call.input, caller: { type: 'direct' } })
  }
  return blocks
}

/** The first sentence of the document, quoted with its place. */
function citedBlock(source: Source): JsonObject {
  const cited = /^[\s\S]*?[.!?](?:\s|$)/.exec(source.text)?.[0] ?? source.text
  return {
    type: 'text',
    text: cited.trim(),
    citations: [
      {
        type: 'char_location',
        cited_text: cited,
        document_index: source.index,
        document_title: source.title,
        start_char_index: 0,
        end_char_index: cited.length
      }
    ]
  }
}

function usageOf(ask: Ask, plan: Plan, content: JsonObject[], studio: Studio): JsonObject {
  const times = studio.usageFactor
  const { readTokens, write5mTokens, write1hTokens } = studio.cache
  const written = write5mTokens + write1hTokens
  const total = 7 + ask.blocks.reduce((sum, block) => sum + block.tokens, 0)
  const cited = content.find(block => block.citations !== undefined)
  const spoken = plan.textTokens + (cited ? countTokens(String(cited.text)) : 0)
  const output = spoken + plan.thinkingTokens + (plan.finish === 'length' ? 0 : REPLY_TOKENS)
  const usage: JsonObject = {
    input_tokens: times * (total - readTokens - written),
    cache_creation_input_tokens: times * written,
    cache_read_input_tokens: times * readTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: times * write5mTokens,
      ephemeral_1h_input_tokens: times * write1hTokens
    },
    output_tokens: times * output,
    service_tier: 'standard',
    inference_geo: 'not_available'
  }
  if (ask.thinking !== 'none') usage.output_tokens_details = { thinking_tokens: times * plan.thinkingTokens }
  return usage
}
