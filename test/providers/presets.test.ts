import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { inWords, PAGE, providersPage } from '../../scripts/providers-page.ts'
import { dialects } from '../../src/dialects/index.ts'
import { locate } from '../../src/providers/places.ts'
import { PRESETS, presetOf } from '../../src/providers/presets.ts'
import { defaultAuth, endpointFor, endpointPath, type Provider } from '../../src/providers/provider.ts'
import { resolveProviders } from '../../src/providers/resolve.ts'

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
    assert.equal(presetOf('google')?.endpoints[0].dialect, 'gemini')
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

  it('speak each dialect at one address at most, unless others are for certain models or operations', () => {
    for (const [name, preset] of presets) {
      const general = preset.endpoints.filter(({ only, operations }) => !only && !operations)
      const spoken = general.map(endpoint => endpoint.dialect)
      assert.equal(new Set(spoken).size, spoken.length, name)
    }
  })

  it('leave open in their addresses only what their places say', () => {
    for (const [name, preset] of presets) {
      const places = Object.entries(preset.places ?? {}).filter(([, place]) => !place.derived)
      const said = Object.fromEntries(places.map(([place]) => [place, 'x']))
      const located = locate(preset, { places: said }, {})
      assert.ok('endpoints' in located, name)
      const text = JSON.stringify(located.endpoints)
      assert.doesNotMatch(text.replaceAll('{model}', ''), /\{\w+\}/, name)
    }
  })

  it('never share a variable, and never take one that other tools leave about', () => {
    const all = presets.flatMap(([, preset]) => [
      ...preset.variables,
      ...(preset.address ? [preset.address.variable] : [])
    ])
    // One key of Bedrock's is for both of its addresses.
    const once = all.filter(variable => variable !== 'AWS_BEARER_TOKEN_BEDROCK')
    assert.equal(new Set(once).size, once.length)
    for (const variable of all) assert.match(variable, /^[A-Z][A-Z0-9_]+$/)
    assert.ok(!all.includes('GITHUB_TOKEN') && !all.includes('OPENAI_BASE_URL'))
    for (const [name, preset] of presets) assert.ok(preset.variables.length > 0 || preset.address || preset.cloud, name)
    // A cloud's own credentials say nothing of its models.
    const general = /^(AWS_(ACCESS|SECRET|SESSION|PROFILE|REGION)|GOOGLE_(APPLICATION|CLOUD)|AZURE_(CLIENT|TENANT))/
    for (const variable of [...all, ...presets.flatMap(([, preset]) => preset.meant ?? [])])
      assert.doesNotMatch(variable, general)
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

/** A provider of the environment; `env` names all it needs. */
function found(name: string, env: Record<string, string>): Provider {
  const provider = resolveProviders({}, env).found.find(each => each.name === name)
  assert.ok(provider, name)
  return provider
}

describe('addresses for a model', () => {
  const openai = found('openai', { OPENAI_API_KEY: 'k' })
  const vertex = found('vertex', { GOOGLE_VERTEX_PROJECT: 'p-1' })
  const bedrock = found('bedrock', { AWS_BEARER_TOKEN_BEDROCK: 'k', AWS_REGION: 'eu-west-1' })
  const mantle = found('bedrock-mantle', { AWS_BEARER_TOKEN_BEDROCK: 'k', AWS_REGION: 'eu-west-1' })
  const foundry = found('azure-foundry', {
    AZURE_AI_ENDPOINT: 'https://r.services.ai.azure.com',
    AZURE_AI_API_KEY: 'k'
  })
  const cases: [Provider, string, ...[keyof typeof dialects, keyof typeof dialects][]][] = [
    [
      openai,
      'gpt-5.5',
      ['openai-chat', 'openai-chat'],
      ['openai-responses', 'openai-responses'],
      ['gemini', 'openai-chat']
    ],
    [openai, 'gpt-5.1-codex-max', ['openai-chat', 'openai-responses'], ['anthropic-messages', 'openai-responses']],
    [openai, 'o3-pro-2025-06-10', ['openai-chat', 'openai-responses']],
    [openai, 'gpt-4o-search-preview', ['openai-responses', 'openai-chat']],
    [vertex, 'gemini-3-pro', ['gemini', 'gemini'], ['anthropic-messages', 'gemini'], ['openai-chat', 'gemini']],
    [vertex, 'claude-haiku-4-5@20251001', ['gemini', 'anthropic-messages'], ['openai-chat', 'anthropic-messages']],
    [
      bedrock,
      'eu.anthropic.claude-opus-4-8',
      ['anthropic-messages', 'anthropic-messages'],
      ['gemini', 'bedrock-converse']
    ],
    [bedrock, 'amazon.nova-pro-v1:0', ['anthropic-messages', 'bedrock-converse']],
    [bedrock, 'openai.gpt-oss-120b-1:0', ['openai-responses', 'bedrock-converse']],
    [bedrock, 'us.openai.gpt-6-sol', ['openai-chat', 'openai-responses'], ['bedrock-converse', 'openai-responses']],
    [mantle, 'openai.gpt-5.5', ['openai-chat', 'openai-responses']],
    [mantle, 'openai.gpt-oss-120b', ['openai-chat', 'openai-chat'], ['openai-responses', 'openai-responses']],
    [mantle, 'anthropic.claude-opus-4-8', ['openai-chat', 'anthropic-messages']],
    [foundry, 'my-claude', ['openai-chat', 'anthropic-messages']],
    [foundry, 'gpt-5.5', ['anthropic-messages', 'openai-chat']]
  ]
  for (const [provider, model, ...pairs] of cases) {
    for (const [asked, answered] of pairs) {
      it(`${provider.name} is asked for ${model} by ${asked} in ${answered}`, () =>
        assert.equal(endpointFor(provider, asked, model).dialect, answered))
    }
  }

  const urlOf = (provider: Provider, dialect: keyof typeof dialects, model: string, stream: boolean) => {
    const endpoint = endpointFor(provider, dialect, model)
    const { framing, path } = dialects[endpoint.dialect]
    return endpoint.baseUrl + (endpointPath(endpoint, 'chat', model, stream) ?? path('chat', model, stream && framing))
  }

  it('of Claude on Vertex name the model and the verb', () => {
    const base = 'https://aiplatform.googleapis.com/v1/projects/p-1/locations/global/publishers/anthropic/models'
    const model = 'claude-haiku-4-5@20251001'
    assert.equal(urlOf(vertex, 'anthropic-messages', model, false), `${base}/claude-haiku-4-5%4020251001:rawPredict`)
    assert.equal(
      urlOf(vertex, 'anthropic-messages', model, true),
      `${base}/claude-haiku-4-5%4020251001:streamRawPredict`
    )
    const counting = endpointFor(vertex, 'anthropic-messages', model, 'count-tokens')
    assert.equal(endpointPath(counting, 'count-tokens', model, false), '/models/count-tokens:rawPredict')
    assert.deepEqual(counting.quirks.omit, undefined, 'the model stands in the body')
  })

  it('of Claude on Bedrock are those of invoke, and counting is Converse’s', () => {
    const model = 'us.anthropic.claude-haiku-4-5-20251001-v1:0'
    const base = 'https://bedrock-runtime.eu-west-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0'
    assert.equal(urlOf(bedrock, 'anthropic-messages', model, false), `${base}/invoke`)
    assert.equal(urlOf(bedrock, 'anthropic-messages', model, true), `${base}/invoke-with-response-stream`)
    assert.equal(endpointFor(bedrock, 'anthropic-messages', model).framing, 'eventstream')
    assert.equal(endpointFor(bedrock, 'anthropic-messages', model, 'count-tokens').dialect, 'bedrock-converse')
  })

  it('of ARNs keep their slashes out of the path', () => {
    const url = urlOf(bedrock, 'bedrock-converse', 'arn:aws:bedrock:us-east-1:1:inference-profile/x', false)
    assert.match(url, /\/model\/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx\/converse$/)
  })
})

describe('keys at home', () => {
  it('are sent as each dialect’s own clients send them', () => {
    for (const name of ['openai', 'anthropic', 'google']) {
      const [home] = PRESETS[name]!.endpoints
      assert.equal(home.auth, defaultAuth(home.dialect))
    }
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
      set: { j: 'v' },
      omit: ['k'],
      headers_in_body: { l: 'm' },
      header_values: { n: { o: 'p', q: 'q' } },
      model_prefix: 'i/'
    }
    const words = inWords(all).join(' ')
    for (const letter of 'abcdefghjklmnopq') assert.ok(words.includes(`\`${letter}\``), letter)
    assert.match(words, /stream_options.*`i\/`/)
    assert.deepEqual(inWords({}), [])
  })
})

const CORPUS = process.env.WIRE_CORPUS ?? path.resolve(import.meta.dirname, '../../../shared/wire')

/** Where the corpus keeps a preset's traffic, if not under its name. */
const FOLDERS: Record<string, string> = {
  vercel: 'vercel_ai_gateway',
  'ollama-cloud': 'ollama',
  google: 'gemini',
  'azure-foundry': 'azure',
  'bedrock-mantle': 'bedrock'
}

/** Operations of the corpus that are chat calls. */
const CHATS = '{chat,messages,responses,generateContent,streamGenerateContent,converse,invoke}{,_stream}'

/** Addresses that a provider answered chat calls at, in the recorded traffic, with `x` for what each user has his own of. */
function recordedUrls(name: string): string[] {
  const folder = FOLDERS[name] ?? name.replaceAll('-', '_')
  return globSync(`${folder}/${CHATS}/*.json`, { cwd: CORPUS }).flatMap(file => {
    const { request, response } = JSON.parse(readFileSync(path.join(CORPUS, file), 'utf8'))
    return response.status < 300 ? [request.url.replace('//localhost:', '//127.0.0.1:')] : []
  })
}

/** What a preset's home address may be with its places filled in: what follows the path of a call may be anything. */
function homePattern(name: string): RegExp {
  const [home] = PRESETS[name]!.endpoints
  const chat = home.paths?.chat ?? dialects[home.dialect].path('chat', '{model}', false)
  const url = (home.baseUrl + chat.replaceAll('%7Bmodel%7D', '{model}')).split(/\{\w+\}/)
  return new RegExp(`^${url.map(piece => piece.replace(/[^\w]/g, '\\$&')).join('[\\w.:%@-]+')}(\\?|$)`)
}

describe('recorded traffic', () => {
  const skip = existsSync(CORPUS) ? false : 'no recorded traffic here'
  it('holds a successful call to the home address of exactly the presets that say `recorded`', { skip }, () => {
    for (const [name, preset] of presets) {
      const pattern = homePattern(name)
      const recorded = recordedUrls(name).some(url => pattern.test(url))
      assert.equal(recorded ? 'recorded' : 'documented', preset.evidence, name)
    }
  })
})
