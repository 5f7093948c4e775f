import { RE2JS } from 're2js'
import * as z from 'zod'
import { checkKind } from '../guard.ts'

const options = z.strictObject({
  required: z
    .record(z.string().min(1), z.string().max(500))
    .describe('By name: a pattern (RE2) that the whole value must match. `.+` is any value.')
})

/** What every call must say of itself, in `x-gatehouse-metadata` or its dialect's own member. */
export const check = checkKind({
  name: 'metadata',
  summary: 'Finds calls without the metadata that is required.',
  concern: 'security',
  sides: ['request'],
  actions: ['block', 'flag', 'shadow'],
  action: 'block',
  options,
  create({ required }) {
    const rules = Object.entries(required).map(([name, pattern]) => ({ name, shape: RE2JS.compile(pattern) }))
    return {
      reach: 'whole',
      judge: ({ metadata }) =>
        rules
          .filter(({ name, shape }) => !shape.matches(Object.hasOwn(metadata, name) ? metadata[name]! : ''))
          .map(({ name }) => ({ rule: 'metadata.required', score: 1, reason: `The metadata "${name}" is required.` }))
    }
  }
})
