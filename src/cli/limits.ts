import type { JsonObject } from '../json.ts'
import { bodyOf, type Flags, flagsOf, part, runSubcommand, type Subcommand, scopeOf } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'rate limits: list, create, show, set, remove'

const FLAGS = flagsOf({ one: ['scope', 'requests', 'tokens', 'calls', 'burst'] })
const USAGE = '--scope KIND:NAME (--requests 60/minute | --tokens 100k/minute | --calls 10) [--burst N]'

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '',
    summary: 'lists rate limits',
    async run({ client, list }) {
      await list(await client.list('/limits'), ['id', 'scope', 'requests', 'tokens', 'calls', 'burst', 'source'])
    }
  },
  create: {
    usage: USAGE,
    summary: 'makes a rate limit',
    options: FLAGS,
    async run({ client, flags, show }) {
      await show(await client.ask('POST', '/limits', { body: limitOf(flags) }))
    }
  },
  set: {
    usage: `ID ${USAGE}`,
    summary: 'makes a rate limit under an id of yours, or replaces it',
    words: [1, 1],
    options: FLAGS,
    async run({ client, words, flags, show }) {
      await show(await client.ask('PUT', `/limits/${part(words[0])}`, { body: limitOf(flags) }))
    }
  },
  show: {
    usage: 'ID',
    summary: 'one rate limit',
    words: [1, 1],
    async run({ client, words, show }) {
      await show(await client.ask('GET', `/limits/${part(words[0])}`))
    }
  },
  remove: {
    usage: 'ID',
    summary: 'removes a rate limit',
    words: [1, 1],
    async run({ client, words }) {
      await client.ask('DELETE', `/limits/${part(words[0])}`)
    }
  }
}

const NOTES = `
  --scope    org, team, user, key, customer, agent, tag, model or provider, and a name: team:platform, customer:*
  --calls    calls in flight at once
  --burst    how many may come at once; the amount itself without it
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('limits', subcommands, argv, { notes: NOTES, io })
}

function limitOf(flags: Flags): JsonObject {
  const members = { requests: 'requests', tokens: 'tokens', calls: 'calls', burst: 'burst' }
  return { scope: scopeOf(flags.scope), ...bodyOf(flags, members) }
}
