import type { Ask } from '../ask.ts'
import type { JsonObject } from '../json.ts'
import type { Finish, Plan } from '../plan.ts'
import { piecesOf } from '../tokens.ts'
import type { Reply, Studio } from '../voice.ts'
import { familyOf } from './families.ts'
import { isVertex } from './read.ts'
import type { GenerateRequest } from './request.ts'
import { framesOf } from './stream.ts'
import { callSeal } from './turns.ts'

const FINISHES: Record<Finish, string> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  tool: 'STOP',
  'stop-sequence': 'STOP',
  refusal: 'STOP',
  'content-filter': 'SAFETY'
}

/** One candidate, ready to be sent. */
export interface Candidate {
  index: number
  plan: Plan
  parts: JsonObject[]
  /** Members beside content: finish, grounding, ratings. */
  ending: JsonObject
}

export function replyOf(ask: Ask, plans: Plan[], studio: Studio): Reply {
  const candidates = plans.map((plan, index) => candidateOf(ask, plan, index, studio))
  const usage = usageOf(ask, plans, studio)
  const tail: JsonObject = { modelVersion: ask.model, responseId: studio.ids.next('', 23) }
  if (isVertex(studio.visit)) tail.createTime = new Date(studio.nowS * 1000).toISOString()
  return {
    usage,
    body: () => ({
      candidates: candidates.map(({ index, parts, ending }) => ({
        content: parts.length === 0 ? { role: 'model' } : { parts, role: 'model' },
        ...ending,
        index
      })),
      usageMetadata: usage,
      ...tail
    }),
    frames: () => framesOf({ ask, candidates, usage, tail })
  }
}

function candidateOf(ask: Ask, plan: Plan, index: number, studio: Studio): Candidate {
  const { signsCalls } = familyOf(ask.model)
  const signs = ask.thinking !== 'none' || signsCalls
  const parts: JsonObject[] = []
  if (ask.thinking === 'shown' && plan.thinking !== '') parts.push({ text: plan.thinking, thought: true })
  const text = plan.refusal ?? plan.text
  if (text !== '') {
    const isSigned = signsCalls && signs && plan.calls.length === 0
    const thoughtSignature = studio.sealer.hide(plan.thinking, { index: 0, count: 1 })
    parts.push(isSigned ? { text, thoughtSignature } : { text })
  }
  plan.calls.forEach(({ name, input }, at) => {
    const id = signsCalls ? { id: studio.ids.next('', 8).toLowerCase() } : {}
    const call: JsonObject = { functionCall: { name, args: input, ...id } }
    // only the first of parallel calls is signed
    if (signs && at === 0) call.thoughtSignature = studio.sealer.sign(callSeal(name), { index: 0, count: 1 })
    parts.push(call)
  })
  return { index, plan, parts, ending: endingOf(ask, plan) }
}

function endingOf(ask: Ask, plan: Plan): JsonObject {
  const ending: JsonObject = { finishReason: FINISHES[plan.finish] }
  if (plan.finish === 'content-filter') {
    ending.safetyRatings = [{ category: 'HARM_CATEGORY_DANGEROUS_CONTENT', probability: 'HIGH', blocked: true }]
  }
  const { generationConfig } = ask.native as GenerateRequest
  if (generationConfig?.responseLogprobs === true) {
    ending.avgLogprobs = LOGPROB
    ending.logprobsResult = logprobsOf(plan.text, generationConfig.logprobs ?? 0)
  }
  const citedAt = ask.searchesWeb ? plan.text.indexOf('example.com') : -1
  if (citedAt >= 0) ending.groundingMetadata = groundingOf(ask.text, plan.text, citedAt)
  return ending
}

const LOGPROB = -0.01

/** One entry a token; the chosen one is always the likeliest. */
function logprobsOf(text: string, alternatives: number): JsonObject {
  const chosenCandidates = piecesOf(text).map((token, at) => ({ token, tokenId: at, logProbability: LOGPROB }))
  const topCandidates = chosenCandidates.map(chosen => ({
    candidates: Array.from({ length: alternatives }, (_, rank) =>
      rank === 0 ? chosen : { token: `${chosen.token}${rank}`, tokenId: chosen.tokenId, logProbability: -4 - rank }
    )
  }))
  return alternatives > 0 ? { topCandidates, chosenCandidates } : { chosenCandidates }
}

/** The source and what it supports; places are counted in bytes, as Google counts them. */
function groundingOf(query: string, text: string, citedAt: number): JsonObject {
  const cited = 'example.com'
  const startIndex = Buffer.byteLength(text.slice(0, citedAt))
  return {
    searchEntryPoint: { renderedContent: '<div>example.com</div>' },
    groundingChunks: [{ web: { uri: 'https://example.com/', title: cited } }],
    groundingSupports: [
      { segment: { startIndex, endIndex: startIndex + cited.length, text: cited }, groundingChunkIndices: [0] }
    ],
    webSearchQueries: [query]
  }
}

function usageOf(ask: Ask, plans: Plan[], studio: Studio): JsonObject {
  const times = studio.usageFactor
  const prompt = times * ask.blocks.reduce((sum, block) => sum + block.tokens, 0)
  const candidates = times * plans.reduce((sum, plan) => sum + plan.textTokens, 0)
  const thoughts = times * plans.reduce((sum, plan) => sum + plan.thinkingTokens, 0)
  const cached = Math.min(prompt, studio.cache.readTokens)
  const details = (tokenCount: number) => [{ modality: 'TEXT', tokenCount }]
  return {
    promptTokenCount: prompt,
    ...(candidates > 0 ? { candidatesTokenCount: candidates } : {}),
    totalTokenCount: prompt + candidates + thoughts,
    ...(cached > 0 ? { cachedContentTokenCount: cached } : {}),
    promptTokensDetails: details(prompt),
    ...(cached > 0 ? { cacheTokensDetails: details(cached) } : {}),
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    ...(isVertex(studio.visit) ? { trafficType: 'ON_DEMAND' } : { serviceTier: 'standard' })
  }
}
