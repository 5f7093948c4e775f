import { isObject, type Json, type JsonObject } from '../json.ts'

const UNSUPPORTED: Record<string, string[]> = {
  integer: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  number: ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf'],
  string: ['minLength', 'maxLength'],
  array: ['maxItems', 'uniqueItems'],
  object: ['minProperties', 'maxProperties', 'patternProperties']
}

/**
 * What structured output finds wrong with a JSON schema, or undefined.
 * Rules: platform.claude.com/docs/en/build-with-claude/structured-outputs, "JSON Schema limitations".
 */
export function outputSchemaFault(schema: Json | undefined): string | undefined {
  if (!isObject(schema)) return undefined
  const types = Array.isArray(schema.type) ? schema.type : [schema.type]
  for (const type of types) {
    const member = UNSUPPORTED[String(type)]?.find(name => schema[name] !== undefined)
    if (member !== undefined) return `For '${type}' type, property '${member}' is not supported`
  }
  if (types.includes('object') && schema.additionalProperties !== false) {
    return "For 'object' type, 'additionalProperties' must be explicitly set to false"
  }
  if (types.includes('array') && typeof schema.minItems === 'number' && schema.minItems > 1) {
    return `For 'array' type, 'minItems' values other than 0 or 1 are not supported (got: ${schema.minItems})`
  }
  for (const child of childrenOf(schema)) {
    const fault = outputSchemaFault(child)
    if (fault !== undefined) return fault
  }
  return undefined
}

function childrenOf(schema: JsonObject): Json[] {
  const groups = ['properties', '$defs', 'definitions'].flatMap(name => Object.values(schema[name] ?? {}))
  const lists = ['anyOf', 'allOf'].flatMap(name => (Array.isArray(schema[name]) ? schema[name] : []))
  return [...groups, ...lists, schema.items ?? null] as Json[]
}
