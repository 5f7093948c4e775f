import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, ask, finishOf, post, send, simForTests, TOOLS, textOf } from './helpers.ts'
import { replier } from './whole-and-stream.ts'

/** What one dialect says and the others do not. */
const sim = await simForTests()
const replyTo = replier(sim)

test('OpenAI: choices, logprobs, tier, fingerprint and web search', async () => {
  const reply = await replyTo(
    'openai',
    ask('openai', 'gpt-4.1', 'hi you', { n: 2, logprobs: true, top_logprobs: 2, service_tier: 'flex', seed: 3 })
  )
  assert.deepEqual(
    reply.choices.map((choice: Any) => choice.message.content),
    ['You said: hi you', 'You said: hi you (2)']
  )
  const { content } = reply.choices[0].logprobs
  assert.equal(content.map((entry: Any) => entry.token).join(''), 'You said: hi you')
  assert.equal(content[0].top_logprobs.length, 2)
  assert.deepEqual([reply.service_tier, reply.system_fingerprint.slice(0, 3)], ['flex', 'fp_'])
  const searched = await replyTo('openai', ask('openai', 'gpt-4.1', 'hi', { web_search_options: {} }))
  const [{ url_citation }] = searched.choices[0].message.annotations
  assert.equal(
    searched.choices[0].message.content.slice(url_citation.start_index, url_citation.end_index),
    'example.com'
  )
})

test('OpenAI: a call forced by name ends with stop; reasoning is counted, or shown by the reasoner', async () => {
  const tools = TOOLS.openai(['get_time'])
  const forced = await replyTo(
    'openai',
    ask('openai', 'm', 'x', { tools, tool_choice: { type: 'function', function: { name: 'get_time' } } })
  )
  assert.equal(finishOf('openai', forced), 'stop')
  const counted = await replyTo('openai', ask('openai', 'gpt-5.5', 'x'))
  assert.ok(counted.usage.completion_tokens_details.reasoning_tokens > 0)
  const cut = await replyTo('openai', ask('openai', 'gpt-5.5', 'x', { max_completion_tokens: 5 }))
  assert.deepEqual([cut.choices[0].message.content, cut.usage.completion_tokens], ['', 5])
  const shown = await replyTo('openai', ask('openai', 'sim/reasoner', 'x'))
  assert.match(shown.choices[0].message.reasoning_content, /answer plainly/)
})

test('OpenAI: usage comes in a stream only where it was asked for', async () => {
  const plain = await post(sim, 'openai', ask('openai', 'm', 'x', { stream: true }))
  assert.ok(plain.events().every(({ data }) => data === '[DONE]' || !('usage' in data)))
  const asked = await post(
    sim,
    'openai',
    ask('openai', 'm', 'x', { stream: true, stream_options: { include_usage: true } })
  )
  const chunks = asked.events().slice(0, -1)
  assert.deepEqual(
    chunks.map(({ data }) => data.choices.length),
    [...chunks.slice(1).map(() => 1), 0]
  )
  assert.ok(chunks.slice(0, -1).every(({ data }) => data.usage === null))
})

test('OpenAI: a long prefix seen before is cached', async () => {
  const system = { role: 'system', content: 'word '.repeat(1500) }
  const cachedFor = async (text: string): Promise<number> => {
    const reply = await post(sim, 'openai', { model: 'm', messages: [system, { role: 'user', content: text }] })
    return reply.json().usage.prompt_tokens_details.cached_tokens
  }
  assert.deepEqual([await cachedFor('a'), await cachedFor('b')], [0, 1408])
})

test('Anthropic: marked prefixes are written, then read', async () => {
  const system = [{ type: 'text', text: 'word '.repeat(1500), cache_control: { type: 'ephemeral', ttl: '1h' } }]
  const usageFor = async (text: string): Promise<Any> => {
    const content = [{ type: 'text', text, cache_control: { type: 'ephemeral' } }]
    const reply = await post(
      sim,
      'anthropic',
      ask('anthropic', 'm', '', { system, messages: [{ role: 'user', content }] })
    )
    return reply.json().usage
  }
  const first = await usageFor('one more')
  const { ephemeral_1h_input_tokens: long, ephemeral_5m_input_tokens: short } = first.cache_creation
  assert.deepEqual([long, short, first.cache_read_input_tokens], [1501, 5, 0])
  assert.equal(first.cache_creation_input_tokens, long + short)
  const second = await usageFor('another one')
  assert.deepEqual([second.cache_read_input_tokens, second.cache_creation.ephemeral_1h_input_tokens], [1501, 0])
  assert.ok(second.cache_creation.ephemeral_5m_input_tokens > 0)
})

test('Anthropic: thinking shown, adaptive, omitted and redacted', async () => {
  const typesFor = async (thinking: object, text = 'hi'): Promise<[string[], Any]> => {
    const reply = await replyTo('anthropic', ask('anthropic', 'm', text, { thinking }))
    assert.ok(reply.usage.output_tokens_details.thinking_tokens > 0)
    return [reply.content.map((block: Any) => block.type), reply.content[0]]
  }
  const [shown, thought] = await typesFor({ type: 'enabled', budget_tokens: 1024 })
  assert.deepEqual(shown, ['thinking', 'text'])
  assert.ok(thought.thinking !== '' && thought.signature !== '')
  const [hidden] = await typesFor({ type: 'adaptive' }, 'REDACT')
  assert.deepEqual(hidden, ['thinking', 'redacted_thinking', 'text'])
  const [, omitted] = await typesFor({ type: 'adaptive', display: 'omitted' })
  assert.ok(omitted.thinking === '' && omitted.signature !== '')
})

test('Anthropic: citations, prefill and the order of events', async () => {
  const source = { type: 'text', media_type: 'text/plain', data: 'Owls see at night. Moles do not.' }
  const content = [
    { type: 'document', title: 'Owls', source, citations: { enabled: true } },
    { type: 'text', text: 'so?' }
  ]
  const cited = await replyTo('anthropic', ask('anthropic', 'm', '', { messages: [{ role: 'user', content }] }))
  const [citation] = cited.content.at(-1).citations
  assert.deepEqual(citation.cited_text, source.data.slice(citation.start_char_index, citation.end_char_index))
  const messages = [
    { role: 'user', content: 'one two' },
    { role: 'assistant', content: 'You said: one' }
  ]
  assert.equal(textOf('anthropic', await replyTo('anthropic', ask('anthropic', 'm', '', { messages }))), ' two')
  const stream = await post(sim, 'anthropic', ask('anthropic', 'echo', 'hi', { stream: true }))
  assert.deepEqual(
    stream.events().map(({ event }) => event),
    [
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop'
    ]
  )
})

test('Responses: events in order, with running numbers', async () => {
  const tools = [...TOOLS.responses(['get_time']), { type: 'custom', name: 'note' }]
  const include = ['reasoning.encrypted_content']
  const more = { tools, include, store: false, reasoning: { effort: 'low', summary: 'auto' }, stream: true }
  const stream = await post(sim, 'responses', ask('responses', 'gpt-5.5', 'EXPLAIN get_time, note', more))
  const events = stream.events()
  assert.deepEqual(
    events.map(({ data }) => data.sequence_number),
    events.map((_, index) => index)
  )
  assert.ok(events.every(({ event, data }) => event === data.type))
  const names = events.map(({ event }) => event!.replace('response.', ''))
  const told = names.filter((name, index) => !(name.endsWith('.delta') && names[index - 1] === name))
  const item = (...inside: string[]): string[] => ['output_item.added', ...inside, 'output_item.done']
  assert.deepEqual(told, [
    'created',
    'in_progress',
    ...item(
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done'
    ),
    ...item('content_part.added', 'output_text.delta', 'output_text.done', 'content_part.done'),
    ...item('function_call_arguments.delta', 'function_call_arguments.done'),
    ...item('custom_tool_call_input.delta', 'custom_tool_call_input.done'),
    'completed'
  ])
  const { response } = events.at(-1)!.data
  assert.deepEqual(
    response.output.map((one: Any) => [one.type, one.id.slice(0, 3)]),
    [
      ['reasoning', 'rs_'],
      ['message', 'msg'],
      ['function_call', 'fc_'],
      ['custom_tool_call', 'ctc']
    ]
  )
  assert.equal(response.output[3].input, 'EXPLAIN get_time, note')
  assert.ok(response.usage.output_tokens_details.reasoning_tokens > 0)
})

test('Responses: thoughts are sealed and summed up only where asked for', async () => {
  const thoughtOf = async (more: object): Promise<Any> => {
    const reply = await replyTo('responses', ask('responses', 'gpt-5.5', 'x', more))
    assert.ok(reply.usage.output_tokens_details.reasoning_tokens > 0)
    return reply.output[0]
  }
  const plain = await thoughtOf({})
  assert.deepEqual([plain.summary, plain.encrypted_content], [[], undefined])
  const sealed = await thoughtOf({ include: ['reasoning.encrypted_content'] })
  assert.ok(sealed.encrypted_content !== '' && sealed.summary.length === 0)
  const summed = await thoughtOf({ reasoning: { summary: 'auto' } })
  assert.match(summed.summary[0].text, /answer plainly/)
  const none = await replyTo('responses', ask('responses', 'gpt-5.5', 'x', { reasoning: { effort: 'none' } }))
  assert.equal(none.output[0].type, 'message')
})

test('Responses: a cap in the thought leaves no message; tools become strict where they can', async () => {
  const cut = await replyTo('responses', ask('responses', 'gpt-5.5', 'x', { max_output_tokens: 16 }))
  assert.deepEqual([cut.output.length, cut.status, cut.usage.output_tokens], [1, 'incomplete', 16])
  const closed = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] }
  const tools = [...TOOLS.responses(['one'], closed), ...TOOLS.responses(['two'])]
  const reply = await replyTo('responses', ask('responses', 'm', 'x', { tools }))
  assert.deepEqual(
    reply.tools.map((tool: Any) => [tool.strict, tool.parameters.additionalProperties]),
    [
      [true, false],
      [false, undefined]
    ]
  )
})

test('Responses: web search, logprobs, and no padding where it is not wanted', async () => {
  const more = {
    tools: [{ type: 'web_search' }],
    include: ['message.output_text.logprobs'],
    top_logprobs: 2
  }
  const reply = await replyTo('responses', ask('responses', 'gpt-4.1', 'hi', more))
  const [search, message] = reply.output
  const [{ annotations, logprobs, text }] = message.content
  assert.deepEqual([search.type, search.action.query], ['web_search_call', 'hi'])
  assert.equal(text.slice(annotations[0].start_index, annotations[0].end_index), 'example.com')
  assert.equal(logprobs.map((entry: Any) => entry.token).join(''), text)
  const options = { stream: true, stream_options: { include_obfuscation: false } }
  const stream = await post(sim, 'responses', ask('responses', 'gpt-4.1', 'hi', options))
  assert.ok(!stream.text.includes('obfuscation'))
})

test('Responses: input is counted as it is charged', async () => {
  const body = ask('responses', 'm', 'one two three', { instructions: 'be brief', tools: TOOLS.responses(['add']) })
  const { usage } = (await post(sim, 'responses', body)).json()
  const counted = await send(sim, 'POST', '/v1/responses/input_tokens', body, { 'content-type': 'application/json' })
  assert.deepEqual(counted.json(), { object: 'response.input_tokens', input_tokens: usage.input_tokens })
})

test('OpenAI’s two APIs and Google cache a long prefix that was seen', async () => {
  const long = 'word '.repeat(1500)
  const bodies: [side: 'responses' | 'gemini', body: (text: string) => Any][] = [
    ['responses', text => ask('responses', 'm', text, { instructions: long })],
    ['gemini', text => ask('gemini', 'm', text, { systemInstruction: { parts: [{ text: long }] } })]
  ]
  for (const [side, body] of bodies) {
    const cachedFor = async (text: string): Promise<number | undefined> => {
      const { usage, usageMetadata } = (await post(sim, side, body(text))).json()
      return usage?.input_tokens_details.cached_tokens ?? usageMetadata?.cachedContentTokenCount ?? 0
    }
    assert.deepEqual([await cachedFor('a'), await cachedFor('b')], [0, 1408])
  }
})

test('Gemini: thoughts, candidates, logprobs and grounding', async () => {
  const configured = (generationConfig: object): Any => ask('gemini', 'gemini-2.5-flash', 'hi', { generationConfig })
  const shown = await replyTo('gemini', configured({ thinkingConfig: { includeThoughts: true } }))
  assert.deepEqual(
    shown.candidates[0].content.parts.map((part: Any) => part.thought),
    [true, undefined]
  )
  const counted = await replyTo('gemini', configured({}))
  assert.equal(counted.candidates[0].content.parts.length, 1)
  const { promptTokenCount, candidatesTokenCount, thoughtsTokenCount, totalTokenCount } = counted.usageMetadata
  assert.equal(totalTokenCount, promptTokenCount + candidatesTokenCount + thoughtsTokenCount)
  assert.ok(thoughtsTokenCount > 0)
  const idle = await replyTo('gemini', configured({ thinkingConfig: { thinkingBudget: 0 } }))
  assert.equal(idle.usageMetadata.thoughtsTokenCount, undefined)
  const two = await replyTo('gemini', configured({ candidateCount: 2, responseLogprobs: true, logprobs: 1 }))
  assert.deepEqual(
    two.candidates.map(({ index, content }: Any) => [index, content.parts[0].text]),
    [
      [0, 'You said: hi'],
      [1, 'You said: hi (2)']
    ]
  )
  assert.equal(two.candidates[0].logprobsResult.chosenCandidates.length, 4)
  const found = await replyTo('gemini', ask('gemini', 'm', 'hä', { tools: [{ googleSearch: {} }] }))
  const { segment } = found.candidates[0].groundingMetadata.groundingSupports[0]
  const bytes = Buffer.from(textOf('gemini', found))
  assert.equal(bytes.subarray(segment.startIndex, segment.endIndex).toString(), 'example.com')
})

test('Gemini: the counts of a stream run, and the signature comes on the first call or at the end', async () => {
  const tools = TOOLS.gemini(['get_time', 'get_weather'])
  const stream = await post(
    sim,
    'gemini',
    ask('gemini', 'gemini-3-pro', 'get_time, get_weather', { tools, stream: true })
  )
  const parts = stream.events().map(({ data }) => data.candidates[0].content.parts[0])
  assert.deepEqual(
    parts.map((part: Any) => [part.functionCall?.name ?? part.text, part.thoughtSignature !== undefined]),
    [
      ['get_time', true],
      ['get_weather', false],
      ['', false]
    ]
  )
  assert.ok(parts[0].functionCall.id && parts[0].functionCall.id !== parts[1].functionCall.id)
  const text = await post(sim, 'gemini', ask('gemini', 'gemini-3-pro', 'hi', { stream: true }))
  const counts = text.events().map(({ data }) => data.usageMetadata.candidatesTokenCount)
  assert.deepEqual(counts, [1, 3, 4, 4])
  assert.ok(text.events().at(-1)!.data.candidates[0].content.parts[0].thoughtSignature)
})

test('Gemini: without alt=sse a stream is one JSON array, and so is its error', async () => {
  const stream = (model: string, query = ''): Promise<Any> => {
    const { contents } = ask('gemini', model, 'alpha beta gamma')
    return send(sim, 'POST', `/v1beta/models/${model}:streamGenerateContent${query}`, { contents })
  }
  const told = await stream('echo')
  assert.match(told.headers['content-type'], /^application\/json/)
  const events = (await stream('echo', '?alt=sse')).events().map(({ data }: Any) => data)
  const withoutId = (chunks: Any[]): Any[] => chunks.map(({ responseId: _, ...chunk }) => chunk)
  assert.deepEqual(withoutId(told.json()), withoutId(events))
  const broken = await stream('error-in-stream')
  const chunks = broken.json()
  assert.deepEqual([broken.status, chunks.length, chunks.at(-1).error.status], [200, 3, 'UNAVAILABLE'])
  const [only, ...more] = (await stream('error-200-first-event')).json()
  assert.deepEqual([only.error.code, more], [503, []])
  const open = await stream('no-end-marker')
  assert.ok(open.outcome === 'end' && open.text.includes('"STOP"') && !open.text.endsWith(']'))
  const refused = await stream('429')
  assert.deepEqual([refused.status, refused.json()[0].error.status], [429, 'RESOURCE_EXHAUSTED'])
})

test('Gemini: a blocked prompt is a reply without candidates', async () => {
  for (const stream of [false, true]) {
    const answer = await post(sim, 'gemini', ask('gemini', 'content-filter', 'x', { stream }))
    const { promptFeedback, candidates } = stream ? answer.events()[0]!.data : answer.json()
    assert.deepEqual([answer.status, promptFeedback.blockReason, candidates], [200, 'PROHIBITED_CONTENT', undefined])
  }
})

test('Gemini: contents are counted as they are charged, here and on Vertex; the key may be in the query', async () => {
  const { model, ...body } = ask('gemini', 'm', 'one two three')
  const { usageMetadata } = (await post(sim, 'gemini', { model, ...body })).json()
  const generateContentRequest = { model: 'models/m', ...body }
  const vertex = '/v1/projects/p/locations/us-central1/publishers/google/models/m:countTokens'
  const counted: [path: string, body: Any][] = [
    ['/v1beta/models/m:countTokens', body],
    ['/v1beta/models/m:countTokens', { generateContentRequest }],
    [vertex, { ...body, tools: [] }]
  ]
  for (const [path, sent] of counted) {
    assert.equal((await send(sim, 'POST', path, sent)).json().totalTokens, usageMetadata.promptTokenCount)
  }
  const strict = await simForTests({ keys: ['good-key-1234'] })
  const at = '/v1beta/models/m:generateContent?key='
  assert.equal((await send(strict, 'POST', `${at}good-key-1234`, body)).status, 200)
  assert.equal(strict.log()[0]?.path, `${at}…1234`)
  assert.equal((await send(strict, 'POST', `${at}bad`, body)).status, 400)
  assert.equal((await send(strict, 'POST', vertex, body, { authorization: 'Bearer good-key-1234' })).status, 200)
  assert.equal((await send(strict, 'POST', vertex, body, { 'x-goog-api-key': 'good-key-1234' })).status, 401)
})
