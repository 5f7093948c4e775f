import type { Ask, Source } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import type { Finish, Plan } from '../plan.ts'
import { countTokens } from '../tokens.ts'
import type { Reply, Studio } from '../voice.ts'
import type { ConverseRequest } from './schema.ts'
import { redactedContentOf } from './seals.ts'
import { framesOf } from './stream.ts'
import { readThinking } from './thinking.ts'

const STOP_REASONS: Record<Finish, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool: 'tool_use',
  'stop-sequence': 'stop_sequence',
  refusal: 'content_filtered',
  'content-filter': 'content_filtered'
}

/** Tokens of a reply besides its text. */
const REPLY_TOKENS = 2
const LATENCY_MS_PER_TOKEN = 9

export function replyOf(ask: Ask, plans: Plan[], studio: Studio): Reply {
  const plan = plans[0]!
  const content = contentOf(ask, plan, studio)
  const usage = usageOf(ask, plan, content, studio)
  const stopReason = STOP_REASONS[plan.finish]
  const more = fieldsOf(ask, plan)
  const metrics = { latencyMs: 180 + LATENCY_MS_PER_TOKEN * (plan.textTokens + plan.thinkingTokens) }
  return {
    usage,
    body: () => ({ metrics, output: { message: { content, role: 'assistant' } }, stopReason, usage, ...more }),
    frames: () => framesOf(ask, content, { stopReason, ...more }, { metrics, usage })
  }
}

/** What else of the model's own reply was asked for; there is one member that Bedrock itself does not tell. */
function fieldsOf(ask: Ask, plan: Plan): JsonObject {
  const { additionalModelResponseFieldPaths: paths = [] } = ask.native as ConverseRequest
  if (!paths.includes('/stop_sequence')) return {}
  return { additionalModelResponseFields: { stop_sequence: plan.stopSequence ?? null } }
}

/** The blocks of the reply: thoughts, text, cited text, tool uses. */
function contentOf(ask: Ask, plan: Plan, studio: Studio): JsonObject[] {
  const blocks = ask.thinking === 'none' || plan.thinking === '' ? [] : thoughtsOf(ask, plan, studio)
  const text = plan.refusal ?? plan.text
  if (text !== '') blocks.push({ text })
  if (plan.source && plan.finish === 'stop') blocks.push(citedBlock(plan.source))
  for (const { name, input } of plan.calls) {
    blocks.push({ toolUse: { toolUseId: studio.ids.next('tooluse_', 22), name, input } })
  }
  return blocks
}

function thoughtsOf(ask: Ask, plan: Plan, { sealer }: Studio): JsonObject[] {
  const text = ask.thinking === 'sealed' ? '' : plan.thinking
  if (readThinking(ask.native as ConverseRequest).way === 'unsigned') {
    return [{ reasoningContent: { reasoningText: { text } } }]
  }
  const count = plan.hidden === undefined ? 1 : 2
  const signature = sealer.sign(text, { index: 0, count })
  const shown = { reasoningContent: { reasoningText: { text, signature } } }
  if (plan.hidden === undefined) return [shown]
  const redactedContent = redactedContentOf(sealer.hide(plan.hidden, { index: 1, count }))
  return [shown, { reasoningContent: { redactedContent } }]
}

/** The first sentence of the document, quoted with its place. */
function citedBlock({ index, title, text }: Source): JsonObject {
  const cited = /^[\s\S]*?[.!?](?:\s|$)/.exec(text)?.[0] ?? text
  const location = { documentChar: { documentIndex: index, start: 0, end: cited.length } }
  return {
    citationsContent: {
      content: [{ text: cited.trim() }],
      citations: [{ title, sourceContent: [{ text: cited }], location }]
    }
  }
}

function usageOf(ask: Ask, plan: Plan, content: JsonObject[], studio: Studio): JsonObject {
  const times = studio.usageFactor
  const { readTokens, write5mTokens, write1hTokens } = studio.cache
  const written = write5mTokens + write1hTokens
  const total = ask.blocks.reduce((sum, block) => sum + block.tokens, 0)
  const cited = content.find(block => block.citationsContent !== undefined)
  const spoken = plan.textTokens + (cited ? countTokens(plan.source!.text) : 0)
  const output = times * (spoken + plan.thinkingTokens + (plan.finish === 'length' ? 0 : REPLY_TOKENS))
  const cacheDetails = [
    { inputTokens: times * write5mTokens, ttl: '5m' },
    { inputTokens: times * write1hTokens, ttl: '1h' }
  ].filter(({ inputTokens }) => inputTokens > 0)
  return {
    inputTokens: times * (total - readTokens - written),
    outputTokens: output,
    totalTokens: times * total + output,
    cacheReadInputTokens: times * readTokens,
    cacheReadInputTokenCount: times * readTokens,
    cacheWriteInputTokens: times * written,
    cacheWriteInputTokenCount: times * written,
    ...(cacheDetails.length > 0 ? { cacheDetails } : {}),
    serverToolUsage: {}
  }
}
