import { bodyOf, flagsOf, part, runSubcommand, type Subcommand } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'admin tokens: list, create, show, update, remove'

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '',
    summary: 'lists admin tokens, beside that of the data directory',
    async run({ client, list }) {
      await list(await client.list('/admins'), ['id', 'name', 'role', 'org', 'hint', 'expires', 'disabled'])
    }
  },
  create: {
    usage: 'NAME --role ROLE [--org ID] [--expires DAY]',
    summary: 'makes an admin token and shows it, this once',
    words: [1, 1],
    options: flagsOf({ one: ['role', 'org', 'expires'] }),
    async run({ client, words, flags, showMade }) {
      const members = bodyOf(flags, { role: 'role', org: 'org', expires: 'expires' })
      await showMade(await client.ask('POST', '/admins', { body: { name: words[0]!, ...members } }), 'admin')
    }
  },
  show: {
    usage: 'ID',
    summary: 'one admin token, without its text',
    words: [1, 1],
    async run({ client, words, show }) {
      await show(await client.ask('GET', `/admins/${part(words[0])}`))
    }
  },
  update: {
    usage: 'ID [--name NAME] [--role ROLE] [--expires DAY] [--disable | --enable]',
    summary: 'changes the token of somebody else',
    words: [1, 1],
    options: {
      ...flagsOf({ one: ['name', 'role', 'expires'] }),
      disable: { type: 'boolean' },
      enable: { type: 'boolean' }
    },
    async run({ client, words, flags, show }) {
      const switched = flags.disable ? { disabled: true } : flags.enable ? { disabled: false } : {}
      const body = { ...bodyOf(flags, { name: 'name', role: 'role', expires: 'expires' }), ...switched }
      await show(await client.ask('PATCH', `/admins/${part(words[0])}`, { body }))
    }
  },
  remove: {
    usage: 'ID',
    summary: 'removes the token of somebody else',
    words: [1, 1],
    async run({ client, words }) {
      await client.ask('DELETE', `/admins/${part(words[0])}`)
    }
  }
}

const NOTES = '\n  --role     owner, admin, billing_viewer, auditor, developer or service\n'

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('admins', subcommands, argv, { notes: NOTES, io })
}
