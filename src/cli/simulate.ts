import { readFileSync } from 'node:fs'
import type { JsonObject } from '../json.ts'
import { UsageError } from './api.ts'
import { bodyOf, flagsOf, runAlone, type Subcommand } from './commands.ts'
import { record, table } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'says what a proposed configuration would have made of past calls; makes no call'

const NOTES = `
  --config   the proposed configuration; - for standard input
  --last     how far back, as 24h or 30m                    (24h)
  --from     a day or a moment: 2027-01-31, 2027-01-31T12:00:00Z
  --to       until then, that moment not included           (now)
  --limit    calls at most, the newest                      (10000)
  --assume   as_logged: targets fail as often as they did; no_failures
                                                            (as_logged)

Its variables (\${NAME}) are those of the gateway; what secrets they hold is not looked at, and \${file:…} is not read.
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  const command: Subcommand = {
    usage: '--config FILE [--last TIME | --from DAY --to DAY] [--limit N] [--assume as_logged|no_failures]',
    summary,
    options: flagsOf({ one: ['config', 'last', 'from', 'to', 'limit', 'assume'] }),
    async run({ client, flags, show, out }) {
      if (typeof flags.config !== 'string') throw new UsageError('name the proposed configuration: --config FILE')
      const limit = flags.limit === undefined ? {} : { limit: Number(flags.limit) }
      const asked = bodyOf(flags, { last: 'last', from: 'from', to: 'to', assume: 'assume' })
      const config = readFileSync(flags.config === '-' ? 0 : flags.config, 'utf8')
      const answer = await client.ask('POST', '/simulate', { body: { config, ...asked, ...limit } })
      if (flags.json) return show(answer)
      await out(described(answer))
    }
  }
  return runAlone('simulate', command, argv, { notes: NOTES, io })
}

/** For people: what changes, then where calls go, then how far it can be believed. */
function described(answer: JsonObject): string {
  const { calls, moved, failing, drawn, truncated } = answer
  const cost = answer.cost as JsonObject
  const latency = answer.latency as JsonObject
  const unknown = answer.unknown as JsonObject
  const refused = answer.refused as JsonObject[]
  const summed = record({
    calls: `${calls}${truncated ? ', the newest (--limit)' : ''}, from ${answer.from} to ${answer.to}`,
    moved,
    refused: refused.reduce((sum, row) => sum + Number(row.calls), 0),
    failing,
    cost: `$${cost.before_usd} before, $${cost.after_usd} after${unpriced(cost)}`,
    latency: `${timesText(latency.before_ms)} before, ${timesText(latency.after_ms)} after`,
    'decided by chance': drawn,
    'hangs on what the log does not have': counted(Number(unknown.calls), unknown.facts),
    'left alone': counted(undefined, answer.left_alone)
  } as JsonObject)
  const targets = (answer.targets as JsonObject[]).map(row => ({
    ...row,
    share_before: percent(row.share_before),
    share_after: percent(row.share_after)
  }))
  const columns = ['target', 'calls_before', 'calls_after', 'share_before', 'share_after']
  const moves = (answer.moves as JsonObject[]).filter(({ from, to }) => from !== to)
  return [
    summed,
    table(targets, [...columns, 'cost_before_usd', 'cost_after_usd']),
    ...(moves.length > 0 ? [table(moves, ['from', 'to', 'calls'])] : []),
    ...(refused.length > 0 ? [table(refused, ['code', 'calls', 'was_answered', 'example'])] : [])
  ].join('\n')
}

function unpriced({ unknown_before: before, unknown_after: after }: JsonObject): string {
  return before === 0 && after === 0 ? '' : ` (without a price: ${before} calls before, ${after} after)`
}

function timesText(times: unknown): string {
  const known = times as { mean: number; p50: number; p95: number } | null
  if (known === null) return 'unknown'
  return `${Math.round(known.mean)} ms (p50 ${Math.round(known.p50)}, p95 ${Math.round(known.p95)})`
}

function percent(share: unknown): string {
  return `${(Number(share) * 100).toFixed(2)} %`
}

function counted(total: number | undefined, by: unknown): string {
  const parts = Object.entries(by as Record<string, number>).map(([name, count]) => `${name}: ${count}`)
  const words = parts.join(', ')
  if (total === undefined) return words || '0'
  return words === '' ? String(total) : `${total} (${words})`
}
