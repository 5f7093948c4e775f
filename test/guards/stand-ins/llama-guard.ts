import * as z from 'zod'
import { type StandIn, startStandIn } from './service.ts'

/**
 * Llama Guard behind a server of chat completions: it answers with `safe`, or with `unsafe` and, on the next line, the
 * categories of the last message (the model card of Llama Guard 3).
 */

const asked = z.strictObject({
  model: z.string(),
  messages: z.array(z.strictObject({ role: z.enum(['user', 'assistant']), content: z.string().min(1) })).min(1),
  stream: z.literal(false).optional(),
  max_tokens: z.int().optional(),
  temperature: z.number().optional()
})

interface Options {
  key: string
  hazards: Readonly<Record<string, string>>
}

export function startLlamaGuard({ key, hazards }: Options): Promise<StandIn> {
  return startStandIn({
    answer({ method, path, headers, body }) {
      if (method !== 'POST' || path !== '/v1/chat/completions') throw failure(404, 'Not Found')
      if (headers.authorization !== `Bearer ${key}`) throw failure(401, 'Unauthorized')
      const read = asked.safeParse(body)
      if (!read.success) throw failure(400, z.prettifyError(read.error))
      const last = read.data.messages.at(-1)!.content
      const found = Object.entries(hazards).filter(([word]) => last.includes(word))
      const content = found.length === 0 ? '\n\nsafe' : `\n\nunsafe\n${found.map(([, code]) => code).join(',')}`
      return {
        id: 'chatcmpl-1',
        object: 'chat.completion',
        created: 1_700_000_000,
        model: read.data.model,
        choices: [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop', logprobs: null }],
        usage: { prompt_tokens: 200, completion_tokens: 5, total_tokens: 205 }
      }
    },
    failure: status => failure(status, 'not now')
  })
}

function failure(code: number, message: string) {
  return { status: code, body: { object: 'error', message, type: 'BadRequestError', param: null, code } }
}
