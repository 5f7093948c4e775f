import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import type { Provider } from '../../src/providers/provider.ts'
import { resolveProviders } from '../../src/providers/resolve.ts'
import { type Entry, entrySchema } from '../../src/providers/schema.ts'

function resolve(entries: Record<string, Record<string, unknown>>, env: Record<string, string> = {}) {
  const read = Object.entries(entries).map(([name, entry]): [string, Entry] => [name, entrySchema.parse(entry)])
  return resolveProviders(Object.fromEntries(read), env)
}

function one(entries: Record<string, Record<string, unknown>>, env: Record<string, string> = {}): Provider {
  const { found, problems, missing } = resolve(entries, env)
  assert.deepEqual(problems, [])
  assert.ok(found[0], inspect(missing.find(each => each.name in entries)))
  return found[0]
}

const urls = (provider: Provider) => provider.endpoints.map(each => each.baseUrl)
const lacking = (entries: Record<string, Record<string, unknown>>, env: Record<string, string>, name: string) => {
  const missing = resolve(entries, env).missing.find(each => each.name === name)
  assert.ok(missing, name)
  return [missing.lacks, missing.variables]
}

describe('places in addresses', () => {
  it('come from the entry, else from the environment', () => {
    const keys = ['k']
    assert.match(urls(one({ bedrock: { keys, places: { region: 'eu-west-1' } } }))[0]!, /eu-west-1\.amazonaws\.com$/)
    const env = { AWS_DEFAULT_REGION: 'us-west-2', AWS_REGION: 'us-east-2' }
    const bedrock = one({ bedrock: { keys } }, env)
    assert.match(urls(bedrock)[0]!, /us-east-2/)
    assert.deepEqual(bedrock.endpoints[0].audience, { service: 'bedrock', region: 'us-east-2' })
    assert.match(urls(one({ bedrock: { keys, places: { region: 'cn-north-1' } } }, env))[0]!, /\.amazonaws\.com\.cn$/)
  })

  const hosts: [string | undefined, string][] = [
    [undefined, 'aiplatform.googleapis.com'],
    ['global', 'aiplatform.googleapis.com'],
    ['europe-west4', 'europe-west4-aiplatform.googleapis.com'],
    ['eu', 'aiplatform.eu.rep.googleapis.com']
  ]
  for (const [location, host] of hosts) {
    it(`lead to Vertex in ${location ?? 'no place of its own'} at ${host}`, () => {
      const env = { GOOGLE_CLOUD_PROJECT: 'p-1', ...(location && { GOOGLE_CLOUD_LOCATION: location }) }
      const [gemini, claude] = urls(one({ vertex: {} }, env))
      const end = `projects/p-1/locations/${location ?? 'global'}/publishers`
      assert.equal(gemini, `https://${host}/v1beta1/${end}/google`)
      assert.equal(claude, `https://${host}/v1/${end}/anthropic`)
    })
  }

  it('are asked for one after the other, before a key is', () => {
    assert.deepEqual(lacking({ vertex: {} }, {}, 'vertex'), [
      'project',
      ['GOOGLE_VERTEX_PROJECT', 'ANTHROPIC_VERTEX_PROJECT_ID', 'GOOGLE_CLOUD_PROJECT']
    ])
    assert.deepEqual(lacking({ bedrock: {} }, {}, 'bedrock'), ['region', ['AWS_REGION', 'AWS_DEFAULT_REGION']])
    assert.deepEqual(lacking({}, { AWS_BEARER_TOKEN_BEDROCK: 'k' }, 'bedrock')[0], 'region')
    assert.deepEqual(lacking({ azure: {} }, {}, 'azure'), [
      'resource',
      ['AZURE_OPENAI_ENDPOINT', 'AZURE_RESOURCE_NAME']
    ])
  })

  it('may be named by a credential', () => {
    const credentials = JSON.stringify({ type: 'service_account', project_id: 'of-the-key' })
    const keys = [{ google: { credentials } }]
    assert.match(urls(one({ vertex: { keys } }))[0]!, /projects\/of-the-key\//)
    assert.match(urls(one({ vertex: { keys } }, { GOOGLE_CLOUD_PROJECT: 'said' }))[0]!, /projects\/said\//)
  })

  it('lead nowhere else', () => {
    for (const region of ['evil.test/', 'a@b', 'x?y', '', 'a#b', '{model}']) {
      assert.equal(entrySchema.safeParse({ places: { region } }).success, false, region)
      assert.equal(resolve({ bedrock: {} }, { AWS_REGION: region }).found.length, 0, region)
    }
    const { problems } = resolve({ bedrock: { places: { regoin: 'x' } }, groq: { places: { a: 'b' } } })
    assert.deepEqual(
      problems.map(each => [each.path, each.nearest]),
      [
        [['bedrock', 'places', 'regoin'], ['region']],
        [['groq', 'places', 'a'], undefined]
      ]
    )
  })
})

describe('Azure', () => {
  const env = { AZURE_OPENAI_API_KEY: 'azure-key-1234567890' }
  it('is found by its endpoint and key', () => {
    const text = 'https://my-resource.openai.azure.com/openai/v1/'
    const [azure] = resolve({}, { ...env, AZURE_OPENAI_ENDPOINT: text }).found
    assert.equal(azure?.name, 'azure')
    assert.deepEqual(new Set(urls(azure)), new Set(['https://my-resource.openai.azure.com/openai/v1']))
    assert.equal(azure.credentials[0]?.source, 'AZURE_OPENAI_API_KEY')
    assert.equal(azure.endpoints[0].auth, 'api-key')
    const named = resolve({}, { ...env, AZURE_RESOURCE_NAME: 'other' }).found[0]!
    assert.deepEqual(urls(named)[0], 'https://other.openai.azure.com/openai/v1')
  })

  it('has its older addresses for who names a version', () => {
    const azure = one({ azure: { places: { resource: 'r', api_version: '2024-10-21' } } }, env)
    const [home, responses] = azure.endpoints
    assert.equal(home.baseUrl, 'https://r.openai.azure.com/openai')
    assert.equal(home.paths?.chat, '/deployments/{model}/chat/completions?api-version=2024-10-21')
    assert.equal(home.paths?.embeddings, '/deployments/{model}/embeddings?api-version=2024-10-21')
    assert.equal(responses?.paths?.stream, '/responses?api-version=2024-10-21')
  })

  it('knows us by Entra where there is no key', () => {
    const client = { AZURE_TENANT_ID: 't', AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 's3cr3t-of-the-client' }
    const named = { AZURE_OPENAI_ENDPOINT: 'https://r.openai.azure.com' }
    const [azure] = resolve({}, { ...client, ...named }).found
    assert.equal(azure?.credentials[0]?.identity?.kind, 'entra')
    assert.equal(azure.credentials[0].source, 'AZURE_CLIENT_SECRET')
    assert.doesNotMatch(inspect(azure, { depth: 9 }), /s3cr3t/)
    assert.equal(one({ azure: {} }, named).credentials[0]?.source, 'a managed identity')
    assert.equal(resolve({}, client).found.length, 0, 'these alone say nothing of models')
  })
})

describe('identities', () => {
  it('of the environment make no provider by themselves', () => {
    const env = {
      AWS_ACCESS_KEY_ID: 'AKID',
      AWS_SECRET_ACCESS_KEY: 's',
      AWS_REGION: 'eu-west-1',
      GOOGLE_APPLICATION_CREDENTIALS: '/k.json',
      GOOGLE_CLOUD_PROJECT: 'p',
      AZURE_TENANT_ID: 't',
      AZURE_CLIENT_ID: 'c',
      AZURE_CLIENT_SECRET: 's'
    }
    assert.deepEqual(resolve({}, env).found, [])
    const { found } = resolve({ bedrock: {}, vertex: {} }, env)
    assert.deepEqual(
      found.map(({ name, credentials }) => [name, credentials[0]?.source]),
      [
        ['bedrock', 'AWS_ACCESS_KEY_ID'],
        ['vertex', 'GOOGLE_APPLICATION_CREDENTIALS']
      ]
    )
    const vertex = resolve({}, { ...env, GOOGLE_GENAI_USE_VERTEXAI: 'true' }).found
    assert.deepEqual(
      vertex.map(each => each.name),
      ['vertex'],
      'what Google’s own SDK is told by'
    )
    assert.deepEqual(resolve({}, { ...env, GOOGLE_GENAI_USE_VERTEXAI: 'false' }).found, [])
  })

  it('of AWS: a key first, a profile before keys, a web identity, else its chain', () => {
    const region = { AWS_REGION: 'eu-west-1' }
    const keys = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 's' }
    const sourceOf = (env: Record<string, string>) => one({ bedrock: {} }, { ...region, ...env }).credentials[0]?.source
    assert.equal(sourceOf({ ...keys, AWS_BEARER_TOKEN_BEDROCK: 'k' }), 'AWS_BEARER_TOKEN_BEDROCK')
    assert.equal(sourceOf(keys), 'AWS_ACCESS_KEY_ID')
    assert.equal(sourceOf({ ...keys, AWS_PROFILE: 'p' }), 'AWS_PROFILE')
    assert.equal(sourceOf({ AWS_WEB_IDENTITY_TOKEN_FILE: '/t', AWS_ROLE_ARN: 'arn' }), 'AWS_WEB_IDENTITY_TOKEN_FILE')
    assert.equal(sourceOf({}), 'AWS’s credential chain')
  })

  it('of the entry stand beside keys, with weights and names', () => {
    const keys = [
      'plain',
      { aws: { role_arn: 'arn:aws:iam::1:role/x' }, weight: 3, id: 'role' },
      { aws: { access_key_id: 'AKID', secret_access_key: 'very-secret-of-aws', session_token: 'tok' } }
    ]
    const bedrock = one({ bedrock: { keys, places: { region: 'eu-west-1' } } })
    assert.deepEqual(
      bedrock.credentials.map(({ id, weight, identity, secret }) => [id, weight, identity?.kind, secret !== undefined]),
      [
        ['key1', 1, undefined, true],
        ['role', 3, 'aws', false],
        ['key3', 1, 'aws', false]
      ]
    )
    assert.doesNotMatch(inspect(bedrock, { depth: 9 }) + JSON.stringify(bedrock), /very-secret/)
  })

  it('never go to another origin unless the entry says so', () => {
    const env = { AWS_REGION: 'eu-west-1', AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 's' }
    const origin = 'https://vpce-1.example.com'
    assert.deepEqual(lacking({ bedrock: { origin } }, env, 'bedrock')[0], 'key')
    const moved = one({ bedrock: { origin, keys: [{ aws: {} }] } }, env)
    for (const url of urls(moved)) assert.match(url, /^https:\/\/vpce-1\.example\.com(\/openai\/v1)?$/)
    assert.deepEqual(moved.endpoints[0].audience, { service: 'bedrock', region: 'eu-west-1' })
  })

  it('reach an address of the entry’s own, in the preset’s way, without the places it does not need', () => {
    const base_url = 'https://psc.example.com/v1/projects/p/locations/l/publishers/google'
    const vertex = one({ mine: { like: 'vertex', base_url, keys: [{ google: {} }] } })
    assert.deepEqual(urls(vertex), [base_url])
    assert.equal(vertex.endpoints[0].dialect, 'gemini')
    assert.equal(vertex.catalogId, undefined)
  })

  const refused: [string, Record<string, unknown>][] = [
    ['half of AWS’s keys', { aws: { access_key_id: 'AKID' } }],
    ['a web identity without a role', { aws: { web_identity_token_file: '/t' } }],
    ['two kinds of Google credentials', { google: { credentials: '{}', file: '/f' } }],
    ['a client secret without its client', { entra: { client_secret: 's' } }],
    ['two clouds at once', { aws: {}, google: {} }],
    ['a key and a cloud', { key: 'k', aws: {} }],
    ['an unknown member', { aws: { region: 'eu-west-1' } }]
  ]
  for (const [title, key] of refused) {
    it(`are refused with ${title}`, () => assert.equal(entrySchema.safeParse({ keys: [key] }).success, false))
  }
})

describe('an entry at another origin', () => {
  it('needs a preset, and no address beside it', () => {
    const problemsOf = (entry: Record<string, unknown>) => resolve({ lab: entry }).problems.map(each => each.path)
    assert.deepEqual(problemsOf({ origin: 'https://x.test', base_url: 'https://x.test/v1' }), [['lab', 'origin']])
    assert.deepEqual(problemsOf({ like: 'groq', origin: 'http://10.0.0.1', keys: ['k'] }), [['lab', 'origin']])
    const groq = one({ groq: { origin: 'https://proxy.example.com/', keys: ['k'] } })
    assert.deepEqual(urls(groq), ['https://proxy.example.com/openai/v1'])
    assert.equal(groq.catalogId, undefined)
  })
})
