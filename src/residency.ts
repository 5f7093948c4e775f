import * as z from 'zod'

/**
 * Where data may go and what becomes of it there: what a provider is said to do, and what is demanded of whoever
 * answers. Members are spelled as people write them, the same in the file, in the admin API, in rows and in the header.
 */

/** What a provider does with what it is sent, as its owner's contract with it has it. What nobody said is unknown. */
export interface DataTerms {
  /** Words for the place, all of which hold of all that is sent: `[eu, de]` is in Germany, and so in the EU. */
  region: readonly string[] | 'unknown'
  /** For how many days it keeps anything of a call. */
  retention_days: number | 'unknown'
  /** Whether models are trained with it. */
  trains: boolean | 'unknown'
}

/** What is demanded of a provider, in one place. Demands of several places must all be fulfilled. */
export interface Demands {
  /** One of these words must be among the provider's. */
  region?: readonly string[] | undefined
  zero_retention?: true | undefined
  no_training?: true | undefined
}

/** Demands that one call can fail by, in the order in which they are looked at. */
export type Demand = keyof Demands

/** A word for a place. The `|` between two of them in a header is none of theirs. */
const WORD = /^[a-z0-9][a-z0-9._-]{0,63}$/

const words = z
  .array(z.string().regex(WORD, { error: 'expected a word of lower-case letters, digits, dots and dashes: eu' }))
  .min(1)
  .max(20)

const unknown = z.literal('unknown')

/** `data` of a provider. */
export const dataSchema = z
  .strictObject({
    region: z
      .union([words, unknown])
      .default('unknown')
      .describe('Words for where it works: `[eu, de]`. Each must hold of every call to it.'),
    retention_days: z
      .union([z.int().min(0).max(36_500), unknown])
      .default('unknown')
      .describe('Days for which it keeps anything of a call; 0: nothing is kept.'),
    trains: z.union([z.boolean(), unknown]).default('unknown').describe('Whether models are trained with calls.')
  })
  .describe('What becomes of data there, as your contract with it says. Unknown fulfils no demand.')

const demanded = z.literal(true, { error: 'expected true: demands add up, and none is taken back; leave it out' })

/** `require` of the gateway, a route, a key or a team. */
export const demandsSchema = z
  .strictObject({
    region: words.optional().describe('One of these must be among the words of the provider’s `data.region`.'),
    zero_retention: demanded.optional().describe('The provider’s `data.retention_days` must be 0.'),
    no_training: demanded.optional().describe('The provider’s `data.trains` must be false.')
  })
  .describe('What providers must fulfil by their `data`. Demands add up; nothing further down takes one back.')

/** The first demand that a provider does not fulfil; undefined where it fulfils all. What is unknown fulfils none. */
export function unfulfilled(demands: readonly Demands[], terms: DataTerms | undefined): Demand | undefined {
  for (const { region, zero_retention, no_training } of demands) {
    if (region && !isIn(region, terms?.region)) return 'region'
    if (zero_retention && terms?.retention_days !== 0) return 'zero_retention'
    if (no_training && terms?.trains !== false) return 'no_training'
  }
  return undefined
}

function isIn(wanted: readonly string[], region: DataTerms['region'] | undefined): boolean {
  return Array.isArray(region) && wanted.some(word => region.includes(word))
}

/**
 * Demands as one text: `region=eu|ch; zero-retention; no-training`. Also a comma ends one, so that two headers of one
 * name, which arrive joined by it, add up. Undefined where a part is no demand, or there is none.
 */
export function readDemands(text: string): Demands[] | undefined {
  const parts = text.toLowerCase().split(/[;,]/)
  const read = parts.filter(part => part.trim() !== '').map(readDemand)
  return read.length > 0 && read.every(each => each !== undefined) ? read : undefined
}

function readDemand(part: string): Demands | undefined {
  const [name = '', value, ...more] = part.split('=').map(each => each.trim())
  if (more.length > 0) return undefined
  if (name === 'region' && value !== undefined) {
    const region = value.split('|').map(word => word.trim())
    return region.every(word => WORD.test(word)) ? { region } : undefined
  }
  if (value !== undefined) return undefined
  if (name === 'zero-retention') return { zero_retention: true }
  return name === 'no-training' ? { no_training: true } : undefined
}
