import type { JsonObject } from '../json.ts'
import { UsageError } from './api.ts'
import { bodyOf, type Flags, flagsOf, pairsOf, part, runSubcommand, type Subcommand } from './commands.ts'
import { plain } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'prices: show what a model costs; list, create, set, remove changes of the table'

const FLAGS = flagsOf({ one: ['discount', 'markup', 'from'], several: ['usd'] })
const USAGE = 'PROVIDER/MODEL ([--usd LINE=PRICE]… | --discount 20% | --markup 5%) [--from DAY]'

const subcommands: Record<string, Subcommand> = {
  show: {
    usage: 'PROVIDER/MODEL',
    summary: 'what it costs now, in US dollars for a million of each unit',
    words: [1, 1],
    async run({ client, words, flags, list, show, out }) {
      const price = await client.ask('GET', '/effective-price', { query: modelOf(words[0]!) })
      if (flags.json) return show(price)
      const lines = Object.entries((price.lines ?? {}) as Record<string, JsonObject>)
      if (lines.length === 0) throw new Error(`no price is known for ${words[0]}`)
      const rows = lines.map(([unit, line]) => ({
        unit,
        usd_per_million: line.usd_per_million,
        tiers: line.tiers ?? null
      }))
      await list(rows as JsonObject[], ['unit', 'usd_per_million', 'tiers'])
      await out(`\nversion ${plain(String(price.version))}\n`)
    }
  },
  list: {
    usage: '',
    summary: 'lists changes of the price table',
    async run({ client, list }) {
      await list(await client.list('/prices'), [
        'id',
        'provider',
        'model',
        'usd',
        'discount',
        'markup',
        'from',
        'source'
      ])
    }
  },
  create: {
    usage: USAGE,
    summary: 'changes the price of a model; "*" in its name stands for any text',
    words: [1, 1],
    options: FLAGS,
    async run({ client, words, flags, show }) {
      await show(await client.ask('POST', '/prices', { body: priceOf(words[0]!, flags) }))
    }
  },
  set: {
    usage: `ID ${USAGE}`,
    summary: 'the same under an id of yours, or replaces the change',
    words: [2, 2],
    options: FLAGS,
    async run({ client, words, flags, show }) {
      await show(await client.ask('PUT', `/prices/${part(words[0])}`, { body: priceOf(words[1]!, flags) }))
    }
  },
  remove: {
    usage: 'ID',
    summary: 'takes a change back; rows keep the cost they have',
    words: [1, 1],
    async run({ client, words }) {
      await client.ask('DELETE', `/prices/${part(words[0])}`)
    }
  }
}

const NOTES = '\n  --usd      input_mtok=3, output_mtok=15 (a million tokens), requests_kcount=5 (a thousand), …\n'

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('prices', subcommands, argv, { notes: NOTES, io })
}

function modelOf(word: string): { provider: string; model: string } {
  const at = word.indexOf('/')
  if (at < 1 || at === word.length - 1) throw new UsageError(`a model is written PROVIDER/MODEL, not "${word}"`)
  return { provider: word.slice(0, at), model: word.slice(at + 1) }
}

function priceOf(word: string, flags: Flags): JsonObject {
  const usd = Object.entries(pairsOf(flags.usd, 'usd') ?? {}).map(([line, price]) => {
    const amount = Number(price)
    if (price === '' || !Number.isFinite(amount)) throw new UsageError(`--usd takes LINE=PRICE, as ${line}=3.5`)
    return [line, amount] as const
  })
  const members = bodyOf(flags, { discount: 'discount', markup: 'markup', from: 'from' })
  return { ...modelOf(word), ...(usd.length > 0 && { usd: Object.fromEntries(usd) }), ...members }
}
