import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import { given, type Members } from './members.ts'

/** `inferenceConfig`: what every model understands. */
export function decodeInference(body: Members): Partial<ChatRequest> {
  const config = body.nested('inferenceConfig')
  if (config === undefined) return {}
  return given({
    outputTokensMax: config.maybeNumber('maxTokens'),
    temperature: config.maybeNumber('temperature'),
    topP: config.maybeNumber('topP'),
    stop: config.maybeStrings('stopSequences')
  })
}

export function encodeInference(settings: Partial<ChatRequest>): JsonObject | undefined {
  return filled({
    maxTokens: settings.outputTokensMax,
    temperature: settings.temperature,
    topP: settings.topP,
    stopSequences: settings.stop
  })
}

/** Undefined where none of the members is there. */
export function filled(members: JsonObject): JsonObject | undefined {
  const made = given(members) as JsonObject
  return Object.keys(made).length > 0 ? made : undefined
}

export type Effort = NonNullable<Reasoning['effort']>
const EFFORTS: readonly Effort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** Takes an effort that has a word here, and has it written back where it stood. */
function takeEffort(members: Members | undefined, name: string): Effort | undefined {
  const effort = EFFORTS.find(known => known === members?.peek(name))
  if (effort !== undefined) members!.spell(name, members!.take(name)!)
  return effort
}

/**
 * What `additionalModelRequestFields` says that others say too: thinking and `top_k`, each maker in members of its own.
 * They are written back as they were said; whatever else is there stays among the rest.
 */
export function decodeModelFields(body: Members): { topK?: number; reasoning?: Reasoning } {
  const fields = body.nested('additionalModelRequestFields')
  if (fields === undefined) return {}
  const topK = takeNumber(fields, 'top_k') ?? takeNumber(fields.nested('inferenceConfig'), 'topK')
  const reasoning =
    decodeThinking(fields.nested('thinking') ?? fields.nested('reasoning_config')) ??
    decodeNova(fields.nested('reasoningConfig'))
  const effort = takeEffort(fields, 'reasoning_effort') ?? takeEffort(fields.nested('output_config'), 'effort')
  const all = given({ ...reasoning, effort: reasoning?.effort ?? effort })
  return given({ topK, reasoning: Object.keys(all).length > 0 ? all : undefined })
}

function takeNumber(members: Members | undefined, name: string): number | undefined {
  const number = members?.peek(name)
  if (typeof number !== 'number') return undefined
  members!.spell(name, members!.take(name)!)
  return number
}

/** Claude's way. */
function decodeThinking(thinking: Members | undefined): Reasoning | undefined {
  const type = thinking?.peek('type')
  if (thinking === undefined || (type !== 'enabled' && type !== 'adaptive' && type !== 'disabled')) return undefined
  thinking.spell('type', thinking.take('type')!)
  if (type === 'disabled') return { effort: 'none' }
  const display = thinking.maybeString('display')
  if (display !== undefined) thinking.spell('display', display)
  if (type === 'adaptive') return { adaptive: true, ...given({ display }) }
  return given({ budgetTokens: takeNumber(thinking, 'budget_tokens'), display })
}

/** Amazon Nova's way. */
function decodeNova(config: Members | undefined): Reasoning | undefined {
  const type = config?.peek('type')
  if (config === undefined || (type !== 'enabled' && type !== 'disabled')) return undefined
  config.spell('type', config.take('type')!)
  return { effort: type === 'disabled' ? 'none' : (takeEffort(config, 'maxReasoningEffort') ?? 'medium') }
}

/** `outputConfig`: structured output, whose schema is JSON text here, and an effort. */
export function decodeOutput(body: Members): { format?: Format; effort?: Effort } {
  const config = body.nested('outputConfig')
  return given({ format: decodeFormat(config?.nested('textFormat')), effort: takeEffort(config, 'effort') })
}

function decodeFormat(format: Members | undefined): Format | undefined {
  if (format?.peek('type') !== 'json_schema') return undefined
  const shape = format.nested('structure')?.nested('jsonSchema')
  const schema = parse(shape?.peek('schema'))
  if (shape === undefined || !isObject(schema)) return undefined
  format.take('type')
  shape.spell('schema', shape.take('schema')!)
  return {
    type: 'json-schema',
    schema,
    ...given({ name: shape.maybeString('name'), description: shape.maybeString('description') })
  }
}

function parse(text: Json | undefined): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}

export function encodeFormat(format: Format | undefined): JsonObject | undefined {
  if (format?.type !== 'json-schema') return undefined
  const { name, description, schema } = format
  const jsonSchema = given({ schema: JSON.stringify(schema), name, description }) as JsonObject
  return { type: 'json_schema', structure: { jsonSchema } }
}
