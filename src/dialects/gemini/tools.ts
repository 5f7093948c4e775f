import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Tool, ToolChoice } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { camelCase, given, type Kept, lose, Members, NAME, ours, restore, sealed } from './members.ts'
import { schemaToJson } from './schema.ts'

/** Where a tool stood: in which element of `tools`, under which name. Not written itself. */
const PLACE = '\u0000place'

/**
 * `tools`: each element holds lists of functions and hosted tools side by side (ai.google.dev/api/caching#Tool).
 * Functions become tools of their own; a hosted one (`googleSearch`, `codeExecution`, `urlContext`, …) is kept whole.
 */
export function decodeTools(body: Members): Tool[] | undefined {
  const elements = body.maybeList('tools')
  return elements?.flatMap((element, group) => {
    if (!isObject(element)) throw body.wrong(`tools[${group}]`, 'must be an object')
    return decodeElement(element, `tools[${group}]`, group)
  })
}

function decodeElement(element: JsonObject, path: string, group: number): Tool[] {
  const nulls = Object.fromEntries(Object.entries(element).filter(([, value]) => value === null))
  const tools = Object.entries(element).flatMap(([name, value]): Tool[] => {
    if (value === null || value === undefined) return []
    if (camelCase(name) !== 'functionDeclarations') return [hosted(name, { [name]: value }, { group, nulls })]
    const list = Array.isArray(value) ? value : [value]
    const place = { group, name, nulls, alone: !Array.isArray(value) }
    return list.map((each, index) => placed(decodeFunction(each, `${path}.${name}[${index}]`), place))
  })
  return tools.length > 0 ? tools : [hosted('', element, { group })]
}

function hosted(name: string, value: JsonObject, place: Place): Tool {
  return placed({ name: camelCase(name), native: sealed(value) }, place)
}

interface Place {
  group: number
  /** How `functionDeclarations` was written. */
  name?: string
  /** It stood there without a list. */
  alone?: boolean
  /** Members of the element that say nothing. */
  nulls?: JsonObject
}

function placed(tool: Tool, place: Place): Tool {
  return { ...tool, spelling: sealed({ ...ours(tool.spelling), [PLACE]: { ...place } }) }
}

function decodeFunction(value: Json, path: string): Tool {
  const members = new Members(value, path, 'request')
  return {
    name: members.string('name'),
    ...given({ description: members.maybeString('description'), input: decodeInput(members) }),
    ...members.kept()
  }
}

function decodeInput(members: Members): JsonObject | undefined {
  const json = members.maybeObject('parametersJsonSchema')
  if (json) return json
  const schema = members.maybeObject('parameters')
  if (schema === undefined) return undefined
  members.spell('parameters', schema)
  return schemaToJson(schema)
}

/** `tools` as they were said. */
export function encodeOwnTools(tools: readonly Tool[], losses: Losses): JsonObject[] {
  const elements: JsonObject[] = []
  for (const [index, tool] of tools.entries()) {
    const { [PLACE]: place, ...spelling } = ours(tool.spelling)
    const { group = 0, name = 'functionDeclarations', alone, nulls } = (isObject(place) ? place : {}) as Partial<Place>
    elements[group] ??= { ...nulls }
    const element = elements[group]
    if (tool.native) Object.assign(element, tool.native.value)
    else {
      const native = encodeOwnFunction(tool, spelling, `tools[${index}]`, losses)
      const list = Array.isArray(element[name]) ? element[name] : []
      element[name] = alone ? native : [...list, native]
    }
  }
  return elements
}

function encodeOwnFunction(tool: Tool, spelling: JsonObject, path: string, losses: Losses): JsonObject {
  const kept: Kept = given({ rest: tool.rest, spelling: sealed(spelling) })
  const input = spelling.parameters === undefined ? tool.input : undefined
  return restore(declaration(tool, input), kept, path, losses)
}

function declaration({ name, description }: Tool, input: JsonObject | undefined): JsonObject {
  return given({ name, description, parametersJsonSchema: input }) as JsonObject
}

/** The functions of a request from another dialect, with their schemas as they are. */
export function fitTools(tools: readonly Tool[], losses: Losses): JsonObject[] {
  const functions = tools.flatMap((tool, index) => {
    const path = `tools[${index}]`
    if (tool.native) {
      if (tool.native.maker !== NAME) lose(losses, path)
      return []
    }
    if (tool.strict) lose(losses, `${path}.strict`)
    if (tool.cache) lose(losses, `${path}.cache_control`)
    return [restore(declaration(tool, tool.input), tool, path, losses)]
  })
  return functions.length > 0 ? [{ functionDeclarations: functions }] : []
}

const MODES: Readonly<Record<string, ToolChoice['type']>> = {
  AUTO: 'auto',
  ANY: 'required',
  NONE: 'none',
  // A function or words as the model likes, the function's arguments by its schema.
  VALIDATED: 'auto',
  1: 'auto',
  2: 'required',
  3: 'none'
}

/** `toolConfig.functionCallingConfig`; which of several functions may be called has no word elsewhere. */
export function decodeToolChoice(body: Members): ToolChoice | undefined {
  const config = body.nested('toolConfig')?.nested('functionCallingConfig')
  const mode = config?.peek('mode')
  const type = typeof mode === 'string' || typeof mode === 'number' ? MODES[mode] : undefined
  if (type === undefined || type === 'tool') return undefined
  config!.spell('mode', config!.take('mode')!)
  const names = config!.peek('allowedFunctionNames')
  if (type !== 'required' || !Array.isArray(names) || names.length !== 1) return { type } as ToolChoice
  config!.take('allowedFunctionNames')
  return { type: 'tool', name: String(names[0]) }
}

const CHOICES = { auto: 'AUTO', none: 'NONE', required: 'ANY', tool: 'ANY' } as const

export function encodeToolChoice(choice: ToolChoice | undefined): JsonObject {
  if (choice === undefined) return {}
  const names = choice.type === 'tool' ? { allowedFunctionNames: [choice.name] } : {}
  return { toolConfig: { functionCallingConfig: { mode: CHOICES[choice.type], ...names } } }
}

/** The functions and how to use them. Where none of them could be said, there is nothing to force. */
export function fitTooling(request: ChatRequest, losses: Losses): JsonObject {
  const { toolChoice, parallelToolCalls } = request
  const tools = fitTools(request.tools ?? [], losses)
  if (parallelToolCalls === false && tools.length > 0) lose(losses, 'parallel_tool_calls')
  if (tools.length > 0) return { tools, ...encodeToolChoice(toolChoice) }
  if (toolChoice?.type === 'required' || toolChoice?.type === 'tool') lose(losses, 'tool_choice')
  return {}
}
