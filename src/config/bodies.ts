import * as z from 'zod'
import { duration, size } from '../fields.ts'
import { BODY_LEVELS, type BodyLevel } from '../stores/rows.ts'

/** What is kept of what is said in calls. */
export interface BodySettings {
  /** Where no key, team, user or organisation says it. */
  level: BodyLevel
  /** Days that are kept. */
  days: number
  /** Of all days together; undefined: no limit. */
  bytesMax: number | undefined
}

const DAY_MS = 86_400_000

export const bodiesSchema = z
  .strictObject({
    level: z
      .enum(BODY_LEVELS)
      .default('none')
      .describe(
        '`metadata`: which members, roles and kinds of parts, and how long; `redacted`: with personal data and secrets masked; `full`: as it was. Keys, teams, users and organisations may say it for their calls, and a call may ask for less with `x-gatehouse-log`.'
      ),
    keep: duration.prefault('30d').describe('Bodies of days that are older are dropped.'),
    size: size.optional().describe('The oldest days are dropped when all together are larger.')
  })
  .transform(({ level, keep, size: bytesMax }): BodySettings => {
    return { level, days: Math.max(1, Math.ceil(keep / DAY_MS)), bytesMax }
  })
