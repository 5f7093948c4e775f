import * as z from 'zod'
import { CACHE_MODES } from '../cache-rules.ts'
import { usdText } from '../nano.ts'
import type { Demands } from '../residency.ts'
import { BODY_LEVELS } from '../stores/rows.ts'

/** The kinds of value in replies. */

export const text = z.string()
export const textOrNull = z.string().nullable()
export const texts = z.array(z.string())
export const textsOrNull = z.array(z.string()).nullable()
export const momentText = z.string().meta({ format: 'date-time' })
export const momentOrNull = momentText.nullable()
export const usdTextOrNull = z.string().nullable().describe('US dollars as a decimal text; null: unknown.')
export const metadataReply = z.record(z.string(), z.unknown())
export const demandsReply = z
  .object({
    region: texts.optional(),
    zero_retention: z.literal(true).optional(),
    no_training: z.literal(true).optional()
  })
  .nullable()
  .describe('What whoever answers its calls must fulfil.')
export const source = z.enum(['api', 'file']).describe('`file`: the configuration file declares it; change it there.')

export const bodiesReply = z.enum(BODY_LEVELS).nullable().describe('Null: what the gateway says.')

export const cacheReply = z.enum(CACHE_MODES).nullable().describe('Null: what the route and the gateway say.')

/** Milliseconds since 1970 as ISO 8601 in UTC. */
export function moment(atMs: number): string
export function moment(atMs: number | null): string | null
export function moment(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString()
}

export function demands(required: Demands | undefined): z.input<typeof demandsReply> {
  if (!required) return null
  const { region, ...others } = required
  return { ...(region && { region: [...region] }), ...others }
}

export function usd(nano: number | bigint | null): string | null {
  return nano === null ? null : usdText(nano)
}

/** A share as people write it: 0.8 is `80%`. */
export function percentText(share: number): string {
  return `${Math.round(share * 1e8) / 1e6}%`
}

/** `inputTokens` is `input_tokens` outside. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}

export function snakeCased<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [snakeCase(name), value]))
}
