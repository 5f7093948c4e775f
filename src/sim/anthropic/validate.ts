import type { Json } from '../json.ts'
import type { Sealer } from '../seal.ts'
import { checkBlocks } from './blocks.ts'
import { checkCacheMarks } from './cache-marks.ts'
import { invalid } from './errors.ts'
import { outputSchemaFault } from './output-schema.ts'
import type { MessagesRequest } from './schema.ts'
import { checkSeals } from './seals.ts'
import { checkTurns } from './turns.ts'

const THINKING_GUIDE =
  'Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking'

/** Rules between members that Anthropic checks after the types; throws the refusal of the first one broken. */
export function validate(request: MessagesRequest, sealer: Sealer): void {
  checkThinking(request)
  checkTools(request)
  checkStops(request)
  checkTurns(request.messages)
  checkBlocks(request)
  checkSeals(request, sealer)
  checkCacheMarks(request)
  checkOutputSchema(request)
}

export function isThinking(request: MessagesRequest): boolean {
  return request.thinking?.type === 'enabled' || request.thinking?.type === 'adaptive'
}

function checkThinking(request: MessagesRequest): void {
  const { thinking, max_tokens } = request
  if (!isThinking(request)) return
  if (thinking?.type === 'enabled' && max_tokens !== undefined && max_tokens <= thinking.budget_tokens) {
    throw invalid(`\`max_tokens\` must be greater than \`thinking.budget_tokens\`. ${THINKING_GUIDE}`)
  }
  if (request.temperature !== undefined && request.temperature !== 1) {
    throw invalid(
      `\`temperature\` may only be set to 1 when thinking is enabled or in adaptive mode. ${THINKING_GUIDE}`
    )
  }
  if (request.top_k !== undefined) throw invalid(`\`top_k\` must be unset when thinking is enabled. ${THINKING_GUIDE}`)
  if (request.top_p !== undefined && request.top_p < 0.95) {
    throw invalid(
      `\`top_p\` must be greater than or equal to 0.95 or unset when thinking is enabled. ${THINKING_GUIDE}`
    )
  }
  if (request.tool_choice?.type === 'any' || request.tool_choice?.type === 'tool') {
    throw invalid('Thinking may not be enabled when tool_choice forces tool use.')
  }
}

function checkTools(request: MessagesRequest): void {
  const { tools, tool_choice } = request
  const names = (tools ?? []).map(tool => tool.name)
  if (new Set(names).size < names.length) throw invalid('tools: Tool names must be unique.')
  if (tool_choice === undefined) return
  if (names.length === 0) throw invalid('tool_choice: may only be specified while providing tools.')
  if (tool_choice.type === 'tool' && !names.includes(tool_choice.name)) {
    throw invalid(`tool_choice: Tool '${tool_choice.name}' not found in provided tools`)
  }
}

function checkStops(request: MessagesRequest): void {
  if (request.stop_sequences?.some(sequence => sequence.trim() === '')) {
    throw invalid('stop_sequences: each stop sequence must contain non-whitespace')
  }
}

function checkOutputSchema(request: MessagesRequest): void {
  if (request.output_config?.format && request.output_format) {
    throw invalid('output_format: cannot be used together with output_config.format')
  }
  const where = request.output_format ? 'output_format.schema' : 'output_config.format.schema'
  const format = request.output_format ?? request.output_config?.format
  if (!format) return
  const fault = outputSchemaFault(format.schema as Json)
  if (fault !== undefined) throw invalid(`${where}: ${fault}`)
  const cites = request.messages.some(
    ({ content }) =>
      typeof content !== 'string' && content.some(block => block.type === 'document' && block.citations?.enabled)
  )
  if (cites) throw invalid(`${where}: structured output cannot be combined with citations`)
}
