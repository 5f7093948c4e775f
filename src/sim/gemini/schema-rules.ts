import { isObject, type Json, type JsonObject } from '../json.ts'
import { invalidAt } from './errors.ts'
import { snakeCase } from './proto.ts'

/**
 * Rules of Google's own `Schema` (ai.google.dev/api/caching#Schema) beside which members it has; throws. Members of
 * JSON Schema that it lacks (`$ref`, `additionalProperties`, …) were refused when the request was read.
 */
export function checkSchema(schema: JsonObject, path: string): void {
  const { type, properties, required, items, format } = schema
  if (type === 'ARRAY' && !isObject(items)) throw invalidAt(`${path}.items`, 'missing field.')
  if (Array.isArray(schema.enum) && schema.enum.length > 0 && type !== 'STRING' && type !== undefined) {
    throw invalidAt(`${path}.enum`, 'only allowed for STRING type')
  }
  if (type === 'STRING' && typeof format === 'string' && format !== 'enum' && format !== 'date-time') {
    throw invalidAt(`${path}.format`, "only 'enum' and 'date-time' are supported for STRING type")
  }
  if (Array.isArray(required)) {
    const names = isObject(properties) ? Object.keys(properties) : []
    required.forEach((name, index) => {
      if (!names.includes(String(name))) throw invalidAt(`${path}.required[${index}]`, 'property is not defined')
    })
  }
  for (const [name, property] of Object.entries(isObject(properties) ? properties : {})) {
    if (isObject(property)) checkSchema(property, `${path}.properties[${name}]`)
  }
  if (isObject(items)) checkSchema(items, `${path}.items`)
  const branches = Array.isArray(schema.anyOf) ? schema.anyOf : []
  branches.forEach((branch, index) => {
    if (isObject(branch)) checkSchema(branch, `${path}.${snakeCase('anyOf')}[${index}]`)
  })
}

/** The same schema in the words of JSON Schema, for the sampler. */
export function jsonSchemaOf(schema: Json | undefined): Json {
  if (Array.isArray(schema)) return schema.map(jsonSchemaOf)
  if (!isObject(schema)) return schema ?? null
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => {
      if (name === 'type' && typeof value === 'string') return [name, value.toLowerCase()]
      const isSchema = name === 'items' || name === 'anyOf'
      if (isSchema) return [name, jsonSchemaOf(value)]
      if (name !== 'properties' || !isObject(value)) return [name, value]
      return [name, Object.fromEntries(Object.entries(value).map(([key, one]) => [key, jsonSchemaOf(one)]))]
    })
  )
}
