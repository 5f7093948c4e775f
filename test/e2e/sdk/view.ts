import type Anthropic from '@anthropic-ai/sdk'
import type OpenAI from 'openai'

export type Body = { [member: string]: unknown }

/** What a reply says, in no dialect; only the finish stays the client's own word. */
export interface View {
  text: string
  refusal: string
  thinking: string
  calls: { name: string; input: unknown }[]
  finish: string
  stopSequence: string | undefined
  citations: unknown[]
}

/** Tokens as the house counts them: the input with its cached part, the output with its reasoning. */
export interface Tokens {
  input: number
  output: number
  cacheRead: number
  cacheWrite: number
  reasoning: number
}

export function tokensOf(usage: object | null | undefined): Tokens | undefined {
  if (!usage) return undefined
  return 'prompt_tokens' in usage ? openaiTokens(usage as Body) : anthropicTokens(usage as Body)
}

const count = (value: unknown) => (typeof value === 'number' ? value : 0)

function openaiTokens(usage: Body): Tokens {
  const prompt = (usage.prompt_tokens_details ?? {}) as Body
  const completion = (usage.completion_tokens_details ?? {}) as Body
  return {
    input: count(usage.prompt_tokens),
    output: count(usage.completion_tokens),
    cacheRead: count(prompt.cached_tokens),
    cacheWrite: count(prompt.cache_write_tokens),
    reasoning: count(completion.reasoning_tokens)
  }
}

function anthropicTokens(usage: Body): Tokens {
  const cacheRead = count(usage.cache_read_input_tokens)
  const cacheWrite = count(usage.cache_creation_input_tokens)
  const details = (usage.output_tokens_details ?? {}) as Body
  return {
    input: count(usage.input_tokens) + cacheRead + cacheWrite,
    output: count(usage.output_tokens),
    cacheRead,
    cacheWrite,
    reasoning: count(details.thinking_tokens)
  }
}

export type Choice = OpenAI.ChatCompletion.Choice

/** `thinking`: what streamed as `reasoning_content`, because the SDK's accumulator keeps its last piece only. */
export function viewOfChoice({ message, finish_reason }: Choice, thinking?: string): View {
  const reasoning = (message as { reasoning_content?: string }).reasoning_content
  return {
    text: message.content ?? '',
    refusal: message.refusal ?? '',
    thinking: thinking ?? reasoning ?? '',
    calls: (message.tool_calls ?? []).map(call =>
      call.type === 'function'
        ? { name: call.function.name, input: JSON.parse(call.function.arguments) }
        : { name: call.custom.name, input: call.custom.input }
    ),
    finish: finish_reason,
    stopSequence: undefined,
    citations: message.annotations ?? []
  }
}

export function viewOfMessage(message: Anthropic.Message): View {
  const blocks = message.content
  return {
    text: blocks.map(block => (block.type === 'text' ? block.text : '')).join(''),
    refusal: '',
    thinking: blocks.map(block => (block.type === 'thinking' ? block.thinking : '')).join(''),
    calls: blocks.flatMap(block => (block.type === 'tool_use' ? [{ name: block.name, input: block.input }] : [])),
    finish: message.stop_reason ?? '',
    stopSequence: message.stop_sequence ?? undefined,
    citations: blocks.flatMap(block => (block.type === 'text' ? (block.citations ?? []) : []))
  }
}
