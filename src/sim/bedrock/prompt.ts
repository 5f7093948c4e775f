import type { Block } from '../cache.ts'
import { countTokens } from '../tokens.ts'
import type { ContentBlock, ConverseRequest } from './schema.ts'

const TURN_TOKENS = 4
const CALL_TOKENS = 5
const IMAGE_TOKENS = 190
const DOCUMENT_CHARS_PER_TOKEN = 36

type Prompt = Pick<ConverseRequest, 'messages' | 'system' | 'toolConfig'>

/** The prompt in the order in which it is read and cached: tools, system, messages. Cache points end a prefix. */
export function promptBlocksOf({ toolConfig, system, messages }: Prompt): Block[] {
  const blocks: Block[] = []
  const add = (role: string, value: object, tokens: number): void => {
    const { cachePoint } = value as ContentBlock
    const last = blocks.at(-1)
    if (cachePoint && last) last.ttl = cachePoint.ttl ?? '5m'
    if (!cachePoint) blocks.push({ text: () => role + JSON.stringify(value), tokens })
  }
  for (const tool of toolConfig?.tools ?? []) add('tool', tool, countTokens(JSON.stringify(tool)))
  for (const block of system ?? []) add('system', block, tokensOf(block as ContentBlock))
  for (const { role, content } of messages) {
    for (const [at, block] of content.entries()) add(role, block, (at === 0 ? TURN_TOKENS : 0) + tokensOf(block))
  }
  return blocks
}

function tokensOf(block: Partial<ContentBlock>): number {
  const { text, image, document, toolResult, reasoningContent } = block
  if (text !== undefined) return countTokens(text)
  if (image) return IMAGE_TOKENS
  if (document) return documentTokens(document.source)
  if (toolResult) {
    const parts = toolResult.content as Partial<ContentBlock>[]
    return CALL_TOKENS + parts.reduce((sum, part) => sum + tokensOf(part), 0)
  }
  if (reasoningContent) return countTokens(reasoningContent.reasoningText?.text ?? '')
  return CALL_TOKENS + countTokens(JSON.stringify(block))
}

function documentTokens({ text, bytes, content }: NonNullable<ContentBlock['document']>['source']): number {
  if (text !== undefined) return countTokens(text)
  if (bytes !== undefined) return Math.ceil(bytes.length / DOCUMENT_CHARS_PER_TOKEN)
  return content ? countTokens(JSON.stringify(content)) : IMAGE_TOKENS
}
