import type { Json, JsonObject } from '../../json.ts'
import type { ChatRequest, Format } from '../canonical.ts'
import type { Dialect, Losses } from '../dialect.ts'
import { decodeInput, encodeInput } from './input.ts'
import { given, lose, Members, NAME, ours, restore, sealed, sealedIf } from './members.ts'
import {
  boundOf,
  decodeInclude,
  decodeManner,
  decodeReasoning,
  decodeText,
  encodeFormat,
  encodeInclude,
  encodeReasoning,
  VERBOSITY
} from './settings.ts'
import { decodeToolChoice, decodeTools, encodeToolChoice, encodeTools } from './tools.ts'

/**
 * A body of `POST /responses` (platform.openai.com/docs/api-reference/responses/create) and what OpenAI's kin add to
 * it. What refers to something the provider keeps, or only it can run, is `bound`. Throws a Failure `wrong_type` or
 * `missing_field` with the `param` path.
 */
export function decodeRequest(body: JsonObject): ChatRequest {
  const members = new Members(body, '', 'request')
  // A stored prompt may name the model.
  const model = members.peek('prompt') ? (members.maybeString('model') ?? '') : members.string('model')
  const kept = boundOf(members)
  decodeManner(members)
  const { messages, bound: items } = decodeInput(members)
  const { tools, bound: hosted } = decodeTools(members)
  const bound = [...kept, ...items, ...hosted]
  const { format, verbosity } = decodeText(members)
  const request: ChatRequest = {
    maker: NAME,
    model,
    stream: members.maybeBoolean('stream') ?? false,
    messages,
    ...given({
      tools,
      toolChoice: decodeToolChoice(members),
      parallelToolCalls: members.maybeBoolean('parallel_tool_calls'),
      outputTokensMax: members.maybeNumber('max_output_tokens'),
      temperature: members.maybeNumber('temperature'),
      topP: members.maybeNumber('top_p'),
      logprobs: decodeInclude(members),
      format,
      reasoning: decodeReasoning(members),
      user: members.maybeString('user'),
      serviceTier: members.maybeString('service_tier'),
      bound: bound.length > 0 ? bound : undefined
    })
  }
  const { rest, spelling } = members.kept()
  const said = { ...ours(rest), ...given({ [VERBOSITY]: verbosity }) }
  return { ...request, ...given({ rest: sealedIf(said), spelling }) }
}

/** Writes a body of `POST /responses`: one of this dialect as it was said, any other fitted and what is lost named. */
export function encodeRequest(request: ChatRequest, losses: Losses): JsonObject {
  const own = request.maker === NAME
  const { input: _, ...spelling } = ours(request.spelling)
  const { [VERBOSITY]: verbosity, ...rest } = ours(request.rest)
  const { format, toolChoice, tools = [] } = request
  if (!own) nameStrangers(request, losses)
  const natives = encodeTools(tools, own, losses)
  const tooling = own || natives.length > 0
  if (!tooling && toolChoice && toolChoice.type !== 'none' && toolChoice.type !== 'auto') lose(losses, 'tool_choice')
  const native = given({
    // A stored prompt names the model.
    model: request.model === '' && own ? undefined : request.model,
    ...encodeInput(request, losses),
    stream: request.stream || undefined,
    tools: natives.length > 0 ? natives : undefined,
    tool_choice: tooling && toolChoice ? encodeToolChoice(toolChoice, tools) : undefined,
    parallel_tool_calls: tooling ? request.parallelToolCalls : undefined,
    max_output_tokens: request.outputTokensMax,
    temperature: request.temperature,
    top_p: request.topP,
    text: encodeText(format, own && verbosity),
    ...encodeReasoning(request, losses),
    user: request.user,
    service_tier: encodeTier(request.serviceTier),
    ...(own ? given({ top_logprobs: request.logprobs?.top }) : encodeInclude(request))
  }) as JsonObject
  const kept = { rest: own ? sealed(rest) : request.rest, spelling: sealed(spelling) }
  return restore(native, given(kept), '', losses)
}

function encodeText(format: Format | undefined, verbosity: Json | undefined): JsonObject | undefined {
  const text = given({ format: format && encodeFormat(format), verbosity: verbosity || undefined })
  return Object.keys(text).length > 0 ? (text as JsonObject) : undefined
}

/** What no request of this dialect can say. Usage in a stream needs no asking here: it always comes. */
function nameStrangers(request: ChatRequest, losses: Losses): void {
  if (request.n !== undefined && request.n !== 1) lose(losses, 'n')
  if (request.topK !== undefined) lose(losses, 'top_k')
  if (request.seed !== undefined) lose(losses, 'seed')
  if (request.stop && request.stop.length > 0) lose(losses, 'stop')
  if (request.frequencyPenalty) lose(losses, 'frequency_penalty')
  if (request.presencePenalty) lose(losses, 'presence_penalty')
}

/** OpenAI has no word for Anthropic's `standard_only` but means the same by `default`. */
function encodeTier(tier: string | undefined): string | undefined {
  return tier === 'standard_only' ? 'default' : tier
}

/** Where the values of a call stand in a request of this dialect. */
export const members = {
  model: 'model',
  stream: 'stream',
  conversation: 'input',
  outputTokensMax: [['max_output_tokens']],
  reasoning: [['reasoning']],
  // The answer repeats `user`, `metadata` and the like.
  unheard: ['stream', 'stream_options'],
  ofTheMoment: ['previous_response_id', 'conversation', 'background', 'prompt']
} as const satisfies Dialect['members']
