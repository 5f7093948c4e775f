import { readFileSync } from 'node:fs'
import type { JsonObject } from '../json.ts'
import { UsageError } from './api.ts'
import { describedCache, evaluateCache, pairsIn } from './cache-eval.ts'
import { bodyOf, flagsOf, type Given, runSubcommand, type Subcommand } from './commands.ts'
import { jsonText } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'the cache: stats, purge, and eval: which threshold questions should be compared by'

const FILTERS = {
  tag: 'tag',
  route: 'route',
  namespace: 'namespace',
  org: 'org',
  team: 'team',
  user: 'user',
  customer: 'customer',
  key: 'answer',
  key_name: 'key-name'
} as const

const subcommands: Record<string, Subcommand> = {
  stats: {
    usage: '',
    summary: 'what the cache of a gateway that runs has, and what it saved since it began',
    async run({ client, show, flags, out }) {
      const answer = await client.ask('GET', '/cache')
      if (flags.json) return out(jsonText(answer))
      const { memory, store, since_start } = answer as {
        memory: JsonObject
        store: JsonObject
        since_start: JsonObject
      }
      const named = (name: string, size: JsonObject) =>
        Object.fromEntries(Object.entries(size).map(([member, value]) => [`${name}_${member}`, value]))
      await show({ ...named('memory', memory), ...named('store', store), ...since_start })
    }
  },
  purge: {
    usage:
      '[--tag T] [--route R] [--namespace N] [--answer KEY] [--org O] [--team T] [--user U] [--customer C] [--key-name K] | --all',
    summary: 'takes the answers out that fit all that is said; every replica does within a second',
    options: { ...flagsOf({ one: Object.values(FILTERS) }), all: { type: 'boolean' } },
    async run({ client, flags, show }) {
      const asked = bodyOf(flags, FILTERS)
      const isNamed = Object.keys(asked).length > 0
      if (isNamed === (flags.all === true)) throw new UsageError('say which answers, or --all, and not both (--help)')
      await show(await client.ask('POST', '/cache/purge', { body: flags.all ? { all: true } : asked }))
    }
  },
  eval: {
    usage: 'PAIRS.jsonl --model MODEL [--false-hits 0.01] [--url URL] [--key KEY]',
    summary: 'measures hits and false hits on pairs of questions, and proposes a threshold',
    words: [1, 1],
    options: flagsOf({ one: ['model', 'false-hits', 'key'] }),
    offline: true,
    run: measure
  }
}

const NOTES = `
  Each line of PAIRS is {"a": "…", "b": "…", "same": true}: two questions, and whether one answer is right for both.

  --model        a model or route of the gateway for embeddings, the one of \`cache.semantic\`
  --false-hits   the most of the pairs with two answers that may be taken for one, from 0 to 1   (0.01)
  --key          a key of the gateway, where it asks for one                                     (GATEHOUSE_KEY)
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('cache', subcommands, argv, { notes: NOTES, io })
}

async function measure({ words: [file], flags, out }: Given): Promise<void> {
  const { model, key = process.env.GATEHOUSE_KEY, url = process.env.GATEHOUSE_URL ?? 'http://127.0.0.1:8080' } = flags
  if (typeof model !== 'string') throw new UsageError('say which --model makes the vectors')
  const allowed = Number(flags['false-hits'] ?? 0.01)
  if (!(allowed > 0 && allowed < 1)) throw new UsageError('--false-hits is a share between 0 and 1: 0.01')
  const pairs = pairsIn(readFileSync(file!, 'utf8'), file!)
  const embedder = { url: String(url).replace(/\/+$/, ''), key: key === undefined ? undefined : String(key), model }
  const evaluation = await evaluateCache(pairs, allowed, embedder)
  await out(flags.json ? jsonText(evaluation as unknown as JsonObject) : describedCache(evaluation, allowed))
}
