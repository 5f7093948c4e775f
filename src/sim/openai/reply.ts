import type { Ask } from '../ask.ts'
import type { Json, JsonObject } from '../json.ts'
import { isReasoningName } from '../models.ts'
import type { Finish, Plan } from '../plan.ts'
import { countTokens } from '../tokens.ts'
import type { Reply, Studio } from '../voice.ts'
import { logprobsOf } from './logprobs.ts'
import { type Choice, framesOf } from './stream.ts'

const FINISHES: Record<Finish, string> = {
  stop: 'stop',
  length: 'length',
  tool: 'tool_calls',
  'stop-sequence': 'stop',
  refusal: 'stop',
  'content-filter': 'content_filter'
}

/** Tokens a reply takes besides its text: role and end. */
const REPLY_TOKENS = 1

export function replyOf(ask: Ask, plans: Plan[], studio: Studio): Reply {
  const usage = usageOf(ask, plans, studio)
  const choices = plans.map((plan, index) => choiceOf(ask, plan, index, studio))
  const envelope: JsonObject = {
    id: studio.ids.next('chatcmpl-', 29),
    object: 'chat.completion',
    created: studio.nowS,
    model: ask.model
  }
  const tail: JsonObject = {
    service_tier: tierOf(ask.body.service_tier),
    system_fingerprint: isReasoningName(ask.model) ? null : 'fp_51ab0c0de5'
  }
  return {
    usage,
    body: () => ({ ...envelope, choices: choices.map(choice => wholeChoice(ask, choice)), usage, ...tail }),
    frames: () => framesOf(ask, choices, { ...envelope, object: 'chat.completion.chunk', ...tail }, usage, studio)
  }
}

function tierOf(asked: Json | undefined): string {
  return asked === 'flex' || asked === 'priority' || asked === 'scale' ? asked : 'default'
}

function choiceOf(ask: Ask, plan: Plan, index: number, studio: Studio): Choice {
  const citedAt = ask.searchesWeb ? plan.text.indexOf('example.com') : -1
  return {
    index,
    plan,
    // a call that was forced by name ends with `stop`: so the real one answers, against its own reference
    finish: plan.finish === 'tool' && typeof ask.call === 'object' ? 'stop' : FINISHES[plan.finish],
    calls: plan.calls.map(call => {
      const id = studio.ids.next('call_', 24)
      const isFreeform = ask.tools.find(tool => tool.name === call.name)?.isFreeform === true
      return { id, name: call.name, input: isFreeform ? String(call.input) : JSON.stringify(call.input), isFreeform }
    }),
    annotations:
      citedAt < 0
        ? []
        : [
            {
              type: 'url_citation',
              url_citation: {
                end_index: citedAt + 'example.com'.length,
                start_index: citedAt,
                title: 'Example',
                url: 'https://example.com/'
              }
            }
          ]
  }
}

function wholeChoice(ask: Ask, choice: Choice): JsonObject {
  const { plan } = choice
  const isBare = choice.calls.length > 0 && plan.text === ''
  const message: JsonObject = {
    role: 'assistant',
    content: isBare || plan.refusal !== undefined ? null : plan.text
  }
  if (ask.thinking === 'shown') message.reasoning_content = plan.thinking
  if (choice.calls.length > 0) {
    message.tool_calls = choice.calls.map(call =>
      call.isFreeform
        ? { id: call.id, type: 'custom', custom: { name: call.name, input: call.input } }
        : { id: call.id, type: 'function', function: { name: call.name, arguments: call.input } }
    )
  }
  message.refusal = plan.refusal ?? null
  message.annotations = choice.annotations
  const logprobs = ask.body.logprobs === true ? { content: logprobsOf(ask, plan.text), refusal: null } : null
  return { index: choice.index, message, logprobs, finish_reason: choice.finish }
}

function usageOf(ask: Ask, plans: Plan[], studio: Studio): JsonObject {
  const times = studio.usageFactor
  const prompt = times * (3 + ask.blocks.reduce((sum, block) => sum + block.tokens, 0))
  const reasoning = times * plans.reduce((sum, plan) => sum + plan.thinkingTokens, 0)
  const spoken = plans.reduce((sum, plan) => sum + plan.textTokens + (plan.finish === 'length' ? 0 : REPLY_TOKENS), 0)
  const completion = times * spoken + reasoning
  const predicted = ask.body.prediction as JsonObject | undefined
  const accepted = predicted && typeof predicted.content === 'string' && plans[0]?.text.startsWith(predicted.content)
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: Math.min(prompt, studio.cache.readTokens), audio_tokens: 0 },
    completion_tokens_details: {
      reasoning_tokens: reasoning,
      audio_tokens: 0,
      accepted_prediction_tokens: accepted ? countTokens(String(predicted?.content)) : 0,
      rejected_prediction_tokens: 0
    }
  }
}
