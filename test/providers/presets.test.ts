import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { inWords, PAGE, providersPage } from '../../scripts/providers-page.ts'
import { PRESETS, presetOf } from '../../src/providers/presets.ts'
import { authorize, DEFAULT_AUTH, type Endpoint } from '../../src/providers/provider.ts'
import { Secret } from '../../src/secret.ts'

const presets = Object.entries(PRESETS)
const endpoints = presets.flatMap(([name, preset]) => preset.endpoints.map(endpoint => ({ name, endpoint })))

describe('presets', () => {
  it('are OpenAI, Anthropic and more than twenty like OpenAI', () => {
    assert.equal(PRESETS.openai?.endpoints[0].dialect, 'openai-chat')
    assert.equal(PRESETS.anthropic?.endpoints[0].dialect, 'anthropic-messages')
    const wanted =
      `groq mistral deepseek xai together fireworks openrouter perplexity cerebras sambanova nvidia moonshot dashscope
      zai minimax huggingface deepinfra nebius novita ollama vllm lmstudio llamacpp github-models hyperbolic`.split(
        /\s+/
      )
    for (const name of wanted) assert.equal(presetOf(name)?.endpoints[0].dialect, 'openai-chat', name)
    assert.equal(presetOf('constructor'), undefined)
  })

  it('have addresses without a trailing slash, encrypted unless loopback', () => {
    for (const { name, endpoint } of endpoints) {
      const url = new URL(endpoint.baseUrl)
      assert.doesNotMatch(endpoint.baseUrl, /\/$|\?|#/, name)
      assert.ok(url.protocol === 'https:' || url.hostname === '127.0.0.1', endpoint.baseUrl)
      assert.equal(url.hostname === '127.0.0.1', PRESETS[name]?.allowPrivate !== undefined, name)
    }
  })

  it('speak each dialect at one address at most', () => {
    for (const [name, preset] of presets) {
      const dialects = preset.endpoints.map(endpoint => endpoint.dialect)
      assert.equal(new Set(dialects).size, dialects.length, name)
    }
  })

  it('never share a variable, and never take one that other tools leave about', () => {
    const all = presets.flatMap(([, preset]) => [
      ...preset.variables,
      ...(preset.address ? [preset.address.variable] : [])
    ])
    assert.equal(new Set(all).size, all.length)
    for (const variable of all) assert.match(variable, /^[A-Z][A-Z0-9_]+$/)
    assert.ok(!all.includes('GITHUB_TOKEN') && !all.includes('OPENAI_BASE_URL'))
    for (const [name, preset] of presets) assert.ok(preset.variables.length > 0 || preset.address, name)
  })

  it('say where their facts are from', () => {
    for (const [name, preset] of presets) {
      assert.match(preset.docs, /^https:\/\/\S+$/, name)
      assert.match(preset.source.date, /^2026-\d\d-\d\d$/, name)
      assert.notEqual(preset.source.document, '', name)
    }
  })

  it('rename nothing onto a member they drop, and map roles they keep', () => {
    for (const { name, endpoint } of endpoints) {
      const { rename = {}, drop = [], roles = {} } = endpoint.quirks
      for (const to of Object.values(rename)) assert.ok(!drop.includes(to) && !(to in rename), name)
      for (const to of Object.values(roles)) assert.ok(['system', 'user', 'assistant', 'tool'].includes(to), name)
    }
  })
})

describe('authorize', () => {
  const endpoint = (auth: Endpoint['auth']): Endpoint => ({
    dialect: 'openai-chat',
    baseUrl: 'https://p.test',
    auth,
    quirks: {}
  })
  const credential = { id: 'k', secret: new Secret('s3cret'), weight: 1, source: 'TEST' }
  const cases: [Endpoint['auth'], string[]][] = [
    ['bearer', ['authorization', 'Bearer s3cret']],
    ['x-api-key', ['x-api-key', 's3cret']],
    ['api-key', ['api-key', 's3cret']],
    ['none', []],
    [{ header: 'x-token' }, ['x-token', 's3cret']],
    [{ header: 'authorization', prefix: 'Api-Key ' }, ['authorization', 'Api-Key s3cret']]
  ]
  for (const [auth, pair] of cases) {
    it(`sends ${JSON.stringify(auth)} as ${pair[0] ?? 'nothing'}`, () => {
      assert.deepEqual(authorize(endpoint(auth), credential), pair)
      assert.deepEqual(authorize(endpoint(auth), { ...credential, secret: undefined }), [])
    })
  }
  it('follows each dialect’s own clients at home', () => {
    assert.equal(PRESETS.openai!.endpoints[0].auth, DEFAULT_AUTH['openai-chat'])
    assert.equal(PRESETS.anthropic!.endpoints[0].auth, DEFAULT_AUTH['anthropic-messages'])
  })
})

describe('docs/reference/providers.md', () => {
  it('is fresh: run `node scripts/providers-page.ts`', () => {
    assert.equal(readFileSync(PAGE, 'utf8'), providersPage())
  })
  it('has words for every kind of quirk', () => {
    const all = {
      rename: { a: 'b' },
      drop: ['c'],
      values: { d: { e: 'f' } },
      roles: { g: 'h' },
      usage_unasked: true,
      model_prefix: 'i/'
    }
    const words = inWords(all).join(' ')
    for (const letter of 'abcdefgh') assert.ok(words.includes(`\`${letter}\``), letter)
    assert.match(words, /stream_options.*`i\/`/)
    assert.deepEqual(inWords({}), [])
  })
})

const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')
const PATHS = { 'openai-chat': '/chat/completions', 'anthropic-messages': '/messages' }

/** Where the corpus keeps a preset's traffic, if not under its name. */
const FOLDERS: Record<string, string> = { vercel: 'vercel_ai_gateway', 'ollama-cloud': 'ollama' }

/** Addresses that a provider answered chat calls at, in the recorded traffic. */
function recordedUrls(name: string): Set<string> {
  const folder = FOLDERS[name] ?? name.replaceAll('-', '_')
  const urls = new Set<string>()
  for (const file of globSync(`${folder}/{chat,chat_stream,messages,messages_stream}/*.json`, { cwd: CORPUS })) {
    const { request, response } = JSON.parse(readFileSync(path.join(CORPUS, file), 'utf8'))
    if (response.status < 300) urls.add(request.url.replace(/\?.*/, '').replace('//localhost:', '//127.0.0.1:'))
  }
  return urls
}

describe('recorded traffic', () => {
  const skip = existsSync(CORPUS) ? false : 'no recorded traffic here'
  it('holds a successful call to the home address of exactly the presets that say `recorded`', { skip }, () => {
    for (const [name, preset] of presets) {
      const [home] = preset.endpoints
      const recorded = recordedUrls(name).has(home.baseUrl + PATHS[home.dialect])
      assert.equal(recorded ? 'recorded' : 'documented', preset.evidence, name)
    }
  })
})
