import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Any,
  ask,
  callsOf,
  finishOf,
  fold,
  PDF,
  PNG,
  post,
  SIDES,
  type Side,
  simForTests,
  TOOLS,
  textOf
} from './helpers.ts'

const sim = await simForTests()

/** The reply, asked for whole and as a stream: both say the same; ids aside. */
async function replyTo(side: Side, body: Any): Promise<Any> {
  const whole = await post(sim, side, body)
  assert.equal(whole.status, 200, whole.text)
  const options = side === 'openai' ? { stream_options: { include_usage: true } } : {}
  const stream = await post(sim, side, { ...body, stream: true, ...options })
  assert.equal(stream.headers['content-type'], 'text/event-stream; charset=utf-8')
  assert.deepEqual(bare(fold(side, stream)), bare(whole.json()))
  return whole.json()
}

/** A reply without what differs from call to call, and without empty members that only one form shows. */
function bare(reply: Any): Any {
  const { id: _, object: __, obfuscation: ___, created: ____, ...rest } = structuredClone(reply)
  for (const call of [
    ...(rest.choices ?? []).flatMap((choice: Any) => choice.message.tool_calls ?? []),
    ...(rest.content ?? [])
  ]) {
    delete call.id
  }
  for (const choice of rest.choices ?? []) {
    delete choice.index
    choice.logprobs = choice.logprobs?.content ?? choice.logprobs ?? []
    for (const [name, value] of Object.entries(choice.message)) {
      if (value === null || value === '' || (Array.isArray(value) && value.length === 0)) delete choice.message[name]
    }
  }
  return rest
}

for (const side of SIDES) {
  test(`${side}: echo, story and the assistant, bare and behind sim/`, async () => {
    assert.equal(textOf(side, await replyTo(side, ask(side, 'sim/echo', 'hello there'))), 'hello there')
    assert.equal(textOf(side, await replyTo(side, ask(side, 'gpt-x', 'hi'))), 'You said: hi')
    const words = textOf(side, await replyTo(side, ask(side, 'sim/story', 'go'))).split(' ').length
    assert.ok(words > 110 && words < 130)
  })

  test(`${side}: tools named in the text are called in order, with arguments that fit`, async () => {
    const tools = TOOLS[side](['get_weather', 'get_time'])
    const body = ask(side, 'm', 'first get_time, then get_weather', { tools })
    const reply = await replyTo(side, body)
    const calls = callsOf(side, reply)
    assert.deepEqual(
      calls.map(call => call.name),
      ['get_time', 'get_weather']
    )
    assert.deepEqual(calls[0]!.input, { city: calls[1]!.input.city, unit: 'celsius', days: 7 })
    assert.equal(finishOf(side, reply), side === 'openai' ? 'tool_calls' : 'tool_use')
    assert.deepEqual(callsOf(side, await replyTo(side, ask(side, 'm', 'no name', { tools }))), [])
  })

  test(`${side}: tool choice and parallel use are honoured`, async () => {
    const tools = TOOLS[side](['get_weather', 'get_time'])
    const named = 'get_time, then get_weather'
    const choices: Record<Side, Any> = {
      openai: {
        none: { tool_choice: 'none' },
        must: { tool_choice: 'required' },
        one: { tool_choice: { type: 'function', function: { name: 'get_time' } } },
        single: { parallel_tool_calls: false }
      },
      anthropic: {
        none: { tool_choice: { type: 'none' } },
        must: { tool_choice: { type: 'any' } },
        one: { tool_choice: { type: 'tool', name: 'get_time' } },
        single: { tool_choice: { type: 'auto', disable_parallel_tool_use: true } }
      }
    }
    const namesFor = async (text: string, choice: Any): Promise<string[]> =>
      callsOf(side, await replyTo(side, ask(side, 'm', text, { tools, ...choice }))).map(call => call.name)
    assert.deepEqual(await namesFor(named, choices[side].none), [])
    assert.deepEqual(await namesFor('hi', choices[side].must), ['get_weather'])
    assert.deepEqual(await namesFor('hi', choices[side].one), ['get_time'])
    assert.deepEqual(await namesFor(named, choices[side].single), ['get_time'])
  })

  test(`${side}: a tool without properties gets {}, and text may come before calls`, async () => {
    const tools = TOOLS[side](['ping'], { type: 'object', properties: {} })
    const body = ask(side, 'm', 'EXPLAIN and ping', { tools })
    const reply = await replyTo(side, body)
    assert.deepEqual(
      callsOf(side, reply).map(call => call.input),
      [{}]
    )
    assert.equal(textOf(side, reply), 'Let me call ping.')
    const stream = await post(sim, side, { ...body, stream: true })
    const fragments = stream.events().flatMap(({ data }) => {
      if (side === 'anthropic') return data.delta?.type === 'input_json_delta' ? [data.delta.partial_json] : []
      return (data.choices?.[0]?.delta.tool_calls ?? []).map((call: Any) => call.function.arguments)
    })
    assert.deepEqual(fragments, side === 'anthropic' ? [''] : ['', '{}'])
  })

  test(`${side}: tool results are told with their id, name and failure`, async () => {
    const tools = TOOLS[side](['get_time'])
    const first = await replyTo(side, ask(side, 'm', 'get_time', { tools }))
    const { id } = callsOf(side, first)[0]!
    const question = { role: 'user', content: 'get_time' }
    const messages =
      side === 'openai'
        ? [question, first.choices[0].message, { role: 'tool', tool_call_id: id, content: 'noon' }].map(known)
        : [
            question,
            { role: 'assistant', content: first.content },
            { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: 'noon', is_error: true }] }
          ]
    const reply = await replyTo(side, ask(side, 'm', '', { tools, messages }))
    assert.equal(textOf(side, reply), `Result ${id} of get_time${side === 'anthropic' ? ' failed' : ''}: noon.`)
  })

  test(`${side}: images and documents are seen`, async () => {
    const parts =
      side === 'openai'
        ? [
            { type: 'text', text: 'see' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}` } },
            { type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` } }
          ]
        : [
            { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
            { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
            { type: 'text', text: 'see' }
          ]
    const reply = await replyTo(side, ask(side, 'm', '', { messages: [{ role: 'user', content: parts }] }))
    assert.equal(
      textOf(side, reply),
      "You said: see\nI see 1 image (image/png, 70 bytes) and 1 document (application/pdf, 'a.pdf', 15 bytes)."
    )
  })

  test(`${side}: structured output fits its schema; a refusal is a refusal`, async () => {
    const schema = {
      type: 'object',
      properties: {
        name: { type: 'string' },
        kind: { enum: ['a', 'b'] },
        tags: { type: 'array', items: { type: 'string' } }
      },
      required: ['name', 'kind', 'tags'],
      additionalProperties: false
    }
    const shape =
      side === 'openai'
        ? { response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } } }
        : { output_config: { format: { type: 'json_schema', schema } } }
    const value = JSON.parse(textOf(side, await replyTo(side, ask(side, 'm', 'go', shape))))
    assert.deepEqual([Object.keys(value), value.kind, value.tags.length], [['name', 'kind', 'tags'], 'a', 1])
    const refused = await replyTo(side, ask(side, 'm', 'REFUSE', shape))
    if (side === 'openai') {
      assert.equal(refused.choices[0].message.content, null)
      assert.match(refused.choices[0].message.refusal, /can't help/)
      assert.equal(finishOf(side, refused), 'stop')
    } else assert.deepEqual([refused.stop_reason, refused.stop_details.type], ['refusal', 'refusal'])
  })

  test(`${side}: stop sequences and caps end the text`, async () => {
    const stop = side === 'openai' ? { stop: ['brave', 'new'] } : { stop_sequences: ['brave', 'new'] }
    const stopped = await replyTo(side, ask(side, 'echo', 'O new brave world', stop))
    assert.equal(textOf(side, stopped), 'O ')
    assert.equal(finishOf(side, stopped), side === 'openai' ? 'stop' : 'stop_sequence')
    if (side === 'anthropic') assert.equal(stopped.stop_sequence, 'new')
    const capped = await replyTo(side, ask(side, 'echo', 'one two three four', { max_tokens: 2 }))
    assert.equal(textOf(side, capped), 'one two')
    assert.equal(finishOf(side, capped), side === 'openai' ? 'length' : 'max_tokens')
  })

  test(`${side}: directives set the length and the portions`, async () => {
    const body = ask(side, 'm', '[[sim:words=40 chunk=50]]')
    const reply = await replyTo(side, body)
    assert.equal(textOf(side, reply).split(' ').length, 40)
    const stream = await post(sim, side, { ...body, stream: true })
    const deltas = stream.events().filter(({ data }) => data.delta?.text || data.choices?.[0]?.delta.content)
    assert.equal(deltas.length, Math.ceil(textOf(side, reply).length / 50))
  })

  test(`${side}: the same request gets the same reply and the same count`, async () => {
    const body = ask(side, 'm', 'again')
    const [one, two] = [(await post(sim, side, body)).json(), (await post(sim, side, body)).json()]
    assert.deepEqual(bare(one), bare(two))
    assert.notEqual(one.id, two.id)
  })
}

/** An OpenAI message as a client sends it back: what the request schema does not know is left out. */
function known({ role, content, tool_calls, tool_call_id }: Any): Any {
  return JSON.parse(JSON.stringify({ role, content, tool_calls, tool_call_id }))
}

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
