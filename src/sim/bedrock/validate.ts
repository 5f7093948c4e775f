import { outputSchemaFault } from '../anthropic/output-schema.ts'
import { isObject, type Json } from '../json.ts'
import type { Sealer } from '../seal.ts'
import { checkBlocks } from './blocks.ts'
import { exception, invalid, modelRefuses } from './errors.ts'
import { type Family, familyOf } from './families.ts'
import type { ConverseRequest } from './schema.ts'
import { checkSeals } from './seals.ts'
import { readThinking, type Thinking } from './thinking.ts'
import { checkTurns } from './turns.ts'

/** Rules between members that Bedrock checks after the types; throws the refusal of the first one broken. */
export function validate(request: ConverseRequest, model: string, sealer: Sealer): void {
  const family = familyOf(model)
  const thinking = readThinking(request)
  checkTurns(request, family)
  checkBlocks(request)
  checkTools(request)
  checkCachePoints(request, family)
  if (thinking.way === 'claude') checkThinking(request, thinking)
  if (request.inferenceConfig?.stopSequences?.some(sequence => sequence.trim() === '')) {
    throw modelRefuses('stop_sequences: each stop sequence must contain non-whitespace')
  }
  checkFormat(request)
  if (family.signs) checkSeals(request.messages, thinking.budgetTokens !== undefined, sealer)
}

function checkTools({ toolConfig }: ConverseRequest): void {
  if (!toolConfig) return
  const names: string[] = []
  toolConfig.tools.forEach(({ toolSpec }, at) => {
    if (!toolSpec) return
    const { json } = toolSpec.inputSchema
    const path = `toolConfig.tools.${at}.toolSpec`
    if (!isObject(json) || json.type !== 'object') {
      throw invalid(`The value at ${path}.inputSchema.json.type must be one of the following: object.`)
    }
    if (names.includes(toolSpec.name)) throw invalid(`The tool name ${toolSpec.name} at ${path}.name is used twice.`)
    names.push(toolSpec.name)
  })
  const wanted = toolConfig.toolChoice?.tool?.name
  if (wanted === undefined || names.includes(wanted)) return
  throw invalid(`The tool ${wanted} of toolConfig.toolChoice is not defined in toolConfig.tools.`)
}

const POINTS_MAX = 4

/** At most four, none that lives longer after one that lives shorter, and only where the model has a cache. */
function checkCachePoints({ toolConfig, system, messages }: ConverseRequest, family: Family): void {
  const places = [...(toolConfig?.tools ?? []), ...(system ?? []), ...messages.flatMap(({ content }) => content)]
  const ttls = places.flatMap(({ cachePoint }) => (cachePoint ? [cachePoint.ttl ?? '5m'] : []))
  if (ttls.length > 0 && !family.caches) {
    throw exception(
      403,
      'AccessDeniedException',
      'You invoked an unsupported model or your request did not allow prompt caching. See the documentation for more ' +
        'information.'
    )
  }
  if (ttls.length > POINTS_MAX) {
    throw modelRefuses(`A maximum of ${POINTS_MAX} blocks with cache_control may be provided. Found ${ttls.length}.`)
  }
  const firstShort = ttls.indexOf('5m')
  if (firstShort < 0 || !ttls.slice(firstShort).includes('1h')) return
  throw modelRefuses("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block.")
}

const THINKING_GUIDE =
  'Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking'
const BUDGET_TOKENS_MIN = 1024

function checkThinking(request: ConverseRequest, { budgetTokens }: Thinking): void {
  const { maxTokens, temperature, topP } = request.inferenceConfig ?? {}
  if (budgetTokens !== undefined && budgetTokens < BUDGET_TOKENS_MIN) {
    throw modelRefuses(`thinking.enabled.budget_tokens: Input should be greater than or equal to ${BUDGET_TOKENS_MIN}`)
  }
  if (budgetTokens !== undefined && maxTokens !== undefined && maxTokens <= budgetTokens) {
    throw modelRefuses(`\`max_tokens\` must be greater than \`thinking.budget_tokens\`. ${THINKING_GUIDE}`)
  }
  if (temperature !== undefined && temperature !== 1) {
    throw modelRefuses(
      `\`temperature\` may only be set to 1 when thinking is enabled or in adaptive mode. ${THINKING_GUIDE}`
    )
  }
  if (topP !== undefined && topP < 0.95) {
    throw modelRefuses(
      `\`top_p\` must be greater than or equal to 0.95 or unset when thinking is enabled. ${THINKING_GUIDE}`
    )
  }
  if (request.additionalModelRequestFields?.top_k !== undefined) {
    throw modelRefuses(`\`top_k\` must be unset when thinking is enabled. ${THINKING_GUIDE}`)
  }
  const choice = request.toolConfig?.toolChoice
  if (choice?.any ?? choice?.tool) throw modelRefuses('Thinking may not be enabled when tool_choice forces tool use.')
}

/** The schema that the answer is to fit; Bedrock takes it as text. */
export function shapeOf({ outputConfig }: ConverseRequest): Json | undefined {
  const text = outputConfig?.textFormat?.structure.jsonSchema?.schema
  if (text === undefined) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    throw invalid('The schema at outputConfig.textFormat.structure.jsonSchema.schema is not valid JSON.')
  }
}

function checkFormat(request: ConverseRequest): void {
  const schema = shapeOf(request)
  const fault = outputSchemaFault(schema)
  if (fault !== undefined) throw modelRefuses(`output_config.format.schema: ${fault}`)
  const blocks = request.messages.flatMap(({ content }) => content)
  if (schema === undefined || !blocks.some(({ document }) => document?.citations?.enabled)) return
  throw modelRefuses('output_config.format.schema: structured output cannot be combined with citations')
}
