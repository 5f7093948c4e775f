import { type Asked, type Told, told } from './asked.ts'
import { type Mint, randomText } from './mint.ts'

/**
 * Microsoft Entra's token endpoint for applications, and the managed identities of Azure's machines
 * (learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow,
 * learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token).
 */
export interface Application {
  tenantId: string
  clientId: string
  clientSecret: string
  /** What a cluster says of one of its pods, where the application trusts it. */
  assertion: string
}

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TOKEN_PATH = /^\/([^/]+)\/oauth2\/v2\.0\/token$/
const METADATA = '/metadata/identity/oauth2/token'
/** App Service's: learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference */
const APP_SERVICE = '/msi/token'

export class Entra {
  readonly #mint: Mint
  readonly #wallMs: () => number
  readonly #applications = new Map<string, Application>()
  /** Proves that a process runs in the App Service whose identity it asks for. */
  readonly identityHeader = randomText()

  constructor(mint: Mint, wallMs: () => number) {
    this.#mint = mint
    this.#wallMs = wallMs
  }

  application(): Application {
    const application = {
      tenantId: crypto.randomUUID(),
      clientId: crypto.randomUUID(),
      clientSecret: randomText('8Q~', 30),
      assertion: [randomText(), randomText(), randomText()].join('.')
    }
    this.#applications.set(application.clientId, application)
    return application
  }

  /** Undefined where the request is for somebody else. */
  answer(asked: Asked): Told | undefined {
    if (asked.path === METADATA) return this.#metadata(asked)
    if (asked.path === APP_SERVICE) return this.#appService(asked)
    const tenant = TOKEN_PATH.exec(asked.path)?.[1]
    return tenant !== undefined && asked.method === 'POST' ? this.#token(asked, tenant) : undefined
  }

  #token({ form }: Asked, tenant: string): Told {
    if (form.get('grant_type') !== 'client_credentials') {
      return refused(400, 'unsupported_grant_type', 'AADSTS70003: The app requested an unsupported grant type.')
    }
    const application = this.#applications.get(form.get('client_id') ?? '')
    if (!application) {
      const id = form.get('client_id')
      return refused(400, 'unauthorized_client', `AADSTS700016: Application with identifier '${id}' was not found.`)
    }
    if (tenant !== application.tenantId) {
      return refused(400, 'invalid_request', `AADSTS90002: Tenant '${tenant}' not found.`)
    }
    const problem = problemOf(form, application)
    if (problem !== undefined) return refused(401, 'invalid_client', problem)
    const resource = /^(https:\/\/.+)\/\.default$/.exec(form.get('scope') ?? '')?.[1]
    if (resource === undefined) {
      return refused(
        400,
        'invalid_scope',
        `AADSTS1002012: The provided value for scope ${form.get('scope')} is not valid.`
      )
    }
    const { token } = this.#mint.issue('entra', application.clientId, resource)
    const seconds = this.#mint.lifetimeS
    return told(200, { token_type: 'Bearer', expires_in: seconds, ext_expires_in: seconds, access_token: token })
  }

  #metadata({ method, request: { headers, query } }: Asked): Told {
    if (headers.metadata !== 'true' || method !== 'GET') {
      return refused(400, 'bad_request_102', 'Required metadata header not specified')
    }
    return this.#managed(query, '2018-02-01')
  }

  #appService({ request: { headers, query } }: Asked): Told {
    if (headers['x-identity-header'] === this.identityHeader) return this.#managed(query, '2019-08-01')
    return told(401, { statusCode: 401, message: 'The identity header is missing or not this one.' })
  }

  #managed(query: URLSearchParams, version: string): Told {
    const resource = query.get('resource')
    if (query.get('api-version') !== version) {
      return refused(400, 'invalid_request', `Identity requests are taken with api-version=${version}`)
    }
    if (!resource) return refused(400, 'invalid_request', 'The resource parameter is missing')
    const { token, expiresMs } = this.#mint.issue('entra', query.get('client_id') ?? 'managed', resource)
    // The service writes its numbers as texts.
    return told(200, {
      access_token: token,
      client_id: query.get('client_id') ?? crypto.randomUUID(),
      expires_in: String(this.#mint.lifetimeS),
      expires_on: String(Math.floor(expiresMs / 1000)),
      not_before: String(Math.floor(this.#wallMs() / 1000)),
      resource,
      token_type: 'Bearer'
    })
  }
}

function problemOf(form: URLSearchParams, { clientId, clientSecret, assertion }: Application): string | undefined {
  if (form.has('client_secret')) {
    if (form.get('client_secret') === clientSecret) return undefined
    return `AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`
  }
  if (form.get('client_assertion_type') !== JWT_BEARER) {
    return "AADSTS7000218: The request body must contain the following parameter: 'client_assertion' or 'client_secret'."
  }
  if (form.get('client_assertion') === assertion) return undefined
  return 'AADSTS700213: No matching federated identity record found for presented assertion subject.'
}

function refused(status: number, error: string, description: string): Told {
  return told(status, { error, error_description: description })
}
