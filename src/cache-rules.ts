import * as z from 'zod'
import { duration } from './fields.ts'

/** Whether answers are kept and given again (D28): never, for the same request, or for one whose last question is like it. */
export const CACHE_MODES = ['off', 'exact', 'semantic'] as const
export type CacheMode = (typeof CACHE_MODES)[number]

/** A mode, as people write it. */
export const cacheMode = z
  .enum(CACHE_MODES)
  .describe(
    '`exact`: the same request gets the same answer; `semantic`: so does one whose last question is like it; `off`: never, whoever wants it.'
  )

/** What a route says of the cache: what is absent is as the gateway says. */
export interface RouteCache {
  mode: CacheMode
  ttlMs?: number
  staleMs?: number
  threshold?: number
  namespace?: string
  tags?: readonly string[]
  bucket?: number
  coalesce?: boolean
}

/** The longest that an answer is kept. */
export const TTL_MAX_MS = 30 * 86_400_000
/** The most answers that one request may have. */
export const BUCKET_MAX = 100

/** How long an answer is fresh. */
export const cacheTtl = duration.refine(ms => ms >= 1_000 && ms <= TTL_MAX_MS, { error: 'from 1s to 30d' })
/** How long it may be served after that. */
export const cacheStale = duration.refine(ms => ms <= TTL_MAX_MS, { error: 'at most 30d' })
/** How like a question must be. */
export const cacheThreshold = z.number().gt(0).max(1)

/** Names that people and calls give to parts of the cache. */
export const CACHE_NAME = /^[\w.:@/-]{1,100}$/
const cacheName = z.string().regex(CACHE_NAME, { error: 'up to 100 letters, digits and . : @ / _ -' })

const routeFields = {
  ttl: cacheTtl.optional().describe('How long an answer is fresh.'),
  stale: cacheStale.optional().describe('How long after that it may still be served while a new one is fetched.'),
  threshold: cacheThreshold.optional().describe('How like a question must be, from 0 to 1.'),
  namespace: cacheName.optional().describe('Answers of one namespace are never served in another.'),
  tags: z.array(cacheName).max(20).optional().describe('What its answers can be purged by.'),
  bucket: z
    .int()
    .min(1)
    .max(BUCKET_MAX)
    .optional()
    .describe('How many different answers a request has; each call gets one of them by chance.'),
  coalesce: z.boolean().optional().describe('Identical calls in flight share one call upstream. Follows the mode.')
}

/** `cache` of a route: a mode, or a mode with settings. */
export const routeCacheSchema = z
  .union(
    [
      cacheMode,
      z.strictObject({
        mode: cacheMode.exclude(['off']).describe('The same request, or one whose last question is like it, too.'),
        ...routeFields
      })
    ],
    {
      error: () =>
        'expected off, exact or semantic; or { mode, ttl, stale, threshold, namespace, tags, bucket, coalesce }'
    }
  )
  .transform((said): RouteCache => {
    if (typeof said === 'string') return { mode: said }
    const { mode, ttl: ttlMs, stale: staleMs, ...rest } = said
    return { mode, ...(ttlMs !== undefined && { ttlMs }), ...(staleMs !== undefined && { staleMs }), ...given(rest) }
  })
  .describe('Whether its answers are kept and given again, and how.')

function given<Values extends object>(values: Values): { [Name in keyof Values]: Exclude<Values[Name], undefined> } {
  const kept = Object.entries(values).filter(([, value]) => value !== undefined)
  return Object.fromEntries(kept) as { [Name in keyof Values]: Exclude<Values[Name], undefined> }
}
