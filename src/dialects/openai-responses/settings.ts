import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { ChatRequest, Format, Reasoning } from '../canonical.ts'
import type { Losses } from '../dialect.ts'
import { given, lose, type Members } from './members.ts'

/** `text`: the format (one of a kind we do not know stays in the rest), and how many words to make. */
export function decodeText(members: Members): { format?: Format; verbosity?: Json } {
  const text = members.nested('text')
  if (text === undefined) return {}
  const verbosity = typeof text.peek('verbosity') === 'string' ? text.take('verbosity') : undefined
  const format = text.nested('format')
  return given({ format: format && decodeFormat(format), verbosity })
}

function decodeFormat(format: Members): Format | undefined {
  switch (format.peek('type')) {
    case 'text':
      format.take('type')
      return { type: 'text' }
    case 'json_object':
      format.take('type')
      return { type: 'json' }
    case 'json_schema': {
      if (!isObject(format.peek('schema'))) return undefined
      format.take('type')
      return {
        type: 'json-schema',
        schema: format.maybeObject('schema')!,
        ...given({
          name: format.maybeString('name'),
          description: format.maybeString('description'),
          strict: format.maybeBoolean('strict')
        })
      }
    }
    default:
      return undefined
  }
}

/** Names in the rest, as a loss should be named, what stands inside `text`. */
export const VERBOSITY = 'text.verbosity'

export function encodeFormat(format: Format): JsonObject {
  if (format.type === 'text') return { type: 'text' }
  if (format.type === 'json') return { type: 'json_object' }
  const { name = 'answer', description, schema, strict } = format
  return { type: 'json_schema', name, schema, ...given({ description, strict }) }
}

const EFFORTS: readonly string[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']

/** `reasoning`. A summary that is asked for is thinking that is shown. */
export function decodeReasoning(members: Members): Reasoning | undefined {
  const nested = members.nested('reasoning')
  if (nested === undefined) return undefined
  const effort = EFFORTS.includes(String(nested.peek('effort'))) ? nested.maybeString('effort') : undefined
  const summary = typeof nested.peek('summary') === 'string' ? nested.take('summary') : undefined
  if (summary !== undefined) nested.spell('summary', summary)
  const reasoning = given({ effort, display: summary === undefined ? undefined : SHOWN }) as Reasoning
  return Object.keys(reasoning).length > 0 ? reasoning : undefined
}

const SHOWN = 'summarized'

/** Effort from a budget, where only that is known: coarse, and so the budget is named as lost. */
function effortOf(budgetTokens: number): string {
  if (budgetTokens < 4096) return 'low'
  return budgetTokens < 16_384 ? 'medium' : 'high'
}

export function encodeReasoning(request: ChatRequest, losses: Losses): JsonObject {
  const { effort, budgetTokens, display } = request.reasoning ?? {}
  if (budgetTokens !== undefined) lose(losses, 'thinking.budget_tokens')
  // What hides thinking elsewhere is the default here. A summary that nobody asked for may cost a refusal.
  const summary = display === SHOWN ? { summary: 'auto' } : {}
  const word = effort ?? (budgetTokens === undefined ? undefined : effortOf(budgetTokens))
  const reasoning = { ...given({ effort: word }), ...summary }
  return Object.keys(reasoning).length > 0 ? { reasoning: reasoning as JsonObject } : {}
}

const ENCRYPTED = 'reasoning.encrypted_content'
const LOGPROBS = 'message.output_text.logprobs'

/**
 * `include` and `top_logprobs`. Encrypted reasoning always comes to a client of ours, carried for whoever made it; a
 * list that asks for anything else, which is the provider's own, stays in the rest.
 */
export function decodeInclude(members: Members): { top?: number } | undefined {
  const list = members.peek('include')
  const includes = (name: string): boolean => Array.isArray(list) && list.includes(name)
  if (Array.isArray(list) && list.every(name => name === ENCRYPTED || name === LOGPROBS)) {
    members.spell('include', members.take('include')!)
  }
  const top = members.maybeNumber('top_logprobs')
  if (includes(LOGPROBS) || top) return given({ top })
  if (top !== undefined) members.spell('top_logprobs', top)
  return undefined
}

/** Models of OpenAI that reason unasked: what they thought is lost to the next turn unless it is sent along. */
const REASONS = /^(?:[\w-]+\/)?(?:gpt-5|o\d|codex)/

/**
 * What a request of another dialect needs here: its client keeps the whole conversation, so nothing is to be kept at
 * the provider, and reasoning must come along encrypted. Models that do not reason refuse to be asked for that.
 */
export function encodeInclude(request: ChatRequest): JsonObject {
  const { logprobs, model, reasoning } = request
  const reasons = REASONS.test(model) || (reasoning !== undefined && reasoning.effort !== 'none')
  const include = [...(reasons ? [ENCRYPTED] : []), ...(logprobs ? [LOGPROBS] : [])]
  return { store: false, ...given({ top_logprobs: logprobs?.top }), ...(include.length > 0 && { include }) }
}

/** Members that say how the provider keeps an answer and sends it, not what the answer is; nobody misses them. */
const MANNER = ['store', 'stream_options'] as const

export function decodeManner(members: Members): void {
  for (const name of MANNER) {
    const value = members.take(name)
    if (value !== undefined) members.spell(name, value)
  }
  for (const [name, usual] of Object.entries(USUAL)) {
    if (members.peek(name) === usual) members.spell(name, members.take(name)!)
  }
}

const USUAL: Readonly<Record<string, Json>> = { background: false, truncation: 'disabled', stream: false }

/** What the call means only at its own provider, by name. */
export function boundOf(members: Members): string[] {
  const names = ['previous_response_id', 'conversation', 'background', 'prompt']
  const says = (value: Json | undefined) => value !== undefined && value !== null && value !== false
  return names.filter(name => says(members.peek(name)))
}
