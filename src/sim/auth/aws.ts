import type { Request } from '../door.ts'
import { Refusal } from '../refusal.ts'
import { type Asked, type Told, told } from './asked.ts'
import { coral } from './checks.ts'
import { AmazonMachine, type GivenKeys } from './machines.ts'
import { type Issued, type Mint, randomText } from './mint.ts'
import { verifySignature } from './sigv4.ts'

/**
 * AWS's keys: those of users, those of roles that STS gives out for a while, and those of a container
 * (docs.aws.amazon.com/STS/latest/APIReference, docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials).
 */
export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: string
}

interface Temporary {
  secretAccessKey: string
  issued: Issued
}

interface Role {
  externalId: string | undefined
}

const CONTAINER = '/v2/credentials'
const VERSION = '2011-06-15'
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/

export class Aws {
  readonly #mint: Mint
  readonly #wallMs: () => number
  readonly region: string
  readonly #users = new Map<string, string>()
  readonly #temporary = new Map<string, Temporary>()
  readonly #roles = new Map<string, Role>()
  readonly #webIdentities = new Set<string>()
  readonly #machine: AmazonMachine

  constructor(mint: Mint, wallMs: () => number, region: string) {
    this.#mint = mint
    this.#wallMs = wallMs
    this.region = region
    this.#machine = new AmazonMachine(wallMs)
  }

  user(): AwsKeys {
    const keys = { accessKeyId: keyId('AKIA'), secretAccessKey: randomText('', 30) }
    this.#users.set(keys.accessKeyId, keys.secretAccessKey)
    return keys
  }

  role(arn: string, externalId: string | undefined): void {
    this.#roles.set(arn, { externalId })
  }

  webIdentity(): string {
    const token = [randomText('eyJ'), randomText(), randomText()].join('.')
    this.#webIdentities.add(token)
    return token
  }

  /** Throws AWS's refusal. */
  check(request: Request, service: string): void {
    verifySignature(request, {
      service,
      region: this.region,
      nowMs: this.#wallMs(),
      secretOf: (accessKeyId, sessionToken) => this.#secretOf(accessKeyId, sessionToken)
    })
  }

  #secretOf(accessKeyId: string, sessionToken: string | undefined): string {
    const unknown = coral(403, 'UnrecognizedClientException', 'The security token included in the request is invalid.')
    const user = this.#users.get(accessKeyId)
    if (user !== undefined && sessionToken === undefined) return user
    const temporary = this.#temporary.get(accessKeyId)
    if (temporary === undefined || temporary.issued.token !== sessionToken) throw unknown
    if (temporary.issued.isRevoked) throw unknown
    if (temporary.issued.expiresMs > this.#wallMs()) return temporary.secretAccessKey
    throw coral(403, 'ExpiredTokenException', 'The security token included in the request is expired')
  }

  /** Undefined where the request is for somebody else. */
  answer(asked: Asked): Told | undefined {
    if (asked.path === CONTAINER && asked.method === 'GET') return this.#container()
    if (asked.path !== '/' || asked.method !== 'POST') return this.#machine.answer(asked, role => this.#named(role))
    try {
      return this.#sts(asked)
    } catch (thrown) {
      if (thrown instanceof Refusal) return fault(thrown.status, codeOf(thrown), thrown.message)
      throw thrown
    }
  }

  #container(): Told {
    const { accessKeyId, secretAccessKey, issued } = this.#give('container')
    return told(200, {
      RoleArn: 'arn:aws:iam::000000000000:role/container',
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: issued.token,
      Expiration: isoOf(issued)
    })
  }

  #named(role: string): GivenKeys {
    const { issued, ...keys } = this.#give(role)
    return { ...keys, sessionToken: issued.token, expiration: isoOf(issued) }
  }

  #sts({ form, request }: Asked): Told {
    const action = form.get('Action') ?? ''
    if (form.get('Version') !== VERSION || !/^AssumeRole(?:WithWebIdentity)?$/.test(action)) {
      return fault(400, 'InvalidAction', `Could not find operation ${action} for version ${form.get('Version')}`)
    }
    const isWeb = action !== 'AssumeRole'
    if (isWeb && !this.#webIdentities.has(form.get('WebIdentityToken') ?? '')) {
      return fault(400, 'InvalidIdentityToken', 'The web identity token provided could not be validated.')
    }
    if (!isWeb) this.check(request, 'sts')
    if (!SESSION_NAME.test(form.get('RoleSessionName') ?? '')) {
      return fault(
        400,
        'ValidationError',
        "1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint"
      )
    }
    const arn = form.get('RoleArn') ?? ''
    const role = this.#roles.get(arn)
    const isTrusted = role && (isWeb || role.externalId === undefined || form.get('ExternalId') === role.externalId)
    if (!isTrusted) return fault(403, 'AccessDenied', `Not authorized to perform sts:${action} on resource: ${arn}`)
    return this.#assumed(action, arn)
  }

  #assumed(action: string, arn: string): Told {
    const { accessKeyId, secretAccessKey, issued } = this.#give(arn)
    const credentials = {
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      SessionToken: issued.token,
      Expiration: isoOf(issued)
    }
    const members = Object.entries(credentials).map(([name, value]) => `<${name}>${value}</${name}>`)
    const result = `<Credentials>${members.join('')}</Credentials>`
    return xml(200, `${action}Response`, `<${action}Result>${result}</${action}Result>${metadata()}`)
  }

  #give(subject: string): AwsKeys & { issued: Issued } {
    const keys = { accessKeyId: keyId('ASIA'), secretAccessKey: randomText('', 30) }
    const issued = this.#mint.issue('aws', subject, 'bedrock')
    this.#temporary.set(keys.accessKeyId, { secretAccessKey: keys.secretAccessKey, issued })
    return { ...keys, issued }
  }
}

/** What STS calls some of the refusals that are exceptions everywhere else. */
const CODES: Record<string, string> = {
  InvalidSignatureException: 'SignatureDoesNotMatch',
  UnrecognizedClientException: 'InvalidClientTokenId'
}

function codeOf({ type }: Refusal): string {
  return CODES[type] ?? type.replace(/Exception$/, '')
}

function keyId(prefix: string): string {
  return (
    prefix +
    randomText('', 24)
      .replace(/[^A-Za-z0-9]/g, '')
      .toUpperCase()
      .slice(0, 16)
      .padEnd(16, 'X')
  )
}

function isoOf({ expiresMs }: Issued): string {
  return `${new Date(expiresMs).toISOString().slice(0, 19)}Z`
}

function metadata(): string {
  return `<ResponseMetadata><RequestId>${crypto.randomUUID()}</RequestId></ResponseMetadata>`
}

function fault(status: number, code: string, message: string): Told {
  const escaped = message.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
  return xml(
    status,
    'ErrorResponse',
    `<Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped}</Message></Error>`
  )
}

function xml(status: number, name: string, inner: string): Told {
  const text = `<${name} xmlns="https://sts.amazonaws.com/doc/${VERSION}/">${inner}</${name}>`
  return { status, contentType: 'text/xml', text }
}
