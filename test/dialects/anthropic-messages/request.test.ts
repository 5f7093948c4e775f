import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { dialect } from '../../../src/dialects/anthropic-messages/index.ts'
import { Failure } from '../../../src/errors.ts'
import type { JsonObject } from '../../../src/json.ts'

const fixtures = join(import.meta.dirname, '../../fixtures/anthropic-messages/requests')
const fixture = (name: string): JsonObject => JSON.parse(readFileSync(join(fixtures, name), 'utf8'))

describe('a request of the same dialect', () => {
  for (const name of readdirSync(fixtures)) {
    it(`${name} comes back as it went in, without a loss, and is not edited`, () => {
      const body = fixture(name)
      const losses: string[] = []
      assert.deepEqual(dialect.encodeRequest(dialect.decodeRequest(body), losses), fixture(name))
      assert.deepEqual(losses, [])
      assert.deepEqual(body, fixture(name))
    })
  }
})

describe('what the canonical form says of a request', () => {
  const request = dialect.decodeRequest(fixture('fullest.json'))

  it('the system leads the messages, and one between them stays there', () => {
    assert.deepEqual(
      request.messages.map(message => message.role),
      ['system', 'user', 'assistant', 'user', 'system', 'assistant', 'user', 'user']
    )
    assert.deepEqual(request.messages[0]?.parts[1]?.cache, { ttl: '1h' })
  })

  it('media by where they are', () => {
    const media = request.messages[1]!.parts.filter(part => part.type === 'media')
    assert.deepEqual(
      media.map(part => [part.mediaType, part.data && 'data', part.url, part.fileId?.value, part.text]),
      [
        ['image/png', 'data', undefined, undefined, undefined],
        ['image/*', undefined, 'https://example.com/ship.jpg', undefined, undefined],
        ['image/*', undefined, undefined, 'file_image', undefined],
        ['application/pdf', 'data', undefined, undefined, undefined],
        ['text/plain', undefined, undefined, undefined, 'Berth 4: the Aurora.'],
        ['application/pdf', undefined, 'https://example.com/tides.pdf', undefined, undefined],
        ['application/octet-stream', undefined, undefined, 'file_doc', undefined],
        ['text/plain', undefined, undefined, undefined, 'High water at six.\n\nLow water at noon.']
      ]
    )
    assert.equal(media[3]?.title, 'Manifest')
    assert.equal(media[3]?.cite, true)
  })

  it('calls, results and thinking', () => {
    const [thinking, redacted, , , , , , call, empty] = request.messages[2]!.parts
    assert.deepEqual(thinking?.type === 'thinking' && thinking.seal, {
      maker: 'anthropic-messages',
      value: 'c2lnbmVkLWJ5LXRoZS1tYWtlcg=='
    })
    assert.deepEqual(redacted?.type === 'thinking' && redacted.seal?.value, { data: 'ZW5jcnlwdGVk' })
    assert.equal(call?.type === 'tool-call' && call.input, '{"ship":"Aurora","years":[1841,1842]}')
    assert.equal(empty?.type === 'tool-call' && empty.input, '{}')
    const [plain, failed] = request.messages[3]!.parts
    assert.equal(plain?.type === 'tool-result' && plain.plain, true)
    assert.equal(failed?.type === 'tool-result' && failed.failed, true)
  })

  it('settings', () => {
    assert.deepEqual(request.reasoning, { budgetTokens: 8000, display: 'summarized', effort: 'high' })
    assert.equal(request.parallelToolCalls, false)
    assert.deepEqual(request.toolChoice, { type: 'auto' })
    assert.equal(request.user, 'person-7')
    assert.equal(request.format?.type, 'json-schema')
    assert.equal(request.outputTokensMax, 20_000)
    assert.equal(request.stream, true)
    assert.deepEqual(
      request.tools?.map(tool => tool.name),
      ['look_up', 'no_arguments', 'web_search', 'mcp_toolset']
    )
    assert.equal(dialect.decodeRequest(fixture('disabled-thinking.json')).reasoning?.effort, 'none')
    assert.deepEqual(dialect.decodeRequest(fixture('adaptive.json')).reasoning, {
      adaptive: true,
      display: 'omitted',
      effort: 'xhigh'
    })
  })
})

describe('a request that is wrong', () => {
  const user = { role: 'user', content: 'hi' }
  const cases: [string, JsonObject, 'wrong_type' | 'missing_field', string][] = [
    ['no model', { messages: [user] }, 'missing_field', 'model'],
    ['no messages', { model: 'm' }, 'missing_field', 'messages'],
    ['a model that is no string', { model: 7, messages: [user] }, 'wrong_type', 'model'],
    ['messages that are no list', { model: 'm', messages: 'hi' }, 'wrong_type', 'messages'],
    ['a message that is no object', { model: 'm', messages: ['hi'] }, 'wrong_type', 'messages[0]'],
    ['no role', { model: 'm', messages: [{ content: 'hi' }] }, 'missing_field', 'messages[0].role'],
    ['a strange role', { model: 'm', messages: [{ role: 'robot', content: '' }] }, 'wrong_type', 'messages[0].role'],
    ['no content', { model: 'm', messages: [{ role: 'user' }] }, 'missing_field', 'messages[0].content'],
    [
      'content of a number',
      { model: 'm', messages: [{ role: 'user', content: 1 }] },
      'wrong_type',
      'messages[0].content'
    ],
    [
      'a block without a type',
      { model: 'm', messages: [{ role: 'user', content: [{ text: 'x' }] }] },
      'missing_field',
      'messages[0].content[0].type'
    ],
    [
      'a text that is none',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'text', text: 1 }] }] },
      'wrong_type',
      'messages[0].content[0].text'
    ],
    [
      'a result within which a block is wrong',
      {
        model: 'm',
        messages: [{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text' }] }] }]
      },
      'missing_field',
      'messages[0].content[0].content[0].text'
    ],
    ['a system of a number', { model: 'm', system: 1, messages: [] }, 'wrong_type', 'system'],
    ['a system block of nothing', { model: 'm', system: [{}], messages: [] }, 'missing_field', 'system[0].type'],
    ['a temperature in words', { model: 'm', temperature: 'warm', messages: [] }, 'wrong_type', 'temperature'],
    [
      'a stop sequence of a number',
      { model: 'm', stop_sequences: ['a', 1], messages: [] },
      'wrong_type',
      'stop_sequences[1]'
    ],
    ['a tool without a name', { model: 'm', tools: [{}], messages: [] }, 'missing_field', 'tools[0].name'],
    ['a tool choice without a type', { model: 'm', tool_choice: {}, messages: [] }, 'wrong_type', 'tool_choice.type'],
    ['a user id of a number', { model: 'm', metadata: { user_id: 7 }, messages: [] }, 'wrong_type', 'metadata.user_id'],
    [
      'a budget in words',
      { model: 'm', thinking: { type: 'enabled', budget_tokens: 'much' }, messages: [] },
      'wrong_type',
      'thinking.budget_tokens'
    ]
  ]
  for (const [name, body, code, param] of cases) {
    it(`${name}: ${code} at ${param}`, () => {
      assert.throws(
        () => dialect.decodeRequest(body),
        thrown => thrown instanceof Failure && thrown.code === code && thrown.param === param
      )
    })
  }
})
