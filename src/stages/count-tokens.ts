import type { Call, Reply } from './call.ts'

/** Bytes of text a token stands for, on the average of English prose and code; an estimate, never a bound. */
const BYTES_PER_TOKEN = 4
/** What a picture or document counts as where nobody counts it for us. */
const MEDIA_TOKENS = 1_500

/**
 * The answer to "how many tokens is this?" where the target has no counter (D33): an estimate from the bytes of all
 * texts, marked as one, so that a client which asks first (Claude Code does) can go on.
 */
export function estimateReply(call: Call, answered: { provider: string; model: string; fallback: number }): Reply {
  return {
    how: 'whole',
    status: 200,
    headers: { 'content-type': 'application/json', 'x-gatehouse-estimated': 'true' },
    body: Buffer.from(JSON.stringify({ input_tokens: estimateTokens(call) })),
    usage: undefined,
    finish: undefined,
    answered: { ...answered, attempts: 1, losses: [], touches: [], simulated: false }
  }
}

export function estimateTokens(call: Call): number {
  const body = call.body.object()
  let bytes = 0
  for (const text of call.dialect.texts(body, 'request')) bytes += Buffer.byteLength(text.get())
  bytes += Buffer.byteLength(JSON.stringify(body.tools ?? ''))
  const media = JSON.stringify(body.messages ?? '').split(/"type":"(?:image|document|image_url|file)"/).length - 1
  return Math.ceil(bytes / BYTES_PER_TOKEN) + media * MEDIA_TOKENS
}
