import * as z from 'zod'
import { askAll } from '../excerpts.ts'
import { checkKind, type Finding } from '../guard.ts'

const options = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe('Of the analyzer, as `http://presidio:3000`.'),
  language: z.string().default('en').describe('Two letters.'),
  entities: z.array(z.string()).optional().describe('By default all that the analyzer knows.'),
  threshold: z.number().min(0).max(1).default(0.5).describe('Findings with a lower score are left out.'),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})

const answer = z.array(
  z.object({ entity_type: z.string(), start: z.int().min(0), end: z.int().min(0), score: z.number() })
)
/** Texts that are asked about at one time. */
const AT_ONCE = 8

/** Microsoft Presidio's analyzer (POST /analyze): finds names and places, which no pattern can. */
export const check = checkKind({
  name: 'presidio',
  summary: 'Asks a Presidio analyzer, which finds names, places and organisations too.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'mask', 'restore', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'restore',
  options,
  create({ url, language, entities, threshold, allow_private }) {
    const address = `${url.replace(/\/+$/, '')}/analyze`
    return {
      reach: 'whole',
      async judge({ passages }, { post }, signal): Promise<Finding[]> {
        const analyze = async (text: string, path: string): Promise<Finding[]> => {
          const body = JSON.stringify({
            text,
            language,
            score_threshold: threshold,
            ...(entities && { entities })
          })
          const found = await post({
            url: address,
            headers: {},
            body,
            signal,
            ...(allow_private && { allowPrivate: allow_private })
          })
          const read = answer.safeParse(found)
          if (!read.success) throw new Error('The analyzer answered with something else than entities.')
          const unit = unitsOf(text)
          if (read.data.some(({ start, end }) => start >= end || unit(end) === undefined)) {
            throw new Error('The analyzer answered with places that are not in the text.')
          }
          return read.data
            .filter(({ score }) => score >= threshold)
            .map(({ entity_type, start, end, score }) => {
              const label = labelOf(entity_type)
              const reason = `The text holds personal data (${label.toLowerCase()}).`
              const rule = `presidio.${label.toLowerCase()}`
              return { rule, path, start: unit(start)!, end: unit(end)!, score, label, reason }
            })
        }
        const texts = passages.filter(({ text }) => text.trim() !== '')
        const found = await askAll(texts, AT_ONCE, ({ text, path }) => analyze(text, path))
        return found.flat()
      }
    }
  }
})

function labelOf(entity: string): string {
  return (
    entity
      .toUpperCase()
      .match(/[A-Z0-9]+/g)
      ?.join('_') ?? 'REDACTED'
  )
}

/** Its offsets count code points, as Python's do; ours count UTF-16 units. Undefined beyond the end. */
function unitsOf(text: string): (codePoint: number) => number | undefined {
  if (!/[\ud800-\udbff]/.test(text)) return offset => (offset > text.length ? undefined : offset)
  const units = [0]
  for (const character of text) units.push(units.at(-1)! + character.length)
  return offset => units[offset]
}
