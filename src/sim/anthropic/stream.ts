import type { Ask } from '../ask.ts'
import { type JsonObject, listOf } from '../json.ts'
import { portionsOf } from '../tokens.ts'
import type { Frame } from '../voice.ts'

const INPUT_CHARS = 14

type Push = (kind: Frame['kind'], data: JsonObject) => void

/** The events of a stream: start, blocks one after the other (with a ping in the first), delta, stop. */
export function framesOf(
  ask: Ask,
  envelope: JsonObject,
  content: JsonObject[],
  ending: JsonObject,
  usage: JsonObject
): Frame[] {
  const frames: Frame[] = []
  const push: Push = (kind, data) => {
    frames.push({ kind, event: String(data.type), data: JSON.stringify(data) })
  }
  const ping = (): void => {
    frames.push({ kind: 'lead', event: 'ping', data: '{"type": "ping"}' })
  }
  const { output_tokens_details: details, ...startUsage } = usage
  const nothingYet = { content: [], stop_reason: null, stop_sequence: null, stop_details: null }
  const message = { ...envelope, ...nothingYet, usage: { ...startUsage, output_tokens: 1 } }
  push('lead', { type: 'message_start', message })
  if (content.length === 0) ping()
  content.forEach((block, index) => {
    const isTool = block.type === 'tool_use'
    const kind = isTool ? 'content' : index === 0 ? 'lead' : 'between'
    push(kind, { type: 'content_block_start', index, content_block: emptied(block) })
    if (index === 0) ping()
    pushDeltas(ask, block, (deltaKind, delta) => push(deltaKind, { type: 'content_block_delta', index, delta }))
    push('between', { type: 'content_block_stop', index })
  })
  const { cache_creation: _, service_tier: __, inference_geo: ___, ...counts } = usage
  push('finish', { type: 'message_delta', delta: ending, usage: counts })
  frames.at(-1)!.tellsUsage = true
  push('end', { type: 'message_stop' })
  return frames
}

/** A block as `content_block_start` shows it. */
function emptied(block: JsonObject): JsonObject {
  switch (block.type) {
    case 'text':
      return block.citations === undefined ? { type: 'text', text: '' } : { type: 'text', text: '', citations: [] }
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '' }
    case 'tool_use':
      return { ...block, input: {} }
    default:
      return block
  }
}

function pushDeltas(ask: Ask, block: JsonObject, push: Push): void {
  if (block.type === 'thinking') {
    for (const thinking of portionsOf(String(block.thinking))) push('content', { type: 'thinking_delta', thinking })
    push('between', { type: 'signature_delta', signature: block.signature })
  }
  if (block.type === 'text') {
    for (const citation of listOf(block.citations)) push('content', { type: 'citations_delta', citation })
    const text = String(block.text)
    const chunkChars = ask.behaviour.id === 'huge-event' ? text.length : ask.directives.chunkChars
    for (const portion of portionsOf(text, chunkChars)) push('content', { type: 'text_delta', text: portion })
  }
  if (block.type === 'tool_use') {
    const input = JSON.stringify(block.input)
    push('content', { type: 'input_json_delta', partial_json: '' })
    if (input === '{}') return
    for (const partial_json of portionsOf(input, INPUT_CHARS))
      push('content', { type: 'input_json_delta', partial_json })
  }
}
