/** `node scripts/loss-matrix.ts`: writes `docs/reference/losses.md` from the goldens. A test holds it fresh. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Golden, goldens, KINDS, type Kind, verdict } from '../test/support/goldens.ts'

export const PAGE = path.resolve(import.meta.dirname, '../docs/reference/losses.md')

const TITLES: Record<Kind, string> = {
  requests: 'Requests: from the client to the provider',
  responses: 'Whole replies: from the provider to the client',
  streams: 'Streams: from the provider to the client'
}

export function lossMatrix(): string {
  const all = goldens()
  return `<!-- Written by scripts/loss-matrix.ts from test/goldens/. Do not edit. -->
# What is lost between dialects

A call whose client and provider speak the same dialect loses nothing: its body stays the client's own. Where they
differ, the call is said again in the provider's dialect. Each row below is a feature with a pair of files in
\`test/goldens/\`: what goes in, and what comes out.

- **kept**: read again on the other side, it means the same.
- **mapped**: it is said with what the other dialect has for it (an effort for a budget, one turn for two, a default
  that the dialect requires), and nothing is left out.
- **lost**: what is named could not be said. The names stand in \`x-gatehouse-lost\` and in the log; in strict mode a
  request with a loss is refused (\`loss_refused\`) before anything is sent.
- **refused**: without it the call would mean something else, so it is refused by name (\`cannot_cross\`); a target of
  the route that speaks the client's dialect takes it.
- **–**: the dialect on that side has no such thing, or no golden yet.

A picture or document that is named by its address is listed as the dialects alone have it. Where its provider fetches
none, the gateway does (\`media\` in the configuration), and then nothing of it is lost.

${KINDS.map(kind =>
  section(
    kind,
    all.filter(golden => golden.kind === kind)
  )
).join('\n\n')}
`
}

/** A table for each dialect that something comes from, so that a reader looks at their own. */
function section(kind: Kind, crossings: Golden[]): string {
  const makers = [...new Set(crossings.map(({ from }) => from.name))]
  const tables = makers.map(name => {
    const own = crossings.filter(({ from }) => from.name === name)
    return `### From ${name}\n\n${table(own)}`
  })
  return `## ${TITLES[kind]}\n\n${tables.join('\n\n')}`
}

function table(crossings: Golden[]): string {
  const ways = new Map(crossings.map(({ from, to }) => [`to ${to.name}`, { from, to }]))
  const features = [...new Set(crossings.map(({ feature }) => feature))].sort()
  const rows = features.map(feature => {
    const cells = [...ways.values()].map(({ from, to }) => {
      const golden = crossings.find(each => each.feature === feature && each.from === from && each.to === to)
      return golden ? cell(golden) : '–'
    })
    return `| ${feature.replaceAll('-', ' ')} | ${cells.join(' | ')} |`
  })
  const head = `| feature | ${[...ways.keys()].join(' | ')} |\n| --- |${' --- |'.repeat(ways.size)}`
  return [head, ...rows].join('\n')
}

function cell(golden: Golden): string {
  const { word, losses } = verdict(golden)
  return word === 'lost' ? `lost: ${losses.map(loss => `\`${loss}\``).join(', ')}` : word
}

if (import.meta.main) writeFileSync(PAGE, lossMatrix())
