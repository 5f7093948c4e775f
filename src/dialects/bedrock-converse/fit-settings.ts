import type { Json, JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import { BUDGET_TOKENS } from '../claude.ts'
import { fitReasoning, fitSampling } from '../claude-fit.ts'
import type { Losses } from '../dialect.ts'
import { fitSchema } from '../fit-schema.ts'
import { given, lose, NAME } from './members.ts'
import { type Family, familyOf } from './models.ts'
import { fitName } from './names.ts'
import { type Effort, encodeFormat, encodeInference, filled } from './settings.ts'

export interface Settings {
  thinks: boolean
  inferenceConfig: JsonObject | undefined
  additionalModelRequestFields: JsonObject | undefined
  outputConfig: JsonObject | undefined
}

/** Thinking, sampling, structured output and the cap on output of a request from another dialect. */
export function fitSettings(request: ChatRequest, losses: Losses): Settings {
  const family = familyOf(request.model)
  const stop = fitStop(request.stop, losses)
  const format = fitFormat(request.format, family, losses)
  const asClaude = family.claude !== undefined || (isArn(request.model) && isClaudes(request.reasoning))
  if (request.parallelToolCalls === false && request.tools?.length) lose(losses, 'parallel_tool_calls')
  const settings = asClaude ? fitAsClaude(request, family, losses) : fitAsOthers(request, family, losses)
  return {
    thinks: settings.thinks,
    inferenceConfig: encodeInference({ ...settings.inference, ...given({ stop }) }),
    additionalModelRequestFields: filled(settings.fields),
    outputConfig: filled({ ...settings.output, textFormat: encodeFormat(format) })
  }
}

interface Fitted {
  thinks: boolean
  inference: Partial<ChatRequest>
  fields: JsonObject
  output: JsonObject
}

const isArn = (model: string): boolean => model.startsWith('arn:')

/** An explicit budget, or `adaptive`, is what only clients of Claude say. */
function isClaudes(reasoning: Reasoning | undefined): boolean {
  return reasoning?.budgetTokens !== undefined || reasoning?.adaptive === true
}

/** Claude takes here what it takes at home, in other places. */
function fitAsClaude(request: ChatRequest, family: Family, losses: Losses): Fitted {
  const claude = family.claude ?? CLAUDE_BY_BUDGET
  const { thinking, effort, outputTokensMax } = fitReasoning(request, claude, NAME, losses)
  const thinks = thinking?.type === 'enabled' || thinking?.type === 'adaptive'
  const { topK, ...sampling } = fitSampling(request, claude, thinks, losses)
  return {
    thinks,
    // Only what the client said: the cap of a client that said none is the model's own here.
    inference: { ...(request.outputTokensMax === undefined ? {} : { outputTokensMax }), ...sampling },
    fields: given({ thinking, top_k: topK }) as JsonObject,
    output: given({ effort }) as JsonObject
  }
}

/** A model of which nothing is known but that its client takes it for Claude. */
const CLAUDE_BY_BUDGET = familyOf('claude-3-7').claude!

function fitAsOthers(request: ChatRequest, family: Family, losses: Losses): Fitted {
  const { outputTokensMax, topP, topK } = request
  if (topK !== undefined && !family.topK) lose(losses, 'top_k')
  const inference = given({
    outputTokensMax,
    temperature: clipped(request.temperature, losses),
    topP
  }) as Partial<ChatRequest>
  const fields = topK !== undefined && family.topK ? nest(family.topK, topK) : {}
  const effort = effortOf(request.reasoning, losses)
  if (effort === undefined) return { thinks: false, inference, fields, output: {} }
  if (family.reasoning === 'effort') {
    if (effort === 'none') lose(losses, 'reasoning_effort')
    else fields.reasoning_effort = nearest(effort, losses)
  } else if (family.reasoning === 'nova') {
    return fitAsNova({ thinks: false, inference, fields, output: {} }, effort, losses)
  } else if (effort !== 'none') lose(losses, 'reasoning_effort')
  return { thinks: false, inference, fields, output: {} }
}

/** At its highest effort Nova takes none of these. */
function fitAsNova(settings: Fitted, effort: Effort, losses: Losses): Fitted {
  if (effort === 'none') {
    return { ...settings, fields: { ...settings.fields, reasoningConfig: { type: 'disabled' } } }
  }
  const maxReasoningEffort = nearest(effort, losses)
  const fields = { ...settings.fields, reasoningConfig: { type: 'enabled', maxReasoningEffort } }
  if (maxReasoningEffort !== 'high') return { ...settings, fields }
  const { temperature, topP, outputTokensMax } = settings.inference
  if (temperature !== undefined) lose(losses, 'temperature')
  if (topP !== undefined) lose(losses, 'top_p')
  if (outputTokensMax !== undefined) lose(losses, 'max_tokens')
  return { ...settings, inference: {}, fields }
}

/** The effort that was asked for; a budget as the effort whose own budget is nearest below it. */
function effortOf(reasoning: Reasoning | undefined, losses: Losses): Effort | undefined {
  if (reasoning === undefined) return undefined
  const { effort, budgetTokens, adaptive, display } = reasoning
  if (display !== undefined && display !== 'summarized') lose(losses, 'thinking.display')
  if (budgetTokens === undefined) return effort ?? (adaptive ? 'medium' : undefined)
  lose(losses, 'thinking.budget_tokens')
  return effort ?? (['high', 'medium'] as const).find(each => BUDGET_TOKENS[each] <= budgetTokens) ?? 'low'
}

const NEAREST: Partial<Record<Effort, string>> = { minimal: 'low', xhigh: 'high', max: 'high' }

function nearest(effort: Effort, losses: Losses): string {
  if (NEAREST[effort]) lose(losses, 'reasoning_effort')
  return NEAREST[effort] ?? effort
}

function nest(path: readonly string[], value: Json): JsonObject {
  return path.reduceRight<Json>((inner, name) => ({ [name]: inner }), value) as JsonObject
}

/** Bedrock's temperatures end at 1. */
function clipped(temperature: number | undefined, losses: Losses): number | undefined {
  if (temperature === undefined || temperature <= 1) return temperature
  lose(losses, 'temperature')
  return 1
}

/** Blank stop sequences are refused. */
function fitStop(stop: string[] | undefined, losses: Losses): string[] | undefined {
  const kept = stop?.filter((sequence, index) => {
    if (sequence.trim() === '') lose(losses, `stop[${index}]`)
    return sequence.trim() !== ''
  })
  return kept?.length ? kept : undefined
}

/** Output can be held to a schema, and to nothing else; not by every model. */
function fitFormat(format: Format | undefined, family: Family, losses: Losses): Format | undefined {
  if (format === undefined || format.type === 'text') return undefined
  if (format.type === 'json' || !family.structured) {
    lose(losses, 'response_format')
    return undefined
  }
  const { name, description } = format
  const schema = fitSchema(format.schema, 'response_format.schema', losses)
  return { type: 'json-schema', schema, ...given({ name: name && fitName(name), description }) }
}
