import * as z from 'zod'
import { nearest } from '../nearest.ts'
import { type Condition, formatOf, isFact, type Operators, PATH_FACTS, PLAIN_FACTS, WEEKDAYS } from './conditions.ts'
import { compilePattern } from './pattern.ts'

const scalar = z.union([z.string(), z.number(), z.boolean()], {
  error: () => 'expected a text, a number, true or false'
})
const scalars = z.array(scalar, { error: () => 'expected a list' })

const operatorsSchema: z.ZodType<Operators> = z
  .strictObject({
    eq: scalar.optional().describe('Is this.'),
    ne: scalar.optional().describe('Is not this.'),
    gt: scalar.optional().describe('Is more.'),
    gte: scalar.optional().describe('Is this or more.'),
    lt: scalar.optional().describe('Is less.'),
    lte: scalar.optional().describe('Is this or less.'),
    in: scalars.optional().describe('Is one of these.'),
    not_in: scalars.optional().describe('Is none of these.'),
    matches: z
      .string()
      .optional()
      .describe(
        'A regular expression is found in it: no back-references and no lookaround; texts up to 1,024 characters.'
      ),
    exists: z.boolean().optional().describe('Is there, or is not.'),
    zone: z.string().optional().describe('For `time` and `weekday`: a time zone as `Europe/Berlin`. UTC without it.')
  })
  .refine(operators => Object.keys(operators).length > 0, {
    error: () => 'says nothing',
    when: payload => payload.issues.length === 0
  })
  .meta({ id: 'Operators', description: 'What must hold of one fact; all of it must.' })

/** Named, since the JSON Schema needs a place to come back to: a condition is made of conditions. */
const conditionList = z
  .array(
    z.lazy(() => conditionSchema),
    { error: () => 'expected a list of conditions' }
  )
  .meta({ id: 'Conditions', description: 'Several conditions.' })

/** A condition: facts by name, and `all`, `any`, `not`. Faults that concern a name are found on it. */
export const conditionSchema: z.ZodType<Condition> = z
  .object({
    all: conditionList.optional().describe('Every one of these holds.'),
    any: conditionList.optional().describe('At least one of these holds.'),
    get not() {
      return conditionSchema.optional().describe('This does not hold.')
    }
  })
  .catchall(z.union([scalar, operatorsSchema], { error: () => 'expected a value, or operators as { gt: 1000 }' }))
  .superRefine((condition, context) => {
    for (const [name, wanted] of Object.entries(condition)) {
      if (name === 'all' || name === 'any' || name === 'not' || wanted === undefined) continue
      const fault = isFact(name) ? faultOf(name, wanted as Operators) : { message: unknownFact(name), at: [] }
      if (fault) context.addIssue({ code: 'custom', message: fault.message, path: [name, ...fault.at] })
    }
  })
  .meta({
    id: 'Condition',
    description:
      'Facts of a call and what must hold of each; all must. `metadata.x`, `header.x`, `body.x`, `estimated_tokens`, `time` (HH:MM), `weekday`, `key`, `tags`, `model`, `stream`.',
    examples: [{ 'metadata.plan': 'free' }, { estimated_tokens: { gt: 100_000 } }]
  }) as unknown as z.ZodType<Condition>

function unknownFact(name: string): string {
  const paths = PATH_FACTS.map(each => `${each}.…`)
  const dot = name.indexOf('.')
  const head = dot === -1 ? name : name.slice(0, dot)
  const [near] = nearest(head, [...PLAIN_FACTS, ...PATH_FACTS], 1)
  const meant = near === undefined ? '' : `; did you mean "${near}${dot === -1 ? '' : name.slice(dot)}"?`
  return `no such fact; there are ${[...PLAIN_FACTS, ...paths].join(', ')}${meant}`
}

interface Fault {
  message: string
  at: string[]
}

function faultOf(name: string, wanted: Operators | Operators['eq']): Fault | undefined {
  const operators: Operators = typeof wanted === 'object' ? wanted : { eq: wanted }
  return faultOfPattern(operators) ?? faultOfZone(name, operators) ?? faultOfTime(name, operators)
}

function faultOfPattern({ matches }: Operators): Fault | undefined {
  if (matches === undefined) return undefined
  try {
    compilePattern(matches)
    return undefined
  } catch (thrown) {
    return { message: `cannot be used as a pattern: ${(thrown as Error).message}`, at: ['matches'] }
  }
}

function faultOfZone(name: string, { zone }: Operators): Fault | undefined {
  if (zone === undefined) return undefined
  if (name !== 'time' && name !== 'weekday') return { message: 'only time and weekday have a zone', at: ['zone'] }
  try {
    formatOf(zone)
    return undefined
  } catch {
    return { message: `no time zone has the name "${zone}"`, at: ['zone'] }
  }
}

function faultOfTime(name: string, operators: Operators): Fault | undefined {
  if (name !== 'time' && name !== 'weekday') return undefined
  const { eq, ne, gt, gte, lt, lte, in: list = [], not_in: none = [] } = operators
  const texts = [eq, ne, gt, gte, lt, lte, ...list, ...none].filter(text => text !== undefined)
  const fits = (text: unknown) =>
    name === 'time' ? /^([01]\d|2[0-3]):[0-5]\d$/.test(String(text)) : (WEEKDAYS as readonly unknown[]).includes(text)
  const wrong = texts.find(text => !fits(text))
  if (wrong === undefined) return undefined
  const expected = name === 'time' ? 'a time of day in quotes: "09:30"' : `one of ${WEEKDAYS.join(', ')}`
  return { message: `expected ${expected}`, at: [] }
}
