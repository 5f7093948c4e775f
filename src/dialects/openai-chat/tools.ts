import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Format, Seal, Tool, ToolChoice } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { compact, isForeign, lose, Members, restore, sealed, spelt, wrongType } from './members.ts'
import { decodeCache, loseCache } from './parts.ts'

const STRICT = { lenient: false }

/** `tools` and the legacy `functions`, in that order. */
export function decodeTools(members: Members): Tool[] | undefined {
  const tools = members.array('tools')
  const functions = members.array('functions')
  // An empty list says nothing; it is written back for OpenAI's kin only.
  if (tools?.length === 0) members.putBack('tools')
  if (!tools?.length && !functions?.length) return undefined
  return [
    ...(tools ?? []).map((tool, index) => decodeTool(tool, `tools[${index}]`)),
    ...(functions ?? []).map((tool, index) => ({
      ...decodeFunction(objectAt(tool, `functions[${index}]`)),
      spelling: sealed({ legacy: true })
    }))
  ]
}

function objectAt(value: Json, path: string): Members {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  return new Members(value, path, STRICT)
}

function decodeTool(value: Json, path: string): Tool {
  if (!isObject(value)) throw wrongType(path, 'an object', value)
  const members = new Members(value, path, STRICT)
  // Mistral takes a function without its type.
  const type = members.string('type') ?? members.required('type', isObject(value.function) ? 'function' : undefined)
  if (value.type === undefined) members.spell('untyped', true)
  if (type === 'custom' && isObject(members.peek('custom'))) return decodeCustom(members)
  if (type !== 'function' || !isObject(members.peek('function'))) return nativeTool(value, type)
  const nested = new Members(members.object('function')!, members.at('function'), STRICT)
  const cache = decodeCache(members)
  const tool = readFunction(nested)
  members.nest('function', nested)
  return { ...tool, ...cache, ...members.kept() }
}

/** A tool that takes free text. */
function decodeCustom(members: Members): Tool {
  const nested = new Members(members.object('custom')!, members.at('custom'), STRICT)
  const cache = decodeCache(members)
  const format = nested.object('format')
  const tool = compact<Tool>({
    name: nested.required('name', nested.string('name')),
    description: nested.string('description'),
    freeform: format ? { format: sealed(format) } : {}
  })
  members.nest('custom', nested)
  return { ...tool, ...cache, ...members.kept() }
}

/** A tool that is neither a function nor a custom one: hosted search. */
function nativeTool(value: JsonObject, type: string): Tool {
  const nested = value[type]
  const name = isObject(nested) && typeof nested.name === 'string' ? nested.name : type
  return { name, native: sealed(value) }
}

function decodeFunction(members: Members): Tool {
  return { ...readFunction(members), ...members.kept() }
}

function readFunction(members: Members): Tool {
  return compact<Tool>({
    name: members.required('name', members.string('name')),
    description: members.string('description'),
    input: members.object('parameters'),
    strict: members.boolean('strict')
  })
}

/** The `tools` and `functions` members. */
export function encodeTools(tools: readonly Tool[], losses: Losses): JsonObject {
  const modern: JsonObject[] = []
  const functions: JsonObject[] = []
  for (const [index, tool] of tools.entries()) {
    const path = `tools[${index}]`
    if (tool.native) {
      if (isForeign(tool.native) || !isObject(tool.native.value)) lose(losses, path)
      else modern.push({ ...tool.native.value })
      continue
    }
    loseCache(tool, path, losses)
    const { name, description, input, strict } = tool
    if (tool.freeform) {
      const custom = compact<JsonObject>({
        name,
        description,
        format: encodeGrammar(tool.freeform.format, path, losses)
      })
      modern.push(restore({ type: 'custom', custom }, tool, path, losses))
      continue
    }
    const native = compact<JsonObject>({ name, description, parameters: input, strict })
    if (spelt(tool, 'legacy') === true)
      functions.push(restore(native, { ...(tool.rest && { rest: tool.rest }) }, path, losses))
    else modern.push(restore({ ...typed(tool), function: native }, tool, path, losses))
  }
  return compact<JsonObject>({
    tools: modern.length > 0 ? modern : undefined,
    functions: functions.length > 0 ? functions : undefined
  })
}

/** What text a custom tool takes: Responses say the members of a grammar beside its type, here they have an object. */
function encodeGrammar(format: Seal | undefined, path: string, losses: Losses): Json | undefined {
  if (!format || !isForeign(format)) return format?.value
  if (format.maker !== 'openai-responses' || !isObject(format.value)) {
    lose(losses, `${path}.format`)
    return undefined
  }
  const { type, ...grammar } = format.value
  return type === 'grammar' ? { type, grammar } : format.value
}

function typed(tool: Tool): JsonObject {
  return spelt(tool, 'untyped') === true ? {} : { type: 'function' }
}

/** `tool_choice`, or the legacy `function_call` of the request. What another dialect has no word for stays in the rest. */
export function decodeToolChoice(members: Members): ToolChoice | undefined {
  const legacy = members.take('function_call')
  if (legacy !== undefined) {
    members.spell('function_call', true)
    const choice = readChoice(isObject(legacy) ? { type: 'function', function: legacy } : legacy)
    if (!choice) throw wrongType('function_call', "'none', 'auto' or an object with a name", legacy)
    return choice
  }
  const given = members.take('tool_choice')
  if (given === undefined) return undefined
  if (typeof given !== 'string' && !isObject(given)) throw wrongType('tool_choice', 'a string or an object', given)
  const choice = readChoice(given)
  if (!choice) members.putBack('tool_choice')
  // Mistral's `any`, xAI's `{type: 'tool'}`.
  else if (given === 'any' || (isObject(given) && given.type !== 'function')) members.verbatim('tool_choice', given)
  return choice
}

function readChoice(given: Json): ToolChoice | undefined {
  if (given === 'auto' || given === 'none' || given === 'required') return { type: given }
  if (given === 'any') return { type: 'required' }
  if (!isObject(given)) return undefined
  if (given.type === 'function' && isObject(given.function) && typeof given.function.name === 'string') {
    return { type: 'tool', name: given.function.name }
  }
  if (given.type === 'custom' && isObject(given.custom) && typeof given.custom.name === 'string') {
    return { type: 'tool', name: given.custom.name }
  }
  if (given.type === 'tool' && typeof given.name === 'string') return { type: 'tool', name: given.name }
  return undefined
}

interface ChoiceOptions {
  legacy: boolean
  own: Json | undefined
  /** Names of custom tools, which are chosen as such. */
  freeform: ReadonlySet<string>
}

/** The `tool_choice` or `function_call` member. */
export function encodeToolChoice(choice: ToolChoice, options: ChoiceOptions): JsonObject {
  if (options.own !== undefined) return { tool_choice: options.own }
  if (options.legacy) return { function_call: choice.type === 'tool' ? { name: choice.name } : choice.type }
  if (choice.type !== 'tool') return { tool_choice: choice.type }
  const type = options.freeform.has(choice.name) ? 'custom' : 'function'
  return { tool_choice: { type, [type]: { name: choice.name } } }
}

/** `response_format`; a kind we do not know stays in the rest. */
export function decodeFormat(members: Members): Format | undefined {
  const given = members.object('response_format')
  if (!given) return undefined
  const nested = new Members(given, 'response_format', STRICT)
  const type = nested.required('type', nested.string('type'))
  const format = readFormat(nested, type)
  if (format?.type === 'json-schema' && format.name === undefined) members.spell('unnamed', true)
  if (!format) members.putBack('response_format')
  else members.nest('response_format', nested)
  return format
}

function readFormat(members: Members, type: string): Format | undefined {
  if (type === 'text') return { type: 'text' }
  if (type === 'json_object') return { type: 'json' }
  const given = type === 'json_schema' ? members.object('json_schema') : undefined
  if (!given || !isObject(given.schema)) return undefined
  const nested = new Members(given, members.at('json_schema'), STRICT)
  const schema = nested.object('schema')!
  const name = nested.string('name')
  const description = nested.string('description')
  const strict = nested.boolean('strict')
  members.nest('json_schema', nested)
  return compact<Extract<Format, { type: 'json-schema' }>>({ type: 'json-schema', name, description, schema, strict })
}

/** A schema must have a name at OpenAI; Perplexity takes it without, and `unnamed` says that it came so. */
export function encodeFormat(format: Format, options: { unnamed: boolean }): JsonObject {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json') return { type: 'json_object' }
  const { name = options.unnamed ? undefined : 'answer', description, schema, strict } = format
  return { type: 'json_schema', json_schema: compact<JsonObject>({ name, description, schema, strict }) }
}
