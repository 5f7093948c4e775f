import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, ask, PNG, post, simForTests, TOOLS } from './helpers.ts'

const sim = await simForTests()
const tool = { type: 'function', name: 'add', parameters: { type: 'object', properties: {} } }
const call = { type: 'function_call', call_id: 'c1', name: 'add', arguments: '{}' }
const result = { type: 'function_call_output', call_id: 'c1', output: '4' }
const question = { role: 'user', content: 'x' }
const open = { type: 'object', properties: { a: { type: 'string' } }, required: [] }

function userSays(part: object): object {
  return { input: [{ role: 'user', content: [part] }] }
}

/** What is wrong, the members that make it so, and what is said of it. */
const REFUSALS: [what: string, more: object, message: RegExp, param: string | null, code: string | null][] = [
  ['no model', { model: undefined }, /^Missing required parameter: 'model'/, 'model', 'missing_required_parameter'],
  ['no input', { input: undefined }, /^One of "input" or/, 'input', 'missing_required_parameter'],
  ['a member it does not know', { stop: ['x'] }, /^Unknown parameter: 'stop'\./, 'stop', 'unknown_parameter'],
  ['chat messages', { messages: [question] }, /^Unknown parameter: 'messages'\./, 'messages', 'unknown_parameter'],
  ['max_tokens', { max_tokens: 100 }, /^Unknown parameter: 'max_tokens'\./, 'max_tokens', 'unknown_parameter'],
  [
    'a cap below 16',
    { max_output_tokens: 15 },
    /integer below minimum value\. Expected a value >= 16, but got 15/,
    'max_output_tokens',
    'integer_below_min_value'
  ],
  ['a wrong type', { instructions: 5 }, /^Invalid type for 'instructions'/, 'instructions', 'invalid_type'],
  ['a temperature', { temperature: 3 }, /Expected a value <= 2/, 'temperature', 'decimal_above_max_value'],
  ['an include', { include: ['everything'] }, /^Invalid value: 'everything'/, 'include[0]', 'invalid_value'],
  ['a role', { input: [{ role: 'tool', content: 'x' }] }, /^Invalid value: 'tool'/, 'input[0]', 'invalid_value'],
  ['an item', { input: [{ type: 'tool_call' }] }, /^Invalid value: 'tool_call'/, 'input[0]', 'invalid_value'],
  [
    'a member of an item',
    { input: [{ ...question, name: 'bob' }] },
    /^Unknown parameter: 'input\[0\]\.name'/,
    'input[0].name',
    'unknown_parameter'
  ],
  [
    'a part of another API',
    userSays({ type: 'text', text: 'x' }),
    /^Invalid value: 'text'\. Supported values are: 'input_text', 'input_image'/,
    'input[0].content[0]',
    'invalid_value'
  ],
  [
    'a part of another role',
    { input: [question, { role: 'assistant', content: [{ type: 'input_text', text: 'x' }] }] },
    /^Invalid value: 'input_text'\. Supported values are: 'output_text' and 'refusal'/,
    'input[1].content[0]',
    'invalid_value'
  ],
  [
    'an image that is none',
    userSays({ type: 'input_image', image_url: 'data:image/png;base64,aGVsbG8=' }),
    /unsupported image/,
    'input[0].content[0].image_url',
    'invalid_image_format'
  ],
  [
    'an id of another kind',
    { input: [question, { ...call, id: 'call_1' }, result] },
    /Expected an ID that begins with 'fc'/,
    'input[1].id',
    'invalid_value'
  ],
  [
    'a call id that is too long',
    { input: [{ ...call, call_id: 'c'.repeat(65) }] },
    /string too long/,
    'input[0].call_id',
    'string_above_max_length'
  ],
  ['a call without output', { input: [question, call] }, /^No tool output found for function call c1/, 'input', null],
  [
    'an output without call',
    { input: [question, result] },
    /^No tool call found for function call output with call_id c1/,
    'input',
    null
  ],
  [
    'a custom output for a function call',
    { input: [question, call, { ...result, type: 'custom_tool_call_output' }] },
    /^No tool call found for custom tool call output with call_id c1/,
    'input',
    null
  ],
  [
    'a tool in the shape of chat completions',
    { tools: [{ type: 'function', function: { name: 'add' } }] },
    /^Missing required parameter: 'tools\[0\]\.name'/,
    'tools[0].name',
    'missing_required_parameter'
  ],
  ['a kind of tool', { tools: [{ type: 'magic' }] }, /^Invalid value: 'magic'/, 'tools[0]', 'invalid_value'],
  ['a tool name', { tools: [{ ...tool, name: 'a b' }] }, /does not match pattern/, 'tools[0].name', 'invalid_value'],
  [
    'an open schema in a strict tool',
    { tools: [{ ...tool, strict: true, parameters: open }] },
    /^Invalid schema for function 'add': In context=\(\), 'additionalProperties'/,
    'tools[0].parameters',
    'invalid_function_parameters'
  ],
  [
    'an open schema as strict format',
    { text: { format: { type: 'json_schema', name: 's', strict: true, schema: open } } },
    /^Invalid schema for response_format 's'/,
    'text.format.schema',
    'invalid_json_schema'
  ],
  [
    'the format of chat completions',
    { response_format: { type: 'json_object' } },
    /^Unknown parameter: 'response_format'/,
    'response_format',
    'unknown_parameter'
  ],
  ['JSON that nobody asks for', { text: { format: { type: 'json_object' } } }, /the word 'json'/, 'input', null],
  ['a choice of no tool', { tool_choice: 'required' }, /must be specified with 'tools'/, 'tool_choice', null],
  [
    'a choice that is not there',
    { tools: [tool], tool_choice: { type: 'function', name: 'sub' } },
    /^Tool choice 'sub' not found/,
    'tool_choice',
    null
  ],
  [
    'stream options without a stream',
    { stream_options: { include_obfuscation: false } },
    /only allowed when 'stream' is enabled/,
    'stream_options',
    null
  ],
  [
    'temperature of a model that thinks',
    { model: 'o4-mini', temperature: 0.5 },
    /'temperature' is not supported with this model/,
    'temperature',
    'unsupported_parameter'
  ],
  [
    'effort of a model that does not think',
    { model: 'gpt-4.1', reasoning: { effort: 'low' } },
    /'reasoning\.effort' is not supported with this model/,
    'reasoning.effort',
    'unsupported_parameter'
  ],
  [
    'an effort it does not know',
    { model: 'o4-mini', reasoning: { effort: 'minimal' } },
    /'minimal' is not supported with the 'o4-mini' model/,
    'reasoning.effort',
    'unsupported_value'
  ],
  [
    'a response that is not there',
    { previous_response_id: 'resp_x' },
    /^Previous response with id 'resp_x' not found/,
    'previous_response_id',
    'previous_response_not_found'
  ],
  [
    'two histories',
    { previous_response_id: 'resp_x', conversation: 'conv_x' },
    /^Mutually exclusive parameters/,
    null,
    'mutually_exclusive_parameters'
  ]
]

for (const [what, more, message, param, code] of REFUSALS) {
  test(`responses: refused: ${what}`, async () => {
    const answer = await post(sim, 'responses', ask('responses', 'm', 'x', more))
    const { error } = answer.json()
    assert.match(error.message, message)
    assert.deepEqual([answer.status, error.type, error.param, error.code], [400, 'invalid_request_error', param, code])
  })
}

test('responses: what is not stored is not found', async () => {
  const missing = [
    { conversation: 'conv_x' },
    { input: [{ type: 'item_reference', id: 'msg_x' }] },
    { input: [question, { type: 'reasoning', id: 'rs_x', summary: [] }, call, result] }
  ]
  for (const more of missing) {
    const answer = await post(sim, 'responses', ask('responses', 'm', 'x', more))
    assert.equal(answer.status, 404, answer.text)
    assert.match(answer.json().error.message, /not found/)
  }
})

/** A thought and its call, as a client that stores nothing gets them. */
async function sealedTurn(): Promise<Any[]> {
  const more = { store: false, include: ['reasoning.encrypted_content'], tools: TOOLS.responses(['add']) }
  const reply = await post(sim, 'responses', ask('responses', 'gpt-5.5', 'add', more))
  const { output } = reply.json()
  assert.deepEqual(
    output.map((item: Any) => item.type),
    ['reasoning', 'function_call']
  )
  return output
}

test('responses: sealed thoughts are taken back as they were, and no other way', async () => {
  const [thought, called] = await sealedTurn()
  const answered = { type: 'function_call_output', call_id: called.call_id, output: '4' }
  const replay = async (...items: Any[]): Promise<[number, string]> => {
    const input = [{ role: 'user', content: 'add' }, ...items]
    const answer = await post(sim, 'responses', { model: 'gpt-5.5', store: false, input })
    return [answer.status, answer.json().error?.message ?? '']
  }
  assert.deepEqual(await replay(thought, called, answered), [200, ''])
  const { id: _, ...anonymous } = thought
  assert.deepEqual(await replay(anonymous, called, answered), [200, ''])
  const seal: string = thought.encrypted_content
  for (const encrypted_content of [seal.slice(0, -4), `${seal.slice(0, 20)}AAAA${seal.slice(24)}`, 'gAAAAABo']) {
    const [status, message] = await replay({ ...thought, encrypted_content }, called, answered)
    assert.equal(status, 400)
    assert.match(message, /encrypted content for item rs_\w+ could not be verified/)
  }
  const [, alone] = await replay(thought)
  assert.match(alone, /^Item 'rs_\w+' of type 'reasoning' was provided without its required following item/)
})

test('responses: a stored call is not taken without its thought', async () => {
  const more = { tools: TOOLS.responses(['add']) }
  const first = (await post(sim, 'responses', ask('responses', 'gpt-5.5', 'add', more))).json()
  const [thought, called] = first.output
  const answered = { type: 'function_call_output', call_id: called.call_id, output: '4' }
  const send = (input: Any[]) => post(sim, 'responses', { model: 'gpt-5.5', input })
  assert.equal((await send([question, thought, called, answered])).status, 200)
  const lost = await send([question, called, answered])
  assert.match(lost.json().error.message, /was provided without its required 'reasoning' item: 'rs_/)
  const { id: _, ...anonymous } = called
  assert.equal((await send([question, anonymous, answered])).status, 200)
})

const ACCEPTED: [what: string, more: object][] = [
  ['a text', { input: 'x' }],
  ['null members', { instructions: null, tools: null, text: null, reasoning: null, metadata: null, user: null }],
  ['an image by address', userSays({ type: 'input_image', image_url: 'https://example.com/a.png', detail: 'high' })],
  ['an image in itself', userSays({ type: 'input_image', image_url: `data:image/png;base64,${PNG}` })],
  ['a file by address', userSays({ type: 'input_file', file_url: 'https://example.com/a.pdf' })],
  ['a hosted tool chosen', { tools: [{ type: 'web_search' }], tool_choice: { type: 'web_search_preview' } }],
  ['a custom tool', { tools: [{ type: 'custom', name: 'note', format: { type: 'text' } }] }],
  ['outputs of several parts', { input: [question, call, { ...result, output: [{ type: 'input_text', text: '4' }] }] }],
  ['all of history', { input: [question, { role: 'assistant', content: 'hi' }, { role: 'developer', content: 'be' }] }]
]

for (const [what, more] of ACCEPTED) {
  test(`responses: accepted: ${what}`, async () => {
    const answer = await post(sim, 'responses', ask('responses', 'm', 'x', more))
    assert.equal(answer.status, 200, answer.text)
  })
}
