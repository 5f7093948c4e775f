import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Request } from '../door.ts'
import { type Asked, told } from './asked.ts'
import { Aws, type AwsKeys } from './aws.ts'
import type { Checks } from './checks.ts'
import { type Application, Entra } from './entra.ts'
import { Google } from './google.ts'
import { type Issued, Mint } from './mint.ts'

export type { AwsKeys } from './aws.ts'
export type { Checks } from './checks.ts'
export type { Application } from './entra.ts'
export type { Issued } from './mint.ts'

export interface CloudOptions {
  /** Milliseconds since 1970; default the machine's time. */
  wallMs?: () => number
  /** That AWS's signatures must be made for. */
  region?: string
}

/** Those who give out credentials, all three clouds on one loopback port; a simulator told of `checks` takes no others. */
export interface Cloud {
  /** `http://127.0.0.1:port`: STS at `/`, Google at `/token`, Entra at `/{tenant}/oauth2/v2.0/token`, metadata servers. */
  url: string
  checks: Checks
  /** A new service account's JSON, whose `token_uri` is here. */
  serviceAccount(project?: string): string
  /** The JSON of a person who is logged in. */
  authorizedUser(): string
  /** A new application of Entra. */
  application(): Application
  /** With it, App Service's address of managed identities (`/msi/token`) is asked. */
  identityHeader: string
  /** Keys of a new user of AWS. */
  user(): AwsKeys
  /** Lets known keys and web identities take this role. */
  role(arn: string, externalId?: string): void
  /** A web identity that every role trusts. */
  webIdentity(): string
  /** All that was given out, oldest first. */
  issued(): readonly Issued[]
  /** From now on it is refused. */
  revoke(token: string): void
  /** Of all that is given out from now on. */
  setLifetime(seconds: number): void
  close(): Promise<void>
}

/** Starts stand-ins for STS, Google's and Entra's token endpoints and the metadata servers. They check what they are sent. */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const wallMs = options.wallMs ?? (() => performance.timeOrigin + performance.now())
  const mint = new Mint(wallMs)
  const aws = new Aws(mint, wallMs, options.region ?? 'us-east-1')
  const google = new Google(mint, wallMs)
  const entra = new Entra(mint, wallMs)
  let url = ''
  const server = createServer(async (incoming, response) => {
    response.on('error', () => {})
    const request = await requestOf(incoming)
    if (request === undefined) return
    const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')
    const form = new URLSearchParams(isForm ? request.body.toString() : '')
    const asked: Asked = { method: request.method, path: request.path, form, request, url }
    const answer =
      aws.answer(asked) ?? google.answer(asked) ?? entra.answer(asked) ?? told(404, { error: 'nobody is here' })
    response.writeHead(answer.status, { 'content-type': answer.contentType, ...answer.headers }).end(answer.text)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url,
    checks: {
      google: token => mint.live('google', token)?.scope,
      entra: (token, resources) => resources.includes(mint.live('entra', token)?.scope ?? ''),
      aws: (request, service) => aws.check(request, service)
    },
    serviceAccount: (project = 'sim-project') => google.serviceAccount(`${url}/token`, project),
    authorizedUser: () => google.authorizedUser(`${url}/token`),
    application: () => entra.application(),
    identityHeader: entra.identityHeader,
    user: () => aws.user(),
    role: (arn, externalId) => aws.role(arn, externalId),
    webIdentity: () => aws.webIdentity(),
    issued: () => mint.issued,
    revoke(token) {
      const issued = mint.find(token)
      if (issued) issued.isRevoked = true
    },
    setLifetime(seconds) {
      mint.lifetimeS = seconds
    },
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    }
  }
}

/** Undefined where the client left before its end. */
async function requestOf(incoming: IncomingMessage): Promise<Request | undefined> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    return undefined
  }
  const target = incoming.url ?? '/'
  const { pathname: path, searchParams: query } = new URL(target, 'http://cloud')
  const { method = 'GET', headers } = incoming
  return { method, target, path, query, headers, body: Buffer.concat(chunks) }
}
