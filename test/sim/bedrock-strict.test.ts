import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CLAUDE, call, converse, THINKING, toolConfig } from './bedrock-helpers.ts'
import { type Any, PDF, PNG, simForTests } from './helpers.ts'

const sim = await simForTests()
const user = { role: 'user', content: [{ text: 'x' }] }
const assistant = { role: 'assistant', content: [{ text: 'y' }] }
const use = (toolUseId = 'a', name = 'add'): Any => ({ toolUse: { toolUseId, name, input: {} } })
const result = (toolUseId = 'a', more: object = {}): Any => ({
  toolResult: { toolUseId, content: [{ text: '4' }], ...more }
})
const add = toolConfig(['add'])

function turns(...messages: object[]): object {
  return { messages }
}

function says(...content: object[]): object {
  return turns({ role: 'user', content })
}

function calling(content: object[], answers: object[], more: object = { toolConfig: add }): object {
  return { ...turns(user, { role: 'assistant', content }, { role: 'user', content: answers }), ...more }
}

function limits(inferenceConfig: object): object {
  return { inferenceConfig }
}

const image = (format: string, bytes: string): object => ({ image: { format, source: { bytes } } })
const document = (name: string, more: object = {}): object => ({
  document: { format: 'pdf', name, source: { bytes: PDF }, ...more }
})
const point = { cachePoint: { type: 'default' } }
const schema = (text: string): object => ({
  outputConfig: { textFormat: { type: 'json_schema', structure: { jsonSchema: { schema: text } } } }
})

/** What is wrong, the members that make it so, and what is said of it. */
const REFUSALS: [what: string, more: object, message: RegExp][] = [
  ['a member it does not know', { model: 'x' }, /#: extraneous key \[model\] is not permitted/],
  ['an unknown member inside', limits({ topK: 5 }), /#\/inferenceConfig: extraneous key \[topK\]/],
  ['no messages', { messages: undefined }, /Value null at 'messages' failed to satisfy constraint/],
  ['empty messages', turns(), /at least one message/],
  ['a role', turns({ role: 'system', content: [{ text: 'x' }] }), /enum value set: \[user, assistant\]/],
  ['the assistant first', turns(assistant, user), /^A conversation must start with a user message/],
  ['one role twice', turns(user, user), /^A conversation must alternate between user and assistant roles/],
  ['white space at the end of a prefill', turns(user, { role: 'assistant', content: [{ text: 'a ' }] }), /trailing/],
  ['empty content', says(), /^The content field in the Message object at messages\.0 is empty/],
  [
    'blank text',
    says({ text: ' \n' }),
    /^The text field in the ContentBlock object at messages\.0\.content\.0 is blank/
  ],
  [
    'blank system',
    { system: [{ text: ' ' }] },
    /^The text field in the SystemContentBlock object at system\.0 is blank/
  ],
  ['a content that is a text', turns({ role: 'user', content: 'x' }), /^STRING_VALUE can not be converted to a List$/],
  ['two kinds in one block', says({ text: 'x', ...image('png', PNG) }), /exactly one member/],
  ['no kind', says({}), /exactly one member/],
  ['a call of the user', { ...says(use()), toolConfig: add }, /toolUse .* not allowed .* role user/],
  ['a picture of the model', turns(user, { role: 'assistant', content: [image('png', PNG)] }, user), /role assistant/],
  ['a format of pictures', says(image('bmp', PNG)), /enum value set: \[png, jpeg, gif, webp\]/],
  ['a format that is another', says(image('jpeg', PNG)), /image\/jpeg media type.*image\/png image/],
  [
    'bytes that are none',
    says(image('png', '%')),
    /at 'messages\.1\.member\.content\.1\.member\.image\.source\.bytes'/
  ],
  ['bytes that are no picture', says(image('png', 'AAAA')), /Could not process image/],
  ['a document without words', says(document('a')), /text block is required/],
  ['the name of a document', says({ text: 'x' }, document('a.pdf')), /^The document file name can only contain/],
  ['two documents of one name', says({ text: 'x' }, document('a'), document('a')), /duplicate document names/],
  ['a document that is none', says({ text: 'x' }, document('a', { source: { bytes: PNG } })), /PDF specified was not/],
  ['calls without tools', calling([use()], [result()], {}), /^The toolConfig field must be defined/],
  [
    'a call without result',
    calling([use()], [{ text: 'x' }]),
    /^Expected toolResult blocks at messages\.2\.content.*: a$/
  ],
  ['a call at the end', { ...turns(user, { role: 'assistant', content: [use()] }), toolConfig: add }, /^Expected tool/],
  ['a result without call', calling([{ text: 'y' }], [result()]), /exceeds the number of toolUse blocks/],
  ['a result of another call', calling([use('a')], [result('b')]), /^Expected toolResult.*: a$/],
  ['one id for two calls', calling([use(), use()], [result()]), /duplicate Ids: a, a/],
  ['an id', calling([use('a b')], [result('a b')]), /regular expression pattern/],
  ['the name of a call', calling([use('a', 'a.b')], [result()]), /regular expression pattern/],
  [
    'an input that is a list',
    calling([{ toolUse: { toolUseId: 'a', name: 'add', input: [] } }], [result()]),
    /json obj/
  ],
  ['a status', calling([use()], [result('a', { status: 'bad' })]), /enum value set: \[success, error\]/],
  ['the name of a tool', { toolConfig: toolConfig(['a.b']) }, /toolConfig\.tools\.1\.member\.toolSpec\.name/],
  ['a long name of a tool', { toolConfig: toolConfig(['a'.repeat(65)]) }, /length less than or equal to 64/],
  ['one name for two tools', { toolConfig: toolConfig(['a', 'a']) }, /used twice/],
  ['no tools', { toolConfig: { tools: [] } }, /Value '\[\]' at 'toolConfig\.tools'.*length greater than or equal to 1/],
  ['a schema of no object', { toolConfig: toolConfig(['a'], undefined, {}) }, /must be one of the following: object/],
  ['a choice of no tool', { toolConfig: toolConfig(['a'], { tool: { name: 'b' } }) }, /not defined/],
  ['a choice of none', { toolConfig: toolConfig(['a'], { none: {} }) }, /extraneous key \[none\]/],
  ['maxTokens', limits({ maxTokens: 0 }), /Value '0' at 'inferenceConfig\.maxTokens'.*greater than or equal to 1$/],
  ['temperature', limits({ temperature: 1.5 }), /less than or equal to 1$/],
  ['topP', limits({ topP: -1 }), /greater than or equal to 0$/],
  ['a blank stop', limits({ stopSequences: [' '] }), /non-whitespace/],
  ['five cache points', { system: [{ text: 'x' }, point, point, point, point, point] }, /maximum of 4 blocks.*Found 5/],
  [
    'a long mark after a short one',
    { system: [{ text: 'x' }, point, { cachePoint: { type: 'default', ttl: '1h' } }] },
    /ttl='1h'/
  ],
  ['thinking and temperature', { ...THINKING, ...limits({ temperature: 0 }) }, /may only be set to 1/],
  ['thinking and topP', { ...THINKING, ...limits({ topP: 0.5 }) }, /`top_p` must be/],
  ['more thinking than tokens', { ...THINKING, ...limits({ maxTokens: 1024 }) }, /must be greater than `thinking/],
  ['thinking and a forced call', { ...THINKING, toolConfig: toolConfig(['a'], { any: {} }) }, /forces tool use/],
  [
    'too little thinking',
    { additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 9 } } },
    /1024/
  ],
  [
    'a thinking call without thought',
    calling([use()], [result()], { toolConfig: add, ...THINKING }),
    /found `tool_use`/
  ],
  ['a schema that is no JSON', schema('{'), /not valid JSON/],
  ['an open schema', schema('{"type":"object","properties":{}}'), /'additionalProperties' must be explicitly set/]
]

for (const [what, more, message] of REFUSALS) {
  test(`Converse refuses ${what}`, async () => {
    for (const verb of ['converse', 'converse-stream']) {
      const answer = await call(sim, CLAUDE, verb, converse('x', more))
      assert.match(answer.json().message, message)
      assert.deepEqual(Object.keys(answer.json()), ['message'])
      assert.equal(answer.status, 400)
      assert.match(answer.headers['x-amzn-errortype']!, /^(Validation|Serialization)Exception:/)
    }
  })
}

const ACCEPTED: [what: string, more: object][] = [
  ['a blank text in a result', calling([use()], [{ toolResult: { toolUseId: 'a', content: [{ text: '' }] } }])],
  ['a prefill', turns(user, assistant)],
  ['a result with pictures', calling([use()], [result('a', { content: [image('png', PNG)], status: 'error' })])],
  ['a document beside words', says({ text: 'x' }, document('a b (1)'))],
  ['every setting', limits({ maxTokens: 1, temperature: 1, topP: 1, stopSequences: [] })],
  ['two cache points', { system: [{ text: 'x' }, point], ...says({ text: 'x' }, point) }],
  ['metadata and tier', { requestMetadata: { user: 'a@b' }, serviceTier: { type: 'flex' } }]
]

for (const [what, more] of ACCEPTED) {
  test(`Converse accepts ${what}`, async () => {
    const answer = await call(sim, CLAUDE, 'converse', converse('x', more))
    assert.equal(answer.status, 200, answer.bytes.toString())
  })
}

test('models differ: prefill, caching, turns that follow each other', async () => {
  const refusalOf = async (model: string, more: object): Promise<string> => {
    const answer = await call(sim, model, 'converse', converse('x', more))
    return answer.status === 200 ? '' : answer.json().message
  }
  const prefill = turns(user, assistant)
  assert.match(await refusalOf('anthropic.claude-opus-4-6-v1', prefill), /does not support assistant message prefill/)
  assert.match(await refusalOf('meta.llama3-70b-instruct-v1:0', prefill), /must end with a user message/)
  assert.equal(await refusalOf('amazon.nova-lite-v1:0', prefill), '')
  assert.match(await refusalOf('cohere.command-r-v1:0', says({ text: 'x' }, point)), /did not allow prompt caching/)
  assert.equal(await refusalOf('amazon.titan-text-express-v1', turns(user, user)), '')
})

test('reasoning must come back as it was', async () => {
  const tools = { toolConfig: add, ...THINKING }
  const first = await call(sim, CLAUDE, 'converse', converse('REDACT add', tools))
  const { content } = first.json().output.message
  const [thought, hidden, { toolUse }] = content
  const statusOf = async (blocks: Any[]): Promise<string> => {
    const messages = [
      user,
      { role: 'assistant', content: blocks },
      { role: 'user', content: [result(toolUse.toolUseId)] }
    ]
    const answer = await call(sim, CLAUDE, 'converse', { messages, ...tools })
    return answer.status === 200 ? 'taken' : answer.json().message
  }
  const altered = structuredClone(thought)
  altered.reasoningContent.reasoningText.text += '!'
  const foreign = { reasoningContent: { reasoningText: { text: 'a', signature: 'AAAA' } } }
  const unsigned = { reasoningContent: { reasoningText: { text: 'a' } } }
  const call_ = { toolUse }
  assert.equal(await statusOf(content), 'taken')
  assert.match(await statusOf([altered, hidden, call_]), /messages\.1\.content\.0: .* cannot be modified/)
  assert.match(await statusOf([hidden, thought, call_]), /cannot be modified/)
  assert.match(await statusOf([thought, call_]), /cannot be modified/)
  assert.match(await statusOf([foreign, call_]), /Invalid `signature` in `thinking` block/)
  assert.match(await statusOf([unsigned, call_]), /Invalid `signature`/)
  assert.match(await statusOf([{ reasoningContent: { redactedContent: 'AAAA' } }, call_]), /Invalid `data`/)
})

test('a credential is wanted; a signature is one', async () => {
  const json = { 'content-type': 'application/json' }
  const missing = await call(sim, CLAUDE, 'converse', converse('x'), json)
  assert.deepEqual([missing.status, missing.json().message], [403, 'Missing Authentication Token'])
  const authorization = 'AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/bedrock/aws4_request, Signature=0'
  assert.equal((await call(sim, CLAUDE, 'converse', converse('x'), { ...json, authorization })).status, 200)
  const closed = await simForTests({ keys: ['sk-right'] })
  const statusWith = async (key: string): Promise<number> =>
    (await call(closed, CLAUDE, 'converse', converse('x'), { ...json, authorization: `Bearer ${key}` })).status
  assert.deepEqual([await statusWith('sk-wrong'), await statusWith('sk-right')], [403, 200])
})

test('what is no JSON, no operation, or no method', async () => {
  const torn = await call(sim, CLAUDE, 'converse', '{')
  assert.deepEqual([torn.status, torn.headers['x-amzn-errortype']!.split(':')[0]], [400, 'SerializationException'])
  assert.equal((await call(sim, CLAUDE, 'chat', {})).status, 404)
  assert.equal((await call(sim, CLAUDE, 'converse', '', undefined, 'GET')).status, 405)
})
