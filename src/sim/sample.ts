import { isObject, type Json, type JsonObject } from './json.ts'

const WORDS = ['amber', 'birch', 'cedar', 'delta', 'ember', 'fjord', 'grove', 'heron', 'inlet', 'juniper']
const DEPTH_MAX = 8

const FORMATS: Record<string, string> = {
  date: '2026-01-02',
  'date-time': '2026-01-02T03:04:05Z',
  time: '03:04:05Z',
  duration: 'PT5M',
  email: 'amber@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/amber',
  url: 'https://example.com/amber',
  uuid: '00000000-0000-4000-8000-000000000000'
}

/**
 * A value that fits a JSON schema: the same one every time. Enums give their first value, unions their first branch
 * that is not null, objects all their properties (required and optional), strings a word chosen by their name.
 */
export function sampleOf(schema: Json | undefined): Json {
  return sample(schema, { root: schema, name: '', depth: 0 })
}

interface Place {
  root: Json | undefined
  name: string
  depth: number
}

function sample(schema: Json | undefined, place: Place): Json {
  if (!isObject(schema)) return wordFor(place.name)
  if (typeof schema.$ref === 'string') {
    return sample(resolve(schema.$ref, place.root), { ...place, depth: place.depth + 1 })
  }
  if (schema.const !== undefined) return schema.const
  if (Array.isArray(schema.enum)) return schema.enum[0] ?? null
  const branches = schema.anyOf ?? schema.oneOf
  if (Array.isArray(branches)) return sample(preferred(branches), place)
  if (Array.isArray(schema.allOf)) return sample(merged(schema), place)
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(schema, place)
    case 'array':
      return sampleArray(schema, place)
    case 'integer':
    case 'number':
      return sampleNumber(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return sampleString(schema, place)
  }
}

function typeOf(schema: JsonObject): Json | undefined {
  if (Array.isArray(schema.type)) return schema.type.find(type => type !== 'null') ?? 'null'
  if (schema.type !== undefined) return schema.type
  if (isObject(schema.properties)) return 'object'
  return schema.items === undefined ? 'string' : 'array'
}

function preferred(branches: Json[]): Json | undefined {
  return branches.find(branch => !(isObject(branch) && branch.type === 'null')) ?? branches[0]
}

/** `allOf` read as one object schema: enough for the compositions that generators write. */
function merged(schema: JsonObject): JsonObject {
  const properties: JsonObject = {}
  const required: Json[] = []
  let rest: JsonObject = {}
  for (const part of [...(schema.allOf as Json[]), { ...schema, allOf: undefined }]) {
    if (!isObject(part)) continue
    Object.assign(properties, part.properties)
    if (Array.isArray(part.required)) required.push(...part.required)
    rest = { ...rest, ...part }
  }
  const { allOf: _, ...one } = rest
  return Object.keys(properties).length === 0 ? one : { ...one, properties, required }
}

function sampleObject(schema: JsonObject, place: Place): JsonObject {
  const value: JsonObject = {}
  const properties = isObject(schema.properties) ? schema.properties : {}
  const required = Array.isArray(schema.required) ? schema.required : []
  for (const [name, property] of Object.entries(properties)) {
    // a recursive schema ends here: what is not required is left out
    if (place.depth >= DEPTH_MAX && !required.includes(name)) continue
    if (place.depth >= 2 * DEPTH_MAX) continue
    value[name] = sample(property, { ...place, name, depth: place.depth + 1 })
  }
  return value
}

function sampleArray(schema: JsonObject, place: Place): Json[] {
  const least = typeof schema.minItems === 'number' ? schema.minItems : 1
  if (place.depth >= DEPTH_MAX && schema.minItems === undefined) return []
  if (schema.maxItems === 0) return []
  if (Array.isArray(schema.prefixItems)) return schema.prefixItems.map(item => sample(item, place))
  return Array.from({ length: Math.max(1, least) }, (_, index) =>
    sample(schema.items, { ...place, name: `${place.name}${index || ''}`, depth: place.depth + 1 })
  )
}

function sampleNumber(schema: JsonObject): number {
  const step = typeof schema.multipleOf === 'number' ? schema.multipleOf : 1
  let value = 7
  if (typeof schema.maximum === 'number') value = Math.min(value, schema.maximum)
  if (typeof schema.exclusiveMaximum === 'number' && value >= schema.exclusiveMaximum) {
    value = schema.exclusiveMaximum - step
  }
  if (typeof schema.minimum === 'number') value = Math.max(value, schema.minimum)
  if (typeof schema.exclusiveMinimum === 'number' && value <= schema.exclusiveMinimum) {
    value = schema.exclusiveMinimum + step
  }
  return typeof schema.multipleOf === 'number' ? Math.ceil(value / step) * step : value
}

function sampleString(schema: JsonObject, place: Place): string {
  const formatted = typeof schema.format === 'string' ? FORMATS[schema.format] : undefined
  if (formatted !== undefined) return formatted
  let word = wordFor(place.name)
  if (typeof schema.minLength === 'number') {
    while (word.length < schema.minLength) word += ` ${wordFor(place.name)}`
  }
  return typeof schema.maxLength === 'number' ? word.slice(0, schema.maxLength) : word
}

function wordFor(name: string): string {
  let sum = 0
  for (let at = 0; at < name.length; at++) sum += name.charCodeAt(at)
  return WORDS[sum % WORDS.length]!
}

function resolve(pointer: string, root: Json | undefined): Json | undefined {
  let at: Json | undefined = root
  for (const step of pointer.split('/').slice(1)) {
    if (!isObject(at)) return undefined
    at = at[step.replaceAll('~1', '/').replaceAll('~0', '~')]
  }
  return at
}
