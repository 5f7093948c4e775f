import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import type { Outgoing } from '../provider.ts'
import type { Ask } from './ask.ts'
import { readToken } from './entra.ts'
import type { AwsIdentity, AwsKeys, AwsRole } from './identity.ts'
import { NoToken, optional, refusedBy } from './no-token.ts'
import type { Token } from './tokens.ts'

/** What requests are signed with. */
export interface SigningKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}

export interface AwsWorld {
  ask: Ask
  clock: Clock
}

/** What a role is asked for: the shortest that every role allows. */
const ROLE_SECONDS = 3_600
/** Of keys that end by the time of day, where that is wrong. */
const LIFETIME_MIN_MS = 60_000

/**
 * The keys of an identity: its own, or those that AWS's chain finds, or those of the role that is taken with either or
 * with a web identity. Rejects with NoToken or the library's error.
 */
export async function awsKeys(identity: AwsIdentity, region: string, world: AwsWorld): Promise<Token<SigningKeys>> {
  const { role, keys } = identity
  if (role?.webIdentityTokenFile !== undefined) return withWebIdentity(identity, role, region, world)
  const own = keys
    ? { value: plain(keys), lifetimeMs: Number.POSITIVE_INFINITY }
    : await chained(identity, region, world)
  return role ? takenRole(identity, role, { keys: own.value, region, world }) : own
}

function plain({ accessKeyId, secretAccessKey, sessionToken }: AwsKeys): SigningKeys {
  return { accessKeyId, secretAccessKey: secretAccessKey.reveal(), sessionToken: sessionToken?.reveal() }
}

async function chained({ profile }: AwsIdentity, region: string, { clock }: AwsWorld): Promise<Token<SigningKeys>> {
  const { defaultProvider } = await optional(
    '@aws-sdk/credential-provider-node',
    () => import('@aws-sdk/credential-provider-node')
  )
  // A new chain each time: it would keep what was found, and we are here because that is over.
  const find = defaultProvider({ ...(profile !== undefined && { profile }), clientConfig: { region } })
  const { accessKeyId, secretAccessKey, sessionToken, expiration } = await find()
  const lifetimeMs = expiration
    ? Math.max(LIFETIME_MIN_MS, expiration.getTime() - clock.wallMs())
    : Number.POSITIVE_INFINITY
  return { value: { accessKeyId, secretAccessKey, sessionToken }, lifetimeMs }
}

// ---- roles -------------------------------------------------------------------------------------------------------

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html: signed by nobody. */
async function withWebIdentity(
  identity: AwsIdentity,
  role: AwsRole,
  region: string,
  { ask }: AwsWorld
): Promise<Token<SigningKeys>> {
  const token = await readToken(role.webIdentityTokenFile!)
  const { url, body } = stsRequest(identity, region, {
    ...roleForm('AssumeRoleWithWebIdentity', role),
    WebIdentityToken: token
  })
  return roleKeys(await ask({ method: 'POST', url, headers: FORM, body }))
}

/** https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html */
async function takenRole(
  identity: AwsIdentity,
  role: AwsRole,
  { keys, region, world }: { keys: SigningKeys; region: string; world: AwsWorld }
): Promise<Token<SigningKeys>> {
  const external = role.externalId === undefined ? {} : { ExternalId: role.externalId }
  const { url, body } = stsRequest(identity, region, { ...roleForm('AssumeRole', role), ...external })
  const { origin, pathname } = new URL(url)
  const outgoing: Outgoing = { method: 'POST', origin, path: pathname, headers: Object.entries(FORM).flat(), body }
  const signed = await sign(outgoing, { keys, region, service: 'sts', dateMs: world.clock.wallMs() })
  return roleKeys(await world.ask({ method: 'POST', url, headers: { ...FORM, ...pairs(signed) }, body }))
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

function roleForm(action: string, { arn, sessionName }: AwsRole): Record<string, string> {
  const DurationSeconds = String(ROLE_SECONDS)
  return { Action: action, Version: '2011-06-15', RoleArn: arn, RoleSessionName: sessionName, DurationSeconds }
}

function stsRequest({ stsUrl }: AwsIdentity, region: string, form: Record<string, string>) {
  const domain = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'
  const url = new URL(stsUrl ?? `https://sts.${region}.${domain}`).href
  return { url, body: Buffer.from(new URLSearchParams(form).toString()) }
}

/** It answers in XML, of which four texts are wanted; none of them can hold a character that XML escapes. */
function roleKeys(answer: {
  status: number
  body: Buffer
  headers: Readonly<Record<string, string>>
}): Token<SigningKeys> {
  const text = answer.body.toString('utf8')
  const element = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1]
  if (answer.status !== 200) {
    const code = element('Code')
    if (!code) throw refusedBy('AWS STS', answer)
    throw new NoToken(`AWS STS answered with status ${answer.status} (${code.slice(0, 64)})`, element('Message'))
  }
  const [accessKeyId, secretAccessKey, sessionToken] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map(element)
  if (!accessKeyId || !secretAccessKey) throw new NoToken('AWS STS answered without keys')
  return { value: { accessKeyId, secretAccessKey, sessionToken }, lifetimeMs: ROLE_SECONDS * 1_000 }
}

function pairs(list: readonly string[]): Record<string, string> {
  return Object.fromEntries(Array.from({ length: list.length / 2 }, (_, at) => [list[at * 2]!, list[at * 2 + 1]!]))
}

// ---- signatures --------------------------------------------------------------------------------------------------

export interface Signing {
  keys: SigningKeys
  region: string
  service: string
  /** What the service takes for the time of day. */
  dateMs: number
}

/**
 * Signature version 4 of a request (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html): the headers
 * that carry it, as [name, value, …].
 */
export async function sign(outgoing: Outgoing, { keys, region, service, dateMs }: Signing): Promise<string[]> {
  const { SignatureV4 } = await optional('@smithy/signature-v4', () => import('@smithy/signature-v4'))
  const { protocol, hostname, port, host } = new URL(outgoing.origin)
  const { pathname, searchParams } = new URL(outgoing.path, outgoing.origin)
  const { sessionToken, ...own } = keys
  const signer = new SignatureV4({
    credentials: { ...own, ...(sessionToken !== undefined && { sessionToken }) },
    region,
    service,
    sha256: NodeSha256
  })
  const body = outgoing.body ?? Buffer.alloc(0)
  const type = headerOf(outgoing.headers, 'content-type')
  const given: Record<string, string> = { host, ...(type !== undefined && { 'content-type': type }) }
  const headers = { ...given, 'x-amz-content-sha256': createHash('sha256').update(body).digest('hex') }
  const request = {
    method: outgoing.method,
    protocol,
    hostname,
    ...(port !== '' && { port: Number(port) }),
    path: pathname,
    query: Object.fromEntries(searchParams),
    headers,
    body
  }
  const signed = await signer.sign(request, { signingDate: new Date(dateMs) })
  return Object.entries(signed.headers)
    .filter(([name]) => given[name] === undefined)
    .flat()
}

function headerOf(list: readonly string[], name: string): string | undefined {
  const at = list.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name)
  return at < 0 ? undefined : list[at + 1]
}

/** What the library hashes with: Node's own, as its JavaScript one would hold the event loop for large bodies. */
class NodeSha256 {
  #hash: Hash | Hmac
  readonly #secret: Source | undefined

  constructor(secret?: Source) {
    this.#secret = secret
    this.#hash = this.#begin()
  }

  #begin(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(this.#secret))
  }

  update(data: Source): void {
    this.#hash.update(bytesOf(data))
  }

  async digest(): Promise<Uint8Array> {
    return new Uint8Array(this.#hash.digest())
  }

  reset(): void {
    this.#hash = this.#begin()
  }
}

type Source = string | ArrayBuffer | ArrayBufferView

function bytesOf(data: Source): Buffer {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  return ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data)
}

/** How far ahead of ours the service's clock is, by the `date` of any answer; 0 where it says none. */
export async function clockSkewMs(origin: string, { ask, clock }: AwsWorld): Promise<number> {
  try {
    const { headers } = await ask({ method: 'GET', url: `${origin}/`, headers: {} })
    const theirs = Date.parse(headers.date ?? '')
    return Number.isNaN(theirs) ? 0 : theirs - clock.wallMs()
  } catch {
    return 0
  }
}
