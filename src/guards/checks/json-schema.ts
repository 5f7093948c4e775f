import * as z from 'zod'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import { checkKind } from '../guard.ts'
import { schemaCheck } from '../schema.ts'

const options = z.strictObject({
  schema: z
    .record(z.string(), z.unknown())
    .optional()
    .describe('The JSON Schema of the answer. By default the one that the request asks for; without one, any JSON.')
})

/** Whether an answer is the JSON that was asked for: models say that they keep to a schema, and most of them do. */
export const check = checkKind({
  name: 'json-schema',
  summary: 'Finds answers that are no JSON, or do not fit a schema.',
  concern: 'quality',
  sides: ['response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'retry',
  options,
  create({ schema }) {
    const own = schema && schemaCheck(schema as JsonObject)
    return {
      reach: 'whole',
      judge({ passages, calls, request }) {
        const text = passages
          .filter(({ kind, role }) => kind === 'text' && role === 'assistant')
          .map(passage => passage.text)
          .join('')
        // A call of a tool is no answer yet.
        if (text === '' && calls.length > 0) return []
        const asked = own ? undefined : wanted(request)
        const problem = (own ?? (asked ? schemaCheck(asked) : anyJson))(parsed(text))
        if (!problem) return []
        const reason = `The answer does not fit at ${problem.path || 'its top'} (expected ${problem.expected}).`
        return [{ rule: 'json-schema.mismatch', score: 1, reason }]
      }
    }
  }
})

const anyJson = (value: Json | undefined) => (value === undefined ? { path: '', expected: 'JSON' } : undefined)

/** The schema of the request, where its dialect keeps one. */
function wanted(request: JsonObject): JsonObject | undefined {
  const places = [
    ['response_format', 'json_schema', 'schema'],
    ['text', 'format', 'schema'],
    ['output_config', 'format', 'schema'],
    ['output_format', 'schema'],
    ['generationConfig', 'responseJsonSchema']
  ]
  for (const place of places) {
    let value: Json | undefined = request
    for (const name of place) value = isObject(value) ? value[name] : undefined
    if (isObject(value)) return value
  }
  return undefined
}

function parsed(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
