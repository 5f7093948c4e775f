import * as z from 'zod'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { configSchema } from './schema.ts'

/** Name of the schema file that `gatehouse init` writes beside the configuration, for editors. */
export const SCHEMA_FILE_NAME = 'gatehouse.schema.json'

const REFERENCE: JsonObject = { $ref: '#/$defs/Reference' }

/**
 * The configuration's JSON Schema (draft 2020-12), of what people write: before defaults and units are read. A value
 * that is not a free text may also be a text with a `${…}`.
 */
export function configJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(configSchema, { io: 'input', target: 'draft-2020-12' }) as JsonObject
  const { $schema, $defs, ...rest } = withReferences(schema) as JsonObject
  return {
    $schema,
    title: 'Gatehouse configuration',
    ...rest,
    $defs: {
      ...(isObject($defs) ? $defs : {}),
      Reference: {
        description: '`${NAME}`, `${NAME:-default}` or `${file:/path}`: replaced when the file is read.',
        type: 'string',
        pattern: '\\$\\{'
      }
    }
  }
}

/** The schema with every number, boolean, choice and patterned text widened by a reference. */
function withReferences(schema: Json | undefined): Json | undefined {
  if (Array.isArray(schema)) return schema.map(item => withReferences(item) as Json)
  if (!isObject(schema)) return schema
  const mapped: JsonObject = {}
  for (const [name, member] of Object.entries(schema)) {
    // Names of members are never replaced; defaults and choices are values, not schemas.
    const isValue = ['propertyNames', 'default', 'enum', 'const', 'examples', 'required'].includes(name)
    // Which of several it is, one member says: no other can fit.
    mapped[name === 'oneOf' ? 'anyOf' : name] = isValue ? member : withReferences(member)
  }
  return isWidened(mapped) ? widen(mapped) : mapped
}

function isWidened(schema: JsonObject): boolean {
  const { type } = schema
  if (type === 'number' || type === 'integer' || type === 'boolean') return true
  return type === 'string' && (schema.enum !== undefined || schema.pattern !== undefined || schema.const !== undefined)
}

/** What people read stays outside of the alternatives, where editors show it. */
function widen({ description, default: fallback, examples, title, ...exact }: JsonObject): JsonObject {
  const notes = { title, description, default: fallback, examples }
  const present = Object.entries(notes).filter(([, note]) => note !== undefined)
  return { ...Object.fromEntries(present), anyOf: [exact, REFERENCE] }
}
