import { bytesOfBase64, imageTypeOf } from '../media.ts'
import { invalid, modelRefuses } from './errors.ts'
import type { ContentBlock, ConverseRequest } from './schema.ts'

const DOCUMENT_NAME = /^(?!.*\s\s)[\p{L}\p{N}\s()[\]_-]+$/u

/** Rules inside messages: no blank texts, pictures of the kind they say, documents with names and words beside them. */
export function checkBlocks({ system, messages }: ConverseRequest): void {
  system?.forEach(({ text }, at) => {
    if (text !== undefined) checkText(text, 'SystemContentBlock', `system.${at}`)
  })
  messages.forEach(({ role, content }, index) => {
    const path = `messages.${index}.content`
    if (content.length === 0) {
      throw invalid(
        `The content field in the Message object at messages.${index} is empty. Add a ContentBlock object to the content ` +
          'field and try again.'
      )
    }
    for (const [at, block] of content.entries()) {
      checkRole(block, role, `${path}.${at}`)
      checkBlock(block, `${path}.${at}`)
    }
    const isWordless = !content.some(block => block.text !== undefined)
    if (isWordless && content.some(block => block.document)) {
      throw invalid(`A text block is required with a document block at ${path}. Add a text block and try again.`)
    }
  })
  checkDocumentNames(messages.flatMap(({ content }) => content))
}

function checkText(text: string, kind: string, path: string): void {
  if (text.trim() !== '') return
  throw invalid(`The text field in the ${kind} object at ${path} is blank. Add text to the text field, and try again.`)
}

const USER_ONLY = ['image', 'document', 'video', 'audio', 'guardContent', 'searchResult'] as const
const ASSISTANT_ONLY = ['toolUse', 'reasoningContent', 'citationsContent'] as const

function checkRole(block: ContentBlock, role: string, path: string): void {
  const foreign = role === 'user' ? ASSISTANT_ONLY : USER_ONLY
  const stray = foreign.find(name => block[name] !== undefined)
  // results of tools that Bedrock itself hosts stand in the turn of the model
  const isResult = role === 'assistant' && block.toolResult !== undefined && block.toolResult.type === undefined
  if (stray === undefined && !isResult) return
  throw invalid(
    `The ${stray ?? 'toolResult'} field in the ContentBlock object at ${path} is not allowed in a message of the role ` +
      `${role}.`
  )
}

function checkBlock(block: ContentBlock, path: string): void {
  if (block.text !== undefined) checkText(block.text, 'ContentBlock', path)
  if (block.image) checkImage(block.image, `${path}.image`)
  if (block.document) checkDocument(block.document, path)
  if (block.toolUse && (typeof block.toolUse.input !== 'object' || Array.isArray(block.toolUse.input))) {
    throw invalid(
      `The format of the value at ${path}.toolUse.input is invalid. Provide a json object for the field and try again.`
    )
  }
  block.toolResult?.content.forEach((part, at) => {
    if (part.image) checkImage(part.image, `${path}.toolResult.content.${at}.image`)
    if (part.document) checkDocument(part.document, `${path}.toolResult.content.${at}`)
  })
}

function checkImage({ format, source }: NonNullable<ContentBlock['image']>, path: string): void {
  if (source.bytes === undefined) return
  const found = imageTypeOf(bytesOfBase64(source.bytes) ?? Buffer.alloc(0))
  if (found === undefined) throw modelRefuses('Could not process image')
  if (found === `image/${format}`) return
  throw modelRefuses(
    `${path}.source.base64.data: The image was specified using the image/${format} media type, but the image appears to ` +
      `be a ${found} image`
  )
}

function checkDocument({ name, format, source }: NonNullable<ContentBlock['document']>, path: string): void {
  if (!DOCUMENT_NAME.test(name)) {
    throw invalid(
      'The document file name can only contain alphanumeric characters, whitespace characters, hyphens, parentheses, and ' +
        "square brackets. The name can't contain more than one consecutive whitespace character."
    )
  }
  if (format !== 'pdf' || source.bytes === undefined) return
  if (bytesOfBase64(source.bytes)?.subarray(0, 1024).includes('%PDF-')) return
  throw modelRefuses(`${path}.document.source.base64.data: The PDF specified was not valid.`)
}

function checkDocumentNames(blocks: ContentBlock[]): void {
  const names = blocks.flatMap(({ document }) => (document ? [document.name] : []))
  if (new Set(names).size === names.length) return
  throw invalid(
    'Messages can not have duplicate document names. Please provide distinct names for each document and try again.'
  )
}
