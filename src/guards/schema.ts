import * as z from 'zod'
import type { Json, JsonObject } from '../json.ts'

/** Where a value does not fit, and what was expected there; nothing of the value itself. */
export interface Problem {
  path: string
  expected: string
}

/** What a value lacks to fit a JSON Schema; undefined: it fits. Throws where the schema cannot be read. */
export function schemaCheck(schema: JsonObject): (value: Json | undefined) => Problem | undefined {
  const shape = z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0])
  return value => {
    if (value === undefined) return { path: '', expected: 'JSON' }
    const read = shape.safeParse(value)
    if (read.success) return undefined
    const [issue] = read.error.issues
    const path = issue?.path.map(String).join('.') ?? ''
    return { path, expected: issue && 'expected' in issue ? String(issue.expected) : (issue?.code ?? 'another value') }
  }
}
