import type { Secret } from '../../secret.ts'

/**
 * Who we are at a cloud: what signatures and tokens are made from. Plain values; whoever needs a file or the network has
 * its path or address here and looks when a token is wanted.
 */
export type Identity = AwsIdentity | GoogleIdentity | EntraIdentity

export interface AwsIdentity {
  kind: 'aws'
  /** Absent: found by AWS's own chain (environment, profile, container, instance, role, web identity). */
  keys?: AwsKeys | undefined
  /** Of the files in `~/.aws`. */
  profile?: string | undefined
  /** Taken with the credentials above, or with a web identity. */
  role?: AwsRole | undefined
  /** Where roles are taken, if not at the region's own `https://sts.<region>.amazonaws.com`. */
  stsUrl?: string | undefined
}

export interface AwsKeys {
  accessKeyId: string
  secretAccessKey: Secret
  sessionToken?: Secret | undefined
}

export interface AwsRole {
  arn: string
  sessionName: string
  externalId?: string | undefined
  /** A file that holds an OpenID Connect token, read each time: whoever mounts it renews it. */
  webIdentityTokenFile?: string | undefined
}

export interface GoogleIdentity {
  kind: 'google'
  /** A service account, user or workload federation, as Google hands them out: JSON. */
  credentials?: Secret | undefined
  /** Path of such JSON. Neither: application default credentials. */
  file?: string | undefined
}

export interface EntraIdentity {
  kind: 'entra'
  /** As `https://login.microsoftonline.com`. */
  authority: string
  tenantId?: string | undefined
  clientId?: string | undefined
  clientSecret?: Secret | undefined
  /** Workload identity: a file that holds a token of the cluster, read each time. */
  federatedTokenFile?: string | undefined
  /** Where a managed identity asks, if neither a secret nor a token file is there. */
  managed: ManagedIdentity
}

export interface ManagedIdentity {
  /** Of the machine's metadata service, or of the App Service that we run in. */
  url: string
  /** App Service: proves that the process is its own. */
  header?: Secret | undefined
}
