import * as z from 'zod'
import type { PromptCache } from './route.ts'

const AUTO: PromptCache = { tools: true, system: true, history: true, minTokens: 0, ttl: '5m' }

/** `prompt_cache` of a route or target. */
export const promptCacheSchema = z
  .union(
    [
      z.enum(['off', 'auto']),
      z.strictObject({
        tools: z.boolean().default(true).describe('A mark behind the tools.'),
        system: z.boolean().default(true).describe('A mark behind the system prompt.'),
        history: z
          .boolean()
          .default(true)
          .describe(
            'Marks in a conversation of more than one turn: behind the newest turn of the user and the one before.'
          ),
        min_tokens: z
          .int()
          .min(0)
          .default(0)
          .describe('A prefix that is estimated to be shorter gets no mark. Never less than the model keeps.'),
        ttl: z
          .enum(['5m', '1h'])
          .default('5m')
          .describe(
            'How long a prefix is kept after its last use. An hour costs more to write, where the model has it.'
          )
      })
    ],
    { error: () => 'expected off, auto, or { tools, system, history, min_tokens, ttl }' }
  )
  .transform((policy): PromptCache | 'off' => {
    if (policy === 'off') return policy
    if (policy === 'auto') return AUTO
    const { min_tokens: minTokens, ...rest } = policy
    return { ...rest, minTokens }
  })
  .meta({
    id: 'PromptCache',
    description:
      'Marks for the provider’s own cache, where it wants them and the client placed none. Calls of one session keep to one credential.'
  })
