import { systemClock } from '../clock.ts'
import type { JsonObject } from '../json.ts'
import { isObject } from '../json.ts'
import { parseDuration } from '../units.ts'
import { type Query, UsageError } from './api.ts'
import { type Flags, flagsOf, runSubcommand, type Subcommand } from './commands.ts'
import { plain } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'calls of clients: query, tail, show, content, export, sessions, session, trace'

const FILTERS = flagsOf({ one: ['last', 'from', 'to', 'q'], several: ['where'] })
const FILTER_USAGE = '[--last 24h] [--from DAY] [--to DAY] [--where NAME=VALUE]… [--q WORDS]'
const COLUMNS = [
  'started_at',
  'id',
  'status',
  'key',
  'model_asked',
  'provider',
  'model',
  'input_tokens',
  'output_tokens',
  'cost_usd',
  'total_ms',
  'attempts'
]

const NOTES = `
  --where    by any field of a call, as team=platform, outcome=failed, app=codex, min_total_ms=5000,
             max_cost_usd=0.01, guard=pii, tag=nightly; given again for the same field: any of them
  --q        calls that brought all these words, where bodies are kept
  --last     so far back from now, as 90m, 24h or 7d
`

const subcommands: Record<string, Subcommand> = {
  query: {
    usage: `${FILTER_USAGE} [--limit N]`,
    summary: 'lists calls, the newest first',
    options: { ...FILTERS, ...flagsOf({ one: ['limit'] }) },
    async run({ client, flags, list, show }) {
      const query = { ...queryOf(flags), limit: (flags.limit as string | undefined) ?? '50' }
      const answer = await client.ask('GET', '/logs', { query })
      if (flags.json) return show(answer)
      await list((answer.data as JsonObject[]).map(flat), COLUMNS)
    }
  },
  tail: {
    usage: '[--where NAME=VALUE]…',
    summary: 'writes calls as they end, a line each, until it is stopped',
    options: flagsOf({ one: ['limit'], several: ['where'] }),
    async run({ client, flags, out }) {
      const query = { ...queryOf(flags), limit: flags.limit as string | undefined }
      for await (const row of eventsIn(client.download('/logs/tail', query))) {
        await out(flags.json ? `${plain(JSON.stringify(row))}\n` : lineOf(flat(row)))
      }
    }
  },
  show: {
    usage: 'ID',
    summary: 'shows a call, its attempts, the calls made for it and what people thought of it',
    words: [1, 1],
    async run({ client, words, show, list, flags }) {
      const found = await client.ask('GET', `/logs/${encodeURIComponent(words[0]!)}`)
      if (flags.json) return show(found)
      await show((found.request as JsonObject | null) ?? { id: words[0]!, state: 'under way' })
      await list(found.attempts as JsonObject[], [
        'number',
        'provider',
        'model',
        'outcome',
        'failure',
        'cost_usd',
        'first_token_ms'
      ])
    }
  },
  content: {
    usage: 'ID',
    summary: 'shows what was said in a call, where that was kept; the audit log says who looked',
    words: [1, 1],
    async run({ client, words, show }) {
      await show(await client.ask('GET', `/logs/${encodeURIComponent(words[0]!)}/content`))
    }
  },
  export: {
    usage: `[--format jsonl|csv] ${FILTER_USAGE} > calls.jsonl`,
    summary: 'writes all calls that a filter finds',
    options: { ...FILTERS, ...flagsOf({ one: ['format'] }) },
    async run({ client, flags, out }) {
      const query = { ...queryOf(flags), format: flags.format as string | undefined }
      for await (const bytes of client.download('/logs/export', query)) await out(bytes)
    }
  },
  sessions: {
    usage: '[--last 24h] [--from DAY] [--to DAY]',
    summary: 'lists sessions, the latest first',
    options: flagsOf({ one: ['last', 'from', 'to'] }),
    async run({ client, flags, list }) {
      const { data } = await client.ask('GET', '/sessions', { query: queryOf(flags) })
      await list(data as JsonObject[], [
        'session',
        'first_at',
        'last_at',
        'calls',
        'failed',
        'input_tokens',
        'output_tokens',
        'cost_usd',
        'app',
        'key'
      ])
    }
  },
  session: tree('session', 'the calls of a session, each below the one it was made for'),
  trace: tree('trace', 'the calls of a trace, by its id of 32 hexadecimal digits')
}

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('logs', subcommands, argv, { notes: NOTES, io })
}

function tree(kind: 'session' | 'trace', what: string): Subcommand {
  return {
    usage: 'ID',
    summary: `shows ${what}`,
    words: [1, 1],
    async run({ client, words, flags, list, show }) {
      const found = await client.ask('GET', `/${kind}s/${encodeURIComponent(words[0]!)}`)
      if (flags.json) return show(found)
      const rows = (found.calls as JsonObject[]).map(({ call, depth, cost_so_far_usd, context_tokens }) => {
        const row = flat(call as JsonObject)
        return { ...row, id: `${'  '.repeat(Number(depth))}${row.id}`, cost_so_far_usd, context_tokens } as JsonObject
      })
      await list(rows, [
        'started_at',
        'id',
        'model',
        'status',
        'total_ms',
        'context_tokens',
        'output_tokens',
        'cost_usd',
        'cost_so_far_usd'
      ])
    }
  }
}

function queryOf(flags: Flags): Query {
  const query: Record<string, string | string[] | undefined> = {}
  for (const pair of [flags.where ?? []].flat()) {
    const at = String(pair).indexOf('=')
    if (at < 1) throw new UsageError('--where takes NAME=VALUE')
    const name = String(pair).slice(0, at)
    const value = String(pair).slice(at + 1)
    query[name] = name in query ? [query[name] ?? [], value].flat() : value
  }
  for (const name of ['from', 'to', 'q'] as const) if (flags[name] !== undefined) query[name] = String(flags[name])
  if (flags.last !== undefined) query.from = since(String(flags.last))
  return query
}

function since(last: string): string {
  const read = parseDuration(last)
  if (!read.ok) throw new UsageError(`--last: ${read.why}`)
  return new Date(systemClock.wallMs() - read.value).toISOString()
}

/** What a table shows of a call. */
function flat(row: JsonObject): JsonObject {
  const payers = isObject(row.payers) ? row.payers : {}
  const usage = isObject(row.usage) ? row.usage : {}
  return { ...row, ...payers, ...usage, model: row.model, provider: row.provider } as JsonObject
}

function lineOf(row: JsonObject): string {
  const shown = ['started_at', 'status', 'key', 'model_asked', 'provider', 'model', 'cost_usd', 'total_ms', 'id']
  return `${shown.map(name => plain(String(row[name] ?? '-'))).join('  ')}\n`
}

/** The rows of a stream of server-sent events. */
async function* eventsIn(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<JsonObject> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of pieces) {
    text += decoder.decode(piece, { stream: true })
    const events = text.split('\n\n')
    text = events.pop()!
    for (const event of events) {
      const data = event.split('\n').find(line => line.startsWith('data: '))
      if (data) yield JSON.parse(data.slice('data: '.length)) as JsonObject
    }
  }
}
