import { existsSync, readFileSync } from 'node:fs'
import { guardsIn } from '../build/guards.ts'
import { CONFIG_FILE_NAMES, loadConfig } from '../config/index.ts'
import type { JsonObject } from '../json.ts'
import { nearest } from '../nearest.ts'
import { UsageError } from './api.ts'
import { bodyOf, type Flags, flagsOf, type Given, runSubcommand, type Subcommand } from './commands.ts'
import { type Evaluation, evaluate, linesIn, shortfalls } from './guard-eval.ts'
import { jsonText, record, table } from './show.ts'
import type { Terminal } from './terminal.ts'

export const summary = 'guards: list, test a text, and eval: what they find in a file of texts'

const subcommands: Record<string, Subcommand> = {
  list: {
    usage: '',
    summary: 'lists the guards of a gateway that runs, with where they are attached',
    async run({ client, list }) {
      const { data } = await client.ask('GET', '/guards')
      await list(data as JsonObject[], ['name', 'check', 'on', 'action', 'always', 'routes', 'keys', 'teams'])
    }
  },
  test: {
    usage: 'TEXT [--guard NAME]… [--side request|response]',
    summary: 'asks a gateway that runs what its guards say of a text; - reads it from standard input',
    words: [1, 1],
    options: flagsOf({ one: ['side'], several: ['guard'] }),
    run: test
  },
  eval: {
    usage: 'FILE.jsonl [--config FILE] [--guard NAME]… [--min-recall 0.9] [--min-precision 0.9]',
    summary: 'measures the guards of a configuration file on texts whose verdicts are known; no gateway is needed',
    words: [1, 1],
    options: flagsOf({ one: ['config', 'min-recall', 'min-precision'], several: ['guard'] }),
    offline: true,
    run: measure
  }
}

const NOTES = `
  Each line of FILE is {"text": "…", "expect": "block"} (any guard is to find something), {"text": "…", "expect":
  "allow"}, or {"text": "…", "rules": ["pii.email"]} (these rules and no others). "side": "response" makes it an answer,
  "guard": "NAME" says which guard is to find it. Guards that ask somebody outside are left out.

  --config         configuration file      (gatehouse.yaml in the working directory, if there)
  --guard          this guard alone; may be repeated
  --min-recall     exit code 1 where less is found of what was to be found, from 0 to 1
  --min-precision  exit code 1 where more is found that was not to be found, from 0 to 1
`

export function run(argv: string[], io?: Terminal): Promise<void> {
  return runSubcommand('guards', subcommands, argv, { notes: NOTES, io })
}

async function test({ client, words: [word], flags, out }: Given): Promise<void> {
  const text = word === '-' ? readFileSync(0, 'utf8') : word!
  const body = { text, ...bodyOf(flags, { guards: 'guard', side: 'side' }) }
  const answer = await client.ask('POST', '/guards/test', { body })
  if (flags.json) return out(jsonText(answer))
  const { action, guards, text: after } = answer as { action: string; guards: JsonObject[]; text: string }
  const rows = guards.map(({ spans, ...row }) => ({ ...row, found: (spans as JsonObject[]).map(spanText) }))
  await out(`${table(rows, ['guard', 'check', 'verdict', 'ms', 'found'])}\n${record({ action, text: after })}`)
}

function spanText({ rule, start, end, score }: JsonObject): string {
  return `${rule} ${start === undefined ? '' : `${start}-${end} `}(${score})`
}

async function measure({ words: [file], flags, out }: Given): Promise<void> {
  const least = { recall: shareOf(flags, 'min-recall'), precision: shareOf(flags, 'min-precision') }
  const lines = linesIn(readFileSync(file!, 'utf8'), file!)
  const guards = guardsOf(flags)
  for (const { guard } of lines)
    if (guard !== undefined && !guards.some(({ name }) => name === guard)) unknown(guard, guards)
  const evaluation = await evaluate(lines, guards)
  await out(flags.json ? jsonText(evaluation as unknown as JsonObject) : described(evaluation))
  const short = shortfalls(evaluation, least)
  if (short.length > 0) throw new Error(short.join('; '))
}

function guardsOf({ config, guard }: Flags) {
  const path = typeof config === 'string' ? config : CONFIG_FILE_NAMES.find(name => existsSync(name))
  const loaded = loadConfig({ path, env: process.env, readFile: name => readFileSync(name, 'utf8') })
  const all = guardsIn(loaded.config).map(each => each.guard)
  if (all.length === 0) throw new Error(`${path ?? 'the configuration'} has no guards`)
  if (guard === undefined) return all
  return [guard].flat().map(name => all.find(each => each.name === name) ?? unknown(String(name), all))
}

function unknown(name: string, guards: readonly { name: string }[]): never {
  const names = guards.map(each => each.name)
  const [near = names.join(', ')] = nearest(name, names)
  throw new Error(`no guard "${name}"; there is ${near}`)
}

function shareOf(flags: Flags, name: string): number | undefined {
  const flag = flags[name]
  if (flag === undefined) return undefined
  const share = Number(flag)
  if (flag !== '' && share >= 0 && share <= 1) return share
  throw new UsageError(`--${name} takes a share from 0 to 1, as 0.95`)
}

function described({ lines, rows, skipped, failed }: Evaluation): string {
  const shown = rows.map(({ precision, recall, f2, p50Ms, p99Ms, ...row }) => ({
    ...row,
    precision: rounded(precision),
    recall: rounded(recall),
    f2: rounded(f2),
    p50_ms: rounded(p50Ms),
    p99_ms: rounded(p99Ms)
  }))
  const marks = ['right', 'wrong', 'missed', 'precision', 'recall', 'f2', 'p50_ms', 'p99_ms']
  const notes = [
    `${lines} ${lines === 1 ? 'line' : 'lines'}`,
    ...skipped.map(name => `skipped: ${name} asks outside; "gatehouse guards test" asks it at a gateway that runs`),
    ...Object.entries(failed).map(([name, count]) => `failed: the check of ${name}, on ${count} of them`)
  ]
  return `${table(shown, ['of', 'name', 'check', ...marks])}\n${notes.join('\n')}\n`
}

function rounded(value: number | null): string | null {
  return value === null ? null : value.toFixed(3)
}
