import { CODES } from '../src/errors.ts'

/** `docs/reference/errors.md`, written from the one table of codes: `npm run docs`. A test holds it fresh. */
export const PAGE_PATH = new URL('../docs/reference/errors.md', import.meta.url)

const INTRODUCTION = `# Errors

<!-- Written by scripts/errors-page.ts from src/errors/codes.ts. Change the table there, then run \`npm run docs\`. -->

Every failure of the gateway has one of these codes. It comes in the error shape of the client's own dialect, so that
the official SDKs raise their usual exceptions: OpenAI's \`error.code\`, Anthropic's \`error.code\` beside \`error.type\`.
\`x-gatehouse-request-id\` is on every answer, and in the log under \`id\`.

**Providers' own words.** Where a provider refuses *the client's request* (400, 413, 422) and speaks the client's
dialect, its answer passes byte for byte, with its own codes. Where it refuses *the gateway* (its key, its account),
the client gets \`provider_refused_us\` and never a 401: its own key is not at fault.

**In a stream** that has begun, the same error comes as the dialect's error event. Nothing follows it: no \`[DONE]\`, no
\`message_stop\`. A stream that ends without either is the network's doing.
`

export function errorsPage(): string {
  const rows = Object.entries(CODES).map(([code, { status }]) => `| [\`${code}\`](#${code}) | ${status} |`)
  const sections = Object.entries(CODES).map(
    ([code, { status, kind, when, fix }]) =>
      `## ${code}\n\nStatus ${status}, kind \`${kind}\`. ${when}\n\n*What helps:* ${fix}\n`
  )
  return `${INTRODUCTION}\n| code | status |\n| --- | --- |\n${rows.join('\n')}\n\n${sections.join('\n')}`
}
