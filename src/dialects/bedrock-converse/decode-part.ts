import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part, Tool } from '../canonical.ts'
import { decodeCitation } from './citations.ts'
import { decodeMedia, type MediaKind, mediaTypeOf } from './media.ts'
import { type Fault, given, type Members, members, sealed } from './members.ts'
import { decodeSignature } from './signature.ts'

/**
 * Content blocks of a request or a reply as parts. A block is an object with one member, which names its kind; kinds
 * without a counterpart elsewhere (search results, hosted tools and what they answered, kinds that are new) become
 * `native` parts, whole. A `cachePoint` is a mark on what stands before it.
 * Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html
 */
export function decodeBlocks(blocks: Json[], path: string, fault: Fault): Part[] {
  const parts: Part[] = []
  for (const [index, block] of blocks.entries()) {
    if (!marks(parts.at(-1), block)) parts.push(decodeBlock(block, `${path}[${index}]`, fault))
  }
  return parts
}

/** Whether the block is a cache point for what stands before it, which then has the mark. */
export function marks(before: Part | Tool | undefined, block: Json): boolean {
  if (before === undefined || before.cache || !isObject(block) || !isObject(block.cachePoint)) return false
  const { type, ttl, ...more } = block.cachePoint
  const known = type === 'default' && (ttl === undefined || typeof ttl === 'string')
  if (!known || Object.keys(more).length > 0 || Object.keys(block).length > 1) return false
  before.cache = given({ ttl: ttl as string | undefined })
  return true
}

export function decodeBlock(value: Json | undefined, path: string, fault: Fault): Part {
  const block = members(value, path, fault)
  const kind = Object.keys(value as JsonObject).find(name => DECODERS.has(name))
  const part = kind === undefined ? undefined : DECODERS.get(kind)!(block)
  return part ? { ...block.kept(), ...part } : { type: 'native', seal: sealed(value as JsonObject) }
}

const media = (kind: MediaKind) => (block: Members) => decodeMedia(block, kind)

const DECODERS = new Map<string, (block: Members) => Part | undefined>([
  ['text', block => ({ type: 'text', text: block.string('text') })],
  ['image', media('image')],
  ['document', media('document')],
  ['video', media('video')],
  ['audio', media('audio')],
  ['toolUse', decodeToolUse],
  ['toolResult', decodeToolResult],
  ['json', decodeJson],
  ['reasoningContent', decodeReasoning],
  ['citationsContent', decodeCited],
  ['guardContent', decodeGuarded]
])

function decodeToolUse(block: Members): Part | undefined {
  const call = block.nested('toolUse')
  if (call === undefined || call.peek('type') === 'server_tool_use') return undefined
  // Claude says a type, others none.
  if (call.peek('type') === 'tool_use') call.spell('type', call.take('type')!)
  const input = call.take('input')
  return {
    type: 'tool-call',
    id: call.string('toolUseId'),
    name: call.string('name'),
    input: input === undefined ? '' : JSON.stringify(input)
  }
}

const STATUS = new Map<string | undefined, boolean>([
  ['success', false],
  ['error', true]
])

function decodeToolResult(block: Members): Part | undefined {
  const result = block.nested('toolResult')
  // What a hosted tool answered says its type.
  if (result === undefined || result.peek('type') !== undefined) return undefined
  const status = result.maybeString('status')
  const failed = STATUS.get(status)
  if (status !== undefined && failed === undefined) result.spell('status', status)
  return {
    type: 'tool-result',
    id: result.string('toolUseId'),
    content: decodeBlocks(result.array('content'), result.at('content'), 'request'),
    ...given({ failed })
  }
}

/** What a tool answered as JSON, for others as its text. */
function decodeJson(block: Members): Part {
  const json = block.take('json')!
  block.spell('json', json)
  return { type: 'text', text: JSON.stringify(json) }
}

function decodeReasoning(block: Members): Part | undefined {
  const reasoning = block.nested('reasoningContent')
  const said = reasoning?.nested('reasoningText')
  if (said) {
    const { seal, spelling } = decodeSignature(said.maybeString('signature'))
    return { type: 'thinking', text: said.maybeString('text') ?? '', ...given({ seal, spelling }) }
  }
  const redactedContent = reasoning?.maybeString('redactedContent')
  return redactedContent === undefined ? undefined : { type: 'thinking', text: '', seal: sealed({ redactedContent }) }
}

/** Generated text with its citations; some models give the citations alone, after the text. */
function decodeCited(block: Members): Part | undefined {
  const cited = block.nested('citationsContent')
  if (cited === undefined) return undefined
  const content = cited.maybeArray('content')
  const texts = (content ?? []).map(piece => (isObject(piece) ? piece.text : undefined))
  if (!texts.every(text => typeof text === 'string')) return undefined
  if (content && content.length !== 1) cited.spell('content', content)
  const citations = cited.maybeArray('citations')
  if (citations === undefined) cited.spell('content', content ?? [])
  return { type: 'text', text: texts.join(''), ...given({ citations: citations?.map(decodeCitation) }) }
}

/** What a guardrail is to look at. Others hear what it holds; that it was to be guarded is theirs to lose by name. */
function decodeGuarded(block: Members): Part | undefined {
  const guarded = block.take('guardContent')
  if (!isObject(guarded)) return undefined
  const { text, image } = guarded
  const rest = sealed({ guardContent: guarded })
  if (isObject(text) && typeof text.text === 'string') return { type: 'text', text: text.text, rest }
  const source = isObject(image) ? image.source : undefined
  if (!isObject(image) || !isObject(source) || typeof source.bytes !== 'string') return undefined
  const format = typeof image.format === 'string' ? image.format : undefined
  return { type: 'media', mediaType: mediaTypeOf('image', format), data: source.bytes, rest }
}
