import type { JsonObject } from '../../../src/json.ts'
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

/** OpenAI's Responses. */
export const responses: Ear = {
  whole(body) {
    const heard = silence()
    for (const item of objects(body.output)) hear(heard, item)
    return conclude(heard, body)
  },
  stream(said) {
    const heard = silence()
    let last: JsonObject | undefined
    for (const event of said.map(dataOf)) {
      const type = text(event.type)
      if (type === 'error') heard.failed = true
      else if (type === 'response.output_text.delta') heard.text += text(event.delta)
      else if (type === 'response.refusal.delta') heard.refusal += text(event.delta)
      else if (/^response\.reasoning(_summary)?_text\.delta$/.test(type)) heard.thinking += text(event.delta)
      else if (type === 'response.output_item.done' && object(event.item).type !== 'message')
        callIn(heard, object(event.item))
      else if (/^response\.(completed|incomplete|failed|done)$/.test(type)) last = object(event.response)
    }
    return last ? conclude(heard, last) : heard
  }
}

function hear(heard: Heard, item: JsonObject): void {
  for (const part of objects(item.content)) {
    if (part.type === 'output_text') heard.text += text(part.text)
    else if (part.type === 'refusal') heard.refusal += text(part.refusal)
    else if (part.type === 'reasoning_text') heard.thinking += text(part.text)
  }
  if (item.type === 'reasoning')
    heard.thinking += objects(item.summary)
      .map(part => text(part.text))
      .join('')
  callIn(heard, item)
}

function callIn(heard: Heard, item: JsonObject): void {
  // A function in a namespace is told from others of its name by both.
  const name = item.namespace ? `${text(item.namespace)}__${text(item.name)}` : text(item.name)
  if (item.type === 'function_call') heard.calls.push({ name, input: text(item.arguments) })
  else if (item.type === 'custom_tool_call') heard.calls.push({ name: text(item.name), input: text(item.input) })
}

function conclude(heard: Heard, response: JsonObject): Heard {
  const { status, usage } = response
  heard.failed ||= status === 'failed'
  const why = text(object(response.incomplete_details).reason)
  if (status === 'completed') heard.finish = heard.calls.length > 0 ? 'tool-calls' : 'stop'
  else if (status === 'incomplete')
    heard.finish = why === 'max_output_tokens' ? 'length' : why === 'content_filter' ? 'content-filter' : undefined
  if (heard.refusal !== '' && heard.finish === 'stop') heard.finish = 'refusal'
  if (usage) heard.counts = countsOf(object(usage))
  return heard
}

function countsOf(usage: JsonObject): Counts {
  const reasoning = number(object(usage.output_tokens_details).reasoning_tokens)
  const details = object(usage.input_tokens_details)
  const input = number(usage.input_tokens)
  return {
    input,
    output: withReasoning(input, number(usage.output_tokens), reasoning, number(usage.total_tokens)),
    cached: number(details.cached_tokens),
    written: number(details.cache_write_tokens),
    reasoning
  }
}
