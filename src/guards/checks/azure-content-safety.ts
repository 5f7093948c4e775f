import * as z from 'zod'
import { secret } from '../../fields.ts'
import { askAll, excerptsOf, joined } from '../excerpts.ts'
import { type CloudCaller, checkKind, type Finding, type Passage, type Tools } from '../guard.ts'

const severity = z.int().min(1).max(7)

const options = z.strictObject({
  endpoint: z.url({ protocol: /^https?$/ }).describe('Of the resource: `https://….cognitiveservices.azure.com`.'),
  key: secret.optional().describe('Of the resource. Without it, an application of Entra.'),
  tenant_id: z.string().min(1).optional().describe('Entra: the directory of the application.'),
  client_id: z.string().min(1).optional().describe('Entra: the application.'),
  client_secret: secret.optional().describe('Entra: its secret.'),
  authority: z
    .url({ protocol: /^https?$/ })
    .default('https://login.microsoftonline.com')
    .describe('Entra: who gives tokens out.'),
  severities: z
    .strictObject({
      hate: severity.optional().describe('Against groups of people.'),
      self_harm: severity.optional().describe('Harm to oneself.'),
      sexual: severity.optional().describe('Sexual content.'),
      violence: severity.optional().describe('Violence, and weapons.')
    })
    .default({ hate: 4, self_harm: 4, sexual: 4, violence: 4 })
    .describe('From which severity on a category counts, 1 to 7; those that are not named are not asked for.'),
  blocklists: z
    .array(z.string().regex(/^[\w.~-]{1,64}$/))
    .default([])
    .describe('Names of the resource’s blocklists.'),
  prompt_attacks: z
    .boolean()
    .default(false)
    .describe('Asks Prompt Shields too, of requests: what users say, and what tools and documents bring along.'),
  allow_private: z.array(z.string()).optional().describe('Private address ranges that may be called.')
})
type Options = z.output<typeof options>

const CATEGORIES = { hate: 'Hate', self_harm: 'SelfHarm', sexual: 'Sexual', violence: 'Violence' } as const
type Category = keyof typeof CATEGORIES
const SEVERITY_MAX = 7

const API_VERSION = '2024-09-01'
const SCOPE = 'https://cognitiveservices.azure.com/.default'
/** Of a prompt, of all documents of one request together, and of a text. */
const CHARS_MAX = 10_000
const OVERLAP_CHARS = 500
const AT_ONCE = 4

const analysis = z.object({
  blocklistsMatch: z.array(z.object({ blocklistName: z.string() })).default([]),
  categoriesAnalysis: z.array(z.object({ category: z.string(), severity: z.number() }))
})
const attack = z.object({ attackDetected: z.boolean() })
const shields = z.object({ userPromptAnalysis: attack.nullish(), documentsAnalysis: z.array(attack).nullish() })

type Ask = (operation: string, body: object) => Promise<unknown>

/** https://learn.microsoft.com/rest/api/contentsafety/text-operations, version 2024-09-01. */
export const check = checkKind({
  name: 'azure-content-safety',
  summary: 'Asks Azure AI Content Safety: harm by category and severity, blocklists, and attacks on the prompt.',
  concern: 'security',
  sides: ['request', 'response'],
  actions: ['block', 'flag', 'shadow', 'reroute', 'retry'],
  action: 'block',
  options,
  create(said) {
    const { severities, blocklists, prompt_attacks } = said
    const categories = Object.keys(severities) as Category[]
    const analyzes = categories.length > 0 || blocklists.length > 0
    if (!analyzes && !prompt_attacks) throw new Error('looks for nothing: no category, blocklist or prompt attack')
    const asking = askingOf(said)
    return {
      reach: 'whole',
      async judge({ side, passages }, { post }, signal) {
        const ask = asking(post, signal)
        const harm = analyzes ? await analyzed(passages, said, ask) : []
        const attacks = prompt_attacks && side === 'request' ? await shielded(passages, ask) : []
        return [...harm, ...attacks]
      }
    }
  }
})

function askingOf(said: Options): (post: Tools['post'], signal: AbortSignal) => Ask {
  const { endpoint, key, allow_private } = said
  const caller = callerOf(said)
  const base = `${endpoint.replace(/\/+$/, '')}/contentsafety`
  return (post, signal) => (operation, body) =>
    post({
      url: `${base}/${operation}?api-version=${API_VERSION}`,
      headers: key ? { 'ocp-apim-subscription-key': key.reveal() } : {},
      body: JSON.stringify(body),
      signal,
      ...(allow_private && { allowPrivate: allow_private }),
      ...(caller && { as: caller })
    })
}

function callerOf({ key, tenant_id, client_id, client_secret, authority }: Options): CloudCaller | undefined {
  if (key) {
    if (tenant_id ?? client_id ?? client_secret) throw new Error('has a `key`: it takes no application beside it')
    return undefined
  }
  if (tenant_id === undefined || client_id === undefined || client_secret === undefined) {
    throw new Error('needs a `key`, or `tenant_id`, `client_id` and `client_secret`')
  }
  return {
    cloud: 'entra',
    scope: SCOPE,
    tenantId: tenant_id,
    clientId: client_id,
    clientSecret: client_secret,
    authority
  }
}

// ---- harm and blocklists -----------------------------------------------------------------------------------------

async function analyzed(passages: readonly Passage[], said: Options, ask: Ask): Promise<Finding[]> {
  const { severities, blocklists } = said
  const named = (Object.keys(severities) as Category[]).map(name => CATEGORIES[name])
  const answers = await askAll(excerptsOf(joined(passages), CHARS_MAX, OVERLAP_CHARS), AT_ONCE, async ({ text }) => {
    const body = {
      text,
      outputType: 'EightSeverityLevels',
      // An empty list would be all of them.
      categories: named.length > 0 ? named : Object.values(CATEGORIES),
      ...(blocklists.length > 0 && { blocklistNames: blocklists, haltOnBlocklistHit: false })
    }
    const read = analysis.safeParse(await ask('text:analyze', body))
    const known = read.data?.categoriesAnalysis.map(({ category }) => category)
    if (!read.success || named.some(name => !known?.includes(name)))
      throw new Error('The service answered with something else than an analysis.')
    return read.data
  })
  const harm = (Object.entries(severities) as [Category, number][]).flatMap(([name, from]) => {
    const of = answers.flatMap(each => each.categoriesAnalysis).filter(each => each.category === CATEGORIES[name])
    const highest = Math.max(0, ...of.map(each => each.severity))
    if (highest < from) return []
    const reason = `A moderation service finds ${name.replace('_', '-')} of severity ${highest}.`
    return [{ rule: `azure-content-safety.${name}`, score: Math.min(1, highest / SEVERITY_MAX), reason }]
  })
  const lists = new Set(answers.flatMap(each => each.blocklistsMatch).map(({ blocklistName }) => blocklistName))
  const listed = [...lists].map(name => ({
    rule: 'azure-content-safety.blocklist',
    score: 1,
    reason: `A moderation service finds something of the blocklist "${name}".`
  }))
  return [...harm, ...listed]
}

// ---- attacks -----------------------------------------------------------------------------------------------------

/** What comes along without anybody having said it. */
const BROUGHT: ReadonlySet<Passage['kind']> = new Set(['document', 'tool-result', 'tool-description'])

/** What users say is a prompt; what tools and documents say is a document. What we or the model said is neither. */
async function shielded(passages: readonly Passage[], ask: Ask): Promise<Finding[]> {
  const isDocument = ({ kind, role }: Passage) => BROUGHT.has(kind) || role === 'tool'
  const own = passages.filter(passage => passage.role === 'user' && !isDocument(passage))
  const prompts = excerptsOf(joined(own), CHARS_MAX, OVERLAP_CHARS)
  const documents = excerptsOf(joined(passages.filter(isDocument)), CHARS_MAX, OVERLAP_CHARS)
  const count = Math.max(prompts.length, documents.length)
  const pairs = Array.from({ length: count }, (_, at) => ({ prompt: prompts[at], document: documents[at] }))
  const answers = await askAll(pairs, AT_ONCE, async ({ prompt, document }) => {
    const body = { ...(prompt && { userPrompt: prompt.text }), ...(document && { documents: [document.text] }) }
    const read = shields.safeParse(await ask('text:shieldPrompt', body))
    const isWhole =
      (!prompt || read.data?.userPromptAnalysis) && (!document || read.data?.documentsAnalysis?.length === 1)
    if (!read.success || !isWhole) {
      throw new Error('The service answered with something else than an analysis of the prompt.')
    }
    return read.data
  })
  const found: Finding[] = []
  if (answers.some(({ userPromptAnalysis }) => userPromptAnalysis?.attackDetected)) {
    found.push({ rule: 'azure-content-safety.prompt_attack', score: 1, reason: 'It attacks the prompt.' })
  }
  if (answers.some(({ documentsAnalysis }) => documentsAnalysis?.some(({ attackDetected }) => attackDetected))) {
    const reason = 'A document or the result of a tool attacks the prompt.'
    found.push({ rule: 'azure-content-safety.document_attack', score: 1, reason })
  }
  return found
}
