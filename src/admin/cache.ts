import * as z from 'zod'
import { invalid } from '../access/changes.ts'
import { purgeCache } from '../access/purge.ts'
import type { CachePurge } from '../stores/cache.ts'
import { text, usd } from './replies.ts'
import { type Route, route } from './route.ts'

const FILTERS = {
  key: 'The answer of this key, as `x-gatehouse-cache-key` says it.',
  tag: 'Answers with this tag.',
  route: 'Answers of this route, or model as it was asked for.',
  namespace: 'Answers of this namespace.',
  org: 'Answers to calls of this organisation.',
  team: 'Answers to calls of this team.',
  user: 'Answers to calls of this user.',
  customer: 'Answers to calls of this customer.',
  key_name: 'Answers to calls with the key of this name.'
} as const

const filters = Object.fromEntries(
  Object.entries(FILTERS).map(([name, says]) => [name, z.string().min(1).max(256).optional().describe(says)])
) as Record<keyof typeof FILTERS, z.ZodOptional<z.ZodString>>

const sizeReply = z.object({ answers: z.number(), bytes: z.number() })

export const cacheRoutes: readonly Route[] = [
  route({
    method: 'GET',
    path: '/cache',
    permission: 'system:read',
    tag: 'cache',
    summary: 'What the cache of this process has, and what it was good for since the process began.',
    reply: z.object({
      memory: sizeReply,
      store: sizeReply.extend({ kind: z.enum(['sqlite', 'redis', 'none']) }).describe('Redis: of all replicas.'),
      since_start: z.object({
        hits: z.number(),
        semantic: z.number(),
        coalesced: z.number(),
        misses: z.number(),
        bypass: z.number(),
        stored: z.number(),
        saved_usd: text,
        saved_ms: z.number()
      })
    }),
    async run({ governance }) {
      const { memory, store, sinceStart } = await governance.cache.stats()
      const { savedNano, savedMs, ...counts } = sinceStart
      return { memory, store, since_start: { ...counts, saved_usd: usd(savedNano)!, saved_ms: Math.round(savedMs) } }
    }
  }),
  route({
    method: 'POST',
    path: '/cache/purge',
    permission: 'cache:purge',
    tag: 'cache',
    summary: 'Takes the answers out of the cache that fit all that is said; every replica does within a second.',
    body: z.strictObject({
      ...filters,
      all: z.literal(true).optional().describe('All of them; nothing else may be said beside it.')
    }),
    reply: z.object({ answers: z.number().describe('How many went, of this process and what replicas share.') }),
    async run({ actor, body, governance, tools }) {
      const { all, key_name: keyName, ...rest } = body
      const named = { ...rest, ...(keyName !== undefined && { keyName }) }
      const asked = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)) as CachePurge
      const isNamed = Object.keys(asked).length > 0
      if (isNamed === (all === true)) throw invalid('all', 'Say which answers, or `all: true`, and not both.')
      const seq = await purgeCache(actor, asked, governance.stores, tools)
      const answers = await governance.cache.purged(seq)
      await governance.changed('access')
      return { answers }
    }
  })
]
