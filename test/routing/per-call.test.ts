import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '../../src/errors.ts'
import { JsonBody, type JsonObject } from '../../src/json.ts'
import { readPerCall } from '../../src/routing/per-call.ts'

const read = (body: JsonObject, headers: Record<string, string> = {}) => readPerCall(JsonBody.from(body), headers)

describe('what a call says about its routing', () => {
  test('nothing said is nothing wished', () => {
    const { models, wishes, members, totalMs, route, metadata } = read({ model: 'm' })
    assert.deepEqual(
      { models, wishes, members, totalMs, route, metadata },
      {
        models: [],
        wishes: {},
        members: {},
        totalMs: undefined,
        route: undefined,
        metadata: {}
      }
    )
  })

  test('the provider object is read as OpenRouter’s clients write it', () => {
    const provider = {
      order: ['Anthropic', 'google-vertex/europe'],
      only: ['anthropic', 'openai'],
      ignore: ['azure'],
      allow_fallbacks: false,
      sort: 'price',
      max_price: { prompt: 1, completion: '2.5', request: null }
    }
    const { wishes } = read({ provider })
    assert.deepEqual(wishes, {
      order: ['anthropic', 'google-vertex'],
      only: new Set(['anthropic', 'openai']),
      ignore: new Set(['azure']),
      orderOnly: true,
      sort: 'cheapest',
      maxPrice: { prompt: 1, completion: 2.5 }
    })
    assert.deepEqual(read({ provider: { allow_fallbacks: false } }).wishes, { noFallback: true })
    assert.deepEqual(read({ provider: { sort: { by: 'latency', partition: 'none' } } }).sortsAcross, true)
    assert.deepEqual(read({ provider: { sort: 'throughput' } }).wishes, { sort: 'fastest' })
    assert.deepEqual(read({ provider: { order: [], zdr: false, data_collection: 'allow' } }).wishes, {})
  })

  test('the provider object: what it wants of data is demanded', () => {
    assert.deepEqual(read({ provider: { zdr: true } }).require, [{ zero_retention: true }])
    const denied = [{ zero_retention: true, no_training: true }]
    assert.deepEqual(read({ provider: { data_collection: 'deny' } }).require, denied)
    assert.equal(read({ provider: { zdr: false, data_collection: 'allow' } }).require, undefined)
  })

  test('headers: a time, no fallback, a route, metadata that win over the body’s', () => {
    const { wishes, totalMs, route, metadata } = read(
      { metadata: { plan: 'free', user: 'u' } },
      {
        'x-gatehouse-timeout-ms': '1500',
        'x-gatehouse-no-fallback': 'true',
        'x-gatehouse-route': 'smart',
        'x-gatehouse-metadata': '{"plan":"paid"}'
      }
    )
    assert.deepEqual(
      { wishes, totalMs, route, metadata },
      {
        wishes: { noFallback: true },
        totalMs: 1_500,
        route: 'smart',
        metadata: { plan: 'paid', user: 'u' }
      }
    )
  })

  const wrong: [JsonObject, string][] = [
    [{ models: 'm' }, 'models'],
    [{ models: [1] }, 'models'],
    [{ models: Array(11).fill('m') }, 'models'],
    [{ provider: [] }, 'provider'],
    [{ provider: { order: 'a' } }, 'provider.order'],
    [{ provider: { only: [1] } }, 'provider.only'],
    [{ provider: { allow_fallbacks: 'no' } }, 'provider.allow_fallbacks'],
    [{ provider: { sort: 'beauty' } }, 'provider.sort'],
    [{ provider: { sort: 'constructor' } }, 'provider.sort'],
    [{ provider: { max_price: { prompt: 'cheap' } } }, 'provider.max_price.prompt'],
    [{ provider: { zdr: 'yes' } }, 'provider.zdr'],
    [{ provider: { data_collection: 'none' } }, 'provider.data_collection'],
    [{ provider: { quantizations: ['fp8'] } }, 'provider.quantizations']
  ]
  for (const [body, param] of wrong) {
    test(`${JSON.stringify(body).slice(0, 60)} is refused at ${param}`, () => {
      assert.throws(
        () => read(body),
        (thrown: unknown) => thrown instanceof Failure && thrown.code === 'wrong_type' && thrown.param === param
      )
    })
  }

  for (const [name, value] of [
    ['x-gatehouse-timeout-ms', '5s'],
    ['x-gatehouse-timeout-ms', '0'],
    ['x-gatehouse-timeout-ms', '3600001'],
    ['x-gatehouse-no-fallback', 'perhaps'],
    ['x-gatehouse-route', ''],
    ['x-gatehouse-metadata', 'plan=free'],
    ['x-gatehouse-metadata', '["a"]']
  ] as const) {
    test(`${name}: ${value} is refused`, () => {
      assert.throws(
        () => read({}, { [name]: value }),
        (thrown: unknown) =>
          thrown instanceof Failure && thrown.code === 'invalid_header' && thrown.message.includes(name)
      )
    })
  }
})
