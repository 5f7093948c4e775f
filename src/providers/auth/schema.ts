import * as z from 'zod'
import { secret } from '../../fields.ts'

/** Entries of `keys` that are no key: identities at a cloud. */

const text = z.string().min(1)

const aws = z
  .strictObject({
    access_key_id: text.optional().describe('With `secret_access_key`. Without both: AWS’s own credential chain.'),
    secret_access_key: secret.optional().describe('Goes with `access_key_id`.'),
    session_token: secret.optional().describe('Of keys that are temporary.'),
    profile: text.optional().describe('Of `~/.aws/config`, for the credential chain.'),
    role_arn: text.optional().describe('A role to take, with these credentials or with `web_identity_token_file`.'),
    external_id: text.optional().describe('What the role’s trust policy may ask for.'),
    session_name: text
      .regex(/^[\w+=,.@-]{2,64}$/, 'must be 2 to 64 letters, digits or =,.@-')
      .optional()
      .describe('What AWS’s logs call us. Default `gatehouse`.'),
    web_identity_token_file: text.optional().describe('Path of an OpenID Connect token, read each time.'),
    sts_url: text.optional().describe('Where roles are taken. Default: the region’s own.')
  })
  .refine(said => (said.access_key_id === undefined) === (said.secret_access_key === undefined), {
    error: 'needs both `access_key_id` and `secret_access_key`, or neither'
  })
  .refine(said => said.web_identity_token_file === undefined || said.role_arn !== undefined, {
    error: '`web_identity_token_file` needs a `role_arn` to take with it'
  })
  .describe('Signatures (SigV4). Empty: AWS’s own credential chain.')

const google = z
  .strictObject({
    credentials: secret
      .optional()
      .describe('JSON of a service account, user or workload federation: `${file:/run/secrets/google.json}`.'),
    file: text.optional().describe('Path of such JSON, read each time a token is wanted.')
  })
  .refine(said => said.credentials === undefined || said.file === undefined, {
    error: 'needs `credentials` or `file`, not both'
  })
  .describe('Access tokens of Google Cloud. Empty: application default credentials.')

const entra = z
  .strictObject({
    tenant_id: text.optional().describe('Directory of the app registration.'),
    client_id: text.optional().describe('Of the app registration, or of a user-assigned managed identity.'),
    client_secret: secret.optional().describe('Of the app registration.'),
    federated_token_file: text.optional().describe('Workload identity: path of the cluster’s token, read each time.'),
    authority: text.optional().describe('Default `https://login.microsoftonline.com`.'),
    managed_identity_url: text.optional().describe('Default: the machine’s metadata service.')
  })
  .refine(
    said =>
      (said.client_secret === undefined && said.federated_token_file === undefined) ||
      (said.tenant_id !== undefined && said.client_id !== undefined),
    { error: 'needs `tenant_id` and `client_id` with a secret or token file' }
  )
  .describe('Tokens of Microsoft Entra. Empty: a managed identity.')

export type AwsKey = z.output<typeof aws>
export type GoogleKey = z.output<typeof google>
export type EntraKey = z.output<typeof entra>

export const identityKeys = [z.strictObject({ aws }), z.strictObject({ google }), z.strictObject({ entra })] as const
