import { generateKeyPairSync, type KeyObject, verify } from 'node:crypto'
import { isObject, type Json, type JsonObject } from '../json.ts'
import { type Asked, type Told, told } from './asked.ts'
import { googleMachine } from './machines.ts'
import { type Mint, randomText } from './mint.ts'

/**
 * Google's token endpoint and the metadata server of its machines (developers.google.com/identity/protocols/oauth2/
 * service-account, cloud.google.com/compute/docs/metadata/overview).
 */
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const LIFETIME_MAX_S = 3600
const SKEW_S = 300
const SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

export class Google {
  readonly #mint: Mint
  readonly #wallMs: () => number
  /** Public keys by the service account that has the private one. */
  readonly #accounts = new Map<string, { key: KeyObject; keyId: string }>()
  /** Refresh tokens by the client they were given to. */
  readonly #people = new Map<string, { clientId: string; clientSecret: string }>()

  constructor(mint: Mint, wallMs: () => number) {
    this.#mint = mint
    this.#wallMs = wallMs
  }

  /** The JSON of a new service account, as Google hands it out. */
  serviceAccount(tokenUrl: string, project: string): string {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const keyId = randomText('', 20)
    const email = `gatehouse-${this.#accounts.size + 1}@${project}.iam.gserviceaccount.com`
    this.#accounts.set(email, { key: publicKey, keyId })
    return JSON.stringify({
      type: 'service_account',
      project_id: project,
      private_key_id: keyId,
      private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      client_email: email,
      client_id: String(this.#accounts.size),
      token_uri: tokenUrl
    })
  }

  /** The JSON of a person who is logged in, as `gcloud` writes it. */
  authorizedUser(tokenUrl: string): string {
    const client = { clientId: randomText('', 12), clientSecret: randomText('GOCSPX-', 21) }
    const refreshToken = randomText('1//', 48)
    this.#people.set(refreshToken, client)
    return JSON.stringify({
      type: 'authorized_user',
      client_id: client.clientId,
      client_secret: client.clientSecret,
      refresh_token: refreshToken,
      token_uri: tokenUrl
    })
  }

  /** Undefined where the request is for somebody else. */
  answer(asked: Asked): Told | undefined {
    if (asked.path === '/token' && asked.method === 'POST') return this.#token(asked)
    return googleMachine(asked, scopes => this.#give('machine', scopes?.replaceAll(',', ' ') ?? SCOPE))
  }

  #token({ form, url }: Asked): Told {
    switch (form.get('grant_type')) {
      case JWT_BEARER: {
        const claims = this.#claimsOf(form.get('assertion') ?? '', `${url}/token`)
        if (typeof claims === 'string') return refused('invalid_grant', claims)
        return this.#give(String(claims.iss), String(claims.scope))
      }
      case 'refresh_token': {
        const client = this.#people.get(form.get('refresh_token') ?? '')
        if (!client) return refused('invalid_grant', 'Token has been expired or revoked.')
        const isClient = form.get('client_id') === client.clientId && form.get('client_secret') === client.clientSecret
        return isClient
          ? this.#give('person', SCOPE)
          : refused('invalid_client', 'The OAuth client was not found.', 401)
      }
      default:
        return refused('unsupported_grant_type', `Invalid grant_type: ${form.get('grant_type')}`)
    }
  }

  #give(subject: string, scope: string): Told {
    const { token } = this.#mint.issue('google', subject, scope)
    return told(200, { access_token: token, expires_in: this.#mint.lifetimeS, token_type: 'Bearer' })
  }

  /** What a signed assertion claims (RFC 7523), or why it is refused. */
  #claimsOf(assertion: string, audience: string): JsonObject | string {
    const [head = '', payload = '', signature = ''] = assertion.split('.')
    const header = parsed(head)
    const claims = parsed(payload)
    if (!header || !claims) return 'Invalid JWT: Failed to decode.'
    const account = this.#accounts.get(String(claims.iss))
    if (!account) return 'Invalid grant: account not found'
    if (header.alg !== 'RS256' || (header.kid !== undefined && header.kid !== account.keyId)) return BAD_SIGNATURE
    const bytes = Buffer.from(`${head}.${payload}`)
    if (!verify('RSA-SHA256', bytes, account.key, Buffer.from(signature, 'base64url'))) return BAD_SIGNATURE
    if (claims.aud !== audience) return `Invalid JWT: The audience '${claims.aud}' is not the token endpoint.`
    if (typeof claims.scope !== 'string' || claims.scope === '') return 'Invalid JWT: Missing scope.'
    return this.#isTimely(claims.iat, claims.exp) ? claims : BAD_TIMES
  }

  #isTimely(iat: Json | undefined, exp: Json | undefined): boolean {
    if (typeof iat !== 'number' || typeof exp !== 'number') return false
    const nowS = this.#wallMs() / 1000
    return exp > nowS && exp - iat <= LIFETIME_MAX_S && iat <= nowS + SKEW_S
  }
}

const BAD_SIGNATURE = 'Invalid JWT Signature.'
const BAD_TIMES =
  'Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp ' +
  'values in the JWT claim.'

function refused(error: string, error_description: string, status = 400): Told {
  return told(status, { error, error_description })
}

function parsed(part: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}
