import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest, Message, Part } from '../../../src/dialects/canonical.ts'
import { dialect } from '../../../src/dialects/openai-chat/index.ts'
import { dropCarriedThinking } from '../../../src/dialects/openai-chat/thinking.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fixtures } from '../../support/dialects.ts'

const SEAL = { maker: 'anthropic-messages', value: 'c2lnbmVk' } as const

const fixture = (name: string): JsonObject =>
  fixtures('openai-chat', 'requests')
    .find(each => each.name === name)!
    .body()

function encode(request: Partial<ChatRequest> & { messages: Message[] }): { body: JsonObject; losses: string[] } {
  const losses: string[] = []
  return { body: dialect.encodeRequest({ model: 'm', stream: false, ...request }, losses), losses }
}

const user = (...parts: Part[]): Message => ({ role: 'user', parts })
const assistant = (...parts: Part[]): Message => ({ role: 'assistant', parts })
const text = (content: string): Part => ({ type: 'text', text: content })

describe('what a request says in no dialect', () => {
  const { messages, ...settings } = dialect.decodeRequest(fixture('fullest'))

  it('settings', () => {
    const { rest: _rest, spelling: _spelling, tools: _tools, format: _format, ...plain } = settings
    assert.deepEqual(plain, {
      model: 'gpt-5.5',
      stream: true,
      toolChoice: { type: 'tool', name: 'book' },
      parallelToolCalls: false,
      outputTokensMax: 800,
      temperature: 0.4,
      topP: 0.9,
      stop: ['END', '\n\n'],
      n: 2,
      seed: 42,
      frequencyPenalty: 0.1,
      presencePenalty: -0.2,
      logprobs: { top: 3 },
      reasoning: { effort: 'minimal' },
      user: 'user-17',
      serviceTier: 'flex',
      streamUsage: true
    })
  })

  it('tools: functions, and one that takes free text', () => {
    assert.deepEqual(
      settings.tools?.map(tool => [tool.name, tool.strict, tool.input !== undefined, tool.freeform?.format?.maker]),
      [
        ['find_station', true, true, undefined],
        ['book', undefined, false, undefined],
        ['query', undefined, false, 'openai-chat']
      ]
    )
  })

  it('media by where they are', () => {
    const media = messages[2]!.parts.filter(part => part.type === 'media')
    assert.deepEqual(
      media.map(part => [part.mediaType, part.data ?? part.url ?? part.fileId?.value, part.name ?? part.detail]),
      [
        ['image/*', 'https://pictures.example/station.jpg', 'low'],
        ['image/png', 'iVBORw0KGgo=', 'auto'],
        ['audio/wav', 'UklGRg==', undefined],
        ['audio/mpeg', 'SUQz', undefined],
        ['application/pdf', 'JVBERi0=', 'timetable.pdf'],
        ['application/octet-stream', 'file-abc123', undefined]
      ]
    )
    assert.equal(messages[2]!.parts.at(-1)?.type, 'native')
  })

  it('calls keep their argument text, results are user messages', () => {
    const calls = messages[3]!.parts.filter(part => part.type === 'tool-call')
    assert.deepEqual(
      calls.map(call => call.input),
      ['{ "place": "Gent" }', '{"place":', 'SELECT 1']
    )
    assert.equal(messages[4]!.role, 'user')
    assert.deepEqual(messages[4]!.parts, [
      { type: 'tool-result', id: 'call_a1', content: [text('Gent-Sint-Pieters')], plain: true }
    ])
  })

  it('a legacy function result finds the call it answers', () => {
    const legacy = dialect.decodeRequest(fixture('legacy'))
    const ids = legacy.messages.flatMap(message => message.parts).map(part => ('id' in part ? part.id : ''))
    assert.deepEqual(ids, ['', 'call_0', 'call_0', 'call_1', 'call_1'])
  })

  it('reasoning and cache marks of its kin', () => {
    const kin = dialect.decodeRequest(fixture('kin'))
    assert.deepEqual(kin.messages[0]!.parts[0]!.cache, { ttl: '1h' })
    assert.deepEqual(kin.messages[1]!.cache, {})
    const thinking = kin.messages.flatMap(message => message.parts).filter(part => part.type === 'thinking')
    assert.deepEqual(
      thinking.map(part => [part.text, part.seal?.maker]),
      [
        ['The distance is in the tool.', undefined],
        ['It said twelve.', undefined],
        ['Checked.', 'openai-chat'],
        ['In short:', undefined]
      ]
    )
    assert.equal(kin.topK, 40)
    assert.deepEqual(kin.toolChoice, { type: 'required' })
    assert.deepEqual(kin.stop, ['END'])
    assert.equal(kin.outputTokensMax, 100)
  })
})

describe('a request with a fault is refused with its path', () => {
  const valid = { model: 'm', messages: [{ role: 'user', content: 'hi' }] }
  const cases: [name: string, body: JsonObject, code: string, param: string][] = [
    ['no model', { messages: [] }, 'missing_field', 'model'],
    ['a number as model', { ...valid, model: 7 }, 'wrong_type', 'model'],
    ['no messages', { model: 'm' }, 'missing_field', 'messages'],
    ['messages as text', { model: 'm', messages: 'hi' }, 'wrong_type', 'messages'],
    ['a text as message', { model: 'm', messages: ['hi'] }, 'wrong_type', 'messages[0]'],
    ['no role', { model: 'm', messages: [{ content: 'hi' }] }, 'missing_field', 'messages[0].role'],
    ['an unknown role', { model: 'm', messages: [{ role: 'robot', content: '' }] }, 'wrong_type', 'messages[0].role'],
    ['null content', { model: 'm', messages: [{ role: 'user', content: null }] }, 'wrong_type', 'messages[0].content'],
    ['no content', { model: 'm', messages: [{ role: 'user' }] }, 'missing_field', 'messages[0].content'],
    [
      'content as number',
      { model: 'm', messages: [{ role: 'user', content: 1 }] },
      'wrong_type',
      'messages[0].content'
    ],
    [
      'a part without text',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'text' }] }] },
      'missing_field',
      'messages[0].content[0].text'
    ],
    [
      'an image without address',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 3 } }] }] },
      'wrong_type',
      'messages[0].content[0].image_url.url'
    ],
    [
      'a result without its call',
      { model: 'm', messages: [{ role: 'tool', content: '' }] },
      'missing_field',
      'messages[0].tool_call_id'
    ],
    [
      'a call without a name',
      { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ id: 'c', type: 'function', function: {} }] }] },
      'missing_field',
      'messages[0].tool_calls[0].function.name'
    ],
    [
      'a tool without a name',
      { ...valid, tools: [{ type: 'function', function: {} }] },
      'missing_field',
      'tools[0].function.name'
    ],
    ['temperature as text', { ...valid, temperature: '1' }, 'wrong_type', 'temperature'],
    ['stream as text', { ...valid, stream: 'yes' }, 'wrong_type', 'stream'],
    ['a number among stops', { ...valid, stop: ['a', 1] }, 'wrong_type', 'stop[1]'],
    ['format as text', { ...valid, response_format: 'json' }, 'wrong_type', 'response_format'],
    [
      'usage option as text',
      { ...valid, stream_options: { include_usage: 1 } },
      'wrong_type',
      'stream_options.include_usage'
    ],
    ['choice as number', { ...valid, tool_choice: 1 }, 'wrong_type', 'tool_choice']
  ]
  for (const [name, body, code, param] of cases) {
    it(name, () => {
      assert.throws(
        () => dialect.decodeRequest(body),
        (thrown: unknown) => {
          assert.ok(thrown instanceof Failure)
          assert.deepEqual([thrown.code, thrown.param, thrown.status], [code, param, 400])
          assert.ok(thrown.message.startsWith(`${param}: `))
          return true
        }
      )
    })
  }
})

describe('a request of another dialect, said to an OpenAI provider', () => {
  it('results become tool messages; what they cannot hold follows as the user', () => {
    const image: Part = { type: 'media', mediaType: 'image/png', data: 'iVBO' }
    const { body, losses } = encode({
      messages: [
        user(
          text('and now?'),
          { type: 'tool-result', id: 'a', content: [text('one'), image], failed: true },
          { type: 'tool-result', id: 'b', content: [] }
        )
      ]
    })
    assert.deepEqual(body.messages, [
      { role: 'tool', tool_call_id: 'a', content: 'one' },
      { role: 'tool', tool_call_id: 'b', content: '' },
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBO' } },
          { type: 'text', text: 'and now?' }
        ]
      }
    ])
    assert.deepEqual(losses, ['messages[0].content[1].is_error'])
  })

  it('an assistant turn is one string, and content is null beside calls alone', () => {
    const call: Part = { type: 'tool-call', id: 'c', name: 'f', input: '{}' }
    const { body } = encode({ messages: [assistant(text('a'), text('b'), call), assistant(call)] })
    const [first, second] = body.messages as JsonObject[]
    assert.equal(first!.content, 'ab')
    assert.equal(second!.content, null)
  })

  it('thinking that another maker signed stays out, and is named', () => {
    const { body, losses } = encode({
      messages: [
        assistant({ type: 'thinking', text: 'hm', seal: SEAL }, { type: 'thinking', text: '', seal: SEAL }, text('a'))
      ]
    })
    assert.deepEqual(body.messages, [{ role: 'assistant', content: 'a' }])
    assert.deepEqual(losses, [
      'messages[0].content[0].thinking',
      'messages[0].content[0].signature',
      'messages[0].content[1].signature'
    ])
  })

  it('unsigned thinking goes on as reasoning_content', () => {
    const { body, losses } = encode({ messages: [assistant({ type: 'thinking', text: 'hm' }, text('a'))] })
    assert.deepEqual(body.messages, [{ role: 'assistant', content: 'a', reasoning_content: 'hm' }])
    assert.deepEqual(losses, [])
  })

  it('documents: bytes as file, text as text, an address is named', () => {
    const { body, losses } = encode({
      messages: [
        user(
          { type: 'media', mediaType: 'application/pdf', data: 'JVBE', title: 'Report.pdf', cite: true },
          { type: 'media', mediaType: 'text/plain', text: 'plain words', title: 'T' },
          { type: 'media', mediaType: 'application/pdf', url: 'https://a.example/x.pdf' },
          { type: 'media', mediaType: 'application/pdf', fileId: { maker: 'anthropic-messages', value: 'file_1' } }
        )
      ]
    })
    assert.deepEqual((body.messages as JsonObject[])[0]!.content, [
      { type: 'file', file: { filename: 'Report.pdf', file_data: 'data:application/pdf;base64,JVBE' } },
      { type: 'text', text: 'plain words' }
    ])
    assert.deepEqual(losses, [
      'messages[0].content[0].citations',
      'messages[0].content[1].title',
      'messages[0].content[2]',
      'messages[0].content[3]'
    ])
  })

  it('settings without a word here are named, each once', () => {
    const { body, losses } = encode({
      messages: [
        { ...user({ ...text('x'), cache: { ttl: '1h' } }), rest: { maker: 'anthropic-messages', value: { stamp: 1 } } }
      ],
      topK: 5,
      reasoning: { budgetTokens: 10_000, display: 'omitted' },
      serviceTier: 'standard_only',
      outputTokensMax: 9,
      rest: { maker: 'anthropic-messages', value: { container: 'c', top_k: 5 } }
    })
    assert.deepEqual(losses, [
      'messages[0].content[0].cache_control',
      'messages[0].stamp',
      'top_k',
      'thinking.budget_tokens',
      'thinking.display',
      'container'
    ])
    assert.deepEqual(body, {
      model: 'm',
      messages: [{ role: 'user', content: 'x' }],
      max_completion_tokens: 9,
      reasoning_effort: 'medium',
      service_tier: 'default'
    })
  })

  it('tools that are all native take their choice with them', () => {
    const native = { maker: 'anthropic-messages', value: { type: 'web_search_1' } } as const
    const { body, losses } = encode({
      messages: [user(text('x'))],
      tools: [{ name: 'web_search', native }],
      toolChoice: { type: 'required' },
      parallelToolCalls: false
    })
    assert.deepEqual(Object.keys(body), ['model', 'messages'])
    assert.deepEqual(losses, ['tools[0]', 'tool_choice'])
  })
})

describe('what is carried for another maker', () => {
  const carried = {
    role: 'assistant',
    content: 'a',
    reasoning_content: 'the last piece only',
    reasoning_details: [
      { type: 'reasoning.text', text: 'hm', signature: 'c2lnbmVk', format: 'gatehouse/anthropic-messages', index: 0 },
      { type: 'reasoning.encrypted', data: '{"data":"eA=="}', format: 'gatehouse/anthropic-messages', index: 2 }
    ]
  }

  it('comes back in its place and to the bit', () => {
    const { messages } = dialect.decodeRequest({ model: 'm', messages: [carried] })
    assert.deepEqual(messages[0]!.parts, [
      { type: 'thinking', text: 'hm', seal: SEAL },
      text('a'),
      { type: 'thinking', text: '', seal: { maker: 'anthropic-messages', value: { data: 'eA==' } } }
    ])
  })

  it('is taken out of a body that stays in this dialect', () => {
    const body: JsonObject = { model: 'm', messages: [{ ...carried }, { role: 'user', content: 'go' }] }
    assert.deepEqual(dropCarriedThinking(body), ['messages[0].reasoning_details'])
    assert.deepEqual(body.messages, [
      { role: 'assistant', content: 'a' },
      { role: 'user', content: 'go' }
    ])
    assert.deepEqual(dropCarriedThinking(fixture('kin')), [])
  })
})
