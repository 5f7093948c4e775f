import { isObject, type Json, type JsonObject } from '../../json.ts'
import type { Part } from '../canonical.ts'
import { type Fault, given, type Kept, Members, sealed } from './members.ts'
import { carriesCallSeal, decodeCallSeals, decodeSignature } from './signature.ts'

type Media = Extract<Part, { type: 'media' }>

/**
 * One content block, of a request or a reply, as a part. Blocks without a counterpart elsewhere (server tools and
 * their results, search results, container uploads, types that are new) become `native` parts, whole.
 * Source: the provider's Messages reference, "content".
 */
export function decodePart(value: Json | undefined, path: string, fault: Fault): Part {
  const members = new Members(value, path, fault)
  const decode = DECODERS.get(members.string('type'))
  return decode?.(members) ?? { type: 'native', seal: sealed(value as JsonObject) }
}

export function decodeParts(blocks: Json[], path: string, fault: Fault): Part[] {
  const seals = decodeCallSeals(blocks)
  return blocks.flatMap((block, index) => {
    if (carriesCallSeal(block)) return []
    const part = decodePart(block, `${path}[${index}]`, fault)
    const seal = part.type === 'tool-call' ? seals.get(part.id) : undefined
    return [seal ? ({ ...part, seal } as Part) : part]
  })
}

/** `content` that may be a bare string; `plain` tells which it was. */
export function decodeContent(content: Json, members: Members, fault: Fault): { parts: Part[]; plain?: true } {
  if (typeof content === 'string') return { parts: [{ type: 'text', text: content }], plain: true }
  if (Array.isArray(content)) return { parts: decodeParts(content, members.at('content'), fault) }
  throw members.wrong('content', 'must be a string or an array of content blocks')
}

const DECODERS = new Map<string, (members: Members) => Part | undefined>([
  ['text', decodeText],
  ['image', members => decodeMedia(members, 'image/*')],
  ['document', decodeDocument],
  ['tool_use', decodeToolUse],
  ['tool_result', decodeToolResult],
  ['thinking', decodeThinking],
  ['redacted_thinking', decodeRedactedThinking]
])

function decodeText(members: Members): Part {
  return {
    type: 'text',
    text: members.string('text'),
    ...given({ citations: members.maybeArray('citations') }),
    ...base(members)
  }
}

function decodeThinking(members: Members): Part {
  const text = members.string('thinking')
  const signature = members.maybeString('signature')
  return { type: 'thinking', text, ...base(members), ...decodeSignature(signature) }
}

function decodeRedactedThinking(members: Members): Part {
  return { type: 'thinking', text: '', seal: sealed({ data: members.string('data') }), ...base(members) }
}

function decodeToolUse(members: Members): Part {
  const input = members.take('input')
  return {
    type: 'tool-call',
    id: members.string('id'),
    name: members.string('name'),
    input: input === undefined ? '' : JSON.stringify(input),
    ...base(members)
  }
}

function decodeToolResult(members: Members): Part {
  const content = members.peek('content') ?? []
  // An empty list and an absent one are told apart by the spelling.
  const said = !Array.isArray(content) || content.length > 0
  const { parts, plain } = said ? decodeContent(members.take('content')!, members, 'request') : { parts: [] }
  return {
    type: 'tool-result',
    id: members.string('tool_use_id'),
    content: parts,
    ...given({ failed: members.maybeBoolean('is_error'), plain }),
    ...base(members)
  }
}

function decodeDocument(members: Members): Part | undefined {
  const document = decodeMedia(members, 'application/pdf')
  if (document === undefined) return undefined
  const asked = {
    cite: members.nested('citations')?.maybeBoolean('enabled'),
    title: members.maybeString('title'),
    context: members.maybeString('context')
  }
  return { ...document, ...given(asked), ...base(members) }
}

/** An image or document by its `source`; undefined where the source is of a kind we do not know. */
function decodeMedia(members: Members, family: string): Media | undefined {
  const source = members.nested('source')
  if (source === undefined) throw members.wrong('source', 'must be an object')
  const where = decodeSource(source, family)
  return where && { type: 'media', ...where, ...(family === 'image/*' ? base(members) : {}) }
}

function decodeSource(source: Members, family: string): Omit<Media, 'type'> | undefined {
  switch (source.peek('type')) {
    case 'base64':
      source.take('type')
      return { mediaType: source.string('media_type'), data: source.string('data') }
    case 'url':
      source.take('type')
      return { mediaType: family, url: source.string('url') }
    case 'file':
      source.take('type')
      // The id does not say what the file is: an image stays one, a document may be anything.
      return {
        mediaType: family === 'image/*' ? family : 'application/octet-stream',
        fileId: sealed(source.string('file_id'))
      }
    case 'text':
      source.take('type')
      return { mediaType: source.maybeString('media_type') ?? 'text/plain', text: source.string('data') }
    case 'content': {
      // Written back as the blocks it was; others get their text.
      const text = textOf(source.peek('content'))
      if (text === undefined) return undefined
      for (const name of ['type', 'content']) source.spell(name, source.take(name)!)
      return { mediaType: 'text/plain', text }
    }
    default:
      return undefined
  }
}

function textOf(content: Json | undefined): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  const texts = content.map(block => (isObject(block) && block.type === 'text' ? block.text : undefined))
  return texts.every(text => typeof text === 'string') ? texts.join('\n\n') : undefined
}

function base(members: Members): Kept & { cache?: { ttl?: string } } {
  return { ...decodeCache(members), ...members.kept() }
}

/** `cache_control` as a mark; one of a shape we do not know stays among the rest. */
export function decodeCache(members: Members): { cache?: { ttl?: string } } {
  const mark = members.peek('cache_control')
  if (!isObject(mark) || mark.type !== 'ephemeral') return {}
  const { type: _type, ttl, ...more } = mark
  if (Object.keys(more).length > 0 || (ttl !== undefined && typeof ttl !== 'string')) return {}
  members.take('cache_control')
  return { cache: given({ ttl }) }
}
