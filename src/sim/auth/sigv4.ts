import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Request } from '../door.ts'
import type { Refusal } from '../refusal.ts'
import { coral } from './checks.ts'

/**
 * Signature version 4, computed again from the request as it came
 * (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html).
 */
export interface Expected {
  service: string
  region: string
  /** Milliseconds since 1970. */
  nowMs: number
  /** The secret that belongs to an access key id and, where the keys are temporary, a session token. Throws a Refusal. */
  secretOf(accessKeyId: string, sessionToken: string | undefined): string
}

const ALGORITHM = 'AWS4-HMAC-SHA256'
const TERMINATOR = 'aws4_request'
const SKEW_MAX_MS = 5 * 60_000

/** Throws AWS's refusal where a request is not signed by known keys for this service, region and time. */
export function verifySignature(request: Request, expected: Expected): void {
  const { accessKeyId, scope, names, signature } = readAuthorization(request.headers)
  const date = dateOf(request.headers)
  const sessionToken = request.headers['x-amz-security-token']
  const secret = expected.secretOf(accessKeyId, typeof sessionToken === 'string' ? sessionToken : undefined)
  checkScope(scope, date, expected)
  checkDate(date, expected.nowMs)
  checkNames(names, request.headers)
  if (signature === signatureOf(request, { names, date, scope }, secret)) return
  throw invalid(
    'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and ' +
      'signing method. Consult the service documentation for details.'
  )
}

interface Authorization {
  accessKeyId: string
  /** Day, region, service and terminator. */
  scope: string[]
  names: string[]
  signature: string
}

function readAuthorization({ authorization }: IncomingHttpHeaders): Authorization {
  if (authorization === undefined) {
    throw coral(403, 'MissingAuthenticationTokenException', 'Missing Authentication Token')
  }
  const [algorithm, rest = ''] = authorization.split(/ (.*)/s)
  if (algorithm !== ALGORITHM) {
    throw incomplete(`Unsupported AWS 'algorithm': '${algorithm}'.`)
  }
  const said = new Map(rest.split(',').map(one => one.trim().split(/=(.*)/s) as [string, string]))
  const missing = ['Credential', 'Signature', 'SignedHeaders'].filter(name => !said.get(name))
  if (missing.length > 0) {
    const complaints = missing.map(name => `Authorization header requires '${name}' parameter.`)
    throw incomplete(`${complaints.join(' ')} Authorization=${authorization}`)
  }
  const [accessKeyId = '', ...scope] = said.get('Credential')!.split('/')
  return { accessKeyId, scope, names: said.get('SignedHeaders')!.split(';'), signature: said.get('Signature')! }
}

function dateOf(headers: IncomingHttpHeaders): string {
  const date = headers['x-amz-date']
  if (typeof date === 'string' && /^\d{8}T\d{6}Z$/.test(date)) return date
  throw incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
}

function incomplete(message: string): Refusal {
  return coral(403, 'IncompleteSignatureException', message)
}

function invalid(message: string): Refusal {
  return coral(403, 'InvalidSignatureException', message)
}

function checkScope([day, region, service, end]: string[], date: string, expected: Expected): void {
  if (end !== TERMINATOR) throw invalid(`Credential should be scoped with a valid terminator: '${TERMINATOR}'.`)
  if (region !== expected.region) throw invalid('Credential should be scoped to a valid region.')
  if (service !== expected.service) {
    throw invalid(`Credential should be scoped to correct service: '${expected.service}'.`)
  }
  if (day === date.slice(0, 8)) return
  throw invalid(
    `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${day}' != ` +
      `'${date.slice(0, 8)}', from '${date}'.`
  )
}

function checkDate(date: string, nowMs: number): void {
  const signedMs = Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  const now = written(nowMs)
  const [earliest, latest] = [written(nowMs - SKEW_MAX_MS), written(nowMs + SKEW_MAX_MS)]
  if (!(signedMs >= nowMs - SKEW_MAX_MS)) {
    throw invalid(`Signature expired: ${date} is now earlier than ${earliest} (${now} - 5 min.)`)
  }
  if (signedMs <= nowMs + SKEW_MAX_MS) return
  throw invalid(`Signature not yet current: ${date} is still later than ${latest} (${now} + 5 min.)`)
}

/** `20261122T120000Z`. */
function written(atMs: number): string {
  return new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** Host, and what AWS itself acts upon, must be under the signature. */
function checkNames(names: string[], headers: IncomingHttpHeaders): void {
  if (!names.includes('host')) throw invalid("'Host' must be a 'SignedHeader' in the AWS Authorization.")
  const loose = Object.keys(headers).filter(name => name.startsWith('x-amz-') && !names.includes(name))
  if (loose.length > 0) {
    throw invalid(`There were headers present in the request which were not signed: ${loose.join(', ')}`)
  }
  const absent = names.filter(name => headers[name] === undefined)
  if (absent.length > 0) throw invalid(`Signed headers are not in the request: ${absent.join(', ')}`)
}

interface Parts {
  names: string[]
  date: string
  scope: string[]
}

function signatureOf(request: Request, { names, date, scope }: Parts, secretAccessKey: string): string {
  const toSign = [ALGORITHM, date, scope.join('/'), sha256(canonicalRequest(request, names))].join('\n')
  const key = scope.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`)
  return hmac(key, toSign).toString('hex')
}

function canonicalRequest({ method, target, headers, body }: Request, names: string[]): string {
  const [path = '', query = ''] = target.split(/\?(.*)/s)
  const lines = names.map(name => `${name}:${canonicalValue(headers[name])}\n`)
  return [method, canonicalPath(path), canonicalQuery(query), lines.join(''), names.join(';'), sha256(body)].join('\n')
}

/** Every segment, as it is on the wire, is encoded once more: so do all services but S3. */
function canonicalPath(path: string): string {
  const segments: string[] = []
  for (const segment of path.split('/')) {
    if (segment === '..') segments.pop()
    else if (segment !== '' && segment !== '.') segments.push(encode(segment))
  }
  const isFolder = path.endsWith('/') && segments.length > 0
  return `/${segments.join('/')}${isFolder ? '/' : ''}`
}

function canonicalQuery(query: string): string {
  const pairs = query.split('&').filter(pair => pair !== '')
  const encoded = pairs.map(pair => {
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    return [name, value].map(text => encode(decode(text)))
  })
  const sorted = encoded.sort(([a, x], [b, y]) => compare(a!, b!) || compare(x!, y!))
  return sorted.map(([name, value]) => `${name}=${value}`).join('&')
}

/** What is no percent-encoding is taken as it stands. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right)
}

function canonicalValue(value: string | string[] | undefined): string {
  const values = Array.isArray(value) ? value : [value ?? '']
  return values.map(one => one.trim().replace(/\s+/g, ' ')).join(',')
}

/** RFC 3986: only letters, digits and `-._~` stay as they are. */
function encode(text: string): string {
  const asHex = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  return encodeURIComponent(text).replace(/[!'()*]/g, asHex)
}

function sha256(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex')
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest()
}
