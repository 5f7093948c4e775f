import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLAUDE, call, converse, replyTo, THINKING, textOf, toolConfig } from './bedrock-helpers.ts'
import { type Any, PDF, PNG, simForTests } from './helpers.ts'

const sim = await simForTests()

const said = (body: Any, model?: string): Promise<Any> => replyTo(sim, body, model)

function callsIn(reply: Any): Any[] {
  return reply.output.message.content.flatMap(({ toolUse }: Any) => (toolUse ? [toolUse] : []))
}

test('echo, story and the assistant; the model is in the address', async () => {
  assert.equal(textOf(await said(converse('hello there'), 'sim/echo')), 'hello there')
  assert.equal(textOf(await said(converse('hi'))), 'You said: hi')
  assert.ok(textOf(await said(converse('go'), 'story')).length > 500)
  const { dialect, model, path } = sim.log().at(-1)!
  assert.deepEqual([dialect, model, path], ['bedrock-converse', 'story', '/model/story/converse-stream'])
  await said(converse('hi'))
  const entries = sim.log().slice(-2)
  assert.deepEqual(
    entries.map(entry => [entry.model, entry.stream, entry.usageSent]),
    [
      [CLAUDE, false, true],
      [CLAUDE, true, true]
    ]
  )
})

test('tools are called, forced, and their results told', async () => {
  const names = ['get_weather', 'get_time']
  const reply = await said(converse('EXPLAIN get_time, then get_weather', { toolConfig: toolConfig(names) }))
  assert.equal(reply.stopReason, 'tool_use')
  assert.equal(textOf(reply), 'Let me call get_time and get_weather.')
  assert.deepEqual(
    callsIn(reply).map(({ name, input }) => [name, Object.keys(input)]),
    [
      ['get_time', ['city', 'days']],
      ['get_weather', ['city', 'days']]
    ]
  )
  const forced = async (choice: object): Promise<string[]> =>
    callsIn(await said(converse('hi', { toolConfig: toolConfig(names, choice) }))).map(({ name }) => name)
  assert.deepEqual(await forced({ auto: {} }), [])
  assert.deepEqual(await forced({ any: {} }), ['get_weather'])
  assert.deepEqual(await forced({ tool: { name: 'get_time' } }), ['get_time'])
  const results = callsIn(reply).map(({ toolUseId }) => ({
    toolResult: { toolUseId, content: [{ text: 'noon' }, { json: { a: 1 } }], status: 'error' }
  }))
  const messages = [...converse('x').messages, reply.output.message, { role: 'user', content: results }]
  const told = textOf(await said({ messages, toolConfig: toolConfig(names) }))
  assert.match(told, /Result tooluse_\w+ of get_time failed: noon{"a":1}\./)
})

test('a tool without input gets {}', async () => {
  const tools = toolConfig(['ping'], undefined, { type: 'object', properties: {} })
  assert.deepEqual(callsIn(await said(converse('ping', { toolConfig: tools })))[0].input, {})
})

test('pictures and documents are seen', async () => {
  const content = [
    { text: 'see' },
    { image: { format: 'png', source: { bytes: PNG } } },
    { document: { format: 'pdf', name: 'a', source: { bytes: PDF } } }
  ]
  assert.match(
    textOf(await said({ messages: [{ role: 'user', content }] })),
    /1 image \(image\/png, 70 bytes\) and 1 document \(application\/pdf, 'a', 15 bytes\)/
  )
})

test('thinking is shown and signed, hidden, or left out; other makers sign nothing', async () => {
  const thoughtsOf = async (text: string, fields: object, model?: string): Promise<Any[]> => {
    const reply = await said(converse(text, { additionalModelRequestFields: fields }), model)
    return reply.output.message.content.flatMap((block: Any) => block.reasoningContent ?? [])
  }
  const [shown] = await thoughtsOf('hi', THINKING.additionalModelRequestFields)
  assert.match(shown.reasoningText.text, /answer plainly/)
  assert.ok(shown.reasoningText.signature)
  assert.deepEqual((await thoughtsOf('REDACT', { thinking: { type: 'adaptive' } })).map(Object.keys), [
    ['reasoningText'],
    ['redactedContent']
  ])
  const [sealed] = await thoughtsOf('hi', { thinking: { type: 'adaptive', display: 'omitted' } })
  assert.equal(sealed.reasoningText.text, '')
  assert.ok(sealed.reasoningText.signature)
  const [plain] = await thoughtsOf('hi', { reasoning_effort: 'low' }, 'openai.gpt-oss-120b-1:0')
  assert.deepEqual(Object.keys(plain.reasoningText), ['text'])
  assert.deepEqual(await thoughtsOf('hi', { thinking: { type: 'disabled' } }), [])
})

test('structured output fits its schema; stops, caps and refusals end a reply', async () => {
  const schema = JSON.stringify({
    type: 'object',
    properties: { kind: { enum: ['a', 'b'] } },
    required: ['kind'],
    additionalProperties: false
  })
  const outputConfig = { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema, name: 's' } } } }
  assert.deepEqual(JSON.parse(textOf(await said(converse('go', { outputConfig })))), { kind: 'a' })
  const stopped = await said(
    converse('O new world', {
      inferenceConfig: { stopSequences: ['new'] },
      additionalModelResponseFieldPaths: ['/stop_sequence']
    }),
    'echo'
  )
  assert.deepEqual(
    [textOf(stopped), stopped.stopReason, stopped.additionalModelResponseFields],
    ['O ', 'stop_sequence', { stop_sequence: 'new' }]
  )
  const capped = await said(converse('word '.repeat(9), { inferenceConfig: { maxTokens: 3 } }), 'echo')
  assert.deepEqual([textOf(capped), capped.stopReason, capped.usage.outputTokens], ['word word word', 'max_tokens', 3])
  assert.equal((await said(converse('REFUSE'))).stopReason, 'content_filtered')
})

test('what is cited comes with its place', async () => {
  const document = { format: 'txt', name: 'facts', source: { text: 'A fact. More.' }, citations: { enabled: true } }
  const reply = await said({ messages: [{ role: 'user', content: [{ text: 'hi' }, { document }] }] })
  const { citationsContent } = reply.output.message.content[1]
  assert.deepEqual(citationsContent.content, [{ text: 'A fact.' }])
  assert.deepEqual(citationsContent.citations[0].location, { documentChar: { documentIndex: 0, start: 0, end: 8 } })
})

test('marked prefixes are written, then read, and are no part of inputTokens', async () => {
  const point = { cachePoint: { type: 'default', ttl: '1h' } }
  const usageFor = async (text: string): Promise<Any> => {
    const system = [{ text: 'word '.repeat(1500) }, point]
    return (await call(sim, CLAUDE, 'converse', converse(text, { system }))).json().usage
  }
  const [first, second] = [await usageFor('one'), await usageFor('two')]
  assert.deepEqual([first.cacheWriteInputTokens, first.cacheReadInputTokens], [1501, 0])
  assert.deepEqual(first.cacheDetails, [{ inputTokens: 1501, ttl: '1h' }])
  assert.deepEqual([second.cacheWriteInputTokens, second.cacheReadInputTokens], [0, 1501])
  assert.equal(second.totalTokens, second.inputTokens + 1501 + second.outputTokens)
  assert.ok(second.inputTokens < 20)
})

test('a count is the prompt of the reply', async () => {
  const body = converse('count me', { system: [{ text: 'Be brief.' }], toolConfig: toolConfig(['add']) })
  const counted = await call(sim, CLAUDE, 'count-tokens', { input: { converse: body } })
  assert.deepEqual(counted.json(), { inputTokens: (await said(body)).usage.inputTokens })
  const invoked = { anthropic_version: 'bedrock-2023-05-31', max_tokens: 9, messages: [{ role: 'user', content: 'x' }] }
  const bytes = Buffer.from(JSON.stringify(invoked)).toString('base64')
  const other = await call(sim, CLAUDE, 'count-tokens', { input: { invokeModel: { body: bytes } } })
  assert.ok(other.json().inputTokens > 0)
  const wrong = await call(sim, CLAUDE, 'count-tokens', { input: { converse: { ...body, inferenceConfig: {} } } })
  assert.match(wrong.json().message, /#\/input\/converse: extraneous key \[inferenceConfig\]/)
})

test('events follow each other as recorded ones do', async () => {
  const tools = { ...THINKING, toolConfig: toolConfig(['add']) }
  const frames = (await call(sim, CLAUDE, 'converse-stream', converse('EXPLAIN add', tools))).frames()
  const told = frames.map(({ event }) => event).join(' ')
  assert.match(
    told,
    /^messageStart (contentBlockDelta )+contentBlockStop (contentBlockDelta )+contentBlockStop contentBlockStart (contentBlockDelta )+contentBlockStop messageStop metadata$/
  )
  assert.ok(frames.every(({ headers, data }) => headers[':message-type'] === 'event' && data.p.length > 0))
  assert.equal(frames[0]!.headers[':content-type'], 'application/json')
})
