import type { JsonObject } from '../json.ts'
import { bodyOf, flagsOf, pairsOf, runAlone } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'what was used and what it cost, from the ledger'

const NOTES = `
  --by       a line for each, by commas: org, team, user, key, customer, agent, session, tag, model, provider,
             outcome, failure, minute, hour, day, week; of requests also app, dialect, operation, code, guard, label, route, cache
  --percentiles   with how long it took, and until the first content
  --where    rows of these alone: --where team=platform; may be repeated
  --of       attempts (calls to providers) or requests (calls of clients)   (attempts)
  --from     a day or a moment: 2027-01-31, 2027-01-31T12:00:00Z            (30 days ago)
  --to       until then, that moment not included                          (now)
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  const command = {
    usage: '[--by NAMES] [--where NAME=VALUE]… [--of attempts|requests] [--from DAY] [--to DAY] [--percentiles]',
    summary,
    options: {
      ...flagsOf({ one: ['by', 'of', 'from', 'to'], several: ['where'] }),
      percentiles: { type: 'boolean' as const }
    },
    async run({ client, flags, list, show }: Parameters<Parameters<typeof runAlone>[1]['run']>[0]) {
      const asked = bodyOf(flags, { group_by: 'by', of: 'of', from: 'from', to: 'to' })
      const times = flags.percentiles ? { percentiles: 'true' } : {}
      const query = { ...pairsOf(flags.where, 'where'), ...asked, ...times } as Record<string, string>
      const answer = await client.ask('GET', '/usage', { query })
      if (flags.json) return show(answer)
      const rows = (answer.data as JsonObject[]).map(({ group, ...line }) => ({ ...(group as JsonObject), ...line }))
      const groups = Object.keys((answer.data as JsonObject[])[0]?.group ?? {})
      const named = rows.map(({ count, ...line }) => ({ ...line, [String(answer.of)]: count })) as JsonObject[]
      const columns = [...groups, String(answer.of), 'input_tokens', 'output_tokens', 'cost_usd', 'unpriced']
      const kept = answer.of === 'requests' ? ['cached', 'saved_usd', 'prompt_saved_usd'] : []
      const timed = flags.percentiles ? ['first_token_ms', 'total_ms'] : []
      await list(named, [...columns, 'estimated', 'failed', 'waste_usd', ...kept, ...timed])
    }
  }
  return runAlone('usage', command, argv, { notes: NOTES, io })
}
