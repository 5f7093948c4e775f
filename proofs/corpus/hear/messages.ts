import type { JsonObject } from '../../../src/json.ts'
import { type Counts, dataOf, type Ear, type Heard, number, object, objects, silence, text } from './heard.ts'

/** Anthropic's messages. */
export const messages: Ear = {
  whole(body) {
    const heard = silence()
    for (const block of objects(body.content)) hear(heard, block)
    heard.finish = FINISH[text(body.stop_reason)]
    heard.counts = body.usage ? countsOf(object(body.usage)) : undefined
    return heard
  },
  stream(said) {
    const heard = silence()
    const usage: JsonObject = {}
    let open: JsonObject = {}
    for (const event of said.map(dataOf)) {
      if (event.type === 'error') heard.failed = true
      else if (event.type === 'message_start') Object.assign(usage, object(object(event.message).usage))
      else if (event.type === 'content_block_start') open = { ...object(event.content_block), json: '' }
      else if (event.type === 'content_block_delta') grow(open, object(event.delta))
      else if (event.type === 'content_block_stop') hear(heard, open)
      else if (event.type === 'message_delta') {
        heard.finish = FINISH[text(object(event.delta).stop_reason)]
        const told = Object.entries(object(event.usage)).filter(([, value]) => value !== null)
        Object.assign(usage, Object.fromEntries(told))
      }
    }
    if (Object.keys(usage).length > 0) heard.counts = countsOf(usage)
    return heard
  }
}

const FINISH: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  pause_turn: 'pause',
  refusal: 'refusal'
}

function grow(block: JsonObject, delta: JsonObject): void {
  if (delta.type === 'text_delta') block.text = text(block.text) + text(delta.text)
  else if (delta.type === 'thinking_delta') block.thinking = text(block.thinking) + text(delta.thinking)
  else if (delta.type === 'input_json_delta') block.json = text(block.json) + text(delta.partial_json)
}

function hear(heard: Heard, block: JsonObject): void {
  if (block.type === 'text') heard.text += text(block.text)
  else if (block.type === 'thinking') heard.thinking += text(block.thinking)
  else if (block.type === 'tool_use') {
    heard.calls.push({ name: text(block.name), input: text(block.json) || JSON.stringify(block.input ?? {}) })
  }
}

/** What was read from the cache and written to it stands beside `input_tokens`. */
function countsOf(usage: JsonObject): Counts {
  const cached = number(usage.cache_read_input_tokens)
  const written = number(usage.cache_creation_input_tokens)
  const input = number(usage.input_tokens)
  return {
    input: input === undefined ? undefined : input + (cached ?? 0) + (written ?? 0),
    output: number(usage.output_tokens),
    cached,
    written,
    reasoning: number(object(usage.output_tokens_details).thinking_tokens)
  }
}
