import { bodyOf, flagsOf, type Given, pairsOf, part, requireOf, runSubcommand, type Subcommand } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'keys: list, create, show, update, disable, rotate, remove'

const SCOPES = ['model', 'provider', 'door', 'address', 'guard', 'tag', 'metadata']
const SCOPE_USAGE =
  '[--model PATTERN]… [--provider NAME]… [--door NAME]… [--address RANGE]… [--guard NAME]… [--require DEMANDS] [--tag TAG]… [--expires DAY]'
const MEMBERS = {
  org: 'org',
  team: 'team',
  user: 'user',
  models: 'model',
  providers: 'provider',
  doors: 'door',
  addresses: 'address',
  guards: 'guard',
  tags: 'tag',
  expires: 'expires'
}
const COLUMNS = ['id', 'name', 'org', 'team', 'user', 'models', 'expires', 'disabled', 'last_used_at', 'source']

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '[--org ID] [--team ID] [--user ID]',
    summary: 'lists keys',
    options: flagsOf({ one: ['org', 'team', 'user'] }),
    async run({ client, flags, list }) {
      await list(
        await client.list('/keys', bodyOf(flags, { org: 'org', team: 'team', user: 'user' }) as never),
        COLUMNS
      )
    }
  },
  create: {
    usage: `NAME [--org ID] [--team ID] [--user ID] [--parent KEY] ${SCOPE_USAGE} [--metadata NAME=VALUE]…`,
    summary: 'makes a key and shows its token, this once',
    words: [1, 1],
    options: flagsOf({ one: ['org', 'team', 'user', 'parent', 'require', 'expires'], several: SCOPES }),
    async run({ client, words, flags, showMade }) {
      const metadata = pairsOf(flags.metadata, 'metadata')
      const parent = typeof flags.parent === 'string' ? { parent: await idOf(flags.parent, client) } : {}
      const said = { ...bodyOf(flags, MEMBERS), ...requireOf(flags.require) }
      const body = { name: words[0]!, ...said, ...parent, ...(metadata && { metadata }) }
      await showMade(await client.ask('POST', '/keys', { body }), 'key')
    }
  },
  show: {
    usage: 'KEY',
    summary: 'one key, by id or name, with the ends of its tokens',
    words: [1, 1],
    async run({ client, words, show }) {
      await show(await client.ask('GET', await pathOf(words[0]!, client)))
    }
  },
  update: {
    usage: `KEY [--team ID] [--user ID] ${SCOPE_USAGE} [--metadata NAME=VALUE]… [--enable]`,
    summary: 'changes what is named; "none" takes it away',
    words: [1, 1],
    options: {
      ...flagsOf({ one: ['team', 'user', 'require', 'expires'], several: SCOPES }),
      enable: { type: 'boolean' }
    },
    async run({ client, words, flags, show }) {
      const { org: _, ...members } = MEMBERS
      const metadata = pairsOf(flags.metadata, 'metadata')
      const enabled = flags.enable === true && { disabled: false }
      const said = { ...bodyOf(flags, members), ...requireOf(flags.require) }
      const body = { ...said, ...(metadata && { metadata }), ...enabled }
      await show(await client.ask('PATCH', await pathOf(words[0]!, client), { body }))
    }
  },
  disable: {
    usage: 'KEY',
    summary: 'refuses the key, and all that were made from it, from now on',
    words: [1, 1],
    async run({ client, words, show }) {
      await show(await client.ask('POST', `${await pathOf(words[0]!, client)}/disable`))
    }
  },
  rotate: {
    usage: 'KEY [--overlap 24h]',
    summary: 'makes a new token; the one before is taken for a while longer',
    words: [1, 1],
    options: flagsOf({ one: ['overlap'] }),
    async run({ client, words, flags, showMade }) {
      const body = bodyOf(flags, { overlap: 'overlap' })
      await showMade(await client.ask('POST', `${await pathOf(words[0]!, client)}/rotate`, { body }), 'key')
    }
  },
  remove: {
    usage: 'KEY',
    summary: 'removes a key for good',
    words: [1, 1],
    async run({ client, words }) {
      await client.ask('DELETE', await pathOf(words[0]!, client))
    }
  }
}

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('keys', subcommands, argv, { io })
}

type Client = Given['client']

async function pathOf(word: string, client: Client): Promise<string> {
  return `/keys/${part(await idOf(word, client))}`
}

/** The id of a key that people may call by its name. */
async function idOf(word: string, client: Client): Promise<string> {
  const [named] = await client.list('/keys', { name: word })
  return typeof named?.id === 'string' ? named.id : word
}
