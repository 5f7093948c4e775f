import { dirname, resolve } from 'node:path'
import { isObject } from '../json.ts'
import { checkCache } from './check-cache.ts'
import { checkGuards } from './check-guards.ts'
import { checkResidency } from './check-residency.ts'
import { checkDoor, checkNames, checkProviders } from './checks.ts'
import { complete, type Env, type Overrides } from './complete.ts'
import { digestOf } from './digest.ts'
import { readDocument } from './document.ts'
import { faultsOf, sayIssue, valueAt } from './issues.ts'
import { ConfigProblems, type Path, type Problem } from './problems.ts'
import { Report } from './report.ts'
import { type Config, configSchema, type ParsedConfig } from './schema.ts'
import { coerce } from './shape.ts'
import { errorCode, type Substituted, substituter } from './substitute.ts'

export { isLoopback } from './checks.ts'
export type { Overrides } from './complete.ts'
export { ConfigProblems, formatProblem, type Problem } from './problems.ts'
export type { Config, Drain, Limits, Listen, StoreSettings } from './schema.ts'
export { type ConfigWatch, watchConfig } from './watch.ts'

export interface LoadOptions {
  /** The file; undefined for none, where everything is at its default. */
  path: string | undefined
  /** What the file holds, where it has been read already. */
  text?: string
  env: Env
  readFile: (path: string) => string
  overrides?: Overrides
}

/** Where the values of a configuration came from. */
export interface Sources {
  file: string | undefined
  /** Every file that a `${file:…}` named: they are watched with the configuration itself. */
  files: readonly string[]
  /** By path (`providers.lab.keys[0]`): the `${…}` that the value came from. */
  values: ReadonlyMap<string, string>
}

export interface LoadedConfig {
  config: Config
  /** SHA-256 over everything but the secrets: the version of the configuration, on every log row. */
  digest: string
  sources: Sources
  /** Worth a line at start; none is a reason not to start. */
  warnings: readonly Problem[]
}

/** The names a configuration file is looked for under, in the working directory, where none is given. */
export const CONFIG_FILE_NAMES = ['gatehouse.yaml', 'gatehouse.yml', 'gatehouse.json'] as const

/**
 * Reads the one configuration file (or none), replaces `${…}`, checks all of it and completes it with defaults.
 * Throws `ConfigProblems` with everything that is wrong. Pure but for `readFile`.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { path: file, env, readFile } = options
  const directory = file === undefined ? '.' : dirname(resolve(file))
  const { substitute, done } = substituter({ file, env, readFile, directory })
  const document = readDocument(options.text ?? readText(file, readFile), substitute)
  const report = new Report(file, document, done)
  if (document.broken) throw new ConfigProblems(report.problems)

  const raw = prepare(document.value ?? {}, done)
  const { parsed, dropped } = parse(raw, report)
  const config = complete(parsed, options)
  const resolved = checkProviders(config, report, env)
  checkNames(config, raw, resolved, report)
  checkResidency(config, resolved.found, report)
  checkGuards(config, raw, report)
  checkCache(config, raw, report)
  if (!dropped.some(([section]) => DOOR_SECTIONS.has(String(section)))) checkDoor(config, parsed.auth, report)
  if (report.problems.length > 0) throw new ConfigProblems(report.problems)
  freeze(config)
  const sources = { file, files: [...done.files], values: done.values }
  return { config, digest: digestOf(config), sources, warnings: report.warnings }
}

function readText(file: string | undefined, readFile: (path: string) => string): string {
  if (file === undefined) return ''
  try {
    return readFile(file).replace(/^\uFEFF/, '')
  } catch (thrown) {
    const message = `cannot be read${errorCode(thrown)}`
    throw new ConfigProblems([{ file, line: undefined, column: undefined, path: '', message }])
  }
}

/** Replaced texts as what the schema wants there; an empty section (`routes:` and nothing below) as an absent one. */
function prepare(value: unknown, done: Substituted): unknown {
  if (!isObject(value)) return value
  for (const name of Object.keys(value)) if (value[name] === null) delete value[name]
  for (const path of done.replaced) {
    const parent = valueAt(value, path.slice(0, -1)) as Record<PropertyKey, unknown> | undefined
    const name = path.at(-1)
    if (parent === undefined || name === undefined) continue
    parent[name] = coerce(configSchema, path, String(parent[name]))
  }
  return value
}

/** The sections that decide who may call: one that is wrong says enough by itself. */
const DOOR_SECTIONS: ReadonlySet<string> = new Set(['listen', 'auth', 'keys'])

interface Parsed {
  parsed: ParsedConfig
  /** What was left out of `parsed` because it is wrong. */
  dropped: Path[]
}

/**
 * Checks the values against the schema. What is wrong is reported and left out (an entry of a named section, else the
 * section), so that the checks that come after see the rest: a person wants every problem in one go.
 */
function parse(raw: unknown, report: Report): Parsed {
  const dropped: Path[] = []
  let value = raw
  for (;;) {
    const result = configSchema.safeParse(value, { error: sayIssue })
    if (result.success) return { parsed: result.data, dropped }
    const faults = faultsOf(configSchema, value, result.error.issues)
    for (const fault of faults) report.add(fault)
    const paths = faults.map(fault => fault.path.slice(0, isNamedSection(fault.path) ? 2 : 1))
    dropped.push(...paths)
    value = isObject(value) && paths.every(path => path.length > 0) ? without(value, paths) : {}
  }
}

function isNamedSection([section, name]: Path): boolean {
  return (section === 'routes' || section === 'providers' || section === 'guards') && typeof name === 'string'
}

function without(value: Record<string, unknown>, paths: readonly Path[]): Record<string, unknown> {
  const kept = { ...value }
  for (const [section, name] of paths) {
    if (name === undefined) delete kept[String(section)]
    else {
      const entries = { ...(kept[String(section)] as Record<string, unknown>) }
      delete entries[String(name)]
      kept[String(section)] = entries
    }
  }
  return kept
}

/** Deeply, but for secrets (nothing to change in them). */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return
  Object.freeze(value)
  for (const member of Object.values(value)) freeze(member)
}
