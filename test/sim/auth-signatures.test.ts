import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, describe, test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { startCloud } from '../../src/sim/auth/index.ts'
import { type Answer, send, simForTests } from './helpers.ts'

/**
 * Amazon's own library signs here, so that the simulator's check and the signer come from different hands. Both clocks
 * are the test's.
 */
let nowMs = Date.parse('2026-11-22T12:00:00Z')
const cloud = await startCloud({ wallMs: () => nowMs, region: 'eu-west-1' })
after(() => cloud.close())
const sim = await simForTests({ checks: cloud.checks, keys: ['bedrock-api-key'], wallMs: () => nowMs })
const user = cloud.user()

const BODY = JSON.stringify({ messages: [{ role: 'user', content: [{ text: 'hello' }] }] })
const PATH = '/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse'

interface Keys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

interface Wanted {
  keys: Keys
  region: string
  service: string
  path: string
  body: string
  dateMs: number
  host: string
  query: Record<string, string>
  headers: Record<string, string>
}

/** The headers of a request as the library signs it. */
async function signed(wanted: Partial<Wanted> = {}): Promise<Record<string, string>> {
  const { keys = user, region = 'eu-west-1', service = 'bedrock', path = PATH, body = BODY, dateMs = nowMs } = wanted
  const { host = `127.0.0.1:${sim.port}`, query = {}, headers = {} } = wanted
  const signer = new SignatureV4({ credentials: keys, region, service, sha256: Sha256 })
  const request = {
    method: 'POST',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path,
    query,
    headers: { host, 'content-type': 'application/json', ...headers },
    body
  }
  return (await signer.sign(request, { signingDate: new Date(dateMs) })).headers
}

class Sha256 {
  readonly #secret: Uint8Array | string | undefined
  readonly #data: Buffer[] = []

  constructor(secret?: unknown) {
    this.#secret = secret as Uint8Array | string | undefined
  }

  update(data: unknown): void {
    this.#data.push(Buffer.from(data as Uint8Array))
  }

  async digest(): Promise<Uint8Array> {
    const data = Buffer.concat(this.#data)
    return this.#secret === undefined ? sha256(data) : hmac(Buffer.from(this.#secret), data)
  }

  reset(): void {
    this.#data.length = 0
  }
}

function sha256(data: Buffer): Buffer {
  return createHash('sha256').update(data).digest()
}

/** RFC 2104, from the hash alone. */
function hmac(secret: Buffer, data: Buffer): Buffer {
  const key = Buffer.alloc(64)
  ;(secret.length > 64 ? sha256(secret) : secret).copy(key)
  const pad = (byte: number): Buffer => key.map(one => one ^ byte) as Buffer
  return sha256(Buffer.concat([pad(0x5c), sha256(Buffer.concat([pad(0x36), data]))]))
}

function converse(headers: Record<string, string>, body = BODY, path = PATH): Promise<Answer> {
  return send(sim, 'POST', path, body, headers)
}

function refusedAs(answer: Answer, name: string, message: RegExp): void {
  assert.equal(answer.status, 403, answer.text)
  assert.match(answer.headers['x-amzn-errortype'] ?? '', new RegExp(`^${name}:`))
  assert.match(answer.json().message, message)
}

describe('a request that Amazon’s library signed', () => {
  const paths = [
    PATH,
    '/model/arn%3Aaws%3Abedrock%3Aeu-west-1%3A123456789012%3Ainference-profile%2Feu.anthropic.claude-x/converse',
    '/model/us.anthropic.claude-sonnet-4-5-20250929-v1:0/converse',
    "/model/it's%20(a)*name!/converse"
  ]
  for (const path of paths) {
    test(`is taken at ${path}`, async () => {
      const answer = await converse(await signed({ path }), BODY, path)
      assert.equal(answer.status, 200, answer.text)
    })
  }

  test('is taken with a query, in whatever order it is written', async () => {
    const headers = await signed({ query: { b: 'x y/z', a: '1', 'a-b': '(!)' } })
    const answer = await converse(headers, BODY, `${PATH}?b=x%20y%2Fz&a-b=%28%21%29&a=1`)
    assert.equal(answer.status, 200, answer.text)
  })

  test('is taken with odd white space in a signed header', async () => {
    const headers = await signed({ headers: { 'x-note': ' one   two ' } })
    const answer = await converse({ ...headers, 'x-note': 'one  two' })
    assert.equal(answer.status, 200, answer.text)
  })

  test('is taken within five minutes of the clock', async () => {
    for (const offMs of [-299_000, 299_000]) {
      const answer = await converse(await signed({ dateMs: nowMs + offMs }))
      assert.equal(answer.status, 200, answer.text)
    }
  })
})

const NO_MATCH = /^The request signature we calculated does not match/

describe('a request that was changed on the way', () => {
  const changes: [what: string, change: (headers: Record<string, string>) => Promise<Answer>][] = [
    ['its body', headers => converse(headers, BODY.replace('hello', 'hallo'))],
    ['its path', headers => converse(headers, BODY, PATH.replace('converse', 'converse-stream'))],
    ['the encoding of its path', headers => converse(headers, BODY, PATH.replace('%3A', ':'))],
    ['its query', headers => converse(headers, BODY, `${PATH}?a=1`)],
    ['a header', headers => send(sim, 'POST', PATH, BODY, { ...headers, 'content-type': 'application/json; x=1' })],
    ['its signature', headers => converse({ ...headers, authorization: headers.authorization!.replace(/.$/, '_') })],
    [
      'a date within bounds',
      headers => converse({ ...headers, 'x-amz-date': headers['x-amz-date']!.replace(/.Z$/, '1Z') })
    ]
  ]
  for (const [what, change] of changes) {
    test(`is refused for ${what}`, async () => {
      refusedAs(await change(await signed()), 'InvalidSignatureException', NO_MATCH)
    })
  }
})

describe('a signature', () => {
  const INVALID = 'InvalidSignatureException'
  const refusals: [what: string, wanted: () => Partial<Wanted>, name: string, message: RegExp][] = [
    ['with a wrong secret', () => ({ keys: { ...user, secretAccessKey: 'wrong' } }), INVALID, NO_MATCH],
    [
      'of nobody',
      () => ({ keys: { ...user, accessKeyId: 'AKIANOBODY' } }),
      'UnrecognizedClientException',
      /^The security token included in the request is invalid\.$/
    ],
    [
      'with a session token that its keys do not have',
      () => ({ keys: { ...user, sessionToken: 'x' } }),
      'UnrecognizedClientException',
      /token included/
    ],
    ['for another region', () => ({ region: 'us-east-1' }), INVALID, /scoped to a valid region/],
    ['for another service', () => ({ service: 's3' }), INVALID, /scoped to correct service: 'bedrock'/],
    [
      'that is old',
      () => ({ dateMs: nowMs - 301_000 }),
      INVALID,
      /^Signature expired: 20261122T115459Z is now earlier than 20261122T115500Z \(20261122T120000Z - 5 min\.\)$/
    ],
    ['from the future', () => ({ dateMs: nowMs + 301_000 }), INVALID, /^Signature not yet current: .* \+ 5 min\.\)$/],
    ['for another host', () => ({ host: 'bedrock.example' }), INVALID, NO_MATCH],
    ['that leaves the body out', () => ({ headers: { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' } }), INVALID, NO_MATCH]
  ]
  for (const [what, wanted, name, message] of refusals) {
    test(`${what} is refused`, async () => {
      const { host: _, ...headers } = await signed(wanted())
      refusedAs(await converse(headers), name, message)
    })
  }

  test('must cover every header of Amazon’s', async () => {
    const headers = { ...(await signed()), 'x-amzn-trace': 'may', 'x-amz-other': 'must' }
    refusedAs(await converse(headers), INVALID, /not signed: x-amz-other$/)
  })

  test('must cover headers that it says it covers', async () => {
    const { 'x-note': _, ...headers } = await signed({ headers: { 'x-note': 'one' } })
    refusedAs(await converse(headers), INVALID, /not in the request: x-note/)
  })

  const broken: [what: string, change: (text: string) => string, name: string, message: RegExp][] = [
    ['has no host', text => text.replace('host;', ''), INVALID, /^'Host' must be a 'SignedHeader'/],
    ['ends otherwise', text => text.replace('aws4_request', 'aws5'), INVALID, /valid terminator: 'aws4_request'/],
    ['is of another day', text => text.replace('/20261122/', '/20261121/'), INVALID, /'20261121' != '20261122'/],
    [
      'is not there',
      text => text.replace(/, Signature=.*/, ''),
      'IncompleteSignatureException',
      /requires 'Signature' parameter/
    ],
    [
      'is of another kind',
      text => text.replace('AWS4-HMAC-SHA256', 'AWS4-NONE'),
      'IncompleteSignatureException',
      /Unsupported AWS 'algorithm'/
    ]
  ]
  for (const [what, change, name, message] of broken) {
    test(`that ${what} is refused`, async () => {
      const headers = await signed()
      refusedAs(await converse({ ...headers, authorization: change(headers.authorization!) }), name, message)
    })
  }

  test('without a date is refused', async () => {
    const { 'x-amz-date': _, ...headers } = await signed()
    refusedAs(await converse(headers), 'IncompleteSignatureException', /'X-Amz-Date'/)
  })
})

test('without any credential there is no way in', async () => {
  const answer = await converse({ 'content-type': 'application/json' })
  refusedAs(answer, 'MissingAuthenticationTokenException', /^Missing Authentication Token$/)
})

test('a Bedrock API key is taken as bearer, a wrong one not', async () => {
  const as = (key: string) => converse({ 'content-type': 'application/json', authorization: `Bearer ${key}` })
  assert.equal((await as('bedrock-api-key')).status, 200)
  refusedAs(await as('another'), 'AccessDeniedException', /API Key is valid/)
})

test('every door of Bedrock asks for the signature', async () => {
  const base = PATH.replace('/converse', '')
  for (const verb of ['converse', 'converse-stream', 'count-tokens', 'invoke', 'invoke-with-response-stream']) {
    const forged = await signed({ path: `${base}/${verb}`, keys: { ...user, secretAccessKey: 'wrong' } })
    refusedAs(await converse(forged, BODY, `${base}/${verb}`), 'InvalidSignatureException', NO_MATCH)
  }
  for (const model of ['amazon.titan-embed-text-v2%3A0', 'cohere.embed-english-v3']) {
    const answer = await converse({ 'content-type': 'application/json' }, '{}', `/model/${model}/invoke`)
    refusedAs(answer, 'MissingAuthenticationTokenException', /Missing/)
  }
})

describe('temporary keys', () => {
  const ARN = 'arn:aws:iam::123456789012:role/gatehouse'
  cloud.role(ARN, 'the-external-id')

  function form(action: string, more: Record<string, string>): string {
    const fields = { Action: action, Version: '2011-06-15', RoleArn: ARN, RoleSessionName: 'test', ...more }
    return new URLSearchParams(fields).toString()
  }

  async function sts(body: string, headers: Record<string, string>): Promise<{ status: number; text: string }> {
    const response = await fetch(cloud.url, { method: 'POST', body, headers: { ...headers, 'content-type': FORM } })
    return { status: response.status, text: await response.text() }
  }

  const FORM = 'application/x-www-form-urlencoded'

  async function assume(more: Record<string, string> = {}, keys: Keys = user, service = 'sts') {
    const body = form('AssumeRole', { ExternalId: 'the-external-id', ...more })
    const host = new URL(cloud.url).host
    const { host: _, ...headers } = await signed({
      keys,
      service,
      path: '/',
      body,
      host,
      headers: { 'content-type': FORM }
    })
    return sts(body, headers)
  }

  function keysIn(text: string): Required<Keys> {
    const inside = (name: string): string => new RegExp(`<${name}>([^<]+)</${name}>`).exec(text)?.[1] ?? ''
    return {
      accessKeyId: inside('AccessKeyId'),
      secretAccessKey: inside('SecretAccessKey'),
      sessionToken: inside('SessionToken')
    }
  }

  test('of a role are good with their session token, and not without', async () => {
    const { status, text } = await assume()
    assert.equal(status, 200, text)
    const keys = keysIn(text)
    assert.match(keys.accessKeyId, /^ASIA[A-Z0-9]{16}$/)
    assert.equal((await converse(await signed({ keys }))).status, 200)
    const { accessKeyId, secretAccessKey } = keys
    const without = await converse(await signed({ keys: { accessKeyId, secretAccessKey } }))
    refusedAs(without, 'UnrecognizedClientException', /invalid/)
  })

  test('grow old, and can be taken back', async () => {
    const old = keysIn((await assume()).text)
    nowMs += 3_600_000
    refusedAs(await converse(await signed({ keys: old })), 'ExpiredTokenException', /token included .* is expired$/)
    const fresh = keysIn((await assume()).text)
    assert.equal((await converse(await signed({ keys: fresh }))).status, 200)
    cloud.revoke(fresh.sessionToken)
    refusedAs(await converse(await signed({ keys: fresh })), 'UnrecognizedClientException', /invalid/)
  })

  test('come with a web identity too, which nobody signs', async () => {
    const good = await sts(form('AssumeRoleWithWebIdentity', { WebIdentityToken: cloud.webIdentity() }), {})
    assert.equal(good.status, 200, good.text)
    assert.equal((await converse(await signed({ keys: keysIn(good.text) }))).status, 200)
    const bad = await sts(form('AssumeRoleWithWebIdentity', { WebIdentityToken: 'made-up' }), {})
    assert.equal(bad.status, 400)
    assert.match(bad.text, /<Code>InvalidIdentityToken<\/Code>/)
  })

  test('are not for who may not take the role', async () => {
    const codes: [asked: () => ReturnType<typeof sts>, status: number, code: string][] = [
      [() => assume({ ExternalId: 'wrong' }), 403, 'AccessDenied'],
      [() => assume({ RoleArn: `${ARN}-2` }), 403, 'AccessDenied'],
      [() => assume({ RoleSessionName: 'no spaces here' }), 400, 'ValidationError'],
      [() => assume({ Action: 'GetFederationToken' }), 400, 'InvalidAction'],
      [() => assume({}, { ...user, secretAccessKey: 'wrong' }), 403, 'SignatureDoesNotMatch'],
      [() => assume({}, { ...user, accessKeyId: 'AKIANOBODY' }), 403, 'InvalidClientTokenId'],
      [() => assume({}, user, 'bedrock'), 403, 'SignatureDoesNotMatch']
    ]
    for (const [ask, status, code] of codes) {
      const answer = await ask()
      assert.match(answer.text, new RegExp(`<Type>Sender</Type><Code>${code}</Code>`))
      assert.equal(answer.status, status, answer.text)
    }
  })
})
