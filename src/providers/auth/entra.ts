import { readFile } from 'node:fs/promises'
import type { Clock } from '../../clock.ts'
import type { Ask } from './ask.ts'
import type { EntraIdentity } from './identity.ts'
import { member, NoToken, refusedBy } from './no-token.ts'
import type { Token } from './tokens.ts'

/** RFC 7523, 2.2. */
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** An access token of Microsoft Entra for `scope`, as `https://ai.azure.com/.default`. Rejects with NoToken. */
export async function entraToken(identity: EntraIdentity, scope: string, world: World): Promise<Token<string>> {
  const { clientSecret, federatedTokenFile } = identity
  if (clientSecret) return ofClient(identity, scope, world, { client_secret: clientSecret.reveal() })
  if (!federatedTokenFile) return ofManaged(identity, scope, world)
  const assertion = await readToken(federatedTokenFile)
  return ofClient(identity, scope, world, { client_assertion_type: JWT_BEARER, client_assertion: assertion })
}

interface World {
  ask: Ask
  clock: Clock
}

/** https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow */
async function ofClient(
  { authority, tenantId, clientId }: EntraIdentity,
  scope: string,
  { ask, clock }: World,
  proof: Readonly<Record<string, string>>
): Promise<Token<string>> {
  const form = { grant_type: 'client_credentials', client_id: clientId ?? '', scope, ...proof }
  const answer = await ask({
    method: 'POST',
    url: `${authority}/${encodeURIComponent(tenantId ?? '')}/oauth2/v2.0/token`,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString()
  })
  if (answer.status !== 200) throw refusedBy('Entra', answer)
  return tokenIn('Entra', answer.body, clock)
}

/**
 * https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token, and for App Service
 * https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
 */
async function ofManaged(
  { managed, clientId }: EntraIdentity,
  scope: string,
  { ask, clock }: World
): Promise<Token<string>> {
  const query = new URLSearchParams({
    'api-version': managed.header ? '2019-08-01' : '2018-02-01',
    resource: scope.replace(/\/\.default$/, ''),
    ...(clientId !== undefined && { client_id: clientId })
  })
  const headers: Record<string, string> = managed.header
    ? { 'x-identity-header': managed.header.reveal() }
    : { metadata: 'true' }
  const answer = await ask({ method: 'GET', url: `${managed.url}?${query}`, headers })
  if (answer.status !== 200) throw refusedBy('the managed identity', answer)
  return tokenIn('the managed identity', answer.body, clock)
}

/** Where only its end is said (App Service), by the time of day; a wrong one must not make a token that is never good. */
const LIFETIME_MIN_MS = 60_000

function tokenIn(who: string, body: Buffer, clock: Clock): Token<string> {
  const value = member(body, 'access_token', 'string')
  const seconds = member(body, 'expires_in', 'number')
  const endSeconds = member(body, 'expires_on', 'number')
  if (!value || (!seconds && !endSeconds)) throw new NoToken(`${who} answered without a token`)
  if (seconds) return { value, lifetimeMs: seconds * 1_000 }
  return { value, lifetimeMs: Math.max(LIFETIME_MIN_MS, endSeconds! * 1_000 - clock.wallMs()) }
}

/** A token that the cluster writes into a file and renews there. */
export async function readToken(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch {
    throw new NoToken(`the token file ${path} cannot be read`)
  }
}
