import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dialect as anthropic } from '../../../src/dialects/anthropic-messages/index.ts'
import { dialect } from '../../../src/dialects/bedrock-converse/index.ts'
import type { ChatRequest, Message, Part } from '../../../src/dialects/canonical.ts'
import type { Dialect } from '../../../src/dialects/dialect.ts'
import { dialects } from '../../../src/dialects/index.ts'
import { dialect as openai } from '../../../src/dialects/openai-chat/index.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { fixtures, recorded } from '../../support/dialects.ts'
import { assertTaken } from './rules.ts'

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const NOVA = 'amazon.nova-2-lite-v1:0'
const GPT = 'openai.gpt-oss-120b-1:0'

const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const assistant = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const text = (words: string): Part => ({ type: 'text', text: words })
const call = (id: string, name: string, input = '{}'): Part => ({ type: 'tool-call', id, name, input })
const result = (id: string, ...content: Part[]): Part => ({ type: 'tool-result', id, content })

/** A request of no dialect that is said to Bedrock; it must be one that Bedrock takes. */
function said(request: Partial<ChatRequest>): { body: JsonObject; losses: string[] } {
  const losses: string[] = []
  const body = dialect.encodeRequest(
    { model: CLAUDE, stream: false, messages: [user(text('Ahoy.'))], ...request },
    losses
  )
  assertTaken(body, JSON.stringify(body))
  return { body, losses }
}

describe('whatever comes is said as Bedrock takes it', () => {
  const others = Object.values<Dialect>(dialects).filter(each => each !== dialect)
  for (const other of others) {
    for (const { name, body } of fixtures(other.name, 'requests')) {
      it(`${other.name} ${name}`, () => {
        for (const model of [CLAUDE, NOVA, GPT, 'meta.llama3-1-70b-instruct-v1:0']) {
          const request = other.decodeRequest(body(), { model, stream: false })
          assertTaken(dialect.encodeRequest({ ...request, model }, []), model)
        }
      })
    }
  }

  const traffic = recorded(({ operation }) => /^(chat|messages)(_stream)?$/.test(operation))
  it('recorded requests of other dialects', { skip: !traffic && 'no recorded traffic on this machine' }, () => {
    let count = 0
    for (const { path, operation, request } of traffic ?? []) {
      const other = operation.startsWith('chat') ? openai : anthropic
      if (!isObject(request.body) || !Array.isArray(request.body.messages) || /^(cohere|portkey)\//.test(path)) continue
      const decoded = other.decodeRequest({ model: CLAUDE, ...request.body })
      if (decoded.messages.length === 0) continue
      assertTaken(dialect.encodeRequest({ ...decoded, model: CLAUDE }, []), path)
      count += 1
    }
    assert.ok(count > 250)
  })
})

describe('turns', () => {
  it('of one role become one, results first, blank ones none', () => {
    const { body, losses } = said({
      messages: [
        { role: 'system', parts: [text('Be brief.')] },
        user(text('Which tide?')),
        user(text('')),
        assistant(call('a', 'tide'), call('b', 'tide')),
        user(result('a', text('high'))),
        user(text('Well?'), result('b', text(''))),
        { role: 'developer', parts: [text('Be briefer.')] }
      ],
      tools: [{ name: 'tide' }]
    })
    assert.deepEqual(body.system, [{ text: 'Be brief.' }, { text: 'Be briefer.' }])
    assert.deepEqual((body.messages as JsonObject[]).at(-1), {
      role: 'user',
      content: [
        { toolResult: { toolUseId: 'a', content: [{ text: 'high' }] } },
        { toolResult: { toolUseId: 'b', content: [{ text: '' }] } },
        { text: 'Well?' }
      ]
    })
    assert.deepEqual(losses, ['messages[6].place'])
  })

  it('begin and end with the user where they must', () => {
    const conversation = [assistant(text('Ahoy. ')), user(text('Tide?')), assistant(text('It is '))]
    const claude = said({ messages: conversation })
    assert.deepEqual(claude.losses, ['messages[0].place', 'messages[2].trailing_space'])
    assert.deepEqual((claude.body.messages as JsonObject[]).at(-1), { role: 'assistant', content: [{ text: 'It is' }] })
    const later = said({ messages: conversation, model: 'us.anthropic.claude-opus-4-6-v1' })
    assert.deepEqual((later.body.messages as JsonObject[]).at(-1), { role: 'user', content: [{ text: 'Continue.' }] })
    assert.deepEqual(later.losses, ['messages[0].place', 'messages[2].place'])
  })

  it('files: documents have their own names, and words beside them', () => {
    const pdf = { type: 'media', mediaType: 'application/pdf', data: 'JVBERi0xLjQK' } as const
    const { body, losses } = said({
      messages: [
        user(
          { ...pdf, name: 'log.pdf' },
          { ...pdf, name: 'log.pdf' },
          pdf,
          { ...pdf, name: 'the  log: part.1' },
          { type: 'media', mediaType: 'text/plain', text: 'High water at six.', title: 'Tides' }
        )
      ]
    })
    const [message] = body.messages as { content: JsonObject[] }[]
    const names = message!.content.flatMap(({ document }) => (isObject(document) ? [document.name] : []))
    assert.deepEqual(names, ['log', 'log 2', 'Document', 'the log part 1', 'Tides'])
    assert.deepEqual(losses, ['messages[0].content[1].name', 'messages[0].content[3].name'])
    assert.deepEqual((message!.content.at(-1)!.document as JsonObject).source, {
      bytes: Buffer.from('High water at six.').toString('base64')
    })
  })

  it('files: from S3 by address, from elsewhere as bytes or not at all', () => {
    const image = (url: string): Part => ({ type: 'media', mediaType: 'image/*', url })
    const png = 'iVBORw0KGgoAAAANSUhEUg=='
    const { body, losses } = said({
      messages: [
        user(
          text('What is this?'),
          { ...image('s3://harbour/a.png'), mediaType: 'image/png' } as Part,
          image(`data:image/png;base64,${png}`),
          image('https://example.com/a.png'),
          { type: 'media', mediaType: 'image/*', data: png },
          { type: 'media', mediaType: 'image/tiff', data: 'AAAA' }
        )
      ]
    })
    assert.deepEqual((body.messages as { content: Json[] }[])[0]!.content.slice(1), [
      { image: { format: 'png', source: { s3Location: { uri: 's3://harbour/a.png' } } } },
      { image: { format: 'png', source: { bytes: png } } },
      { image: { format: 'png', source: { bytes: png } } }
    ])
    assert.deepEqual(losses, ['messages[0].content[3].url', 'messages[0].content[5].image/tiff'])
    assert.ok(dialect.takesAddress(image('s3://harbour/a.png') as never))
    assert.ok(!dialect.takesAddress(image('https://example.com/a.png') as never))
  })

  it('thinking of others is named; ours goes back with its signature', () => {
    const thinking = (maker: 'anthropic-messages' | 'bedrock-converse'): Part => ({
      type: 'thinking',
      text: 'Hm.',
      seal: { maker, value: 'c2ln' }
    })
    const { body, losses } = said({
      messages: [
        user(text('Tide?')),
        assistant(thinking('anthropic-messages'), thinking('bedrock-converse'), text('High.')),
        user(text('Sure?'))
      ]
    })
    assert.deepEqual((body.messages as { content: Json[] }[])[1]!.content, [
      { reasoningContent: { reasoningText: { text: 'Hm.', signature: 'c2ln' } } },
      { text: 'High.' }
    ])
    assert.deepEqual(losses, ['messages[1].content[0].thinking'])
  })

  it('cache marks become cache points after what they mark, for models that have them', () => {
    const messages: Message[] = [
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.', cache: { ttl: '1h' } }] },
      { role: 'user', parts: [{ type: 'text', text: 'Ahoy.', cache: {} }] }
    ]
    const tools = [{ name: 'tide', cache: {} }]
    const point = { cachePoint: { type: 'default' } }
    const claude = said({ messages, tools })
    assert.deepEqual(claude.body.system, [{ text: 'Be brief.' }, { cachePoint: { type: 'default', ttl: '1h' } }])
    assert.deepEqual((claude.body.messages as { content: Json[] }[])[0]!.content.at(-1), point)
    assert.deepEqual((claude.body.toolConfig as { tools: Json[] }).tools.at(-1), point)
    assert.deepEqual(claude.losses, [])
    assert.deepEqual(said({ messages, tools, model: NOVA }).losses, ['tools[0].cache_control'])
    assert.deepEqual(said({ messages, tools, model: GPT }).losses, [
      'messages[0].content[0].cache_control',
      'messages[1].content[0].cache_control',
      'tools[0].cache_control'
    ])
  })
})

describe('tools', () => {
  const loop = [user(text('Tide?')), assistant(call('a', 'tide')), user(result('a', text('high')))]
  const config = (request: Partial<ChatRequest>) => {
    const { body, losses } = said(request)
    return { config: body.toolConfig as { tools: JsonObject[]; toolChoice?: Json } | undefined, losses }
  }

  it('names and ids that Bedrock refuses are fitted alike wherever they stand', () => {
    const long = `mcp__harbour__${'x'.repeat(80)}`
    const { body, losses } = said({
      messages: [
        user(text('?')),
        assistant(call('id|1', long), call('id|2', 'a.b')),
        user(result('id|1'), result('id|2'))
      ],
      tools: [{ name: long }, { name: 'a.b' }, { name: 'a_b' }]
    })
    const tools = (body.toolConfig as { tools: { toolSpec: JsonObject }[] }).tools.map(({ toolSpec }) => toolSpec.name)
    const [, turn, answer] = body.messages as { content: JsonObject[] }[]
    const calls = turn!.content.map(({ toolUse }) => toolUse as JsonObject)
    assert.deepEqual(
      calls.map(({ name }) => name),
      tools.slice(0, 2)
    )
    assert.equal(new Set(tools).size, 3)
    assert.deepEqual(
      answer!.content.map(({ toolResult }) => (toolResult as JsonObject).toolUseId),
      calls.map(({ toolUseId }) => toolUseId)
    )
    assert.deepEqual(losses, [])
  })

  it('that were called are declared, also where the request names none any more', () => {
    const { config: withdrawn, losses } = config({ messages: loop })
    assert.deepEqual(
      withdrawn!.tools.map(({ toolSpec }) => (toolSpec as JsonObject).name),
      ['tide']
    )
    assert.deepEqual(losses, [])
  })

  it('none of which may be called are left out, or the choice is lost', () => {
    const toolChoice = { type: 'none' } as const
    assert.deepEqual(config({ tools: [{ name: 'tide' }], toolChoice }), { config: undefined, losses: [] })
    const kept = config({ messages: loop, tools: [{ name: 'tide' }], toolChoice })
    assert.equal(kept.config!.tools.length, 1)
    assert.deepEqual(kept.losses, ['tool_choice'])
  })

  it('are forced by what the model knows', () => {
    const tools = [{ name: 'tide' }]
    const one = { type: 'tool', name: 'tide' } as const
    const choice = (model: string, toolChoice: ChatRequest['toolChoice']) => {
      const { config: made, losses } = config({ model, tools, ...(toolChoice && { toolChoice }) })
      return [made!.toolChoice, ...losses]
    }
    assert.deepEqual(choice(CLAUDE, { type: 'auto' }), [undefined])
    assert.deepEqual(choice(CLAUDE, { type: 'required' }), [{ any: {} }])
    assert.deepEqual(choice(NOVA, one), [{ tool: { name: 'tide' } }])
    assert.deepEqual(choice('mistral.mistral-large-2407-v1:0', one), [{ any: {} }, 'tool_choice'])
    assert.deepEqual(choice(GPT, { type: 'required' }), [undefined, 'tool_choice'])
    const thinking = config({ tools, toolChoice: one, reasoning: { budgetTokens: 2000 }, outputTokensMax: 4000 })
    assert.deepEqual(thinking.losses, ['tool_choice'])
  })

  it('of free text are functions, and are called so', () => {
    const { body, losses } = said({
      messages: [
        user(text('?')),
        assistant({ type: 'tool-call', id: 'a', name: 'sh', input: 'ls "x"', freeform: true }),
        user(result('a'))
      ],
      tools: [{ name: 'sh', freeform: {} }]
    })
    const [, turn] = body.messages as { content: { toolUse: JsonObject }[] }[]
    assert.deepEqual(turn!.content[0]!.toolUse.input, { input: 'ls "x"' })
    const { tools } = body.toolConfig as { tools: { toolSpec: { inputSchema: { json: JsonObject } } }[] }
    assert.deepEqual(Object.keys(tools[0]!.toolSpec.inputSchema.json.properties as JsonObject), ['input'])
    assert.deepEqual(losses, [])
  })

  it('strict ones go to models that can be held to a schema', () => {
    const tools = [
      { name: 'tide', strict: true, input: { type: 'object', properties: { port: { type: 'string', minLength: 1 } } } }
    ]
    const claude = config({ tools })
    assert.equal((claude.config!.tools[0]!.toolSpec as JsonObject).strict, true)
    assert.deepEqual(claude.losses, ['tools[0].parameters.properties.port.minLength'])
    assert.deepEqual(config({ tools, model: NOVA }).losses, ['tools[0].strict'])
  })
})

describe('settings', () => {
  const settings = (request: Partial<ChatRequest>) => {
    const { body, losses } = said(request)
    const { inferenceConfig, additionalModelRequestFields: fields, outputConfig } = body
    return JSON.parse(JSON.stringify({ inferenceConfig, fields, outputConfig, losses }))
  }

  it('common ones have their places', () => {
    assert.deepEqual(settings({ outputTokensMax: 9, temperature: 0.5, topK: 4, stop: ['END', ' '] }), {
      inferenceConfig: { maxTokens: 9, temperature: 0.5, stopSequences: ['END'] },
      fields: { top_k: 4 },
      losses: ['stop[1]']
    })
    assert.deepEqual(settings({ model: NOVA, topK: 4, temperature: 1.5 }), {
      inferenceConfig: { temperature: 1 },
      fields: { inferenceConfig: { topK: 4 } },
      losses: ['temperature']
    })
    assert.deepEqual(settings({ model: GPT, topK: 4, n: 2, seed: 1 }).losses, ['top_k', 'n', 'seed'])
  })

  it("thinking is asked for in each maker's way", () => {
    const reasoning = { effort: 'high' } as const
    assert.deepEqual(settings({ reasoning, outputTokensMax: 40_000 }), {
      inferenceConfig: { maxTokens: 40_000 },
      fields: { thinking: { type: 'enabled', budget_tokens: 16_384 } },
      losses: []
    })
    assert.deepEqual(settings({ reasoning, model: 'us.anthropic.claude-opus-4-6-v1' }), {
      fields: { thinking: { type: 'adaptive' } },
      outputConfig: { effort: 'high' },
      losses: []
    })
    assert.deepEqual(settings({ reasoning, model: GPT }), { fields: { reasoning_effort: 'high' }, losses: [] })
    assert.deepEqual(settings({ reasoning, model: NOVA, temperature: 0.5, outputTokensMax: 9 }), {
      fields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } },
      losses: ['temperature', 'max_tokens']
    })
    assert.deepEqual(settings({ reasoning: { effort: 'none' }, model: NOVA }).fields, {
      reasoningConfig: { type: 'disabled' }
    })
    assert.deepEqual(settings({ reasoning, model: 'meta.llama3-1-70b-instruct-v1:0' }), {
      losses: ['reasoning_effort']
    })
    assert.deepEqual(settings({ reasoning: { budgetTokens: 9000 }, model: GPT }), {
      fields: { reasoning_effort: 'medium' },
      losses: ['thinking.budget_tokens']
    })
  })

  it('a budget goes on through a tool loop whose thinking Bedrock signed, and not without it', () => {
    const tools = [{ name: 'tide' }]
    const loop = (...before: Part[]) => [user(text('?')), assistant(...before, call('a', 'tide')), user(result('a'))]
    const reasoning = { budgetTokens: 2000 }
    const signed: Part = { type: 'thinking', text: 'Hm.', seal: { maker: 'bedrock-converse', value: 'c2ln' } }
    assert.deepEqual(settings({ messages: loop(signed), tools, reasoning, outputTokensMax: 4000 }).losses, [])
    assert.deepEqual(settings({ messages: loop(), tools, reasoning, outputTokensMax: 4000 }).losses, [
      'reasoning_effort'
    ])
  })

  it('a schema holds the output of models that can be held to one', () => {
    const format = { type: 'json-schema', name: 'a tide', schema: { type: 'object', properties: {} } } as const
    const { outputConfig, losses } = settings({ format })
    const { schema, name } = outputConfig.textFormat.structure.jsonSchema
    assert.deepEqual(JSON.parse(schema), { type: 'object', properties: {}, additionalProperties: false })
    assert.match(name, /^a_tide_[0-9a-f]{8}$/)
    assert.deepEqual(losses, [])
    assert.deepEqual(settings({ format, model: NOVA }).losses, ['response_format'])
    assert.deepEqual(settings({ format: { type: 'json' } }).losses, ['response_format'])
  })

  it('who asks and in which tier', () => {
    const { body, losses } = said({ user: 'person-7', serviceTier: 'standard_only' })
    assert.deepEqual([body.requestMetadata, body.serviceTier, losses], [{ user: 'person-7' }, { type: 'default' }, []])
    assert.deepEqual(said({ user: '{"a":1}', serviceTier: 'scale' }).losses, ['user', 'service_tier'])
    assert.deepEqual(said({ serviceTier: 'auto' }), { body: said({}).body, losses: [] })
  })
})

describe('what belongs to the address or to AWS alone', () => {
  it('model and stream', () => {
    const { model, stream } = dialect.decodeRequest({ messages: [] }, { model: CLAUDE, stream: true })
    assert.deepEqual([model, stream], [CLAUDE, true])
    assert.equal(
      dialect.path('chat', 'arn:aws:bedrock:eu-west-1:1:inference-profile/x', false),
      '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A1%3Ainference-profile%2Fx/converse'
    )
    assert.equal(dialect.path('chat', NOVA, 'eventstream'), '/model/amazon.nova-2-lite-v1%3A0/converse-stream')
    assert.equal(dialect.path('count-tokens', NOVA, false), '/model/amazon.nova-2-lite-v1%3A0/count-tokens')
  })

  it('a prompt that AWS keeps, and its guard, cannot cross', () => {
    const { bound } = dialect.decodeRequest({ promptVariables: { a: { text: 'b' } }, guardrailConfig: {} })
    assert.deepEqual(bound, ['promptVariables', 'guardrailConfig'])
  })

  it('a count is asked with what it depends on', () => {
    const body = dialect.tokens!.encodeRequest(
      { model: CLAUDE, stream: false, messages: [user(text('Ahoy.'))], outputTokensMax: 9, user: 'p' },
      []
    )
    assert.deepEqual(body, { input: { converse: { messages: [{ role: 'user', content: [{ text: 'Ahoy.' }] }] } } })
    assert.throws(() => dialect.tokens!.decodeRequest({ input: { invokeModel: { body: 'e30=' } } }), {
      param: 'input.converse'
    })
  })
})
