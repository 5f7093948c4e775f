import type { Place, Sealer, Verdict } from '../seal.ts'
import { modelRefuses } from './errors.ts'
import type { ContentBlock, Message } from './schema.ts'

/** What a signature is made over and how hidden thoughts are told: their bytes are those of the model's own text. */
export function redactedContentOf(hidden: string): string {
  return Buffer.from(hidden).toString('base64')
}

const MODIFIED =
  '`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must ' +
  'remain as they were in the original response.'

/** Reasoning in the history is ours, unaltered, in its order and complete; while thinking, calls begin with it. */
export function checkSeals(messages: Message[], thinks: boolean, sealer: Sealer): void {
  const latest = messages.findLastIndex(({ role }) => role === 'assistant')
  messages.forEach(({ content }, index) => {
    const places: Place[] = []
    content.forEach((block, at) => {
      const verdict = verdictOf(block, sealer)
      if (verdict === undefined) return
      const path = `messages.${index}.content.${at}`
      if (typeof verdict !== 'string') places.push(verdict)
      else if (verdict === 'altered' && index === latest) throw modelRefuses(`${path}: ${MODIFIED}`)
      else throw modelRefuses(`${path}: Invalid ${memberOf(block)} block`)
    })
    const isWhole = places.every((place, at) => place.index === at && place.count === places.length)
    if (index === latest && !isWhole) throw modelRefuses(`messages.${index}.content.0: ${MODIFIED}`)
  })
  if (thinks) checkStart(messages, latest)
}

function verdictOf({ reasoningContent }: ContentBlock, sealer: Sealer): Verdict | undefined {
  if (!reasoningContent) return undefined
  const { reasoningText, redactedContent } = reasoningContent
  if (reasoningText) return sealer.checkSignature(reasoningText.signature ?? '', reasoningText.text)
  return sealer.checkHidden(Buffer.from(redactedContent ?? '', 'base64').toString())
}

function memberOf({ reasoningContent }: ContentBlock): string {
  return reasoningContent?.redactedContent === undefined ? '`signature` in `thinking`' : '`data` in `redacted_thinking`'
}

function checkStart(messages: Message[], latest: number): void {
  const content = messages[latest]?.content
  if (content === undefined || content[0]?.reasoningContent) return
  const isContinued = latest === messages.length - 1
  if (!isContinued && !content.some(block => block.toolUse)) return
  const found = content[0]?.toolUse ? 'tool_use' : 'text'
  throw modelRefuses(
    `messages.${latest}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${found}\`. When ` +
      '`thinking` is enabled, a final `assistant` message must start with a thinking block (preceeding the lastmost set ' +
      'of `tool_use` and `tool_result` blocks). To avoid this requirement, disable `thinking`.'
  )
}
