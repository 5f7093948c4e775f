import { Secret } from '../../secret.ts'
import type { AwsIdentity, AwsRole, EntraIdentity, GoogleIdentity, Identity } from './identity.ts'
import type { AwsKey, EntraKey, GoogleKey } from './schema.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** An identity, and where it was written down. */
export interface Said {
  identity: Identity
  source: string
  /** Somebody wrote it down; false where it is only what the machine may turn out to have. */
  isSaid: boolean
}

const SESSION_NAME = 'gatehouse'
const AUTHORITY = 'https://login.microsoftonline.com'
/** https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token */
const METADATA_URL = 'http://169.254.169.254/metadata/identity/oauth2/token'

// ---- in the configuration ----------------------------------------------------------------------------------------

export function awsIdentity(said: AwsKey, env: Environment): AwsIdentity {
  const role: AwsRole | undefined =
    said.role_arn === undefined
      ? undefined
      : {
          arn: said.role_arn,
          sessionName: said.session_name ?? SESSION_NAME,
          externalId: said.external_id,
          webIdentityTokenFile: said.web_identity_token_file
        }
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey, session_token: sessionToken } = said
  return {
    kind: 'aws',
    keys: accessKeyId && secretAccessKey ? { accessKeyId, secretAccessKey, sessionToken } : undefined,
    profile: said.profile,
    role,
    stsUrl: said.sts_url ?? env.AWS_ENDPOINT_URL_STS
  }
}

export function googleIdentity({ credentials, file }: GoogleKey): GoogleIdentity {
  return { kind: 'google', credentials, file }
}

export function entraIdentity(said: EntraKey, env: Environment): EntraIdentity {
  return {
    kind: 'entra',
    authority: trimmed(said.authority ?? env.AZURE_AUTHORITY_HOST ?? AUTHORITY),
    tenantId: said.tenant_id,
    clientId: said.client_id,
    clientSecret: said.client_secret,
    federatedTokenFile: said.federated_token_file,
    managed: managedIdentity(said.managed_identity_url, env)
  }
}

function managedIdentity(url: string | undefined, env: Environment): EntraIdentity['managed'] {
  // App Service and its kin say where to ask; https://learn.microsoft.com/azure/app-service/overview-managed-identity
  const { IDENTITY_ENDPOINT, IDENTITY_HEADER } = env
  if (url === undefined && IDENTITY_ENDPOINT && IDENTITY_HEADER)
    return { url: IDENTITY_ENDPOINT, header: new Secret(IDENTITY_HEADER) }
  return { url: url ?? METADATA_URL }
}

/** The project that a service account is of: where calls go unless somebody says another. */
export function projectIn(identities: readonly (Identity | undefined)[]): Readonly<Record<string, string>> {
  for (const identity of identities) {
    if (identity?.kind !== 'google' || !identity.credentials) continue
    const project = /"project_id"\s*:\s*"([^"]+)"/.exec(identity.credentials.reveal())?.[1]
    if (project !== undefined) return { project }
  }
  return {}
}

function trimmed(url: string): string {
  return url.replace(/\/+$/, '')
}

// ---- in the environment ------------------------------------------------------------------------------------------

/** Who each cloud's own tools would be here, by the variables that they all read. */
export const AMBIENT: Readonly<Record<Identity['kind'], (env: Environment) => Said>> = {
  aws(env) {
    const stsUrl = env.AWS_ENDPOINT_URL_STS
    const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE } = env
    // A profile wins over keys, as in AWS's own chain.
    if (!AWS_PROFILE && AWS_ACCESS_KEY_ID && AWS_SECRET_ACCESS_KEY) {
      const sessionToken = AWS_SESSION_TOKEN ? new Secret(AWS_SESSION_TOKEN) : undefined
      const keys = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: new Secret(AWS_SECRET_ACCESS_KEY), sessionToken }
      return { identity: { kind: 'aws', keys, stsUrl }, source: 'AWS_ACCESS_KEY_ID', isSaid: true }
    }
    const { AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME } = env
    if (!AWS_PROFILE && AWS_WEB_IDENTITY_TOKEN_FILE && AWS_ROLE_ARN) {
      const role = {
        arn: AWS_ROLE_ARN,
        sessionName: AWS_ROLE_SESSION_NAME ?? SESSION_NAME,
        webIdentityTokenFile: AWS_WEB_IDENTITY_TOKEN_FILE
      }
      return { identity: { kind: 'aws', role, stsUrl }, source: 'AWS_WEB_IDENTITY_TOKEN_FILE', isSaid: true }
    }
    const source = AWS_PROFILE ? 'AWS_PROFILE' : 'AWS’s credential chain'
    return { identity: { kind: 'aws', profile: AWS_PROFILE, stsUrl }, source, isSaid: AWS_PROFILE !== undefined }
  },

  google({ GOOGLE_APPLICATION_CREDENTIALS: file }) {
    const source = file ? 'GOOGLE_APPLICATION_CREDENTIALS' : 'application default credentials'
    return { identity: { kind: 'google', file: file || undefined }, source, isSaid: Boolean(file) }
  },

  entra(env) {
    const { AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, AZURE_FEDERATED_TOKEN_FILE } = env
    const whole = AZURE_TENANT_ID && AZURE_CLIENT_ID
    const secret = whole && AZURE_CLIENT_SECRET ? new Secret(AZURE_CLIENT_SECRET) : undefined
    const file = whole && AZURE_FEDERATED_TOKEN_FILE ? AZURE_FEDERATED_TOKEN_FILE : undefined
    const identity = entraIdentity(
      { tenant_id: AZURE_TENANT_ID, client_id: AZURE_CLIENT_ID, client_secret: secret, federated_token_file: file },
      env
    )
    if (secret) return { identity, source: 'AZURE_CLIENT_SECRET', isSaid: true }
    if (file) return { identity, source: 'AZURE_FEDERATED_TOKEN_FILE', isSaid: true }
    if (identity.managed.header) return { identity, source: 'IDENTITY_ENDPOINT', isSaid: true }
    return { identity, source: 'a managed identity', isSaid: false }
  }
}
