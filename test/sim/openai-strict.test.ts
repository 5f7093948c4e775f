import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, PDF, post, simForTests } from './helpers.ts'

const sim = await simForTests()
const user = { role: 'user', content: 'hello' }
const call = (id: string): Any => ({ id, type: 'function', function: { name: 'add', arguments: '{}' } })
const calling = (...ids: string[]): Any => ({ role: 'assistant', content: null, tool_calls: ids.map(call) })
const result = (id: string): Any => ({ role: 'tool', tool_call_id: id, content: '4' })
const tool = (more: object = {}): Any => ({
  type: 'function',
  function: { name: 'add', parameters: { type: 'object', properties: {} }, ...more }
})
const withImage = (url: string): Any => ({
  messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url } }] }]
})
const withFile = (file: object): Any => ({ messages: [{ role: 'user', content: [{ type: 'file', file }] }] })
const strictFormat = (schema: object): Any => ({
  response_format: { type: 'json_schema', json_schema: { name: 'shape', strict: true, schema } }
})

type Row = [why: string, request: Any, message: RegExp, param: string | null, code: string | null]

const REFUSED: Row[] = [
  ['no model', { model: undefined }, /^you must provide a model parameter$/, null, null],
  [
    'no messages',
    { messages: undefined },
    /^Missing required parameter: 'messages'\.$/,
    'messages',
    'missing_required_parameter'
  ],
  [
    'empty messages',
    { messages: [] },
    /^Invalid 'messages': empty array\. Expected an array with minimum length 1/,
    'messages',
    'empty_array'
  ],
  ['unknown argument', { foo: 1 }, /^Unrecognized request argument supplied: foo$/, null, null],
  ['two unknown arguments', { foo: 1, top_k: 2 }, /^Unrecognized request arguments supplied: foo, top_k$/, null, null],
  [
    'unknown member of a message',
    { messages: [{ ...user, cache_control: {} }] },
    /^Unknown parameter: 'messages\[0\]\.cache_control'\.$/,
    'messages[0].cache_control',
    'unknown_parameter'
  ],
  [
    'reasoning in the history',
    { messages: [user, { role: 'assistant', content: 'x', reasoning_content: 'y' }, user] },
    /Unknown parameter/,
    'messages[1].reasoning_content',
    'unknown_parameter'
  ],
  [
    'content of a wrong type',
    { messages: [{ role: 'user', content: 3 }] },
    /expected one of a string or an array of objects, but got an integer instead\.$/,
    'messages[0].content',
    'invalid_type'
  ],
  [
    'unknown role',
    { messages: [{ role: 'model', content: 'x' }] },
    /^Invalid value: 'model'\. Supported values are: 'developer', 'system'/,
    'messages[0].role',
    'invalid_value'
  ],
  [
    'a string as temperature',
    { temperature: 'hot' },
    /expected a decimal, but got a string instead/,
    'temperature',
    'invalid_type'
  ],
  [
    'temperature below',
    { temperature: -1 },
    /^Invalid 'temperature': decimal below minimum value\. Expected a value >= 0, but got -1 instead\.$/,
    'temperature',
    'decimal_below_min_value'
  ],
  ['temperature above', { temperature: 2.5 }, /decimal above maximum value/, 'temperature', 'decimal_above_max_value'],
  ['n of 0', { n: 0 }, /integer below minimum value/, 'n', 'integer_below_min_value'],
  ['n of 129', { n: 129 }, /Expected a value <= 128, but got 129/, 'n', 'integer_above_max_value'],
  ['half an n', { n: 1.5 }, /expected an integer, but got a decimal instead/, 'n', 'invalid_type'],
  ['five stops', { stop: ['a', 'b', 'c', 'd', 'e'] }, /array too long/, 'stop', 'array_above_max_length'],
  [
    'both caps',
    { max_tokens: 5, max_completion_tokens: 5 },
    /^Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported\.$/,
    'max_tokens',
    'invalid_parameter_combination'
  ],
  [
    'max_tokens for o3',
    { model: 'o3-mini', max_tokens: 5 },
    /Use 'max_completion_tokens' instead/,
    'max_tokens',
    'unsupported_parameter'
  ],
  [
    'max_tokens for gpt-5',
    { model: 'sim/gpt-5.5', max_tokens: 5 },
    /Use 'max_completion_tokens' instead/,
    'max_tokens',
    'unsupported_parameter'
  ],
  [
    'stream_options without stream',
    { stream_options: { include_usage: true } },
    /only allowed when 'stream' is enabled/,
    'stream_options',
    null
  ],
  ['top_logprobs alone', { top_logprobs: 2 }, /only allowed when 'logprobs' is enabled/, 'top_logprobs', null],
  [
    'unknown response_format',
    { response_format: { type: 'xml' } },
    /^Invalid value: 'xml'\. Supported values are: 'text', 'json_object', and 'json_schema'\.$/,
    'response_format.type',
    'invalid_value'
  ],
  [
    'json_object without the word',
    { response_format: { type: 'json_object' } },
    /must contain the word 'json'/,
    'messages',
    null
  ],
  [
    'strict schema left open',
    strictFormat({ type: 'object', properties: {}, required: [] }),
    /^Invalid schema for response_format 'shape': In context=\(\), 'additionalProperties' is required/,
    'response_format',
    null
  ],
  [
    'strict schema, optional member',
    strictFormat({ type: 'object', properties: { a: { type: 'string' } }, required: [], additionalProperties: false }),
    /Missing 'a'/,
    'response_format',
    null
  ],
  [
    'strict schema, open inside',
    strictFormat({
      type: 'object',
      properties: { a: { type: 'object' } },
      required: ['a'],
      additionalProperties: false
    }),
    /In context=\('properties', 'a'\)/,
    'response_format',
    null
  ],
  ['strict schema, no object', strictFormat({ type: 'string' }), /got 'type: "string"'/, 'response_format', null],
  [
    'strict tool left open',
    { tools: [tool({ strict: true })] },
    /^Invalid schema for function 'add'/,
    'tools[0].function.parameters',
    'invalid_function_parameters'
  ],
  [
    'tool name with a dot',
    { tools: [tool({ name: 'a.b' })] },
    /does not match pattern/,
    'tools[0].function.name',
    'invalid_value'
  ],
  [
    'tool name too long',
    { tools: [tool({ name: 'a'.repeat(65) })] },
    /string too long/,
    'tools[0].function.name',
    'string_above_max_length'
  ],
  ['no tools in the list', { tools: [] }, /empty array/, 'tools', 'empty_array'],
  [
    "Anthropic's tool",
    { tools: [{ name: 'add', input_schema: {} }] },
    /Missing required parameter: 'tools\[0\]\.type'/,
    'tools[0].type',
    'missing_required_parameter'
  ],
  [
    'tool_choice without tools',
    { tool_choice: 'auto' },
    /only allowed when 'tools' are specified/,
    'tool_choice',
    null
  ],
  [
    'parallel_tool_calls without tools',
    { parallel_tool_calls: false },
    /only allowed when 'tools' are specified/,
    'parallel_tool_calls',
    null
  ],
  [
    'tool_choice of no tool',
    { tools: [tool()], tool_choice: { type: 'function', function: { name: 'sub' } } },
    /Tool choice 'sub' not found/,
    'tool_choice',
    null
  ],
  [
    'tool message first',
    { messages: [result('1')] },
    /must be a response to a preceeding message with 'tool_calls'/,
    'messages.[0].role',
    null
  ],
  [
    'tool message after text',
    { messages: [user, { role: 'assistant', content: 'x' }, result('1')] },
    /preceeding message/,
    'messages.[2].role',
    null
  ],
  [
    'tool message of another call',
    { messages: [user, calling('1'), result('2')] },
    /'tool_call_id' of '2' not found/,
    'messages.[2].tool_call_id',
    null
  ],
  [
    'call without an answer',
    { messages: [user, calling('1', '2'), result('1'), user] },
    /did not have response messages: 2$/,
    'messages.[3].role',
    null
  ],
  [
    'call at the end',
    { messages: [user, calling('1')] },
    /did not have response messages: 1$/,
    'messages.[2].role',
    null
  ],
  [
    'call id of 41 characters',
    { messages: [user, calling('x'.repeat(41)), result('x'.repeat(41))] },
    /maximum length 40/,
    'messages[1].tool_calls[0].id',
    'string_above_max_length'
  ],
  [
    'empty tool_calls',
    { messages: [user, { role: 'assistant', content: 'x', tool_calls: [] }, user] },
    /empty array/,
    'messages[1].tool_calls',
    'empty_array'
  ],
  [
    'arguments as an object',
    {
      messages: [user, { role: 'assistant', tool_calls: [{ ...call('1'), function: { name: 'add', arguments: {} } }] }]
    },
    /expected a string, but got an object/,
    'messages[1].tool_calls[0].function.arguments',
    'invalid_type'
  ],
  [
    'assistant that says nothing',
    { messages: [user, { role: 'assistant', content: null }, user] },
    /expected a string, got null/,
    'messages.[1].content',
    null
  ],
  [
    'image of the assistant',
    {
      messages: [user, { role: 'assistant', content: [{ type: 'image_url', image_url: { url: 'https://x.y/z.png' } }] }]
    },
    /Supported values are: 'text' and 'refusal'/,
    'messages[1].content[0].type',
    'invalid_value'
  ],
  [
    'refusal of the user',
    { messages: [{ role: 'user', content: [{ type: 'refusal', refusal: 'no' }] }] },
    /Invalid value: 'refusal'/,
    'messages[0].content[0].type',
    'invalid_value'
  ],
  [
    'image in a tool result',
    {
      messages: [
        user,
        calling('1'),
        { ...result('1'), content: [{ type: 'image_url', image_url: { url: 'https://x.y/z.png' } }] }
      ]
    },
    /Invalid value: 'image_url'|'text'/,
    'messages[2].content[0].type',
    'invalid_value'
  ],
  [
    'image from a file',
    withImage('file:///etc/passwd'),
    /Expected a valid URL/,
    'messages[0].content[0].image_url.url',
    'invalid_value'
  ],
  [
    'image with broken base64',
    withImage('data:image/png;base64,@@@'),
    /base64-encoded data URL/,
    'messages[0].content[0].image_url.url',
    'invalid_value'
  ],
  [
    'image that is none',
    withImage(`data:image/png;base64,${PDF}`),
    /unsupported image/,
    'messages[0].content[0].image_url.url',
    'invalid_image_format'
  ],
  [
    'file without data',
    withFile({ filename: 'a.pdf' }),
    /Missing required parameter/,
    'messages[0].content[0].file.file_id',
    'missing_required_parameter'
  ],
  [
    'file as bare base64',
    withFile({ filename: 'a.pdf', file_data: PDF }),
    /data URL/,
    'messages[0].content[0].file.file_data',
    'invalid_value'
  ]
]

for (const [why, request, message, param, code] of REFUSED) {
  test(`OpenAI refuses: ${why}`, async () => {
    const answer = await post(sim, 'openai', { model: 'gpt-4.1', messages: [user], ...request })
    const { error } = answer.json()
    assert.equal(answer.status, 400, answer.text)
    assert.deepEqual(Object.keys(error), ['message', 'type', 'param', 'code'])
    assert.match(error.message, message)
    assert.equal(error.type, 'invalid_request_error')
    assert.deepEqual([error.param, error.code], [param, code])
  })
}
