import type { Json, JsonObject } from '../../../src/json.ts'
import {
  type Counts,
  dataOf,
  type Ear,
  type Heard,
  number,
  object,
  objects,
  silence,
  text,
  withReasoning
} from './heard.ts'

/** Chat completions, with what OpenAI's kin add. */
export const chat: Ear = {
  whole(body) {
    const [choice] = objects(body.choices)
    return listen([{ ...body, choices: choice ? [{ ...choice, delta: choice.message ?? {} }] : [] }])
  },
  stream: said => listen(said.map(dataOf))
}

const FINISH: Readonly<Record<string, string>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter'
}

function listen(chunks: readonly JsonObject[]): Heard {
  const heard = silence()
  const calls = new Map<unknown, Heard['calls'][number]>()
  for (const chunk of chunks) {
    if (chunk.error) heard.failed = true
    const usage = chunk.usage ?? object(chunk.x_groq).usage
    if (usage) heard.counts = countsOf(object(usage))
    const choice = objects(chunk.choices).find(({ index = 0 }) => index === 0)
    if (!choice) continue
    if (choice.finish_reason) heard.finish ??= FINISH[text(choice.finish_reason)]
    hear(heard, calls, object(choice.delta))
  }
  heard.calls = [...calls.values()].filter(({ name, input }) => name !== '' || input !== '')
  // A forced call ends with `stop`.
  if (heard.calls.length > 0 && heard.finish === 'stop') heard.finish = 'tool-calls'
  if (heard.refusal !== '' && heard.finish === 'stop') heard.finish = 'refusal'
  return heard
}

function hear(heard: Heard, calls: Map<unknown, Heard['calls'][number]>, delta: JsonObject): void {
  const { content } = delta
  heard.text += content && !Array.isArray(content) ? asText(content) : ''
  for (const part of objects(delta.content)) {
    heard.text += part.type === 'text' ? text(part.text) : ''
    heard.thinking += objects(part.thinking)
      .map(piece => text(piece.text))
      .join('')
  }
  const details = objects(delta.reasoning_details).map(entry => text(entry.text ?? entry.summary))
  heard.thinking += delta.reasoning_content ?? delta.reasoning ?? details.join('')
  heard.refusal += text(delta.refusal)
  const told = objects(delta.tool_calls)
  for (const [at, call] of told.entries()) {
    const { name, arguments: input } = object(call.function ?? call.custom ?? {})
    // In a whole message calls have no index but their place.
    note(calls, call.index ?? at, text(name), asText(input ?? object(call.custom).input ?? ''))
  }
  const legacy = object(delta.function_call)
  if (delta.function_call) note(calls, 'legacy', text(legacy.name), text(legacy.arguments))
}

/** Some write JSON as the object itself: arguments, and answers to a schema. */
const asText = (value: Json) => (typeof value === 'string' ? value : JSON.stringify(value))

function note(calls: Map<unknown, Heard['calls'][number]>, key: unknown, name: string, input: string): void {
  const known = calls.get(key) ?? { name: '', input: '' }
  calls.set(key, { name: known.name || name, input: known.input + input })
}

function countsOf(usage: JsonObject): Counts {
  const prompt = object(usage.prompt_tokens_details)
  const reasoning = number(object(usage.completion_tokens_details).reasoning_tokens, usage.reasoning_tokens)
  const input = number(usage.prompt_tokens)
  return {
    input,
    output: withReasoning(input, number(usage.completion_tokens), reasoning, number(usage.total_tokens)),
    cached: number(
      prompt.cached_tokens,
      usage.prompt_cache_hit_tokens,
      usage.cached_tokens,
      usage.num_cached_tokens,
      usage.cache_read_input_tokens
    ),
    written: number(prompt.cache_write_tokens, usage.cache_creation_input_tokens),
    reasoning
  }
}
