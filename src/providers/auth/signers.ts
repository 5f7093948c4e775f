import { createHash } from 'node:crypto'
import type { Clock } from '../../clock.ts'
import { Failure } from '../../errors.ts'
import { holdsSecret, Secret } from '../../secret.ts'
import type { Upstream } from '../../wire/upstream.ts'
import type { AuthStyle, Credential, Endpoint, Outgoing, Provider } from '../provider.ts'
import { type Ask, asking } from './ask.ts'
import { awsKeys, clockSkewMs, type SigningKeys, sign } from './aws.ts'
import { entraToken } from './entra.ts'
import { googleHeaders } from './google.ts'
import type { AwsIdentity, Identity } from './identity.ts'
import { NoToken, reasonOf } from './no-token.ts'
import { type Token, Tokens } from './tokens.ts'

/** Makes requests known to be ours. Lives as long as the process (D7): tokens outlive a reload of the configuration. */
export interface Signers {
  /**
   * The headers that carry the credential, as [name, value, …]; a promise where a token must be fetched first or the
   * request be signed. Throws or rejects with Failure `provider_refused_us` (kind `our_credential`), which says which
   * credential it was and never a secret.
   */
  authorize(
    provider: Provider,
    endpoint: Endpoint,
    credential: Credential,
    outgoing: Outgoing
  ): string[] | Promise<string[]>
  /** The provider answered 401 or 403. Returns whether it is worth trying again, with a fresh token or another date. */
  refused(provider: Provider, endpoint: Endpoint, credential: Credential): boolean
}

interface World {
  clock: Clock
  upstream: Upstream
}

const KEY_HEADERS = {
  bearer: { header: 'authorization', prefix: 'Bearer ' },
  'x-api-key': { header: 'x-api-key' },
  'api-key': { header: 'api-key' },
  'x-goog-api-key': { header: 'x-goog-api-key' }
} as const satisfies Readonly<Record<string, { header: string; prefix?: string }>>

/** How a cloud takes a plain key. */
const CLOUD_KEYS = { aws: 'bearer', google: 'x-goog-api-key', entra: 'api-key' } as const

/** All libraries and servers together have so long to give a token. */
const TOKEN_MS = 20_000
/** A clock is wrong from here on; less is the time that an answer was under way. */
const SKEW_MIN_MS = 30_000
const SKEW_EVERY_MS = 30_000

export function createSigners({ clock, upstream }: World): Signers {
  return new CloudSigners(clock, asking(upstream))
}

class CloudSigners implements Signers {
  readonly #clock: Clock
  readonly #ask: Ask
  readonly #headers: Tokens<string[]>
  readonly #keys: Tokens<SigningKeys>
  /** By origin, once a signature was refused there: how far its clock is ahead of ours, and when it was asked. */
  readonly #skews = new Map<string, { skewMs: Promise<number>; askedMs: number }>()

  constructor(clock: Clock, ask: Ask) {
    this.#clock = clock
    this.#ask = ask
    this.#headers = new Tokens(clock)
    this.#keys = new Tokens(clock)
  }

  authorize(
    provider: Provider,
    endpoint: Endpoint,
    credential: Credential,
    outgoing: Outgoing
  ): string[] | Promise<string[]> {
    const { identity } = credential
    if (endpoint.auth === 'none') return []
    if (identity === undefined) return keyHeaders(endpoint.auth, provider, credential)
    const headers =
      identity.kind === 'aws'
        ? this.#signed(provider, endpoint, credential, identity, outgoing)
        : this.#headers.get(nameOf(provider, endpoint, credential), fingerprint(identity), () =>
            timely(this.#fetchHeaders(identity, endpoint))
          )
    if (!(headers instanceof Promise)) return headers
    return headers.catch((thrown: unknown) => {
      throw noToken(provider, credential, reasonOf(thrown))
    })
  }

  refused(provider: Provider, endpoint: Endpoint, credential: Credential): boolean {
    const { identity } = credential
    if (identity === undefined) return false
    const name = nameOf(provider, endpoint, credential)
    if (identity.kind !== 'aws') return this.#headers.drop(name)
    // It may not be the keys: a signature holds for some minutes only, by the service's clock.
    this.#askTime(new URL(endpoint.baseUrl).origin)
    return this.#keys.drop(name)
  }

  #askTime(origin: string): void {
    const nowMs = this.#clock.monotonicMs()
    const asked = this.#skews.get(origin)
    if (asked && nowMs - asked.askedMs < SKEW_EVERY_MS) return
    const skewMs = clockSkewMs(origin, { ask: this.#ask, clock: this.#clock })
    this.#skews.set(origin, { skewMs, askedMs: nowMs })
  }

  async #fetchHeaders(identity: Exclude<Identity, AwsIdentity>, { audience }: Endpoint): Promise<Token<string[]>> {
    const world = { ask: this.#ask, clock: this.#clock }
    if (identity.kind === 'google') return googleHeaders(identity, audience?.scope ?? GOOGLE_SCOPE, world)
    const { value, lifetimeMs } = await entraToken(identity, audience?.scope ?? ENTRA_SCOPE, world)
    return { value: ['authorization', `Bearer ${value}`], lifetimeMs }
  }

  async #signed(
    provider: Provider,
    endpoint: Endpoint,
    credential: Credential,
    identity: AwsIdentity,
    outgoing: Outgoing
  ): Promise<string[]> {
    const { service = 'bedrock', region = regionIn(outgoing.origin) } = endpoint.audience ?? {}
    if (region === undefined) throw new NoToken('it is not known which region to sign for; say `places: { region: … }`')
    const world = { ask: this.#ask, clock: this.#clock }
    const keys = await this.#keys.get(nameOf(provider, endpoint, credential), fingerprint(identity), () =>
      timely(awsKeys(identity, region, world))
    )
    const skewMs = (await this.#skews.get(outgoing.origin)?.skewMs) ?? 0
    const dateMs = this.#clock.wallMs() + (Math.abs(skewMs) < SKEW_MIN_MS ? 0 : skewMs)
    return sign(outgoing, { keys, region, service, dateMs })
  }
}

const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform'
const ENTRA_SCOPE = 'https://ai.azure.com/.default'

/** As `bedrock-runtime.eu-west-1.amazonaws.com` says it. */
function regionIn(origin: string): string | undefined {
  return /\.([a-z]{2}(?:-[a-z]+)+-\d)\./.exec(new URL(origin).hostname)?.[1]
}

/** The key as a header; nothing where the server asks for none. The only place where a key is revealed. */
function keyHeaders(auth: Exclude<AuthStyle, 'none'>, provider: Provider, credential: Credential): string[] {
  const isCloud = auth === 'aws' || auth === 'google' || auth === 'entra'
  if (credential.secret === undefined) {
    if (isCloud)
      throw noToken(provider, credential, new NoToken(`it has neither a key nor \`{ ${auth}: {} }\` in \`keys\``))
    return []
  }
  const style = isCloud ? CLOUD_KEYS[auth] : auth
  const { header, prefix = '' }: { header: string; prefix?: string | undefined } =
    typeof style === 'string' ? KEY_HEADERS[style] : style
  return [header, prefix + credential.secret.reveal()]
}

/** Of one credential there may be tokens for several scopes. */
function nameOf({ name }: Provider, { audience }: Endpoint, { id }: Credential): string {
  return `${name}\n${id}\n${audience?.scope ?? ''}`
}

const fingerprints = new WeakMap<Identity, string>()

/** Changes with anything that the identity is made of, its secrets too; says nothing of them. */
function fingerprint(identity: Identity): string {
  let known = fingerprints.get(identity)
  if (known === undefined) {
    const texts = [...leaves(identity, '')]
    known = createHash('sha256').update(JSON.stringify(texts)).digest('base64')
    fingerprints.set(identity, known)
  }
  return known
}

/** Every text that an identity is made of, or its secrets alone. */
function* leaves(value: unknown, path: string, secretsAlone = false): Generator<[path: string, text: string]> {
  if (value instanceof Secret) yield [path, value.reveal()]
  else if (typeof value === 'string') {
    if (!secretsAlone) yield [path, value]
  } else if (typeof value === 'object' && value !== null)
    for (const [name, inner] of Object.entries(value)) yield* leaves(inner, `${path}.${name}`, secretsAlone)
}

function timely<Value>(work: Promise<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new NoToken(`nobody gave one within ${TOKEN_MS / 1_000} s`))
    const deadline = setTimeout(late, TOKEN_MS)
    work.then(resolve, reject).finally(() => clearTimeout(deadline))
  })
}

function noToken(provider: Provider, { source, identity }: Credential, { message, theirs }: NoToken): Failure {
  const what = `${provider.name} cannot be called as ${source} says: ${message}.`
  const isShown = theirs !== undefined && !holdsSecret(theirs) && !tells(theirs, identity)
  return new Failure('provider_refused_us', what, {
    provider: provider.name,
    // For the log.
    ...(isShown && { cause: new Failure('provider_refused_us', theirs) })
  })
}

/** Whether a text repeats a secret of an identity, or a text within one: some servers say back what they were sent. */
function tells(text: string, identity: Identity | undefined): boolean {
  for (const [, secret] of leaves(identity, '', true)) {
    if (text.includes(secret)) return true
    for (const [, inner] of secret.matchAll(/"([^"]{8,})"/g)) if (text.includes(inner!)) return true
  }
  return false
}
