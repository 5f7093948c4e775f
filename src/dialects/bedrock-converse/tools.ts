import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Message, Tool, ToolChoice } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { fitSchema } from '../fit-schema.ts'
import { marks } from './decode-part.ts'
import { encodeCache } from './encode-part.ts'
import { given, lose, type Members, members, NAME, restore, sealed } from './members.ts'
import type { Family } from './models.ts'
import { fitName } from './names.ts'

/** `toolConfig`: the tools, with cache points as marks on them, and which of them the model is to call. */
export function decodeToolConfig(body: Members): Pick<ChatRequest, 'tools' | 'toolChoice'> {
  const config = body.nested('toolConfig')
  if (config === undefined) return {}
  const declared = config.maybeArray('tools')
  const tools: Tool[] = []
  for (const [index, tool] of (declared ?? []).entries()) {
    if (!marks(tools.at(-1), tool)) tools.push(decodeTool(tool, `${config.at('tools')}[${index}]`))
  }
  return given({ tools: declared && tools, toolChoice: decodeChoice(config) })
}

/** A tool with a schema; a hosted one, or what else may be listed, is kept whole. */
function decodeTool(value: Json, path: string): Tool {
  const tool = members(value, path, 'request')
  const spec = tool.nested('toolSpec')
  if (spec === undefined) {
    const [[kind, inner] = ['tool', null]] = Object.entries(value as JsonObject)
    const name = isObject(inner) && typeof inner.name === 'string' ? inner.name : kind
    return { name, native: sealed(value) }
  }
  const name = spec.string('name')
  const description = spec.maybeString('description')
  const input = spec.nested('inputSchema')?.maybeObject('json')
  return { name, ...given({ description, input, strict: spec.maybeBoolean('strict') }), ...tool.kept() }
}

function decodeChoice(config: Members): ToolChoice | undefined {
  const choice = config.peek('toolChoice')
  if (!isObject(choice) || Object.keys(choice).length !== 1) return undefined
  const { auto, any, tool } = choice
  const named = isObject(tool) && typeof tool.name === 'string' ? tool.name : undefined
  if (!isEmpty(auto) && !isEmpty(any) && (named === undefined || Object.keys(tool as JsonObject).length > 1))
    return undefined
  config.take('toolChoice')
  if (named !== undefined) return { type: 'tool', name: named }
  return { type: auto ? 'auto' : 'required' }
}

function isEmpty(value: Json | undefined): boolean {
  return isObject(value) && Object.keys(value).length === 0
}

/** `toolConfig` as it was said. */
export function encodeOwnTools({ tools, toolChoice }: ChatRequest, losses: Losses): JsonObject | undefined {
  if (tools === undefined && toolChoice === undefined) return undefined
  const said = tools?.flatMap((tool, index) => encodeOwnTool(tool, `tools[${index}]`, losses))
  return given({ tools: said, toolChoice: toolChoice && encodeChoice(toolChoice) }) as JsonObject
}

function encodeOwnTool(tool: Tool, path: string, losses: Losses): JsonObject[] {
  const cache = encodeCache(tool, 'everywhere', path, losses)
  if (tool.native) return [tool.native.value as JsonObject, ...cache]
  const { name, description, input, strict } = tool
  const inputSchema = input && { json: input }
  const toolSpec = given({ name, description, inputSchema, strict }) as JsonObject
  return [restore({ toolSpec }, tool, path, losses), ...cache]
}

interface ToolFit {
  family: Family
  /** A model that thinks is not forced to call a tool. */
  thinks: boolean
}

/**
 * `toolConfig` for a request of another dialect. Bedrock has no word for `none`, so no tools are declared then. But
 * where the conversation holds calls there must be tools: then they stay, or the ones that were called are named.
 */
export function fitTools(request: ChatRequest, { family, thinks }: ToolFit, losses: Losses): JsonObject | undefined {
  const called = calledIn(request.messages)
  const forbidden = request.toolChoice?.type === 'none'
  const declared = forbidden && called.length === 0 ? [] : (request.tools ?? [])
  const tools = declared.flatMap((tool, index) => fitTool(tool, `tools[${index}]`, family, losses))
  if (tools.length > 0) {
    if (forbidden) lose(losses, 'tool_choice')
    return { tools, ...fitChoice(request.toolChoice, family, thinks, losses) }
  }
  if (request.toolChoice?.type === 'required' || request.toolChoice?.type === 'tool') lose(losses, 'tool_choice')
  return called.length > 0 ? { tools: called.map(withdrawn) } : undefined
}

function calledIn(messages: readonly Message[]): string[] {
  const parts = messages.flatMap(message => message.parts)
  return [...new Set(parts.flatMap(part => (part.type === 'tool-call' ? [fitName(part.name)] : [])))]
}

/** A tool that was called earlier and is not there any more. */
function withdrawn(name: string): JsonObject {
  const description = 'No longer available. Do not call it.'
  return { toolSpec: { name, description, inputSchema: { json: { type: 'object', properties: {} } } } }
}

function fitTool(tool: Tool, path: string, family: Family, losses: Losses): JsonObject[] {
  if (tool.native) {
    if (tool.native.maker === NAME) return [tool.native.value as JsonObject]
    lose(losses, path)
    return []
  }
  const name = fitName(tool.name)
  if (tool.strict && !family.structured) lose(losses, `${path}.strict`)
  const strict = tool.strict && family.structured ? true : undefined
  const description = tool.description?.trim() ? tool.description : undefined
  const json = fitInput(tool, strict === true, `${path}.parameters`, losses)
  const toolSpec = given({ name, description, inputSchema: { json }, strict }) as JsonObject
  const caches = family.caches === 'not-after-tools' ? 'nowhere' : family.caches
  return [restore({ toolSpec }, tool, path, losses), ...encodeCache(tool, caches, path, losses)]
}

/** Bedrock wants a schema of an object for every tool, also for one that takes nothing. */
function fitInput(tool: Tool, strict: boolean, path: string, losses: Losses): JsonObject {
  const input = strict && tool.input ? fitSchema(tool.input, path, losses) : tool.input
  return { ...input, type: 'object', properties: isObject(input?.properties) ? input.properties : {} }
}

/** What is the default, `auto`, goes without saying: some models refuse to hear of any choice. */
function fitChoice(choice: ToolChoice | undefined, family: Family, thinks: boolean, losses: Losses): JsonObject {
  const wanted = choice?.type === 'required' ? 'any' : choice?.type === 'tool' ? 'tool' : undefined
  if (wanted === undefined) return {}
  const forced = thinks || family.claude?.forcedTools === false ? [] : family.forced
  if (forced.includes(wanted)) return { toolChoice: encodeChoice(choice!, fitName) }
  lose(losses, 'tool_choice')
  return forced.includes('any') ? { toolChoice: { any: {} } } : {}
}

const asIs = (name: string): string => name

function encodeChoice(choice: ToolChoice, nameOf = asIs): JsonObject {
  if (choice.type === 'tool') return { tool: { name: nameOf(choice.name) } }
  return choice.type === 'required' ? { any: {} } : { auto: {} }
}
