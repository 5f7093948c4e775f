import { isObject, type Json } from '../json.ts'
import { isReasoningName } from '../models.ts'
import { invalid } from '../openai/errors.ts'
import { strictSchemaFault } from '../openai/strict-schema.ts'
import { Refusal } from '../refusal.ts'
import type { Sealer } from '../seal.ts'
import { type Item, missing, type ResponsesRequest, typeOf } from './request.ts'
import type { Shelf } from './shelf.ts'

/** Rules between members that OpenAI checks after the types; throws the refusal of the first one broken. */
export function validate(request: ResponsesRequest): void {
  const { input, prompt, previous_response_id, conversation } = request
  if (request.model === undefined && !isSet(prompt)) throw missing('model')
  if (input === undefined && ![prompt, previous_response_id, conversation].some(isSet)) {
    throw invalid('One of "input" or "previous_response_id" or \'prompt\' or \'conversation_id\' must be provided.', {
      param: 'input',
      code: 'missing_required_parameter'
    })
  }
  if (isSet(previous_response_id) && isSet(conversation)) {
    throw invalid(
      "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing one of: " +
        "'previous_response_id' or 'conversation'.",
      { code: 'mutually_exclusive_parameters' }
    )
  }
  if (isSet(conversation)) {
    const id = typeof conversation === 'string' ? conversation : conversation?.id
    throw new Refusal(404, 'invalid_request_error', `Conversation with id '${id}' not found.`)
  }
  checkModel(request)
  checkTools(request)
  checkFormat(request)
}

/** Families of which it is known that they do not think. */
const NEVER_THINKS = /^(?:gpt-3|gpt-4|chatgpt-)/

function checkModel(request: ResponsesRequest): void {
  const { model = '', reasoning, stream_options } = request
  const effort = reasoning?.effort
  if (isSet(effort) && effort !== 'none' && NEVER_THINKS.test(model)) throw notWith('reasoning.effort')
  if (/^(?:sim\/)?o\d/.test(model) && isSet(effort) && !['low', 'medium', 'high'].includes(String(effort))) {
    throw invalid(
      `Unsupported value: '${effort}' is not supported with the '${model}' model. Supported values are: 'low', ` +
        "'medium', and 'high'.",
      { param: 'reasoning.effort', code: 'unsupported_value' }
    )
  }
  if (isReasoningName(model) && effort !== 'none') {
    // models from GPT-5.1 on do not think by themselves and take both
    const isOptional = /^(?:sim\/)?gpt-5\.\d/.test(model) && !isSet(effort)
    const stray = (['temperature', 'top_p'] as const).find(name => isSet(request[name]) && request[name] !== 1)
    if (stray !== undefined && !isOptional) throw notWith(stray)
  }
  if (isSet(stream_options) && request.stream !== true) {
    throw invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.", {
      param: 'stream_options'
    })
  }
}

function notWith(param: string): Refusal {
  return invalid(`Unsupported parameter: '${param}' is not supported with this model.`, {
    param,
    code: 'unsupported_parameter'
  })
}

function checkTools(request: ResponsesRequest): void {
  const tools = request.tools ?? []
  tools.forEach((tool, index) => {
    if (tool.type !== 'function' || tool.strict !== true) return
    const fault = strictSchemaFault(tool.parameters as Json)
    if (fault === undefined) return
    throw invalid(`Invalid schema for function '${tool.name}': ${fault}`, {
      param: `tools[${index}].parameters`,
      code: 'invalid_function_parameters'
    })
  })
  const choice = request.tool_choice
  if (choice === 'required' && tools.length === 0) {
    throw invalid("Tool choice 'required' must be specified with 'tools' parameter.", { param: 'tool_choice' })
  }
  if (!isObject(choice)) return
  if (choice.type === 'allowed_tools') return
  const isNamed = choice.type === 'function' || choice.type === 'custom'
  if (isNamed && typeof choice.name !== 'string') throw missing('tool_choice.name')
  const wantedFamily = familyOf(String(choice.type))
  const isThere = tools.some(tool => familyOf(tool.type) === wantedFamily && (!isNamed || tool.name === choice.name))
  if (isThere) return
  const wanted = isNamed ? choice.name : choice.type
  throw invalid(`Tool choice '${wanted}' not found in 'tools' parameter.`, { param: 'tool_choice' })
}

/** A hosted tool without the date or stage of its version: a choice need not name the same one. */
function familyOf(type: string): string {
  return type.replace(/_(?:preview|20\d\d).*$/, '')
}

function checkFormat(request: ResponsesRequest): void {
  const format = request.text?.format
  const said = [request.instructions, request.input]
  if (format?.type === 'json_object' && !/json/i.test(JSON.stringify(said))) {
    throw invalid(
      "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'.",
      { param: 'input' }
    )
  }
  if (format?.type !== 'json_schema' || format.strict !== true) return
  const fault = strictSchemaFault(format.schema as Json)
  if (fault === undefined) return
  throw invalid(`Invalid schema for response_format '${format.name}': ${fault}`, {
    param: 'text.format.schema',
    code: 'invalid_json_schema'
  })
}

const CALLS: Record<string, string> = { function_call: 'function', custom_tool_call: 'custom' }
const OUTPUTS: Record<string, string> = { function_call_output: 'function', custom_tool_call_output: 'custom' }
const OUTPUT_WORDS: Record<string, string> = { function: 'function call output', custom: 'custom tool call output' }
const CALL_WORDS: Record<string, string> = { function: 'function call', custom: 'custom tool call' }

/** Rules over the whole conversation, what came before included: `own` is where the request's own items begin. */
export function checkConversation(items: Item[], own: number, sealer: Sealer, shelf: Shelf): void {
  const called = new Map<string, string>()
  const open = new Map<string, string>()
  for (const item of items) {
    const type = typeOf(item)
    const id = String(item.call_id)
    const answers = OUTPUTS[type]
    if (answers !== undefined) {
      if (called.get(id) !== answers) {
        throw invalid(`No tool call found for ${OUTPUT_WORDS[answers]} with call_id ${id}.`, { param: 'input' })
      }
      open.delete(id)
    }
    const calls = CALLS[type]
    if (calls === undefined) continue
    called.set(id, calls)
    open.set(id, calls)
  }
  for (const [id, kind] of open) {
    throw invalid(`No tool output found for ${CALL_WORDS[kind]} ${id}.`, { param: 'input' })
  }
  checkThoughts(items, own, sealer, shelf)
}

/** What may stand behind a thought: more thought, or what was said or called because of it. */
const CARRIES_ON = /^(?:reasoning|function_call|custom_tool_call|\w+_call|mcp_\w+|program|compaction|tool_search_\w+)$/

function checkThoughts(items: Item[], own: number, sealer: Sealer, shelf: Shelf): void {
  const ids = new Set(items.map(item => item.id))
  items.forEach((item, index) => {
    if (index < own) return
    const needed = typeof item.id === 'string' ? shelf.item(item.id)?.thought : undefined
    if (needed !== undefined && !ids.has(needed)) {
      throw invalid(
        `Item '${item.id}' of type '${typeOf(item)}' was provided without its required 'reasoning' item: '${needed}'.`,
        { param: 'input' }
      )
    }
    if (item.type !== 'reasoning') return
    checkSeal(item, sealer, shelf)
    const next = items[index + 1]
    const isFollowed = next && (CARRIES_ON.test(typeOf(next)) || next.role === 'assistant')
    if (isFollowed) return
    throw invalid(`Item '${item.id}' of type 'reasoning' was provided without its required following item.`, {
      param: 'input'
    })
  })
}

function checkSeal(item: Item, sealer: Sealer, shelf: Shelf): void {
  if (typeof item.encrypted_content === 'string') {
    if (typeof sealer.checkHidden(item.encrypted_content) !== 'string') return
    throw invalid(
      `The encrypted content for item ${item.id} could not be verified. Reason: Encrypted content could not be ` +
        'decrypted or parsed.',
      { code: 'invalid_encrypted_content' }
    )
  }
  if (typeof item.id === 'string' && !shelf.item(item.id)) throw unknownItem(item.id)
}

export function unknownItem(id: string): Refusal {
  return new Refusal(
    404,
    'invalid_request_error',
    `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` ` +
      'set to true, or remove this item from your input.',
    { param: 'input' }
  )
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null
}
