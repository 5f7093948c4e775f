import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest, Message, Part } from '../../../src/dialects/canonical.ts'
import { DEFAULT_OUTPUT_TOKENS_MAX } from '../../../src/dialects/claude-fit.ts'
import type { JsonObject } from '../../../src/json.ts'
import { fit } from './support.ts'

const text = (words: string): Part => ({ type: 'text', text: words })
const user = (...parts: (Part | string)[]): Message => said('user', parts)
const assistant = (...parts: (Part | string)[]): Message => said('assistant', parts)
const system = (...parts: (Part | string)[]): Message => said('system', parts)
const call = (id: string, input = '{"a":1}'): Part => ({ type: 'tool-call', id, name: 'f', input })
const result = (id: string, words = 'done'): Part => ({ type: 'tool-result', id, content: [text(words)], plain: true })

function said(role: Message['role'], parts: (Part | string)[]): Message {
  return { role, parts: parts.map(part => (typeof part === 'string' ? text(part) : part)) }
}

function turns(messages: Message[], request: Partial<ChatRequest> = {}) {
  const { body, losses } = fit({ ...request, messages })
  return { messages: body.messages, system: body.system, losses }
}

describe('turns of another dialect', () => {
  it('leading system and developer messages become `system`', () => {
    const { body } = fit({ messages: [system('a'), said('developer', ['b']), user('hi')] })
    assert.deepEqual(body.system, [
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' }
    ])
    assert.equal(fit({ messages: [system('a'), user('hi')] }).body.system, 'a')
  })

  it('one between the turns goes to `system` and its place is named', () => {
    const { system: top, losses } = turns([user('hi'), assistant('ho'), system('be brief'), user('well?')])
    assert.equal(top, 'be brief')
    assert.deepEqual(losses, ['messages[2].place'])
  })

  it('or stays where the model takes it: after a user turn, before an assistant turn or the end', () => {
    const opus = { model: 'claude-opus-4-8' }
    const stays = turns([user('hi'), system('be brief'), assistant('ho'), user('well?')], opus)
    assert.deepEqual(stays.messages, [
      { role: 'user', content: 'hi' },
      { role: 'system', content: 'be brief' },
      { role: 'assistant', content: 'ho' },
      { role: 'user', content: 'well?' }
    ])
    assert.deepEqual(stays.losses, [])
    assert.deepEqual(turns([user('hi'), system('a'), user('b')], opus).losses, ['messages[1].place'])
  })

  it('neighbours of one role become one turn, with tool results first', () => {
    const { messages, losses } = turns([
      user('go'),
      assistant('calling', call('1')),
      assistant(call('2')),
      user(text('and hurry'), result('1')),
      user(result('2')),
      user('now')
    ])
    assert.deepEqual(messages, [
      { role: 'user', content: 'go' },
      {
        role: 'assistant',
        content: [
          { type: 'text', text: 'calling' },
          { type: 'tool_use', id: '1', name: 'f', input: { a: 1 } },
          { type: 'tool_use', id: '2', name: 'f', input: { a: 1 } }
        ]
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: '1', content: 'done' },
          { type: 'tool_result', tool_use_id: '2', content: 'done' },
          { type: 'text', text: 'and hurry' },
          { type: 'text', text: 'now' }
        ]
      }
    ])
    assert.deepEqual(losses, [])
  })

  it('empty texts say nothing; blank ones are named; a turn of nothing is none', () => {
    const { messages, losses } = turns([user('hi'), assistant(''), user('  ', 'there')])
    assert.deepEqual(messages, [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hi' },
          { type: 'text', text: 'there' }
        ]
      }
    ])
    assert.deepEqual(losses, ['messages[2].content[0].text'])
  })

  it('a conversation that the assistant begins gets a user turn before it, named', () => {
    const { messages, losses } = turns([assistant('Hello!'), user('hi')])
    assert.deepEqual((messages as JsonObject[])[0], { role: 'user', content: 'Continue.' })
    assert.deepEqual(losses, ['messages[0].place'])
    assert.deepEqual(turns([system('only this')]).messages, [{ role: 'user', content: 'Continue.' }])
  })

  it('a last assistant turn is continued without trailing space, or not at all where the model cannot', () => {
    const older = turns([user('hi'), assistant('So: ')])
    assert.deepEqual((older.messages as JsonObject[])[1], { role: 'assistant', content: 'So:' })
    assert.deepEqual(older.losses, ['messages[1].trailing_space'])
    const newer = turns([user('hi'), assistant('So: ')], { model: 'claude-opus-4-6' })
    assert.deepEqual((newer.messages as JsonObject[])[2], { role: 'user', content: 'Continue.' })
    assert.deepEqual(newer.losses, ['messages[1].place'])
  })

  it('arguments: none is an empty object, what is no object goes as text, ids are spelt alike', () => {
    const { messages, losses } = turns([
      user('go'),
      assistant(call('functions.f:0', ''), call('b', '{"open":'), call('c', '[1]')),
      user(result('functions.f:0'), result('b'), result('c'))
    ])
    const [, calls, results] = messages as { content: JsonObject[] }[]
    assert.deepEqual(
      calls!.content.map(block => [block.id, block.input]),
      [
        ['functions_f_0', {}],
        ['b', { _raw: '{"open":' }],
        ['c', { _raw: '[1]' }]
      ]
    )
    assert.equal(results!.content[0]!.tool_use_id, 'functions_f_0')
    assert.deepEqual(losses, ['messages[1].content[1].input', 'messages[1].content[2].input'])
  })

  it('thinking passes only with our own signature', () => {
    const own: Part = { type: 'thinking', text: 'hm', seal: { maker: 'anthropic-messages', value: 'sig' } }
    const foreign: Part = { type: 'thinking', text: 'hm', seal: { maker: 'openai-chat', value: [1] } }
    const { messages, losses } = turns([
      user('hi'),
      assistant(own, foreign, { type: 'thinking', text: 'hm' }, 'ho'),
      user('?')
    ])
    assert.deepEqual((messages as { content: unknown }[])[1]!.content, [
      { type: 'thinking', thinking: 'hm', signature: 'sig' },
      { type: 'text', text: 'ho' }
    ])
    assert.deepEqual(losses, ['messages[1].content[1].thinking', 'messages[1].content[2].thinking'])
  })

  it('media: data URLs, addresses, files; what the provider cannot read is named', () => {
    const png = 'iVBORw0KGgoAAAA'
    const parts: Part[] = [
      { type: 'media', mediaType: 'image/*', url: `data:image/png;base64,${png}` },
      { type: 'media', mediaType: 'image/*', data: png, detail: 'auto' },
      { type: 'media', mediaType: 'image/*', url: 'https://example.com/a.jpg', detail: 'high' },
      { type: 'media', mediaType: 'application/pdf', data: 'JVBERi0=', name: 'a.pdf' },
      { type: 'media', mediaType: 'text/markdown', data: Buffer.from('# hi').toString('base64') },
      { type: 'media', mediaType: 'audio/wav', data: 'UklGRg==' },
      { type: 'media', mediaType: 'image/svg+xml', data: 'PHN2Zz4=' },
      { type: 'media', mediaType: 'application/octet-stream', fileId: { maker: 'openai-chat', value: 'file-1' } }
    ]
    const { messages, losses } = turns([user(...parts)])
    assert.deepEqual((messages as { content: unknown }[])[0]!.content, [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } },
      { type: 'image', source: { type: 'url', url: 'https://example.com/a.jpg' } },
      {
        type: 'document',
        source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' },
        title: 'a.pdf'
      },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: '# hi' } }
    ])
    assert.deepEqual(losses, [
      'messages[0].content[2].detail',
      'messages[0].content[5].audio',
      'messages[0].content[6].image/svg+xml',
      'messages[0].content[7].file_id'
    ])
  })

  it('cache marks keep their lifetime; one on a message is on its last part', () => {
    const marked: Message = { ...user({ ...text('a'), cache: { ttl: '1h' } } as Part, 'b'), cache: {} }
    assert.deepEqual((turns([marked]).messages as { content: unknown }[])[0]!.content, [
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral', ttl: '1h' } },
      { type: 'text', text: 'b', cache_control: { type: 'ephemeral' } }
    ])
  })

  it('names, foreign members and foreign blocks are named', () => {
    const rest = { maker: 'openai-chat', value: { audio: { id: 'x' } } } as const
    const native: Part = { type: 'native', seal: { maker: 'openai-chat', value: { type: 'hologram' } } }
    const { losses } = turns([{ ...user('hi', native), name: 'Ann', rest }])
    assert.deepEqual(losses.toSorted(), ['messages[0].audio', 'messages[0].content[1].hologram', 'messages[0].name'])
  })
})

describe('settings of another dialect', () => {
  const cases: [string, Partial<ChatRequest>, JsonObject, string[]][] = [
    ['a cap is required', {}, { max_tokens: DEFAULT_OUTPUT_TOKENS_MAX }, []],
    ['a temperature above 1 is 1', { temperature: 1.4 }, { temperature: 1 }, ['temperature']],
    [
      'both kinds of sampling where one is taken',
      { temperature: 0.5, topP: 0.9 },
      { temperature: 0.5, top_p: undefined },
      ['top_p']
    ],
    [
      'no sampling where none is taken',
      { model: 'claude-opus-4-7', temperature: 0.5, topP: 0.9, topK: 3 },
      { temperature: undefined, top_p: undefined, top_k: undefined },
      ['temperature', 'top_p', 'top_k']
    ],
    [
      'defaults are left out in silence',
      { model: 'claude-opus-4-7', temperature: 1, topP: 1 },
      { temperature: undefined },
      []
    ],
    [
      'an effort, adaptive',
      { model: 'claude-opus-4-7', reasoning: { effort: 'xhigh' } },
      { thinking: { type: 'adaptive' }, output_config: { effort: 'xhigh' } },
      []
    ],
    [
      'an effort the model lacks',
      { model: 'claude-opus-4-6', reasoning: { effort: 'xhigh' } },
      { output_config: { effort: 'high' } },
      ['reasoning_effort']
    ],
    [
      'the least effort',
      { model: 'claude-opus-4-6', reasoning: { effort: 'minimal' } },
      { output_config: { effort: 'low' } },
      ['reasoning_effort']
    ],
    [
      'an effort as a budget',
      { reasoning: { effort: 'medium' } },
      { thinking: { type: 'enabled', budget_tokens: 8192 }, max_tokens: 16_384 },
      []
    ],
    [
      'a budget within the cap',
      { reasoning: { effort: 'high' }, outputTokensMax: 6000 },
      { thinking: { type: 'enabled', budget_tokens: 3000 }, max_tokens: 6000 },
      []
    ],
    [
      'a cap below any budget',
      { reasoning: { effort: 'low' }, outputTokensMax: 100 },
      { thinking: { type: 'enabled', budget_tokens: 1024 }, max_tokens: 1124 },
      ['max_tokens']
    ],
    [
      'an explicit budget raises the cap',
      { reasoning: { budgetTokens: 5000 }, outputTokensMax: 4000 },
      { max_tokens: 9000 },
      ['max_tokens']
    ],
    [
      'an explicit budget where none is taken',
      { model: 'claude-opus-4-7', reasoning: { budgetTokens: 5000 } },
      { thinking: { type: 'adaptive' } },
      ['thinking.budget_tokens']
    ],
    ['no effort where thinking is off anyway', { reasoning: { effort: 'none' } }, { thinking: undefined }, []],
    [
      'no effort where thinking is on unasked',
      { model: 'claude-opus-5', reasoning: { effort: 'none' } },
      { thinking: { type: 'disabled' } },
      []
    ],
    [
      'no effort where thinking never stops',
      { model: 'claude-opus-5-5', reasoning: { effort: 'none' } },
      { output_config: { effort: 'low' } },
      ['reasoning_effort']
    ],
    [
      'an effort of a model that cannot think',
      { model: 'claude-3-5-haiku-20241022', reasoning: { effort: 'high' } },
      { thinking: undefined },
      ['reasoning_effort']
    ],
    [
      'thinking fixes sampling',
      { reasoning: { effort: 'low' }, temperature: 0.2, topP: 0.5, topK: 5 },
      { temperature: undefined, top_p: undefined, top_k: undefined },
      ['temperature', 'top_p', 'top_k']
    ],
    ['JSON without a schema', { format: { type: 'json' } }, { output_config: undefined }, ['response_format']],
    [
      'what nobody here has',
      { n: 2, seed: 1, logprobs: { top: 2 }, frequencyPenalty: 1, presencePenalty: -1 },
      {},
      ['n', 'seed', 'frequency_penalty', 'presence_penalty', 'logprobs']
    ],
    ['defaults of the same', { n: 1, frequencyPenalty: 0, streamUsage: true }, {}, []],
    ['stop sequences that are blank', { stop: ['\n', 'END'] }, { stop_sequences: ['END'] }, ['stop[0]']],
    ['tiers', { serviceTier: 'default' }, { service_tier: 'standard_only' }, []],
    ['a foreign tier', { serviceTier: 'flex' }, { service_tier: undefined }, ['service_tier']],
    ['the end user', { user: 'u1' }, { metadata: { user_id: 'u1' } }, []],
    ['foreign members', { rest: { maker: 'openai-chat', value: { logit_bias: { a: 1 } } } }, {}, ['logit_bias']]
  ]
  for (const [name, request, expected, losses] of cases) {
    it(name, () => {
      const made = fit(request)
      for (const [member, value] of Object.entries(expected)) assert.deepEqual(made.body[member], value, member)
      assert.deepEqual(made.losses, losses)
    })
  }

  it('with a budget, a tool loop without signed thinking is not thought about', () => {
    const messages = [user('go'), assistant(call('1')), user(result('1'))]
    const { body, losses } = fit({ messages, reasoning: { effort: 'high' } })
    assert.equal(body.thinking, undefined)
    assert.deepEqual(losses, ['reasoning_effort'])
    assert.deepEqual(fit({ messages, reasoning: { effort: 'high' }, model: 'claude-opus-4-6' }).losses, [])
  })
})
