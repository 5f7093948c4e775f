import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { streamTranslator, translateRequest, translateResponse } from '../../../src/dialects/translate.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { formatSse } from '../../../src/wire/sse.ts'
import { accumulate, onlyOneOpen, recorded, sseEvents } from './support.ts'

/** Real traffic of OpenAI and its kin, said in this dialect: nothing throws, and what comes out keeps its rules. */
const MAKERS = ['openai', 'groq', 'mistral', 'deepseek', 'xai', 'openrouter', 'together', 'perplexity', 'ollama']
const whole = recorded(...MAKERS.map(maker => `${maker}/chat`))
const streamed = recorded(...MAKERS.map(maker => `${maker}/chat_stream`))
const openai = dialects['openai-chat']

const isChat = (body: unknown): body is JsonObject => isObject(body) && Array.isArray(body.messages)

const skip = whole.length === 0 && 'no recorded traffic here'

describe('recorded traffic of others', () => {
  it('requests keep the rules of the provider', { skip }, () => {
    let checked = 0
    for (const { file, request } of [...whole, ...streamed]) {
      if (!isChat(request.body)) continue
      const { body } = translateRequest(openai, dialect, request.body)
      keepsRules(body, file)
      checked += 1
    }
    assert.ok(checked > 50)
  })

  it('replies are messages', { skip }, () => {
    for (const { file, response } of whole) {
      if (!isObject(response.body) || !Array.isArray(response.body.choices)) continue
      const { body } = translateResponse(openai, dialect, response.body)
      assert.equal(body.type, 'message', file)
      assert.ok(isObject(body.usage) && Number.isInteger(body.usage.input_tokens), file)
    }
  })

  it('streams keep the order of events and end with a reason or an error', { skip }, () => {
    let checked = 0
    for (const { file, response } of streamed) {
      if (response.status !== 200 || !response.sse) continue
      const stream = streamTranslator(openai, dialect, { losses: [], request: {}, write: formatSse })
      const events = sseEvents([Buffer.from(response.sse)])
      if (!events.some(({ data }) => data.includes('"finish_reason":"'))) continue
      const texts = events.map(({ event, data }) => stream.push(event, data).text)
      const sse = texts.join('') + stream.end().text
      onlyOneOpen(sse)
      assert.equal(accumulate(sse).type, 'message', file)
      const failed = sse.includes('event: error\n')
      assert.equal(accumulate(sse).stop_reason === null, failed, file)
      checked += 1
    }
    assert.ok(checked > 20)
  })
})

/** What the provider refuses, by its reference: the first turn, neighbours, empty turns, blank texts, late results. */
function keepsRules(body: JsonObject, file: string): void {
  assert.ok(Number.isInteger(body.max_tokens), file)
  const turns = body.messages as { role: string; content: string | JsonObject[] }[]
  assert.equal(turns[0]?.role, 'user', file)
  turns.forEach((turn, index) => {
    assert.notEqual(turn.role, turns[index + 1]?.role, file)
    const blocks =
      typeof turn.content === 'string' ? [{ type: 'text', text: turn.content } as JsonObject] : turn.content
    assert.ok(blocks.length > 0, file)
    for (const block of blocks) {
      if (block.type === 'text') assert.notEqual(String(block.text).trim(), '', file)
      if (block.type === 'tool_use') assert.ok(isObject(block.input as Json) && /^[\w-]+$/.test(String(block.id)), file)
    }
    const kinds = blocks.map(block => block.type)
    const results = kinds.filter(kind => kind === 'tool_result').length
    assert.equal(kinds.lastIndexOf('tool_result'), results - 1, file)
  })
}
