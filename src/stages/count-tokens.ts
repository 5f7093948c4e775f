import type { Part } from '../dialects/canonical.ts'
import type { Step } from '../routing/facts.ts'
import type { Call, Reply } from './call.ts'
import { requestIn } from './prepare.ts'

/** Bytes of text a token stands for, on the average of English prose and code; an estimate, never a bound. */
const BYTES_PER_TOKEN = 4
/** What a picture or document counts as where nobody counts it for us. */
const MEDIA_TOKENS = 1_500

/**
 * The answer to "how many tokens is this?" where the target has no counter (D33): an estimate from the bytes of all
 * texts, marked as one, so that a client which asks first (Claude Code does) can go on.
 */
export function estimate(call: Call, { target, fallback }: Step): Reply {
  return {
    how: 'whole',
    status: 200,
    headers: { 'content-type': 'application/json', 'x-gatehouse-estimated': 'true' },
    body: Buffer.from(JSON.stringify(call.dialect.tokens!.encodeResponse(estimateTokens(call)))),
    usage: undefined,
    finish: undefined,
    answered: {
      provider: target.provider,
      model: target.model,
      fallback,
      attempts: 1,
      losses: [],
      touches: [],
      simulated: false
    }
  }
}

export function estimateTokens(call: Call): number {
  const body = call.body.object()
  let bytes = 0
  for (const { kind, get } of call.dialect.texts(body, 'request')) {
    // With all of the tools, below.
    if (kind !== 'tool-description') bytes += Buffer.byteLength(get())
  }
  bytes += Buffer.byteLength(JSON.stringify(body.tools ?? ''))
  const media = mediaIn((requestIn(call).messages ?? []).flatMap(message => message.parts))
  return Math.ceil(bytes / BYTES_PER_TOKEN) + media * MEDIA_TOKENS
}

/** Pictures and documents, those in results of tools with them. */
function mediaIn(parts: readonly Part[]): number {
  let count = 0
  for (const part of parts) {
    if (part.type === 'media') count++
    else if (part.type === 'tool-result') count += mediaIn(part.content)
  }
  return count
}
