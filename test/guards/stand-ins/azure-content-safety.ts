import * as z from 'zod'
import { type Request, type StandIn, startStandIn } from './service.ts'

/**
 * text:analyze and text:shieldPrompt of Azure AI Content Safety, version 2024-09-01
 * (learn.microsoft.com/rest/api/contentsafety), and Entra's token endpoint for one application.
 */

const VERSIONS = ['2023-10-01', '2024-09-01']
const CHARS_MAX = 10_000
const DOCUMENTS_MAX = 5
const SCOPE = 'https://cognitiveservices.azure.com/.default'

const categories = ['Hate', 'SelfHarm', 'Sexual', 'Violence'] as const
const short = z.string().refine(text => [...text].length <= CHARS_MAX, `is over ${CHARS_MAX} characters`)
const toAnalyze = z.strictObject({
  text: short.min(1),
  categories: z.array(z.enum(categories)).optional(),
  blocklistNames: z.array(z.string().regex(/^[0-9A-Za-z._~-]{1,64}$/)).optional(),
  haltOnBlocklistHit: z.boolean().optional(),
  outputType: z.enum(['FourSeverityLevels', 'EightSeverityLevels']).optional()
})
const toShield = z.strictObject({
  userPrompt: short.optional(),
  documents: z
    .array(z.string())
    .max(DOCUMENTS_MAX)
    .refine(texts => [...texts.join('')].length <= CHARS_MAX, `are over ${CHARS_MAX} characters together`)
    .optional()
})

interface Options {
  key: string
  application?: { tenantId: string; clientId: string; clientSecret: string }
  severities?: readonly { word: string; category: (typeof categories)[number]; severity: number }[]
  blocklists?: Readonly<Record<string, readonly string[]>>
  /** A text that holds it attacks the prompt. */
  attack?: string
}

export async function startAzureContentSafety(options: Options): Promise<StandIn & { revoke(): void }> {
  // The token that is good; another one once it is revoked.
  let tokens = 1
  const standIn = await startStandIn({
    answer(request) {
      const { method, path, query, body } = request
      const token = `eyJ-token-of-the-application-${tokens}`
      if (path.endsWith('/oauth2/v2.0/token')) return tokenFor(request, options, token)
      checkCredential(request, options, token)
      const version = query.get('api-version')
      if (version === null)
        throw failure(400, 'MissingApiVersionParameter', 'The api-version query parameter is required.')
      if (!VERSIONS.includes(version)) throw failure(400, 'InvalidApiVersionParameter', `${version} is not supported.`)
      if (method === 'POST' && path === '/contentsafety/text:analyze') return analysis(read(toAnalyze, body), options)
      if (method === 'POST' && path === '/contentsafety/text:shieldPrompt' && version !== '2023-10-01') {
        return shields(read(toShield, body), options)
      }
      throw failure(404, '404', 'Resource not found')
    },
    failure: status =>
      status === 429
        ? failure(429, '429', 'Requests have exceeded the rate limit. Please retry after 1 second.')
        : failure(500, 'InternalError', 'Internal server error.')
  })
  return Object.assign(standIn, { revoke: () => void tokens++ })
}

function analysis(said: z.output<typeof toAnalyze>, { severities = [], blocklists = {} }: Options) {
  const { text, blocklistNames = [], outputType = 'FourSeverityLevels' } = said
  const unknown = blocklistNames.find(name => !(name in blocklists))
  if (unknown !== undefined) throw failure(404, 'BlocklistNotFound', `The blocklist ${unknown} does not exist.`)
  const blocklistsMatch = blocklistNames.flatMap(blocklistName =>
    blocklists[blocklistName]!.filter(item => text.includes(item)).map((blocklistItemText, at) => {
      return { blocklistName, blocklistItemId: `00000000-0000-0000-0000-00000000000${at}`, blocklistItemText }
    })
  )
  const asked = said.categories?.length ? said.categories : categories
  const categoriesAnalysis = asked.map(category => {
    const found = severities.filter(each => each.category === category && text.includes(each.word))
    const severity = Math.max(0, ...found.map(each => each.severity))
    return { category, severity: outputType === 'EightSeverityLevels' ? severity : severity - (severity % 2) }
  })
  return { blocklistsMatch, categoriesAnalysis }
}

function shields({ userPrompt, documents }: z.output<typeof toShield>, { attack = '\0' }: Options) {
  if (userPrompt === undefined && !documents?.length) {
    throw failure(400, 'InvalidRequestBody', 'A user prompt or documents are required.')
  }
  const of = (text: string) => ({ attackDetected: text.includes(attack) })
  return {
    ...(userPrompt !== undefined && { userPromptAnalysis: of(userPrompt) }),
    documentsAnalysis: (documents ?? []).map(of)
  }
}

function checkCredential({ headers }: Request, { key, application }: Options, token: string): void {
  const given = headers['ocp-apim-subscription-key']
  if (given === key || (application && headers.authorization === `Bearer ${token}`)) return
  const message = 'Access denied due to invalid subscription key or wrong API endpoint.'
  throw failure(401, given === undefined ? 'PermissionDenied' : '401', message)
}

function tokenFor({ path, raw }: Request, { application }: Options, token: string) {
  const { tenantId, clientId, clientSecret } = application ?? {}
  const { client_id, client_secret, scope, grant_type } = Object.fromEntries(new URLSearchParams(raw.toString('utf8')))
  const isKnown = path === `/${tenantId}/oauth2/v2.0/token` && client_id === clientId && client_secret === clientSecret
  if (!isKnown || grant_type !== 'client_credentials' || scope !== SCOPE) {
    throw { status: 401, body: { error: 'invalid_client', error_description: 'AADSTS7000215: Invalid client secret.' } }
  }
  return { token_type: 'Bearer', expires_in: 3599, ext_expires_in: 3599, access_token: token }
}

function read<Type extends z.ZodType>(type: Type, body: unknown): z.output<Type> {
  const read = type.safeParse(body)
  if (read.success) return read.data
  throw failure(400, 'InvalidRequestBody', z.prettifyError(read.error))
}

function failure(status: number, code: string, message: string) {
  return { status, body: { error: { code, message, details: [] } }, headers: { 'x-ms-error-code': code } }
}
