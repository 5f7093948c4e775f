import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Endpoint, Hall } from '../../src/endpoints/endpoint.ts'
import { endpoints } from '../../src/endpoints/index.ts'
import { Failure } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json.ts'
import type { Call } from '../../src/stages/call.ts'
import type { Exchange } from '../../src/wire/exchange.ts'

type Door = keyof typeof endpoints

/** Paths as clients write them, by the door they mean. */
const PATHS: Partial<Record<Door, readonly string[]>> = {
  'chat-completions': [
    'POST /v1/chat/completions',
    'POST /chat/completions',
    'POST /v1/v1/chat/completions',
    'POST /openai/v1/chat/completions',
    'POST /api/v1/chat/completions'
  ],
  'azure-chat-completions': [
    'POST /openai/deployments/gpt-5.5/chat/completions',
    'POST /deployments/d/chat/completions'
  ],
  responses: ['POST /v1/responses', 'POST /responses', 'POST /openai/v1/responses', 'POST /openai/responses'],
  'response-input-tokens': ['POST /v1/responses/input_tokens', 'POST /openai/v1/responses/input_tokens'],
  'response-get': ['GET /v1/responses/resp_1', 'GET /openai/v1/responses/gh_response_x-_'],
  'response-delete': ['DELETE /v1/responses/resp_1'],
  'response-cancel': ['POST /v1/responses/resp_1/cancel'],
  'response-input-items': ['GET /v1/responses/resp_1/input_items'],
  messages: ['POST /v1/messages', 'POST /v1/v1/messages', 'POST /messages', 'POST /anthropic/v1/messages'],
  'count-tokens': ['POST /v1/messages/count_tokens', 'POST /anthropic/v1/messages/count_tokens'],
  'generate-content': [
    'POST /v1beta/models/gemini-2.5-pro:generateContent',
    'POST /v1/models/gemini-2.5-pro:generateContent',
    'POST /models/gemini-2.5-pro:generateContent',
    'POST /v1beta/v1beta/models/m:generateContent',
    'POST /gemini/v1beta/models/m:generateContent',
    'POST /v1beta/models/openai/gpt-5.5:generateContent',
    'POST /v1beta/openai/gpt-5.5:generateContent',
    'POST /v1/projects/p/locations/l/publishers/google/models/m:generateContent',
    'POST /v1beta1/publishers/google/models/m:generateContent'
  ],
  'stream-generate-content': [
    'POST /v1beta/models/m:streamGenerateContent',
    'POST /v1beta1/projects/p/locations/l/publishers/google/models/m:streamGenerateContent'
  ],
  'gemini-count-tokens': ['POST /v1beta/models/m:countTokens', 'POST /v1/models/openai%2Fgpt-5.5:countTokens'],
  models: [
    'GET /v1/models',
    'GET /models',
    'GET /v1beta/models',
    'GET /v1/models/openai/gpt-5.5',
    'GET /openai/v1/models'
  ]
}

test('each spelling of a path leads to its one door', () => {
  for (const [door, paths] of Object.entries(PATHS)) {
    for (const spelled of paths) {
      const [method, path] = spelled.split(' ')
      const met = Object.entries(endpoints).filter(([, each]) => each.method === method && each.path.test(path!))
      assert.deepEqual(
        met.map(([name]) => name),
        [door],
        spelled
      )
    }
  }
})

test('what is no door stays none', () => {
  const strangers = [
    'POST /',
    'POST /v2/messages',
    'POST /v1/v1/v1/messages',
    'POST /messages/',
    'POST /v1/messages/batches',
    'POST /evil/v1/messages',
    'GET /v1/responses/a/b',
    'DELETE /v1/responses/',
    'POST /v1beta/models/m:embedContent',
    'POST /v1beta/models/:generateContent',
    'GET /v1/modelsx'
  ]
  for (const stranger of strangers) {
    const [method, path] = stranger.split(' ')
    const met = Object.values(endpoints).filter(each => each.method === method && each.path.test(path!))
    assert.equal(met.length, 0, stranger)
  }
})

interface Ask {
  path: string
  query?: string
  body?: JsonObject
  headers?: Record<string, string>
}

/** The call that a door makes of a request, or its refusal; without a socket. */
async function through(door: Door, { path, query = '', body = {}, headers = {} }: Ask): Promise<Call | Failure> {
  const endpoint: Endpoint = endpoints[door]
  let met: Call | Failure | undefined
  const exchange = {
    method: endpoint.method,
    path,
    query,
    headers: { 'content-type': 'application/json', ...headers },
    headSent: false,
    signal: new AbortController().signal,
    body: () => Promise.resolve(Buffer.from(JSON.stringify(body))),
    send() {},
    destroy() {}
  } as unknown as Exchange
  const hall = {
    authenticate() {},
    newId: () => 'id',
    clock: { monotonicMs: () => 0 },
    keepAliveMs: 60_000,
    depthMax: 64,
    refused(_: string, __: unknown, failure: Failure) {
      met = failure
    },
    handle(call: Call) {
      met = call
      return Promise.reject(new Failure('client_closed', 'Enough.'))
    }
  } as unknown as Hall
  await endpoint.serve(exchange, hall, endpoint.path.exec(path)!)
  assert.ok(met)
  return met
}

async function callOf(door: Door, ask: Ask): Promise<Call> {
  const met = await through(door, ask)
  assert.ok(!(met instanceof Failure), String(met))
  return met
}

describe('what the address says', () => {
  const contents = [{ role: 'user', parts: [{ text: 'hi' }] }]

  test('the model of a Gemini call, slashes and all, and how its stream is laid out', async () => {
    const models: Record<string, string> = {
      '/v1beta/models/gemini-2.5-pro': 'gemini-2.5-pro',
      '/v1beta/models/openai/gpt-5.5': 'openai/gpt-5.5',
      '/v1beta/openai/gpt-5.5': 'openai/gpt-5.5',
      '/v1beta/tunedModels/mine': 'tunedModels/mine',
      '/v1beta/models/openai%2Fgpt-5.5': 'openai/gpt-5.5',
      '/v1beta/models/llama%3Afloor': 'llama:floor',
      '/v1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro': 'gemini-2.5-pro',
      '/v1beta1/projects/p/locations/l/publishers/openai/models/gpt-5.5': 'openai/gpt-5.5'
    }
    for (const [path, model] of Object.entries(models)) {
      const whole = await callOf('generate-content', { path: `${path}:generateContent`, body: { contents } })
      assert.deepEqual([whole.model, whole.stream, whole.operation], [model, false, 'chat'])
      const array = await callOf('stream-generate-content', {
        path: `${path}:streamGenerateContent`,
        body: { contents }
      })
      assert.deepEqual([array.model, array.stream, array.framing], [model, true, 'json-array'])
      const sse = await callOf('stream-generate-content', {
        path: `${path}:streamGenerateContent`,
        query: 'alt=sse&key=k',
        body: { contents }
      })
      assert.deepEqual([sse.model, sse.stream, sse.framing, sse.credentials], [model, true, 'sse', ['k']])
      const count = await callOf('gemini-count-tokens', { path: `${path}:countTokens`, body: {} })
      assert.deepEqual([count.model, count.stream, count.operation], [model, false, 'count-tokens'])
    }
  })

  test('the deployment of an Azure call is its model, whatever the body says, or does not', async () => {
    const path = '/openai/deployments/openai%2Fgpt-5.5/chat/completions'
    for (const said of [{}, { model: 'another' }]) {
      const body: JsonObject = { messages: [], stream: true, ...said }
      const call = await callOf('azure-chat-completions', { path, query: 'api-version=1', body })
      assert.deepEqual([call.model, call.stream, call.framing], ['openai/gpt-5.5', true, 'sse'])
      // Who reads the body finds one there.
      assert.equal(call.body.get('model'), body.model ?? 'openai/gpt-5.5')
    }
  })

  test('a name that is no text is refused', async () => {
    const met = await through('generate-content', { path: '/v1beta/models/%ff:generateContent', body: { contents } })
    assert.ok(met instanceof Failure)
    assert.deepEqual([met.code, met.param], ['unknown_model', 'model'])
  })
})

describe('what the body says', () => {
  test('the turns of a response may be a list, a text, or be kept elsewhere', async () => {
    for (const turns of [{ input: 'hi' }, { input: [] }, { input: null }, { previous_response_id: 'resp_1' }]) {
      const { model, body } = await callOf('responses', { path: '/v1/responses', body: { model: 'm', ...turns } })
      assert.deepEqual([model, body.object()], ['m', { model: 'm', ...turns }])
    }
    const met = await through('responses', { path: '/v1/responses', body: { model: 'm', input: 7 } })
    assert.ok(met instanceof Failure)
    assert.deepEqual([met.code, met.param], ['wrong_type', 'input'])
  })

  test('turns and model are asked for where the dialect has them', async () => {
    const asked: [Door, string, JsonObject, string][] = [
      ['chat-completions', '/v1/chat/completions', { model: 'm' }, 'messages'],
      ['messages', '/v1/messages', { messages: [] }, 'model'],
      ['responses', '/v1/responses', { input: 'hi' }, 'model'],
      ['generate-content', '/v1beta/models/m:generateContent', {}, 'contents']
    ]
    for (const [door, path, body, param] of asked) {
      const met = await through(door, { path, body })
      assert.ok(met instanceof Failure)
      assert.deepEqual([met.code, met.param], ['missing_field', param])
    }
  })

  test('what is for us is read and taken out, at every door', async () => {
    const asks: [Door, string, JsonObject][] = [
      ['chat-completions', '/v1/chat/completions', { messages: [] }],
      ['responses', '/v1/responses', { input: 'hi' }],
      ['messages', '/v1/messages', { messages: [] }],
      ['generate-content', '/v1beta/models/m:generateContent', { contents: [] }]
    ]
    for (const [door, path, own] of asks) {
      const body = { ...own, models: ['a', 'b'], provider: { only: ['lab'] } }
      const { routing, body: kept, model } = await callOf(door, { path, body })
      assert.deepEqual(routing?.models, ['a', 'b'])
      assert.deepEqual([...(routing?.wishes.only ?? [])], ['lab'])
      assert.deepEqual(kept.object(), door === 'generate-content' ? own : { ...own, model: 'a' })
      assert.equal(model, door === 'generate-content' ? 'm' : 'a')
    }
  })
})

test('a call about a kept response carries its id, and of the query only what its provider is to hear', async () => {
  const query = 'stream=true&starting_after=4&include[]=a&include%5B%5D=b&key=secret&api-version=1&x=y'
  const read = await callOf('response-get', { path: '/v1/responses/resp%5f1', query })
  assert.deepEqual(
    [read.operation, read.stream, read.object?.id, read.object?.method],
    ['object', true, 'resp_1', 'GET']
  )
  assert.equal(
    read.object?.path('resp/1'),
    '/responses/resp%2F1?stream=true&starting_after=4&include%5B%5D=a&include%5B%5D=b'
  )
  const plain = await callOf('response-cancel', { path: '/v1/responses/r/cancel', query })
  assert.deepEqual(
    [plain.stream, plain.object?.method, plain.object?.path('r')],
    [false, 'POST', '/responses/r/cancel']
  )
})
