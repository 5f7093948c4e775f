import assert from 'node:assert/strict'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'

/**
 * What Bedrock refuses, written from its API reference and its error messages, and sharing no code with the codec: a
 * request that it would answer with a ValidationException fails here.
 */
export function assertTaken(body: JsonObject, where: string): void {
  const messages = (body.messages ?? []) as JsonObject[]
  assert.ok(messages.length > 0, `${where}: no messages`)
  for (const name of Object.keys(body)) assert.ok(MEMBERS.has(name), `${where}: ${name}`)
  messages.forEach((message, index) => {
    assert.equal(message.role, index % 2 === 0 ? 'user' : 'assistant', `${where}: roles alternate, the user first`)
    checkBlocks(message.content, message.role as string, `${where}: messages[${index}]`)
  })
  for (const block of (body.system ?? []) as JsonObject[]) {
    if (block.text !== undefined) assert.notEqual(String(block.text).trim(), '', `${where}: blank system`)
  }
  checkPairs(messages, where)
  checkTools(body, messages, where)
  const names = messages.flatMap(({ content }) =>
    (content as JsonObject[]).map(block => block.document as JsonObject | undefined)
  )
  const called = names.flatMap(document => (document ? [document.name] : []))
  assert.equal(new Set(called).size, called.length, `${where}: duplicate document names`)
}

const MEMBERS = new Set([
  ...['messages', 'system', 'inferenceConfig', 'toolConfig', 'guardrailConfig', 'additionalModelRequestFields'],
  ...['additionalModelResponseFieldPaths', 'promptVariables', 'requestMetadata', 'performanceConfig', 'serviceTier'],
  'outputConfig'
])

const KINDS: Record<string, readonly string[]> = {
  user: ['text', 'image', 'document', 'video', 'audio', 'toolResult', 'guardContent', 'cachePoint'],
  assistant: ['text', 'toolUse', 'toolResult', 'reasoningContent', 'citationsContent', 'cachePoint']
}

const FORMATS: Record<string, readonly string[]> = {
  image: ['png', 'jpeg', 'gif', 'webp'],
  document: ['pdf', 'csv', 'doc', 'docx', 'xls', 'xlsx', 'html', 'txt', 'md'],
  video: ['mkv', 'mov', 'mp4', 'webm', 'flv', 'mpeg', 'mpg', 'wmv', 'three_gp'],
  audio: [
    'mp3',
    'opus',
    'wav',
    'aac',
    'flac',
    'mp4',
    'ogg',
    'mkv',
    'mka',
    'x-aac',
    'm4a',
    'mpeg',
    'mpga',
    'pcm',
    'webm'
  ]
}

const NAME = /^[a-zA-Z0-9_-]{1,64}$/

function checkBlocks(content: Json | undefined, role: string, where: string): void {
  const blocks = content as JsonObject[]
  assert.ok(blocks.length > 0, `${where}: no content`)
  for (const block of blocks) {
    const [kind, ...more] = Object.keys(block)
    assert.deepEqual(more, [], `${where}: a block has one member`)
    assert.ok(KINDS[role]!.includes(kind!), `${where}: ${kind} in a turn of ${role}`)
    if (kind === 'text') assert.notEqual(String(block.text).trim(), '', `${where}: blank text`)
    if (kind! in FORMATS) checkFile(kind!, block[kind!] as JsonObject, where)
    const { toolUse, toolResult } = block
    if (isObject(toolUse)) {
      assert.match(String(toolUse.toolUseId), NAME, where)
      assert.match(String(toolUse.name), NAME, where)
      assert.ok(isObject(toolUse.input), `${where}: input is an object`)
    }
    if (isObject(toolResult)) for (const inner of toolResult.content as JsonObject[]) checkInner(inner, where)
  }
  const words = blocks.some(block => block.text !== undefined)
  assert.ok(words || !blocks.some(block => block.document), `${where}: a document needs words`)
}

function checkInner(inner: JsonObject, where: string): void {
  const kind = Object.keys(inner)[0]!
  assert.ok(['text', 'json', 'image', 'document', 'video'].includes(kind), `${where}: ${kind} in a result`)
  if (kind in FORMATS) checkFile(kind, inner[kind] as JsonObject, where)
}

function checkFile(kind: string, file: JsonObject, where: string): void {
  assert.ok(FORMATS[kind]!.includes(String(file.format)), `${where}: ${kind} ${file.format}`)
  assert.equal(Object.keys(file.source as JsonObject).length, 1, where)
  if (kind === 'document') assert.match(String(file.name), /^(?!.*\s\s)[\p{L}\p{N}\s()[\]_-]{1,200}$/u, where)
}

/** A result stands in the turn after its call. */
function checkPairs(messages: readonly JsonObject[], where: string): void {
  const callsOf = (message: JsonObject | undefined): Json[] =>
    ((message?.content ?? []) as JsonObject[]).flatMap(({ toolUse }) => (isObject(toolUse) ? [toolUse.toolUseId!] : []))
  const called = messages.flatMap(callsOf)
  messages.forEach(({ content }, index) => {
    for (const { toolResult } of content as JsonObject[]) {
      if (!isObject(toolResult) || !called.includes(toolResult.toolUseId!)) continue
      assert.ok(callsOf(messages[index - 1]).includes(toolResult.toolUseId!), `${where}: ${toolResult.toolUseId}`)
    }
  })
}

function checkTools(body: JsonObject, messages: readonly JsonObject[], where: string): void {
  const blocks = messages.flatMap(({ content }) => content as JsonObject[])
  const config = body.toolConfig
  if (!isObject(config)) {
    assert.ok(!blocks.some(block => block.toolUse), `${where}: toolConfig must be defined`)
    return
  }
  const tools = config.tools as JsonObject[]
  assert.ok(tools.length > 0, `${where}: tools are empty`)
  const names = tools.flatMap(({ toolSpec }) => (isObject(toolSpec) ? [toolSpec] : []))
  for (const { name, description, inputSchema } of names) {
    assert.match(String(name), NAME, where)
    assert.notEqual(description, '', where)
    assert.equal(((inputSchema as JsonObject).json as JsonObject).type, 'object', where)
  }
  const choice = config.toolChoice
  if (isObject(choice) && isObject(choice.tool)) {
    const { name } = choice.tool
    assert.ok(
      names.some(each => each.name === name),
      `${where}: toolChoice names no tool`
    )
  }
}
