import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Losses } from './dialect.ts'
import { lose } from './members.ts'

/**
 * Anthropic and Bedrock compile schemas of structured output and strict tools into a grammar and refuse keywords that
 * they cannot compile. They are taken out, named, and told to the model in the description, which is the most that can
 * be kept. Objects must say `additionalProperties: false`. Source: the providers' pages on structured outputs.
 */
export function fitSchema(schema: JsonObject, path: string, losses: Losses): JsonObject {
  const fitted: JsonObject = {}
  const told: string[] = []
  for (const [keyword, value] of Object.entries(schema)) {
    if (UNSUPPORTED.has(keyword) || (keyword === 'minItems' && Number(value) > 1) || isStrangeFormat(keyword, value)) {
      lose(losses, `${path}.${keyword}`)
      told.push(`${keyword}: ${JSON.stringify(value)}`)
    } else {
      fitted[keyword === 'oneOf' ? 'anyOf' : keyword] = fitBelow(keyword, value, `${path}.${keyword}`, losses)
    }
  }
  if (told.length > 0) fitted.description = [fitted.description, `(${told.join(', ')})`].filter(Boolean).join(' ')
  if (isObject(fitted.properties) || schema.type === 'object') closeObject(fitted, path, losses)
  return fitted
}

const UNSUPPORTED = new Set([
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf', 'minLength', 'maxLength'],
  ...['maxItems', 'uniqueItems', 'contains', 'prefixItems', 'minProperties', 'maxProperties', 'patternProperties'],
  ...['propertyNames', 'not', 'if', 'then', 'else', 'dependentRequired', 'dependentSchemas']
])

const FORMATS = ['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']

function isStrangeFormat(keyword: string, value: Json | undefined): boolean {
  return keyword === 'format' && typeof value === 'string' && !FORMATS.includes(value)
}

function closeObject(schema: JsonObject, path: string, losses: Losses): void {
  const open = schema.additionalProperties
  if (open === true || isObject(open)) lose(losses, `${path}.additionalProperties`)
  schema.additionalProperties = false
}

/** Schemas within a schema: maps of them, lists of them, or one. */
function fitBelow(keyword: string, value: Json | undefined, path: string, losses: Losses): Json | undefined {
  if (['properties', '$defs', 'definitions'].includes(keyword) && isObject(value)) {
    const entries = Object.entries(value).map(([name, below]) => [name, fitOne(below, `${path}.${name}`, losses)])
    return Object.fromEntries(entries) as JsonObject
  }
  if (['anyOf', 'oneOf', 'allOf'].includes(keyword) && Array.isArray(value)) {
    return value.map((below, index) => fitOne(below, `${path}[${index}]`, losses)!)
  }
  return keyword === 'items' ? fitOne(value, path, losses) : value
}

function fitOne(value: Json | undefined, path: string, losses: Losses): Json | undefined {
  return isObject(value) ? fitSchema(value, path, losses) : value
}
