import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, PDF, PNG, post, simForTests } from './helpers.ts'

const sim = await simForTests()
const user = { role: 'user', content: 'hello' }
const text = (value: string, more: object = {}): Any => ({ type: 'text', text: value, ...more })
const uses = (...ids: string[]): Any => ({
  role: 'assistant',
  content: ids.map(id => ({ type: 'tool_use', id, name: 'add', input: {} }))
})
const result = (id: string): Any => ({ type: 'tool_result', tool_use_id: id, content: '4' })
const says = (...content: Any[]): Any => ({ role: 'user', content })
const tool = (more: object = {}): Any => ({ name: 'add', input_schema: { type: 'object', properties: {} }, ...more })
const image = (media_type: string, data: string): Any => ({
  messages: [says({ type: 'image', source: { type: 'base64', media_type, data } })]
})
const document = (enabled: boolean): Any => ({
  type: 'document',
  source: { type: 'text', media_type: 'text/plain', data: 'A fact.' },
  citations: { enabled }
})
const thinking = { thinking: { type: 'enabled', budget_tokens: 1024 } }
const mark = (ttl?: string): Any => ({ cache_control: ttl ? { type: 'ephemeral', ttl } : { type: 'ephemeral' } })
const format = (schema: object): Any => ({ output_config: { format: { type: 'json_schema', schema } } })
const closed = { type: 'object', additionalProperties: false }

type Row = [why: string, request: Any, message: RegExp]

const REFUSED: Row[] = [
  ['no max_tokens', { max_tokens: undefined }, /^max_tokens: Field required$/],
  ['no messages', { messages: [] }, /^messages: at least one message is required$/],
  ['unknown member', { foo: 1 }, /^foo: Extra inputs are not permitted$/],
  [
    'unknown member of a message',
    { messages: [{ ...user, name: 'x' }] },
    /^messages\.0\.name: Extra inputs are not permitted$/
  ],
  [
    'unknown member of a block',
    { messages: [says(text('x', { foo: 1 }))] },
    /^messages\.0\.content\.0\.text\.foo: Extra inputs are not permitted$/
  ],
  ['beta member without beta', { mcp_servers: [] }, /^mcp_servers: Extra inputs are not permitted$/],
  ['half a max_tokens', { max_tokens: 1.5 }, /^max_tokens: Input should be a valid integer$/],
  ['temperature of 2', { temperature: 2 }, /^temperature: Input should be less than or equal to 1$/],
  [
    'blank stop sequence',
    { stop_sequences: [' '] },
    /^stop_sequences: each stop sequence must contain non-whitespace$/
  ],
  ['a message that is text', { messages: ['x'] }, /^messages\.0: Input does not match the expected shape\.$/],
  [
    'system among messages',
    { messages: [{ role: 'system', content: 'x' }, user] },
    /^messages: Unexpected role "system"\. The Messages API accepts a top-level `system` parameter/
  ],
  [
    'unknown role',
    { messages: [{ role: 'tool', content: 'x' }] },
    /^messages\.0\.role: Input should be 'user' or 'assistant'$/
  ],
  [
    'assistant first',
    { messages: [{ role: 'assistant', content: 'x' }, user] },
    /^messages: first message must use the "user" role$/
  ],
  [
    'unknown block',
    { messages: [says({ type: 'image_url' })] },
    /^messages\.0\.content\.0: Input tag 'image_url' found using 'type' does not match any of the expected tags: 'text', 'image'/
  ],
  [
    'empty content',
    { messages: [{ role: 'user', content: '' }] },
    /^messages\.0: all messages must have non-empty content except for the optional final assistant message$/
  ],
  ['empty list of blocks', { messages: [says()] }, /^messages\.0: all messages must have non-empty content/],
  ['empty text', { messages: [says(text(''))] }, /^messages: text content blocks must be non-empty$/],
  ['blank text', { messages: [says(text('\n'))] }, /^messages: text content blocks must contain non-whitespace text$/],
  ['empty system text', { system: [text('')] }, /^system: text content blocks must be non-empty$/],
  [
    'mark on an empty text',
    { messages: [says(text('', mark()))] },
    /cache_control cannot be set for empty text blocks/
  ],
  [
    'prefill with a space at its end',
    { messages: [user, { role: 'assistant', content: 'He ' }] },
    /^messages: final assistant content cannot end with trailing whitespace$/
  ],
  [
    'result without a use',
    { messages: [says(result('t1'))] },
    /^messages\.0\.content\.0: unexpected `tool_use_id` found in `tool_result` blocks: t1\./
  ],
  [
    'result of an older use',
    { messages: [user, uses('t1'), says(result('t1')), { role: 'assistant', content: 'x' }, says(result('t1'))] },
    /^messages\.4\.content\.0: unexpected `tool_use_id`/
  ],
  [
    'two results of one use',
    { messages: [user, uses('t1'), says(result('t1'), result('t1'))] },
    /each tool_use must have a single result\. Found multiple `tool_result` blocks with id: t1$/
  ],
  [
    'use without a result',
    { messages: [user, uses('t1', 't2'), says(result('t1'))] },
    /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: t2\. Each `tool_use` block must have/
  ],
  ['use at the end', { messages: [user, uses('t1')] }, /^messages\.1: `tool_use` ids were found without/],
  [
    'text before the result',
    { messages: [user, uses('t1'), says(text('so'), result('t1'))] },
    /`tool_use` ids were found without `tool_result` blocks immediately after: t1/
  ],
  [
    'one id used twice',
    { messages: [user, uses('t1'), says(result('t1')), uses('t1'), says(result('t1'))] },
    /`tool_use` ids must be unique/
  ],
  [
    'use id with a dot',
    { messages: [user, uses('t.1'), says(result('t.1'))] },
    /tool_use\.id: String should match pattern/
  ],
  [
    'use with text as input',
    {
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'add', input: '{}' }] },
        says(result('t'))
      ]
    },
    /^messages\.1\.content\.0\.tool_use\.input: Input should be a valid dictionary$/
  ],
  [
    'use by the user',
    { messages: [says({ type: 'tool_use', id: 't', name: 'add', input: {} })] },
    /`tool_use` blocks can only be in `assistant` messages/
  ],
  [
    'image of the assistant',
    {
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'image', source: { type: 'url', url: 'https://x.y/z' } }] }
      ]
    },
    /`image` blocks can only be in `user` messages/
  ],
  [
    'image of another kind',
    image('image/bmp', PNG),
    /^messages\.0\.content\.0\.image\.source\.base64\.media_type: Input should be 'image\/jpeg', 'image\/png', 'image\/gif' or 'image\/webp'$/
  ],
  [
    'image with the wrong media type',
    image('image/jpeg', PNG),
    /specified using the image\/jpeg media type, but the image appears to be a image\/png image$/
  ],
  ['image with broken base64', image('image/png', '@@@'), /Invalid base64 data/],
  ['image that is none', image('image/png', PDF), /^Could not process image$/],
  [
    'image by data URL',
    { messages: [says({ type: 'image', source: { type: 'url', url: `data:image/png;base64,${PNG}` } })] },
    /Only HTTPS URLs are supported/
  ],
  [
    'PDF that is none',
    { messages: [says({ type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: PNG } })] },
    /The PDF specified was not valid/
  ],
  [
    'citations on one of two',
    { messages: [says(document(true), document(false), text('so?'))] },
    /citations must be enabled on all documents/
  ],
  ["OpenAI's tool", { tools: [{ type: 'function', function: { name: 'add' } }] }, /^tools\.0\./],
  ['tool without schema', { tools: [{ name: 'add' }] }, /^tools\.0\.custom\.input_schema: Field required$/],
  [
    'tool name with a space',
    { tools: [tool({ name: 'a b' })] },
    /^tools\.0\.custom\.name: String should match pattern/
  ],
  ['two tools of one name', { tools: [tool(), tool()] }, /^tools: Tool names must be unique\.$/],
  ['tool_choice without tools', { tool_choice: { type: 'auto' } }, /may only be specified while providing tools/],
  ['tool_choice of no tool', { tools: [tool()], tool_choice: { type: 'tool', name: 'sub' } }, /Tool 'sub' not found/],
  [
    'unknown tool_choice',
    { tools: [tool()], tool_choice: { type: 'required' } },
    /^tool_choice: Input tag 'required' found using 'type' does not match/
  ],
  [
    'thinking budget of 1,023',
    { thinking: { type: 'enabled', budget_tokens: 1023 } },
    /^thinking\.enabled\.budget_tokens: Input should be greater than or equal to 1024$/
  ],
  [
    'thinking budget as large as max_tokens',
    { ...thinking, max_tokens: 1024 },
    /^`max_tokens` must be greater than `thinking\.budget_tokens`/
  ],
  [
    'temperature with thinking',
    { ...thinking, temperature: 0.5 },
    /^`temperature` may only be set to 1 when thinking is enabled/
  ],
  [
    'temperature with adaptive thinking',
    { thinking: { type: 'adaptive' }, temperature: 0 },
    /^`temperature` may only be set to 1/
  ],
  ['top_k with thinking', { ...thinking, top_k: 5 }, /^`top_k` must be unset when thinking is enabled/],
  ['top_p with thinking', { ...thinking, top_p: 0.5 }, /^`top_p` must be greater than or equal to 0\.95/],
  [
    'forced tool with thinking',
    { ...thinking, tools: [tool()], tool_choice: { type: 'any' } },
    /^Thinking may not be enabled when tool_choice forces tool use\.$/
  ],
  [
    'prefill with thinking',
    { ...thinking, messages: [user, { role: 'assistant', content: 'He' }] },
    /^messages\.1\.content\.0\.type: Expected `thinking` or `redacted_thinking`, but found `text`/
  ],
  [
    'tool turn without its thinking',
    { ...thinking, messages: [user, uses('t1'), says(result('t1'))] },
    /Expected `thinking` or `redacted_thinking`, but found `tool_use`/
  ],
  [
    'signature of another maker',
    {
      messages: [
        user,
        { role: 'assistant', content: [{ type: 'thinking', thinking: 'x', signature: 'EqMB' }, text('y')] },
        user
      ]
    },
    /^messages\.1\.content\.0: Invalid `signature` in `thinking` block$/
  ],
  [
    'five marks',
    { messages: [says(...[1, 2, 3, 4, 5].map(n => text(`${n}`, mark())))] },
    /^A maximum of 4 blocks with cache_control may be provided\. Found 5\.$/
  ],
  [
    'ttl of 2h',
    { messages: [says(text('x', mark('2h')))] },
    /cache_control\.ephemeral\.ttl: Input should be '5m' or '1h'$/
  ],
  [
    '1h after 5m',
    { system: [text('x', mark())], messages: [says(text('y', mark('1h')))] },
    /^messages\.0\.content\.0\.cache_control\.ttl: a ttl='1h' cache_control block must not come after a ttl='5m'/
  ],
  [
    'schema left open',
    format({ type: 'object', properties: {} }),
    /^output_config\.format\.schema: For 'object' type, 'additionalProperties' must be explicitly set to false$/
  ],
  [
    'schema with a minimum',
    format({ ...closed, properties: { a: { type: 'integer', minimum: 1 } } }),
    /^output_config\.format\.schema: For 'integer' type, property 'minimum' is not supported$/
  ],
  [
    'schema with citations',
    { ...format(closed), messages: [says(document(true), text('so?'))] },
    /cannot be combined with citations/
  ]
]

for (const [why, request, message] of REFUSED) {
  test(`Anthropic refuses: ${why}`, async () => {
    const answer = await post(sim, 'anthropic', {
      model: 'claude-opus-4-7',
      max_tokens: 2000,
      messages: [user],
      ...request
    })
    const body = answer.json()
    assert.equal(answer.status, 400, answer.text)
    assert.deepEqual(Object.keys(body), ['type', 'error', 'request_id'])
    assert.equal(body.error.type, 'invalid_request_error')
    assert.match(body.error.message, message)
    assert.equal(body.request_id, answer.headers['request-id'])
  })
}

const ACCEPTED: [why: string, request: Any, headers?: Record<string, string>][] = [
  [
    'all the plain parameters',
    {
      system: 'be brief',
      temperature: 1,
      top_p: 0.9,
      top_k: 3,
      stop_sequences: ['x'],
      metadata: { user_id: 'u' },
      service_tier: 'auto'
    }
  ],
  [
    'one role twice',
    { messages: [user, user, { role: 'assistant', content: 'x' }, { role: 'assistant', content: 'y' }, user] }
  ],
  [
    'results in two messages',
    { messages: [user, uses('t1', 't2'), says(result('t1')), says(result('t2'), text('so?'))] }
  ],
  ['an empty final assistant message', { messages: [user, { role: 'assistant', content: '' }] }],
  [
    'tool results with images',
    {
      messages: [
        user,
        uses('t1'),
        says({
          ...result('t1'),
          content: [text('see'), { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } }],
          is_error: true
        })
      ]
    }
  ],
  [
    'adaptive thinking over a turn without',
    { thinking: { type: 'adaptive' }, messages: [user, uses('t1'), says(result('t1'))] }
  ],
  [
    '1h before 5m, four marks',
    {
      tools: [tool(mark('1h'))],
      system: [text('x', mark('1h'))],
      messages: [says(text('y', mark()), text('z', mark('5m')))]
    }
  ],
  [
    'beta members with the header',
    { mcp_servers: [], context_management: {} },
    { 'anthropic-beta': 'mcp-client-2025-04-04' }
  ],
  ['hosted tools', { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }, tool()] }]
]

for (const [why, request, headers] of ACCEPTED) {
  test(`Anthropic accepts: ${why}`, async () => {
    const body = { model: 'claude-opus-4-7', max_tokens: 2000, messages: [user], ...request }
    const answer = await post(sim, 'anthropic', body, headers)
    assert.equal(answer.status, 200, answer.text)
  })
}

test('thoughts are replayed as they were, or refused', async () => {
  const tools = [tool()]
  const first = says(text('add it up, REDACT'))
  const turn = (
    await post(sim, 'anthropic', { model: 'm', max_tokens: 2000, ...thinking, tools, messages: [first] })
  ).json()
  const [thought, hidden, use] = turn.content
  assert.deepEqual([thought.type, hidden.type, use.type], ['thinking', 'redacted_thinking', 'tool_use'])
  const replay = async (...content: Any[]): Promise<string> => {
    const messages = [first, { role: 'assistant', content }, says(result(use.id))]
    const answer = await post(sim, 'anthropic', { model: 'm', max_tokens: 2000, ...thinking, tools, messages })
    return answer.status === 200 ? 'taken' : answer.json().error.message
  }
  assert.equal(await replay(thought, hidden, use), 'taken')
  const modified = /`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified/
  assert.match(await replay({ ...thought, thinking: `${thought.thinking} ` }, hidden, use), modified)
  assert.match(await replay(hidden, thought, use), modified)
  assert.match(await replay(thought, use), modified)
  assert.match(await replay(thought, { ...hidden, data: hidden.data.replace(/.{6}$/, 'AAAAAA') }, use), modified)
  assert.match(await replay({ ...thought, signature: `${thought.signature.slice(0, -4)}AAA=` }, hidden, use), modified)
  assert.match(await replay(use, thought, hidden), /Expected `thinking` or `redacted_thinking`, but found `tool_use`/)
  assert.match(await replay(use), /Expected `thinking`/)
})
