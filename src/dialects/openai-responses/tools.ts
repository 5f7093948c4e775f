import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Seal, Tool, ToolChoice } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, isForeign, type Kept, lose, Members, objectOf, ours, restore, sealed, spelt } from './members.ts'
import { joined } from './names.ts'

export interface Declared {
  tools?: Tool[]
  /** Tools that only the provider can run, by path and type. */
  bound: string[]
}

/** `tools`: functions, custom tools and the groups they stand in; all others are the provider's own, kept whole. */
export function decodeTools(members: Members): Declared {
  const list = members.maybeArray('tools')
  if (list === undefined) return { bound: [] }
  // An empty list says nothing; it is written back as it came.
  if (list.length === 0) {
    members.spell('tools', [])
    return { bound: [] }
  }
  const tools = list.flatMap((value, index) => decodeTool(value, `tools[${index}]`))
  const bound = list.flatMap((value, index) => {
    const type = objectOf(value).type
    return CANONICAL.has(String(type)) ? [] : [`tools[${index}].${type}`]
  })
  return { tools, bound }
}

const CANONICAL = new Set(['function', 'custom', 'namespace'])

function decodeTool(value: Json, path: string): Tool[] {
  const members = new Members(value, path, 'request')
  switch (members.string('type')) {
    case 'function':
      return [decodeFunction(members)]
    case 'custom':
      return [decodeCustom(members)]
    case 'namespace':
      return decodeNamespace(members, value)
    default: {
      const name = members.peek('name') ?? members.peek('server_label') ?? objectOf(value).type
      return [{ name: String(name), native: sealed(value) }]
    }
  }
}

function decodeFunction(members: Members): Tool {
  return {
    name: members.string('name'),
    ...given({
      description: members.maybeString('description'),
      input: members.maybeObject('parameters'),
      strict: members.maybeBoolean('strict')
    }),
    ...members.kept()
  }
}

function decodeCustom(members: Members): Tool {
  const format = members.maybeObject('format')
  return {
    name: members.string('name'),
    ...given({ description: members.maybeString('description') }),
    freeform: format === undefined ? {} : { format: sealed(format) },
    ...members.kept()
  }
}

/** The tools of a group, each with the group's name before its own. */
function decodeNamespace(members: Members, value: Json): Tool[] {
  const { tools: _, ...group } = value as JsonObject
  const namespace = members.string('name')
  const path = members.at('tools')
  const tools = members.array('tools').flatMap((each, index) => decodeTool(each, `${path}[${index}]`))
  return tools.map((tool, index) => ({
    ...tool,
    name: joined(namespace, tool.name),
    ...(index === 0 && group.description !== undefined && { rest: sealed({ ...ours(tool.rest), ...ABOUT }) }),
    spelling: sealed({ namespace: group, name: tool.name, own: ours(tool.spelling) })
  }))
}

/** What is said of a group has no place elsewhere: named with its first tool. */
const ABOUT: JsonObject = { 'namespace.description': true }

/** The tools as this dialect declares them; what another dialect's provider runs is named as lost. */
export function encodeTools(tools: readonly Tool[], own: boolean, losses: Losses): JsonObject[] {
  const natives: JsonObject[] = []
  let group: { of: Json; tools: JsonObject[] } | undefined
  tools.forEach((tool, index) => {
    const native = encodeTool(tool, `tools[${index}]`, own, losses)
    if (native === undefined) return
    const namespace = spelt(tool, 'namespace')
    if (namespace === undefined) {
      group = undefined
      natives.push(native)
      return
    }
    // The tools of one group share what was read of it.
    if (group?.of !== namespace) {
      group = { of: namespace, tools: [] }
      natives.push({ ...objectOf(namespace), tools: group.tools })
    }
    group.tools.push(native)
  })
  return natives
}

function encodeTool(tool: Tool, path: string, own: boolean, losses: Losses): JsonObject | undefined {
  if (tool.native) {
    if (!isForeign(tool.native)) return tool.native.value as JsonObject
    lose(losses, path)
    return undefined
  }
  if (tool.cache) lose(losses, `${path}.cache_control`)
  const grouped = spelt(tool, 'namespace') !== undefined
  const name = grouped ? spelt(tool, 'name') : tool.name
  const kept = grouped ? keptInGroup(tool) : tool
  if (tool.freeform) {
    const format = encodeFormat(tool.freeform.format, `${path}.format`, losses)
    const native = { type: 'custom', name, ...given({ description: tool.description, format }) }
    return restore(native as JsonObject, kept, path, losses)
  }
  // Unsaid, this dialect means a strict schema, which no other does.
  const strict = own ? tool.strict : (tool.strict ?? false)
  const parameters = own ? tool.input : (tool.input ?? { type: 'object', properties: {} })
  const native = { type: 'function', name, ...given({ description: tool.description, parameters, strict }) }
  return restore(native as JsonObject, kept, path, losses)
}

function keptInGroup(tool: Tool): Kept {
  const rest = { ...ours(tool.rest) }
  for (const name of Object.keys(ABOUT)) delete rest[name]
  return { rest: sealed(rest), spelling: sealed(objectOf(spelt(tool, 'own'))) }
}

/** A grammar: chat completions have it in an object of its own, here its members stand beside the type. */
function encodeFormat(format: Seal | undefined, path: string, losses: Losses): Json | undefined {
  if (format === undefined) return undefined
  const { maker, value } = format
  if (!isForeign(format)) return value
  if (maker === 'openai-chat' && isObject(value)) {
    const { grammar, ...shared } = value
    return { ...shared, ...objectOf(grammar) }
  }
  lose(losses, path)
  return undefined
}

/** `tool_choice`. What another dialect has no word for stays in the rest, with how far it can be said beside it. */
export function decodeToolChoice(members: Members): ToolChoice | undefined {
  const given = members.peek('tool_choice')
  if (given === undefined || given === null) return undefined
  if (typeof given !== 'string' && !isObject(given)) throw members.wrong('tool_choice', 'must be a string or an object')
  if (given === 'auto' || given === 'none' || given === 'required') {
    members.take('tool_choice')
    return { type: given }
  }
  if (!isObject(given)) return undefined
  const { type, mode, name } = given
  if (type === 'allowed_tools') return mode === 'required' ? { type: 'required' } : { type: 'auto' }
  if ((type !== 'function' && type !== 'custom') || typeof name !== 'string') return undefined
  members.spell('tool_choice', members.take('tool_choice')!)
  return { type: 'tool', name }
}

/** `tool_choice` for a request of another dialect, or as a reply repeats it. */
export function encodeToolChoice(choice: ToolChoice, tools: readonly Tool[]): Json {
  if (choice.type !== 'tool') return choice.type
  const isCustom = tools.some(tool => tool.name === choice.name && tool.freeform)
  return { type: isCustom ? 'custom' : 'function', name: choice.name }
}
