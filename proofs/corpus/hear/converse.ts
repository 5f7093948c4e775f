import type { JsonObject } from '../../../src/json.ts'
import { type Counts, dataOf, type Ear, type Heard, number, object, objects, silence, text } from './heard.ts'

/** Bedrock's Converse. */
export const converse: Ear = {
  whole(body) {
    const heard = silence()
    for (const block of objects(object(object(body.output).message).content)) hear(heard, block)
    heard.finish = FINISH[text(body.stopReason)]
    heard.counts = body.usage ? countsOf(object(body.usage)) : undefined
    return heard
  },
  stream(said) {
    const heard = silence()
    const calls = new Map<unknown, Heard['calls'][number]>()
    for (const each of said) {
      const { contentBlockIndex: at, start, delta, stopReason, usage } = dataOf(each)
      if (/exception$/i.test(each.event)) heard.failed = true
      const tool = object(object(start).toolUse)
      if (tool.name && tool.type !== 'server_tool_use') calls.set(at, { name: text(tool.name), input: '' })
      if (stopReason) heard.finish = FINISH[text(stopReason)]
      if (usage) heard.counts = countsOf(object(usage))
      const { text: words, reasoningContent, toolUse } = object(delta)
      heard.text += text(words)
      heard.thinking += text(object(reasoningContent).text)
      const call = calls.get(at)
      if (call) call.input += text(object(toolUse).input)
    }
    heard.calls = [...calls.values()]
    return heard
  }
}

const FINISH: Readonly<Record<string, string>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  tool_use: 'tool-calls',
  guardrail_intervened: 'content-filter',
  content_filtered: 'content-filter'
}

function hear(heard: Heard, block: JsonObject): void {
  heard.text += text(block.text)
  heard.text += objects(object(block.citationsContent).content)
    .map(piece => text(piece.text))
    .join('')
  heard.thinking += text(object(object(block.reasoningContent).reasoningText).text)
  const tool = object(block.toolUse)
  if (tool.name && tool.type !== 'server_tool_use')
    heard.calls.push({ name: text(tool.name), input: JSON.stringify(tool.input ?? {}) })
}

/** What was read from the cache and written to it stands beside `inputTokens`. */
function countsOf(usage: JsonObject): Counts {
  const cached = number(usage.cacheReadInputTokens)
  const written = number(usage.cacheWriteInputTokens)
  const input = number(usage.inputTokens)
  return {
    input: input === undefined ? undefined : input + (cached ?? 0) + (written ?? 0),
    output: number(usage.outputTokens),
    cached,
    written
  }
}
