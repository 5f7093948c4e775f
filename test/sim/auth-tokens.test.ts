import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import { GoogleAuth } from 'google-auth-library'
import { startCloud } from '../../src/sim/auth/index.ts'
import { type Any, ask, send, simForTests } from './helpers.ts'

/** Those who give out tokens: what they believe and what not, and that the makers' own libraries get along with them. */
let nowMs = Date.now()
const cloud = await startCloud({ wallMs: () => nowMs })
after(() => cloud.close())
const sim = await simForTests({ checks: cloud.checks, wallMs: () => nowMs })

interface Said {
  status: number
  headers: Headers
  text: string
  body: Any
}

async function said(path: string, init: RequestInit = {}): Promise<Said> {
  const response = await fetch(cloud.url + path, init)
  const text = await response.text()
  const body = text.startsWith('{') ? JSON.parse(text) : undefined
  return { status: response.status, headers: response.headers, text, body }
}

const form = (path: string, fields: Record<string, string>): Promise<Said> =>
  said(path, { method: 'POST', body: new URLSearchParams(fields) })

const lastIssued = () => cloud.issued().at(-1)!

// ---- Google ------------------------------------------------------------------------------------------------------

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

const { model: _, ...gemini } = ask('gemini', '', 'hello')

async function askVertex(token: string): Promise<{ status: number; body: Any }> {
  const path = '/v1/projects/p/locations/global/publishers/google/models/gemini-2.5-flash:generateContent'
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
  const answer = await send(sim, 'POST', path, gemini, headers)
  return { status: answer.status, body: answer.json() }
}

describe('a service account', () => {
  const account = JSON.parse(cloud.serviceAccount('lab'))

  function part(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString('base64url')
  }

  /** An assertion made by hand, good unless something in it is changed. */
  function assertion(claims: object = {}, { head = {}, key = account.private_key, alter = false }: Any = {}): string {
    const iat = Math.floor(nowMs / 1000)
    const times = { iat, exp: iat + 3600 }
    const whole = { iss: account.client_email, aud: account.token_uri, scope: SCOPE, ...times, ...claims }
    const text = `${part({ alg: 'RS256', kid: account.private_key_id, typ: 'JWT', ...head })}.${part(whole)}`
    const signature = sign('RSA-SHA256', Buffer.from(text), key).toString('base64url')
    const sent = alter ? text.replace(/\..*/, `.${part({ ...whole, scope: `${SCOPE} openid` })}`) : text
    return `${sent}.${signature}`
  }

  const exchange = (jwt: string): Promise<Said> =>
    form('/token', { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: jwt })

  test('gets a token that Vertex takes until it is over', async () => {
    cloud.setLifetime(600)
    const { status, body } = await exchange(assertion())
    cloud.setLifetime(3600)
    assert.equal(status, 200)
    assert.deepEqual({ ...body, access_token: '' }, { access_token: '', expires_in: 600, token_type: 'Bearer' })
    assert.equal(lastIssued().subject, account.client_email)
    assert.equal((await askVertex(body.access_token)).status, 200)
    nowMs += 600_000
    const late = await askVertex(body.access_token)
    assert.deepEqual([late.status, late.body.error.status], [401, 'UNAUTHENTICATED'])
  })

  test('needs the scope of the cloud at Vertex', async () => {
    const { body } = await exchange(assertion({ scope: 'https://www.googleapis.com/auth/drive' }))
    const answer = await askVertex(body.access_token)
    assert.deepEqual([answer.status, answer.body.error.status], [403, 'PERMISSION_DENIED'])
    assert.equal(answer.body.error.details[0].reason, 'ACCESS_TOKEN_SCOPE_INSUFFICIENT')
  })

  const inSeconds = (seconds: number): number => Math.floor(nowMs / 1000) + seconds
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const stranger = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const refusals: [what: string, jwt: () => string, reason: RegExp][] = [
    ['signed with another key', () => assertion({}, { key: stranger }), /^Invalid JWT Signature\.$/],
    ['changed after it was signed', () => assertion({}, { alter: true }), /^Invalid JWT Signature\.$/],
    ['that says it is not signed', () => assertion({}, { head: { alg: 'none' } }), /^Invalid JWT Signature\.$/],
    ['that names another key', () => assertion({}, { head: { kid: 'x' } }), /^Invalid JWT Signature\.$/],
    ['of an account that is not there', () => assertion({ iss: 'x@lab.test' }), /^Invalid grant: account not found$/],
    ['for somebody else', () => assertion({ aud: 'https://elsewhere.test/token' }), /audience/],
    ['that is over', () => assertion({ iat: inSeconds(-4000), exp: inSeconds(-400) }), /short-lived token/],
    ['that lives too long', () => assertion({ exp: inSeconds(3700) }), /short-lived token/],
    ['from the future', () => assertion({ iat: inSeconds(900), exp: inSeconds(1800) }), /short-lived token/],
    ['without a scope', () => assertion({ scope: undefined }), /scope/],
    ['that is none', () => 'not.a.token', /Failed to decode/]
  ]
  for (const [what, jwt, reason] of refusals) {
    test(`gets nothing for an assertion ${what}`, async () => {
      const given = cloud.issued().length
      const { status, body } = await exchange(jwt())
      assert.deepEqual([status, body.error], [400, 'invalid_grant'])
      assert.match(body.error_description, reason)
      assert.equal(cloud.issued().length, given)
    })
  }

  test('is asked for in a form', async () => {
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"grant_type":"x"}' }
    assert.equal((await said('/token', json)).body.error, 'unsupported_grant_type')
    assert.equal((await form('/token', { grant_type: 'password' })).body.error, 'unsupported_grant_type')
  })
})

test('a person’s refresh token is taken with its own client only', async () => {
  const { client_id, client_secret, refresh_token } = JSON.parse(cloud.authorizedUser())
  const good = { grant_type: 'refresh_token', client_id, client_secret, refresh_token }
  const { status, body } = await form('/token', good)
  assert.equal(status, 200)
  assert.equal((await askVertex(body.access_token)).status, 200)
  const wrongClient = await form('/token', { ...good, client_secret: 'x' })
  assert.deepEqual([wrongClient.status, wrongClient.body.error], [401, 'invalid_client'])
  const wrongToken = await form('/token', { ...good, refresh_token: 'x' })
  assert.deepEqual([wrongToken.status, wrongToken.body.error], [400, 'invalid_grant'])
})

describe('a machine of Google’s', () => {
  const path = '/computeMetadata/v1/instance/service-accounts/default/token'

  test('wants its header, and says it back', async () => {
    const without = await said(path)
    assert.equal(without.status, 403)
    const { status, body, headers } = await said(path, { headers: { 'metadata-flavor': 'Google' } })
    assert.equal(status, 200)
    assert.equal(headers.get('metadata-flavor'), 'Google')
    assert.equal((await askVertex(body.access_token)).status, 200)
    const elsewhere = await said('/computeMetadata/v1/x', { headers: { 'metadata-flavor': 'Google' } })
    assert.equal(elsewhere.status, 404)
  })

  test('is found by Google’s own library', async () => {
    const before = { ...process.env }
    process.env.GCE_METADATA_HOST = new URL(cloud.url).host
    process.env.CLOUDSDK_CONFIG = '/nowhere'
    delete process.env.GOOGLE_APPLICATION_CREDENTIALS
    try {
      const client = await new GoogleAuth({ scopes: [SCOPE] }).getClient()
      const headers = await client.getRequestHeaders()
      const token = headers.get('authorization')!.replace('Bearer ', '')
      assert.equal((await askVertex(token)).status, 200)
    } finally {
      process.env = before
    }
  })
})

// ---- Microsoft ---------------------------------------------------------------------------------------------------

describe('an application of Entra’s', () => {
  const { tenantId, clientId, clientSecret, assertion } = cloud.application()
  const scope = 'https://cognitiveservices.azure.com/.default'
  const good = { grant_type: 'client_credentials', client_id: clientId, client_secret: clientSecret, scope }
  const ask = (fields: Record<string, string>, tenant = tenantId): Promise<Said> =>
    form(`/${tenant}/oauth2/v2.0/token`, fields)
  const { client_secret: _, ...secretless } = good
  const federated = { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer' }

  test('gets a token for its secret, or for what its cluster says', async () => {
    for (const fields of [good, { ...secretless, ...federated, client_assertion: assertion }]) {
      const { status, body } = await ask(fields)
      assert.equal(status, 200)
      assert.deepEqual([body.token_type, body.expires_in, body.ext_expires_in], ['Bearer', 3600, 3600])
      const { token, subject, scope } = lastIssued()
      assert.deepEqual([token, subject, scope], [body.access_token, clientId, 'https://cognitiveservices.azure.com'])
    }
  })

  const refusals: [what: string, fields: Record<string, string>, error: string, code: string, status: number][] = [
    ['a wrong secret', { ...good, client_secret: 'x' }, 'invalid_client', 'AADSTS7000215', 401],
    [
      'a wrong assertion',
      { ...secretless, ...federated, client_assertion: 'x' },
      'invalid_client',
      'AADSTS700213',
      401
    ],
    ['no proof', secretless, 'invalid_client', 'AADSTS7000218', 401],
    ['another client', { ...good, client_id: 'x' }, 'unauthorized_client', 'AADSTS700016', 400],
    ['a scope of one permission', { ...good, scope: 'user.read' }, 'invalid_scope', 'AADSTS1002012', 400],
    ['another grant', { ...good, grant_type: 'password' }, 'unsupported_grant_type', 'AADSTS70003', 400]
  ]
  for (const [what, fields, error, code, status] of refusals) {
    test(`gets nothing for ${what}`, async () => {
      const answer = await ask(fields)
      assert.deepEqual([answer.status, answer.body.error], [status, error])
      assert.match(answer.body.error_description, new RegExp(`^${code}: `))
    })
  }

  test('is known in its own directory only', async () => {
    assert.match((await ask(good, 'elsewhere')).body.error_description, /^AADSTS90002: /)
  })
})

test('a machine of Azure’s, and an App Service, say who they are to whoever knows how to ask', async () => {
  const resource = 'https://ai.azure.com'
  const machine = (version: string, headers: Record<string, string>): Promise<Said> =>
    said(`/metadata/identity/oauth2/token?api-version=${version}&resource=${resource}&client_id=c`, { headers })
  const { body } = await machine('2018-02-01', { metadata: 'true' })
  assert.deepEqual([body.resource, body.client_id, body.expires_in], [resource, 'c', '3600'])
  assert.equal(typeof body.expires_on, 'string')
  assert.equal((await machine('2018-02-01', {})).status, 400)
  assert.equal((await machine('', { metadata: 'true' })).status, 400)
  const service = (header: string): Promise<Said> =>
    said(`/msi/token?api-version=2019-08-01&resource=${resource}`, { headers: { 'x-identity-header': header } })
  assert.equal((await service(cloud.identityHeader)).status, 200)
  assert.equal(lastIssued().scope, resource)
  assert.equal((await service('x')).status, 401)
})

// ---- Amazon ------------------------------------------------------------------------------------------------------

describe('a machine of Amazon’s', () => {
  const roles = '/latest/meta-data/iam/security-credentials/'

  test('wants a token first', async () => {
    assert.equal((await said(roles)).status, 401)
    assert.equal((await said('/latest/api/token', { method: 'PUT' })).status, 400)
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }
    const { text: token } = await said('/latest/api/token', { method: 'PUT', headers })
    const as = { headers: { 'x-aws-ec2-metadata-token': token } }
    const role = (await said(roles, as)).text
    const { body } = await said(roles + role, as)
    assert.deepEqual([body.Code, body.Type, body.Token], ['Success', 'AWS-HMAC', lastIssued().token])
    nowMs += 61_000
    assert.equal((await said(roles, as)).status, 401)
  })

  test('and a container are found by Amazon’s own library', async () => {
    const before = { ...process.env }
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
    const nowhere = { AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere' }
    Object.assign(process.env, nowhere, { AWS_EC2_METADATA_SERVICE_ENDPOINT: cloud.url })
    try {
      assert.equal((await defaultProvider({})()).sessionToken, lastIssued().token)
      process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI = `${cloud.url}/v2/credentials`
      assert.equal((await defaultProvider({})()).sessionToken, lastIssued().token)
      assert.equal(lastIssued().subject, 'container')
    } finally {
      process.env = before
    }
  })
})
