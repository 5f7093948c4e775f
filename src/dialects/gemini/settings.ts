import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, lose, Members, ours } from './members.ts'
import { BUDGET_TOKENS, type Effort, type Model, nearestLevel } from './models.ts'
import { schemaToJson } from './schema.ts'

type Settings = Partial<ChatRequest>

/** `generationConfig` (ai.google.dev/api/generate-content#generationconfig); what nobody else has stays in the rest. */
export function decodeSettings(body: Members): Settings {
  const config = body.nested('generationConfig')
  if (config === undefined) return {}
  // Words alone are what everybody else answers with.
  const modalities = config.peek('responseModalities')
  if (Array.isArray(modalities) && modalities.join().toUpperCase() === 'TEXT') {
    config.spell('responseModalities', config.take('responseModalities')!)
  }
  return given({
    temperature: config.maybeNumber('temperature'),
    topP: config.maybeNumber('topP'),
    topK: config.maybeNumber('topK'),
    outputTokensMax: config.maybeNumber('maxOutputTokens'),
    stop: isEmpty(config.peek('stopSequences')) ? undefined : config.maybeStrings('stopSequences'),
    n: config.maybeNumber('candidateCount'),
    seed: config.maybeNumber('seed'),
    frequencyPenalty: config.maybeNumber('frequencyPenalty'),
    presencePenalty: config.maybeNumber('presencePenalty'),
    logprobs: decodeLogprobs(config),
    format: decodeFormat(config),
    reasoning: decodeReasoning(config)
  })
}

function isEmpty(value: Json | undefined): boolean {
  return Array.isArray(value) && value.length === 0
}

function decodeLogprobs(config: Members): ChatRequest['logprobs'] {
  const asked = config.maybeBoolean('responseLogprobs')
  if (asked === false) config.spell('responseLogprobs', false)
  return asked ? given({ top: config.maybeNumber('logprobs') }) : undefined
}

function decodeFormat(config: Members): Format | undefined {
  const type = config.peek('responseMimeType')
  if (type === 'text/plain') {
    config.take('responseMimeType')
    return { type: 'text' }
  }
  if (type !== 'application/json') return undefined
  config.take('responseMimeType')
  const json = config.maybeObject('responseJsonSchema')
  if (json) return { type: 'json-schema', schema: json }
  const schema = config.maybeObject('responseSchema')
  if (schema === undefined) return { type: 'json' }
  config.spell('responseSchema', schema)
  return { type: 'json-schema', schema: schemaToJson(schema) }
}

const EFFORTS: readonly Effort[] = ['minimal', 'low', 'medium', 'high']

/** `thinkingConfig`: a budget of 0 is the effort `none`, of -1 the model's own choice. It is written back as it came. */
function decodeReasoning(config: Members): Reasoning | undefined {
  const written = config.maybeObject('thinkingConfig')
  if (written === undefined) return undefined
  config.spell('thinkingConfig', written)
  const thinking = new Members(written, config.at('thinkingConfig'), 'request')
  const budget = thinking.maybeNumber('thinkingBudget')
  const level = thinking.maybeString('thinkingLevel')?.toLowerCase()
  const shown = thinking.maybeBoolean('includeThoughts')
  if (budget === 0) return { effort: 'none' }
  const effort = EFFORTS.find(known => known === level)
  const isOpen = budget === undefined ? effort === undefined && shown === true : budget < 0
  const reasoning: Reasoning = {
    ...given({ effort, budgetTokens: budget !== undefined && budget > 0 ? budget : undefined }),
    ...(isOpen ? { adaptive: true } : {}),
    ...(shown === true ? { display: 'summarized' } : {})
  }
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

/** `generationConfig` as it was said. */
export function encodeOwnSettings(request: ChatRequest): JsonObject {
  const written = ours(request.spelling).generationConfig
  const spelt = isObject(written) ? written : {}
  const config = { ...encodeCommon(request), ...encodeFormat(request.format, spelt.responseSchema !== undefined) }
  return Object.keys(config).length > 0 ? { generationConfig: config } : {}
}

function encodeCommon(request: ChatRequest): JsonObject {
  const { logprobs } = request
  return given({
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    maxOutputTokens: request.outputTokensMax,
    stopSequences: request.stop,
    candidateCount: request.n,
    seed: request.seed,
    frequencyPenalty: request.frequencyPenalty,
    presencePenalty: request.presencePenalty,
    responseLogprobs: logprobs ? true : undefined,
    logprobs: logprobs?.top
  }) as JsonObject
}

/**
 * Real JSON Schema has members of its own here, so nothing of one is lost; Gemini and Vertex AI take them
 * (ai.google.dev/gemini-api/docs/structured-output).
 */
function encodeFormat(format: Format | undefined, isSpelt: boolean): JsonObject {
  if (format === undefined) return {}
  if (format.type === 'text') return { responseMimeType: 'text/plain' }
  const schema: JsonObject = format.type === 'json' || isSpelt ? {} : { responseJsonSchema: format.schema }
  return { responseMimeType: 'application/json', ...schema }
}

/** `generationConfig` of a request from another dialect. */
export function fitSettings(request: ChatRequest, model: Model, losses: Losses): JsonObject {
  const { format, stop } = request
  // `name` is a label that nobody reads; a description would have been read by the model.
  if (format?.type === 'json-schema' && format.description !== undefined) lose(losses, 'response_format.description')
  const config = {
    ...encodeCommon(request),
    ...(stop?.length === 0 ? { stopSequences: undefined } : {}),
    ...(format?.type === 'text' ? {} : encodeFormat(format, false)),
    ...given({ thinkingConfig: fitReasoning(request.reasoning, model, losses) })
  }
  const said = given(config) as JsonObject
  return Object.keys(said).length > 0 ? { generationConfig: said } : {}
}

/** Thinking as the model's generation takes it: a level since Gemini 3, a budget in tokens before. */
function fitReasoning(reasoning: Reasoning | undefined, model: Model, losses: Losses): JsonObject | undefined {
  if (reasoning === undefined) return undefined
  const { effort, display } = reasoning
  if (model.thinking === 'none') {
    if (effort !== 'none') lose(losses, effort === undefined ? 'thinking' : 'reasoning_effort')
    return undefined
  }
  const how = model.thinking === 'level' ? fitLevel(reasoning, model, losses) : fitBudget(reasoning, model, losses)
  // Who asks for thinking is shown what the model says of it, unless they said otherwise.
  return { ...how, ...(effort === 'none' || display === 'omitted' ? {} : { includeThoughts: true }) }
}

function fitLevel({ effort, budgetTokens }: Reasoning, model: Model, losses: Losses): JsonObject {
  if (budgetTokens !== undefined) lose(losses, 'thinking.budget_tokens')
  const wanted = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens))
  if (wanted === undefined) return {}
  // These models always think a little.
  const level = nearestLevel(model, wanted === 'none' ? 'minimal' : wanted)
  if (level !== wanted && effort !== undefined) lose(losses, 'reasoning_effort')
  return given({ thinkingLevel: level?.toUpperCase() }) as JsonObject
}

/** Effort from a budget, where a model knows only efforts: coarse, and so the budget is named as lost. */
function effortOf(budgetTokens: number): Effort {
  if (budgetTokens < 4096) return 'low'
  return budgetTokens < 16_384 ? 'medium' : 'high'
}

function fitBudget({ effort, budgetTokens, adaptive }: Reasoning, model: Model, losses: Losses): JsonObject {
  const { min, max, off } = model.budget
  if (effort === 'none') {
    if (!off) lose(losses, 'reasoning_effort')
    return { thinkingBudget: off ? 0 : min }
  }
  if (effort === undefined && budgetTokens === undefined) return adaptive ? { thinkingBudget: -1 } : {}
  if (effort !== undefined && (budgetTokens !== undefined || effort === 'xhigh' || effort === 'max')) {
    lose(losses, 'reasoning_effort')
  }
  const wanted = budgetTokens ?? BUDGET_TOKENS[effort!]
  const budget = Math.min(Math.max(wanted, min), max)
  if (budget !== wanted) lose(losses, 'thinking.budget_tokens')
  return { thinkingBudget: budget }
}

/** Members of an object that the canonical form does not have, named by where they stand. */
export function dotted(rest: Json | undefined, names: readonly string[]): JsonObject {
  const flat: JsonObject = {}
  for (const [name, value] of Object.entries(isObject(rest) ? rest : {})) {
    if (!names.includes(name) || !isObject(value)) flat[name] = value
    else for (const [inner, each] of Object.entries(value)) flat[`${name}.${inner}`] = each
  }
  return flat
}

/** The same again as objects in objects. */
export function undotted(rest: JsonObject, names: readonly string[]): JsonObject {
  const whole: JsonObject = {}
  for (const [path, value] of Object.entries(rest)) {
    const name = names.find(each => path.startsWith(`${each}.`))
    if (name === undefined) whole[path] = value
    else whole[name] = { ...(whole[name] as JsonObject | undefined), [path.slice(name.length + 1)]: value }
  }
  return whole
}
