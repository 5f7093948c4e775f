import { isObject, type Json, type JsonObject } from '../../json.ts'
import { camelCase } from './members.ts'

/**
 * Google's `Schema`, a subset of OpenAPI 3.0 (ai.google.dev/api/caching#Schema), as JSON Schema: types in small letters,
 * `nullable` as a type, counts as numbers. What its maker wrote is kept beside it and goes back as it came.
 */
export function schemaToJson(schema: JsonObject): JsonObject {
  const json: JsonObject = {}
  for (const [written, value] of Object.entries(schema)) {
    const name = camelCase(written)
    if (!DROPPED.has(name) && value !== null && value !== undefined) json[name] = keyword(name, value)
  }
  return schema.nullable === true ? nullable(json) : json
}

/** The order of members is a hint to the model alone. */
const DROPPED = new Set(['nullable', 'propertyOrdering'])

/** By their numbers, for who sends enums so. */
const TYPES = [undefined, 'string', 'number', 'integer', 'boolean', 'array', 'object', 'null']

const COUNTS = new Set(['minItems', 'maxItems', 'minLength', 'maxLength', 'minProperties', 'maxProperties'])

function keyword(name: string, value: Json): Json {
  if (name === 'type') return typeOf(value)
  if (COUNTS.has(name) && typeof value === 'string') return Number(value)
  if (name === 'properties' && isObject(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, below]) => [key, one(below ?? {})]))
  }
  if (name === 'anyOf' && Array.isArray(value)) return value.map(one)
  return name === 'items' ? one(value) : value
}

function typeOf(value: Json): Json {
  if (typeof value === 'string') return value.toLowerCase()
  return typeof value === 'number' ? (TYPES[value] ?? value) : value
}

function one(schema: Json): Json {
  return isObject(schema) ? schemaToJson(schema) : schema
}

function nullable(json: JsonObject): JsonObject {
  if (typeof json.type !== 'string') return json
  const more: JsonObject = Array.isArray(json.enum) && !json.enum.includes(null) ? { enum: [...json.enum, null] } : {}
  return { ...json, type: [json.type, 'null'], ...more }
}
