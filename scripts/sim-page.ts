import { MODELS } from '../src/sim/index.ts'

/** `docs/guide/simulated-provider.md`, written from the table of behaviours: `npm run docs`. A test holds it fresh. */
export const PAGE_PATH = new URL('../docs/guide/simulated-provider.md', import.meta.url)

const INTRODUCTION = `# The simulated provider

<!-- Written by scripts/sim-page.ts from src/sim/models.ts. Change the table there, then run \`npm run docs\`. -->

A stand-in for OpenAI and Anthropic on this machine: no key, no network, no money. It answers in the first five minutes,
stands behind Gatehouse's own tests, and serves your own drills. It refuses what the real ones refuse, in their words.

**Inside the gateway** it is the provider \`sim\`: on where no provider has a key and there is no configuration file, or
with \`sim: true\`. Ask for \`sim/echo\`, \`sim/story\`, or any behaviour below as \`sim/<name>\`. Replies carry
\`x-gatehouse-simulated: true\`.

**Alone:** \`gatehouse sim --port 8099\` serves \`/v1/chat/completions\`, \`/v1/messages\`, \`/v1/messages/count_tokens\` and
\`/v1/models\`. \`GET /control/log\` shows every request as it came, with what was answered and how it ended; \`POST
/control/reset\` forgets them. Point a provider at it to rehearse a bad day:

\`\`\`yaml
providers:
  drill: { like: openai, base_url: "http://127.0.0.1:8099/v1", keys: [any], allow_private: ["127.0.0.0/8"] }
routes:
  rehearsal: { fallback: [drill/cut-after-3, drill/gpt-4o] }
\`\`\`

A name that is in no table is a model that behaves: it calls the tools that the message names, describes pictures and
documents, keeps to a JSON schema, thinks when asked to, and counts its tokens.
`

export function simPage(): string {
  const groups = { reply: 'Behaviours', refuses: 'Refusals', breaks: 'Faults' } as const
  const sections = Object.entries(groups).map(([group, title]) => {
    const rows = MODELS.filter(model => model.group === group).map(model => `| \`${model.name}\` | ${model.does} |`)
    return `## ${title}\n\n| model | what it does |\n| --- | --- |\n${rows.join('\n')}\n`
  })
  return `${INTRODUCTION}\n${sections.join('\n')}`
}
