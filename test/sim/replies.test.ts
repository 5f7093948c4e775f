import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type Any,
  ask,
  callsOf,
  finishOf,
  PDF,
  PNG,
  post,
  SIDES,
  type Side,
  simForTests,
  TOOLS,
  textOf
} from './helpers.ts'
import { bare, replier } from './whole-and-stream.ts'

const sim = await simForTests()
const replyTo = replier(sim)

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
    const finish = { openai: 'tool_calls', anthropic: 'tool_use', responses: 'completed', gemini: 'STOP' }
    assert.equal(finishOf(side, reply), finish[side])
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
      },
      responses: {
        none: { tool_choice: 'none' },
        must: { tool_choice: 'required' },
        one: { tool_choice: { type: 'function', name: 'get_time' } },
        single: { parallel_tool_calls: false }
      },
      gemini: {
        none: calling({ mode: 'NONE' }),
        must: calling({ mode: 'ANY' }),
        one: calling({ mode: 'ANY', allowedFunctionNames: ['get_time'] }),
        single: undefined
      }
    }
    const namesFor = async (text: string, choice: Any): Promise<string[]> =>
      callsOf(side, await replyTo(side, ask(side, 'm', text, { tools, ...choice }))).map(call => call.name)
    assert.deepEqual(await namesFor(named, choices[side].none), [])
    assert.deepEqual(await namesFor('hi', choices[side].must), ['get_weather'])
    assert.deepEqual(await namesFor('hi', choices[side].one), ['get_time'])
    // Gemini has no way to ask for one call at a time
    if (side !== 'gemini') assert.deepEqual(await namesFor(named, choices[side].single), ['get_time'])
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
      if (side === 'responses') return data.type === 'response.function_call_arguments.delta' ? [data.delta] : []
      if (side === 'gemini') {
        const { functionCall } = data.candidates[0].content.parts[0]
        return functionCall ? [JSON.stringify(functionCall.args)] : []
      }
      return (data.choices?.[0]?.delta.tool_calls ?? []).map((call: Any) => call.function.arguments)
    })
    const expected = { openai: ['', '{}'], anthropic: [''], responses: ['{}'], gemini: ['{}'] }
    assert.deepEqual(fragments, expected[side])
  })

  test(`${side}: tool results are told with their id, name and failure`, async () => {
    const tools = TOOLS[side](['get_time'])
    const first = await replyTo(side, ask(side, 'm', 'get_time', { tools }))
    const { id } = callsOf(side, first)[0]!
    const reply = await replyTo(side, ask(side, 'm', '', { tools, ...answered(side, first, id) }))
    const failed = side === 'anthropic' || side === 'gemini' ? ' failed' : ''
    assert.equal(textOf(side, reply), `Result ${id} of get_time${failed}: noon.`)
  })

  test(`${side}: images and documents are seen`, async () => {
    const reply = await replyTo(side, ask(side, 'm', '', withMedia(side)))
    // Gemini's parts have no names
    const name = side === 'gemini' ? '' : "'a.pdf', "
    assert.equal(
      textOf(side, reply),
      `You said: see\nI see 1 image (image/png, 70 bytes) and 1 document (application/pdf, ${name}15 bytes).`
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
    const format = { type: 'json_schema', name: 's', strict: true, schema }
    const shape = {
      openai: { response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } } },
      anthropic: { output_config: { format: { type: 'json_schema', schema } } },
      responses: { text: { format } },
      gemini: { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: schema } }
    }[side]
    const value = JSON.parse(textOf(side, await replyTo(side, ask(side, 'm', 'go', shape))))
    assert.deepEqual([Object.keys(value), value.kind, value.tags.length], [['name', 'kind', 'tags'], 'a', 1])
    const refused = await replyTo(side, ask(side, 'm', 'REFUSE', shape))
    if (side === 'openai') {
      assert.equal(refused.choices[0].message.content, null)
      assert.match(refused.choices[0].message.refusal, /can't help/)
      assert.equal(finishOf(side, refused), 'stop')
    }
    if (side === 'anthropic') assert.deepEqual([refused.stop_reason, refused.stop_details.type], ['refusal', 'refusal'])
    if (side === 'responses') assert.match(refused.output[0].content[0].refusal, /can't help/)
    if (side === 'gemini') assert.match(textOf(side, refused), /can't help/)
  })

  test(`${side}: stop sequences and caps end the text`, async () => {
    const stops = ['brave', 'new']
    const stop = {
      openai: { stop: stops },
      anthropic: { stop_sequences: stops },
      responses: undefined,
      gemini: { generationConfig: { stopSequences: stops } }
    }[side]
    if (stop) {
      const stopped = await replyTo(side, ask(side, 'echo', 'O new brave world', stop))
      assert.equal(textOf(side, stopped), 'O ')
      assert.equal(
        finishOf(side, stopped),
        { openai: 'stop', anthropic: 'stop_sequence', gemini: 'STOP' }[side as string]
      )
      if (side === 'anthropic') assert.equal(stopped.stop_sequence, 'new')
    }
    const cap = {
      openai: { max_tokens: 16 },
      anthropic: { max_tokens: 16 },
      responses: { max_output_tokens: 16 },
      gemini: { generationConfig: { maxOutputTokens: 16 } }
    }[side]
    const capped = await replyTo(side, ask(side, 'echo', 'word '.repeat(20), cap))
    assert.equal(textOf(side, capped), 'word '.repeat(16).trim())
    const word = { openai: 'length', anthropic: 'max_tokens', responses: 'max_output_tokens', gemini: 'MAX_TOKENS' }
    assert.equal(finishOf(side, capped), word[side])
  })

  test(`${side}: directives set the length and the portions`, async () => {
    const body = ask(side, 'm', '[[sim:words=40 chunk=50]]')
    const reply = await replyTo(side, body)
    assert.equal(textOf(side, reply).split(' ').length, 40)
    const stream = await post(sim, side, { ...body, stream: true })
    const deltas = stream.events().filter(({ data }) => {
      const told = [data.delta?.text, data.choices?.[0]?.delta.content, data.candidates?.[0].content.parts[0].text]
      return told.some(Boolean) || data.type === 'response.output_text.delta'
    })
    assert.equal(deltas.length, Math.ceil(textOf(side, reply).length / 50))
  })

  test(`${side}: the same request gets the same reply and the same count`, async () => {
    const body = ask(side, 'm', 'again')
    const [one, two] = [(await post(sim, side, body)).json(), (await post(sim, side, body)).json()]
    assert.deepEqual(bare(one), bare(two))
    assert.notEqual(one.id ?? one.responseId, two.id ?? two.responseId)
  })
}

function calling(functionCallingConfig: object): object {
  return { toolConfig: { functionCallingConfig } }
}

/** The conversation in which the one call of a reply was answered; where a side can say so, with a failure. */
function answered(side: Side, first: Any, id: string): object {
  const question = { role: 'user', content: 'get_time' }
  switch (side) {
    case 'openai': {
      const result = { role: 'tool', tool_call_id: id, content: 'noon' }
      return { messages: [question, first.choices[0].message, result].map(known) }
    }
    case 'anthropic': {
      const content = [{ type: 'tool_result', tool_use_id: id, content: 'noon', is_error: true }]
      return { messages: [question, { role: 'assistant', content: first.content }, { role: 'user', content }] }
    }
    case 'responses':
      return { input: [question, ...first.output, { type: 'function_call_output', call_id: id, output: 'noon' }] }
    case 'gemini': {
      const parts = [{ functionResponse: { name: 'get_time', response: { error: 'noon' } } }]
      const asked = { role: 'user', parts: [{ text: 'get_time' }] }
      return { contents: [asked, first.candidates[0].content, { role: 'user', parts }] }
    }
  }
}

/** A picture and a document beside the word "see". */
function withMedia(side: Side): object {
  const image = `data:image/png;base64,${PNG}`
  const file = { filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` }
  const userSays = (content: Any[]) => [{ role: 'user', content }]
  switch (side) {
    case 'openai':
      return {
        messages: userSays([
          { type: 'text', text: 'see' },
          { type: 'image_url', image_url: { url: image } },
          { type: 'file', file }
        ])
      }
    case 'anthropic':
      return {
        messages: userSays([
          { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } },
          { type: 'document', title: 'a.pdf', source: { type: 'base64', media_type: 'application/pdf', data: PDF } },
          { type: 'text', text: 'see' }
        ])
      }
    case 'responses':
      return {
        input: userSays([
          { type: 'input_text', text: 'see' },
          { type: 'input_image', image_url: image },
          { type: 'input_file', ...file }
        ])
      }
    case 'gemini': {
      const parts = [
        { text: 'see' },
        { inlineData: { mimeType: 'image/png', data: PNG } },
        { inline_data: { mime_type: 'application/pdf', data: PDF } }
      ]
      return { contents: [{ role: 'user', parts }] }
    }
  }
}

/** An OpenAI message as a client sends it back: what the request schema does not know is left out. */
function known({ role, content, tool_calls, tool_call_id }: Any): Any {
  return JSON.parse(JSON.stringify({ role, content, tool_calls, tool_call_id }))
}
