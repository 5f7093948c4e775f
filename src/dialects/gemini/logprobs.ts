import { isObject, type Json, type JsonObject } from '../../json.ts'

/**
 * `logprobsResult` (ai.google.dev/api/generate-content#LogprobsResult) and the shape the canonical form has them in,
 * OpenAI's: a list of the tokens with the likeliest ones in their places.
 */
export function decodeLogprobs(native: JsonObject): Json | undefined {
  const { chosenCandidates: chosen, topCandidates: top } = native
  if (!Array.isArray(chosen)) return undefined
  const content = chosen.map((each, index) => {
    const rivals = Array.isArray(top) && isObject(top[index]) ? top[index].candidates : undefined
    return { ...decodeOne(each), top_logprobs: Array.isArray(rivals) ? rivals.map(decodeOne) : [] }
  })
  return { content }
}

function decodeOne(candidate: Json): JsonObject {
  const { token, logProbability } = isObject(candidate) ? candidate : {}
  const text = typeof token === 'string' ? token : ''
  return { token: text, logprob: logProbability ?? null, bytes: [...Buffer.from(text)] }
}

/** Undefined where there are none. */
export function encodeLogprobs(logprobs: Json | undefined): JsonObject | undefined {
  const content = isObject(logprobs) ? logprobs.content : undefined
  if (!Array.isArray(content) || content.length === 0) return undefined
  const tokens = content.filter(isObject)
  return {
    topCandidates: tokens.map(({ top_logprobs: top }) => ({
      candidates: (Array.isArray(top) ? top.filter(isObject) : []).map(encodeOne)
    })),
    chosenCandidates: tokens.map(encodeOne)
  }
}

function encodeOne({ token, logprob }: JsonObject): JsonObject {
  return { token: token ?? '', logProbability: logprob ?? null }
}
