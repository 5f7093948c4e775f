/** `npm run docs`: writes `docs/reference/providers.md` from the presets. A test holds it fresh. */
import path from 'node:path'
import type { Preset } from '../src/providers/presets/preset.ts'
import { PRESETS } from '../src/providers/presets.ts'
import type { Endpoint, Evidence, Quirks } from '../src/providers/provider.ts'

export const PAGE = path.resolve(import.meta.dirname, '../docs/reference/providers.md')

export function providersPage(): string {
  const presets = Object.entries(PRESETS)
  const count = (evidence: Evidence) => presets.filter(([, preset]) => preset.evidence === evidence).length
  return `<!-- Written by scripts/providers-page.ts from src/providers/presets/. Do not edit. -->
# Providers

A provider whose variable is set is there without any configuration. ${presets.length} are known by name:
**${count('recorded')}** are tested against recorded chat traffic of their own, **${count('documented')}** were built from
their documentation alone. Any other server that speaks one of the dialects is
[declared in the configuration](#a-provider-of-your-own).

| name | provider | variables | dialects | evidence |
| --- | --- | --- | --- | --- |
${presets.map(([name, preset]) => summaryRow(name, preset)).join('\n')}

Where several variables are named, the first that is set is used. Servers of your own (\`OLLAMA_HOST\`, …) are never
probed: they are there when their variable or an entry in the configuration says so. \`OPENAI_BASE_URL\` and
\`ANTHROPIC_BASE_URL\` are not read; where they are set they mostly point applications at this gateway.

A call in a dialect that the provider speaks stays as the client wrote it; others are translated to the provider's first.

## Addresses and quirks

What is changed in a request for one provider, and only there. Whatever is *dropped* is a named loss: it is shown in
\`x-gatehouse-lost\` and refused in strict mode.

${presets.map(([name, preset]) => section(name, preset)).join('\n\n')}

## A provider of your own

\`\`\`yaml
providers:
  lab:
    base_url: "http://10.0.0.5:8000/v1"      # plain http only inside allow_private
    allow_private: ["10.0.0.0/8"]
    keys: ["\${LAB_KEY}", { key: "\${file:/run/secrets/lab2}", weight: 2 }]
    models: [{ name: qwen3-coder, context: 262144, prices: { input: 0, output: 0 } }]
  mistral:                                   # a preset, changed
    keys: ["\${MISTRAL_KEY_A}", "\${MISTRAL_KEY_B}"]
  openai-eu:                                 # a preset at another address
    like: openai
    base_url: "https://eu.api.openai.com/v1"
    keys: ["\${OPENAI_EU_KEY}"]
    catalog: openai                          # its models cost and can do the same
\`\`\`

A key from a preset's variable is only ever sent to the preset's own address.

## Where the facts come from

Model facts (context, limits, abilities) come from the providers' documentation where a row was checked, else from
models.dev; prices come from genai-prices, and from models.dev where that has none. Both are published under the MIT
licence: models.dev, copyright its contributors; genai-prices, copyright Pydantic Services Inc. A fact that none of them
states is \`unknown\`, and a price that none of them states is no price, never 0.
`
}

function summaryRow(name: string, preset: Preset): string {
  const dialects = [...new Set(preset.endpoints.map(endpoint => endpoint.dialect))].join(', ')
  return `| [\`${name}\`](#${name}) | ${preset.title} | ${variables(preset)} | ${dialects} | ${preset.evidence} |`
}

function variables(preset: Preset): string {
  const all = [...(preset.address ? [preset.address.variable] : []), ...preset.variables]
  const named = all.map(variable => `\`${variable}\``).join(', ')
  if (!preset.cloud) return named
  const identity = '[an identity](../guide/clouds.md)'
  return named === '' ? identity : `${named}, or ${identity}`
}

function section(name: string, preset: Preset): string {
  const lines = preset.endpoints.flatMap(endpoint => [
    address(endpoint),
    ...[...scope(endpoint), ...inWords(endpoint.quirks)].map(each => `  - ${each}`)
  ])
  const { document, date } = preset.source
  return [
    `### ${name}`,
    '',
    ...lines,
    ...places(preset),
    `- Documentation: <${preset.docs}>. Facts from ${linked(document)}, ${date}`
  ].join('\n')
}

function linked(document: string): string {
  return document.startsWith('https:') ? `<${document}>` : document
}

/** How each cloud is told who calls. */
const CLOUDS: Readonly<Record<string, string>> = {
  aws: 'signed (SigV4), or a key as bearer token',
  google: 'a token of Google Cloud, or a key as `x-goog-api-key`'
}

function address({ dialect, baseUrl, auth, audience }: Endpoint): string {
  const header = typeof auth === 'string' ? auth : auth.header
  const entra = audience?.scope && header !== 'google' ? ', or a token of Entra' : ''
  const how = CLOUDS[header] ?? `key as ${header === 'bearer' ? 'bearer token' : `\`${header}\``}${entra}`
  return `- ${dialect} at \`${baseUrl}\`, ${how}`
}

/** What an address is for, where that is not everything. */
function scope({ operations, only, except, paths, embeddings }: Endpoint): string[] {
  const list = (texts: readonly string[]) => texts.map(text => `\`${text}\``).join(', ')
  const written = Object.entries(paths ?? {}).map(([what, path]) => `\`${path}\` for ${what}`)
  return [
    ...(operations ? [`for ${operations.join(', ')} alone`] : []),
    ...(only ? [`models ${list(only)} alone`] : []),
    ...(except ? [`models other than ${list(except)}`] : []),
    ...(written.length > 0 ? [`paths: ${written.join(', ')}`] : []),
    ...(embeddings ? [`embeddings, in the shape \`${embeddings}\``] : [])
  ]
}

function places(preset: Preset): string[] {
  const open = Object.entries(preset.places ?? {}).filter(([, place]) => !place.derived)
  return open.map(([name, { variables: from, fallback }]) => {
    const named = from.map(variable => `\`${variable}\``).join(', ')
    const source = named === '' ? '`places` in the configuration' : `${named}, or \`places\` in the configuration`
    return `- \`{${name}}\`: ${source}${fallback === undefined ? '' : `; \`${fallback}\` if neither says it`}`
  })
}

/** What the quirks do, a phrase each. */
export function inWords(quirks: Quirks): string[] {
  const code = (text: string) => `\`${text}\``
  const pairs = (map: Readonly<Record<string, string>>) =>
    Object.entries(map).map(([from, to]) => `${code(from)} is sent as ${code(to)}`)
  return [
    ...pairs(quirks.rename ?? {}),
    ...Object.entries(quirks.values ?? {}).flatMap(([member, map]) =>
      pairs(map).map(pair => `in ${code(member)}, ${pair}`)
    ),
    ...pairs(quirks.roles ?? {}).map(pair => `the role ${pair}`),
    ...(quirks.drop?.length ? [`dropped: ${quirks.drop.map(code).join(', ')}`] : []),
    ...Object.entries(quirks.set ?? {}).map(([name, value]) => `${code(name)} is set to ${code(String(value))}`),
    ...(quirks.omit?.length ? [`left out, since the address says them: ${quirks.omit.map(code).join(', ')}`] : []),
    ...pairs(quirks.headers_in_body ?? {}).map(pair => `the header ${pair} in the body`),
    ...Object.entries(quirks.header_values ?? {}).map(([name, known]) => `of ${code(name)}, it knows ${listed(known)}`),
    ...(quirks.usage_unasked ? [`sends usage in every stream; ${code('stream_options')} is taken out`] : []),
    ...(quirks.model_prefix ? [`${code(quirks.model_prefix)} is put before model names without a slash`] : [])
  ]
}

function listed(known: Readonly<Record<string, string>>): string {
  const each = Object.entries(known).map(([name, theirs]) =>
    name === theirs ? `\`${name}\`` : `\`${name}\` (as \`${theirs}\`)`
  )
  return each.join(', ')
}
