import { simAs } from './money/support.ts'

/** Four places where data may go, and everybody who says where it may not. */

export const ADMIN = 'gh_admin_of-the-residency-tests'
export const ALL = 'region=eu; zero-retention; no-training'
const DEMANDS = {
  region: '{ region: [eu, ch] }',
  zero_retention: '{ zero_retention: true }',
  no_training: '{ no_training: true }'
}
export const KINDS = Object.keys(DEMANDS) as (keyof typeof DEMANDS)[]

/** The simulated provider in four places; the last letters of its credential say which of them was asked. */
const provider = (name: string, data: string) =>
  simAs(name, { credential: `sk-of-${name}`, more: data && `, data: { ${data} }` })
export const PROVIDERS = [
  provider('home', 'region: [eu, de], retention_days: 0, trains: false'),
  provider('near', 'region: [eu], retention_days: 0, trains: false'),
  provider('away', 'region: [us], retention_days: 30, trains: true'),
  provider('mute', '')
].join('\n')

export const MIXED = '{ fallback: [away/assistant, mute/assistant, home/assistant] }'
const GUARDS = `
guards:
  judge: { check: test, asks: mixed-echo, on: [request] }
  vectors: { check: test, embeds: mixed-vectors, on: [request] }
  abroad: { check: test, asks: away/echo, on: [request] }
  masks: { check: test, action: mask, on: [request] }`
const KEYS = KINDS.flatMap(kind => [
  `  - { name: ${kind}, key: key-${kind}, require: ${DEMANDS[kind]} }`,
  `  - { name: child-${kind}, key: key-child-${kind}, parent: ${kind} }`,
  `  - { name: member-${kind}, key: key-member-${kind}, team: team-${kind} }`
])
export const YAML = `${GUARDS}
auth: keys
keys:
  - { name: free, key: key-free }
  - { name: judged, key: key-judged, guards: [judge, vectors] }
  - { name: judged-eu, key: key-judged-eu, guards: [judge, vectors], require: { region: [eu] } }
  - { name: abroad, key: key-abroad, guards: [abroad] }
  - { name: core, key: key-core, team: core }
${KEYS.join('\n')}
teams:
${KINDS.map(kind => `  - { id: team-${kind}, require: ${DEMANDS[kind]} }`).join('\n')}
routes:
  mixed: ${MIXED}
  mixed-echo: { fallback: [away/echo, mute/echo, home/echo] }
  mixed-vectors: { fallback: [away/assistant, mute/assistant, home/assistant] }
${KINDS.map(kind => `  of-${kind}: { to: mixed, require: ${DEMANDS[kind]} }`).join('\n')}
  over: { fallback: [of-region, away/assistant] }
  "eu-*": { to: { fallback: ["away/*", "home/*"] }, require: { region: [eu] } }
  failing: { to: { fallback: [home/503, away/assistant, mute/assistant] }, require: { region: [eu] } }
  passing: { to: { fallback: [home/503, away/assistant, near/assistant] }, require: { region: [eu] } }
  retried: { to: { retry: { fallback: [home/503, away/assistant] }, times: 1 }, require: { region: [eu] } }
  raced: { to: { hedge: home/slow-first-token-150, with: away/assistant, after: 10ms }, require: { region: [eu] } }
  cut: { to: { fallback: [home/cut-after-3, away/assistant, mute/assistant, near/assistant] }, stream_recovery: continue, require: { region: [eu] } }
  cut-alone: { to: { fallback: [home/cut-after-3, away/assistant] }, stream_recovery: continue, require: { region: [eu] } }
`
