import { configJsonSchema } from '../src/config/json-schema.ts'
import { isObject, type Json, type JsonObject } from '../src/json.ts'

/** `docs/reference/config.md`, written from the schema: `npm run docs`. A test holds it fresh. */
export const PAGE_PATH = new URL('../docs/reference/config.md', import.meta.url)

const INTRODUCTION = `# Configuration

<!-- Written by scripts/config-page.ts from the schema. Change the schema, then run it again. -->

One file, YAML or JSON: \`--config\`, else \`gatehouse.yaml\`, \`gatehouse.yml\` or \`gatehouse.json\` in the working
directory, else none. Everything has a default. \`gatehouse init\` writes a file to begin with, \`gatehouse check\` says
everything that is wrong with one, \`gatehouse schema\` prints its JSON Schema. An unknown key is an error.

**Values from outside.** In any value (never in a name), \`\${NAME}\` is replaced by a variable of the environment,
\`\${NAME:-default}\` by the default where the variable is unset or empty, and \`\${file:/run/secrets/name}\` by what a file
holds (a relative name begins at the configuration file; one newline at the end is dropped). \`$\${\` is a literal \`\${\`.
A variable that is not set is an error. The text is read as the number or the true or false that a setting wants; where
it could be anything (\`params\`) it stays a text. Inside \`[ ]\` and \`{ }\` YAML wants such a value in quotes.

**Units.** A *duration* is written \`250ms\`, \`20s\`, \`5m\`, \`1h\` or \`7d\`; a *size* \`512B\`, \`16KB\`, \`40MB\`, \`1GB\` (powers of
1000) or \`64KiB\`, \`1MiB\`, \`1GiB\` (powers of 1024); a *percentage* \`85%\`. A bare number is an error.

**Reload.** The file, and every file that a \`\${file:…}\` names, is read again when its contents change. Calls in flight
keep the configuration they began with; a file with an error changes nothing and the log says why.
`

/** The whole page. */
export function configPage(): string {
  const schema = configJsonSchema()
  const definitions = schema.$defs as Record<string, JsonObject>
  const sections = Object.entries(schema.properties as Record<string, JsonObject>).map(([name, section]) =>
    sectionOf(`\`${name}\``, name, section)
  )
  const shared = Object.entries(definitions)
    .filter(([name]) => name !== 'Reference')
    .map(([name, definition]) => sectionOf(name, '', definition))
  return `${[INTRODUCTION, ...sections, ...shared].join('\n').trimEnd()}\n`
}

interface Row {
  path: string
  schema: JsonObject
  required: boolean
}

function sectionOf(heading: string, path: string, schema: JsonObject): string {
  const facts =
    path === '' && !schema.anyOf && !schema.enum ? '' : `${capital(`${typeOf(schema)}${defaultOf(schema)}`)}. `
  return `## ${heading}\n\n${facts}${textOf(schema)}\n${table(rowsBelow(path, schema))}`
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return ''
  return `\n| setting | value | |\n| --- | --- | --- |\n${rows.map(rowText).join('\n')}\n`
}

function rowText({ path, schema, required }: Row): string {
  const value = `${typeOf(schema)}${required ? ', required' : defaultOf(schema)}`
  return `| \`${path}\` | ${cell(value)} | ${cell(textOf(schema))} |`
}

/** Every setting below a schema, alternatives one after the other; what `$ref` names has a section of its own. */
function rowsBelow(path: string, schema: JsonObject): Row[] {
  const join = (name: string) => (path === '' ? name : `${path}.${name}`)
  const required = (schema.required ?? []) as Json[]
  const members = Object.entries((schema.properties ?? {}) as Record<string, JsonObject>).flatMap(([name, member]) => [
    { path: join(name), schema: member, required: required.includes(name) },
    ...rowsBelow(join(name), member)
  ])
  const named = isObject(schema.additionalProperties) ? rowsBelow(join('<name>'), schema.additionalProperties) : []
  const items = isObject(schema.items) ? rowsBelow(`${path}[]`, schema.items) : []
  const alternatives = alternativesOf(schema).flatMap(alternative => rowsBelow(path, alternative))
  return [...members, ...named, ...items, ...alternatives]
}

function alternativesOf(schema: JsonObject): JsonObject[] {
  return ((schema.anyOf ?? schema.oneOf ?? []) as JsonObject[]).filter(one => one.$ref !== '#/$defs/Reference')
}

/** What a value is, in a word or two. */
function typeOf(schema: JsonObject): string {
  if (typeof schema.title === 'string') return schema.title
  if (typeof schema.$ref === 'string') return `[${nameOf(schema.$ref)}](#${nameOf(schema.$ref).toLowerCase()})`
  if (schema.const !== undefined) return `\`${schema.const}\``
  if (Array.isArray(schema.enum)) return schema.enum.map(value => `\`${value}\``).join(' \\| ')
  const alternatives = alternativesOf(schema)
  if (alternatives.length > 0) return [...new Set(alternatives.map(typeOf))].join(' or ')
  if (schema.type === 'array') return isObject(schema.items) ? `list of ${typeOf(schema.items)}` : 'list'
  if (isObject(schema.additionalProperties) && Object.keys(schema.additionalProperties).length > 0) {
    return `map of names to ${typeOf(schema.additionalProperties)}`
  }
  if (isObject(schema.properties)) return 'settings'
  const words: Record<string, string> = {
    string: 'text',
    integer: 'whole number',
    boolean: 'true or false',
    object: 'map'
  }
  return words[String(schema.type)] ?? (typeof schema.type === 'string' ? schema.type : 'any value')
}

function defaultOf({ default: fallback }: JsonObject): string {
  if (fallback === undefined || (typeof fallback === 'object' && fallback !== null && !Object.keys(fallback).length))
    return ''
  return `, default \`${typeof fallback === 'string' ? fallback : JSON.stringify(fallback)}\``
}

function nameOf(reference: string): string {
  return reference.slice(reference.lastIndexOf('/') + 1)
}

function textOf(schema: JsonObject): string {
  return typeof schema.description === 'string' ? schema.description : ''
}

function cell(text: string): string {
  return text.replaceAll('\n', ' ').replace(/(?<!\\)\|/g, '\\|')
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
