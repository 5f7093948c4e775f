import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ChatRequest } from '../../../src/dialects/canonical.ts'
import { dialect } from '../../../src/dialects/openai-responses/index.ts'
import { Failure } from '../../../src/errors.ts'
import { JsonBody, type JsonObject } from '../../../src/json.ts'
import { fixtures } from '../../support/dialects.ts'

const fixture = (name: string): JsonObject =>
  fixtures('openai-responses', 'requests')
    .find(each => each.name === name)!
    .body()
const { messages, ...settings } = dialect.decodeRequest(fixture('fullest'))

describe('what a request says in no dialect', () => {
  it('settings', () => {
    const { rest, spelling: _, tools: _tools, ...said } = settings
    assert.deepEqual(said, {
      maker: 'openai-responses',
      model: 'gpt-5.4',
      stream: true,
      toolChoice: { type: 'tool', name: 'tides' },
      parallelToolCalls: false,
      outputTokensMax: 1200,
      temperature: 0.3,
      topP: 0.9,
      logprobs: { top: 2 },
      format: {
        type: 'json-schema',
        name: 'depth',
        description: 'The depth',
        schema: { type: 'object', properties: { metres: { type: 'number' } } },
        strict: true
      },
      reasoning: { effort: 'low', display: 'summarized' },
      user: 'sailor',
      serviceTier: 'flex',
      bound: ['tools[4].web_search']
    })
    assert.deepEqual(Object.keys(rest!.value as JsonObject).sort(), [
      'client_metadata',
      'include',
      'max_tool_calls',
      'metadata',
      'prompt_cache_key',
      'prompt_cache_retention',
      'safety_identifier',
      'text.verbosity',
      'truncation'
    ])
  })

  it('tools: functions, free text, groups by their joined names, the provider’s own', () => {
    assert.deepEqual(
      settings.tools?.map(tool => [tool.name, tool.strict, tool.freeform?.format !== undefined, tool.native?.maker]),
      [
        ['tides', true, false, undefined],
        ['chart_sql', undefined, true, undefined],
        ['note', undefined, false, undefined],
        ['coast__warn', false, false, undefined],
        ['coast__call', undefined, false, undefined],
        ['web_search', undefined, false, 'openai-responses']
      ]
    )
  })

  it('items that follow one another are one turn of the assistant’s, outputs are a user’s', () => {
    assert.deepEqual(
      messages.map(({ role, parts }) => [role, ...parts.map(part => part.type)]),
      [
        ['system', 'text'],
        ['developer', 'text'],
        ['system', 'text'],
        ['user', 'text', 'media', 'media', 'media', 'media', 'media', 'media', 'media', 'native'],
        ['assistant', 'thinking', 'text', 'text', 'tool-call', 'tool-call', 'tool-call'],
        ['user', 'tool-result'],
        ['user', 'tool-result'],
        ['user', 'tool-result'],
        ['assistant', 'native', 'text', 'refusal'],
        ['user', 'text']
      ]
    )
  })

  it('calls by their call id, free text as it is, a group before the name', () => {
    const calls = messages[4]!.parts.flatMap(part => (part.type === 'tool-call' ? [part] : []))
    assert.deepEqual(
      calls.map(({ id, name, input, freeform }) => [id, name, input, freeform]),
      [
        ['call_1', 'tides', '{"harbour": "Husum"}', undefined],
        ['call_2', 'chart_sql', 'select *\nfrom lights', true],
        ['call_3', 'coast__warn', '{}', undefined]
      ]
    )
  })

  it('media by where they are', () => {
    const media = messages[3]!.parts.filter(part => part.type === 'media')
    assert.deepEqual(
      media.map(part => [part.mediaType, part.data ?? part.url ?? part.fileId?.value, part.name ?? part.detail]),
      [
        ['image/*', 'https://pictures.example/light.jpg', 'low'],
        ['image/png', 'iVBORw0KGgo=', 'auto'],
        ['image/*', 'file-light1', 'high'],
        ['application/pdf', 'JVBERi0=', 'chart.pdf'],
        ['application/pdf', 'https://charts.example/elbe.pdf', undefined],
        ['application/octet-stream', 'file-chart2', undefined],
        ['audio/wav', 'UklGRg==', undefined]
      ]
    )
  })

  it('what refers to the provider’s own things is bound, by name', () => {
    assert.deepEqual(dialect.decodeRequest(fixture('kept-at-the-provider')).bound, [
      'previous_response_id',
      'conversation',
      'background',
      'prompt',
      'input[0].item_reference',
      'input[1].mcp_approval_response',
      'tools[0].mcp'
    ])
    assert.equal(dialect.decodeRequest(fixture('coding-agent')).bound, undefined)
    // Said by another maker between the calls of the turn that goes on: it is lost, an earlier turn may not be.
    const made = { type: 'item_reference', id: 'msg_gh_x_0' }
    const bound = (...input: JsonObject[]) => dialect.decodeRequest({ model: 'm', input }).bound
    assert.equal(bound({ role: 'user', content: 'a' }, made), undefined)
    assert.deepEqual(bound(made, { role: 'user', content: 'a' }), ['input[0].item_reference'])
    assert.equal(dialect.decodeRequest(fixture('empty')).bound, undefined)
  })
})

describe('a request with a fault is refused with its path', () => {
  const ask = { model: 'm', input: 'hi' }
  const cases: [name: string, body: JsonObject, code: string, param: string][] = [
    ['no model', { input: 'hi' }, 'missing_field', 'model'],
    ['a number as model', { ...ask, model: 3 }, 'wrong_type', 'model'],
    ['a number as input', { ...ask, input: 3 }, 'wrong_type', 'input'],
    ['a text as item', { ...ask, input: ['hi'] }, 'wrong_type', 'input[0]'],
    ['an item of nobody', { ...ask, input: [{ role: 'pilot', content: 'a' }] }, 'wrong_type', 'input[0].role'],
    ['an item without anything', { ...ask, input: [{}] }, 'missing_field', 'input[0].role'],
    ['no content', { ...ask, input: [{ role: 'user' }] }, 'missing_field', 'input[0].content'],
    [
      'no call id',
      { ...ask, input: [{ type: 'function_call_output', output: 'a' }] },
      'missing_field',
      'input[0].call_id'
    ],
    [
      'a number as text',
      { ...ask, input: [{ role: 'user', content: [{ type: 'input_text', text: 1 }] }] },
      'wrong_type',
      'input[0].content[0].text'
    ],
    [
      'a call without a name',
      { ...ask, input: [{ type: 'function_call', call_id: 'a' }] },
      'missing_field',
      'input[0].name'
    ],
    ['tools as an object', { ...ask, tools: {} }, 'wrong_type', 'tools'],
    ['a tool without a type', { ...ask, tools: [{ name: 'a' }] }, 'missing_field', 'tools[0].type'],
    ['a number as choice', { ...ask, tool_choice: 1 }, 'wrong_type', 'tool_choice'],
    ['a text as temperature', { ...ask, temperature: 'hot' }, 'wrong_type', 'temperature']
  ]
  for (const [name, body, code, param] of cases) {
    it(name, () => {
      assert.throws(
        () => dialect.decodeRequest(body),
        (thrown: unknown) => {
          assert.ok(thrown instanceof Failure)
          assert.deepEqual([thrown.code, thrown.param], [code, param])
          return true
        }
      )
    })
  }
})

describe('a request of another dialect', () => {
  const foreign: ChatRequest = {
    maker: 'anthropic-messages',
    model: 'gpt-5.4',
    stream: true,
    messages: [
      { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }], plain: true },
      { role: 'user', parts: [{ type: 'text', text: 'Hi' }], name: 'Ann' },
      {
        role: 'assistant',
        parts: [
          { type: 'thinking', text: 'Signed.', seal: { maker: 'anthropic-messages', value: 's' } },
          {
            type: 'thinking',
            text: 'Kept there.',
            seal: { maker: 'openai-responses', value: { id: 'rs_1', summary: [] } }
          },
          {
            type: 'thinking',
            text: '',
            seal: { maker: 'openai-responses', value: { type: 'reasoning', summary: [], encrypted_content: 'x' } }
          },
          { type: 'text', text: 'Calling.' },
          { type: 'tool-call', id: 'c1', name: 'f', input: '{}' }
        ]
      },
      {
        role: 'user',
        parts: [
          { type: 'tool-result', id: 'c1', content: [{ type: 'text', text: 'ok' }], failed: true },
          { type: 'text', text: 'And?' }
        ]
      }
    ],
    tools: [{ name: 'f' }],
    toolChoice: { type: 'required' },
    topK: 3,
    stop: ['END'],
    seed: 4,
    n: 2,
    reasoning: { budgetTokens: 5000 }
  }
  const losses: string[] = []
  const native = dialect.encodeRequest(foreign, losses)

  it('is said with what there is', () => {
    assert.deepEqual(native, {
      model: 'gpt-5.4',
      input: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Hi' },
        { type: 'reasoning', summary: [], encrypted_content: 'x' },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'Calling.' }] },
        { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c1', output: 'ok' },
        { role: 'user', content: 'And?' }
      ],
      stream: true,
      tools: [{ type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false }],
      tool_choice: 'required',
      reasoning: { effort: 'medium' },
      store: false,
      include: ['reasoning.encrypted_content']
    })
  })

  it('and names what there is not', () => {
    assert.deepEqual([...losses].sort(), [
      'messages[1].name',
      'messages[2].content[0].signature',
      'messages[2].content[0].thinking',
      'messages[2].content[1].signature',
      'messages[2].content[1].thinking',
      'messages[3].content[0].is_error',
      'n',
      'seed',
      'stop',
      'thinking.budget_tokens',
      'top_k'
    ])
  })

  it('asks for encrypted reasoning only where a model reasons', () => {
    const included = (model: string, reasoning?: ChatRequest['reasoning']) => {
      const request = { model, stream: false, messages: [], ...(reasoning && { reasoning }) }
      return dialect.encodeRequest(request, []).include !== undefined
    }
    assert.deepEqual(
      [included('gpt-4.1'), included('gpt-5-mini'), included('openai/o4-mini'), included('m', { effort: 'low' })],
      [false, true, true, true]
    )
    assert.equal(included('m', { effort: 'none' }), false)
  })
})

describe('a beginning of the answer', () => {
  const input = (body: JsonObject) =>
    JsonBody.from(body)
      .edit(dialect.prefill(JsonBody.from(body), 'One,'))
      .object().input
  it('is a last message, or more of one', () => {
    assert.deepEqual(input({ input: 'Count.' }), [
      { role: 'user', content: 'Count.' },
      { role: 'assistant', content: 'One,' }
    ])
    assert.deepEqual(input({ input: [{ role: 'user', content: 'a' }] }), [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'One,' }
    ])
    assert.deepEqual(input({ input: [{ role: 'assistant', content: 'So: ' }] }), [
      { role: 'assistant', content: 'So: One,' }
    ])
    const listed = { role: 'assistant', content: [{ type: 'output_text', text: 'So: ' }] }
    assert.deepEqual(input({ input: [listed] }), [
      { ...listed, content: [...listed.content, { type: 'output_text', text: 'One,' }] }
    ])
  })
})
