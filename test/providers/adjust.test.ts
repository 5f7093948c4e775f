import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { JsonBody, type JsonObject } from '../../src/json.ts'
import { PRESETS } from '../../src/providers/presets.ts'
import { adjust, type Endpoint, modelName, type Quirks } from '../../src/providers/provider.ts'

function adjusted(quirks: Quirks, text: string) {
  const endpoint: Endpoint = { dialect: 'openai-chat', baseUrl: 'https://p.test/v1', auth: 'bearer', quirks }
  const body = JsonBody.scan(Buffer.from(text), { depthMax: 64, once: new Set() })
  const losses: string[] = []
  const touches: string[] = []
  const edits = adjust(endpoint, body, losses, touches)
  const after = edits.length === 0 ? body : body.edit(edits)
  return { body, after, text: after.bytes.toString(), losses, touches }
}

const endpointOf = (name: string) => PRESETS[name]!.endpoints[0]

describe('adjust: quirks as splices on the native body', () => {
  it('hands back the very body where no quirk applies', () => {
    const text = '{ "model" : "m", "messages":[{"role":"user","content":"hi"}], "max_tokens": 1e2 }'
    for (const { endpoints } of Object.values(PRESETS)) {
      const { after, body, losses, touches } = adjusted(endpoints[0].quirks, text)
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
})
