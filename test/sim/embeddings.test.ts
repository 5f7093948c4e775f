import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { type Answer, type Any, send, simForTests } from './helpers.ts'

const sim = await simForTests()
const JSON_TYPE = { 'content-type': 'application/json' }

interface Side {
  path: string
  body(texts: string[], more?: object): Any
  vectors(answer: Answer): number[][]
  tokens(answer: Answer): number
  textsMax: number
}

const GEMINI = 'gemini-embedding-2'
const SIDES: Record<string, Side> = {
  openai: {
    path: '/v1/embeddings',
    body: (input, more) => ({ model: 'text-embedding-3-small', input, ...more }),
    vectors: answer => answer.json().data.map(({ embedding }: Any) => embedding),
    tokens: answer => answer.json().usage.prompt_tokens,
    textsMax: 2048
  },
  gemini: {
    path: `/v1beta/models/${GEMINI}:batchEmbedContents`,
    body: (texts, more) => ({
      requests: texts.map(text => ({ model: `models/${GEMINI}`, content: { parts: [{ text }] }, ...more }))
    }),
    vectors: answer => answer.json().embeddings.map(({ values }: Any) => values),
    tokens: answer => answer.json().usageMetadata.promptTokenCount,
    textsMax: 100
  },
  cohere: {
    path: '/v2/embed',
    body: (texts, more) => ({ model: 'embed-v4.0', input_type: 'search_document', texts, ...more }),
    vectors: answer => answer.json().embeddings.float,
    tokens: answer => answer.json().meta.billed_units.input_tokens,
    textsMax: 96
  },
  'bedrock-cohere': {
    path: '/model/us.cohere.embed-v4%3A0/invoke',
    body: (texts, more) => ({ input_type: 'search_document', embedding_types: ['float'], texts, ...more }),
    vectors: answer => answer.json().embeddings.float,
    tokens: answer => Number(answer.headers['x-amzn-bedrock-input-token-count']),
    textsMax: 96
  },
  titan: {
    path: '/model/amazon.titan-embed-text-v2:0/invoke',
    body: ([inputText], more) => ({ inputText, ...more }),
    vectors: answer => [answer.json().embedding],
    tokens: answer => Number(answer.headers['x-amzn-bedrock-input-token-count']),
    textsMax: 1
  }
}

const ask = (side: Side, body: Any) => send(sim, 'POST', side.path, body, { ...JSON_TYPE, ...SIGNED })
const SIGNED = { authorization: 'Bearer any' }

for (const [name, side] of Object.entries(SIDES)) {
  test(`${name}: a vector for each text, the same whenever it is asked, and a count of its own`, async () => {
    const texts = ['a blue whale', 'eine Birke', 'a blue whale'].slice(0, side.textsMax)
    const answer = await ask(side, side.body(texts))
    assert.equal(answer.status, 200, answer.text)
    const vectors = side.vectors(answer)
    assert.equal(vectors.length, texts.length)
    for (const vector of vectors) {
      assert.equal(vector.length, 8)
      assert.ok(Math.abs(Math.hypot(...vector) - 1) < 1e-6)
    }
    assert.deepEqual(vectors.at(-1), vectors[0])
    if (vectors.length > 1) assert.notDeepEqual(vectors[1], vectors[0])
    assert.deepEqual(side.vectors(await ask(side, side.body(texts))), vectors)
    const one = side.tokens(await ask(side, side.body(texts.slice(0, 1))))
    assert.ok(one > 0 && side.tokens(answer) >= one)
  })

  test(`${name}: one text too many, none at all and a member it does not know are refused`, async () => {
    const many = Array.from({ length: side.textsMax + 1 }, (_, at) => `text ${at}`)
    if (side.textsMax > 1) {
      assert.equal((await ask(side, side.body(many.slice(1)))).status, 200)
      const answer = await ask(side, side.body(many))
      assert.equal(answer.status, 400)
      assert.match(answer.text, new RegExp(`\\b${side.textsMax}\\b`))
      assert.equal((await ask(side, side.body([]))).status, 400)
    }
    const stray = await ask(side, side.body(['a'], { stray: 1 }))
    assert.equal(stray.status, 400)
    assert.match(stray.text, /stray/)
    assert.equal((await ask(side, side.body(['']))).status, 400)
  })
}

test('all of them say the same vector of the same text', async () => {
  const vectors = await Promise.all(
    Object.values(SIDES).map(async side => side.vectors(await ask(side, side.body(['the same text'])))[0])
  )
  for (const vector of vectors) assert.deepEqual(vector, vectors[0])
})

test('texts that share words are nearer to each other than others', async () => {
  const { openai } = SIDES
  const texts = ['the cat sat on the mat', 'the cat lay on the mat', 'quarterly revenue fell sharply again']
  const vectors = openai!.vectors(await ask(openai!, openai!.body(texts, { dimensions: 256 })))
  const near = (one: number[], other: number[]) => one.reduce((sum, value, at) => sum + value * other[at]!, 0)
  assert.ok(near(vectors[0]!, vectors[1]!) > near(vectors[0]!, vectors[2]!) + 0.2)
})

test('openai: base64 is the same numbers; token ids, a text alone, and any length', async () => {
  const { openai } = SIDES
  const floats = openai!.vectors(await ask(openai!, openai!.body(['a', 'b'], { dimensions: 5 })))
  const encoded = await ask(openai!, openai!.body(['a', 'b'], { dimensions: 5, encoding_format: 'base64' }))
  const decoded = encoded.json().data.map(({ embedding }: Any) => {
    const bytes = Buffer.from(embedding, 'base64')
    return Array.from({ length: bytes.length / 4 }, (_, at) => bytes.readFloatLE(at * 4))
  })
  assert.deepEqual(decoded, floats)
  for (const [input, vectors, tokens] of [
    [[1, 2, 3], 1, 3],
    [[[1, 2, 3], [4]], 2, 4],
    ['alone', 1, 1]
  ] as const) {
    const answer = await ask(openai!, { model: 'text-embedding-3-large', input })
    assert.equal(openai!.vectors(answer).length, vectors)
    assert.equal(openai!.tokens(answer), tokens)
  }
})

test('openai: what its models do not take', async () => {
  const rows: [body: Any, status: number, message: RegExp][] = [
    [{ model: 'gpt-4o', input: 'a' }, 403, /not allowed to generate embeddings/],
    [{ input: 'a' }, 400, /must provide a model/],
    [{ model: 'text-embedding-3-small' }, 400, /'\$\.input' is invalid/],
    [{ model: 'text-embedding-3-small', input: [1, 'a'] }, 400, /'\$\.input' is invalid/],
    [{ model: 'text-embedding-ada-002', input: 'a', dimensions: 8 }, 400, /does not support specifying dimensions/],
    [{ model: 'text-embedding-3-small', input: 'a', dimensions: 5000 }, 400, /less than or equal to 3072/],
    [{ model: 'text-embedding-3-small', input: 'a', encoding_format: 'hex' }, 400, /Supported values are/],
    [{ model: 'text-embedding-3-small', input: 'word '.repeat(8193) }, 400, /maximum context length is 8192/],
    [{ model: 'text-embedding-3-small', input: Array(50).fill('word '.repeat(7000)) }, 400, /max 300000 tokens/],
    [{ model: '429', input: 'a' }, 429, /Rate limit/],
    [{ model: 'no-such-model', input: 'a' }, 404, /does not exist/]
  ]
  for (const [body, status, message] of rows) {
    const answer = await ask(SIDES.openai!, body)
    assert.equal(answer.status, status, answer.text)
    assert.match(answer.json().error.message, message)
  }
})

test('cohere: what a text is for must be said, and each type of number can be had', async () => {
  const { cohere } = SIDES
  const { input_type: _, ...untold } = cohere!.body(['a'])
  const answer = await ask(cohere!, untold)
  assert.equal(answer.status, 400)
  assert.match(answer.json().message, /input_type is required/)
  const types = ['float', 'int8', 'uint8', 'binary', 'ubinary']
  const { embeddings } = (await ask(cohere!, cohere!.body(['a'], { embedding_types: types }))).json()
  const [float, int8, uint8, binary, ubinary] = types.map(type => embeddings[type][0])
  float.forEach((value: number, at: number) => {
    assert.equal(int8[at], Math.round(value * 127))
    assert.equal(uint8[at], int8[at] + 128)
  })
  assert.equal(binary.length, 1)
  assert.equal(binary[0], ubinary[0] - 128)
  assert.equal((await ask(cohere!, cohere!.body(['a'], { output_dimension: 8 }))).status, 400)
})

test('gemini: one text at a place of its own; the model of a batch is one; what has no title', async () => {
  const alone = await send(
    sim,
    'POST',
    `/v1beta/models/${GEMINI}:embedContent`,
    { content: { parts: [{ text: 'a' }] }, output_dimensionality: 3 },
    JSON_TYPE
  )
  assert.equal(alone.json().embedding.values.length, 3)
  const { gemini } = SIDES
  const other = await ask(gemini!, gemini!.body(['a'], { model: 'models/other' }))
  assert.match(other.json().error.message, /requests\[0\]\.model/)
  assert.match((await ask(gemini!, gemini!.body(['a'], { title: 'T' }))).text, /RETRIEVAL_DOCUMENT/)
})

test('titan: only the lengths that it has; the numbers as they are where nobody wants them of length 1', async () => {
  const { titan } = SIDES
  const long = await ask(titan!, titan!.body(['a'], { dimensions: 256 }))
  assert.equal(titan!.vectors(long)[0]!.length, 256)
  assert.equal(long.json().inputTextTokenCount, 1)
  const odd = await ask(titan!, titan!.body(['a'], { dimensions: 300 }))
  assert.match(odd.json().message, /#\/dimensions: 300 is not a valid enum value/)
  const raw = await ask(titan!, titan!.body(['a'], { normalize: false }))
  assert.ok(Math.hypot(...titan!.vectors(raw)[0]!) > 1.5)
})

const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const skip = existsSync(CORPUS) ? false : 'no recorded traffic here (WIRE_CORPUS)'

/** Names of all members, without those of headers of limits and of media that is not text. */
function membersOf(value: Any): string[] {
  if (Array.isArray(value)) return value.flatMap(membersOf)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) => [name, ...membersOf(inner)])
}

test('recorded requests are taken, and answered with the members that the real ones answer with', {
  skip
}, async () => {
  const homes = /api\.openai\.com|generativelanguage\.googleapis\.com|api\.cohere\.com\/v2/
  let compared = 0
  for (const folder of ['openai', 'gemini', 'cohere']) {
    const at = path.join(CORPUS, folder, 'embeddings')
    if (!existsSync(at)) continue
    for (const name of readdirSync(at)) {
      const { request, response } = JSON.parse(readFileSync(path.join(at, name), 'utf8'))
      const { pathname } = new URL(request.url)
      const isTextAlone = !/inline_?data/i.test(JSON.stringify(request.body))
      if (!homes.test(request.url) || response.status !== 200 || !isTextAlone) continue
      const answer = await send(sim, 'POST', pathname, request.body, JSON_TYPE)
      assert.equal(answer.status, 200, `${name}: ${answer.text}`)
      // Later models of Google and Cohere count more than earlier ones.
      const ours = new Set(membersOf(answer.json()))
      for (const member of membersOf(response.body)) ours.delete(member)
      ours.delete('usageMetadata')
      assert.deepEqual(
        [...ours].filter(member => !/^(?:prompt|token|modality)/.test(member)),
        [],
        name
      )
      compared++
    }
  }
  assert.ok(compared > 0)
})
