import type * as z from 'zod'
import type { Path } from './problems.ts'

type Schema = z.core.$ZodType

/**
 * The plain schemas (no wrapper, union or reference among them) that a value at `path` may have to satisfy; several
 * where unions branch. Empty for a path that leads nowhere.
 */
export function schemasAt(root: Schema, path: Path): Schema[] {
  let schemas = unwrap(root)
  for (const step of path) schemas = schemas.flatMap(schema => unwrapAll(below(schema, step)))
  return schemas
}

/** The member names that objects at `path` may have, of every branch. Empty where names are the user's choice. */
export function knownNames(root: Schema, path: Path): Set<string> {
  const names = schemasAt(root, path).flatMap(schema => {
    const { def } = (schema as z.core.$ZodTypes)._zod
    return def.type === 'object' ? Object.keys(def.shape) : []
  })
  return new Set(names)
}

/** The texts that a value at `path` may be, where it is one of a fixed list. */
export function knownTexts(root: Schema, path: Path): Set<string> {
  const texts = schemasAt(root, path).flatMap(schema => {
    const { def } = (schema as z.core.$ZodTypes)._zod
    return def.type === 'enum' ? Object.values(def.entries).map(String) : []
  })
  return new Set(texts)
}

/**
 * A text that replaced a `${…}`, as what the schema wants there: `"8080"` is a number where only a number can be.
 * A text that cannot be read so stays a text, and the schema says what it expected.
 */
export function coerce(root: Schema, path: Path, text: string): unknown {
  const types = schemasAt(root, path).map(schema => (schema as z.core.$ZodTypes)._zod.def.type)
  if (types.includes('string') || types.includes('enum') || types.includes('literal')) return text
  if (types.includes('number') && /^-?\d+(\.\d+)?$/.test(text)) return Number(text)
  if (types.includes('boolean') && (text === 'true' || text === 'false')) return text === 'true'
  return text
}

function below(schema: Schema, step: PropertyKey): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  if (def.type === 'object') {
    const member = Object.hasOwn(def.shape, step) ? def.shape[String(step)] : undefined
    return member ? [member] : def.catchall ? [def.catchall] : []
  }
  if (def.type === 'record') return [def.valueType]
  if (def.type === 'array') return [def.element]
  return []
}

function unwrapAll(schemas: Schema[]): Schema[] {
  return schemas.flatMap(unwrap)
}

function unwrap(schema: Schema): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return unwrap(def.innerType)
    case 'pipe':
      return unwrap(def.in)
    case 'lazy':
      return unwrap(def.getter())
    case 'union':
      return unwrapAll([...def.options])
    default:
      return [schema]
  }
}
