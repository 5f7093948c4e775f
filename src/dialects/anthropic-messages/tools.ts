import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Tool, ToolChoice } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { fitSchema } from '../fit-schema.ts'
import { decodeCache } from './decode-part.ts'
import { encodeCache } from './encode-part.ts'
import { given, lose, Members, NAME, restore, sealed } from './members.ts'

/** A declared tool: one with an `input_schema` (`type` absent or `custom`), else a hosted one, kept whole. */
export function decodeTool(value: Json, path: string): Tool {
  const members = new Members(value, path, 'request')
  const type = members.peek('type')
  if (typeof type === 'string' && type !== 'custom') {
    const name = members.peek('name')
    return { name: typeof name === 'string' ? name : type, native: sealed(value) }
  }
  members.take('type')
  if (type !== undefined) members.spell('type', type)
  return {
    name: members.string('name'),
    ...given({
      description: members.maybeString('description'),
      input: members.maybeObject('input_schema'),
      strict: members.maybeBoolean('strict')
    }),
    ...decodeCache(members),
    ...members.kept()
  }
}

export function encodeTools(tools: Tool[], own: boolean, losses: Losses): JsonObject[] {
  return tools.flatMap((tool, index) => {
    const encoded = encodeTool(tool, `tools[${index}]`, own, losses)
    return encoded === undefined ? [] : [encoded]
  })
}

function encodeTool(tool: Tool, path: string, own: boolean, losses: Losses): JsonObject | undefined {
  if (tool.native) {
    if (tool.native.maker === NAME) return tool.native.value as JsonObject
    lose(losses, path)
    return undefined
  }
  const input = own ? tool.input : fitInput(tool, `${path}.parameters`, losses)
  const strict = own || tool.strict ? tool.strict : undefined
  const made = { name: tool.name, ...given({ description: tool.description, input_schema: input, strict }) }
  return {
    ...restore(made, tool, path, losses),
    ...(tool.cache ? { cache_control: encodeCache(tool.cache) } : {})
  }
}

/** The provider wants a schema of an object for every tool, also for one that takes nothing. */
function fitInput(tool: Tool, path: string, losses: Losses): JsonObject {
  const input = tool.strict && tool.input ? fitSchema(tool.input, path, losses) : tool.input
  return { ...input, type: 'object', properties: isObject(input?.properties) ? input.properties : {} }
}

/** `tool_choice` also carries whether calls may be parallel. */
export function decodeToolChoice(body: Members): { toolChoice?: ToolChoice; parallelToolCalls?: boolean } {
  const members = body.nested('tool_choice')
  if (members === undefined) return {}
  const toolChoice = choiceOf(members)
  if (toolChoice) members.take('type')
  const disabled = members.maybeBoolean('disable_parallel_tool_use')
  return given({ toolChoice, parallelToolCalls: disabled === undefined ? undefined : !disabled })
}

function choiceOf(members: Members): ToolChoice | undefined {
  switch (members.peek('type')) {
    case 'auto':
      return { type: 'auto' }
    case 'none':
      return { type: 'none' }
    case 'any':
      return { type: 'required' }
    case 'tool':
      return { type: 'tool', name: members.string('name') }
    case undefined:
      throw members.wrong('type', 'must be `auto`, `any`, `tool` or `none`')
    default:
      return undefined
  }
}

const CHOICE = { auto: 'auto', none: 'none', required: 'any', tool: 'tool' } as const

interface ChoiceFit {
  own: boolean
  /** Whether the request says any tool. */
  tools: boolean
  /** Whether the model may be forced to call one, in this request. */
  forced: boolean
}

export function encodeToolChoice(request: ChatRequest, fit: ChoiceFit, losses: Losses): JsonObject | undefined {
  const { toolChoice, parallelToolCalls } = request
  const parallel: JsonObject = parallelToolCalls === undefined ? {} : { disable_parallel_tool_use: !parallelToolCalls }
  if (fit.own) {
    if (toolChoice === undefined && parallelToolCalls === undefined) return undefined
    return { ...encodeChoice(toolChoice), ...parallel }
  }
  if (!fit.tools) {
    if (toolChoice && toolChoice.type !== 'none' && toolChoice.type !== 'auto') lose(losses, 'tool_choice')
    return undefined
  }
  const forces = toolChoice?.type === 'required' || toolChoice?.type === 'tool'
  if (forces && !fit.forced) lose(losses, 'tool_choice')
  const choice: ToolChoice | undefined = forces && !fit.forced ? { type: 'auto' } : toolChoice
  // Parallel calls are the default; the switch has no place beside `none`.
  if (parallelToolCalls === false && choice?.type !== 'none') {
    return { ...encodeChoice(choice ?? { type: 'auto' }), ...parallel }
  }
  return choice && encodeChoice(choice)
}

function encodeChoice(choice: ToolChoice | undefined): JsonObject {
  if (choice === undefined) return {}
  return { type: CHOICE[choice.type], ...(choice.type === 'tool' ? { name: choice.name } : {}) }
}
