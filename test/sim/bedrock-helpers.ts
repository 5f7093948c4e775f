import assert from 'node:assert/strict'
import { request } from 'node:http'
import { crc32 } from 'node:zlib'
import type { Sim } from '../../src/sim/index.ts'
import type { Any } from './helpers.ts'

export const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'

export interface Frame {
  headers: Record<string, string>
  event: string
  /** Parsed, or its text where it is no JSON. */
  data: Any
}

export interface Answer {
  status: number
  headers: Record<string, string>
  bytes: Buffer
  outcome: 'end' | 'cut'
  json(): Any
  /** Whole messages of the event stream, their checksums looked at. */
  frames(): Frame[]
  /** Bytes of a message that is not whole. */
  rest(): number
}

const BEARER = { 'content-type': 'application/json', authorization: 'Bearer bedrock-api-key' }

/** A call to one of the doors of a model. */
export function call(
  sim: Sim,
  model: string,
  verb: string,
  body: unknown,
  headers: Record<string, string> = BEARER,
  method = 'POST'
): Promise<Answer> {
  const path = `/model/${encodeURIComponent(model)}/${verb}`
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port: sim.port, method, path, headers, agent: false }, response => {
      const chunks: Buffer[] = []
      const settle = (outcome: 'end' | 'cut'): void => {
        const bytes = Buffer.concat(chunks)
        resolve({
          status: response.statusCode!,
          headers: response.headers as Record<string, string>,
          bytes,
          outcome,
          json: () => JSON.parse(bytes.toString()),
          frames: () => framesOf(bytes).frames,
          rest: () => framesOf(bytes).rest
        })
      }
      response.on('data', chunk => chunks.push(chunk))
      response.on('end', () => settle('end'))
      response.on('error', () => settle('cut'))
    })
    sent.on('error', reject)
    sent.end(typeof body === 'string' ? body : JSON.stringify(body))
  })
}

export function converse(text: string, more: object = {}): Any {
  return { messages: [{ role: 'user', content: [{ text }] }], ...more }
}

const OBJECT = {
  type: 'object',
  properties: { city: { type: 'string' }, days: { type: 'integer' } },
  required: ['city']
}

export function toolConfig(names: string[], toolChoice?: object, json: object = OBJECT): Any {
  const tools = names.map(name => ({ toolSpec: { name, inputSchema: { json } } }))
  return { tools, ...(toolChoice ? { toolChoice } : {}) }
}

export const THINKING = { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 1024 } } }

export function framesOf(bytes: Buffer): { frames: Frame[]; rest: number } {
  const frames: Frame[] = []
  let at = 0
  while (bytes.length - at >= 12) {
    const length = bytes.readUInt32BE(at)
    if (bytes.length - at < length) break
    const message = bytes.subarray(at, at + length)
    assert.equal(crc32(message.subarray(0, 8)), message.readUInt32BE(8), 'checksum of the prelude')
    assert.equal(crc32(message.subarray(0, -4)), message.readUInt32BE(length - 4), 'checksum of the message')
    const headersEnd = 12 + message.readUInt32BE(4)
    const headers = headersIn(message.subarray(12, headersEnd))
    const event = headers[':event-type'] ?? headers[':exception-type'] ?? ''
    frames.push({ headers, event, data: parsed(message.subarray(headersEnd, -4).toString()) })
    at += length
  }
  return { frames, rest: bytes.length - at }
}

function headersIn(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {}
  for (let at = 0; at < bytes.length; ) {
    const nameEnd = at + 1 + bytes.readUInt8(at)
    assert.equal(bytes.readUInt8(nameEnd), 7, 'headers are strings')
    const end = nameEnd + 3 + bytes.readUInt16BE(nameEnd + 1)
    headers[bytes.subarray(at + 1, nameEnd).toString()] = bytes.subarray(nameEnd + 3, end).toString()
    at = end
  }
  return headers
}

function parsed(text: string): Any {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The whole reply that a stream tells; blocks as far as they came. */
export function fold(frames: Frame[]): Any {
  const content: Any[] = []
  const reply: Any = { output: { message: { content, role: 'assistant' } } }
  const inputs: string[] = []
  for (const { event, data } of frames) {
    if (typeof data === 'string') continue
    const { p: _, contentBlockIndex: at, ...rest } = data
    if (event === 'contentBlockStart') content[at] = rest.start
    if (event === 'contentBlockDelta') addDelta(content, inputs, at, rest.delta)
    if (event === 'messageStop' || event === 'metadata') Object.assign(reply, rest)
  }
  inputs.forEach((text, at) => {
    content[at].toolUse.input = parsed(text)
  })
  return reply
}

function addDelta(content: Any[], inputs: string[], at: number, delta: Any): void {
  const { text, toolUse, reasoningContent, citation } = delta
  if (toolUse) inputs[at] = (inputs[at] ?? '') + toolUse.input
  else if (citation) content[at] = { citationsContent: { content: [], citations: [citation] } }
  else if (reasoningContent?.redactedContent) content[at] = { reasoningContent }
  else if (reasoningContent) {
    content[at] ??= { reasoningContent: { reasoningText: { text: '' } } }
    const { reasoningText } = content[at].reasoningContent
    if (reasoningContent.signature === undefined) reasoningText.text += reasoningContent.text
    else reasoningText.signature = reasoningContent.signature
  } else if (content[at]?.citationsContent) content[at].citationsContent.content.push({ text })
  else content[at] = { text: (content[at]?.text ?? '') + text }
}

/** All text of a reply. */
export function textOf(reply: Any): string {
  return reply.output.message.content.map((block: Any) => block.text ?? '').join('')
}

/** The reply, asked for whole and as a stream: both say the same, but for the ids. */
export async function replyTo(sim: Sim, body: Any, model = CLAUDE): Promise<Any> {
  const whole = await call(sim, model, 'converse', body)
  assert.equal(whole.status, 200, whole.bytes.toString())
  const stream = await call(sim, model, 'converse-stream', body)
  assert.equal(stream.headers['content-type'], 'application/vnd.amazon.eventstream')
  assert.deepEqual(withoutIds(fold(stream.frames())), withoutIds(whole.json()))
  return whole.json()
}

function withoutIds(reply: Any): Any {
  return JSON.parse(JSON.stringify(reply), (name, value) => (name === 'toolUseId' ? undefined : value))
}
