/**
 * `node scripts/catalog.ts <table.tsv>`: writes the imported half of the model catalogue, `src/catalog/data/makers.ts`
 * and `hosts.ts`, from a models.dev listing (provider, model, context, output, input modalities, output modalities,
 * tools, reasoning, structured, temperature, cost in, cost out, cache read, cache write, released, status).
 * What people checked by hand is in `checked.ts` and wins over these; this script never touches it.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** models.dev's provider name → ours. Makers serve their own models, hosts those of others. */
const MAKERS: Record<string, string> = {
  anthropic: 'anthropic',
  openai: 'openai',
  google: 'google',
  mistral: 'mistral',
  deepseek: 'deepseek',
  xai: 'xai',
  moonshotai: 'moonshot',
  zai: 'zai',
  minimax: 'minimax',
  perplexity: 'perplexity',
  alibaba: 'dashscope'
}
const HOSTS: Record<string, string> = {
  groq: 'groq',
  togetherai: 'together',
  'fireworks-ai': 'fireworks',
  cerebras: 'cerebras',
  deepinfra: 'deepinfra',
  huggingface: 'huggingface',
  nvidia: 'nvidia',
  'github-models': 'github-models'
}

export function convert(table: string, names: Record<string, string>): Map<string, string[]> {
  const rows = new Map<string, string[]>()
  for (const line of table.split('\n')) {
    const [provider = '', model = '', ...cells] = line.split('\t')
    const name = Object.hasOwn(names, provider) ? names[provider]! : undefined
    if (name === undefined || model === '') continue
    const row = rowOf(model, cells)
    if (row) rows.set(name, [...(rows.get(name) ?? []), row])
  }
  return rows
}

/** One row of ours, or undefined for a model that writes no text. Columns: see `src/catalog/facts.ts`. */
function rowOf(model: string, cells: string[]): string | undefined {
  const [context, output, input = '', answers = '', tools, reasoning, structured, temperature, ...rest] = cells
  const [costIn, costOut, cacheRead, cacheWrite, released, status] = rest
  if (answers !== '' && !answers.split('+').includes('text')) return undefined
  const takes = input.split('+')
  const abilities = [
    known(tools),
    input === '' ? '?' : takes.includes('image') ? 'y' : 'n',
    // A listing without `pdf` says nothing: hosts often turn documents into text or images themselves.
    takes.includes('pdf') ? 'y' : '?',
    known(reasoning),
    known(structured),
    known(temperature),
    '?'
  ]
  const prices =
    priced(costIn) && priced(costOut) ? [costIn, costOut, cacheRead, cacheWrite].map(orDash).join('/') : '-'
  const columns = [model, orDash(context), orDash(output), abilities.join(''), released || '-', prices]
  return [...columns, ...(status === 'deprecated' ? ['retired'] : [])].join(' ')
}

function known(cell: string | undefined): string {
  return cell === 'y' || cell === 'n' ? cell : '?'
}

/** Zero in the listing means "no figure" (trial credits, free tiers) as often as "free": we take it for unknown. */
function priced(cell: string | undefined): boolean {
  return Number(cell) > 0
}

function orDash(cell: string | undefined): string {
  return priced(cell) ? String(Number(cell)) : '-'
}

function moduleText(constant: string, rows: Map<string, string[]>): string {
  const tables = [...rows].map(
    ([name, lines]) => `  ${/-/.test(name) ? `'${name}'` : name}: \`\n${lines.join('\n')}\n\``
  )
  return `// Written by scripts/catalog.ts from the models.dev listing of 2026-07-02 (MIT). Do not edit: corrections go to
// checked.ts. Columns: see ../facts.ts.
export const ${constant}: Readonly<Record<string, string>> = {
${tables.join(',\n')}
}
`
}

if (import.meta.filename === process.argv[1]) {
  const table = readFileSync(process.argv[2] ?? '', 'utf8')
  const folder = path.resolve(import.meta.dirname, '../src/catalog/data')
  for (const [file, constant, names] of [
    ['makers.ts', 'MAKERS', MAKERS],
    ['hosts.ts', 'HOSTS', HOSTS]
  ] as const) {
    writeFileSync(path.join(folder, file), moduleText(constant, convert(table, names)))
  }
}
