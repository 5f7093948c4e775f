import { existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CONFIG_FILE_NAMES, ConfigProblems, formatProblem, type LoadedConfig, loadConfig } from '../config/index.ts'
import { resolveProviders } from '../providers/resolve.ts'

export const summary = 'checks the configuration file: says everything that is wrong with it, or what it comes to'

const HELP = `gatehouse check [--config FILE] [--json]

  --config   configuration file     (gatehouse.yaml in the working directory, if there)
  --json     the result as JSON`

/** `gatehouse check [--config file] [--json]`. Problems go to standard error and make the exit code 1. */
export async function run(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      config: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h' }
    }
  })
  if (values.help) return console.log(HELP)
  const path = values.config ?? CONFIG_FILE_NAMES.find(name => existsSync(name))
  try {
    const loaded = loadConfig({ path, env: process.env, readFile: name => readFileSync(name, 'utf8') })
    const summary = summarize(loaded)
    process.stdout.write(values.json ? `${JSON.stringify(summary, null, 2)}\n` : describe(summary))
  } catch (thrown) {
    if (!(thrown instanceof ConfigProblems)) throw thrown
    if (values.json) process.stdout.write(`${JSON.stringify({ ok: false, problems: thrown.problems }, null, 2)}\n`)
    else process.stderr.write(`${thrown.message}\n`)
    process.exitCode = 1
  }
}

type Summary = ReturnType<typeof summarize>

function summarize({ config, digest, sources, warnings }: LoadedConfig) {
  const { found, missing } = resolveProviders(config.providers, process.env)
  return {
    ok: true,
    file: sources.file ?? null,
    digest,
    listen: config.listen,
    auth: config.auth,
    providers: {
      found: found.map(({ name }) => name),
      missing: missing.map(({ name, variables }) => ({ name, variables }))
    },
    routes: Object.keys(config.routes),
    warnings
  }
}

function describe(summary: Summary): string {
  const { file, listen, auth, providers, routes, warnings } = summary
  const missing = providers.missing.map(({ name, variables }) => `${name} (${variables.join(' or ')})`)
  const lines = [
    ...warnings.map(warning => `warning: ${formatProblem(warning)}`),
    `OK  ${file ?? 'no file: everything at its default'}`,
    `listen     ${listen.host}:${listen.port}, auth ${auth}`,
    `providers  ${providers.found.join(', ') || 'none'}`,
    ...(missing.length > 0 ? [`not found  ${missing.join(', ')}`] : []),
    `routes     ${routes.join(', ') || 'none'}`
  ]
  return `${lines.join('\n')}\n`
}
