import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest, Message, Part, Reasoning, Seal } from '../../../src/dialects/canonical.ts'
import { dialect } from '../../../src/dialects/gemini/index.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { translateRequest } from '../../../src/dialects/translate.ts'
import type { JsonObject } from '../../../src/json.ts'

/** What a request of another dialect becomes. */
function fit(request: Partial<ChatRequest>) {
  const losses: string[] = []
  const asked: ChatRequest = { model: 'gemini-3.1-pro-preview', stream: false, messages: [user('hi')], ...request }
  return { body: dialect.encodeRequest(asked, losses), losses }
}

const text = (words: string): Part => ({ type: 'text', text: words })
const user = (words: string): Message => ({ role: 'user', parts: [text(words)] })
const call = (id: string, seal?: Seal): Part => ({
  type: 'tool-call',
  id,
  name: `f_${id}`,
  input: '{"a":1}',
  ...(seal && { seal })
})
const result = (id: string, content: Part[] = [text('ok')], failed?: boolean): Message => ({
  role: 'user',
  parts: [{ type: 'tool-result', id, content, ...(failed && { failed }) }]
})
const contentsOf = (body: JsonObject) => body.contents as { role: string; parts: JsonObject[] }[]

const SEAL: Seal = { maker: 'gemini', value: 'c2lnbmVk' }
const UNSIGNED = 'skip_thought_signature_validator'

describe('turns of another dialect', () => {
  it('results of parallel calls stand in one turn, named by their calls, before the words that follow', () => {
    const { body, losses } = fit({
      messages: [
        user('go'),
        { role: 'assistant', parts: [call('1', SEAL), call('2')] },
        user('both?'),
        result('1'),
        result('2')
      ]
    })
    assert.deepEqual(losses, [])
    assert.deepEqual(
      contentsOf(body).map(({ role }) => role),
      ['user', 'model', 'user']
    )
    assert.deepEqual(contentsOf(body)[2]!.parts, [
      { functionResponse: { id: '1', name: 'f_1', response: { output: 'ok' } } },
      { functionResponse: { id: '2', name: 'f_2', response: { output: 'ok' } } },
      { text: 'both?' }
    ])
  })

  it('a result without its call is named; a failed one says error', () => {
    const { body, losses } = fit({ messages: [user('go'), result('9', [text('no')], true)] })
    assert.deepEqual(losses, ['messages[1].content[0].name'])
    assert.deepEqual(contentsOf(body)[0]!.parts[0], {
      functionResponse: { id: '9', name: 'unknown', response: { error: 'no' } }
    })
  })

  it('the first call of a turn that no Gemini made says so, for models that ask', () => {
    const messages: Message[] = [
      user('go'),
      { role: 'assistant', parts: [text('so'), call('1'), call('2')] },
      result('1'),
      result('2')
    ]
    const signatures = (model: string) =>
      contentsOf(fit({ model, messages }).body)[1]!.parts.map(part => part.thoughtSignature)
    assert.deepEqual(signatures('gemini-3-flash-preview'), [undefined, UNSIGNED, undefined])
    assert.deepEqual(signatures('gemini-flash-latest'), [undefined, UNSIGNED, undefined])
    assert.deepEqual(signatures('gemini-2.5-pro'), [undefined, undefined, undefined])
  })

  it("Gemini's own signatures go back to the bit, others' are named", () => {
    const other: Seal = { maker: 'anthropic-messages', value: 'x' }
    const parts: Part[] = [
      { type: 'thinking', text: 'hm', seal: SEAL },
      { type: 'thinking', text: 'what', seal: other },
      { ...text('so'), seal: SEAL } as Part,
      { ...text(''), seal: SEAL } as Part,
      text(''),
      call('1', SEAL)
    ]
    const { body, losses } = fit({ messages: [user('go'), { role: 'assistant', parts }, result('1')] })
    assert.deepEqual(losses, ['messages[1].content[1].thinking'])
    assert.deepEqual(contentsOf(body)[1]!.parts, [
      { text: 'hm', thought: true, thoughtSignature: 'c2lnbmVk' },
      { text: 'so', thoughtSignature: 'c2lnbmVk' },
      { text: '', thoughtSignature: 'c2lnbmVk' },
      { functionCall: { id: '1', name: 'f_1', args: { a: 1 } }, thoughtSignature: 'c2lnbmVk' }
    ])
  })

  it('system messages go to the instruction, the place of later ones lost; the first turn is the user’s', () => {
    const { body, losses } = fit({
      messages: [
        { role: 'system', parts: [text('Be brief.')] },
        { role: 'assistant', parts: [text('Hello.')] },
        { role: 'developer', parts: [text('Be kind.')] }
      ]
    })
    assert.deepEqual(body.systemInstruction, { parts: [{ text: 'Be brief.' }, { text: 'Be kind.' }] })
    assert.deepEqual(
      contentsOf(body).map(({ role }) => role),
      ['user', 'model']
    )
    assert.deepEqual(losses, ['messages[2].place', 'messages[1].place'])
  })

  it('arguments that are no object, and none at all', () => {
    const odd = (input: string): Part => ({ type: 'tool-call', id: 'x', name: 'f', input })
    const { body, losses } = fit({
      messages: [user('go'), { role: 'assistant', parts: [odd(''), odd('[1]'), odd('oops')] }]
    })
    const args = contentsOf(body)[1]!.parts.map(part => (part.functionCall as JsonObject).args)
    assert.deepEqual(args, [{}, { _raw: '[1]' }, { _raw: 'oops' }])
    assert.deepEqual(losses, ['messages[1].content[1].input', 'messages[1].content[2].input'])
  })
})

describe('media', () => {
  const media = (part: Partial<Extract<Part, { type: 'media' }>>): Part => ({
    type: 'media',
    mediaType: 'image/*',
    ...part
  })

  it('addresses that Google fetches go as they are, others are named; families are sniffed', () => {
    const addresses = [
      'gs://b/a.png',
      'https://www.youtube.com/watch?v=1',
      'https://generativelanguage.googleapis.com/v1beta/files/1'
    ]
    for (const url of addresses) {
      assert.ok(dialect.takesAddress(media({ url }) as never), url)
      const { body } = fit({ messages: [{ role: 'user', parts: [media({ url })] }] })
      assert.deepEqual(contentsOf(body)[0]!.parts, [{ fileData: { fileUri: url } }])
    }
    const url = 'https://example.com/a.png'
    assert.equal(dialect.takesAddress(media({ url }) as never), false)
    const parts = [
      media({ url }),
      media({ data: '/9j/AA==' }),
      media({ data: 'AAAA' }),
      media({ url: 'data:image/gif;base64,R0lG' })
    ]
    const { body, losses } = fit({ messages: [{ role: 'user', parts }] })
    assert.deepEqual(losses, ['messages[0].content[0].url', 'messages[0].content[2].image/*'])
    assert.deepEqual(contentsOf(body)[0]!.parts, [
      { inlineData: { mimeType: 'image/jpeg', data: '/9j/AA==' } },
      { inlineData: { mimeType: 'image/gif', data: 'R0lG' } }
    ])
  })

  it('in a result they stand inside it where the model takes that, else beside it', () => {
    const messages = [
      user('go'),
      { role: 'assistant', parts: [call('1', SEAL)] } as Message,
      result('1', [text('see'), media({ mediaType: 'image/png', data: 'AAAA' })])
    ]
    const inline = { inlineData: { mimeType: 'image/png', data: 'AAAA' } }
    const response = { id: '1', name: 'f_1', response: { output: 'see' } }
    const newer = fit({ messages })
    assert.deepEqual(contentsOf(newer.body)[2]!.parts, [{ functionResponse: { ...response, parts: [inline] } }])
    const older = fit({ model: 'gemini-2.5-flash', messages })
    assert.deepEqual(contentsOf(older.body)[2]!.parts, [{ functionResponse: response }, inline])
    assert.deepEqual([...newer.losses, ...older.losses], [])
  })
})

describe('settings', () => {
  const thinking = (model: string, reasoning: Reasoning) => {
    const { body, losses } = fit({ model, reasoning })
    return [(body.generationConfig as JsonObject | undefined)?.thinkingConfig, losses]
  }
  const cases: [string, Reasoning, JsonObject | undefined, string[]][] = [
    ['gemini-3-pro-preview', { effort: 'low' }, { thinkingLevel: 'LOW', includeThoughts: true }, []],
    [
      'gemini-3-pro-preview',
      { effort: 'medium' },
      { thinkingLevel: 'LOW', includeThoughts: true },
      ['reasoning_effort']
    ],
    ['gemini-3.1-pro-preview', { effort: 'medium' }, { thinkingLevel: 'MEDIUM', includeThoughts: true }, []],
    ['gemini-3.1-pro-preview', { effort: 'none' }, { thinkingLevel: 'LOW' }, ['reasoning_effort']],
    [
      'gemini-3-flash-preview',
      { effort: 'xhigh' },
      { thinkingLevel: 'HIGH', includeThoughts: true },
      ['reasoning_effort']
    ],
    [
      'gemini-3-flash-preview',
      { budgetTokens: 5000 },
      { thinkingLevel: 'MEDIUM', includeThoughts: true },
      ['thinking.budget_tokens']
    ],
    ['gemini-3-flash-preview', { adaptive: true, display: 'omitted' }, {}, []],
    ['gemini-2.5-flash', { effort: 'high' }, { thinkingBudget: 24_576, includeThoughts: true }, []],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-flash', { adaptive: true }, { thinkingBudget: -1, includeThoughts: true }, []],
    ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }, ['reasoning_effort']],
    [
      'gemini-2.5-pro',
      { budgetTokens: 40_000 },
      { thinkingBudget: 32_768, includeThoughts: true },
      ['thinking.budget_tokens']
    ],
    ['gemini-2.0-flash', { effort: 'low' }, undefined, ['reasoning_effort']],
    ['gemma-3', { budgetTokens: 2000 }, undefined, ['thinking']]
  ]
  for (const [model, reasoning, config, losses] of cases) {
    it(`${model} with ${JSON.stringify(reasoning)}`, () => {
      assert.deepEqual(thinking(model, reasoning), [config, losses])
    })
  }

  it('a schema goes as it is', () => {
    const schema = {
      type: 'object',
      $defs: { a: { type: ['string', 'null'] } },
      anyOf: [{ $ref: '#/$defs/a' }],
      additionalProperties: false
    }
    const { body, losses } = fit({
      format: { type: 'json-schema', name: 'n', schema, strict: true },
      tools: [{ name: 'f', input: schema }]
    })
    assert.deepEqual(losses, [])
    assert.deepEqual(body.generationConfig, { responseMimeType: 'application/json', responseJsonSchema: schema })
    assert.deepEqual(body.tools, [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: schema }] }])
  })

  it('what no request of this dialect can say is named', () => {
    const { body, losses } = fit({
      user: 'u',
      serviceTier: 'scale',
      parallelToolCalls: false,
      tools: [
        { name: 'web', native: { maker: 'openai-chat', value: { type: 'web' } } },
        { name: 'f', strict: true, cache: {} }
      ],
      toolChoice: { type: 'tool', name: 'f' },
      rest: { maker: 'openai-chat', value: { store: true } }
    })
    assert.deepEqual(losses.sort(), [
      'parallel_tool_calls',
      'service_tier',
      'store',
      'tools[0]',
      'tools[1].cache_control',
      'tools[1].strict',
      'user'
    ])
    assert.deepEqual(body.toolConfig, { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: ['f'] } })
    const alone = fit({
      tools: [{ name: 'web', native: { maker: 'openai-chat', value: {} } }],
      toolChoice: { type: 'required' }
    })
    assert.deepEqual(alone.losses, ['tools[0]', 'tool_choice'])
    assert.equal(alone.body.toolConfig, undefined)
  })

  it('a tool of free text is a function of one', () => {
    const { body, losses } = fit({
      tools: [{ name: 'shell', freeform: {} }],
      messages: [
        user('go'),
        { role: 'assistant', parts: [{ type: 'tool-call', id: '1', name: 'shell', input: 'ls "a"', freeform: true }] }
      ]
    })
    assert.deepEqual(losses, [])
    const [first] = contentsOf(body)[1]!.parts
    assert.deepEqual((first!.functionCall as JsonObject).args, { input: 'ls "a"' })
  })
})

describe('a request of this dialect', () => {
  const ask = (body: JsonObject) => dialect.decodeRequest(body, { model: 'gemini-2.5-pro', stream: true })

  it('calls without ids get the same ones every time, and results find them by name and order', () => {
    const functionCall = (name: string) => ({ functionCall: { name, args: {} } })
    const functionResponse = (name: string, output: string) => ({ functionResponse: { name, response: { output } } })
    const { model, stream, messages } = ask({
      contents: [
        { role: 'user', parts: [{ text: 'go' }] },
        { role: 'model', parts: [functionCall('f'), functionCall('g'), functionCall('f')] },
        { role: 'user', parts: [functionResponse('g', 'G'), functionResponse('f', 'F1'), functionResponse('f', 'F2')] }
      ]
    })
    assert.deepEqual([model, stream], ['gemini-2.5-pro', true])
    const ids = messages[1]!.parts.map(part => (part as { id: string }).id)
    assert.equal(new Set(ids).size, 3)
    assert.deepEqual(
      messages[2]!.parts.map(part => (part as { id: string }).id),
      [ids[1], ids[0], ids[2]]
    )
  })

  it('schemas of the OpenAPI kind read as JSON Schema', () => {
    const parameters = {
      type: 'OBJECT',
      properties: {
        a: { type: 'STRING', nullable: true, enum: ['x'] },
        b: { type: 'ARRAY', items: { type: 'NUMBER' }, maxItems: '3' }
      },
      propertyOrdering: ['a', 'b']
    }
    const { tools } = ask({ contents: [], tools: [{ functionDeclarations: [{ name: 'f', parameters }] }] })
    assert.deepEqual(tools![0]!.input, {
      type: 'object',
      properties: {
        a: { type: ['string', 'null'], enum: ['x', null] },
        b: { type: 'array', items: { type: 'number' }, maxItems: 3 }
      }
    })
  })

  it('hosted tools and what nobody else has are named when it crosses; a cached prompt cannot', () => {
    const body = {
      contents: [{ role: 'user', parts: [{ text: 'hi' }] }],
      tools: [{ googleSearch: {} }],
      safetySettings: [{ category: 'x', threshold: 'y' }],
      generationConfig: { speechConfig: {}, temperature: 1, imageConfig: { aspectRatio: '1:1' } }
    }
    const address = { model: 'm', stream: false }
    const { losses } = translateRequest(dialect, dialects['openai-chat'], body, { address })
    assert.deepEqual(losses.sort(), [
      'generationConfig.imageConfig',
      'generationConfig.speechConfig',
      'safetySettings',
      'tools[0]'
    ])
    const cached = { ...body, cachedContent: 'cachedContents/1' }
    assert.throws(() => translateRequest(dialect, dialects['openai-chat'], cached, { address }), {
      code: 'cannot_cross'
    })
  })

  it('is refused with the path of what is wrong', () => {
    const wrong: [JsonObject, string, string][] = [
      [{}, 'missing_field', 'contents'],
      [{ contents: 'hi' }, 'wrong_type', 'contents'],
      [{ contents: [{ role: 'system', parts: [] }] }, 'wrong_type', 'contents[0].role'],
      [{ contents: [{ parts: [{ text: 7 }] }] }, 'wrong_type', 'contents[0].parts[0].text'],
      [{ contents: [{ parts: [{ functionCall: {} }] }] }, 'missing_field', 'contents[0].parts[0].functionCall.name'],
      [{ contents: [], generationConfig: { topK: 'x' } }, 'wrong_type', 'generationConfig.topK'],
      [{ contents: [], tools: [1] }, 'wrong_type', 'tools[0]']
    ]
    for (const [body, code, param] of wrong) assert.throws(() => ask(body), { code, param })
  })
})

describe('addresses', () => {
  it('say model and operation', () => {
    assert.equal(dialect.path('chat', 'gemini-3-pro', false), '/models/gemini-3-pro:generateContent')
    assert.equal(
      dialect.path('chat', 'models/gemini-3-pro', 'sse'),
      '/models/gemini-3-pro:streamGenerateContent?alt=sse'
    )
    assert.equal(dialect.path('chat', 'a/b?c', 'json-array'), '/models/a%2Fb%3Fc:streamGenerateContent')
    assert.equal(dialect.path('count-tokens', 'tunedModels/x', false), '/tunedModels/x:countTokens')
  })
})

describe('the counter', () => {
  it('asks with contents alone, or with the whole request where more counts', () => {
    const tokens = dialect.tokens!
    const asked: ChatRequest = {
      model: 'gemini-3-pro',
      stream: false,
      messages: [user('hi')],
      temperature: 1,
      outputTokensMax: 5
    }
    const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]
    assert.deepEqual(tokens.encodeRequest(asked, []), { contents })
    const tools = [{ name: 'f' }]
    assert.deepEqual(tokens.encodeRequest({ ...asked, tools }, []), {
      generateContentRequest: {
        model: 'models/gemini-3-pro',
        contents,
        tools: [{ functionDeclarations: [{ name: 'f' }] }]
      }
    })
    const wrapped = { generateContentRequest: { model: 'models/x', contents } }
    assert.deepEqual(tokens.encodeRequest(tokens.decodeRequest(wrapped), []), wrapped)
    assert.equal(tokens.decodeResponse({ totalTokens: 3 }), 3)
    assert.equal(tokens.decodeResponse({}), undefined)
  })
})
