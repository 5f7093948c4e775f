import { UsageError } from './api.ts'
import { flagsOf, runAlone } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'erases a user, a customer or a key from the records'

const KINDS = ['user', 'customer', 'key'] as const
const NOTES = `
  --user, --customer or --key   whom; rows lose the name, and what was said goes. What calls cost stays.
  --dry-run                     only tells what there is
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  const command = {
    usage: '--user NAME | --customer NAME | --key NAME [--dry-run]',
    summary,
    options: { ...flagsOf({ one: KINDS }), 'dry-run': { type: 'boolean' as const } },
    async run({ client, flags, show }: Parameters<Parameters<typeof runAlone>[1]['run']>[0]) {
      const given = KINDS.filter(kind => flags[kind] !== undefined)
      if (given.length !== 1) throw new UsageError('say exactly one of --user, --customer and --key')
      const subject = { [given[0]!]: String(flags[given[0]!]) }
      await show(await client.ask('POST', '/erase', { body: { subject, dry_run: flags['dry-run'] === true } }))
    }
  }
  return runAlone('erase', command, argv, { notes: NOTES, io })
}
