import type { JsonObject } from '../json.ts'
import type { ChatRequest, DialectName, Message } from './canonical.ts'
import { BUDGET_TOKENS, BUDGET_TOKENS_MIN, type Effort, type Model, nearestEffort } from './claude.ts'
import type { Losses } from './dialect.ts'
import { given, lose } from './members.ts'

/** What a request from another dialect asks of a model of Claude, fitted to it; how it is said is each dialect's own. */

/** The cap on output of a request that says none, where one is required. In tokens. */
export const DEFAULT_OUTPUT_TOKENS_MAX = 8192

export interface ReasoningFit {
  /** Claude's own member `thinking`. */
  thinking?: JsonObject
  effort?: Effort
  outputTokensMax: number
}

/** `maker`: the dialect whose signatures the provider knows. */
export function fitReasoning(request: ChatRequest, model: Model, maker: DialectName, losses: Losses): ReasoningFit {
  const { effort, budgetTokens, adaptive, display } = request.reasoning ?? {}
  const outputTokensMax = request.outputTokensMax ?? DEFAULT_OUTPUT_TOKENS_MAX
  if (effort === 'none') return { ...fitNoThinking(model, losses), outputTokensMax }
  if (effort === undefined && budgetTokens === undefined && !adaptive) return { outputTokensMax }
  const shown = given({ display })
  if (model.thinking === 'adaptive') {
    if (budgetTokens !== undefined) lose(losses, 'thinking.budget_tokens')
    const nearest = effort === undefined ? undefined : nearestEffort(model, effort)
    if (nearest !== effort) lose(losses, 'reasoning_effort')
    return { thinking: { type: 'adaptive', ...shown }, ...given({ effort: nearest }), outputTokensMax }
  }
  // With a budget, the last turns of a tool loop must begin with signed thinking, which a foreign history cannot have.
  if (model.thinking === 'none' || inToolLoop(request.messages, maker)) {
    lose(losses, 'reasoning_effort')
    return { outputTokensMax }
  }
  const budget = budgetTokens ?? fitBudget(BUDGET_TOKENS[effort ?? 'medium'], request.outputTokensMax)
  // Shown is what it is without a word, which models that know none of this take as well.
  const hidden = display === 'summarized' ? {} : shown
  const thinking = { type: 'enabled', budget_tokens: Math.max(budget, BUDGET_TOKENS_MIN), ...hidden }
  return { thinking, outputTokensMax: raiseCap(thinking.budget_tokens, request.outputTokensMax, losses) }
}

function fitNoThinking(model: Model, losses: Losses): { thinking?: JsonObject; effort?: Effort } {
  if (!model.thinksUnasked) return {}
  if (model.off) return { thinking: { type: model.off } }
  lose(losses, 'reasoning_effort')
  return { effort: 'low' }
}

/** An effort's budget takes at most half of the cap the client set: its cap holds for thinking and words together. */
function fitBudget(budget: number, cap: number | undefined): number {
  return cap === undefined ? budget : Math.max(BUDGET_TOKENS_MIN, Math.min(budget, Math.floor(cap / 2)))
}

/** The cap must be above the budget. */
function raiseCap(budget: number, cap: number | undefined, losses: Losses): number {
  if (cap === undefined) return budget + DEFAULT_OUTPUT_TOKENS_MAX
  if (cap > budget) return cap
  lose(losses, 'max_tokens')
  return budget + cap
}

/**
 * While it thinks a model takes no temperature but 1, no `top_k`, and `top_p` from 0.95; newer ones take none of them,
 * and some between take temperature or `top_p`, not both. What is the default anyway is left out without a word.
 */
export function fitSampling(
  request: ChatRequest,
  model: Model,
  thinks: boolean,
  losses: Losses
): Pick<ChatRequest, 'temperature' | 'topP' | 'topK'> {
  const fixed = thinks || model.sampling === 'neither'
  let { temperature, topP, topK } = request
  if (temperature !== undefined && fixed) {
    if (temperature !== 1) lose(losses, 'temperature')
    temperature = undefined
  } else if (temperature !== undefined && temperature > 1) {
    lose(losses, 'temperature')
    temperature = 1
  }
  const topPStays =
    model.sampling !== 'neither' &&
    (!thinks || (topP ?? 1) >= 0.95) &&
    (model.sampling === 'both' || temperature === undefined)
  if (topP !== undefined && !topPStays) {
    if (topP !== 1) lose(losses, 'top_p')
    topP = undefined
  }
  if (topK !== undefined && fixed) {
    lose(losses, 'top_k')
    topK = undefined
  }
  return given({ temperature, topP, topK })
}

/** Whether the model is about to read tool results for calls whose turn holds no thinking of its own. */
function inToolLoop(messages: readonly Message[], maker: DialectName): boolean {
  const turn = messages.findLast(message => message.role === 'assistant')
  const answered = messages.at(-1)?.parts.some(part => part.type === 'tool-result') ?? false
  const calls = turn?.parts.some(part => part.type === 'tool-call') ?? false
  const signed = turn?.parts.some(part => part.type === 'thinking' && part.seal?.maker === maker) ?? false
  return answered && calls && !signed
}
