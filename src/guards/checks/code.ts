import * as z from 'zod'
import { CODE_LANGUAGES, spotCode } from '../code/spot.ts'
import { checkKind } from '../guard.ts'

const languages = z.array(z.enum(CODE_LANGUAGES as [string, ...string[]])).min(1)

const options = z.strictObject({
  deny: languages.optional().describe('Programs in these languages. Without it: in any.'),
  allow: languages.optional().describe('Programs in these languages are left alone.'),
  lines_min: z.int().min(1).default(3).describe('Shorter ones are left alone: people quote a line or two.')
})

/** Programs in texts, in fences or not. */
export const check = checkKind({
  name: 'code',
  summary: 'Finds programs in texts, by language.',
  concern: 'quality',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'flag',
  options,
  create({ deny, allow = [], lines_min }) {
    const isFound = (language: string) => !allow.includes(language) && (deny?.includes(language) ?? true)
    return {
      reach: 'whole',
      find(text, { kind }) {
        if (kind === 'tool-description') return []
        return spotCode(text, lines_min)
          .filter(({ language }) => isFound(language))
          .map(({ language, ...spot }) => {
            return { ...spot, rule: `code.${language}`, label: 'CODE', reason: `It holds a program (${language}).` }
          })
      }
    }
  }
})
