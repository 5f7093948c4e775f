import { type ParseArgsConfig, parseArgs } from 'node:util'
import type { JsonObject } from '../json.ts'
import { readDemands } from '../residency.ts'
import { AdminClient, REACH_HELP, REACH_OPTIONS, type Reach, UsageError } from './api.ts'
import { jsonText, plain, record, table } from './show.ts'
import { type Terminal, terminal } from './terminal.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** The flags that were given, by name: a text, several, or true. */
export type Flags = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>

export interface Given {
  /** What stands beside the flags. */
  words: readonly string[]
  flags: Flags
  client: AdminClient
  /** Writes rows as a table, or as JSON where that was asked for. */
  list(rows: readonly JsonObject[], columns: readonly string[]): Promise<void>
  /** Writes one thing. */
  show(row: JsonObject): Promise<void>
  /** Writes what was made (the member of that name), and its token, which nobody sees again. */
  showMade(answer: JsonObject, name: 'key' | 'admin'): Promise<void>
  /** Writes it as it is. */
  out: Terminal['out']
}

/** `gatehouse keys create NAME …` */
export interface Subcommand {
  /** What stands after its name. */
  usage: string
  summary: string
  /** How many words it takes, at least and at most. */
  words?: readonly [least: number, most: number]
  options?: Options
  /** Needs no gateway that runs. */
  offline?: boolean
  run(given: Given): Promise<void>
}

/** Finds and runs a subcommand; what goes wrong is told in one line, with exit code 2 where it was mistyped and 1 else. */
export async function runSubcommand(
  name: string,
  subcommands: Readonly<Record<string, Subcommand>>,
  argv: readonly string[],
  { notes = '', io = terminal }: { notes?: string; io?: Terminal | undefined } = {}
): Promise<void> {
  try {
    const [first = '--help', ...rest] = argv
    if (first === '--help' || first === '-h') return await io.out(help(name, subcommands, notes))
    const subcommand = Object.hasOwn(subcommands, first) ? subcommands[first] : undefined
    if (!subcommand) {
      throw new UsageError(`no "${name} ${first}"; there are ${Object.keys(subcommands).join(', ')} (--help)`)
    }
    await runOne(`${name} ${first}`, subcommand, rest, { notes: '', io })
  } catch (thrown) {
    fail(name, thrown, io)
  }
}

/** As above, of a command that has no subcommands. */
export async function runAlone(
  name: string,
  command: Subcommand,
  argv: readonly string[],
  { notes = '', io = terminal }: { notes?: string; io?: Terminal | undefined } = {}
): Promise<void> {
  try {
    await runOne(name, command, argv, { notes, io })
  } catch (thrown) {
    fail(name, thrown, io)
  }
}

async function runOne(
  name: string,
  command: Subcommand,
  argv: readonly string[],
  { notes, io }: { notes: string; io: Terminal }
): Promise<void> {
  const options = { ...REACH_OPTIONS, ...command.options }
  const { values, positionals: words } = parseArgs({ args: [...argv], options, allowPositionals: true })
  const flags = values as Flags & Reach
  if (flags.help) return io.out(`gatehouse ${name} ${command.usage}\n\n${command.summary}\n${notes}\n${REACH_HELP}\n`)
  const [least, most] = command.words ?? [0, 0]
  if (words.length < least || words.length > most) throw new UsageError(`gatehouse ${name} ${command.usage}`)
  const isJson = flags.json === true
  await command.run({
    words,
    flags,
    client: command.offline ? (undefined as never) : new AdminClient(flags, io.env),
    list: (rows, columns) => io.out(isJson ? jsonText([...rows]) : table(rows, columns)),
    show: row => io.out(isJson ? jsonText(row) : record(row)),
    showMade: (answer, made) => io.out(isJson ? jsonText(answer) : madeText(answer, made)),
    out: io.out
  })
}

function madeText(answer: JsonObject, made: string): string {
  return `${record(answer[made] as JsonObject)}
${plain(String(answer.token))}

This is its token. It is shown this once and kept nowhere.
`
}

function help(name: string, subcommands: Readonly<Record<string, Subcommand>>, notes: string): string {
  const lines = Object.entries(subcommands).map(
    ([each, { usage, summary }]) => `  gatehouse ${name} ${each} ${usage}\n      ${summary}`
  )
  return `${lines.join('\n')}\n${notes}\n${REACH_HELP}\n`
}

function fail(name: string, thrown: unknown, io: Terminal): void {
  if (!(thrown instanceof Error)) throw thrown
  const isOfFlags = 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS')
  const isMistyped = thrown instanceof UsageError || isOfFlags
  // A fault of ours shows where it is.
  if (thrown instanceof TypeError && !isMistyped) throw thrown
  io.err(`gatehouse ${name}: ${plain(thrown.message)}\n`)
  io.endWith(isMistyped ? 2 : 1)
}

const text = { type: 'string' } as const
const many = { type: 'string', multiple: true } as const

/** Flags that hold one text, and flags that may be repeated. */
export function flagsOf({ one = [], several = [] }: { one?: readonly string[]; several?: readonly string[] }): Options {
  return Object.fromEntries([...one.map(name => [name, text]), ...several.map(name => [name, many])])
}

/** The members of a body that flags were given for: `{ expires: 'expires', models: 'model' }`; `none` is null. */
export function bodyOf(flags: Flags, members: Readonly<Record<string, string>>): JsonObject {
  const body: JsonObject = {}
  for (const [member, flag] of Object.entries(members)) {
    const value = flags[flag]
    if (value === undefined) continue
    const isNone = value === 'none' || (Array.isArray(value) && value.length === 1 && value[0] === 'none')
    body[member] = isNone ? null : (value as string | string[])
  }
  return body
}

/** `team:platform` as `{ team: platform }`. */
export function scopeOf(flag: Flags[string]): JsonObject {
  const match = typeof flag === 'string' ? /^([a-z]+):(.+)$/.exec(flag) : null
  if (!match) throw new UsageError('--scope takes KIND:NAME, as team:platform or customer:*')
  return { [match[1]!]: match[2]! }
}

/** `a=1` and `b=x` as `{ a: '1', b: 'x' }`; undefined where there are none. */
export function pairsOf(flag: Flags[string], name: string): JsonObject | undefined {
  if (flag === undefined) return undefined
  const pairs = [flag].flat().map(each => {
    const at = String(each).indexOf('=')
    if (at < 1) throw new UsageError(`--${name} takes NAME=VALUE`)
    return [String(each).slice(0, at), String(each).slice(at + 1)]
  })
  return Object.fromEntries(pairs)
}

/** `--require "region=eu|ch; zero-retention"`, as the header of a call has it; `none` is null. Nothing where it is not given. */
export function requireOf(flag: Flags[string]): { require?: JsonObject | null } {
  if (flag === undefined) return {}
  if (flag === 'none') return { require: null }
  const demands = readDemands(String(flag)) ?? []
  const isOne = demands.filter(({ region }) => region).length <= 1
  if (demands.length === 0 || !isOne) {
    throw new UsageError('--require takes "region=eu|ch; zero-retention; no-training", or some of them')
  }
  return { require: Object.assign({}, ...demands) as JsonObject }
}

/** A word as a part of a path. */
export function part(word: string | undefined): string {
  return encodeURIComponent(word ?? '')
}
