import { type Asked, type Told, told } from './asked.ts'
import { randomText } from './mint.ts'

/**
 * What machines ask to know who they are. Both makers want a header that no browser can be made to send along; Amazon
 * wants a token besides, which has to be fetched first.
 */
function text(status: number, said: string, headers: Record<string, string> = {}): Told {
  return { status, contentType: 'text/plain', text: said, headers }
}

// ---- Google ------------------------------------------------------------------------------------------------------

const GOOGLE = '/computeMetadata/v1'
const FLAVOR = { 'metadata-flavor': 'Google' }

const FACTS: Record<string, string> = {
  '/': 'computeMetadata/\n',
  [`${GOOGLE}/instance`]: 'service-accounts/\n',
  [`${GOOGLE}/instance/service-accounts/default/email`]: 'machine@sim-project.iam.gserviceaccount.com',
  [`${GOOGLE}/project/project-id`]: 'sim-project',
  [`${GOOGLE}/universe/universe-domain`]: 'googleapis.com'
}

/** cloud.google.com/compute/docs/metadata/querying-metadata. Undefined where the request is for somebody else. */
export function googleMachine(asked: Asked, give: (scopes: string | null) => Told): Told | undefined {
  const { method, path, request } = asked
  const fact = FACTS[path.replace(/(?<=.)\/$/, '')]
  if (!path.startsWith(`${GOOGLE}/`) && !(path === '/' && method === 'GET')) return undefined
  if (request.headers['metadata-flavor'] !== 'Google' || method !== 'GET') {
    return text(403, 'Missing required header: Metadata-Flavor', FLAVOR)
  }
  if (path === `${GOOGLE}/instance/service-accounts/default/token`) {
    return { ...give(request.query.get('scopes')), headers: FLAVOR }
  }
  return fact === undefined ? text(404, 'Not Found', FLAVOR) : text(200, fact, FLAVOR)
}

// ---- Amazon ------------------------------------------------------------------------------------------------------

const ROLES = '/latest/meta-data/iam/security-credentials/'
const ROLE = 'machine'
const TTL_MAX_S = 21_600

export interface GivenKeys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
  /** ISO 8601. */
  expiration: string
}

/** The second version of the instance metadata service: docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html */
export class AmazonMachine {
  readonly #wallMs: () => number
  /** When the tokens that were fetched here end. */
  readonly #endsMs = new Map<string, number>()

  constructor(wallMs: () => number) {
    this.#wallMs = wallMs
  }

  /** Undefined where the request is for somebody else. */
  answer({ method, path, request: { headers } }: Asked, give: (role: string) => GivenKeys): Told | undefined {
    if (!path.startsWith('/latest/')) return undefined
    if (path === '/latest/api/token' && method === 'PUT') {
      return this.#token(Number(headers['x-aws-ec2-metadata-token-ttl-seconds']))
    }
    if (method !== 'GET') return text(405, 'Method Not Allowed')
    const endsMs = this.#endsMs.get(String(headers['x-aws-ec2-metadata-token'])) ?? 0
    if (endsMs <= this.#wallMs()) return text(401, 'Unauthorized')
    if (path === ROLES || `${path}/` === ROLES) return text(200, ROLE)
    if (path !== ROLES + ROLE) return text(404, 'Not Found')
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = give(ROLE)
    return told(200, {
      Code: 'Success',
      LastUpdated: `${new Date(this.#wallMs()).toISOString().slice(0, 19)}Z`,
      Type: 'AWS-HMAC',
      AccessKeyId: accessKeyId,
      SecretAccessKey: secretAccessKey,
      Token: sessionToken,
      Expiration: expiration
    })
  }

  #token(ttlS: number): Told {
    if (!(ttlS >= 1 && ttlS <= TTL_MAX_S)) return text(400, 'Bad Request')
    const token = randomText('AQAEA')
    this.#endsMs.set(token, this.#wallMs() + ttlS * 1000)
    return text(200, token, { 'x-aws-ec2-metadata-token-ttl-seconds': String(ttlS) })
  }
}
