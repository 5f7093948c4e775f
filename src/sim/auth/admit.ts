import { badKey } from '../bedrock/errors.ts'
import { bedrockGate } from '../bedrock/gate.ts'
import type { Door, House, Request, Visit } from '../door.ts'
import { Refusal } from '../refusal.ts'
import { bearerOf } from './checks.ts'

/** Who is let in at the doors of clouds. Without keys and without a cloud behind the simulator: everybody. */

type Admit = NonNullable<Door['admit']>

function isOpen({ keys, checks }: House): boolean {
  return keys.length === 0 && checks === undefined
}

const GOOGLE_SCOPE = 'https://www.googleapis.com/auth/cloud-platform'

/** Google's access tokens alone, and of these such as are for the cloud. */
export const admitGoogle: Admit = ({ house, request }) => {
  if (isOpen(house)) return
  const token = bearerOf(request)
  if (token !== undefined && house.checks === undefined && house.keys.includes(token)) return
  const scopes = token === undefined ? undefined : house.checks?.google(token)
  if (scopes === undefined) throw unauthenticated(token, request)
  if (scopes.split(' ').includes(GOOGLE_SCOPE)) return
  const reason = 'ACCESS_TOKEN_SCOPE_INSUFFICIENT'
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason, domain: 'googleapis.com' }]
  throw new Refusal(403, 'PERMISSION_DENIED', 'Request had insufficient authentication scopes.', { details })
}

function unauthenticated(token: string | undefined, { headers }: Request): Refusal {
  const isKey = headers['x-goog-api-key'] !== undefined
  const problem =
    token !== undefined
      ? 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid ' +
        'authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.'
      : isKey
        ? 'API keys are not supported by this API. Expected OAuth2 access token or other authentication credentials ' +
          'that assert a principal. See https://cloud.google.com/docs/authentication'
        : 'Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or other ' +
          'valid authentication credential.'
  const challenge = { 'www-authenticate': 'Bearer realm="https://accounts.google.com/"' }
  return new Refusal(401, 'UNAUTHENTICATED', problem, { headers: challenge })
}

/** A key of the resource, or a token of Entra's for one of `resources`. */
export function admitAzure(resources: readonly string[]): Admit {
  return ({ house, request }) => {
    if (isOpen(house)) return
    const { headers } = request
    const key = headers['api-key'] ?? headers['x-api-key']
    if (key === undefined) {
      const token = bearerOf(request)
      if (token !== undefined && (house.checks?.entra(token, resources) ?? house.keys.includes(token))) return
      throw new Refusal(
        401,
        AZURE_TOKENS,
        `Unauthorized. Access token is missing, invalid, audience is incorrect (${resources.at(-1)}), or have expired.`
      )
    }
    if (house.keys.includes(String(key))) return
    throw azureRefusal(
      401,
      '401',
      'Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid key for an ' +
        'active subscription and use a correct regional API endpoint for your resource.'
    )
  }
}

/** What Azure says itself, and not the model's maker. */
export const AZURE = 'azure'
/** Tokens are looked at by another layer, whose errors are of another shape. */
export const AZURE_TOKENS = 'azure tokens'

export function azureRefusal(status: number, code: string, message: string): Refusal {
  return new Refusal(status, AZURE, message, { code })
}

/** Doors of AWS: a signature is checked where a cloud stands behind the simulator, and so is a plain key. */
export function signed(doors: readonly Door[], service = 'bedrock'): Door[] {
  return doors.map(door => {
    const before = door.admit ?? bedrockGate.admit
    return { ...door, admit: async visit => admitAws(visit, before, service) }
  })
}

async function admitAws(visit: Visit, before: Admit, service: string): Promise<void> {
  const { house, request } = visit
  if (house.checks) {
    const key = bearerOf(request)
    if (key === undefined) house.checks.aws(request, service)
    else if (!house.keys.includes(key)) throw badKey()
  }
  await before(visit)
}
