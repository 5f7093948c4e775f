import type { Ask } from '../ask.ts'
import { isObject, type JsonObject, listOf } from '../json.ts'
import { portionsOf } from '../tokens.ts'
import type { Frame } from '../voice.ts'
import { paddingOf } from './frames.ts'

const INPUT_CHARS = 16

type Push = (kind: Frame['kind'], event: string, data: JsonObject) => void

/** The events of a stream: start, blocks one after the other, stop, and the counts after it. */
export function framesOf(ask: Ask, content: JsonObject[], stop: JsonObject, metadata: JsonObject): Frame[] {
  const frames: Frame[] = []
  const push: Push = (kind, event, data) => {
    frames.push({ kind, event, data: JSON.stringify({ ...data, p: paddingOf(frames.length) }) })
  }
  push('lead', 'messageStart', { role: 'assistant' })
  content.forEach((block, contentBlockIndex) => {
    if (isObject(block.toolUse)) {
      const { input: _, ...start } = block.toolUse
      push('content', 'contentBlockStart', { contentBlockIndex, start: { toolUse: start } })
    }
    for (const { kind, delta } of deltasOf(ask, block)) push(kind, 'contentBlockDelta', { contentBlockIndex, delta })
    push('between', 'contentBlockStop', { contentBlockIndex })
  })
  push('finish', 'messageStop', stop)
  push('usage', 'metadata', metadata)
  frames.at(-1)!.tellsUsage = true
  return frames
}

interface Delta {
  kind: Frame['kind']
  delta: JsonObject
}

/** Blocks of text and of reasoning begin with their first delta. */
function deltasOf(ask: Ask, { text, toolUse, reasoningContent, citationsContent }: JsonObject): Delta[] {
  const content = (delta: JsonObject): Delta => ({ kind: 'content', delta })
  if (typeof text === 'string') {
    const chunkChars = ask.behaviour.id === 'huge-event' ? text.length : ask.directives.chunkChars
    return portionsOf(text, chunkChars).map(portion => content({ text: portion }))
  }
  if (isObject(toolUse)) {
    const input = JSON.stringify(toolUse.input)
    return portionsOf(input, INPUT_CHARS).map(portion => content({ toolUse: { input: portion } }))
  }
  if (isObject(citationsContent)) {
    const texts = listOf(citationsContent.content).filter(isObject)
    return [
      ...listOf(citationsContent.citations).map(citation => content({ citation })),
      ...texts.map(one => content({ text: one.text }))
    ]
  }
  return isObject(reasoningContent) ? thoughtDeltas(reasoningContent) : []
}

function thoughtDeltas({ reasoningText, redactedContent }: JsonObject): Delta[] {
  const said = (kind: Delta['kind'], reasoningContent: JsonObject): Delta => ({ kind, delta: { reasoningContent } })
  if (!isObject(reasoningText)) return [said('content', { redactedContent })]
  const { text, signature } = reasoningText
  const deltas = portionsOf(String(text)).map(portion => said('content', { text: portion }))
  return signature === undefined ? deltas : [...deltas, said('between', { signature })]
}
