import * as z from 'zod'
import { secret } from '../../fields.ts'
import { batchesOf } from '../excerpts.ts'
import { checkKind, type Finding } from '../guard.ts'

const options = z.strictObject({
  key: secret.describe('A key of OpenAI, as `${OPENAI_API_KEY}`. Moderation is free of charge there.'),
  model: z.string().default('omni-moderation-latest').describe('Of the moderation API.'),
  base_url: z
    .url({ protocol: /^https?$/ })
    .default('https://api.openai.com/v1')
    .describe('For another host.'),
  threshold: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe('Categories from this score on. By default those that the service itself flags.'),
  categories: z.array(z.string()).optional().describe('By default all, as `violence` or `self-harm/intent`.'),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})

const answer = z.object({
  results: z.array(
    z.object({
      // Models for text alone do not know all of them.
      categories: z.record(z.string(), z.boolean().nullable()),
      category_scores: z.record(z.string(), z.number().nullable())
    })
  )
})
/** Texts of one request, in number and in UTF-16 units. */
const BATCH = { countMax: 32, weightMax: 100_000, weightOf: (text: string) => text.length }

/** OpenAI's moderation API (POST /moderations): hate, harassment, self-harm, sexual content, violence, illicit advice. */
export const check = checkKind({
  name: 'openai-moderation',
  summary: "Asks OpenAI's moderation API.",
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create({ key, model, base_url, threshold, categories, allow_private }) {
    const url = `${base_url.replace(/\/+$/, '')}/moderations`
    return {
      reach: 'whole',
      async judge({ passages }, { post }, signal): Promise<Finding[]> {
        const texts = passages.map(({ text }) => text).filter(text => text.trim() !== '')
        const found = new Map<string, number>()
        for (const input of batchesOf(texts, BATCH)) {
          const said = await post({
            url,
            headers: { authorization: `Bearer ${key.reveal()}` },
            body: JSON.stringify({ model, input }),
            signal,
            ...(allow_private && { allowPrivate: allow_private })
          })
          const read = answer.safeParse(said)
          if (!read.success || read.data.results.length !== input.length) {
            throw new Error('The moderation service answered with something else than results.')
          }
          for (const result of read.data.results) {
            for (const [category, score] of Object.entries(result.category_scores)) {
              if (score === null) continue
              const isOver = threshold === undefined ? result.categories[category] === true : score >= threshold
              const isWanted = categories === undefined || categories.includes(category)
              if (isOver && isWanted) found.set(category, Math.max(score, found.get(category) ?? 0))
            }
          }
        }
        return [...found].map(([category, score]) => ({
          rule: `openai-moderation.${category.replace(/[^a-z0-9]+/g, '_')}`,
          score: Math.min(1, Math.max(0, score)),
          reason: `A moderation service finds ${category} in the text.`
        }))
      }
    }
  }
})
