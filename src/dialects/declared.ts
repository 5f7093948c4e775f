import { isObject, type Json, type JsonObject } from '../json.ts'
import type { TextRef } from './dialect.ts'

/**
 * What a request tells a model about the tools that it may call. Servers of tools write it, and models obey it: it may
 * carry instructions as well as any result of a tool may.
 */

/** Members of a schema by names that the client gave. */
const NAMED = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas'])
/** Written for who reads the schema; a schema means the same with any other text there. */
const SAID = new Set(['description', 'title', '$comment'])
/** Values that arguments may have, or be by default: a model reads them too, but they are what they are. */
const VALUES = new Set(['enum', 'const', 'default', 'examples', 'example'])

/** The description of a tool, or of what else has one under this name. */
export function* describedTexts(holder: JsonObject, path: string, name = 'description'): Generator<TextRef> {
  if (typeof holder[name] === 'string') yield refOf(holder, name, path, false)
}

/** Descriptions within a JSON schema, wherever they stand, to replace; the values that it names, to read. */
export function* schemaTexts(schema: Json | undefined, path: string): Generator<TextRef> {
  if (Array.isArray(schema)) {
    for (const [index, each] of schema.entries()) yield* schemaTexts(each, `${path}[${index}]`)
    return
  }
  if (!isObject(schema)) return
  for (const [name, value] of Object.entries(schema)) {
    const at = stepInto(schema, name, path)
    if (VALUES.has(name)) yield* valueTexts(schema, name, path)
    else if (SAID.has(name)) yield* describedTexts(schema, path, name)
    else if (NAMED.has(name) && isObject(value)) {
      for (const key of Object.keys(value)) yield* schemaTexts(value[key], stepInto(value, key, at))
    } else if (typeof value === 'object') yield* schemaTexts(value, at)
  }
}

/** Every text within a value. */
export function* valueTexts(holder: JsonObject | Json[], name: string | number, path: string): Generator<TextRef> {
  const value = (holder as JsonObject)[name]
  const at = typeof name === 'number' ? `${path}[${name}]` : stepInto(holder as JsonObject, name, path)
  if (typeof value === 'string') yield refOf(holder as JsonObject, name, path, true)
  else if (Array.isArray(value)) for (const index of value.keys()) yield* valueTexts(value, index, at)
  else if (isObject(value)) for (const key of Object.keys(value)) yield* valueTexts(value, key, at)
}

function refOf(holder: JsonObject, name: string | number, path: string, sealed: boolean): TextRef {
  const at = typeof name === 'number' ? `${path}[${name}]` : stepInto(holder, name, path)
  return {
    path: at,
    role: 'tool',
    kind: 'tool-description',
    sealed,
    lane: at,
    get: () => String(holder[name]),
    set: text => {
      holder[name] = text
    }
  }
}

/**
 * The path of a member whose name the client chose. One with a dot or a bracket would read as the path of something
 * else: it gets a step that no member has, unlike any other's, so that nobody finds the wrong thing by it.
 */
export function stepInto(holder: JsonObject, name: string, path: string): string {
  if (name !== '' && !/[.[\]]/.test(name)) return `${path}.${name}`
  const names = Object.keys(holder)
  let step = `?${names.indexOf(name)}`
  while (names.includes(step)) step += '?'
  return `${path}.${step}`
}
