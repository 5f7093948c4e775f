import { sse } from '../framings.ts'
import type { Voice } from '../voice.ts'
import { errorBody, errorNamed } from './errors.ts'
import { anthropicGate } from './gate.ts'
import { readMessages } from './read.ts'
import { replyOf } from './reply.ts'

const LIMITS = { requests: 4000, tokens: 480_000, 'input-tokens': 400_000, 'output-tokens': 80_000 }

/** Anthropic's messages, spoken by the simulator. */
export const anthropicVoice: Voice = {
  dialect: 'anthropic-messages',
  gate: anthropicGate,
  framing: sse('text/event-stream; charset=utf-8'),
  read: readMessages,
  cacheUse: (ask, cache, nowMs) => cache.marked(ask.model, ask.blocks, nowMs),
  reply: replyOf,
  error: errorNamed,
  errorBody,
  errorFrames: (refusal, requestId) => [
    { kind: 'end', event: 'error', data: JSON.stringify(errorBody(refusal, requestId)) }
  ],
  newRequestId: ids => ids.next('req_011C', 20),
  headers: (requestId, { wallMs }) => {
    const headers: Record<string, string> = {
      'request-id': requestId,
      'anthropic-organization-id': '00000000-0000-4000-8000-000000000000'
    }
    const resetAt = `${new Date(wallMs + 1000).toISOString().slice(0, 19)}Z`
    for (const [what, limit] of Object.entries(LIMITS)) {
      headers[`anthropic-ratelimit-${what}-limit`] = String(limit)
      headers[`anthropic-ratelimit-${what}-remaining`] = String(limit - 1)
      headers[`anthropic-ratelimit-${what}-reset`] = resetAt
    }
    return headers
  },
  errorContentType: () => 'application/json'
}
