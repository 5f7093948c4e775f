import { isObject, type JsonObject } from '../../json.ts'
import type { ChatRequest, Reasoning } from '../canonical.ts'
import type { Dialect, Losses } from '../dialect.ts'
import { withFunctions } from '../freeform.ts'
import { compact, lose, Members, NAME, ours, restore, spelt, wrongType } from './members.ts'
import { decodeMessages, encodeMessage } from './messages.ts'
import { decodeFormat, decodeToolChoice, decodeTools, encodeFormat, encodeToolChoice, encodeTools } from './tools.ts'

const MAX_MEMBERS = ['max_completion_tokens', 'max_tokens'] as const

/**
 * A body of `POST /chat/completions` (platform.openai.com/docs/api-reference/chat/create) and what OpenAI's kin add to
 * it. Throws Failure `wrong_type` or `missing_field` with the path of what is wrong.
 */
export function decodeRequest(body: JsonObject): ChatRequest {
  const members = new Members(body, '', { lenient: false })
  const stream = members.boolean('stream')
  if (stream === false) members.verbatim('stream', false)
  const request: ChatRequest = {
    model: members.required('model', members.string('model')),
    stream: stream ?? false,
    messages: decodeMessages(members.required('messages', members.array('messages'))),
    ...compact<Partial<ChatRequest>>({
      tools: decodeTools(members),
      toolChoice: decodeToolChoice(members),
      parallelToolCalls: members.boolean('parallel_tool_calls'),
      outputTokensMax: decodeOutputMax(members),
      temperature: members.number('temperature'),
      topP: members.number('top_p'),
      topK: decodeTopK(members),
      stop: decodeStop(members),
      n: members.number('n'),
      seed: members.number('seed'),
      frequencyPenalty: members.number('frequency_penalty'),
      presencePenalty: members.number('presence_penalty'),
      logprobs: decodeLogprobs(members),
      format: decodeFormat(members),
      reasoning: decodeReasoning(members),
      user: members.string('user'),
      serviceTier: members.string('service_tier'),
      streamUsage: decodeStreamUsage(members)
    })
  }
  return { ...request, ...members.kept() }
}

function decodeOutputMax(members: Members): number | undefined {
  const [current, former] = MAX_MEMBERS.map(name => members.number(name))
  if (current !== undefined && former !== undefined) members.verbatim('max_tokens', former)
  if (current === undefined && former !== undefined) members.spell('max', 'max_tokens')
  return current ?? former
}

/** Not OpenAI's, but taken by much of its kin (vLLM, Together, OpenRouter); written back only where it came from here. */
function decodeTopK(members: Members): number | undefined {
  const topK = members.number('top_k')
  if (topK !== undefined) members.spell('topK', true)
  return topK
}

function decodeStop(members: Members): string[] | undefined {
  const stop = members.take('stop')
  if (stop === undefined) return undefined
  if (typeof stop === 'string') {
    members.spell('stop', 'string')
    return [stop]
  }
  if (!Array.isArray(stop)) throw wrongType('stop', 'a string or an array of strings', stop)
  stop.forEach((each, index) => {
    if (typeof each !== 'string') throw wrongType(`stop[${index}]`, 'a string', each)
  })
  return stop as string[]
}

function decodeLogprobs(members: Members): { top?: number } | undefined {
  const asked = members.boolean('logprobs')
  if (asked === false) members.verbatim('logprobs', false)
  if (!asked) return undefined
  const top = members.number('top_logprobs')
  return top === undefined ? {} : { top }
}

const EFFORTS: readonly string[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** `reasoning_effort`, or OpenRouter's `reasoning: {effort, max_tokens}`. */
function decodeReasoning(members: Members): Reasoning | undefined {
  const effort = members.string('reasoning_effort')
  if (effort !== undefined) {
    if (EFFORTS.includes(effort)) return { effort: effort as NonNullable<Reasoning['effort']> }
    members.putBack('reasoning_effort')
    return undefined
  }
  const given = members.object('reasoning')
  if (!given) return undefined
  const nested = new Members(given, 'reasoning', { lenient: false })
  const inner = EFFORTS.includes(String(given.effort)) ? nested.string('effort') : undefined
  const budget = nested.number('max_tokens')
  members.nest('reasoning', nested)
  members.spell('reasoning', true)
  if (inner === undefined && budget === undefined) return undefined
  return compact<Reasoning>({ effort: inner as Reasoning['effort'], budgetTokens: budget })
}

function decodeStreamUsage(members: Members): boolean | undefined {
  const given = members.object('stream_options')
  if (!given) return undefined
  const nested = new Members(given, 'stream_options', { lenient: false })
  const include = nested.boolean('include_usage')
  members.nest('stream_options', nested)
  if (include === undefined) members.spell('streamOptions', true)
  return include
}

export function encodeRequest(said: ChatRequest, losses: Losses): JsonObject {
  // Its kin take functions alone; whoever takes free text as well is asked for it in the client's own words.
  const request = isForeignRequest(said) ? withFunctions(said, losses) : said
  const messages = request.messages.flatMap((message, index) => encodeMessage(message, `messages[${index}]`, losses))
  const maxMember = spelt(request, 'max') === 'max_tokens' ? 'max_tokens' : 'max_completion_tokens'
  const { format, logprobs, stop } = request
  const isBareStop = spelt(request, 'stop') === 'string'
  const native = compact<JsonObject>({
    model: request.model,
    messages,
    stream: request.stream || undefined,
    ...encodeTooling(request, losses),
    [maxMember]: request.outputTokensMax,
    temperature: request.temperature,
    top_p: request.topP,
    top_k: encodeTopK(request, losses),
    stop: isBareStop ? stop?.[0] : stop,
    n: request.n,
    seed: request.seed,
    frequency_penalty: request.frequencyPenalty,
    presence_penalty: request.presencePenalty,
    logprobs: logprobs && true,
    top_logprobs: logprobs?.top,
    response_format: format && encodeFormat(format, { unnamed: spelt(request, 'unnamed') === true }),
    ...encodeReasoning(request, losses),
    user: request.user,
    service_tier: encodeTier(request),
    stream_options: encodeStreamOptions(request)
  })
  return restore(native, request, '', losses)
}

/** The tools and how to use them. Where none of them could be said, OpenAI refuses to hear how. */
function encodeTooling(request: ChatRequest, losses: Losses): JsonObject {
  const { tools, toolChoice, parallelToolCalls } = request
  const said = tools ? encodeTools(tools, losses) : {}
  if (tools?.length && Object.keys(said).length === 0) {
    if (toolChoice && toolChoice.type !== 'none') lose(losses, 'tool_choice')
    return {}
  }
  const choice = toolChoice ? encodeToolChoice(toolChoice, choiceOptions(request)) : {}
  return { ...said, ...choice, parallel_tool_calls: parallelToolCalls }
}

function choiceOptions(request: ChatRequest): Parameters<typeof encodeToolChoice>[1] {
  const members = ours(request.spelling)?.members
  const own = isObject(members) ? (members.tool_choice ?? undefined) : undefined
  const freeform = new Set(request.tools?.filter(tool => tool.freeform).map(tool => tool.name))
  return { legacy: spelt(request, 'function_call') === true, own, freeform }
}

function encodeTopK(request: ChatRequest, losses: Losses): number | undefined {
  if (request.topK === undefined || spelt(request, 'topK') === true) return request.topK
  lose(losses, 'top_k')
  return undefined
}

/** OpenAI has no word for Anthropic's `standard_only` but means the same by `default`. */
function encodeTier(request: ChatRequest): string | undefined {
  return request.serviceTier === 'standard_only' ? 'default' : request.serviceTier
}

function encodeStreamOptions(request: ChatRequest): JsonObject | undefined {
  if (request.streamUsage !== undefined) return { include_usage: request.streamUsage }
  return spelt(request, 'streamOptions') === true ? {} : undefined
}

/** Effort from a budget, where only that is known: coarse, and so the budget is named as lost. */
function effortOf(budgetTokens: number): string {
  if (budgetTokens < 4096) return 'low'
  return budgetTokens < 16_384 ? 'medium' : 'high'
}

function encodeReasoning(request: ChatRequest, losses: Losses): JsonObject {
  const { reasoning } = request
  if (spelt(request, 'reasoning') === true) {
    return { reasoning: compact<JsonObject>({ effort: reasoning?.effort, max_tokens: reasoning?.budgetTokens }) }
  }
  if (!reasoning) return {}
  const { effort, budgetTokens, display } = reasoning
  if (budgetTokens !== undefined) lose(losses, 'thinking.budget_tokens')
  // Who thinks aloud here does so unasked.
  if (display !== undefined && display !== 'summarized') lose(losses, 'thinking.display')
  const word = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens))
  return word === undefined ? {} : { reasoning_effort: word }
}

/** Where the values of a call stand in a request of this dialect. */
export const members = {
  model: 'model',
  stream: 'stream',
  conversation: 'messages',
  outputTokensMax: MAX_MEMBERS.map(name => [name]),
  reasoning: [['reasoning_effort'], ['reasoning']],
  unheard: ['stream', 'stream_options', 'user', 'metadata'],
  ofTheMoment: ['web_search_options'],
  choices: ['n'],
  streamUsage: ['stream_options', 'include_usage']
} as const satisfies Dialect['members']

function isForeignRequest({ maker }: ChatRequest): boolean {
  return maker !== undefined && maker !== NAME
}
