import type { z } from 'zod'
import { firstFinding } from '../issues.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { invalid, listed, pathText, refusalOf } from '../openai/errors.ts'
import { checkFile, checkImage } from '../openai/validate.ts'
import type { Refusal } from '../refusal.ts'
import {
  HOSTED_ITEMS,
  HOSTED_TOOLS,
  INCLUDES,
  ITEMS,
  PART_TYPES,
  PARTS,
  PARTS_OF_ASSISTANT,
  PARTS_OF_INPUT,
  ROLES,
  requestSchema,
  TOOLS
} from './schema.ts'

export type Item = JsonObject
export type ResponsesRequest = z.infer<typeof requestSchema>
type Path = (string | number)[]

/** The request, each member of which has its right type; throws the refusal of the first that has not. */
export function parseRequest(body: JsonObject): ResponsesRequest {
  const request = parse(requestSchema, body, [], body) as ResponsesRequest
  request.include?.forEach((one, index) => {
    if (!INCLUDES.includes(one)) throw unsupported(one, INCLUDES, ['include', index])
  })
  if (Array.isArray(request.input)) {
    for (const [index, item] of request.input.entries()) checkItem(item as Item, ['input', index], body)
  }
  request.tools?.forEach((tool, index) => {
    const path = ['tools', index]
    if (HOSTED_TOOLS.includes(tool.type)) return
    const schema = TOOLS[tool.type as keyof typeof TOOLS]
    if (schema === undefined) throw unsupported(tool.type, [...Object.keys(TOOLS), ...HOSTED_TOOLS], path)
    parse(schema, tool as Json, path, body)
  })
  return request
}

function parse(schema: z.ZodType, value: Json | undefined, base: Path, body: JsonObject): unknown {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issues = parsed.error.issues.map(issue => ({ ...issue, path: [...base, ...issue.path] }))
  const finding = firstFinding({ issues } as unknown as z.ZodError, body)
  if (finding.fault.kind !== 'unknown') throw refusalOf(finding)
  const param = pathText([...finding.path, finding.fault.keys[0]!])
  throw invalid(`Unknown parameter: '${param}'.`, { param, code: 'unknown_parameter' })
}

function unsupported(value: Json | undefined, allowed: string[], path: Path): Refusal {
  return invalid(`Invalid value: '${value}'. Supported values are: ${listed(allowed)}.`, {
    param: pathText(path),
    code: 'invalid_value'
  })
}

/** The type of an item; a message may go without one, and so may a reference. */
export function typeOf(item: Item): string {
  if (typeof item.type === 'string') return item.type
  return item.role === undefined && item.id !== undefined ? 'item_reference' : 'message'
}

function checkItem(item: Item, path: Path, body: JsonObject): void {
  const type = typeOf(item)
  if (HOSTED_ITEMS.includes(type)) return
  const schema = ITEMS[type as keyof typeof ITEMS]
  if (schema === undefined) throw unsupported(type, [...Object.keys(ITEMS), ...HOSTED_ITEMS], path)
  if (type === 'message' && typeof item.role === 'string' && !ROLES.includes(item.role)) {
    throw unsupported(item.role, ROLES, path)
  }
  parse(schema, item, path, body)
  checkId(item, type, path)
  const member = type === 'message' ? 'content' : 'output'
  const parts = item[member]
  if (!Array.isArray(parts)) return
  const allowed = item.role === 'assistant' ? PARTS_OF_ASSISTANT : PARTS_OF_INPUT
  for (const [index, part] of parts.entries()) checkPart(part, allowed, [...path, member, index], body)
}

const ID_PREFIXES: Record<string, string> = {
  message: 'msg',
  function_call: 'fc',
  custom_tool_call: 'ctc',
  reasoning: 'rs'
}

function checkId(item: Item, type: string, path: Path): void {
  const prefix = ID_PREFIXES[type]
  if (prefix === undefined || typeof item.id !== 'string' || item.id.startsWith(prefix)) return
  const param = pathText([...path, 'id'])
  throw invalid(`Invalid '${param}': '${item.id}'. Expected an ID that begins with '${prefix}'.`, {
    param,
    code: 'invalid_value'
  })
}

function checkPart(part: Json, allowed: string[], path: Path, body: JsonObject): void {
  const type = isObject(part) ? part.type : undefined
  const schema = PARTS[type as keyof typeof PARTS]
  if (schema === undefined || !isObject(part)) throw unsupported(type, PART_TYPES, path)
  if (!allowed.includes(String(type))) throw unsupported(type, allowed, path)
  parse(schema, part, path, body)
  const param = pathText(path)
  if (type === 'input_image') {
    if (typeof part.image_url === 'string') checkImage(part.image_url, `${param}.image_url`)
    else if (typeof part.file_id !== 'string') throw missing(`${param}.image_url`)
  }
  if (type === 'input_file' && typeof part.file_url !== 'string') {
    const { file_id, file_data, filename } = part
    checkFile(
      {
        file_id: typeof file_id === 'string' ? file_id : undefined,
        file_data: typeof file_data === 'string' ? file_data : undefined,
        filename: typeof filename === 'string' ? filename : undefined
      },
      param
    )
  }
}

export function missing(param: string): Refusal {
  return invalid(`Missing required parameter: '${param}'.`, { param, code: 'missing_required_parameter' })
}
