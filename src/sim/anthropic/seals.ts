import type { Place, Sealer, Verdict } from '../seal.ts'
import { invalid } from './errors.ts'
import type { ContentBlock, MessagesRequest } from './schema.ts'

const MODIFIED =
  '`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must ' +
  'remain as they were in the original response.'

/**
 * Thoughts in the history are ours, unaltered, in their order and complete. With thinking enabled, the last assistant
 * turn must begin with one where it uses tools or is to be continued (adaptive thinking does not ask for that).
 */
export function checkSeals(request: MessagesRequest, sealer: Sealer): void {
  const latest = request.messages.findLastIndex(message => message.role === 'assistant')
  request.messages.forEach(({ content }, index) => {
    if (typeof content === 'string') return
    const places: Place[] = []
    content.forEach((block, at) => {
      const verdict = verdictOf(block, sealer)
      if (verdict === undefined) return
      const path = `messages.${index}.content.${at}`
      if (verdict === 'foreign') throw invalid(`${path}: Invalid ${memberOf(block)} in \`${block.type}\` block`)
      if (verdict === 'altered') {
        throw invalid(
          index === latest ? `${path}: ${MODIFIED}` : `${path}: Invalid ${memberOf(block)} in \`${block.type}\` block`
        )
      }
      places.push(verdict)
    })
    if (index === latest && !isWhole(places)) throw invalid(`messages.${index}.content.0: ${MODIFIED}`)
  })
  if (request.thinking?.type === 'enabled') checkStart(request, latest)
}

function verdictOf(block: ContentBlock, sealer: Sealer): Verdict | undefined {
  if (block.type === 'thinking') return sealer.checkSignature(block.signature, block.thinking)
  return block.type === 'redacted_thinking' ? sealer.checkHidden(block.data) : undefined
}

function memberOf(block: ContentBlock): string {
  return block.type === 'redacted_thinking' ? '`data`' : '`signature`'
}

function isWhole(places: Place[]): boolean {
  return places.every((place, index) => place.index === index && place.count === places.length)
}

function checkStart(request: MessagesRequest, latest: number): void {
  const content = request.messages[latest]?.content
  if (content === undefined) return
  const blocks: { type: string }[] = typeof content === 'string' ? [{ type: 'text' }] : content
  const isContinued = latest === request.messages.length - 1
  if (!isContinued && !blocks.some(block => block.type === 'tool_use')) return
  const first = blocks[0]?.type
  if (first === undefined || first === 'thinking' || first === 'redacted_thinking') return
  throw invalid(
    `messages.${latest}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first}\`. When ` +
      '`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set ' +
      'of `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`.'
  )
}
