import type { JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, lose, type Members, ours } from './members.ts'
import { BUDGET_TOKENS, BUDGET_TOKENS_MIN, type Effort, type Model, nearestEffort } from './models.ts'
import { fitSchema } from './schema.ts'
import { inToolLoop } from './turns.ts'

/** The `max_tokens` of a request that says none; the dialect requires one. In tokens. */
export const DEFAULT_OUTPUT_TOKENS_MAX = 8192

/** `thinking`; a type we do not know stays among the rest. `disabled` is the effort `none`. */
export function decodeThinking(body: Members): Reasoning | undefined {
  const thinking = body.nested('thinking')
  if (thinking === undefined) return undefined
  const type = thinking.peek('type')
  if (type === 'disabled') {
    thinking.take('type')
    return { effort: 'none' }
  }
  if (type !== 'enabled' && type !== 'adaptive') return undefined
  thinking.take('type')
  return {
    ...(type === 'adaptive' ? { adaptive: true } : given({ budgetTokens: thinking.maybeNumber('budget_tokens') })),
    ...given({ display: thinking.maybeString('display') })
  }
}

const EFFORTS: readonly Effort[] = ['low', 'medium', 'high', 'xhigh', 'max']

/**
 * `output_config`, and the older top-level `output_format`, which is written back where it stood. An effort beside
 * disabled thinking stays among the rest.
 */
export function decodeOutputConfig(
  body: Members,
  thinking: Reasoning | undefined
): { format?: Format; effort?: Effort } {
  const config = body.nested('output_config')
  const format = decodeFormat(config?.nested('format')) ?? decodeOlderFormat(body)
  const effort = EFFORTS.find(known => known === config?.peek('effort'))
  if (effort === undefined || thinking?.effort === 'none') return given({ format })
  config!.take('effort')
  return given({ format, effort })
}

function decodeFormat(members: Members | undefined): Format | undefined {
  if (members?.peek('type') !== 'json_schema') return undefined
  members.take('type')
  const schema = members.maybeObject('schema')
  if (schema === undefined) throw members.wrong('schema', 'must be an object')
  return { type: 'json-schema', schema }
}

function decodeOlderFormat(body: Members): Format | undefined {
  const whole = body.peek('output_format')
  const format = decodeFormat(body.nested('output_format'))
  if (format) body.spell('output_format', whole!)
  return format
}

export function encodeOwnSettings(request: ChatRequest): JsonObject {
  const { reasoning, format } = request
  const older = ours(request.spelling).output_format !== undefined
  const config = given({
    effort: reasoning?.effort === 'none' ? undefined : reasoning?.effort,
    format: format?.type === 'json-schema' && !older ? { type: 'json_schema', schema: format.schema } : undefined
  })
  return given({
    max_tokens: request.outputTokensMax,
    thinking: encodeOwnThinking(reasoning),
    output_config: Object.keys(config).length > 0 ? config : undefined
  }) as JsonObject
}

function encodeOwnThinking(reasoning: Reasoning | undefined): JsonObject | undefined {
  const display = given({ display: reasoning?.display })
  if (reasoning?.budgetTokens !== undefined) {
    return { type: 'enabled', budget_tokens: reasoning.budgetTokens, ...display }
  }
  if (reasoning?.adaptive) return { type: 'adaptive', ...display }
  return reasoning?.effort === 'none' ? { type: 'disabled' } : undefined
}

/** Thinking, sampling, structured output and the cap on output of a request from another dialect. */
export function fitSettings(request: ChatRequest, model: Model, losses: Losses): JsonObject & { thinks: boolean } {
  const { thinking, effort, outputTokensMax } = fitReasoning(request, model, losses)
  const thinks = thinking?.type === 'enabled' || thinking?.type === 'adaptive'
  const format = fitFormat(request.format, losses)
  const config = given({ effort, format })
  return {
    thinks,
    max_tokens: outputTokensMax,
    ...given({ thinking, output_config: Object.keys(config).length > 0 ? config : undefined }),
    ...fitSampling(request, model, thinks, losses)
  }
}

interface ReasoningFit {
  thinking?: JsonObject
  effort?: Effort
  outputTokensMax: number
}

function fitReasoning(request: ChatRequest, model: Model, losses: Losses): ReasoningFit {
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
  if (model.thinking === 'none' || inToolLoop(request.messages)) {
    lose(losses, 'reasoning_effort')
    return { outputTokensMax }
  }
  const budget = budgetTokens ?? fitBudget(BUDGET_TOKENS[effort ?? 'medium'], request.outputTokensMax)
  const thinking = { type: 'enabled', budget_tokens: Math.max(budget, BUDGET_TOKENS_MIN), ...shown }
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

/** `max_tokens` must be above the budget. */
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
function fitSampling(request: ChatRequest, model: Model, thinks: boolean, losses: Losses): JsonObject {
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
  return given({ temperature, top_p: topP, top_k: topK }) as JsonObject
}

/** The provider's formats have a schema and nothing else; JSON without one cannot be asked for. */
function fitFormat(format: Format | undefined, losses: Losses): JsonObject | undefined {
  if (format === undefined || format.type === 'text') return undefined
  if (format.type === 'json') {
    lose(losses, 'response_format')
    return undefined
  }
  // `name` is a label that nobody reads; a description would have been read by the model.
  if (format.description !== undefined) lose(losses, 'response_format.description')
  return { type: 'json_schema', schema: fitSchema(format.schema, 'response_format.schema', losses) }
}
