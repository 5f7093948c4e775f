import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Any, PDF, PNG, post, simForTests } from './helpers.ts'

const sim = await simForTests()
const user = { role: 'user', content: 'hello' }
const call = (id: string): Any => ({ id, type: 'function', function: { name: 'add', arguments: '{}' } })
const calling = (...ids: string[]): Any => ({ role: 'assistant', content: null, tool_calls: ids.map(call) })
const result = (id: string): Any => ({ role: 'tool', tool_call_id: id, content: '4' })
const tool = { type: 'function', function: { name: 'add' } }
const withFile = (file: object): Any => ({ messages: [{ role: 'user', content: [{ type: 'file', file }] }] })

const ACCEPTED: [why: string, request: Any][] = [
  [
    'all the plain parameters',
    {
      temperature: 0,
      top_p: 1,
      n: 1,
      seed: 4,
      user: 'u',
      stop: ['x'],
      logit_bias: {},
      presence_penalty: 0,
      frequency_penalty: 0,
      metadata: { a: 'b' },
      store: false,
      service_tier: 'auto',
      prompt_cache_key: 'k',
      safety_identifier: 's',
      verbosity: 'low'
    }
  ],
  [
    'nulls where the reference has them',
    { temperature: null, stop: null, max_tokens: null, stream: null, stream_options: null, n: null }
  ],
  ['max_tokens for gpt-5 chat', { model: 'gpt-5-chat-latest', max_tokens: 5 }],
  [
    'tools answered in any order',
    { messages: [user, calling('1', '2'), result('2'), result('1'), user], tools: [tool] }
  ],
  [
    'parts in every role',
    {
      messages: [
        { role: 'system', content: [{ type: 'text', text: 'a' }] },
        { role: 'developer', content: 'b' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'c' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PNG}`, detail: 'low' } }
          ]
        },
        { role: 'assistant', content: [{ type: 'refusal', refusal: 'no' }] },
        user
      ]
    }
  ],
  ['a file', withFile({ filename: 'a.pdf', file_data: `data:application/pdf;base64,${PDF}` })],
  [
    'json_object with the word',
    { messages: [{ role: 'user', content: 'as JSON please' }], response_format: { type: 'json_object' } }
  ],
  ['an assistant message at the end', { messages: [user, { role: 'assistant', content: 'He' }] }],
  [
    'DeepSeek members for the reasoner',
    {
      model: 'reasoner',
      thinking: { type: 'disabled' },
      messages: [user, { role: 'assistant', content: 'x', reasoning_content: 'y' }, user]
    }
  ]
]

for (const [why, request] of ACCEPTED) {
  test(`OpenAI accepts: ${why}`, async () => {
    const answer = await post(sim, 'openai', { model: 'gpt-4.1', messages: [user], ...request })
    assert.equal(answer.status, 200, answer.text)
  })
}
