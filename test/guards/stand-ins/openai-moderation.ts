import * as z from 'zod'
import { type StandIn, startStandIn } from './service.ts'

/** POST /v1/moderations (platform.openai.com/docs/api-reference/moderations), of texts. */

const CATEGORIES = [
  'harassment',
  'harassment/threatening',
  'hate',
  'hate/threatening',
  'illicit',
  'illicit/violent',
  'self-harm',
  'self-harm/intent',
  'self-harm/instructions',
  'sexual',
  'sexual/minors',
  'violence',
  'violence/graphic'
] as const

const text = z.string().min(1)
const asked = z.strictObject({
  input: z.union([text, z.array(text).min(1)]),
  model: z.enum(['omni-moderation-latest', 'omni-moderation-2024-09-26', 'text-moderation-latest']).optional()
})

interface Options {
  key: string
  /** What counts as which category. */
  scores: readonly { word: string; category: (typeof CATEGORIES)[number]; score: number }[]
}

export function startOpenaiModeration({ key, scores }: Options): Promise<StandIn> {
  const judged = (input: string, forTextAlone: boolean) => {
    const category_scores = Object.fromEntries(
      CATEGORIES.map(category => [
        category,
        Math.max(
          0.0001,
          ...scores.filter(each => each.category === category && input.includes(each.word)).map(s => s.score)
        )
      ])
    )
    // Models for text alone know neither of these.
    const isUnknown = (name: string) => forTextAlone && name.startsWith('illicit')
    const of = <Value>(value: (name: string) => Value) =>
      Object.fromEntries(CATEGORIES.map(name => [name, isUnknown(name) ? null : value(name)]))
    return {
      flagged: CATEGORIES.some(name => category_scores[name]! >= 0.5),
      categories: of(name => category_scores[name]! >= 0.5),
      category_scores: of(name => category_scores[name]),
      category_applied_input_types: of(() => ['text'])
    }
  }
  return startStandIn({
    answer({ method, path, headers, body }) {
      if (method !== 'POST' || path !== '/v1/moderations') throw failure(404, `Invalid URL (${method} ${path})`)
      if (headers.authorization !== `Bearer ${key}`) {
        throw failure(401, 'Incorrect API key provided.', 'invalid_request_error', 'invalid_api_key')
      }
      const read = asked.safeParse(body)
      if (!read.success) throw failure(400, z.prettifyError(read.error))
      const { input, model = 'omni-moderation-latest' } = read.data
      const inputs = typeof input === 'string' ? [input] : input
      const results = inputs.map(each => judged(each, model.startsWith('text-')))
      return { id: 'modr-1', model, results }
    },
    failure: status =>
      status === 429
        ? failure(429, 'Rate limit reached for requests.', 'requests', 'rate_limit_exceeded')
        : failure(500, 'The server had an error while processing your request.', 'server_error')
  })
}

function failure(status: number, message: string, type = 'invalid_request_error', code: string | null = null) {
  return { status, body: { error: { message, type, param: null, code } } }
}
