import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, ask, PNG, post, send, simForTests, TOOLS } from './helpers.ts'

const sim = await simForTests()
const user = { role: 'user', parts: [{ text: 'x' }] }
const calls = { role: 'model', parts: [{ functionCall: { name: 'add', args: {} } }] }
const results = { role: 'user', parts: [{ functionResponse: { name: 'add', response: { result: 4 } } }] }

function declares(declaration: object): object {
  return { tools: [{ functionDeclarations: [declaration] }] }
}

function takes(parameters: object): object {
  return declares({ name: 'add', parameters: { type: 'OBJECT', properties: { a: parameters } } })
}

function configured(generationConfig: object, more: object = {}): object {
  return { generationConfig, ...more }
}

function saying(part: object): object {
  return { contents: [{ role: 'user', parts: [part] }] }
}

const UNKNOWN = /^Invalid JSON payload received\. Unknown name /

/** What is wrong, the members that make it so, and what is said of it. */
const REFUSALS: [what: string, more: object, message: RegExp][] = [
  ['a member it does not know', { messages: [] }, /Unknown name "messages": Cannot find field\.$/],
  ['no contents', { contents: undefined }, /contents is not specified/],
  ['empty contents', { contents: [] }, /contents is not specified/],
  ['a role', { contents: [{ role: 'assistant', parts: [{ text: 'x' }] }] }, /^Please use a valid role: user, model\.$/],
  ['no parts', { contents: [{ role: 'user', parts: [] }] }, /contents\[0\]\.parts: contents\.parts must not be empty/],
  ['an empty part', saying({}), /parts\[0\]\.data: required oneof field 'data' must have one initialized field/],
  [
    'two kinds in one part',
    saying({ text: 'x', inlineData: { mimeType: 'image/png', data: PNG } }),
    /oneof field 'data'/
  ],
  [
    'a text that is a number',
    saying({ text: 5 }),
    /^Invalid value at 'contents\[0\]\.parts\[0\]\.text' \(TYPE_STRING\), 5$/
  ],
  [
    'contents that are a text',
    { contents: 'x' },
    /^Invalid value at 'contents\[0\]' \(type\.googleapis\.com\/.*Content\)/
  ],
  ['bytes that are none', saying({ inlineData: { mimeType: 'image/png', data: '%' } }), /Base64 decoding failed/],
  ['bytes of no kind', saying({ inlineData: { data: PNG } }), /mime type/],
  ['an enum', { safetySettings: [{ category: 'HARM', threshold: 'OFF' }] }, /'safety_settings\[0\]\.category'/],
  [
    'a name of a schema',
    takes({ $ref: '#/$defs/a' }),
    /"\$ref" at 'tools\[0\]\.function_declarations\[0\]\.parameters\.prop/
  ],
  ['additionalProperties', takes({ type: 'OBJECT', additionalProperties: false }), UNKNOWN],
  [
    'const',
    takes({ const: 'a' }),
    /"const" at 'tools\[0\]\.function_declarations\[0\]\.parameters\.properties\[0\]\.value'/
  ],
  [
    'two types',
    takes({ type: ['string', 'null'] }),
    /"type" at .*: Proto field is not repeating, cannot start list\.$/
  ],
  ['a list of what', takes({ type: 'ARRAY' }), /parameters\.properties\[a\]\.items: missing field/],
  ['an enum of numbers', takes({ type: 'INTEGER', enum: ['1'] }), /only allowed for STRING type/],
  ['a format', takes({ type: 'STRING', format: 'uri' }), /only 'enum' and 'date-time' are supported for STRING type/],
  [
    'required that is not there',
    declares({ name: 'add', parameters: { type: 'OBJECT', properties: {}, required: ['a'] } }),
    /parameters\.required\[0\]: property is not defined/
  ],
  [
    'both kinds of schema',
    declares({ name: 'a', parameters: { type: 'OBJECT' }, parametersJsonSchema: {} }),
    /only one/
  ],
  ['a function name', declares({ name: 'a b' }), /Invalid function name/],
  ['a temperature', configured({ temperature: 3 }), /temperature must be in the range \[0\.0, 2\.0\]/],
  ['a cap', configured({ maxOutputTokens: 0 }), /max_output_tokens must be positive/],
  ['six stops', configured({ stopSequences: ['1', '2', '3', '4', '5', '6'] }), /at most 5 stop sequences/],
  ['a schema of a text', configured({ responseSchema: { type: 'STRING' } }), /only supported with response mime type/],
  ['a kind of text', configured({ responseMimeType: 'text/html' }), /allowed mimetypes/],
  [
    'two ways to think',
    configured({ thinkingConfig: { thinkingBudget: 5, thinkingLevel: 'LOW' } }),
    /^You can only set only one of thinking budget and thinking level\.$/
  ],
  [
    'a level of an older model',
    { model: 'gemini-2.5-flash', ...configured({ thinkingConfig: { thinkingLevel: 'low' } }) },
    /^Thinking level is not supported for this model\.$/
  ],
  [
    'a model that cannot but think',
    { model: 'gemini-2.5-pro', ...configured({ thinkingConfig: { thinkingBudget: 0 } }) },
    /^Budget 0 is invalid\. This model only works in thinking mode\.$/
  ],
  [
    'functions and JSON at once',
    { model: 'gemini-2.5-pro', ...configured({ responseMimeType: 'application/json' }), ...declares({ name: 'a' }) },
    /^Function calling with a response mime type: 'application\/json' is unsupported$/
  ],
  [
    'functions and search at once',
    { model: 'gemini-2.5-pro', tools: [{ googleSearch: {} }, { functionDeclarations: [{ name: 'a' }] }] },
    /^Tool use with function calling is unsupported$/
  ],
  [
    'a choice of no function',
    { toolConfig: { functionCallingConfig: { mode: 'ANY' } } },
    /without function_declarations/
  ],
  [
    'an answer to nothing',
    { contents: [user, results] },
    /function response turn comes immediately after a function call/
  ],
  ['a call without answer', { contents: [user, calls] }, /number of function response parts is equal to/],
  ['a call left open', { contents: [user, calls, user] }, /number of function response parts is equal to/],
  ['a call first', { contents: [calls, results] }, /function call turn comes immediately after a user turn/],
  [
    'too many answers',
    { contents: [user, calls, { role: 'user', parts: [...results.parts, ...results.parts] }] },
    /number of function response parts is equal to/
  ],
  [
    'answers in turns of their own',
    { contents: [user, { role: 'model', parts: [...calls.parts, ...calls.parts] }, results, results] },
    /number of function response parts is equal to/
  ],
  [
    'the answer of another function',
    { contents: [user, calls, { role: 'user', parts: [{ functionResponse: { name: 'sub', response: {} } }] }] },
    /answers no function call/
  ],
  [
    'an answer that is a text',
    { contents: [user, calls, { role: 'user', parts: [{ functionResponse: { name: 'add', response: '4' } }] }] },
    /function_response\.response' \(type\.googleapis\.com\/google\.protobuf\.Struct\), "4"$/
  ]
]

for (const [what, more, message] of REFUSALS) {
  test(`gemini: refused: ${what}`, async () => {
    const answer = await post(sim, 'gemini', ask('gemini', 'm', 'x', more))
    const { error } = answer.json()
    assert.match(error.message.trim(), message)
    assert.deepEqual([answer.status, error.code, error.status], [400, 400, 'INVALID_ARGUMENT'])
  })
}

test('gemini: everything unreadable is told at once, with its places', async () => {
  const answer = await post(sim, 'gemini', ask('gemini', 'm', 'x', { a: 1, ...takes({ $id: 'x', const: 1 }) }))
  const { error } = answer.json()
  const [{ '@type': type, fieldViolations }] = error.details
  assert.equal(type, 'type.googleapis.com/google.rpc.BadRequest')
  const place = 'tools[0].function_declarations[0].parameters.properties[0].value'
  assert.deepEqual(
    fieldViolations.map((violation: Any) => violation.field),
    [undefined, place, place]
  )
  assert.equal(error.message, fieldViolations.map((violation: Any) => violation.description).join('\n'))
})

test('gemini: a cache that is not there is forbidden', async () => {
  const answer = await post(sim, 'gemini', ask('gemini', 'm', 'x', { cachedContent: 'cachedContents/x' }))
  assert.deepEqual([answer.status, answer.json().error.status], [403, 'PERMISSION_DENIED'])
})

/** A signed call of this model, in its turn. */
async function signedTurn(model: string): Promise<Any> {
  const reply = await post(sim, 'gemini', ask('gemini', model, 'add, sub', { tools: TOOLS.gemini(['add', 'sub']) }))
  const { content } = reply.json().candidates[0]
  assert.deepEqual(
    content.parts.map((part: Any) => [part.functionCall.name, part.thoughtSignature !== undefined]),
    [
      ['add', true],
      ['sub', false]
    ]
  )
  return content
}

const BOTH = {
  role: 'user',
  parts: ['add', 'sub'].map(name => ({ functionResponse: { name, response: { result: 4 } } }))
}

test('gemini: the signature of the current turn is demanded by models from 3 on', async () => {
  const content = await signedTurn('gemini-3-pro')
  const answers = {
    role: 'user',
    parts: content.parts.map(({ functionCall: { id, name } }: Any) => ({
      functionResponse: { id, name, response: { result: 4 } }
    }))
  }
  const replay = async (model: string, turn: Any, after: Any[] = []): Promise<[number, string]> => {
    const answer = await post(sim, 'gemini', { model, contents: [user, turn, answers, ...after] })
    return [answer.status, answer.json().error?.message ?? '']
  }
  const with_ = (thoughtSignature: string | undefined): Any => ({
    ...content,
    parts: [{ ...content.parts[0], thoughtSignature }, content.parts[1]]
  })
  assert.deepEqual(await replay('gemini-3-pro', content), [200, ''])
  assert.deepEqual(await replay('gemini-3-pro', with_('skip_thought_signature_validator')), [200, ''])
  const [status, missing] = await replay('gemini-3-pro', with_(undefined))
  assert.equal(status, 400)
  assert.match(missing, /is missing a thought_signature in functionCall parts.*`default_api:add` , position 2/)
  // an older model, and a turn that is over, go without
  assert.deepEqual(await replay('gemini-2.5-pro', with_(undefined)), [200, ''])
  const over = [{ role: 'model', parts: [{ text: 'done' }] }, user]
  assert.deepEqual(await replay('gemini-3-pro', with_(undefined), over), [200, ''])
  const path = '/v1/projects/p/locations/global/publishers/google/models/gemini-3-pro:generateContent'
  const vertex = await send(sim, 'POST', path, { contents: [user, with_(undefined), answers] })
  assert.match(vertex.json().error.message, /function call `add` in the 2\. content block is missing/)
})

test('gemini: a signature that was altered, moved or made by others is refused', async () => {
  const content = await signedTurn('gemini-2.5-flash')
  const signature: string = content.parts[0].thoughtSignature
  const [add, sub] = content.parts
  const turns = [
    { ...content, parts: [{ ...add, thoughtSignature: `AAAA${signature.slice(4)}` }, sub] },
    { ...content, parts: [{ ...add, thoughtSignature: `${signature.slice(0, 20)}AAAA${signature.slice(24)}` }, sub] },
    { ...content, parts: [add, { ...sub, thoughtSignature: signature }] },
    { ...content, parts: [{ text: 'x', thoughtSignature: signature }, add, sub] }
  ]
  for (const turn of turns) {
    const answer = await post(sim, 'gemini', { model: 'gemini-2.5-flash', contents: [user, turn, BOTH] })
    assert.equal(answer.status, 400)
    assert.match(answer.json().error.message, /^(Corrupted|Invalid) thought signature\.$/)
  }
})

const ACCEPTED: [what: string, more: object][] = [
  ['names with underscores', { system_instruction: { parts: [{ text: 'be' }] }, generation_config: { top_k: 3 } }],
  ['one value for a list', { contents: { parts: { text: 'x' } }, systemInstruction: { parts: { text: 'be' } } }],
  ['numbers as text', configured({ maxOutputTokens: '100', temperature: '0.5' })],
  ['null members', { tools: null, safetySettings: null, generationConfig: null, toolConfig: null }],
  [
    'enums in lower case and as numbers',
    { ...takes({ type: 'string' }), safetySettings: [{ category: 10, threshold: 3 }] }
  ],
  ['a file by address', saying({ fileData: { mimeType: 'video/mp4', fileUri: 'gs://bucket/a.mp4' } })],
  [
    'any JSON schema',
    declares({ name: 'a', parametersJsonSchema: { $ref: '#/$defs/a', additionalProperties: false } })
  ],
  ['a turn of the model at the end', { contents: [user, { role: 'model', parts: [{ text: 'You' }] }] }]
]

for (const [what, more] of ACCEPTED) {
  test(`gemini: accepted: ${what}`, async () => {
    const answer = await post(sim, 'gemini', ask('gemini', 'm', 'x', more))
    assert.equal(answer.status, 200, answer.text)
  })
}
