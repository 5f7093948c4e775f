import * as z from 'zod'
import { checkKind } from '../guard.ts'

/** Characters of a token, on average, in most languages: this is a limit for people, not a bound for bills. */
const TOKEN_UNITS = 4

const options = z
  .strictObject({
    characters_max: z.int().min(1).optional().describe('Most characters of all texts together.'),
    characters_min: z.int().min(1).optional().describe('Least characters.'),
    tokens_max: z.int().min(1).optional().describe('Most tokens, estimated at four characters each.')
  })
  .refine(limits => Object.values(limits).some(limit => limit !== undefined), 'expected at least one limit')

/** How long a request or an answer may be, whatever the model allows. */
export const check = checkKind({
  name: 'length',
  summary: 'Finds requests or answers that are too long or too short.',
  concern: 'quality',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create: ({ characters_max, characters_min, tokens_max }) => ({
    reach: 'whole',
    judge({ passages }) {
      const characters = passages.reduce((sum, { text }) => sum + text.length, 0)
      const rules: [rule: string, isBroken: boolean, reason: string][] = [
        [
          'too_long',
          characters > (characters_max ?? Number.POSITIVE_INFINITY),
          `More than ${characters_max} characters.`
        ],
        ['too_short', characters < (characters_min ?? 0), `Fewer than ${characters_min} characters.`],
        [
          'too_many_tokens',
          characters / TOKEN_UNITS > (tokens_max ?? Number.POSITIVE_INFINITY),
          `More than about ${tokens_max} tokens.`
        ]
      ]
      return rules
        .filter(([, isBroken]) => isBroken)
        .map(([rule, , reason]) => ({ rule: `length.${rule}`, score: 1, reason }))
    }
  })
})
