import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JsonBody, type JsonObject } from '../../src/json.ts'
import { adjust, fitHeaders, modelName } from '../../src/providers/adjust.ts'
import { PRESETS } from '../../src/providers/presets.ts'
import type { Endpoint, Quirks } from '../../src/providers/provider.ts'

function adjusted(quirks: Quirks, text: string, headers: Record<string, string> = {}) {
  const endpoint: Endpoint = { dialect: 'openai-chat', baseUrl: 'https://p.test/v1', auth: 'bearer', quirks }
  const body = JsonBody.scan(Buffer.from(text), { depthMax: 64, once: new Set() })
  const losses: string[] = []
  const touches: string[] = []
  const edits = adjust(endpoint, body, { losses, touches, headers })
  const after = edits.length === 0 ? body : body.edit(edits)
  return { body, after, text: after.bytes.toString(), losses, touches }
}

const endpointOf = (name: string) => PRESETS[name]!.endpoints[0]

describe('adjust: quirks as splices on the native body', () => {
  it('hands back the very body where no quirk applies', () => {
    const text = '{ "model" : "m", "messages":[{"role":"user","content":"hi"}], "max_tokens": 1e2 }'
    const quirks = Object.values(PRESETS).flatMap(({ endpoints }) => endpoints.map(each => each.quirks))
    for (const each of quirks.filter(({ set, omit }) => !set && !omit)) {
      const { after, body, losses, touches } = adjusted(each, text)
      assert.equal(after, body)
      assert.deepEqual([losses, touches], [[], []])
    }
  })

  it('renames, and leaves every other byte', () => {
    const quirks = { rename: { max_completion_tokens: 'max_tokens' } }
    const result = adjusted(quirks, '{"model":"m",  "max_completion_tokens": 50, "x":  1.0e0}')
    assert.deepEqual(JSON.parse(result.text), { model: 'm', max_tokens: 50, x: 1 })
    assert.match(result.text, /^\{"model":"m",.* {2}1\.0e0/)
    assert.deepEqual(result.losses, [])
    assert.deepEqual(result.touches, ['max_tokens', 'max_completion_tokens'])
  })

  it('keeps the provider’s own name where both are said, and names the other as lost', () => {
    const result = adjusted({ rename: { seed: 'random_seed' } }, '{"seed":1,"random_seed":2}')
    assert.deepEqual(JSON.parse(result.text), { random_seed: 2 })
    assert.deepEqual(result.losses, ['seed'])
  })

  it('drops what is refused, also in messages, and names each loss', () => {
    const { quirks } = endpointOf('groq')
    const messages = [
      { role: 'user', content: 'a', name: 'ann' },
      { role: 'developer', content: 'b' },
      { role: 'user', content: 'c' }
    ]
    const result = adjusted(
      quirks,
      JSON.stringify({ model: 'm', messages, logprobs: true, top_logprobs: 3, user: 'u' })
    )
    assert.deepEqual(JSON.parse(result.text), {
      model: 'm',
      messages: [
        { role: 'user', content: 'a' },
        { role: 'system', content: 'b' },
        { role: 'user', content: 'c' }
      ],
      user: 'u'
    })
    assert.deepEqual(result.losses, ['logprobs', 'top_logprobs', 'messages[0].name'])
    assert.ok(result.touches.includes('messages[1].role'))
  })

  it('speaks Mistral', () => {
    const { quirks } = endpointOf('mistral')
    const body = {
      model: 'mistral-small-latest',
      stream: true,
      stream_options: { include_usage: true },
      seed: 0,
      tool_choice: 'required',
      max_completion_tokens: 9,
      messages: [{ role: 'developer', content: 'x' }],
      user: 'ann'
    }
    const result = adjusted(quirks, JSON.stringify(body))
    assert.deepEqual(JSON.parse(result.text), {
      model: 'mistral-small-latest',
      stream: true,
      random_seed: 0,
      tool_choice: 'any',
      max_tokens: 9,
      messages: [{ role: 'system', content: 'x' }]
    })
    assert.deepEqual(result.losses, ['user'])
  })

  it('leaves a tool choice that is no text alone', () => {
    const text = '{"tool_choice":{"type":"function","function":{"name":"required"}}}'
    assert.equal(adjusted(endpointOf('mistral').quirks, text).text, text)
  })

  it('completes a bare model name, and leaves one with a slash', () => {
    assert.equal(modelName(endpointOf('fireworks'), 'kimi-k3'), 'accounts/fireworks/models/kimi-k3')
    assert.equal(modelName(endpointOf('fireworks'), 'accounts/me/models/own'), 'accounts/me/models/own')
    assert.equal(modelName(endpointOf('openai'), 'gpt-5.5'), 'gpt-5.5')
  })

  it('spells a value before it renames its member', () => {
    const quirks = { values: { effort: { high: 'max' } }, rename: { effort: 'think' } }
    assert.deepEqual(JSON.parse(adjusted(quirks, '{"effort":"high"}').text), { think: 'max' })
  })

  it('is not misled by messages that are none', () => {
    for (const messages of ['null', '"x"', '[1,null,"developer",{"role":7}]', '{"role":"developer"}']) {
      const text = `{"messages":${messages}}`
      assert.equal(adjusted(endpointOf('mistral').quirks, text).text, text)
    }
  })

  it('changes only members its quirks name (property)', () => {
    const names = [
      'model',
      'temperature',
      'seed',
      'user',
      'logprobs',
      'stream_options',
      'max_completion_tokens',
      'x_unknown'
    ]
    const bodies = fc.dictionary(fc.constantFrom(...names), fc.jsonValue(), { noNullPrototype: true })
    fc.assert(
      fc.property(bodies, fc.constantFrom(...Object.values(PRESETS)), (object, preset) => {
        const { quirks } = preset.endpoints[0]
        const result = adjusted(quirks, JSON.stringify(object))
        const after = JSON.parse(result.text) as JsonObject
        const touched = new Set(result.touches)
        const before = JSON.parse(JSON.stringify(object)) as JsonObject
        for (const name of Object.keys(before)) if (!touched.has(name)) assert.deepEqual(after[name], before[name])
        for (const name of Object.keys(after)) assert.ok(touched.has(name) || Object.hasOwn(before, name))
        assert.deepEqual(adjusted(quirks, result.text).losses, [], 'nothing is left to lose')
      })
    )
  })

  it('says what an address wants besides, and leaves out what it says itself, without a loss', () => {
    const quirks = { set: { anthropic_version: 'v1' }, omit: ['model', 'stream'] }
    const result = adjusted(quirks, '{"model":"m", "stream":true,  "max_tokens": 9}')
    assert.deepEqual(JSON.parse(result.text), { max_tokens: 9, anthropic_version: 'v1' })
    assert.match(result.text, /"max_tokens": 9/)
    assert.deepEqual(result.losses, [])
    assert.deepEqual(result.touches.toSorted(), ['anthropic_version', 'model', 'stream'])
  })

  it('leaves a member that is set as it must be alone', () => {
    const result = adjusted({ set: { v: '1' } }, '{ "v" : "1" }')
    assert.equal(result.text, '{ "v" : "1" }')
    assert.deepEqual(result.touches, [])
  })

  it('removes what another edit of the same call puts there', () => {
    const endpoint: Endpoint = {
      dialect: 'openai-chat',
      baseUrl: 'https://p.test',
      auth: 'none',
      quirks: { omit: ['model'] }
    }
    const body = JsonBody.from({ x: 1 })
    const edits = adjust(endpoint, body, { losses: [], touches: [], headers: {} })
    const after = body.edit([{ path: ['model'], value: 'claude' }, ...edits])
    assert.deepEqual(after.object(), { x: 1 })
  })

  describe('headers that are lists', () => {
    const bedrock = {
      headers_in_body: { 'anthropic-beta': 'anthropic_beta' },
      header_values: { 'anthropic-beta': { known: 'known', old: 'new' } }
    }
    const headers = { 'anthropic-beta': 'known, odd,old ,known' }

    it('are said in the body, as the provider calls each; the unknown are named', () => {
      const result = adjusted(bedrock, '{"x":1}', headers)
      assert.deepEqual(JSON.parse(result.text), { x: 1, anthropic_beta: ['known', 'new'] })
      assert.deepEqual(result.losses, ['anthropic-beta: odd'])
      assert.deepEqual(result.touches, ['anthropic_beta'])
    })

    it('join a list that is there, and make none of nothing', () => {
      const joined = adjusted(bedrock, '{"anthropic_beta":["mine","known"]}', headers)
      assert.deepEqual(JSON.parse(joined.text), { anthropic_beta: ['mine', 'known', 'new'] })
      assert.equal(adjusted(bedrock, '{"x":1}', {}).text, '{"x":1}')
      assert.equal(adjusted(bedrock, '{"x":1}', { 'anthropic-beta': 'odd' }).text, '{"x":1}')
    })

    it('are no headers any more where the body says them, and hold what is known where it does not', () => {
      const endpoint = (quirks: Quirks): Endpoint => ({
        dialect: 'anthropic-messages',
        baseUrl: 'https://p.test',
        auth: 'none',
        quirks
      })
      const fitted = (quirks: Quirks, sent: Record<string, string>) => {
        const copy = { ...sent, 'x-other': 'stays' }
        fitHeaders(endpoint(quirks), copy)
        return copy
      }
      assert.deepEqual(fitted(bedrock, headers), { 'x-other': 'stays' })
      const { header_values } = bedrock
      assert.deepEqual(fitted({ header_values }, headers), { 'anthropic-beta': 'known,new', 'x-other': 'stays' })
      assert.deepEqual(fitted({ header_values }, { 'anthropic-beta': 'odd' }), { 'x-other': 'stays' })
      assert.deepEqual(fitted({}, headers), { ...headers, 'x-other': 'stays' })
    })

    it('of Claude Code reach Bedrock and Vertex without what these refuse', () => {
      const sent = 'claude-code-20250219,interleaved-thinking-2025-05-14,prompt-caching-scope-2026-01-05'
      for (const name of ['bedrock', 'vertex']) {
        const claude = PRESETS[name]!.endpoints.find(each => each.dialect === 'anthropic-messages')!
        const { losses } = adjusted(claude.quirks, '{}', { 'anthropic-beta': sent })
        assert.deepEqual(losses, [
          'anthropic-beta: claude-code-20250219',
          'anthropic-beta: prompt-caching-scope-2026-01-05'
        ])
      }
    })
  })
})
