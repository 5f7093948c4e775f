import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import OpenAI from 'openai'
import { send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'

/** Each shape behind the one door of OpenAI's: what a model of it is called, and how many texts one request may hold. */
const SHAPES = {
  openai: { model: 'openai/text-embedding-3-small', textsMax: 2048, length: 16 },
  gemini: { model: 'google/gemini-embedding-2', textsMax: 100, length: 16 },
  cohere: { model: 'cohere/embed-v4.0', textsMax: 96, length: 256 },
  'bedrock-cohere': { model: 'bedrock/us.cohere.embed-v4:0', textsMax: 96, length: 256 },
  titan: { model: 'bedrock/amazon.titan-embed-text-v2:0', textsMax: 1, length: 256 },
  azure: { model: 'azure/text-embedding-3-large', textsMax: 2048, length: 16 },
  'azure by date': { model: 'azure-dated/my-embeddings', textsMax: 2048, length: 16 }
} as const
type Name = keyof typeof SHAPES
const NAMES = Object.keys(SHAPES) as Name[]
const OTHERS = ['gemini', 'cohere', 'bedrock-cohere', 'titan'] as const satisfies Name[]

const PROVIDERS = `
  google: { origin: SIM, keys: [sk-google], allow_private: ["127.0.0.0/8"] }
  cohere: { origin: SIM, keys: [sk-cohere], allow_private: ["127.0.0.0/8"] }
  bedrock: { origin: SIM, places: { region: us-east-1 }, keys: [sk-bedrock], allow_private: ["127.0.0.0/8"] }
  azure: { origin: SIM, places: { resource: lab }, keys: [sk-azure], allow_private: ["127.0.0.0/8"] }
  azure-dated: { like: azure, origin: SIM, places: { resource: lab, api_version: "2024-10-21" }, keys: [sk-azure],
                 allow_private: ["127.0.0.0/8"] }`

let gateway: TestGateway
let client: OpenAI
before(async () => {
  gateway = await startTestGateway({ providers: PROVIDERS })
  client = new OpenAI({ baseURL: `${gateway.gateway.url}/v1`, apiKey: 'sk-client', maxRetries: 0 })
})
after(() => gateway.close())

const textsOf = (count: number) => Array.from({ length: count }, (_, at) => `text number ${at}`)

interface Said {
  data: { embedding: number[] }[]
  error: { message: string; code: string | null }
}

function saidIn(answer: { text: string }): Said {
  return JSON.parse(answer.text)
}

/** What the simulator itself says of texts, asked past the gateway in OpenAI's shape. */
async function expected(input: string[], dimensions?: number): Promise<number[][]> {
  const body = { model: 'text-embedding-3-large', input, ...(dimensions && { dimensions }) }
  const answer = await send(`${gateway.sim.url}/v1/embeddings`, { body })
  return saidIn(answer).data.map(({ embedding }) => embedding)
}

for (const name of NAMES) {
  const { model, textsMax, length } = SHAPES[name]

  test(`${name}: more texts than one request may hold come back in their order, and are counted once each`, async () => {
    // The SDK asks for base64 unless told otherwise, and decodes it.
    const texts = textsOf(Math.min(textsMax * 2 + 1, 2050))
    gateway.seen()
    const { data, usage, object } = await client.embeddings.create({ model, input: texts })
    assert.equal(object, 'list')
    assert.deepEqual(
      data.map(({ index }) => index),
      [...texts.keys()]
    )
    assert.deepEqual(
      data.map(({ embedding }) => Array.from(embedding)),
      await expected(texts.slice(0, 2048)).then(async vectors => [
        ...vectors,
        ...(texts.length > 2048 ? await expected(texts.slice(2048)) : [])
      ])
    )
    const requests = gateway.seen().filter(({ headers }) => headers['user-agent']?.startsWith('gatehouse'))
    assert.equal(requests.length, Math.ceil(texts.length / textsMax))
    assert.ok(requests.every(({ status }) => status === 200))
    const sizes = await Promise.all(
      [texts.slice(0, 1), texts.slice(1)].map(async input => {
        const { usage } = await client.embeddings.create({ model, input })
        return usage.prompt_tokens
      })
    )
    assert.equal(usage.prompt_tokens, sizes[0]! + sizes[1]!)
    assert.equal(usage.total_tokens, usage.prompt_tokens)
    const line = gateway.lines.findLast(each => each.msg === 'call' && !JSON.stringify(each).includes('"status":4'))
    assert.match(JSON.stringify(line?.usage), /"inputTokens":\d+/)
  })

  test(`${name}: as numbers or as base64, and as long as asked for`, async () => {
    for (const encoding_format of ['float', 'base64'] as const) {
      const { data } = await client.embeddings.create({ model, input: 'one text', dimensions: length, encoding_format })
      const { embedding } = data[0]!
      const floats = typeof embedding === 'string' ? floatsOf(embedding) : embedding
      assert.deepEqual(Array.from(floats), (await expected(['one text'], length))[0])
    }
  })
}

function floatsOf(base64: string): number[] {
  const bytes = Buffer.from(base64, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
}

test('token ids are OpenAI’s: they go to its models, and are refused by name before any other is asked', async () => {
  const { data } = await client.embeddings.create({ model: SHAPES.openai.model, input: [[1, 2], [3]] })
  assert.equal(data.length, 2)
  for (const name of OTHERS) {
    gateway.seen()
    await assert.rejects(
      client.embeddings.create({ model: SHAPES[name].model, input: [1, 2, 3] }),
      (thrown: unknown) => {
        assert.ok(thrown instanceof OpenAI.APIError)
        assert.equal(thrown.status, 400)
        assert.equal(thrown.code, 'cannot_cross')
        assert.equal(thrown.param, 'input')
        return true
      }
    )
    assert.equal(gateway.seen().length, 0)
  }
})

test('what only some provider knows goes there, and is a named loss elsewhere', async () => {
  const ask = async (name: Name, more: object) => {
    gateway.seen()
    const body = { model: SHAPES[name].model, input: 'a text', ...more }
    const answer = await send(`${gateway.gateway.url}/v1/embeddings`, { body })
    assert.equal(answer.status, 200, answer.text)
    return { lost: answer.headers['x-gatehouse-lost'], body: gateway.seen()[0]!.body as Record<string, unknown> }
  }
  const cohere = await ask('cohere', { input_type: 'search_query', user: 'u1' })
  assert.equal(cohere.body.input_type, 'search_query')
  assert.equal(cohere.lost, 'user')
  const gemini = await ask('gemini', { task_type: 'RETRIEVAL_QUERY', user: 'u1' })
  assert.match(JSON.stringify(gemini.body), /"taskType":"RETRIEVAL_QUERY"/)
  assert.equal(gemini.lost, 'user')
  const titan = await ask('titan', { normalize: false })
  assert.equal(titan.body.normalize, false)
  assert.equal(titan.lost, undefined)
  assert.equal((await ask('openai', { user: 'u1' })).body.user, 'u1')
  const many = await ask('gemini', { input: textsOf(300), user: 'u1' })
  assert.equal(many.lost, 'user', 'once, and not for every batch')
})

test('at OpenAI’s own shape the body stays the client’s, but for the model', async () => {
  gateway.seen()
  const body = `{ "input" : "caf\\u00e9" ,"model":"${SHAPES.openai.model}", "dimensions":4}`
  const answer = await send(`${gateway.gateway.url}/v1/embeddings`, { body })
  assert.equal(answer.status, 200)
  const [entry] = gateway.seen()
  assert.equal(entry?.bodyBytes, Buffer.byteLength(body) - 'openai/'.length)
  assert.equal(saidIn(answer).data[0]!.embedding.length, 4)
})

test('Azure’s address of a deployment is a door too', async () => {
  const azure = new OpenAI({
    baseURL: `${gateway.gateway.url}/openai/deployments/openai%2Ftext-embedding-3-small`,
    defaultQuery: { 'api-version': '2024-10-21' },
    apiKey: 'sk-client',
    maxRetries: 0
  })
  const { data } = await azure.embeddings.create({ model: 'whatever', input: ['a', 'b'] })
  assert.deepEqual(
    data.map(({ embedding }) => Array.from(embedding)),
    await expected(['a', 'b'])
  )
})

test('errors come as OpenAI says them, wherever they were made', async () => {
  const rows: [
    body: { model: string; input?: string | number | { a: number }[]; dimensions?: number; encoding_format?: string },
    status: number,
    code: RegExp
  ][] = [
    [{ model: 'openai/no-such-model', input: 'a' }, 502, /provider_refused_us/],
    [{ model: 'google/429', input: 'a' }, 429, /rate/],
    [{ model: 'cohere/no-such-model', input: 'a' }, 502, /provider_refused_us/],
    [{ model: 'azure-dated/missing-one', input: 'a' }, 502, /provider_refused_us/],
    [{ model: 'cohere/embed-v4.0', input: 'a', dimensions: 7 }, 400, /provider_bad_request/],
    [{ model: 'openai/text-embedding-3-small', input: '' }, 400, /null/],
    [{ model: 'openai/text-embedding-3-small' }, 400, /missing_field/],
    [{ model: 'openai/text-embedding-3-small', input: 7 }, 400, /wrong_type/],
    [{ model: 'cohere/embed-v4.0', input: [{ a: 1 }] }, 400, /wrong_type/],
    [{ model: 'google/gemini-embedding-2', input: 'a', dimensions: -1 }, 400, /wrong_type/],
    [{ model: 'google/gemini-embedding-2', input: 'a', encoding_format: 'hex' }, 400, /wrong_type/]
  ]
  for (const [body, status, code] of rows) {
    const answer = await send(`${gateway.gateway.url}/v1/embeddings`, { body })
    const said = `${JSON.stringify(body)}: ${answer.status} ${answer.text}`
    assert.equal(answer.status, status, said)
    assert.equal(typeof saidIn(answer).error.message, 'string', said)
    assert.match(`${saidIn(answer).error.code}`, code, said)
  }
})

test('a batch of which one request fails fails as a whole, and says so once', async () => {
  const texts = [...textsOf(150), '', ...textsOf(20)]
  const answer = await send(`${gateway.gateway.url}/v1/embeddings`, {
    body: { model: SHAPES.gemini.model, input: texts }
  })
  assert.equal(answer.status, 400, answer.text)
  assert.match(saidIn(answer).error.message, /requests\[50\]/)
})

test('who has no embeddings is not asked, and the next in a route is; strict mode refuses what would be lost', async () => {
  const other = await startTestGateway({
    providers: PROVIDERS,
    yaml: 'strict: true\nroutes:\n  vectors: { fallback: [anthropic/claude-x, google/gemini-embedding-2] }'
  })
  const ask = (body: { model: string; user?: string }) =>
    send(`${other.gateway.url}/v1/embeddings`, { body: { input: 'a', ...body } })
  try {
    const nobody = await ask({ model: 'anthropic/claude-x' })
    assert.equal(nobody.status, 404, nobody.text)
    assert.match(saidIn(nobody).error.message, /anthropic gives no embeddings/)
    const lossy = await ask({ model: SHAPES.gemini.model, user: 'u1' })
    assert.equal(lossy.status, 400, lossy.text)
    assert.equal(saidIn(lossy).error.code, 'loss_refused')
    assert.equal(other.seen().length, 0)
    const answer = await ask({ model: 'vectors' })
    assert.equal(answer.status, 200, answer.text)
    assert.equal(answer.headers['x-gatehouse-provider'], 'google')
  } finally {
    await other.close()
  }
})
