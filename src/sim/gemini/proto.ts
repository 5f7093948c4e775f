import { isObject, type Json, type JsonObject } from '../json.ts'

/**
 * How Google reads JSON: into protocol buffer messages. A member may be written in camel case or with underscores, one
 * value may stand for a list of one, numbers may be text; what has no field is refused by name, and all that is wrong
 * is told at once (protobuf.dev/programming-guides/json).
 */
export interface Message {
  /** Name of the type, as errors show it. */
  name: string
  fields: () => Record<string, Field>
}

export interface Field {
  of: Scalar | Enumeration | Message
  form?: 'list' | 'map'
  /** Only one field of this group may be set. */
  oneof?: string
}

type Scalar = 'string' | 'float' | 'int' | 'bool' | 'bytes' | 'struct' | 'value'

interface Enumeration {
  enumeration: string
  values: readonly string[]
}

export interface Violation {
  /** Path with underscores; '' at the root. */
  field: string
  description: string
}

export interface Read {
  /** The message with its members in camel case. */
  value: JsonObject
  violations: Violation[]
}

export function readMessage(message: Message, body: JsonObject): Read {
  const violations: Violation[] = []
  return { value: objectOf(message, body, '', violations), violations }
}

function objectOf(message: Message, value: JsonObject, path: string, violations: Violation[]): JsonObject {
  const fields = message.fields()
  const result: JsonObject = {}
  const groups = new Map<string, string>()
  for (const [name, member] of Object.entries(value)) {
    const camel = camelCase(name, fields)
    const field = fields[camel]
    if (field === undefined) {
      violations.push(unknown(name, path, 'Cannot find field.'))
      continue
    }
    if (member === null || member === undefined) continue
    if (field.oneof !== undefined) {
      if (groups.has(field.oneof)) {
        violations.push({
          field: path,
          description:
            `Invalid value at '${path}' (oneof), oneof field '${field.oneof}' is already set. ` +
            `Cannot set '${camel}'`
        })
      }
      groups.set(field.oneof, camel)
    }
    result[camel] = fieldOf(field, member, below(path, snakeCase(camel)), name, violations)
  }
  return result
}

function fieldOf(field: Field, value: Json, path: string, name: string, violations: Violation[]): Json {
  if (field.form === 'list') {
    const items = Array.isArray(value) ? value : [value]
    return items.map((item, index) => one(field.of, item, `${path}[${index}]`, violations))
  }
  if (field.form === 'map') {
    if (!isObject(value)) return wrong(value, path, 'Map', violations)
    const entries = Object.entries(value).map(([key, item], index) => [
      key,
      one(field.of, item ?? null, `${path}[${index}].value`, violations)
    ])
    return Object.fromEntries(entries)
  }
  if (Array.isArray(value) && field.of !== 'value') {
    const holder = path.slice(0, Math.max(0, path.lastIndexOf('.')))
    violations.push(unknown(name, holder, 'Proto field is not repeating, cannot start list.'))
    return null
  }
  return one(field.of, value, path, violations)
}

function one(of: Field['of'], value: Json, path: string, violations: Violation[]): Json {
  if (typeof of === 'string') return scalar(of, value, path, violations)
  if ('enumeration' in of) return enumeration(of, value, path, violations)
  if (isObject(value)) return objectOf(of, value, path, violations)
  return wrong(value, path, of.name, violations)
}

const SCALARS: Record<Scalar, { name: string; read(value: Json): Json | undefined }> = {
  string: { name: 'TYPE_STRING', read: value => (typeof value === 'string' ? value : undefined) },
  bool: { name: 'TYPE_BOOL', read: value => (typeof value === 'boolean' ? value : undefined) },
  float: { name: 'TYPE_FLOAT', read: value => numberIn(value) },
  int: {
    name: 'TYPE_INT32',
    read: value => {
      const number = numberIn(value)
      return Number.isInteger(number) ? number : undefined
    }
  },
  bytes: {
    name: 'TYPE_BYTES',
    read: value => (typeof value === 'string' && /^[A-Za-z0-9+/_-]*={0,2}$/.test(value) ? value : undefined)
  },
  struct: { name: 'type.googleapis.com/google.protobuf.Struct', read: value => (isObject(value) ? value : undefined) },
  value: { name: 'type.googleapis.com/google.protobuf.Value', read: value => value }
}

function numberIn(value: Json): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^-?\d+(?:\.\d+)?$/.test(value) ? Number(value) : undefined
}

function scalar(kind: Scalar, value: Json, path: string, violations: Violation[]): Json {
  const { name, read } = SCALARS[kind]
  const result = read(value)
  if (result !== undefined) return result
  if (kind !== 'bytes' || typeof value !== 'string') return wrong(value, path, name, violations)
  violations.push({
    field: path,
    description: `Invalid value at '${path}' (${name}), Base64 decoding failed for ${JSON.stringify(value)}`
  })
  return null
}

/** By name in any case, or by number. */
function enumeration({ enumeration: name, values }: Enumeration, value: Json, path: string, all: Violation[]): Json {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return values[value - 1] ?? String(value)
  const upper = typeof value === 'string' ? value.toUpperCase() : ''
  if (values.includes(upper) || upper.endsWith('_UNSPECIFIED')) return upper
  return wrong(value, path, name, all)
}

function wrong(value: Json, path: string, type: string, violations: Violation[]): Json {
  const name = type.startsWith('TYPE_') || type.includes('/') ? type : `${GOOGLE_TYPE}${type}`
  violations.push({ field: path, description: `Invalid value at '${path}' (${name}), ${JSON.stringify(value)}` })
  return null
}

const GOOGLE_TYPE = 'type.googleapis.com/google.ai.generativelanguage.v1beta.'

function unknown(name: string, path: string, why: string): Violation {
  const where = path === '' ? '' : ` at '${path}'`
  return { field: path, description: `Invalid JSON payload received. Unknown name "${name}"${where}: ${why}` }
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function camelCase(name: string, fields: Record<string, Field>): string {
  if (Object.hasOwn(fields, name)) return name
  const camel = name.replace(/(?<!^)_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  return Object.hasOwn(fields, camel) ? camel : ''
}

export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
