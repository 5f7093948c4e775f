import type { Source } from '../facts.ts'

/** Rows that a person held against the provider's own documentation or recorded traffic; they win over imported ones. */
export interface Checked {
  source: Source
  rows: string
}

/** Columns: see `../facts.ts`. */
export const CHECKED: Readonly<Record<string, Checked>> = {
  // Prefill ends with 4.6 and sampling parameters with 4.7 (both answer 400). Sonnet 4.6 writes up to 128K.
  anthropic: {
    source: { document: 'https://platform.claude.com/docs/en/about-claude/models/overview', date: '2026-11-22' },
    rows: `
claude-fable-5-1 1000000 128000 yyyy??? - -
claude-opus-5-5 1000000 128000 yyyy??? - -
claude-opus-5 1000000 128000 yyyy??? 2026-07-24 -
claude-opus-4-8 1000000 128000 yyyyyn? 2026-05-28 -
claude-opus-4-7 1000000 128000 yyyyynn 2026-04-16 -
claude-opus-4-6 1000000 128000 yyyyyyn 2026-02-05 -
claude-sonnet-5 1000000 128000 yyyyyn? 2026-06-30 -
claude-sonnet-4-6 1000000 128000 yyyyyyn 2026-02-17 -
claude-opus-4-5 200000 64000 yyyyyyy 2025-11-24 -
claude-sonnet-4-5 200000 64000 yyyyyyy 2025-09-29 -
claude-haiku-4-5 200000 64000 yyyyyyy 2025-10-15 -
claude-opus-4-1 200000 32000 yyyy?yy 2025-08-05 -
claude-opus-4-0 200000 32000 yyyy?yy 2025-05-22 -
claude-sonnet-4-0 200000 64000 yyyy?yy 2025-05-22 -
`
  },
  // From 5.1 on `temperature` is taken only while reasoning is off, which the model name alone does not tell.
  openai: {
    source: { document: 'https://developers.openai.com/api/docs/models', date: '2026-11-22' },
    rows: `
gpt-5.5 1050000 128000 yyyyy?? 2026-04-23 -
gpt-5.4 1050000 128000 yyyyy?? 2026-03-05 -
gpt-5.4-mini 400000 128000 yy?yy?? 2026-03-17 -
gpt-5.4-nano 400000 128000 yy?yy?? 2026-03-17 -
gpt-5.2 400000 128000 yy?yy?? 2025-12-11 -
gpt-5.1 400000 128000 yy?yy?? 2025-11-13 -
gpt-5 400000 128000 yy?yyn? 2025-08-07 -
`
  },
  // The price data spells these in capitals; the API takes small letters.
  zai: {
    source: { document: 'https://docs.z.ai/guides/overview/pricing', date: '2026-11-22' },
    rows: `
glm-5.3 1000000 - ??????? - -
glm-5.3-flash 1000000 - ??????? - -
glm-5.2 1000000 - ??????? - -
`
  }
}
