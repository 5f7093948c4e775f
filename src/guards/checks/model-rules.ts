import * as z from 'zod'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import { glob } from '../glob.ts'
import { checkKind, type Finding } from '../guard.ts'

const options = z.strictObject({
  allow: z.array(z.string().min(1)).optional().describe('Models that may be asked for; `*` stands for any text.'),
  deny: z.array(z.string().min(1)).default([]).describe('Models that may not.'),
  parameters: z
    .record(
      z.string(),
      z.strictObject({
        min: z.number().optional().describe('The least that is allowed.'),
        max: z.number().optional().describe('The most that is allowed.')
      })
    )
    .default({})
    .describe('By name, as `temperature` or `generationConfig.topK`: bounds of a number. Calls without it pass.')
})

/** Which models may be asked for, and how far their parameters may go. */
export const check = checkKind({
  name: 'model-rules',
  summary: 'Finds models that are not allowed, and parameters out of bounds.',
  concern: 'security',
  sides: ['request'],
  actions: ['block', 'flag', 'shadow'],
  action: 'block',
  options,
  create({ allow, deny, parameters }) {
    const allowed = allow?.map(glob)
    const denied = deny.map(glob)
    return {
      reach: 'whole',
      judge({ model, request }) {
        const found: Finding[] = []
        const isListed = allowed === undefined || allowed.some(matches => matches(model))
        if (!isListed || denied.some(matches => matches(model))) {
          found.push({ rule: 'model-rules.model', score: 1, reason: 'The model is not allowed here.' })
        }
        for (const [name, { min, max }] of Object.entries(parameters)) {
          const value = valueAt(request, name)
          if (typeof value !== 'number') continue
          const isOut = value < (min ?? Number.NEGATIVE_INFINITY) || value > (max ?? Number.POSITIVE_INFINITY)
          if (isOut) found.push({ rule: 'model-rules.parameter', score: 1, reason: `${name} is out of its bounds.` })
        }
        return found
      }
    }
  }
})

function valueAt(request: JsonObject, name: string): Json | undefined {
  let value: Json | undefined = request
  for (const part of name.split('.')) value = isObject(value) ? value[part] : undefined
  return value
}
