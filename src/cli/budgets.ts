import { isObject, type JsonObject } from '../json.ts'
import { UsageError } from './api.ts'
import { bodyOf, type Flags, flagsOf, part, runSubcommand, type Subcommand, scopeOf } from './commands.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'budgets: list with what is spent, create, show, set, remove'

const FLAGS = flagsOf({ one: ['scope', 'limit', 'window', 'time-zone', 'mode', 'webhook'], several: ['threshold'] })
const USAGE =
  '--scope KIND:NAME --limit AMOUNT [--window WINDOW] [--time-zone ZONE] [--mode hard|soft] [--threshold 80%]… [--webhook URL]'

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '',
    summary: 'lists budgets',
    async run({ client, flags, list }) {
      const rows = await client.list('/budgets')
      const columns = ['id', 'scope', 'limit', 'window', 'mode', 'spent', 'held', 'remaining', 'resets_at', 'source']
      await list(flags.json ? rows : rows.map(spread), columns)
    }
  },
  create: {
    usage: USAGE,
    summary: 'makes a budget',
    options: FLAGS,
    async run({ client, flags, show }) {
      await show(await client.ask('POST', '/budgets', { body: budgetOf(flags) }))
    }
  },
  set: {
    usage: `ID ${USAGE}`,
    summary: 'makes a budget under an id of yours, or replaces it; what is spent stays spent',
    words: [1, 1],
    options: FLAGS,
    async run({ client, words, flags, show }) {
      await show(await client.ask('PUT', `/budgets/${part(words[0])}`, { body: budgetOf(flags) }))
    }
  },
  show: {
    usage: 'ID [--of NAME]',
    summary: 'one budget; of NAME, where "*" in its scope stands for many',
    words: [1, 1],
    options: flagsOf({ one: ['of'] }),
    async run({ client, words, flags, show }) {
      const query = bodyOf(flags, { of: 'of' }) as { of?: string }
      const row = await client.ask('GET', `/budgets/${part(words[0])}`, { query })
      await show(flags.json ? row : spread(row))
    }
  },
  remove: {
    usage: 'ID',
    summary: 'removes a budget',
    words: [1, 1],
    async run({ client, words }) {
      await client.ask('DELETE', `/budgets/${part(words[0])}`)
    }
  }
}

const NOTES = `
  --scope    org, team, user, key, customer, agent, tag, model or provider, and a name: team:platform, customer:*
  --limit    '$100', 1M-tokens or 500-requests
  --window   minute, hour, day, week, month, or "rolling 30d"   (month)
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('budgets', subcommands, argv, { notes: NOTES, io })
}

function budgetOf(flags: Flags): JsonObject {
  const members = {
    window: 'window',
    time_zone: 'time-zone',
    mode: 'mode',
    thresholds: 'threshold',
    webhook: 'webhook'
  }
  return { scope: scopeOf(flags.scope), limit: limitOf(flags.limit), window: 'month', ...bodyOf(flags, members) }
}

function limitOf(flag: Flags[string]): JsonObject {
  const match = typeof flag === 'string' ? /^(\$)?([\d.]+[kMB]?)(?:-(tokens|requests|usd))?$/i.exec(flag) : null
  const [, dollar, amount = '', unit = dollar ? 'usd' : undefined] = match ?? []
  if (unit === undefined || (dollar && unit !== 'usd')) {
    throw new UsageError(`--limit takes '$100' (in quotes), 1M-tokens or 500-requests`)
  }
  return { [unit.toLowerCase()]: amount }
}

/** What is used of it beside the rest, in one line. */
function spread({ now, ...row }: JsonObject): JsonObject {
  if (!isObject(now)) return row
  const money = (name: string) => (now[`${name}_usd`] === undefined ? (now[name] ?? null) : `$${now[`${name}_usd`]}`)
  return {
    ...row,
    spent: money('spent'),
    held: money('held'),
    remaining: money('remaining'),
    resets_at: now.resets_at ?? null
  }
}
