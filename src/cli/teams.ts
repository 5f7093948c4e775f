import { UsageError } from './api.ts'
import { bodyOf, type Flags, flagsOf, pairsOf, part, requireOf, runSubcommand, type Subcommand } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'teams, organisations, users, customers and agents (--kind): list, create, show, update, remove'

/** What teams, organisations and users hold their calls to. */
const HELD_USAGE = '[--guard NAME]… [--require DEMANDS]'
const COLUMNS = ['kind', 'id', 'name', 'org', 'disabled', 'as_seen', 'source']

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '[--kind KIND] [--org ID]',
    summary: 'lists them',
    options: flagsOf({ one: ['kind', 'org'] }),
    async run({ client, flags, list }) {
      const query = { kind: kindOf(flags), ...(bodyOf(flags, { org: 'org' }) as { org?: string }) }
      await list(await client.list('/tenants', query), COLUMNS)
    }
  },
  create: {
    usage: `ID [--kind KIND] [--name TEXT] [--org ID] ${HELD_USAGE} [--metadata NAME=VALUE]…`,
    summary: 'makes one',
    words: [1, 1],
    options: flagsOf({ one: ['kind', 'name', 'org', 'require'], several: ['guard', 'metadata'] }),
    async run({ client, words, flags, show }) {
      const metadata = pairsOf(flags.metadata, 'metadata')
      const members = { ...bodyOf(flags, { name: 'name', org: 'org', guards: 'guard' }), ...requireOf(flags.require) }
      const body = { kind: kindOf(flags), id: words[0]!, ...members, ...(metadata && { metadata }) }
      await show(await client.ask('POST', '/tenants', { body }))
    }
  },
  show: {
    usage: 'ID [--kind KIND]',
    summary: 'one of them',
    words: [1, 1],
    options: flagsOf({ one: ['kind'] }),
    async run({ client, words, flags, show }) {
      await show(await client.ask('GET', pathOf(words, flags)))
    }
  },
  update: {
    usage: `ID [--kind KIND] [--name TEXT] ${HELD_USAGE} [--metadata NAME=VALUE]… [--disable | --enable]`,
    summary: 'changes what is named ("none" takes it away); keys of a disabled one are refused',
    words: [1, 1],
    options: {
      ...flagsOf({ one: ['kind', 'name', 'require'], several: ['guard', 'metadata'] }),
      disable: { type: 'boolean' },
      enable: { type: 'boolean' }
    },
    async run({ client, words, flags, show }) {
      const metadata = pairsOf(flags.metadata, 'metadata')
      const switched = flags.disable ? { disabled: true } : flags.enable ? { disabled: false } : {}
      const said = { ...bodyOf(flags, { name: 'name', guards: 'guard' }), ...requireOf(flags.require) }
      const body = { ...said, ...(metadata && { metadata }), ...switched }
      await show(await client.ask('PATCH', pathOf(words, flags), { body }))
    }
  },
  remove: {
    usage: 'ID [--kind KIND]',
    summary: 'removes one that nothing belongs to',
    words: [1, 1],
    options: flagsOf({ one: ['kind'] }),
    async run({ client, words, flags }) {
      await client.ask('DELETE', pathOf(words, flags))
    }
  }
}

const NOTES = '\n  --kind     org, team, user, customer or agent   (team)\n'

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('teams', subcommands, argv, { notes: NOTES, io })
}

function pathOf(words: readonly string[], flags: Flags): string {
  return `/tenants/${kindOf(flags)}/${part(words[0])}`
}

function kindOf({ kind = 'team' }: Flags): string {
  if (['org', 'team', 'user', 'customer', 'agent'].includes(String(kind))) return String(kind)
  throw new UsageError('--kind takes org, team, user, customer or agent')
}
