import type { Ask } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import { piecesOf } from '../tokens.ts'

/** One entry a token; the sampled token is always the likeliest. */
export function logprobsOf(ask: Ask, text: string): JsonObject[] {
  const alternatives = Number(ask.body.top_logprobs ?? 0)
  return piecesOf(text).map(token => ({
    ...logprob(token, -0.01),
    top_logprobs: Array.from({ length: alternatives }, (_, rank) =>
      rank === 0 ? logprob(token, -0.01) : logprob(`${token}${rank}`, -4 - rank)
    )
  }))
}

function logprob(token: string, value: number): JsonObject {
  return { token, logprob: value, bytes: [...Buffer.from(token)] }
}
