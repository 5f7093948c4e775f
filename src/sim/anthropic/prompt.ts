import type { Block } from '../cache.ts'
import type { JsonObject } from '../json.ts'
import { countTokens } from '../tokens.ts'
import type { ContentBlock, MessagesRequest } from './schema.ts'

const TURN_TOKENS = 3
const IMAGE_TOKENS = 170
const DOCUMENT_CHARS_PER_TOKEN = 40

type Marked = { cache_control?: { ttl?: '5m' | '1h' | undefined } | null | undefined }

/** The prompt in the order in which the provider reads and caches it: tools, system, messages. */
export function promptBlocksOf(
  request: Pick<MessagesRequest, 'tools' | 'system' | 'messages' | 'cache_control'>
): Block[] {
  const blocks: Block[] = []
  const add = (role: string, value: object, tokens: number): void => {
    const ttl = ttlOf(value)
    // the marks themselves move from turn to turn and are no part of the prefix
    const text = (): string =>
      role + JSON.stringify(value, (key, inner) => (key === 'cache_control' ? undefined : inner))
    blocks.push(ttl === undefined ? { text, tokens } : { text, tokens, ttl })
  }
  for (const tool of request.tools ?? []) add('tool', tool, countTokens(JSON.stringify(tool)))
  const system = typeof request.system === 'string' ? [{ type: 'text' as const, text: request.system }] : request.system
  for (const block of system ?? []) add('system', block, countTokens(block.text))
  for (const { role, content } of request.messages) {
    const parts: ContentBlock[] = typeof content === 'string' ? [{ type: 'text', text: content }] : content
    for (const [index, part] of parts.entries()) add(role, part, (index === 0 ? TURN_TOKENS : 0) + tokensOf(part))
  }
  const last = blocks.at(-1)
  // the mark on the request itself stands for one on its last block
  if (request.cache_control && last && last.ttl === undefined) last.ttl = request.cache_control.ttl ?? '5m'
  return blocks
}

function ttlOf(value: object): '5m' | '1h' | undefined {
  const own = (value as Marked).cache_control
  if (own) return own.ttl ?? '5m'
  const inner = (value as { content?: unknown }).content
  if (!Array.isArray(inner)) return undefined
  return inner.map(ttlOf).find(ttl => ttl !== undefined)
}

function tokensOf(block: ContentBlock): number {
  switch (block.type) {
    case 'text':
      return countTokens(block.text)
    case 'thinking':
      return countTokens(block.thinking)
    case 'image':
      return IMAGE_TOKENS
    case 'document':
      return documentTokens(block.source)
    case 'tool_result': {
      if (typeof block.content === 'string') return 4 + countTokens(block.content)
      return 4 + (block.content ?? []).reduce((sum, part) => sum + tokensOf(part as ContentBlock), 0)
    }
    default:
      return 4 + countTokens(JSON.stringify(block satisfies object as JsonObject))
  }
}

function documentTokens(source: Extract<ContentBlock, { type: 'document' }>['source']): number {
  if (source.type === 'text') return countTokens(source.data)
  if (source.type === 'base64') return Math.ceil(source.data.length / DOCUMENT_CHARS_PER_TOKEN)
  return source.type === 'content' ? countTokens(JSON.stringify(source.content)) : IMAGE_TOKENS
}
