import { Failure } from '../../errors.ts'
import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Usage } from '../../usage.ts'
import type { ChatRequest, ChatResponse, Choice, Part, Seal } from '../canonical.ts'
import type { Losses, Outcome } from '../dialect.ts'
import { replyWithFreeform } from '../freeform.ts'
import { failureInBody } from '../openai-failure.ts'
import { decodeFinish, encodeFinish, evidenceIn } from './finish.ts'
import { itemIds } from './ids.ts'
import { addItem, encodeItems } from './items.ts'
import { given, isForeign, lose, objectOf, ours, sealed, sealedIf, spelt } from './members.ts'
import { joined, type ToolNames, toolNames } from './names.ts'
import { encodeFormat, encodeReasoning } from './settings.ts'
import { encodeToolChoice, encodeTools } from './tools.ts'
import { decodeUsage, encodeUsage } from './usage.ts'

/** Members that the canonical reply says itself. */
const READ = new Set([
  'id',
  'object',
  'model',
  'created_at',
  'status',
  'incomplete_details',
  'error',
  'output',
  'usage'
])

/** Members that repeat the request, or say how the answer is kept: spelt, and nothing that anybody misses. */
// biome-ignore format: a list
const ECHO = new Set([
  'background', 'billing', 'completed_at', 'conversation', 'frequency_penalty', 'instructions', 'max_output_tokens',
  'max_tool_calls', 'metadata', 'output_text', 'parallel_tool_calls', 'presence_penalty', 'previous_response_id', 'prompt',
  'prompt_cache_key', 'prompt_cache_options', 'prompt_cache_retention', 'reasoning', 'safety_identifier', 'service_tier',
  'store', 'temperature', 'text', 'tool_choice', 'tools', 'top_logprobs', 'top_p', 'truncation', 'user'
])

/** Names of calls are read by themselves: only the request knows its tools. */
const NAMES: ToolNames = { joined, split: name => ({ name }) }

/**
 * A whole reply. Throws a Failure `provider_malformed` on a body without output, and the provider's own failure where
 * the answer failed.
 */
export function decodeResponse(body: JsonObject): ChatResponse {
  const output = outputOf(body)
  const parts: Part[] = []
  output.forEach((item, index) => {
    addItem(parts, item, `output[${index}]`, 'reply', NAMES)
  })
  const { echo, rest } = divide(body)
  const choice = {
    index: 0,
    parts,
    finish: decodeFinish(body, evidenceIn(output)),
    ...given({ logprobs: logprobsIn(parts), rest: sealedIf(rest) })
  }
  return {
    id: textOf(body.id),
    model: textOf(body.model),
    ...given({ created: typeof body.created_at === 'number' ? body.created_at : undefined }),
    choices: [choice],
    ...given({ usage: readUsage(body), spelling: sealedIf(echo) })
  } as ChatResponse
}

function outputOf(body: JsonObject): Json[] {
  const { error, output } = body
  if (error !== undefined && error !== null) throw failureInBody(body)
  if (body.status === 'failed') throw new Failure('provider_error', 'The provider says that its answer failed.')
  if (Array.isArray(output)) return output
  throw new Failure('provider_malformed', "The provider's reply has no `output`.")
}

function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** What a response object says besides its answer: repeated from the request, or of the provider's own. */
export function divide(body: JsonObject): { echo: JsonObject; rest: JsonObject } {
  const echo: JsonObject = {}
  const rest: JsonObject = {}
  for (const [name, value] of Object.entries(body)) {
    if (READ.has(name) && !isOddlySaid(name, value)) continue
    const saysNothing = value === null || READ.has(name) || ECHO.has(name) || isUnused(name, value)
    ;(saysNothing ? echo : rest)[name] = value
  }
  for (const name of ['error', 'incomplete_details'])
    if (body[name] === undefined) echo[ABSENT] = [...absentIn(echo), name]
  return { echo, rest }
}

/** Names in our spelling of what a provider leaves out that others always say. */
const ABSENT = 'absent'

function absentIn(echo: JsonObject): Json[] {
  return Array.isArray(echo[ABSENT]) ? echo[ABSENT] : []
}

function isOddlySaid(name: string, value: Json | undefined): boolean {
  return name === 'object' && value !== 'response'
}

/** Counts of the provider's own tools where none was used but the search, which usage says. */
function isUnused(name: string, value: Json | undefined): boolean {
  if (name !== 'tool_usage' || !isObject(value)) return false
  const isZero = (each: Json | undefined): boolean => (isObject(each) ? Object.values(each).every(isZero) : each === 0)
  return Object.entries(value).every(([tool, counts]) => tool === 'web_search' || isZero(counts))
}

/** Usage of a response object, with the tier that answered. */
export function readUsage(body: JsonObject): Usage | undefined {
  if (!isObject(body.usage)) return undefined
  const tier = typeof body.service_tier === 'string' ? body.service_tier : undefined
  const searches = objectOf(objectOf(body.tool_usage).web_search).num_requests
  const webSearches = typeof searches === 'number' && searches > 0 ? searches : undefined
  return { inputTokens: 0, outputTokens: 0, ...given({ tier, webSearches }), ...decodeUsage(body.usage) }
}

/** Token probabilities stand with their texts; told as chat completions have them, in one list. */
function logprobsIn(parts: readonly Part[]): Json | undefined {
  const lists = parts.map(part => objectOf(spelt(part, 'part')).logprobs).filter(Array.isArray)
  const content = lists.flat()
  return content.length > 0 ? { content } : undefined
}

/** See `Dialect.readOutcome`. */
export function readOutcome(body: JsonObject): Outcome {
  return { finish: decodeFinish(body, evidenceIn(outputOf(body))).unified, usage: readUsage(body) }
}

/** A whole reply for a client of this dialect, whoever made it. */
export function encodeResponse(response: ChatResponse, losses: Losses, request: Partial<ChatRequest> = {}): JsonObject {
  const { choices, ...head } = replyWithFreeform(response, request.tools)
  const [choice, ...others] = choices
  for (const other of others) lose(losses, `choices[${other.index}]`)
  const parts = choice ? withLogprobs(choice) : []
  if (choice?.logprobs !== undefined && !logprobsIn(parts)) lose(losses, 'choices[0].logprobs')
  const output = encodeItems(parts, {
    path: 'choices[0]',
    losses,
    side: 'response',
    own: true,
    names: toolNames(request.tools),
    id: itemIds(head.id)
  })
  const ended = encodeFinish(choice?.finish, evidenceIn(output), losses)
  return encodeObject({ ...head, ended, output, ...given({ choice }) }, request, losses)
}

/** The choice's parts, its token probabilities with its first text unless they stand with their texts already. */
function withLogprobs({ parts, logprobs }: Choice): Part[] {
  const { content } = objectOf(logprobs)
  const at = parts.findIndex(part => part.type === 'text')
  if (!Array.isArray(content) || at < 0 || logprobsIn(parts)) return parts
  return parts.map((part, index) => (index === at ? wordsWith(part, content) : part))
}

/** A text with its token probabilities. */
export function wordsWith(part: Part, logprobs: Json[]): Part {
  const spelling = ours(part.spelling)
  return { ...part, spelling: sealed({ ...spelling, part: { ...objectOf(spelling.part), logprobs } }) } as Part
}

/** What a response object is made of. */
export interface Made {
  id: string
  model: string
  created?: number
  usage?: Partial<Usage>
  rest?: Seal
  spelling?: Seal
  choice?: Pick<Choice, 'rest' | 'spelling'>
  /** `status` and what belongs to it. */
  ended: JsonObject
  output: JsonObject[]
}

/**
 * A response object: whole, with all that clients read of it unasked. What it repeats of the request is said by the
 * request; nothing of another maker's answer is kept here, so it is not `store`d.
 */
export function encodeObject(made: Made, request: Partial<ChatRequest>, losses: Losses): JsonObject {
  const { usage, choice } = made
  for (const [seal, path] of [
    [made.rest, ''],
    [choice?.rest, 'choices[0].'],
    [usage?.rest, 'usage.']
  ] as const) {
    if (isForeign(seal as Seal | undefined)) {
      for (const name of Object.keys(objectOf(seal?.value))) lose(losses, `${path}${name}`)
    }
  }
  const { [ABSENT]: absent, ...echo } = { ...ours(made.spelling), ...ours(choice?.spelling) }
  const native: JsonObject = {
    id: made.id,
    object: 'response',
    // Clients take seconds since 1970, and 0 says that nobody told us.
    created_at: made.created ?? 0,
    ...made.ended,
    model: made.model,
    output: made.output,
    usage: usage?.inputTokens === undefined && usage?.outputTokens === undefined ? null : encodeUsage(usage),
    ...encodeEcho(request),
    ...given({ service_tier: usage?.tier === 'standard' ? 'default' : usage?.tier }),
    ...echo,
    ...ours(made.rest),
    ...ours(choice?.rest)
  }
  for (const name of Array.isArray(absent) ? absent : []) if (native[String(name)] === null) delete native[String(name)]
  return native
}

/** What a response repeats of the request. */
function encodeEcho(request: Partial<ChatRequest>): JsonObject {
  const { tools = [], toolChoice, format, messages = [] } = request
  const nobody: Losses = []
  const [first] = messages
  const [text] = first && spelt(first, 'top') === true ? first.parts : []
  const { reasoning } = encodeReasoning(request as ChatRequest, nobody)
  const { metadata = {} } = ours(request.rest)
  return {
    background: false,
    instructions: text?.type === 'text' ? text.text : null,
    max_output_tokens: request.outputTokensMax ?? null,
    max_tool_calls: null,
    parallel_tool_calls: request.parallelToolCalls ?? true,
    previous_response_id: null,
    reasoning: { effort: null, summary: null, ...objectOf(reasoning) },
    store: false,
    temperature: request.temperature ?? null,
    text: { format: encodeFormat(format ?? { type: 'text' }) },
    tool_choice: toolChoice ? encodeToolChoice(toolChoice, tools) : 'auto',
    tools: encodeTools(tools, true, nobody),
    top_logprobs: request.logprobs?.top ?? 0,
    top_p: request.topP ?? null,
    truncation: 'disabled',
    user: request.user ?? null,
    metadata
  }
}
