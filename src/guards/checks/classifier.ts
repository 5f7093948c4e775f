import * as z from 'zod'
import { secret } from '../../fields.ts'
import { askAll, batchesOf, type Excerpt, excerptsOf, joined } from '../excerpts.ts'
import { type Check, checkKind, type Finding, type Tools } from '../guard.ts'

const options = z.strictObject({
  format: z
    .enum(['llama-guard', 'tei', 'huggingface'])
    .describe(
      '`llama-guard`: a chat model that answers `safe`, or `unsafe` and its categories. `tei` (`POST …/predict` of Text Embeddings Inference) and `huggingface` (inference endpoints): a model that gives labels with scores, as Prompt Guard.'
    ),
  model: z.string().min(1).optional().describe('Of `llama-guard`: a model or route of this gateway.'),
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Of `tei` and `huggingface`: the whole address, as `http://prompt-guard:8080/predict`.'),
  key: secret.optional().describe('Sent to that address as `authorization: Bearer …`.'),
  categories: z
    .array(z.string().min(1).max(64))
    .min(1)
    .optional()
    .describe('Those that count, as `S1` or `MALICIOUS`. Of `llama-guard` by default all; labels must be said.'),
  threshold: z.number().min(0).max(1).default(0.5).describe('Labels with a lower score are left out.'),
  excerpt: z
    .int()
    .min(100)
    .max(100_000)
    .optional()
    .describe(
      'Characters that are judged at a time. By default 24,000 for `llama-guard`, and 500 for models of labels, most of which read no more than 512 tokens.'
    ),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})
type Options = z.output<typeof options>

/** What lies on a cut is whole in one excerpt of two, if it is no longer than this share of them. */
const OVERLAP_SHARE = 0.2
const AT_ONCE = 4

/** Any model that sorts texts: Llama Guard and its kin by our own routes, Prompt Guard and its kin where they are served. */
export const check = checkKind({
  name: 'classifier',
  summary: 'Asks a model that sorts texts: Llama Guard, Prompt Guard, or another with labels.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create: said => (said.format === 'llama-guard' ? llamaGuard(said) : labels(said, said.format))
})

// ---- Llama Guard -------------------------------------------------------------------------------------------------

/** The hazards of Llama Guard 3 and 4, as its model card numbers them. */
const HAZARDS: Readonly<Record<string, string>> = {
  S1: 'violent crimes',
  S2: 'other crimes',
  S3: 'sex-related crimes',
  S4: 'child sexual exploitation',
  S5: 'defamation',
  S6: 'specialised advice',
  S7: 'privacy',
  S8: 'intellectual property',
  S9: 'weapons of mass destruction',
  S10: 'hate',
  S11: 'suicide and self-harm',
  S12: 'sexual content',
  S13: 'elections',
  S14: 'abuse of a code interpreter'
}
const VERDICT = /^\s*(?:safe|unsafe(?:\s+(S\d{1,2}(?:\s*,\s*S\d{1,2})*))?)\s*$/i

function llamaGuard({ model, url, key, categories, excerpt = 24_000 }: Options): Check {
  if (model === undefined) throw new Error('llama-guard needs a `model`: one of this gateway, or a route')
  if (url !== undefined || key !== undefined) {
    throw new Error('llama-guard is reached by `model`, through a provider: it takes no `url` and no `key`')
  }
  const wanted = categories?.map(category => category.toUpperCase())
  const unknown = wanted?.find(category => !/^S\d{1,2}$/.test(category))
  if (unknown !== undefined) throw new Error(`the categories of llama-guard are S1 to S14, not "${unknown}"`)
  return {
    reach: 'whole',
    async judge({ passages }, { ask }, signal) {
      if (!ask) throw new Error('There is nobody to ask: the gateway has no model for classifiers.')
      const excerpts = excerptsOf(joined(passages), excerpt, Math.floor(excerpt * OVERLAP_SHARE))
      const said = await askAll(excerpts, AT_ONCE, each => ask({ model, text: each.text, purpose: 'guard', signal }))
      const found = new Set(said.flatMap(hazardsIn))
      return [...found]
        .filter(hazard => wanted === undefined || hazard === 'unsafe' || wanted.includes(hazard))
        .map(hazard => ({ rule: `classifier.${hazard.toLowerCase()}`, score: 1, reason: reasonFor(hazard) }))
    }
  }
}

/** A verdict that names no category counts as `unsafe`, whichever categories are wanted. */
function hazardsIn(said: string): string[] {
  const verdict = VERDICT.exec(said)
  if (!verdict) throw new Error('The classifier gave no verdict.')
  if (/^\s*safe/i.test(said)) return []
  return verdict[1]?.toUpperCase().split(/\s*,\s*/) ?? ['unsafe']
}

function reasonFor(hazard: string): string {
  const what = HAZARDS[hazard]
  return what === undefined ? 'A classifier finds the text unsafe.' : `A classifier finds the text unsafe: ${what}.`
}

// ---- models of labels --------------------------------------------------------------------------------------------

const scored = z.array(z.object({ label: z.string(), score: z.number() }))
/** One text is answered with its labels, or with a list of one such list. */
const ofOne = z.union([scored, z.tuple([scored]).transform(([only]) => only)])
/** What Text Embeddings Inference takes at a time where nobody set another bound. */
const TEI_BATCH = 32

/** https://huggingface.co/docs/text-embeddings-inference and https://huggingface.co/docs/inference-providers */
function labels(
  { model, url, key, categories, threshold, excerpt = 500, allow_private }: Options,
  format: string
): Check {
  if (url === undefined || categories === undefined) throw new Error(`${format} needs a \`url\` and \`categories\``)
  if (model !== undefined) throw new Error(`${format} is reached by its \`url\`: it takes no \`model\``)
  const countMax = format === 'tei' ? TEI_BATCH : 1
  const request = (batch: readonly Excerpt[], signal: AbortSignal): Parameters<Tools['post']>[0] => ({
    url,
    headers: key ? { authorization: `Bearer ${key.reveal()}` } : {},
    // Two texts in a list would be one pair to it. What is too long is refused, and never cut off unread.
    body: JSON.stringify(
      format === 'tei' ? { inputs: batch.map(({ text }) => [text]), truncate: false } : { inputs: batch[0]!.text }
    ),
    signal,
    ...(allow_private && { allowPrivate: allow_private })
  })
  return {
    reach: 'whole',
    async judge({ passages }, { post }, signal) {
      const excerpts = excerptsOf(passages, excerpt, Math.floor(excerpt * OVERLAP_SHARE))
      const batches = batchesOf(excerpts, { countMax, weightMax: Number.POSITIVE_INFINITY, weightOf: () => 1 })
      const answers = await askAll(batches, AT_ONCE, async batch => {
        const read = (format === 'tei' ? z.array(scored).length(batch.length) : ofOne).safeParse(
          await post(request(batch, signal))
        )
        if (!read.success) throw new Error('The classifier answered with something else than labels.')
        return read.data.flat()
      })
      return categories.flatMap(category => highest(category, answers.flat(), threshold))
    }
  }
}

function highest(category: string, given: z.output<typeof scored>, threshold: number): Finding[] {
  const scores = given.filter(({ label }) => label.toLowerCase() === category.toLowerCase()).map(each => each.score)
  const score = Math.max(Number.NEGATIVE_INFINITY, ...scores)
  if (score < threshold) return []
  const rule = `classifier.${category.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`
  return [{ rule, score: Math.min(1, score), reason: `A classifier finds ${category} in the text.` }]
}
