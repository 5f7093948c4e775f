import type { JsonObject } from '../json.ts'
import { bodyOf, flagsOf, pairsOf, runAlone } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'what was used and what it cost, from the ledger'

const NOTES = `
  --by       a line for each, by commas: org, team, user, key, customer, agent, session, tag, model, provider,
             outcome, day, hour
  --where    rows of these alone: --where team=platform; may be repeated
  --of       attempts (calls to providers) or requests (calls of clients)   (attempts)
  --from     a day or a moment: 2027-01-31, 2027-01-31T12:00:00Z            (30 days ago)
  --to       until then, that moment not included                          (now)
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  const command = {
    usage: '[--by NAMES] [--where NAME=VALUE]… [--of attempts|requests] [--from DAY] [--to DAY]',
    summary,
    options: flagsOf({ one: ['by', 'of', 'from', 'to'], several: ['where'] }),
    async run({ client, flags, list, show }: Parameters<Parameters<typeof runAlone>[1]['run']>[0]) {
      const asked = bodyOf(flags, { group_by: 'by', of: 'of', from: 'from', to: 'to' })
      const query = { ...pairsOf(flags.where, 'where'), ...asked } as Record<string, string>
      const answer = await client.ask('GET', '/usage', { query })
      if (flags.json) return show(answer)
      const rows = (answer.data as JsonObject[]).map(({ group, ...line }) => ({ ...(group as JsonObject), ...line }))
      const groups = Object.keys((answer.data as JsonObject[])[0]?.group ?? {})
      const named = rows.map(({ count, ...line }) => ({ ...line, [String(answer.of)]: count })) as JsonObject[]
      const columns = [...groups, String(answer.of), 'input_tokens', 'output_tokens', 'cost_usd', 'unpriced']
      await list(named, [...columns, 'estimated', 'failed'])
    }
  }
  return runAlone('usage', command, argv, { notes: NOTES, io })
}
