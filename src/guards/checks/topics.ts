import * as z from 'zod'
import { batchesOf, excerptsOf } from '../excerpts.ts'
import { checkKind, type Finding, type Tools } from '../guard.ts'

/** What models for embeddings take at a time, as a rule: some thousand tokens a text, and so many texts. */
const EXCERPT_UNITS = 4_000
const BATCH_TEXTS = 64
const BATCH_UNITS = 64_000
const EXAMPLES_MS = 30_000

type Embed = NonNullable<Tools['embed']>
type Vectors = readonly (readonly number[])[]

const topics = z.record(z.string().regex(/^[a-z][a-z0-9_]*$/), z.array(z.string().min(1)).min(1))

const options = z
  .strictObject({
    model: z.string().min(1).describe('A model or route of this gateway for embeddings.'),
    allow: topics.optional().describe('Topics by name, each with example sentences; what is near none is found.'),
    deny: topics.optional().describe('Topics by name, each with example sentences; what is near one is found.'),
    threshold: z.number().min(0).max(1).default(0.5).describe('Cosine similarity from which on a text is near.')
  })
  .refine(({ allow, deny }) => allow ?? deny, 'expected topics to allow or to deny')

/** What a text is about, by its nearness to examples; embedded by our own routes, charged to the caller (D25). */
export const check = checkKind({
  name: 'topics',
  summary: 'Finds texts about topics that are denied, or about none that is allowed.',
  concern: 'quality',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'flag',
  options,
  create({ model, allow = {}, deny = {}, threshold }) {
    const examples = [...named(allow, true), ...named(deny, false)]
    let known: Promise<Vectors> | undefined
    const exampleVectors = (embed: Embed, signal: AbortSignal): Promise<Vectors> => {
      if (known) return known
      const texts = examples.map(({ text }) => text)
      const asked = vectorsOf(embed, texts, signal)
      known = asked
      asked.catch(() => {
        if (known === asked) known = undefined
      })
      return asked
    }
    const vectorsOf = async (embed: Embed, texts: readonly string[], signal: AbortSignal): Promise<Vectors> => {
      const batches = batchesOf(texts, { countMax: BATCH_TEXTS, weightMax: BATCH_UNITS, weightOf: text => text.length })
      const asked = batches.map(some => embed({ model, texts: some, purpose: 'guard', signal }))
      return (await Promise.all(asked)).flat()
    }
    return {
      reach: 'whole',
      async judge({ passages }, { embed }, signal): Promise<Finding[]> {
        if (!embed) throw new Error('There is nobody to ask: the gateway has no model for embeddings.')
        const said = passages.filter(({ kind }) => kind !== 'tool-description')
        const texts = excerptsOf(said, EXCERPT_UNITS)
        if (texts.length === 0) return []
        // Those of the examples are for all calls: one that leaves takes them along for no other.
        const standing = await exampleVectors(embed, AbortSignal.timeout(EXAMPLES_MS))
        const vectors = await vectorsOf(
          embed,
          texts.map(({ text }) => text),
          signal
        )
        return vectors.flatMap(vector => {
          const near = examples.map((example, at) => ({ ...example, score: cosine(vector, standing[at]!) }))
          const denied = near.filter(({ isAllowed, score }) => !isAllowed && score >= threshold)
          const worst = denied.sort((a, b) => b.score - a.score)[0]
          if (worst) return [found(`topics.${worst.topic}`, worst.score, 'It is about a topic that is denied.')]
          const allowed = near.filter(({ isAllowed }) => isAllowed)
          const isOff = allowed.length > 0 && allowed.every(({ score }) => score < threshold)
          const nearest = Math.max(0, ...allowed.map(({ score }) => score))
          return isOff ? [found('topics.none_allowed', 1 - nearest, 'It is about no topic that is allowed.')] : []
        })
      }
    }
  }
})

const found = (rule: string, score: number, reason: string): Finding => ({
  rule,
  score: Math.min(1, score),
  reason
})

function named(of: Readonly<Record<string, readonly string[]>>, isAllowed: boolean) {
  return Object.entries(of).flatMap(([topic, texts]) => texts.map(text => ({ topic, text, isAllowed })))
}

/** From -1 to 1. Rejects what cannot be compared: a route may have changed its model. */
function cosine(a: readonly number[], b: readonly number[]): number {
  let [dot, aa, bb] = [0, 0, 0]
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!
    aa += a[i]! * a[i]!
    bb += b[i]! * b[i]!
  }
  const score = dot / Math.sqrt(aa * bb)
  if (a.length !== b.length || !Number.isFinite(score)) throw new Error('The embeddings cannot be compared.')
  return score
}
