import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { PRESETS } from '../../src/providers/presets.ts'
import { endpointFor, holdersOf, modelFacts, modelsOf, type Provider } from '../../src/providers/provider.ts'
import { resolveProviders } from '../../src/providers/resolve.ts'
import { type Entry, entrySchema } from '../../src/providers/schema.ts'

type Written = Record<string, unknown>

/** Entries as the configuration hands them on: read by the schema. */
function resolve(entries: Record<string, Written>, env: Record<string, string | undefined> = {}) {
  const read = Object.entries(entries).map(([name, entry]): [string, Entry] => [name, entrySchema.parse(entry)])
  return resolveProviders(Object.fromEntries(read), env)
}

function one(entries: Record<string, Written>, env: Record<string, string> = {}): Provider {
  const { found, problems } = resolve(entries, env)
  assert.deepEqual(problems, [])
  assert.ok(found[0])
  return found[0]
}

describe('resolveProviders: from the environment', () => {
  it('finds nothing in an empty one, and says for every preset which variables it wants', () => {
    const { found, missing, problems } = resolve({})
    assert.deepEqual([found, problems], [[], []])
    assert.deepEqual(
      missing.map(each => each.name),
      Object.keys(PRESETS)
    )
    assert.deepEqual(
      missing.find(each => each.name === 'openai'),
      { name: 'openai', title: 'OpenAI', variables: ['OPENAI_API_KEY'], lacks: 'key' }
    )
    assert.deepEqual(missing.find(each => each.name === 'ollama')?.variables, ['OLLAMA_HOST'])
  })

  it('finds a preset whose variable is set; one that is blank is not', () => {
    const { found, missing } = resolve(
      {},
      { ANTHROPIC_API_KEY: ' sk-ant-1234567890ab\n', OPENAI_API_KEY: '  ', GROQ_API_KEY: '' }
    )
    assert.deepEqual(
      found.map(each => each.name),
      ['anthropic']
    )
    assert.ok(missing.some(each => each.name === 'openai'))
    const [credential] = found[0]!.credentials
    assert.equal(credential?.source, 'ANTHROPIC_API_KEY')
    assert.equal(credential?.secret?.reveal(), 'sk-ant-1234567890ab')
    assert.equal(found[0]!.catalogId, 'anthropic')
    assert.ok(Object.isFrozen(found[0]))
  })

  it('takes the first variable of several', () => {
    const { found } = resolve({}, { ZHIPU_API_KEY: 'old', ZAI_API_KEY: 'new' })
    assert.deepEqual(
      found.map(each => each.credentials.map(key => key.source)),
      [['ZAI_API_KEY']]
    )
  })

  const hosts: [string, string][] = [
    ['http://192.168.1.5:11434', 'http://192.168.1.5:11434/v1'],
    ['gpu.lan', 'http://gpu.lan:11434/v1'],
    ['0.0.0.0:9999', 'http://127.0.0.1:9999/v1'],
    [':7000', 'http://127.0.0.1:7000/v1'],
    ['https://ollama.example.com', 'https://ollama.example.com/v1'],
    ['http://gpu.lan:80', 'http://gpu.lan/v1'],
    ['[::1]:11434', 'http://[::1]:11434/v1']
  ]
  for (const [value, baseUrl] of hosts) {
    it(`finds Ollama at OLLAMA_HOST=${value}`, () => {
      const [ollama] = resolve({}, { OLLAMA_HOST: value }).found
      assert.deepEqual(
        ollama?.endpoints.map(each => each.baseUrl),
        [baseUrl, baseUrl]
      )
      assert.equal(ollama?.credentials[0]?.secret, undefined)
      assert.ok(ollama?.allowPrivate.includes('192.168.0.0/16'))
    })
  }

  it('does not read OPENAI_BASE_URL: it mostly points at us', () => {
    const [openai] = resolve({}, { OPENAI_API_KEY: 'k', OPENAI_BASE_URL: 'http://127.0.0.1:8080/v1' }).found
    assert.equal(openai?.endpoints[0].baseUrl, 'https://api.openai.com/v1')
  })
})

describe('resolveProviders: from the configuration', () => {
  it('reads the entry of the plan (D23)', () => {
    const lab = one({
      lab: {
        like: 'openai',
        base_url: 'http://10.0.0.5:8000/v1/',
        keys: ['first', { key: 'second', weight: 2 }],
        allow_private: ['10.0.0.0/8']
      }
    })
    assert.equal(lab.name, 'lab')
    assert.deepEqual(
      lab.endpoints.map(each => each.baseUrl),
      ['http://10.0.0.5:8000/v1']
    )
    assert.deepEqual(
      lab.credentials.map(({ id, weight, source }) => ({ id, weight, source })),
      [
        { id: 'key1', weight: 1, source: 'config providers.lab.keys[0]' },
        { id: 'key2', weight: 2, source: 'config providers.lab.keys[1]' }
      ]
    )
    assert.deepEqual(lab.allowPrivate, ['10.0.0.0/8'])
    assert.equal(lab.catalogId, undefined, 'another address has other models and prices')
    assert.equal(lab.passRequestId, false)
  })

  it('never sends a preset’s key to another address', () => {
    const lab = one(
      { lab: { like: 'openai', base_url: 'https://proxy.example.com/v1' } },
      { OPENAI_API_KEY: 'sk-theirs' }
    )
    assert.deepEqual(
      lab.credentials.map(key => key.secret),
      [undefined]
    )
  })

  it('nor to a further endpoint elsewhere', () => {
    const endpoints = [{ dialect: 'anthropic-messages', base_url: 'https://proxy.example.com/v1' }]
    const { found, missing } = resolve({ groq: { endpoints } }, { GROQ_API_KEY: 'sk-theirs' })
    assert.deepEqual(found, [])
    assert.ok(missing.some(each => each.name === 'groq'))
  })

  it('takes the preset’s key at the preset’s own address', () => {
    const second = one(
      { second: { like: 'openai', headers: { 'OpenAI-Project': 'p1' } } },
      { OPENAI_API_KEY: 'sk-ours' }
    )
    assert.equal(second.credentials[0]?.secret?.reveal(), 'sk-ours')
    assert.equal(second.catalogId, 'openai')
    assert.deepEqual(second.headers, { 'openai-project': 'p1' })
  })

  it('merges with the preset of the same name, and puts configured ones first', () => {
    const env = { OPENAI_API_KEY: 'o', MISTRAL_API_KEY: 'm', GROQ_API_KEY: 'g' }
    const { found } = resolve({ mistral: { keys: ['a', 'b'] } }, env)
    assert.deepEqual(
      found.map(each => each.name),
      ['mistral', 'openai', 'groq']
    )
    assert.equal(found[0]!.credentials.length, 2)
    assert.deepEqual(found[0]!.endpoints, PRESETS.mistral!.endpoints)
    assert.equal(found[0]!.title, 'Mistral AI')
  })

  it('lists a configured preset without a key as missing', () => {
    const { found, missing } = resolve({ groq: {} })
    assert.deepEqual(found, [])
    assert.deepEqual(
      missing.filter(each => each.name === 'groq'),
      [{ name: 'groq', title: 'Groq', variables: ['GROQ_API_KEY'], lacks: 'key' }]
    )
  })

  it('needs no key where the server asks for none', () => {
    assert.equal(one({ ollama: {} }).endpoints[0].baseUrl, 'http://127.0.0.1:11434/v1')
    assert.equal(one({ ollama: {} }, { OLLAMA_HOST: 'gpu.lan' }).endpoints[0].baseUrl, 'http://gpu.lan:11434/v1')
    assert.equal(one({ own: { base_url: 'https://llm.example.com/v1' } }).credentials[0]?.secret, undefined)
    assert.equal(one({ groq: { auth: 'none' } }).endpoints[0].auth, 'none')
  })

  it('goes by the dialect said: its auth, its address, its quirks', () => {
    const lab = one({ lab: { base_url: 'https://c.example.com/v1', dialect: 'anthropic-messages', keys: ['k'] } })
    assert.deepEqual(lab.endpoints[0], {
      dialect: 'anthropic-messages',
      baseUrl: 'https://c.example.com/v1',
      auth: 'x-api-key',
      quirks: {}
    })
    const flipped = one({ deepseek: { dialect: 'anthropic-messages', keys: ['k'] } })
    assert.deepEqual(
      flipped.endpoints.map(each => each.dialect),
      ['anthropic-messages', 'openai-chat', 'openai-responses']
    )
    assert.equal(flipped.endpoints[0].baseUrl, 'https://api.deepseek.com/anthropic/v1')
  })

  it('takes the first of several endpoints for home where nothing else is said', () => {
    const endpoints = ['anthropic-messages', 'openai-chat'].map(dialect => ({
      dialect,
      base_url: 'https://l.example.com/v1'
    }))
    const both = one({ both: { endpoints, keys: ['k'] } })
    assert.deepEqual(
      both.endpoints.map(each => each.dialect),
      ['anthropic-messages', 'openai-chat']
    )
    assert.deepEqual(
      both.endpoints.map(each => each.auth),
      ['x-api-key', 'bearer']
    )
    const groq = one({ groq: { endpoints: endpoints.slice(0, 1), keys: ['k'] } })
    const { problems } = resolve({ groq: { endpoints, keys: ['k'] } })
    assert.deepEqual(
      problems.map(each => each.path),
      [['groq', 'endpoints', 1]],
      'its home speaks that already'
    )
    assert.deepEqual(
      groq.endpoints.map(each => each.dialect),
      ['openai-chat', 'anthropic-messages']
    )
  })

  it('keeps a call native where a further endpoint speaks its dialect', () => {
    const lab = one({
      lab: {
        base_url: 'https://l.example.com/v1',
        keys: ['k'],
        endpoints: [{ dialect: 'anthropic-messages', base_url: 'https://l.example.com/a/v1', auth: 'bearer' }]
      }
    })
    assert.equal(endpointFor(lab, 'anthropic-messages', 'm').baseUrl, 'https://l.example.com/a/v1')
    assert.equal(endpointFor(lab, 'openai-chat', 'm').baseUrl, 'https://l.example.com/v1')
    const plain = one({ plain: { base_url: 'https://l.example.com/v1', keys: ['k'] } })
    assert.equal(endpointFor(plain, 'anthropic-messages', 'm').dialect, 'openai-chat')
  })

  it('declares models: facts three-valued, 0 a price, absence none', () => {
    const models = [
      'bare',
      { name: 'full', context: 1000, abilities: { tools: true, vision: false }, prices: { input: '2.50', output: 0 } }
    ]
    const lab = one({ lab: { base_url: 'https://l.example.com/v1', models } })
    const full = modelFacts(lab, 'full')
    assert.equal(full?.contextTokens, 1000)
    assert.deepEqual([full?.abilities.tools, full?.abilities.vision, full?.abilities.prefill], ['yes', 'no', 'unknown'])
    assert.deepEqual(full?.prices, [
      { lines: { input: { nanoUsdPerMillion: 2_500_000_000 }, output: { nanoUsdPerMillion: 0 } } }
    ])
    assert.equal(modelFacts(lab, 'bare')?.prices, null)
    assert.equal(modelFacts(lab, 'other'), undefined)
    assert.deepEqual(
      modelsOf(lab).map(model => model.id),
      ['bare', 'full']
    )
    assert.deepEqual(holdersOf([lab], 'bare'), ['lab'])
    assert.deepEqual(holdersOf([lab], 'gpt-5.5'), [])
  })

  it('lets declared facts win over the catalogue’s, at a second name for a preset too', () => {
    const eu = one({
      eu: {
        like: 'openai',
        base_url: 'https://eu.api.openai.com/v1',
        keys: ['k'],
        catalog: 'openai',
        models: [{ name: 'gpt-5.5', context: 7 }]
      }
    })
    assert.equal(modelFacts(eu, 'gpt-5.5')?.contextTokens, 7)
    assert.equal(modelFacts(eu, 'gpt-4o')?.contextTokens, 128_000)
    assert.deepEqual(holdersOf([eu], 'gpt-4o'), ['eu'])
    assert.equal(modelsOf(eu).filter(model => model.id === 'gpt-5.5').length, 1)
  })
})

describe('resolveProviders: problems', () => {
  const cases: [title: string, entries: Record<string, Written>, path: (string | number)[], message: RegExp][] = [
    ['neither address nor preset', { lab: {} }, ['lab'], /base_url.*like/],
    ['an unknown preset', { lab: { like: 'opnai' } }, ['lab', 'like'], /no preset "opnai"/],
    [
      'a preset without the dialect',
      { lab: { like: 'groq', dialect: 'anthropic-messages' } },
      ['lab'],
      /speaks its dialect/
    ],
    ['no URL', { lab: { base_url: 'api.example.com' } }, ['lab', 'base_url'], /must be an http/],
    ['another scheme', { lab: { base_url: 'ftp://x.test' } }, ['lab', 'base_url'], /must be an http/],
    ['credentials in the URL', { lab: { base_url: 'https://u:p@x.test' } }, ['lab', 'base_url'], /user name/],
    ['a query', { lab: { base_url: 'https://x.test/v1?key=1' } }, ['lab', 'base_url'], /no query/],
    [
      'a private address',
      { lab: { base_url: 'https://10.0.0.5/v1' } },
      ['lab', 'base_url'],
      /allow_private: \["10.0.0.5\/32"\]/
    ],
    ['loopback', { lab: { base_url: 'http://localhost:8000/v1' } }, ['lab', 'base_url'], /127.0.0.1\/32/],
    ['loopback, IPv6', { lab: { base_url: 'http://[::1]:8000/v1' } }, ['lab', 'base_url'], /::1\/128/],
    ['cloud metadata', { lab: { base_url: 'http://169.254.169.254/' } }, ['lab', 'base_url'], /private/],
    [
      'a range that does not hold it',
      { lab: { base_url: 'http://10.0.0.5', allow_private: ['192.168.0.0/16'] } },
      ['lab', 'base_url'],
      /private/
    ],
    ['plain http', { lab: { base_url: 'http://api.example.com/v1' } }, ['lab', 'base_url'], /must be https/],
    [
      'plain http to a public number',
      { lab: { base_url: 'http://8.8.8.8/v1', allow_private: ['10.0.0.0/8'] } },
      ['lab', 'base_url'],
      /must be https/
    ],
    [
      'a private further endpoint',
      {
        lab: {
          base_url: 'https://x.test',
          endpoints: [{ dialect: 'anthropic-messages', base_url: 'https://10.1.1.1' }]
        }
      },
      ['lab', 'endpoints', 0, 'base_url'],
      /private/
    ],
    [
      'one id twice',
      {
        lab: {
          base_url: 'https://x.test',
          keys: [
            { key: 'a', id: 'k' },
            { key: 'b', id: 'k' }
          ]
        }
      },
      ['lab', 'keys', 1],
      /same id/
    ],
    [
      'an id that is a position’s',
      { lab: { base_url: 'https://x.test', keys: ['a', { key: 'b', id: 'key1' }] } },
      ['lab', 'keys', 1],
      /same id/
    ],
    [
      'a model twice',
      { lab: { base_url: 'https://x.test', models: ['m', { name: 'm' }] } },
      ['lab', 'models', 1],
      /before/
    ],
    ['a slash in the name', { 'a/b': { base_url: 'https://x.test' } }, ['a/b'], /no slash/]
  ]
  for (const [title, entries, path, message] of cases) {
    it(`names ${title}`, () => {
      const { found, problems } = resolve(entries)
      assert.equal(problems.length, 1, inspect(problems))
      assert.deepEqual(problems[0]!.path, path)
      assert.match(problems[0]!.message, message)
      assert.deepEqual(found, [])
    })
  }

  it('suggests the preset that was meant', () => {
    assert.deepEqual(resolve({ lab: { like: 'opnai' } }).problems[0]?.nearest, ['openai'])
  })

  it('still resolves the entries beside a wrong one, and shows no key', () => {
    const secret = 'sk-very-secret-value-1234'
    const result = resolve({
      lab: { base_url: 'http://x.test', keys: [secret] },
      good: { base_url: 'https://x.test', keys: [secret] }
    })
    assert.deepEqual(
      result.found.map(each => each.name),
      ['good']
    )
    assert.ok(!inspect(result, { depth: 9 }).includes(secret) && !JSON.stringify(result).includes(secret))
  })
})

describe('the schema of an entry', () => {
  const refused: [string, Written][] = [
    ['an unknown member', { bse_url: 'https://x.test' }],
    ['an unknown quirk', { quirks: { renam: {} } }],
    ['an unknown dialect', { dialect: 'openai' }],
    ['an address range that is none', { allow_private: ['10.0.0.0'] }],
    ['a header of the connection', { headers: { 'Content-Length': '3' } }],
    ['a line break in a header', { headers: { 'x-a': 'b\r\nc: d' } }],
    ['an empty key', { keys: [''] }],
    ['a weight of nothing', { keys: [{ key: 'k', weight: 0 }] }],
    ['a negative price', { models: [{ name: 'm', prices: { input: -1 } }] }],
    ['a price that is no number', { models: [{ name: 'm', prices: { input: 'cheap' } }] }],
    ['half a token', { models: [{ name: 'm', context: 0.5 }] }]
  ]
  for (const [title, entry] of refused) {
    it(`refuses ${title}`, () => assert.equal(entrySchema.safeParse(entry).success, false))
  }
  it('describes every field', () => {
    for (const [name, field] of Object.entries(entrySchema.shape)) {
      const described = field.description ?? (field as { unwrap?(): { description?: string } }).unwrap?.().description
      assert.ok(described, name)
    }
  })
})
