import * as z from 'zod'
import { moment as momentInput } from '../access/fields.ts'
import { text } from './replies.ts'
import { type Route, route } from './route.ts'

const DAY_MS = 86_400_000

export const guardRateRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/guards/rates',
    permission: 'logs:read_metadata',
    tag: 'guards',
    summary: 'How often each guard looked at a call, how often it found something, and what a look took.',
    query: z.strictObject({
      from: momentInput.optional().describe('Without it: the last day.'),
      to: momentInput.optional()
    }),
    reply: z.object({
      data: z.array(
        z.object({
          guard: text,
          calls: z.number().describe('Calls that it looked at.'),
          hits: z.number().describe('Those in which it found something.'),
          rate: z.number().describe('Their share, from 0 to 1.'),
          errors: z.number().describe('Calls of which it could not say.'),
          took_ms: z.number().describe('Mean of a look.')
        })
      )
    }),
    async run({ actor, governance, query: { from, to } }) {
      await governance.flush()
      const toMs = to ?? (await governance.stores.nowMs()) + 1
      const rates = await governance.stores.logs.guardRates({ fromMs: from ?? toMs - DAY_MS, toMs, org: actor.org })
      const data = rates.map(({ tookMs, ...rate }) => {
        return { ...rate, rate: Math.round((rate.hits / rate.calls) * 1e4) / 1e4, took_ms: tookMs }
      })
      return { data }
    }
  })
]
