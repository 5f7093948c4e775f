import { listedDoors, MODELS } from '../src/sim/index.ts'

/** `docs/guide/simulated-provider.md`, written from the table of behaviours: `npm run docs`. A test holds it fresh. */
export const PAGE_PATH = new URL('../docs/guide/simulated-provider.md', import.meta.url)

const INTRODUCTION = `# The simulated provider

<!-- Written by scripts/sim-page.ts from src/sim (models.ts, doors.ts). Change the tables there, then run \`npm run docs\`. -->

A stand-in for model providers on this machine: no key, no network, no money. It answers in the first five minutes,
stands behind Gatehouse's own tests, and serves your own drills. It refuses what the real ones refuse, in their words.

**Inside the gateway** it is the provider \`sim\`: on where no provider has a key and there is no configuration file, or
with \`sim: true\`. Ask for \`sim/echo\`, \`sim/story\`, or any behaviour below as \`sim/<name>\`. Replies carry
\`x-gatehouse-simulated: true\`.

**Alone:** \`gatehouse sim --port 8099\` serves the doors below. \`GET /control/log\` shows every request as it came, with
what was answered and how it ended; \`POST /control/reset\` forgets them. Point a provider at it to rehearse a bad day:

\`\`\`yaml
providers:
  drill: { like: openai, base_url: "http://127.0.0.1:8099/v1", keys: [any], allow_private: ["127.0.0.0/8"] }
routes:
  rehearsal: { fallback: [drill/cut-after-3, drill/gpt-4o] }
\`\`\`

A name that is in no table is a model that behaves: it calls the tools that the message names, describes pictures and
documents, keeps to a JSON schema, thinks when asked to, and counts its tokens. Where providers tell models apart by name,
so does it: \`o4-mini\` takes no temperature, \`gemini-3-pro\` wants its thought signatures back.
`

export function simPage(): string {
  const groups = { reply: 'Behaviours', refuses: 'Refusals', breaks: 'Faults' } as const
  const sections = Object.entries(groups).map(([group, title]) => {
    const rows = MODELS.filter(model => model.group === group).map(model => `| \`${model.name}\` | ${model.does} |`)
    return `## ${title}\n\n| model | what it does |\n| --- | --- |\n${rows.join('\n')}\n`
  })
  const doors = listedDoors().map(({ method, path, dialects }) => `| \`${method} ${path}\` | ${dialects.join(', ')} |`)
  const table = `## Doors\n\n| door | dialect |\n| --- | --- |\n${doors.join('\n')}\n`
  return `${INTRODUCTION}\n${[table, ...sections].join('\n')}`
}
