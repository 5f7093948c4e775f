import * as z from 'zod'
import { type StandIn, startStandIn } from './service.ts'

/**
 * POST /predict of Text Embeddings Inference with a model that classifies
 * (huggingface.github.io/text-embeddings-inference), and an inference endpoint of Hugging Face at `/`, which answers one
 * text with a list of one list.
 */

const TOKENS_MAX = 512
const BATCH_MAX = 32

const single = z.tuple([z.string()])
const pair = z.tuple([z.string(), z.string()])
const asked = z.strictObject({
  inputs: z.union([z.string(), pair, z.array(z.union([single, pair]))]),
  raw_scores: z.boolean().optional(),
  truncate: z.boolean().nullish(),
  truncation_direction: z.enum(['left', 'right']).optional()
})
const ofEndpoint = z.strictObject({ inputs: z.string(), parameters: z.object({}).optional() })

interface Options {
  key?: string
  /** A text that holds it is malicious. */
  word: string
}

export function startTei({ key, word }: Options): Promise<StandIn> {
  const labelled = (text: string) => {
    const score = text.includes(word) ? 0.998 : 0.002
    const labels = [
      { label: 'MALICIOUS', score },
      { label: 'BENIGN', score: 1 - score }
    ]
    return labels.sort((a, b) => b.score - a.score)
  }
  return startStandIn({
    answer({ method, path, headers, body }) {
      if (method !== 'POST') throw { status: 405, body: '' }
      if (key !== undefined && headers.authorization !== `Bearer ${key}`) throw { status: 401, body: '' }
      if (path === '/') {
        const read = ofEndpoint.safeParse(body)
        if (!read.success) throw { status: 422, body: { error: z.prettifyError(read.error) } }
        return [labelled(read.data.inputs)]
      }
      if (path !== '/predict') throw { status: 404, body: '' }
      const read = asked.safeParse(body)
      if (!read.success) throw failure(422, z.prettifyError(read.error), 'Validation')
      const { inputs, truncate } = read.data
      if (Array.isArray(inputs) && inputs.length === 0) throw failure(400, '`inputs` cannot be empty', 'Empty')
      const isBatch = Array.isArray(inputs) && Array.isArray(inputs[0])
      const texts = isBatch ? (inputs as string[][]).map(each => each.join(' ')) : [[inputs].flat(2).join(' ')].flat()
      if (texts.length > BATCH_MAX) {
        const error = `batch size ${texts.length} > maximum allowed batch size ${BATCH_MAX}`
        throw failure(422, error, 'Validation')
      }
      for (const text of texts) {
        const tokens = tokensOf(text)
        if (tokens <= TOKENS_MAX || truncate) continue
        const error = `\`inputs\` must have less than ${TOKENS_MAX} tokens. Given: ${tokens}`
        throw failure(413, error, 'Validation')
      }
      return isBatch ? texts.map(labelled) : labelled(texts[0]!)
    },
    failure: status =>
      status === 429 ? failure(429, 'Model is overloaded', 'Overloaded') : failure(500, 'Inference failed', 'Backend')
  })
}

/** Words, and the signs of scripts that write none apart; two for the text's beginning and end. */
function tokensOf(text: string): number {
  return 2 + (text.match(/[\p{Script=Han}]|[^\s\p{Script=Han}]{1,6}/gu)?.length ?? 0)
}

const failure = (status: number, error: string, error_type: string) => ({ status, body: { error, error_type } })
