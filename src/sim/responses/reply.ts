import type { Ask } from '../ask.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { strictSchemaFault } from '../openai/strict-schema.ts'
import type { Plan } from '../plan.ts'
import type { Reply, Studio } from '../voice.ts'
import { outputOf } from './output.ts'
import type { Exchange } from './read.ts'
import type { ResponsesRequest } from './request.ts'
import { shelfOf } from './shelf.ts'
import { framesOf } from './stream.ts'

/** Tokens a reply takes besides its text. */
const REPLY_TOKENS = 1

/** Who pays: told in whole replies, not in events. */
const BILLING = { billing: { payer: 'developer' } }

/** A reply, whole and as events; kept for `GET` unless the request forbids it. */
export function replyOf(ask: Ask, plans: Plan[], studio: Studio): Reply {
  const plan = plans[0]!
  const { request, items } = ask.native as Exchange
  const output = outputOf(ask, plan, studio)
  const usage = usageOf(ask, plan, studio)
  const reason = INCOMPLETE[plan.finish]
  const begun = envelopeOf(ask, request, studio)
  const done: JsonObject = {
    ...begun,
    status: reason === undefined ? 'completed' : 'incomplete',
    completed_at: reason === undefined ? studio.nowS : null,
    incomplete_details: reason === undefined ? null : { reason },
    output,
    service_tier: tierOf(request.service_tier),
    usage
  }
  const isBackground = request.background === true
  const frames = framesOf({ ask, begun, done, isBackground, studio })
  if (request.store !== false) {
    shelfOf(studio.visit).put({
      body: { ...done, ...BILLING },
      input: items,
      frames: isBackground ? frames : [],
      isPending: isBackground,
      bytes: (frames.at(-1)?.data.length ?? 0) + studio.visit.request.body.length
    })
  }
  return {
    usage,
    body: () => ({ ...(isBackground ? { ...begun, status: 'queued' } : done), ...BILLING }),
    frames: () => frames
  }
}

const INCOMPLETE: Partial<Record<Plan['finish'], string>> = {
  length: 'max_output_tokens',
  'content-filter': 'content_filter'
}

function tierOf(asked: string | null | undefined): string {
  return asked === 'flex' || asked === 'priority' || asked === 'scale' ? asked : 'default'
}

/** The response as its first event shows it: what was asked, and nothing said yet. */
function envelopeOf(ask: Ask, request: ResponsesRequest, studio: Studio): JsonObject {
  const asked = request as JsonObject
  const isThinking = ask.thinking !== 'none'
  return {
    id: studio.ids.nextHex('resp_', 50),
    object: 'response',
    created_at: studio.nowS,
    status: 'in_progress',
    background: asked.background ?? false,
    completed_at: null,
    error: null,
    frequency_penalty: 0,
    incomplete_details: null,
    instructions: asked.instructions ?? null,
    max_output_tokens: asked.max_output_tokens ?? null,
    max_tool_calls: asked.max_tool_calls ?? null,
    model: ask.model,
    output: [],
    parallel_tool_calls: asked.parallel_tool_calls ?? true,
    presence_penalty: 0,
    previous_response_id: asked.previous_response_id ?? null,
    prompt_cache_key: asked.prompt_cache_key ?? null,
    prompt_cache_retention: asked.prompt_cache_retention ?? null,
    reasoning: {
      effort: request.reasoning?.effort ?? (isThinking ? 'medium' : null),
      summary: request.reasoning?.summary ?? null
    },
    safety_identifier: asked.safety_identifier ?? null,
    service_tier: asked.service_tier ?? 'auto',
    store: asked.store ?? true,
    temperature: asked.temperature ?? 1,
    text: { format: formatOf(request), verbosity: request.text?.verbosity ?? 'medium' },
    tool_choice: asked.tool_choice ?? 'auto',
    tools: (request.tools ?? []).map(tool => echoed(tool as JsonObject)),
    top_logprobs: asked.top_logprobs ?? 0,
    top_p: asked.top_p ?? 1,
    truncation: asked.truncation ?? 'disabled',
    usage: null,
    user: asked.user ?? null,
    metadata: asked.metadata ?? {}
  }
}

function formatOf(request: ResponsesRequest): JsonObject {
  const format = request.text?.format
  if (format?.type !== 'json_schema') return { type: format?.type ?? 'text' }
  const { name, schema, strict, description } = format
  return {
    type: 'json_schema',
    description: description ?? null,
    name,
    schema: schema as JsonObject,
    strict: strict ?? false
  }
}

/** A function whose `strict` was left open becomes strict where closing its objects is enough, as recorded. */
function echoed(tool: JsonObject): JsonObject {
  if (tool.type !== 'function') return tool
  const closed = closedObjects(tool.parameters ?? { type: 'object', properties: {}, required: [] })
  const strict = tool.strict ?? strictSchemaFault(closed) === undefined
  const parameters = tool.strict === undefined && strict ? closed : (tool.parameters ?? null)
  return { ...tool, description: tool.description ?? null, name: tool.name, parameters, strict }
}

function closedObjects(schema: Json | undefined): Json {
  if (Array.isArray(schema)) return schema.map(closedObjects)
  if (!isObject(schema)) return schema ?? null
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closedObjects(value)]))
  return schema.type === 'object' && schema.additionalProperties === undefined
    ? { ...inner, additionalProperties: false }
    : inner
}

function usageOf(ask: Ask, plan: Plan, studio: Studio): JsonObject {
  const times = studio.usageFactor
  const input = times * ask.blocks.reduce((sum, block) => sum + block.tokens, 3)
  const reasoning = times * plan.thinkingTokens
  const output = times * (plan.textTokens + (plan.finish === 'length' ? 0 : REPLY_TOKENS)) + reasoning
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: Math.min(input, studio.cache.readTokens) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: reasoning },
    total_tokens: input + output
  }
}
