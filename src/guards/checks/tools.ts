import * as z from 'zod'
import type { Json, JsonObject } from '../../json.ts'
import { glob } from '../glob.ts'
import { checkKind, type Finding } from '../guard.ts'
import { type Problem, schemaCheck } from '../schema.ts'

const options = z.strictObject({
  allow: z.array(z.string().min(1)).optional().describe('Names of tools that may be used; `*` stands for any text.'),
  deny: z.array(z.string().min(1)).default([]).describe('Names of tools that may not.'),
  arguments: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .default({})
    .describe('By name of a tool: a JSON Schema that its arguments must fit.')
})

/** Which tools may be offered to a model and called by it, and with which arguments. */
export const check = checkKind({
  name: 'tools',
  summary: 'Finds tools that are not allowed, and arguments that do not fit a schema.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create({ allow, deny, arguments: schemas }) {
    const allowed = allow?.map(glob)
    const denied = deny.map(glob)
    const fits = new Map(Object.entries(schemas).map(([name, schema]) => [name, schemaCheck(schema as JsonObject)]))
    const isAllowed = (name: string) =>
      !denied.some(matches => matches(name)) && (allowed === undefined || allowed.some(matches => matches(name)))
    return {
      reach: 'whole',
      judge({ side, tools, calls }) {
        const named = side === 'request' ? [...tools, ...calls] : calls
        const found: Finding[] = [...new Set(named.map(({ name }) => name))]
          .filter(name => !isAllowed(name))
          .map(() => ({ rule: 'tools.not_allowed', score: 1, reason: 'A tool is not allowed here.' }))
        for (const { name, input, path } of calls) {
          const problem = fits.get(name)?.(parsed(input))
          if (problem) found.push({ rule: 'tools.arguments', score: 1, reason: `${path}: ${told(problem)}` })
        }
        return found
      }
    }
  }
})

function parsed(input: string): Json | undefined {
  try {
    return JSON.parse(input === '' ? '{}' : input) as Json
  } catch {
    return undefined
  }
}

function told({ path, expected }: Problem): string {
  return `the argument ${path || 'as a whole'} does not fit its schema (${expected}).`
}
