import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import {
  decodeRequest,
  type Embeddings,
  type EmbeddingsRequest,
  encodeResponse,
  SHAPES,
  type ShapeName
} from '../../../src/dialects/operations/embeddings.ts'
import { isObject, type Json, type JsonObject } from '../../../src/json.ts'
import { recorded } from '../../support/dialects.ts'

const ASKED: EmbeddingsRequest = { model: 'm', inputs: ['a', 'b'], encoding: 'float', rest: {} }

function encoded(shape: ShapeName, asked: Partial<EmbeddingsRequest> = {}): { body: JsonObject; losses: string[] } {
  const losses: string[] = []
  return { body: SHAPES[shape].encodeRequest({ ...ASKED, ...asked }, losses), losses }
}

describe('what a client asks', () => {
  it('is a text, texts, or token ids', () => {
    const inputs = (input: Json) => decodeRequest({ model: 'm', input }).inputs
    assert.deepEqual(inputs('a'), ['a'])
    assert.deepEqual(inputs(['a', 'b']), ['a', 'b'])
    assert.deepEqual(inputs([1, 2]), [[1, 2]])
    assert.deepEqual(inputs([[1], [2, 3]]), [[1], [2, 3]])
  })

  for (const [name, body] of Object.entries<JsonObject>({
    input: { model: 'm', input: [] },
    'input[1]': { model: 'm', input: ['a', { b: 1 }] },
    dimensions: { model: 'm', input: 'a', dimensions: 0.5 },
    encoding_format: { model: 'm', input: 'a', encoding_format: 'int8' }
  })) {
    it(`is refused by name: ${name}`, () => {
      assert.throws(() => decodeRequest(body), { code: 'wrong_type', param: name })
    })
  }
})

describe('each provider’s own way of asking', () => {
  it('Google: one request for many texts', () => {
    const { body, losses } = encoded('gemini', { dimensions: 8, rest: { task_type: 'CLUSTERING', user: 'u' } })
    assert.deepEqual(losses, ['user'])
    assert.deepEqual(body.requests, [
      { model: 'models/m', content: { parts: [{ text: 'a' }] }, outputDimensionality: 8, taskType: 'CLUSTERING' },
      { model: 'models/m', content: { parts: [{ text: 'b' }] }, outputDimensionality: 8, taskType: 'CLUSTERING' }
    ])
  })

  it('Cohere must be told what a text is for', () => {
    assert.equal(encoded('cohere').body.input_type, 'search_document')
    assert.equal(encoded('cohere', { rest: { input_type: 'search_query' } }).body.input_type, 'search_query')
    assert.equal(encoded('bedrock-cohere').body.model, undefined)
  })

  it('Titan takes one text', () => {
    assert.deepEqual(encoded('titan', { inputs: ['a'], dimensions: 256 }).body, { inputText: 'a', dimensions: 256 })
    assert.equal(SHAPES.titan.inputsMax, 1)
  })

  it('token ids go to OpenAI’s kin alone', () => {
    assert.deepEqual(encoded('openai', { inputs: [[1, 2]] }).body.input, [1, 2])
    for (const shape of ['gemini', 'cohere', 'titan', 'bedrock-cohere'] as const) {
      assert.throws(() => encoded(shape, { inputs: [[1, 2]] }), { code: 'cannot_cross', param: 'input' })
    }
  })
})

describe('vectors', () => {
  it('are the same as numbers and as base64, to the last bit of 32', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 50 }), vector => {
        const given: Embeddings = { vectors: [vector], inputTokens: 1 }
        const [packed] = dataOf(encodeResponse({ ...ASKED, encoding: 'base64' }, given))
        assert.equal(typeof packed, 'string')
        const back = encodeResponse(ASKED, { vectors: [packed as string], inputTokens: 1 })
        // The codec tells -0 from 0 no more than JSON does.
        assert.deepEqual(
          dataOf(back)[0],
          vector.map(value => value + 0 || value)
        )
      })
    )
  })

  it('are put in the order of their inputs', () => {
    const data = [2, 0, 1].map(index => ({ object: 'embedding', index, embedding: [index] }))
    assert.deepEqual(SHAPES.openai.decodeResponse({ data }, {}).vectors, [[0], [1], [2]])
  })

  it('that are none are no success', () => {
    for (const shape of Object.values(SHAPES)) {
      assert.throws(() => shape.decodeResponse({ embeddings: [{ values: 'x'.length }] }, {}), {
        code: 'provider_malformed'
      })
    }
  })
})

function dataOf({ data }: JsonObject): Json[] {
  return (data as JsonObject[]).map(({ embedding }) => embedding!)
}

/** By its address, as a provider's configuration says it. */
function shapeOf(url: string): ShapeName | undefined {
  if (/\/embeddings(?:\?|$)/.test(url)) return 'openai'
  if (url.includes(':batchEmbedContents')) return 'gemini'
  return url.endsWith('/v2/embed') ? 'cohere' : undefined
}

describe('recorded embeddings', () => {
  const all = recorded(({ operation }) => operation === 'embeddings')
  it('are read whole, with what the provider counted', { skip: !all && 'the recorded traffic is not here' }, () => {
    let checked = 0
    for (const { path, request, response } of all ?? []) {
      const shape = shapeOf((request as unknown as { url: string }).url)
      if (response.status !== 200 || shape === undefined || !isObject(response.body)) continue
      const body = response.body
      const { vectors, inputTokens } = SHAPES[shape].decodeResponse(body, response.headers)
      assert.equal(vectors.length, inputsIn(request.body ?? {}), path)
      assert.ok(
        vectors.every(vector => vector.length > 100),
        path
      )
      const usage = isObject(body.usage) ? (body.usage.prompt_tokens ?? body.usage.total_tokens) : undefined
      if (usage !== undefined) assert.equal(inputTokens, usage, path)
      checked += 1
    }
    assert.ok(checked >= 15, `only ${checked}`)
  })
})

function inputsIn(body: JsonObject): number {
  const list = body.input ?? body.requests ?? body.texts
  return Array.isArray(list) && typeof list[0] !== 'number' ? list.length : 1
}
