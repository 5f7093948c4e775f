import assert from 'node:assert/strict'
import { test } from 'node:test'
import Anthropic from '@anthropic-ai/sdk'
import { FunctionCallingConfigMode, GoogleGenAI } from '@google/genai'
import OpenAI from 'openai'
import { PNG, simForTests } from './helpers.ts'

const sim = await simForTests({ keys: ['test-key-0001'] })
const openai = new OpenAI({ baseURL: `${sim.url}/v1`, apiKey: 'test-key-0001', maxRetries: 0 })
const anthropic = new Anthropic({ baseURL: sim.url, apiKey: 'test-key-0001', maxRetries: 0 })

const google = new GoogleGenAI({ apiKey: 'test-key-0001', httpOptions: { baseUrl: sim.url } })

const parameters = { type: 'object' as const, properties: { a: { type: 'integer' } }, required: ['a'] }
const chatTools = ['add', 'multiply'].map(name => ({ type: 'function' as const, function: { name, parameters } }))
const messageTools = ['add', 'multiply'].map(name => ({ name, input_schema: parameters }))
const schema = {
  type: 'object',
  properties: { name: { type: 'string' } },
  required: ['name'],
  additionalProperties: false
}

test('the OpenAI client: text, stream, structured output, errors, models', async () => {
  const messages = [{ role: 'user' as const, content: 'hello' }]
  const whole = await openai.chat.completions.create({ model: 'gpt-4.1', messages })
  assert.equal(whole.choices[0]!.message.content, 'You said: hello')
  const stream = openai.chat.completions.stream({ model: 'gpt-4.1', messages, stream_options: { include_usage: true } })
  const final = await stream.finalChatCompletion()
  assert.equal(final.choices[0]!.message.content, 'You said: hello')
  assert.deepEqual(final.usage, whole.usage)
  const parsed = await openai.chat.completions.parse({
    model: 'gpt-4.1',
    messages,
    response_format: { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } }
  })
  assert.deepEqual(Object.keys(JSON.parse(parsed.choices[0]!.message.content!)), ['name'])
  await assert.rejects(
    openai.chat.completions.create({ model: 'sim/429-retry-after-2', messages }),
    OpenAI.RateLimitError
  )
  const streamed = await openai.chat.completions.create({ model: 'sim/error-in-stream', messages, stream: true })
  await assert.rejects(async () => {
    for await (const _ of streamed);
  }, OpenAI.APIError)
  const listed = await openai.models.list()
  assert.ok(listed.data.some(model => model.id === 'echo'))
})

test('the OpenAI client: parallel tools over two turns, whole and streaming', async () => {
  const question = { role: 'user' as const, content: 'add, then multiply' }
  const stream = openai.chat.completions.stream({ model: 'gpt-5.5', messages: [question], tools: chatTools })
  const { message } = (await stream.finalChatCompletion()).choices[0]!
  const calls = (message.tool_calls ?? []).filter(call => call.type === 'function')
  assert.deepEqual(
    calls.map(call => [call.function.name, call.function.arguments]),
    [
      ['add', '{"a":7}'],
      ['multiply', '{"a":7}']
    ]
  )
  const results = calls.map(call => ({ role: 'tool' as const, tool_call_id: call.id, content: '42' }))
  const turn = {
    role: 'assistant' as const,
    tool_calls: calls.map(({ id, type, function: { name, arguments: input } }) => ({
      id,
      type,
      function: { name, arguments: input }
    }))
  }
  const answer = await openai.chat.completions.create({
    model: 'gpt-5.5',
    messages: [question, turn, ...results],
    tools: chatTools
  })
  assert.match(answer.choices[0]!.message.content!, /of add: 42\. Result \S+ of multiply: 42\./)
})

test('the Anthropic client: text, image, stream, structured output, errors, counts, models', async () => {
  const base = { model: 'claude-opus-4-7', max_tokens: 3000 }
  const image = {
    type: 'image' as const,
    source: { type: 'base64' as const, media_type: 'image/png' as const, data: PNG }
  }
  const messages = [{ role: 'user' as const, content: [image, { type: 'text' as const, text: 'hello' }] }]
  const whole = await anthropic.messages.create({ ...base, messages })
  assert.deepEqual(whole.content, [{ type: 'text', text: 'You said: hello\nI see 1 image (image/png, 70 bytes).' }])
  const final = await anthropic.messages.stream({ ...base, messages }).finalMessage()
  assert.deepEqual(final.content, whole.content)
  assert.equal(final.usage.output_tokens, whole.usage.output_tokens)
  const shaped = await anthropic.messages.create({
    ...base,
    messages,
    output_config: { format: { type: 'json_schema', schema } }
  })
  const [block] = shaped.content
  assert.ok(block?.type === 'text' && JSON.parse(block.text).name)
  await assert.rejects(anthropic.messages.create({ ...base, model: 'sim/529', messages }), { status: 529 })
  await assert.rejects(
    anthropic.messages.stream({ ...base, model: 'sim/error-in-stream', messages }).finalMessage(),
    /Overloaded/
  )
  const counted = await anthropic.messages.countTokens({ model: base.model, messages })
  assert.equal(typeof counted.input_tokens, 'number')
  const first = (await anthropic.models.list()).data[0]
  assert.equal(first?.id, 'assistant')
})

test('the Anthropic client: signed thinking and parallel tools replayed over two turns', async () => {
  const base = {
    model: 'claude-opus-4-7',
    max_tokens: 3000,
    thinking: { type: 'enabled' as const, budget_tokens: 1024 },
    tools: messageTools
  }
  const question = { role: 'user' as const, content: 'EXPLAIN, add and multiply, REDACT' }
  for (const turn of [
    await anthropic.messages.create({ ...base, messages: [question] }),
    await anthropic.messages.stream({ ...base, messages: [question] }).finalMessage()
  ]) {
    const types = turn.content.map(block => block.type)
    assert.deepEqual(types, ['thinking', 'redacted_thinking', 'text', 'tool_use', 'tool_use'])
    const results = turn.content.flatMap(block =>
      block.type === 'tool_use' ? [{ type: 'tool_result' as const, tool_use_id: block.id, content: '42' }] : []
    )
    const messages = [
      question,
      { role: 'assistant' as const, content: turn.content },
      { role: 'user' as const, content: results }
    ]
    const answer = await anthropic.messages.create({ ...base, messages })
    const said = answer.content.find(block => block.type === 'text')
    assert.match(said?.text ?? '', /of add: 42\. Result \S+ of multiply: 42\./)
  }
})

test('the beta door of the Anthropic client', async () => {
  const messages = [{ role: 'user' as const, content: 'hello' }]
  const reply = await anthropic.beta.messages.create({
    model: 'claude-x',
    max_tokens: 50,
    messages,
    betas: ['x-2026-01-01']
  })
  assert.equal(reply.stop_reason, 'end_turn')
  const entry = sim.log().at(-1)
  assert.deepEqual([entry?.path, entry?.headers['anthropic-beta']], ['/v1/messages', 'x-2026-01-01'])
})

test('the OpenAI client: responses whole, streaming, parsed, continued and deleted', async () => {
  const { responses } = openai
  const whole = await responses.create({ model: 'gpt-4.1', input: 'hello' })
  assert.equal(whole.output_text, 'You said: hello')
  const final = await responses.stream({ model: 'gpt-4.1', input: 'hello' }).finalResponse()
  assert.deepEqual([final.output_text, final.usage], [whole.output_text, whole.usage])
  const format = { type: 'json_schema' as const, name: 'person', strict: true, schema }
  const shaped = await responses.parse({ model: 'gpt-4.1', input: 'go', text: { format } })
  assert.deepEqual(Object.keys(JSON.parse(shaped.output_text)), ['name'])
  assert.equal((await responses.retrieve(whole.id)).output_text, 'You said: hello')
  const listed = await responses.inputItems.list(whole.id)
  assert.equal(listed.data.length, 1)
  await responses.delete(whole.id)
  await assert.rejects(responses.retrieve(whole.id), OpenAI.NotFoundError)
  await assert.rejects(responses.create({ model: 'sim/429', input: 'x' }), OpenAI.RateLimitError)
  const stream = await responses.create({ model: 'sim/error-in-stream', input: 'one two three', stream: true })
  await assert.rejects(async () => {
    for await (const _ of stream);
  }, OpenAI.APIError)
})

test('the OpenAI client: a responses turn with a sealed thought and two calls, replayed', async () => {
  const base = { model: 'gpt-5.5', store: false, include: ['reasoning.encrypted_content' as const] }
  const tools = ['add', 'multiply'].map(name => ({ type: 'function' as const, name, parameters, strict: false }))
  const question = { role: 'user' as const, content: 'add, then multiply' }
  const { output } = await openai.responses.stream({ ...base, tools, input: [question] }).finalResponse()
  assert.deepEqual(
    output.map(item => item.type),
    ['reasoning', 'function_call', 'function_call']
  )
  const results = output.flatMap(item =>
    item.type === 'function_call'
      ? [{ type: 'function_call_output' as const, call_id: item.call_id, output: '42' }]
      : []
  )
  const answer = await openai.responses.create({
    ...base,
    tools,
    // the client marks what it has parsed; its own types take it back
    input: [question, ...(output as OpenAI.Responses.ResponseInputItem[]), ...results].map(withoutParsed)
  })
  assert.match(answer.output_text, /of add: 42\. Result \S+ of multiply: 42\./)
})

function withoutParsed(item: OpenAI.Responses.ResponseInputItem): OpenAI.Responses.ResponseInputItem {
  const { parsed_arguments: _, ...rest } = item as { parsed_arguments?: unknown }
  return rest as OpenAI.Responses.ResponseInputItem
}

test('the Google client: text, stream, structured output, errors, counts', async () => {
  const base = { model: 'gemini-2.5-flash', contents: 'hello' }
  const whole = await google.models.generateContent(base)
  assert.equal(whole.text, 'You said: hello')
  let told = ''
  let counts: unknown
  for await (const chunk of await google.models.generateContentStream(base)) {
    told += chunk.text ?? ''
    counts = chunk.usageMetadata
  }
  assert.equal(told, 'You said: hello')
  assert.deepEqual(counts, whole.usageMetadata)
  const config = { responseMimeType: 'application/json', responseJsonSchema: schema }
  const shaped = await google.models.generateContent({ ...base, config })
  assert.deepEqual(Object.keys(JSON.parse(shaped.text!)), ['name'])
  const counted = await google.models.countTokens(base)
  assert.equal(counted.totalTokens, whole.usageMetadata?.promptTokenCount)
  await assert.rejects(google.models.generateContent({ ...base, model: 'no-such-model' }), { status: 404 })
  await assert.rejects(async () => {
    for await (const _ of await google.models.generateContentStream({ ...base, model: 'error-in-stream' }));
  })
})

test('the Google client: signed calls of a chat over two turns', async () => {
  const functionDeclarations = ['add', 'multiply'].map(name => ({ name, parametersJsonSchema: parameters }))
  const toolConfig = { functionCallingConfig: { mode: FunctionCallingConfigMode.AUTO } }
  const chat = google.chats.create({ model: 'gemini-3-pro', config: { tools: [{ functionDeclarations }], toolConfig } })
  const first = await chat.sendMessage({ message: 'add, then multiply' })
  const calls = first.functionCalls ?? []
  assert.deepEqual(
    calls.map(({ name, args }) => [name, args]),
    [
      ['add', { a: 7 }],
      ['multiply', { a: 7 }]
    ]
  )
  const message = calls.map(({ id, name }) => ({
    functionResponse: { id: id!, name: name!, response: { output: '42' } }
  }))
  const answer = await chat.sendMessage({ message })
  assert.match(answer.text!, /of add: 42\. Result \S+ of multiply: 42\./)
})
