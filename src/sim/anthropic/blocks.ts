import { bytesOfBase64, imageTypeOf } from '../media.ts'
import { invalid } from './errors.ts'
import type { ContentBlock, MessagesRequest } from './schema.ts'

/** Rules inside messages: no blank texts, images and documents that can be read, citations all or none. */
export function checkBlocks(request: MessagesRequest): void {
  if (request.system !== undefined) checkSystem(request.system)
  const last = request.messages.length - 1
  request.messages.forEach(({ role, content }, index) => {
    if (content.length === 0 && !(index === last && role === 'assistant')) {
      throw invalid(
        `messages.${index}: all messages must have non-empty content except for the optional final assistant message`
      )
    }
    if (typeof content === 'string') {
      if (content !== '') checkText(content, 'messages')
      return
    }
    for (const [at, block] of content.entries()) checkBlock(block, `messages.${index}.content.${at}`)
  })
  checkPrefill(request)
  checkCitations(request)
}

function checkSystem(system: NonNullable<MessagesRequest['system']>): void {
  if (typeof system === 'string') return
  for (const block of system) checkText(block.text, 'system', block.cache_control)
}

function checkText(text: string, where: string, cacheControl?: object | null): void {
  if (text === '') {
    throw invalid(
      cacheControl
        ? `${where}: cache_control cannot be set for empty text blocks`
        : `${where}: text content blocks must be non-empty`
    )
  }
  if (text.trim() === '') throw invalid(`${where}: text content blocks must contain non-whitespace text`)
}

function checkBlock(block: ContentBlock, path: string): void {
  if (block.type === 'text') checkText(block.text, 'messages', block.cache_control)
  if (block.type === 'image') checkSource(block.source, `${path}.image.source`)
  if (block.type === 'document') checkSource(block.source, `${path}.document.source`)
  if (block.type !== 'tool_result' || typeof block.content === 'string') return
  block.content?.forEach((part, at) => {
    const partPath = `${path}.tool_result.content.${at}`
    if (part.type === 'text') checkText(part.text, 'messages', part.cache_control)
    if (part.type === 'image') checkSource(part.source, `${partPath}.image.source`)
    if (part.type === 'document') checkSource(part.source, `${partPath}.document.source`)
  })
}

type Source = Extract<ContentBlock, { type: 'image' | 'document' }>['source']

function checkSource(source: Source, path: string): void {
  if (source.type === 'url') {
    if (!URL.canParse(source.url) || !source.url.startsWith('https://')) {
      throw invalid(`${path}.url.url: Only HTTPS URLs are supported.`)
    }
    return
  }
  if (source.type === 'text' && source.data.trim() === '')
    throw invalid(`${path}.text.data: document text cannot be empty`)
  if (source.type !== 'base64') return
  const bytes = bytesOfBase64(source.data)
  if (!bytes) throw invalid(`${path}.base64.data: Invalid base64 data`)
  if (source.media_type === 'application/pdf') {
    if (!bytes.subarray(0, 1024).includes('%PDF-'))
      throw invalid(`${path}.base64.data: The PDF specified was not valid.`)
    return
  }
  const found = imageTypeOf(bytes)
  if (found === undefined) throw invalid('Could not process image')
  if (found !== source.media_type) {
    throw invalid(
      `${path}.base64.data: The image was specified using the ${source.media_type} media type, but the image appears ` +
        `to be a ${found} image`
    )
  }
}

function checkPrefill(request: MessagesRequest): void {
  const last = request.messages.at(-1)
  if (last?.role !== 'assistant') return
  const final = typeof last.content === 'string' ? last.content : last.content.at(-1)
  const text = typeof final === 'string' ? final : final?.type === 'text' ? final.text : ''
  if (text !== text.trimEnd()) throw invalid('messages: final assistant content cannot end with trailing whitespace')
}

function checkCitations(request: MessagesRequest): void {
  const switches = request.messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? []
      : content.flatMap(block => (block.type === 'document' ? [block.citations?.enabled === true] : []))
  )
  if (switches.includes(true) && switches.includes(false)) {
    throw invalid('messages: citations must be enabled on all documents of a request or on none')
  }
}
