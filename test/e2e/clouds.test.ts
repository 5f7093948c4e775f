import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { type Cloud, startCloud } from '../../src/sim/auth/index.ts'
import { ANTHROPIC, type Answer, type Door, OPENAI, send } from '../support/client.ts'
import { startTestGateway, type TestGateway } from '../support/gateway.ts'
import { until } from '../support/until.ts'

/** The gateway before stand-ins of the clouds, which check every signature and token that it sends them. */

const ROLE = 'arn:aws:iam::123456789012:role/gatehouse'
const folder = mkdtempSync(path.join(tmpdir(), 'gatehouse-clouds-'))
let cloud: Cloud
let gateway: TestGateway
/** Nothing that anybody reads may hold one of them. */
const secrets: string[] = []

const secret = (text: string): string => {
  secrets.push(text)
  return text
}

const AZURE_KEY = secret('azure-key-of-the-resource')
const BEDROCK_KEY = secret('bedrock-api-key-of-the-lab')

/** A credential of each kind, as the configuration says it; each provider below has one of its own. */
function credentials(): Record<string, string> {
  const entra = (more: Record<string, string>): string => {
    const { tenantId: tenant_id, clientId: client_id, clientSecret, assertion } = cloud.application()
    const file = path.join(folder, `${client_id}.jwt`)
    writeFileSync(file, secret(assertion))
    const proof = more.proof === 'file' ? { federated_token_file: file } : { client_secret: secret(clientSecret) }
    return JSON.stringify({
      entra: { tenant_id, client_id, authority: cloud.url, ...proof, ...more, proof: undefined }
    })
  }
  const google = (json: string): string => {
    secret(String(JSON.parse(json).private_key ?? JSON.parse(json).refresh_token))
    return JSON.stringify({ google: { credentials: json } })
  }
  const aws = (more: Record<string, string> = {}): string => {
    const { accessKeyId: access_key_id, secretAccessKey } = cloud.user()
    return JSON.stringify({ aws: { access_key_id, secret_access_key: secret(secretAccessKey), ...more } })
  }
  const taken = { role_arn: ROLE, sts_url: cloud.url }
  const web = (token: string): string => {
    const file = path.join(folder, `${token.slice(-8)}.jwt`)
    writeFileSync(file, secret(token))
    return JSON.stringify({ aws: { ...taken, web_identity_token_file: file } })
  }
  const stranger = JSON.parse(cloud.serviceAccount())
  return {
    'azure-key': AZURE_KEY,
    'azure-entra': entra({}),
    'azure-dated': entra({}),
    'azure-federated': entra({ proof: 'file' }),
    'azure-managed': JSON.stringify({ entra: { managed_identity_url: `${cloud.url}/metadata/identity/oauth2/token` } }),
    'azure-foundry': entra({}),
    'azure-old': entra({}),
    'azure-revoked': entra({}),
    'azure-wrong': entra({ client_secret: secret('not-its-client-secret') }),
    'vertex-account': google(cloud.serviceAccount()),
    'vertex-person': google(cloud.authorizedUser()),
    'vertex-old': google(cloud.serviceAccount()),
    'vertex-revoked': google(cloud.serviceAccount()),
    'vertex-wrong': google(JSON.stringify({ ...stranger, client_email: `nobody@${stranger.project_id}.example` })),
    'bedrock-keys': aws(),
    'bedrock-role': aws({ ...taken, external_id: '42' }),
    'bedrock-web': web(cloud.webIdentity()),
    'bedrock-api': BEDROCK_KEY,
    'bedrock-old': aws({ ...taken, external_id: '42' }),
    'bedrock-revoked': aws({ ...taken, external_id: '42' }),
    'bedrock-wrong': aws({ secret_access_key: secret('not-its-secret-access-key') }),
    'bedrock-stranger': web('eyJ.not-a-token-of-the.cluster')
  }
}

const PLACES: Record<string, string> = {
  azure: '{ resource: lab }',
  vertex: '{ project: sim-project, location: europe-west4 }',
  bedrock: '{ region: eu-west-1 }',
  'azure-dated': '{ resource: lab, api_version: "2024-10-21" }'
}

before(async () => {
  cloud = await startCloud({ region: 'eu-west-1' })
  cloud.role(ROLE, '42')
  const entries = Object.entries(credentials()).map(([name, key]) => {
    const like = name === 'azure-foundry' ? name : name.split('-')[0]!
    const places = PLACES[name] ?? PLACES[name.split('-')[0]!]
    return `  ${name}: { like: ${like}, origin: SIM, places: ${places}, keys: [${key}], allow_private: ["127.0.0.0/8"] }`
  })
  const sim = { checks: cloud.checks, keys: [AZURE_KEY, BEDROCK_KEY] }
  gateway = await startTestGateway({ bare: true, sim, providers: entries.join('\n') })
})
after(async () => {
  await gateway.close()
  await cloud.close()
  rmSync(folder, { recursive: true })
})

const call = (door: Door, model: string, stream = false): Promise<Answer> =>
  send(gateway.gateway.url + door.path, { body: door.body(model, 'hello cloud', { stream }) })

/** What was given out to one provider while `work` was done; providers are asked one after another. */
async function issuedIn(work: () => Promise<unknown>): Promise<ReturnType<Cloud['issued']>> {
  const from = cloud.issued().length
  await work()
  return cloud.issued().slice(from)
}

const CLAUDE = 'us.anthropic.claude-sonnet-4-5-20250929-v1:0'
const GOOD: [provider: string, model: string, path: RegExp][] = [
  ['azure-key', 'echo', /^\/openai\/v1\/chat\/completions$/],
  ['azure-entra', 'echo', /^\/openai\/v1\//],
  ['azure-dated', 'echo', /^\/openai\/deployments\/echo\/chat\/completions\?api-version=2024-10-21$/],
  ['azure-federated', 'echo', /^\/openai\/v1\//],
  ['azure-managed', 'echo', /^\/openai\/v1\//],
  ['azure-foundry', 'echo', /^\/openai\/v1\//],
  ['azure-foundry', 'claude-sonnet-4-5', /^\/anthropic\/v1\/messages$/],
  ['vertex-account', 'echo', /\/sim-project\/locations\/europe-west4\/publishers\/google\/models\/echo:/],
  ['vertex-account', 'claude-sonnet-4-5', /\/publishers\/anthropic\/models\/claude-sonnet-4-5:(?:streamR|r)awPredict$/],
  ['vertex-person', 'echo', /\/publishers\/google\//],
  ['bedrock-keys', 'echo', /^\/model\/echo\/converse/],
  ['bedrock-keys', CLAUDE, /^\/model\/us\.anthropic\.claude-[^/]*\/(?:invoke|converse)/],
  ['bedrock-role', 'echo', /^\/model\/echo\/converse/],
  ['bedrock-web', 'echo', /^\/model\/echo\/converse/],
  ['bedrock-api', 'echo', /^\/model\/echo\/converse/]
]

for (const [provider, model, address] of GOOD) {
  test(`${provider} with ${model}: whole and streamed, at both doors`, async () => {
    gateway.seen()
    for (const door of [OPENAI, ANTHROPIC]) {
      const whole = await call(door, `${provider}/${model}`)
      assert.equal(whole.status, 200, whole.text)
      assert.match(door.said(whole.json()), /hello cloud/)
      const streamed = await call(door, `${provider}/${model}`, true)
      assert.equal(streamed.status, 200, streamed.text)
      const events = streamed.events()
      assert.ok(door.ended(events), streamed.text)
      assert.match(door.streamed(events), /hello cloud/)
    }
    const entries = gateway.seen()
    assert.equal(entries.length, 4)
    for (const entry of entries) {
      assert.equal(entry.status, 200)
      assert.match(entry.path, address)
    }
  })
}

test('Claude’s tokens are counted where Claude is', async () => {
  const { messages } = ANTHROPIC.body('', 'hello cloud')
  for (const model of [
    'vertex-account/claude-sonnet-4-5',
    'azure-foundry/claude-sonnet-4-5',
    `bedrock-keys/${CLAUDE}`
  ]) {
    const answer = await send(`${gateway.gateway.url}/v1/messages/count_tokens`, {
      body: { model, messages: messages! }
    })
    assert.equal(answer.status, 200, answer.text)
    assert.ok(Number(answer.json().input_tokens) > 0)
  }
})

const CLOUDS = ['azure', 'vertex', 'bedrock'] as const
const rowOf = (name: string) => `${name}/echo`

test('one token is fetched for any number of calls at a time', async () => {
  for (const name of CLOUDS) {
    const issued = await issuedIn(async () => {
      const answers = await Promise.all(Array.from({ length: 16 }, () => call(OPENAI, rowOf(`${name}-revoked`))))
      for (const answer of answers) assert.equal(answer.status, 200, answer.text)
    })
    assert.equal(issued.length, 1, name)
  }
})

test('a token that is taken back is renewed within the call', async () => {
  for (const name of CLOUDS) {
    const held = (await issuedIn(() => call(OPENAI, rowOf(`${name}-revoked`))))[0] ?? lastOf(name)
    cloud.revoke(held.token)
    gateway.seen()
    const issued = await issuedIn(async () => {
      for (const stream of [true, false]) {
        const answer = await call(OPENAI, rowOf(`${name}-revoked`), stream)
        assert.equal(answer.status, 200, answer.text)
      }
    })
    assert.equal(issued.length, 1, name)
    assert.notEqual(issued[0]!.token, held.token)
    const models = gateway.seen().filter(({ method }) => method === 'POST')
    assert.deepEqual(
      models.map(({ status }) => status < 400),
      [false, true, true],
      'refused once, and said again'
    )
  }
})

/** The newest of those that the revoked provider of a cloud had: its subject had no other. */
function lastOf(name: (typeof CLOUDS)[number]) {
  const by = { azure: 'entra', vertex: 'google', bedrock: 'aws' }[name]
  return cloud.issued().findLast(each => each.by === by)!
}

test('a token that is over is not used again', async () => {
  cloud.setLifetime(1)
  try {
    const before = await issuedIn(async () => {
      for (const name of CLOUDS) assert.equal((await call(OPENAI, rowOf(`${name}-old`))).status, 200)
    })
    assert.equal(before.length, CLOUDS.length)
    const endMs = Math.max(...before.map(({ expiresMs }) => expiresMs)) + 50
    await until(() => Date.now() > endMs, 'the tokens are over')
    cloud.setLifetime(3600)
    const issued = await issuedIn(async () => {
      for (const name of CLOUDS) assert.equal((await call(OPENAI, rowOf(`${name}-old`))).status, 200)
    })
    assert.equal(issued.length, CLOUDS.length)
  } finally {
    cloud.setLifetime(3600)
  }
})

test('a credential that is wrong is named by where it was written down, with the reason', async () => {
  const rows: [name: string, reason: RegExp | undefined][] = [
    ['azure-wrong', /Entra answered with status 401 \(invalid_client\)/],
    ['vertex-wrong', /Google answered with status 400 \(invalid_grant\)/],
    ['bedrock-wrong', undefined],
    ['bedrock-stranger', /STS answered with status 400 \(InvalidIdentityToken\)/]
  ]
  for (const [name, reason] of rows) {
    for (const door of [OPENAI, ANTHROPIC]) {
      const answer = await call(door, rowOf(name))
      assert.equal(answer.status, 502, answer.text)
      const { code, message } = door.error(answer.json())
      if (door === OPENAI) assert.equal(code, 'provider_refused_us')
      assert.match(message, new RegExp(`config providers\\.${name}\\.keys\\[0\\]`))
      if (reason) assert.match(message, reason, `${message}\n${JSON.stringify(gateway.lines.slice(-4))}`)
    }
  }
})

test('no secret and no token is in any log or answer', () => {
  const said = JSON.stringify([gateway.lines, gateway.sim.log().map(({ headers, path }) => ({ headers, path }))])
  const tokens = cloud.issued().map(({ token }) => token)
  assert.ok(tokens.length > 10 && secrets.length > 10)
  for (const text of [...secrets, ...tokens]) {
    assert.ok(!said.includes(text) && !said.includes(JSON.stringify(text).slice(1, -1)), text.slice(0, 12))
  }
})

test('Claude behind Bedrock: what Amazon refuses, an Anthropic client hears as Anthropic says it', async () => {
  const answer = await send(`${gateway.gateway.url}/v1/messages`, {
    body: { model: `bedrock-keys/${CLAUDE}`, max_tokens: 10, messages: [] }
  })
  assert.equal(answer.status, 400, answer.text)
  const { type, error } = answer.json() as { type: string; error: { type: string; message: string } }
  assert.deepEqual([type, error.type], ['error', 'invalid_request_error'])
  assert.match(error.message, /messages/)
})
