import type { JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import type { Effort, Model } from '../claude.ts'
import { fitReasoning, fitSampling } from '../claude-fit.ts'
import type { Losses } from '../dialect.ts'
import { fitSchema } from '../fit-schema.ts'
import { given, lose, type Members, NAME, ours } from './members.ts'

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
  const { thinking, effort, outputTokensMax } = fitReasoning(request, model, NAME, losses)
  const thinks = thinking?.type === 'enabled' || thinking?.type === 'adaptive'
  const format = fitFormat(request.format, losses)
  const config = given({ effort, format })
  const { temperature, topP, topK } = fitSampling(request, model, thinks, losses)
  return {
    thinks,
    max_tokens: outputTokensMax,
    ...given({
      thinking,
      output_config: Object.keys(config).length > 0 ? config : undefined,
      temperature,
      top_p: topP,
      top_k: topK
    })
  }
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
