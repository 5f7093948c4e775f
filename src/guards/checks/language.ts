import * as z from 'zod'
import { checkKind, type Finding, type Passage } from '../guard.ts'
import { detect, LANGUAGES } from '../language/detect.ts'

const options = z.strictObject({
  allow: z
    .array(z.enum(LANGUAGES as [string, ...string[]]))
    .min(1)
    .describe('Languages by their code of ISO 639-1.'),
  characters_min: z
    .int()
    .min(1)
    .default(40)
    .describe('Shorter texts are not judged: of a few words nobody can say what they are.'),
  unknown: z
    .enum(['allow', 'find'])
    .default('allow')
    .describe('What becomes of a text in none of the languages that are known, or in several at once.')
})

const FENCED = /```[^\n]*\n[\s\S]*?(?:```|$)/g

/** Prose alone: of programs and their data nobody asks which language they are in. */
function prose({ kind, role, text }: Passage): string {
  return kind === 'text' && role !== 'system' ? text.replace(FENCED, ' ') : ''
}

/** Which languages people and models may write in. */
export const check = checkKind({
  name: 'language',
  summary: 'Finds texts in other languages than those that are allowed.',
  concern: 'quality',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'flag',
  options,
  create({ allow, characters_min, unknown }) {
    const isAllowed = new Set(allow)
    return {
      reach: 'whole',
      judge({ passages }): Finding[] {
        return passages.flatMap(passage => {
          const text = prose(passage)
          if (text.trim().length < characters_min) return []
          const detected = detect(text)
          if (detected ? isAllowed.has(detected.language) : unknown === 'allow') return []
          const rule = `language.${detected?.language ?? 'unknown'}`
          const reason = detected
            ? `It is in a language that is not allowed (${detected.language}).`
            : 'Its language is not known.'
          return [{ rule, path: passage.path, score: detected?.score ?? 0.5, reason }]
        })
      }
    }
  }
})
