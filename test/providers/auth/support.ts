import { createHash, createHmac, generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { systemClock } from '../../../src/clock.ts'
import type { Identity } from '../../../src/providers/auth/identity.ts'
import { createSigners, type Signers } from '../../../src/providers/auth/signers.ts'
import type { Audience, AuthStyle, Credential, Endpoint, Outgoing, Provider } from '../../../src/providers/provider.ts'
import { Secret } from '../../../src/secret.ts'
import { createUpstream } from '../../../src/wire/upstream-undici.ts'

/** Hands that a test holds. Both clocks move together unless the wall is set. */
export class TestClock {
  monotonic = 1_000_000
  wall = Date.parse('2026-11-22T12:00:00Z')
  wallMs = () => this.wall
  monotonicMs = () => this.monotonic
  pass(milliseconds: number): void {
    this.monotonic += milliseconds
    this.wall += milliseconds
  }
}

export interface Heard {
  method: string
  url: string
  headers: IncomingHttpHeaders
  body: string
  form: URLSearchParams
}

export interface StandIn {
  url: string
  heard: Heard[]
  close(): Promise<void>
}

/** A server that answers by `answer` and remembers what it was asked. */
export async function standIn(answer: (request: Heard, response: ServerResponse) => unknown): Promise<StandIn> {
  const heard: Heard[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    const { method = '', url = '', headers } = request
    const one = { method, url, headers, body, form: new URLSearchParams(body) }
    heard.push(one)
    answer(one, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

// ---- what signers are asked --------------------------------------------------------------------------------------

export interface Bench {
  clock: TestClock
  signers: Signers
  close(): Promise<void>
}

export function bench(): Bench {
  const clock = new TestClock()
  const upstream = createUpstream({ clock: systemClock })
  return { clock, signers: createSigners({ clock, upstream }), close: () => upstream.close() }
}

export function endpointAt(baseUrl: string, auth: AuthStyle, audience?: Audience): Endpoint {
  return { dialect: 'openai-chat', baseUrl, auth, quirks: {}, audience }
}

export const PROVIDER: Provider = {
  name: 'lab',
  title: 'Lab',
  endpoints: [endpointAt('https://lab.test', 'none')],
  credentials: [],
  headers: {},
  allowPrivate: [],
  evidence: 'documented',
  source: { document: 'test', date: '' },
  models: [],
  onAbort: 'cancel',
  passRequestId: false
}

export function credentialOf(identity: Identity, id = 'key1'): Credential {
  return { id, secret: undefined, identity, weight: 1, source: 'config providers.lab.keys[0]' }
}

export function keyOf(text: string | undefined): Credential {
  return { id: 'key1', secret: text === undefined ? undefined : new Secret(text), weight: 1, source: 'LAB_KEY' }
}

export function outgoingTo(origin: string, path = '/v1/chat', body = '{"x":1}'): Outgoing {
  const headers = ['content-type', 'application/json', 'user-agent', 'gatehouse/test']
  return { method: 'POST', origin, path, headers, body: Buffer.from(body) }
}

export function asHeaders(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: pairs.length / 2 }, (_, at) => [pairs[at * 2]!, pairs[at * 2 + 1]!]))
}

// ---- SigV4, checked from its specification -----------------------------------------------------------------------

export interface Signed {
  method: string
  /** Path and query, as on the wire. */
  url: string
  headers: IncomingHttpHeaders
  body: string
}

export interface Expected {
  secretOf(accessKeyId: string): string | undefined
  service: string
  region: string
  nowMs: number
}

/** Why a request is refused; undefined where its signature is good. Follows the reference of SigV4, not the library. */
export function sigV4Fault({ method, url, headers, body }: Signed, expected: Expected): string | undefined {
  const authorization = /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
    String(headers.authorization)
  )
  if (!authorization) return 'MissingAuthenticationToken'
  const [, scope = '', names = '', signature] = authorization
  const [accessKeyId = '', day, region, service, end] = scope.split('/')
  const secret = expected.secretOf(accessKeyId)
  if (secret === undefined) return 'UnrecognizedClientException'
  if (region !== expected.region || service !== expected.service || end !== 'aws4_request') return 'wrong scope'
  const date = String(headers['x-amz-date'])
  const signedMs = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  if (!(Math.abs(signedMs - expected.nowMs) <= 300_000) || !date.startsWith(day!)) return 'Signature expired'
  const list = names.split(';')
  const amazons = Object.keys(headers).filter(name => name.startsWith('x-amz-'))
  for (const name of ['host', ...amazons]) if (!list.includes(name)) return `${name} is not signed`
  const hash = (data: string) => createHash('sha256').update(data).digest('hex')
  if (headers['x-amz-content-sha256'] !== hash(body)) return 'wrong body'
  const [path = '', query = ''] = url.split('?')
  // Each segment is encoded once more for the signature, for every service but S3.
  const canonicalPath = path.split('/').map(encodeURIComponent).join('/')
  const canonicalHeaders = list.map(name => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`).join('')
  const sortedQuery = query.split('&').sort().join('&')
  const canonical = [method, canonicalPath, sortedQuery, canonicalHeaders, names, hash(body)].join('\n')
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/aws4_request`, hash(canonical)].join('\n')
  const hmac = (key: string | Buffer, data: string) => createHmac('sha256', key).update(data).digest()
  const key = [day!, region!, service!, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, toSign).toString('hex') === signature ? undefined : 'InvalidSignatureException'
}

/** A request as a server would have heard it, of what a signer made. */
export function signedFrom(outgoing: Outgoing, pairs: readonly string[]): Signed {
  const { method, path: url, origin, body } = outgoing
  const headers = { host: new URL(origin).host, ...asHeaders(outgoing.headers), ...asHeaders(pairs) }
  return { method, url, headers, body: body?.toString() ?? '' }
}

// ---- Google ------------------------------------------------------------------------------------------------------

export interface ServiceAccount {
  /** As Google hands it out. */
  json: string
  publicKey: KeyObject
}

export function serviceAccount(tokenUri: string): ServiceAccount {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const account = {
    type: 'service_account',
    project_id: 'lab-project',
    private_key_id: 'k1',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    client_email: 'gate@lab-project.iam.gserviceaccount.com',
    client_id: '1',
    token_uri: tokenUri
  }
  return { json: JSON.stringify(account), publicKey }
}

/** Why an assertion is refused (RFC 7523); undefined where it is good. */
export function assertionFault(assertion: string, publicKey: KeyObject, audience: string): string | undefined {
  const [head = '', claims = '', signature = ''] = assertion.split('.')
  const read = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString())
  if (read(head).alg !== 'RS256') return 'wrong algorithm'
  const good = verify('RSA-SHA256', Buffer.from(`${head}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))
  if (!good) return 'wrong signature'
  const { iss, aud, exp, iat, scope } = read(claims)
  if (aud !== audience) return `wrong audience ${aud}`
  if (!String(iss).endsWith('.iam.gserviceaccount.com') || !scope) return 'wrong issuer or scope'
  const now = Date.now() / 1_000
  return exp - iat > 3_600 || Math.abs(iat - now) > 60 ? 'wrong times' : undefined
}
