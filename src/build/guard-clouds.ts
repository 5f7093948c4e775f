import type { CloudCaller } from '../guards/guard.ts'
import type { EntraIdentity, Identity } from '../providers/auth/identity.ts'
import type { Signers } from '../providers/auth/signers.ts'
import type { Credential, Endpoint, Outgoing, Provider } from '../providers/provider.ts'

/** How requests of checks to one address are made known to be a cloud's customer's. */
export interface CloudAccess {
  /** Headers that carry a signature or token. Rejects with a Failure that holds no secret. */
  authorize(outgoing: Outgoing): string[] | Promise<string[]>
  /** It was refused: whether it is worth trying again, with a fresh token or another date. */
  refused(): boolean
}

/** Keys, roles and tokens are got, kept and renewed as those of providers are: to the signers, this is one. */
export function cloudAccess(caller: CloudCaller, { origin, host }: URL, signers: Signers): CloudAccess {
  const { cloud } = caller
  const audience = cloud === 'aws' ? { service: caller.service, region: caller.region } : { scope: caller.scope }
  const endpoint: Endpoint = { dialect: 'openai-chat', baseUrl: origin, auth: cloud, quirks: {}, audience }
  const credential: Credential = {
    id: nameOf(caller),
    secret: undefined,
    identity: identityOf(caller),
    weight: 1,
    source: 'its guard in the configuration'
  }
  const provider: Provider = {
    name: host,
    title: host,
    endpoints: [endpoint],
    credentials: [credential],
    headers: {},
    allowPrivate: [],
    evidence: 'documented',
    source: { document: 'configuration', date: '' },
    models: [],
    onAbort: 'cancel',
    passRequestId: false
  }
  return {
    authorize: outgoing => signers.authorize(provider, endpoint, credential, outgoing),
    refused: () => signers.refused(provider, endpoint, credential)
  }
}

/** Two guards of one address with different identities must not throw away each other's tokens. */
function nameOf(caller: CloudCaller): string {
  if (caller.cloud === 'entra') return `guard ${caller.tenantId} ${caller.clientId}`
  const { keys, profile = '', role } = caller
  return `guard ${keys?.accessKeyId ?? ''} ${profile} ${role?.arn ?? ''}`
}

/** A guard has no managed identity: it says which application it is. */
const NOBODY: EntraIdentity['managed'] = { url: '' }

function identityOf(caller: CloudCaller): Identity {
  if (caller.cloud === 'entra') {
    const { tenantId, clientId, clientSecret, authority } = caller
    return { kind: 'entra', authority, tenantId, clientId, clientSecret, managed: NOBODY }
  }
  const { keys, profile, role } = caller
  return { kind: 'aws', keys, profile, role: role && { ...role, sessionName: 'gatehouse' } }
}
