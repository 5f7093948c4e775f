import * as z from 'zod'
import { checkKind, type Finding } from '../guard.ts'

const NANO_PER_USD = 1e9

const options = z.strictObject({
  usd_max: z
    .number()
    .positive()
    .describe(
      'What the calls of one session may come to, in US dollars. Once reached, further calls are found; calls that are still going on are not counted, so calls at once can pass it.'
    )
})

/** A ceiling on what one session costs. Calls that name no session are left alone. */
export const check = checkKind({
  name: 'session-cost',
  summary: 'Finds calls of a session that has cost as much as it may.',
  concern: 'security',
  sides: ['request'],
  actions: ['block', 'flag', 'shadow'],
  action: 'block',
  options,
  create: ({ usd_max }) => ({
    reach: 0,
    async judge({ session }, { sessionCostNano }): Promise<Finding[]> {
      if (session === undefined) return []
      const spentNano = await sessionCostNano?.(session)
      if (spentNano === undefined) throw new Error('Nobody knows what the session came to.')
      const isReached = spentNano >= usd_max * NANO_PER_USD
      const reason = `The session has reached its ceiling of ${usd_max} USD.`
      return isReached ? [{ rule: 'session-cost.reached', score: 1, reason }] : []
    }
  })
})
