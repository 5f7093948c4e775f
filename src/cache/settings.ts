import * as z from 'zod'
import { type CacheMode, cacheMode, cacheStale, cacheThreshold, cacheTtl } from '../cache-rules.ts'
import { duration, size } from '../fields.ts'

/** What the gateway says of the cache. */
export interface CacheSettings {
  mode: CacheMode
  ttlMs: number
  staleMs: number
  /** In memory. */
  memoryBytesMax: number
  /** In the file or in Redis. */
  storeBytesMax: number
  /** The largest answer that is kept. */
  answerBytesMax: number
  /** How fast a kept stream is given. */
  pace: 'immediate' | 'natural'
  coalesce: boolean
  /** Undefined: nothing says how questions become vectors. */
  semantic: SemanticSettings | undefined
}

export interface SemanticSettings {
  /** Model or route of the embeddings. */
  embeddings: string
  threshold: number
  /** Shorter questions are not compared, in characters. */
  charsMin: number
  /** Whether calls that declare tools are compared. */
  tools: boolean
  /** How long the embedding of a question is waited for. */
  timeoutMs: number
}

const semanticSchema = z
  .strictObject({
    embeddings: z.string().min(1).describe('Model or route that makes vectors of questions.'),
    threshold: cacheThreshold
      .default(0.95)
      .describe('How like a question must be (cosine, from 0 to 1); `gatehouse cache eval` proposes one.'),
    min_chars: z.int().min(1).max(10_000).default(16).describe('Shorter questions are not compared.'),
    tools: z.boolean().default(false).describe('Compare questions of calls that declare tools, too.'),
    timeout: duration.prefault('2s').describe('How long a vector is waited for; after that the call goes its way.')
  })
  .transform(
    (said): SemanticSettings => ({
      embeddings: said.embeddings,
      threshold: said.threshold,
      charsMin: said.min_chars,
      tools: said.tools,
      timeoutMs: said.timeout
    })
  )

/** The section `cache`. */
export const cacheSchema = z
  .strictObject({
    mode: cacheMode
      .default('off')
      .describe('For calls of which neither their route, nor their key, nor they themselves say anything.'),
    ttl: cacheTtl.prefault('1h').describe('How long an answer is fresh.'),
    stale: cacheStale.prefault('0s').describe('How long after that it may still be served while a new one is fetched.'),
    memory: size.prefault('128MB').describe('The most that answers may take in memory.'),
    size: size.prefault('2GB').describe('The most that they may take in the data directory.'),
    answer: size.prefault('1MB').describe('The largest answer that is kept.'),
    pace: z
      .enum(['immediate', 'natural'])
      .default('immediate')
      .describe('A kept stream is given at once, or as fast as it came.'),
    coalesce: z.boolean().default(true).describe('Identical calls in flight share one call upstream.'),
    semantic: semanticSchema.optional().describe('How questions are compared; needed where a mode is `semantic`.')
  })
  .transform(
    (said): CacheSettings => ({
      mode: said.mode,
      ttlMs: said.ttl,
      staleMs: said.stale,
      memoryBytesMax: said.memory,
      storeBytesMax: said.size,
      answerBytesMax: said.answer,
      pace: said.pace,
      coalesce: said.coalesce,
      semantic: said.semantic
    })
  )
