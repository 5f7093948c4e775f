import { isObject, type Json, type JsonObject } from '../json.ts'

/**
 * What OpenAI's strict mode finds wrong with a JSON schema, or undefined: every object must close itself with
 * `additionalProperties: false` and require all its properties, and the root must be an object.
 * Rules: platform.openai.com/docs/guides/structured-outputs, "Supported schemas".
 */
export function strictSchemaFault(schema: Json | undefined): string | undefined {
  if (!isObject(schema) || schema.type !== 'object') {
    const kind = isObject(schema) ? (schema.type ?? 'None') : 'None'
    return `schema must be a JSON Schema of 'type: "object"', got 'type: "${kind}"'.`
  }
  return faultIn(schema, [])
}

function faultIn(schema: JsonObject, context: string[]): string | undefined {
  const where = `In context=(${context.map(step => `'${step}'`).join(', ')}${context.length === 1 ? ',' : ''})`
  if (schema.type === 'object' || isObject(schema.properties)) {
    if (schema.additionalProperties !== false) {
      return `${where}, 'additionalProperties' is required to be supplied and to be false.`
    }
    const required = Array.isArray(schema.required) ? schema.required : []
    const missing = Object.keys(schema.properties ?? {}).find(name => !required.includes(name))
    if (missing !== undefined) {
      return (
        `${where}, 'required' is required to be supplied and to be an array including every key in properties. ` +
        `Missing '${missing}'.`
      )
    }
  }
  if (schema.oneOf !== undefined) return `${where}, 'oneOf' is not permitted.`
  if (schema.allOf !== undefined) return `${where}, 'allOf' is not permitted.`
  for (const [steps, child] of childrenOf(schema)) {
    const fault = faultIn(child, [...context, ...steps])
    if (fault !== undefined) return fault
  }
  return undefined
}

function childrenOf(schema: JsonObject): [string[], JsonObject][] {
  const children: [string[], JsonObject][] = []
  for (const group of ['properties', '$defs', 'definitions']) {
    for (const [name, child] of Object.entries(schema[group] ?? {})) {
      if (isObject(child)) children.push([[group, name], child])
    }
  }
  if (isObject(schema.items)) children.push([['items'], schema.items])
  const branches = Array.isArray(schema.anyOf) ? schema.anyOf : []
  branches.forEach((child, index) => {
    if (isObject(child)) children.push([['anyOf', String(index)], child])
  })
  return children
}
